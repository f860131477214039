"""The timetable: what courses take place in a week, day by day (SPEC V1, V2; FACE, Public)."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from markupsafe import Markup, escape

from booking.actions.series import HORIZON
from booking.reads.timetable import CourseLine, EventLine, course_lines, event_lines, first_event
from booking.rules.working_days import Who, who_answers
from booking.values.clock import DAY, instant_of, local_day
from booking.values.slot import Slot
from web.access import public
from web.course_words import cost_words, places_words
from web.i18n import gettext, translator
from web.portal.week import WEEK, interval_words, long_day
from web.request import house, now, read

blueprint = Blueprint("portal_courses", __name__)
FILTERS = ("course", "branch", "trainer")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for; what it cannot mean is nothing."""

    monday: date
    course: str
    branch: UUID | None
    trainer: UUID | None

    @property
    def filters(self) -> dict[str, Any]:
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    def has(self, event: EventLine) -> bool:
        fits = self.course in {"", event.course_slug} and self.branch in {None, event.branch_public_id}
        return fits and self.trainer in {None, event.trainer_public_id}


@blueprint.get("/courses")
@public
def show() -> str:
    """`?week=2026-12-05` is the week around that day, this week where none is named or it lies before."""
    chosen = _chosen()
    here = house()
    lines = [line for line in course_lines(read(), now(), here.organisation_id) if not line.archived]
    found = _events(chosen.monday, chosen.monday + WEEK)
    events = [event for event in found if chosen.has(event)]
    return render_template(
        "portal/courses.html",
        how=_how_to_book(),
        filters=_filters(chosen, lines, found),
        is_filtered=bool(chosen.filters),
        week=_week(chosen),
        days=_days(events),
        later=None if events else _later(chosen),
    )


def _chosen() -> Chosen:
    today = local_day(now(), house().zone)
    wanted = min(max(_date(request.args.get("week", "")) or today, today), today + HORIZON)
    return Chosen(
        _monday(wanted), request.args.get("course", ""), *(_uuid(request.args.get(name, "")) for name in FILTERS[1:])
    )


def _events(first: date, after: date) -> list[EventLine]:
    """What begins on these local days, each in its own branch's zone."""
    zone, midnight = house().zone, time(0)
    wide = Slot(instant_of(first - DAY, midnight, zone), instant_of(after + DAY, midnight, zone))
    found = event_lines(read(), house().organisation_id, wide)
    return [event for event in found if first <= local_day(event.slot.start, event.zone) < after]


def _days(events: list[EventLine]) -> list[dict[str, Any]]:
    today = local_day(now(), house().zone)
    near = {today: gettext("Today"), today + DAY: gettext("Tomorrow")}
    by_day: dict[date, list[EventLine]] = {}
    for event in events:
        by_day.setdefault(local_day(event.slot.start, event.zone), []).append(event)
    return [
        {
            "value": day.isoformat(),
            "label": long_day(day),
            "near": near.get(day, ""),
            "events": [_told(event) for event in kept],
        }
        for day, kept in sorted(by_day.items())
    ]


def _told(event: EventLine) -> dict[str, Any]:
    return {
        "times": translator().times(event.slot, event.zone.key),
        "title": event.title or event.course,
        "level": event.level,
        "where": " · ".join(part for part in (event.trainer, event.room, _branch(event)) if part),
        "places": f"{places_words(event.terms)} · {cost_words(event.terms, house())}",
        "cancelled": event.cancelled_at is not None,
        "reason": event.cancel_reason,
        "over": event.slot.end <= now(),
    }


def _branch(event: EventLine) -> str:
    """Only where there are several."""
    return event.branch if len({room.branch for room in house().rooms.values()}) > 1 else ""


def _filters(chosen: Chosen, lines: list[CourseLine], events: list[EventLine]) -> list[tuple[str, str, Any, str]]:
    """Name, label, choices and what is chosen. Trainers are those of the courses and of the week's events."""
    trainers = {line.trainer_public_id: line.trainer for line in lines}
    trainers |= {event.trainer_public_id: event.trainer for event in events}
    people = sorted(((str(key), name) for key, name in trainers.items() if key), key=lambda one: one[1])
    branches = sorted({(str(line.branch_public_id), line.branch) for line in lines}, key=lambda one: one[1])
    return [
        ("course", gettext("Course"), [(line.slug, line.name) for line in lines], chosen.course),
        ("branch", gettext("Branch"), branches, str(chosen.branch or "")),
        ("trainer", gettext("Trainer"), people, str(chosen.trainer or "")),
    ]


def _week(chosen: Chosen) -> dict[str, Any]:
    today = local_day(now(), house().zone)
    before, after = chosen.monday - WEEK, chosen.monday + WEEK
    return {
        "value": chosen.monday.isoformat(),
        "label": interval_words(chosen.monday, chosen.monday + 6 * DAY),
        "before": _href(chosen, before) if before >= _monday(today) else None,
        "after": _href(chosen, after) if after <= today + HORIZON else None,
    }


def _later(chosen: Chosen) -> dict[str, str] | None:
    """The first later date of the choice, for a week in which there is none."""
    since = instant_of(chosen.monday + WEEK, time(0), house().zone)
    named: dict[str, Any] = {"course_slug": chosen.course, "branch": chosen.branch, "trainer": chosen.trainer}
    event = first_event(read(), house().organisation_id, since, **named)
    if event is None:
        return None
    day = local_day(event.slot.start, event.zone)
    return {"label": long_day(day), "href": _href(chosen, day)}


def _href(chosen: Chosen, day: date) -> str:
    return url_for("portal_courses.show", week=_monday(day).isoformat(), **chosen.filters)


def _how_to_book() -> Markup:
    """Whom to ask: by phone only while somebody picks up (SPEC S14)."""
    here = house()
    answers = who_answers(now(), here.office, here.closings, here.public_holidays)
    mail = _link(f"mailto:{here.letterhead.email}", here.letterhead.email)
    if answers.who is not Who.OFFICE or not answers.phone:
        return escape(gettext("The office books your place: write to %(mail)s.")) % {"mail": mail}
    number = "".join(sign for sign in answers.phone if sign in "+0123456789")
    phone = _link(f"tel:{number}", answers.phone.replace(" ", "\u00a0"))
    text = gettext("The office books your place: call %(phone)s or write to %(mail)s.")
    return escape(text) % {"phone": phone, "mail": mail}


def _link(href: str, text: str) -> Markup:
    return Markup('<a href="%s">%s</a>') % (href, text)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
