"""Calendar feeds of rooms, courses, office and desk: made, named, rotated, revoked; who fetched them (C1, C4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import segno
from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.feeds import lay_out_series, make_feed, rename, revoke, rotate
from booking.reads.agenda import Whose
from booking.reads.feeds import HOUSE_KINDS, FeedInfo, feed_of, house_feeds
from booking.reads.timetable import course_names, series_names
from booking.rules.permissions import Capability
from booking.values.refusals import NotFound, Refused
from booking.values.states import SubjectKind
from booking.values.tokens import token_of
from web import feed_choices
from web.access import require
from web.context import current
from web.course_words import rule_words
from web.i18n import gettext
from web.reasons import message, messages
from web.request import actor, house, now, organisation_id, read, tools, write
from web.security import private

blueprint = Blueprint("office_feeds", __name__, url_prefix="/office/feeds")


@dataclass(frozen=True, slots=True)
class Target:
    """Whose calendar, by its key in the form. `offered`: a new one can be made of it."""

    key: str
    label: str
    whose: Whose
    offered: bool = True


@blueprint.get("")
@require(Capability.FEEDS_OFFICE)
def index() -> str:
    return _list()


@blueprint.post("")
@require(Capability.FEEDS_OFFICE)
def make() -> AnyResponse:
    """Make a feed and go to the page with its address."""
    target, typed = _target(request.form.get("whose", "")), _typed()
    errors = {} if target else {"whose": [gettext("Please choose whose calendar it is.")]}
    choices = feed_choices.chosen(typed)
    if isinstance(choices, dict):
        errors |= choices
    if target is None or isinstance(choices, dict):
        return make_response(_list(typed=typed, errors=errors), 422)
    made = write(
        lambda db: make_feed(
            db,
            now(),
            tools().link_key,
            organisation_id=organisation_id(),
            kind=target.kind,
            target_id=target.target_id,
            name=typed["name"],
            choices=choices,
            actor=actor(),
        ),
        nudge=False,
    )
    if isinstance(made, Refused):
        found = messages(made)
        return make_response(_list(typed=typed, errors={key or "whose": texts for key, texts in found.items()}), 422)
    flash(gettext("The calendar is made."), "ok")
    return redirect(url_for("office_feeds.show", feed=made[0].public_id))


@blueprint.get("/<uuid:feed>")
@require(Capability.FEEDS_OFFICE)
def show(feed: UUID) -> Response:
    """The address, as text, as a link for the calendar program, and as a QR code."""
    info = _ours(feed)
    url = _url(info)
    page = render_template(
        "office/feeds_one.html",
        feed=info,
        whose=_whose_name(info.whose),
        choices=info.choices,
        series_options=feed_choices.options()["series"],
        series_now=feed_choices.series_typed(info.choices),
        words=feed_choices,
        url=url,
        webcal=f"webcal:{url.partition(':')[2]}",
        qr=segno.make(url, error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff"),
    )
    return private(make_response(page))


@blueprint.post("/<uuid:feed>/rotate")
@require(Capability.FEEDS_OFFICE)
def renew(feed: UUID) -> AnyResponse:
    info = _ours(feed)
    done = write(
        lambda db: rotate(
            db,
            now(),
            tools().link_key,
            organisation_id=organisation_id(),
            feed_id=info.feed_id,
            actor=actor(),
        ),
        nudge=False,
    )
    if isinstance(done, Refused):
        flash(gettext("This calendar was ended. Please make a new one."), "stop")
    else:
        flash(gettext("It has a new address; the former one ends at once."), "ok")
    return redirect(url_for("office_feeds.show", feed=feed))


@blueprint.post("/<uuid:feed>/name")
@require(Capability.FEEDS_OFFICE)
def name_anew(feed: UUID) -> AnyResponse:
    info, name = _ours(feed), request.form.get("name", "")
    done = write(
        lambda db: rename(db, now(), organisation_id=organisation_id(), feed_id=info.feed_id, name=name, actor=actor()),
        nudge=False,
    )
    if isinstance(done, Refused):
        flash(message(done.reasons[0]), "stop")
    else:
        flash(gettext("Saved."), "ok")
    return redirect(url_for("office_feeds.show", feed=feed))


@blueprint.post("/<uuid:feed>/series")
@require(Capability.FEEDS_OFFICE)
def series_anew(feed: UUID) -> AnyResponse:
    info, expanded = _ours(feed), feed_choices.SERIES.get(request.form.get("series", ""))
    if expanded is None:
        flash(gettext("Please choose one of the list."), "stop")
        return redirect(url_for("office_feeds.show", feed=feed))
    mine = organisation_id()
    done = write(
        lambda db: lay_out_series(
            db, now(), organisation_id=mine, feed_id=info.feed_id, expanded=expanded, actor=actor()
        ),
        nudge=False,
    )
    if isinstance(done, Refused):
        flash(message(done.reasons[0]), "stop")
    else:
        flash(gettext("Saved."), "ok")
    return redirect(url_for("office_feeds.show", feed=feed))


@blueprint.post("/<uuid:feed>/revoke")
@require(Capability.FEEDS_OFFICE)
def end(feed: UUID) -> AnyResponse:
    info = _ours(feed)
    write(
        lambda db: revoke(db, now(), organisation_id=organisation_id(), feed_id=info.feed_id, actor=actor()),
        nudge=False,
    )
    flash(gettext("The calendar has ended; nobody can fetch it any more."), "ok")
    return redirect(url_for("office_feeds.index"))


def _list(typed: dict[str, str] | None = None, errors: dict[str, list[str]] | None = None) -> str:
    targets, found = _targets(), house_feeds(read(), organisation_id())
    groups = [(one.label, [_line(feed) for feed in found if feed.whose == one.whose]) for one in targets]
    return render_template(
        "office/feeds.html",
        groups=[(label, lines) for label, lines in groups if lines],
        targets=[("", gettext("Please choose"))] + [(one.key, one.label) for one in targets if one.offered],
        options=feed_choices.options(),
        typed=typed or {"whose": "", "name": "", **feed_choices.fresh(house().language)},
        errors=errors or {},
    )


def _line(feed: FeedInfo) -> dict[str, Any]:
    return {
        "feed": feed,
        "variant": feed_choices.variants()[feed.choices.variant],
        "last": max((one.at for one in feed.fetches), default=None),
    }


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("whose", "name")} | feed_choices.typed_in(request.form)


def _targets() -> list[Target]:
    """What the house makes calendars of, in the order of the list."""
    mine = house().organisation_id
    return [
        Target("office", gettext("Office: all rooms"), Whose(mine, SubjectKind.OFFICE, mine)),
        Target("desk", gettext("Desk: its doors"), Whose(mine, SubjectKind.DESK, mine)),
        *(
            Target(
                f"room-{room.public_id}",
                gettext("Room: %(name)s", name=room.name),
                Whose(mine, SubjectKind.ROOM, room.room_id),
            )
            for room in house().rooms.values()
        ),
        *_studio(mine),
    ]


def _studio(mine: int) -> Iterator[Target]:
    """Courses, then their series by course and plan."""
    for one in course_names(read(), mine):
        label, whose = gettext("Course: %(name)s", name=one.name), Whose(mine, SubjectKind.COURSE, one.course_id)
        yield Target(f"course-{one.public_id}", label, whose, not one.archived)
    for line in series_names(read(), mine):
        name = f"{line.course}, {rule_words(line.plan)}"
        label, whose = gettext("Series: %(name)s", name=name), Whose(mine, SubjectKind.SERIES, line.series_id)
        yield Target(f"series-{line.public_id}", label, whose, not line.ended)


def _target(key: str) -> Whose | None:
    return next((one.whose for one in _targets() if one.key == key and one.offered), None)


def _whose_name(whose: Whose) -> str:
    return next((one.label for one in _targets() if one.whose == whose), "")


def _ours(feed: UUID) -> FeedInfo:
    """The feed, if it is one of the house's own; a customer's is theirs."""
    info = feed_of(read(), organisation_id(), feed)
    if info.whose.kind not in HOUSE_KINDS:
        raise NotFound("feed", feed)
    return info


def _url(info: FeedInfo) -> str:
    token = token_of(tools().link_key, info.public_id, info.generation)
    return f"{current().settings.base_url}/feeds/{token}.ics"
