"""Changes of an event or of a series, and all that they bring: what the office sees before it applies them (SPEC V22).

A change has parts: *time*, *room*, *trainers*, *title*, and the names of terms. An event may have parts of its own,
named in its `own_terms`, or seen in that it differs from what its series plans; a change of the series passes those by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any

from booking.values.recurrence import Rule
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent, EventTerms, SeriesPlan

TIME, ROOM, TRAINERS, TITLE = "time", "room", "trainers", "title"
CANCELLED = "cancelled"
# What participants are told of; that an event takes more people changes nothing for those who come.
TOLD = frozenset({TIME, ROOM, TRAINERS, TITLE, "free_until"})


class Reach(StrEnum):
    """How far a change goes: this event, it and all later ones of its series, or all that have not begun."""

    THIS = "this"
    LATER = "later"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be otherwise; None and empty leave a part as it is.

    `shift_days` takes each event so many days later (earlier below 0) with its bookings. `rule` is another pattern:
    days that it does not name are cancelled, days that it names newly are created. Raises ValueError where a change is
    none or contradicts itself.
    """

    wall: time | None = None
    length: timedelta | None = None
    shift_days: int = 0
    rule: Rule | None = None
    room_id: int | None = None
    trainer_ids: tuple[int, ...] | None = None
    title: str | None = None
    terms: Mapping[str, Any] = field(default_factory=dict)
    cancels: bool = False

    def __post_init__(self) -> None:
        if self.shift_days and self.rule is not None:
            raise ValueError("days are shifted or planned anew, not both")
        if self.cancels == bool(self.parts):
            raise ValueError("a change cancels, or has parts")

    @property
    def moves_days(self) -> bool:
        return bool(self.shift_days) or self.rule is not None

    @property
    def parts(self) -> frozenset[str]:
        given = {
            TIME: self.moves_days or self.wall is not None or self.length is not None,
            ROOM: self.room_id is not None,
            TRAINERS: self.trainer_ids is not None,
            TITLE: self.title is not None,
        }
        return frozenset(name for name, is_given in given.items() if is_given) | frozenset(self.terms)


@dataclass(frozen=True, slots=True)
class Series:
    """A series as it stands. `series_id` None: one that a change brings into being."""

    series_id: int | None
    plan: SeriesPlan
    room_id: int
    trainer_ids: tuple[int, ...]
    title: str
    terms: EventTerms


@dataclass(frozen=True, slots=True)
class EventChanged:
    """`after` is the whole event as it will be; its series stands in `ChangePlan.homes`. `title`: None if unchanged."""

    before: CourseEvent
    after: CourseEvent
    parts: tuple[str, ...]
    title: str | None = None


@dataclass(frozen=True, slots=True)
class PassedBy:
    """An event that keeps these parts as its own."""

    event_id: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Affected:
    """Bookings whose people are told, and of what: parts, or *cancelled*. `after` None where it is cancelled."""

    event_id: int
    told: tuple[str, ...]
    before: Slot
    after: Slot | None
    bookings: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """The day by which an event is known in the series that goes on, where its series or that day changes."""

    event_id: int
    original: date


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """All that a change brings; nothing of it is applied yet.

    `ends`: the series at hand as it ends, the day before the change. `goes_on`: the series as changed, or the new one
    (without an id) that begins there. Both None: no series changes, or with `is_over` nothing is left of it. `homes`
    and `removed` (days deleted by hand) belong to what goes on. `over_full`: more are booked than the new capacity.
    """

    changed: tuple[EventChanged, ...] = ()
    created: tuple[tuple[date, Slot], ...] = ()
    cancelled: tuple[CourseEvent, ...] = ()
    passed_by: tuple[PassedBy, ...] = ()
    affected: tuple[Affected, ...] = ()
    over_full: tuple[int, ...] = ()
    ends: Series | None = None
    goes_on: Series | None = None
    is_over: bool = False
    homes: tuple[Home, ...] = ()
    removed: tuple[date, ...] = ()
