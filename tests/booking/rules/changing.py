"""A yoga series on Mondays, its six events and their bookings, and short words for changing them."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from booking.rules.timetable import planned
from booking.rules.timetable_changes import change_series
from booking.values.changes import Change, ChangePlan, Reach, Series
from booking.values.recurrence import Rule
from booking.values.refusals import Refused
from booking.values.timetable import CourseEvent, EventTerms, SeriesPlan
from tests.booking.rules.classes import BERLIN, DAY, HOUR, MONDAY, NOW

THIS, LATER, ALL = Reach
WEEK = 7 * DAY
HORIZON = MONDAY + 5 * WEEK
TERMS = EventTerms(capacity=10)


def series(rule: Rule | None = None, zone: ZoneInfo = BERLIN, **more: Any) -> Series:
    plan = SeriesPlan(more.pop("first", MONDAY), time(18), HOUR, rule or Rule(), zone)
    return Series(1, plan, 2, (5,), "Yoga", TERMS)


SERIES = series()


def events_of(one: Series = SERIES, until: date = HORIZON) -> list[CourseEvent]:
    return [
        CourseEvent(number, 3, 1, 2, event.slot, one.plan.zone, TERMS, 1, event.original, trainer_ids=(5,))
        for number, event in enumerate(planned(one.plan, until).events)
    ]


EVENTS = events_of()
BOOKED = {0: (100, 101), 2: (102,), 3: (103,)}


def change(
    wish: Change,
    reach: Reach = LATER,
    at: int = 2,
    one: Series = SERIES,
    events: list[CourseEvent] | None = None,
    now: datetime = NOW,
    **more: Any,
) -> ChangePlan | Refused:
    known = events_of(one) if events is None else events
    asked = {"horizon": HORIZON, "booked": BOOKED, **more}
    return change_series(now, one, known, reach, known[at], wish, **asked)


def done(*args: Any, **more: Any) -> ChangePlan:
    verdict = change(*args, **more)
    assert isinstance(verdict, ChangePlan)
    return verdict


def codes(*args: Any, **more: Any) -> tuple[str, ...]:
    verdict = change(*args, **more)
    return verdict.codes if isinstance(verdict, Refused) else ()


def ids(plan: ChangePlan) -> list[int]:
    return [one.before.event_id for one in plan.changed]


def starts(plan: ChangePlan) -> list[str]:
    return [f"{one.after.slot.start.astimezone(BERLIN):%a %d %H:%M}" for one in plan.changed]
