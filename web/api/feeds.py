"""Feeds: made and revoked by program (SPEC C1, X3)."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions.feeds import make_feed, revoke
from booking.reads.feeds import feed_of
from booking.reads.house import House
from booking.reads.requests import request_by
from booking.reads.timetable import course_line, series_names
from booking.rules.permissions import Capability
from booking.values.feeds import FeedChoices
from booking.values.refusals import NotFound, Reason, Refused
from booking.values.states import SubjectKind
from booking.values.tokens import token_of
from web.access import token
from web.api import models
from web.api.frame import effect, refusal, responses
from web.api.part import ApiPart
from web.context import current
from web.request import actor, house, now, organisation_id, read, tools, write

CHOICES = {field.name for field in fields(FeedChoices)}

feeds = ApiPart("api_feeds", __name__)


@feeds.post("/feeds", summary="Make a calendar feed", responses=responses(models.FeedMade, 201, 404, 409))
@token(Capability.FEEDS_OFFICE)
def make(body: models.FeedBody) -> Response:
    target_id = _target(body)
    if isinstance(target_id, Refused):
        return refusal(target_id)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = make_feed(
            session,
            now(),
            tools().link_key,
            organisation_id=inside.organisation_id,
            kind=body.kind,
            target_id=target_id,
            name=body.name,
            choices=FeedChoices(**body.model_dump(include=CHOICES)),
            actor=actor(),
        )
        if isinstance(made, Refused):
            return made
        return models.FeedMade(id=made[0].public_id, kind=body.kind, name=made[0].name, url="")

    return effect(work, 201, dress=_with_url)


@feeds.delete(
    "/feeds/<uuid:feed_id>", summary="Revoke a feed: gone within a second", responses=responses(models.Model, 204, 404)
)
@token(Capability.FEEDS_OFFICE)
def delete(path: models.FeedPath) -> Response:
    """A second time changes nothing, so it needs no key."""
    feed = feed_of(read(), organisation_id(), path.feed_id)
    mine = organisation_id()
    write(lambda db: revoke(db, now(), organisation_id=mine, feed_id=feed.feed_id, actor=actor()), nudge=False)
    return Response(status=204)


def _target(body: models.FeedBody) -> int | Refused:
    """Whose calendar: what the member of that name says, else the house's own. Raises NotFound."""
    if body.kind not in _NAMED:
        return organisation_id()
    named: UUID | None = getattr(body, body.kind.value)
    return _NAMED[body.kind](named) if named else _missing(body.kind.value)


def _course(public_id: UUID) -> int:
    return course_line(read(), now(), organisation_id(), public_id).course_id


def _series(public_id: UUID) -> int:
    for one in series_names(read(), organisation_id()):
        if one.public_id == public_id:
            return one.series_id
    raise NotFound("series", public_id)


_NAMED: dict[SubjectKind, Callable[[UUID], int]] = {
    SubjectKind.ROOM: lambda public_id: house().room_by(public_id=public_id).room_id,
    SubjectKind.BOOKING: lambda public_id: request_by(read(), organisation_id(), public_id).booking_id,
    SubjectKind.COURSE: _course,
    SubjectKind.SERIES: _series,
}


def _missing(member: str) -> Refused:
    return Refused((Reason("missing", member),))


def _with_url(body: dict[str, Any]) -> dict[str, Any]:
    """The address is derived again for each answer: what is stored under a key holds no secret."""
    feed = feed_of(read(), organisation_id(), UUID(body["id"]))
    token_now = token_of(tools().link_key, feed.public_id, feed.generation)
    return {**body, "url": f"{current().settings.base_url}/feeds/{token_now}.ics"}
