"""The events of a series up to a horizon, and what is new when the horizon moves on (SPEC Words: series; V5, F23).

Plans are local: the wall time keeps across changes of clocks, and what it means in a gap or a fold is said by
`booking.values.clock.instant_of`.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import takewhile

from booking.values.clock import instant_of
from booking.values.house import ClosingDay
from booking.values.recurrence import planned_days
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent, SeriesPlan


class SkippedBecause(StrEnum):
    PUBLIC_HOLIDAY = "public-holiday"
    CLOSING_DAY = "closing-day"


@dataclass(frozen=True, slots=True)
class DaysOff:
    """Public holidays with their names, and the closing days of the house and of the series' room."""

    holidays: Mapping[date, str] = field(default_factory=dict)
    closings: Sequence[ClosingDay] = ()


NO_DAYS_OFF = DaysOff()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A day of the pattern on which nothing takes place; `name` is the holiday's or the operator's own reason."""

    day: date
    because: SkippedBecause
    name: str


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """`original` is the day that the plan names: with the series it says which occurrence this is."""

    original: date
    slot: Slot


@dataclass(frozen=True, slots=True)
class Planned:
    events: tuple[PlannedEvent, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """What is to be created, and which days are left out and why. Days before now are in neither."""

    create: tuple[PlannedEvent, ...]
    skipped: tuple[Skipped, ...]


class MinimumVerdict(StrEnum):
    """Whether an event with a minimum takes place. LATER: its moment has not come; NOTHING: there is none to decide."""

    NOTHING = "nothing"
    LATER = "later"
    CONFIRM = "confirm"
    CANCEL = "cancel"


def planned_slot(plan: SeriesPlan, day: date) -> Slot:
    """The instants of the event that the plan has on that day; its length is elapsed time."""
    start = instant_of(day, plan.wall, plan.zone)
    return Slot(start, start + plan.length)


def why_skipped(day: date, plan: SeriesPlan, days_off: DaysOff) -> Skipped | None:
    """A closing day comes first, since its words are the operator's own. A series may take place on all of them."""
    if not plan.skips_holidays:
        return None
    for closing in days_off.closings:
        if closing.closes_rooms and closing.first_day <= day <= closing.last_day:
            return Skipped(day, SkippedBecause.CLOSING_DAY, closing.reason)
    if day in days_off.holidays:
        return Skipped(day, SkippedBecause.PUBLIC_HOLIDAY, days_off.holidays[day])
    return None


def planned(plan: SeriesPlan, horizon: date, days_off: DaysOff = NO_DAYS_OFF) -> Planned:
    """All events from the first day up to the horizon, that local day included, and the days skipped.

    A skipped day counts where the rule ends after a number: ten weeks with a holiday are nine events.
    """
    events, skipped = [], []
    for day in takewhile(lambda one: one <= horizon, planned_days(plan.first, plan.rule)):
        no = why_skipped(day, plan, days_off)
        if no:
            skipped.append(no)
        else:
            events.append(PlannedEvent(day, planned_slot(plan, day)))
    return Planned(tuple(events), tuple(skipped))


def extension(
    now: datetime,
    plan: SeriesPlan,
    horizon: date,
    existing: Container[date],
    removed: Container[date] = frozenset(),
    days_off: DaysOff = NO_DAYS_OFF,
) -> Extension:
    """What is new when the horizon moves; with the events created, a second run has nothing to create.

    `existing`: the originals of all events of the series, cancelled and moved ones too; `removed`: those of events that
    were deleted by hand, which never come back. Only what begins after now is created. A day whose holiday or closing
    is taken back is created by the next run.
    """
    whole = planned(plan, horizon, days_off)
    create = tuple(
        one
        for one in whole.events
        if one.slot.start > now and one.original not in existing and one.original not in removed
    )
    return Extension(create, tuple(one for one in whole.skipped if planned_slot(plan, one.day).start > now))


def minimum_verdict(now: datetime, event: CourseEvent, booked: int, *, is_confirmed: bool = False) -> MinimumVerdict:
    """Whether it takes place, decided from `decide_before` the start on, that instant included; never once it began.

    What was confirmed stays so when somebody cancels afterwards.
    """
    terms = event.terms
    if terms.minimum < 1 or event.is_cancelled or is_confirmed or now >= event.slot.start:
        return MinimumVerdict.NOTHING
    if now < event.slot.start - terms.decide_before:
        return MinimumVerdict.LATER
    return MinimumVerdict.CONFIRM if booked >= terms.minimum else MinimumVerdict.CANCEL
