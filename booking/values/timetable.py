"""Courses, series and their events as rules see them (SPEC Words, V1 to V22).

A series is a local plan: days, a wall time, a zone; its events are instants. What an event asks for lies in its terms,
which are the series' unless the event has some of its own.
"""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from booking.values.clock import local_day
from booking.values.money import Cents
from booking.values.recurrence import Rule
from booking.values.slot import Slot

FREE = Cents(0)


class WaitingPolicy(StrEnum):
    """What happens when a place frees (SPEC V16 to V18). NONE: nobody can wait.

    OFFER: the first in line is offered it for a while, then the next. TELL_ALL: all are told, who is first has it.
    BOOK: the first in line has it at once.
    """

    NONE = "none"
    OFFER = "offer"
    TELL_ALL = "tell_all"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class EventTerms:
    """What an event offers and asks for.

    `minimum`: with fewer booked at `decide_before` the start it is cancelled, else confirmed; 0: it takes place anyway.
    `online`: customers book it themselves (SPEC V5). A place costs `units` of a pass, or `price` where no pass pays; it
    is free with both 0. Cancelling is free until `free_until` before the start, that instant included (SPEC V15).
    """

    capacity: int
    minimum: int = 0
    decide_before: timedelta = timedelta(hours=24)
    online: bool = True
    units: int = 1
    price: Cents = FREE
    free_until: timedelta = timedelta(hours=24)
    waiting: WaitingPolicy = WaitingPolicy.OFFER

    def with_own(self, own: dict[str, Any]) -> "EventTerms":
        """These terms with those of the event itself. Raises TypeError on a name that is none of them."""
        return replace(self, **own)


TERM_NAMES = tuple(one.name for one in fields(EventTerms))


@dataclass(frozen=True, slots=True)
class SeriesPlan:
    """When a series takes place: on the rule's days from `first` on, at `wall` for `length` of elapsed time.

    `skips_holidays`: not on public holidays, nor on days on which the house or the room is closed.
    """

    first: date
    wall: time
    length: timedelta
    rule: Rule
    zone: ZoneInfo
    skips_holidays: bool = True


@dataclass(frozen=True, slots=True)
class CourseEvent:
    """One occurrence of a course. `original`: the local day for which its series planned it, None for a single event.

    `own_terms` names what it has of its own, so that a change of the series passes it by: terms by their name, and the
    parts *time*, *room*, *trainers*, *title* (`booking.values.changes`).
    """

    event_id: int
    course_id: int
    branch_id: int
    room_id: int
    slot: Slot
    zone: ZoneInfo
    terms: EventTerms
    series_id: int | None = None
    original: date | None = None
    own_terms: frozenset[str] = frozenset()
    trainer_ids: tuple[int, ...] = ()
    cancelled_at: datetime | None = None

    @property
    def day(self) -> date:
        """The local day on which it starts."""
        return local_day(self.slot.start, self.zone)

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled_at is not None

    @property
    def free_until(self) -> datetime:
        """The last instant at which cancelling costs nothing (SPEC V15)."""
        return self.slot.start - self.terms.free_until
