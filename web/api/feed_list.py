"""The house's feeds by program: list, change, give another address (SPEC C1, X3, X12). Making and ending: `feeds`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions.feeds import lay_out_series, rename, rotate
from booking.reads.feeds import HOUSE_KINDS, FeedInfo, feed_of, house_feeds, is_made_by_customer
from booking.reads.house import House
from booking.reads.timetable import course_names, series_names
from booking.rules.permissions import Capability
from booking.values.refusals import NotFound, Refused
from booking.values.states import SubjectKind
from booking.values.tokens import token_of
from web.access import token
from web.api import feed_models as models
from web.api.feeds import feeds
from web.api.frame import answer, effect, responses
from web.api.models import FeedPath
from web.api.parts import not_to_keep, unkept
from web.context import current
from web.request import actor, house, now, organisation_id, read, tools

Names = Mapping[tuple[SubjectKind, int], UUID]

__all__ = ["feeds"]  # with these calls on it: of two blueprints with one path the description would hold the last alone


@feeds.get(
    "/feeds",
    summary="The feeds of office, desk, rooms, courses and series, newest first",
    responses=responses(models.Feeds),
)
@token(Capability.FEEDS_OFFICE)
def page() -> Response:
    """Without their addresses. Revoked ones are listed too."""
    found = house_feeds(read(), organisation_id())
    names = _names(read(), house())
    return answer(models.Feeds(feeds=[models.Feed(**_facts(one, names)) for one in found]))


@feeds.get(
    "/feeds/<uuid:feed_id>", summary="One feed with its address", responses=responses(models.FeedWithUrl, 200, 404)
)
@token(Capability.FEEDS_OFFICE)
def show(path: FeedPath) -> Response:
    feed = _feed(read(), path.feed_id)
    return unkept(models.FeedWithUrl(**_facts(feed, _names(read(), house())), url=_url(feed)))


@feeds.post(
    "/feeds/<uuid:feed_id>/rotate",
    summary="Another address; the former ends at once",
    responses=responses(models.FeedWithUrl, 200, 404, 409),
)
@token(Capability.FEEDS_OFFICE)
def renew(path: FeedPath) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        known, mine = _feed(session, path.feed_id), inside.organisation_id
        key = tools().link_key
        done = rotate(session, now(), key, organisation_id=mine, feed_id=known.feed_id, actor=actor())
        if isinstance(done, Refused):
            return done
        return models.FeedWithUrl(**_facts(_feed(session, path.feed_id), _names(session, inside)), url=None)

    return not_to_keep(effect(work, dress=_with_url))


@feeds.patch(
    "/feeds/<uuid:feed_id>",
    summary="Give another name, which subscribers see; lay out series in another way",
    responses=responses(models.Feed, 200, 404, 409),
)
@token(Capability.FEEDS_OFFICE)
def change(path: FeedPath, body: models.FeedChange) -> Response:
    """All that is named or nothing."""

    def work(session: Session, inside: House) -> BaseModel | Refused:
        known, done = _feed(session, path.feed_id), None
        which: Any = {"organisation_id": inside.organisation_id, "feed_id": known.feed_id, "actor": actor()}
        if body.name is not None:
            done = rename(session, now(), name=body.name, **which)
        if body.series_expanded is not None and not isinstance(done, Refused):
            done = lay_out_series(session, now(), expanded=body.series_expanded, **which)
        if isinstance(done, Refused):
            return done
        return models.Feed(**_facts(_feed(session, path.feed_id), _names(session, inside)))

    return effect(work)


def _feed(session: Session, feed_id: UUID) -> FeedInfo:
    """A feed of the house, or one of a booking that no customer made; customers' own are theirs alone."""
    found = feed_of(session, organisation_id(), feed_id)
    is_for_booking = found.whose.kind is SubjectKind.BOOKING
    if found.whose.kind in HOUSE_KINDS or (is_for_booking and not is_made_by_customer(session, found)):
        return found
    raise NotFound("feed", feed_id)


def _with_url(body: dict[str, Any]) -> dict[str, Any]:
    """The address is derived again for each answer: what is stored under a key holds no secret."""
    return {**body, "url": _url(_feed(read(), UUID(body["id"])))}


def _url(feed: FeedInfo) -> str | None:
    if feed.revoked_at is not None:
        return None
    token_now = token_of(tools().link_key, feed.public_id, feed.generation)
    return f"{current().settings.base_url}/feeds/{token_now}.ics"


def _names(session: Session, here: House) -> Names:
    """The public ids of what feeds are of."""
    mine = here.organisation_id
    return (
        {(SubjectKind.ROOM, room.room_id): room.public_id for room in here.rooms.values()}
        | {(SubjectKind.COURSE, one.course_id): one.public_id for one in course_names(session, mine)}
        | {(SubjectKind.SERIES, one.series_id): one.public_id for one in series_names(session, mine)}
    )


def _facts(feed: FeedInfo, names: Names) -> dict[str, Any]:
    kind = feed.whose.kind
    named = names.get((kind, feed.whose.target_id))
    return {
        "id": feed.public_id,
        "kind": kind,
        "room": named if kind is SubjectKind.ROOM else None,
        "course": named if kind is SubjectKind.COURSE else None,
        "series": named if kind is SubjectKind.SERIES else None,
        "name": feed.name,
        **asdict(feed.choices),
        "made_at": feed.made_at,
        "revoked_at": feed.revoked_at,
        "last_fetched_at": max((one.at for one in feed.fetches), default=None),
    }
