"""Series bookings as the planner sees them (SPEC F): the order, the facts that a caller gathers, the plan.

Days are local days of the branch, instants aware UTC. All values are frozen; nothing here knows a table.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from booking.values.refusals import Reason
from booking.values.slot import Slot


class WhenFull(StrEnum):
    """What an order does with an event that is full; either way it counts on (SPEC F20)."""

    SKIP = "skip"
    WAIT = "wait"


class EndKind(StrEnum):
    PASS = "pass"  # noqa: S105 - a pass of a studio
    DAY = "day"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class End:
    """With the pass (SPEC F8), on the local day `day`, inclusive (F12), or after `count` events (F15).

    `chosen_at`: freezes entered later move `day` (F21); those known when it was chosen do not. Raises ValueError where
    the kind lacks its day and moment, or a count of at least 1.
    """

    kind: EndKind = EndKind.PASS
    day: date | None = None
    count: int | None = None
    chosen_at: datetime | None = None

    def __post_init__(self) -> None:
        if (self.kind is EndKind.DAY) is not (self.day is not None and self.chosen_at is not None):
            raise ValueError("an end on a day, and no other, has a day and the moment when it was chosen")
        if (self.kind is EndKind.COUNT) is not (self.count is not None and self.count >= 1):
            raise ValueError("an end after events, and no other, has a count of at least 1")


WITH_THE_PASS = End()


def on_day(day: date, chosen_at: datetime) -> End:
    return End(EndKind.DAY, day=day, chosen_at=chosen_at)


def after_events(count: int) -> End:
    return End(EndKind.COUNT, count=count)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Local days from `first` to `last`, both inclusive; without end where `last` is None."""

    first: date
    last: date | None = None

    def __post_init__(self) -> None:
        if self.last is not None and self.last < self.first:
            raise ValueError(f"a stretch ends before it begins: {self.first} to {self.last}")

    def __contains__(self, day: date) -> bool:
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class Part:
    """From this local day on: these series, paid by this pass. A change from a later day on is a part (SPEC F18)."""

    first: date
    series_ids: frozenset[int]
    pass_id: int


@dataclass(frozen=True, slots=True)
class SeriesOrder:
    """The order that books a participant into many events and keeps it so (SPEC Words, F1 to F23).

    `parts` in order of their first days, which differ; the first part begins the order (F7). In `pauses` nothing is
    booked. From the local day `stopped` on nothing is booked any more. A late cancellation or no-show is replaced
    unless it `counts_…` as kept, which the organisation sets (F20). Raises ValueError on parts that are none or
    unordered.
    """

    order_id: int
    created_at: datetime
    participant_id: int
    parts: tuple[Part, ...]
    end: End = WITH_THE_PASS
    when_full: WhenFull = WhenFull.SKIP
    pauses: tuple[Stretch, ...] = ()
    stopped: date | None = None
    counts_late_cancellations: bool = False
    counts_no_shows: bool = False

    def __post_init__(self) -> None:
        days = [part.first for part in self.parts]
        if not days or any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("an order has at least one part, each beginning after the one before")

    def part_on(self, day: date) -> Part | None:
        """What holds on a day; None before the order begins."""
        for part in reversed(self.parts):
            if part.first <= day:
                return part
        return None

    def changed(
        self, since: date, *, series_ids: frozenset[int] | None = None, pass_id: int | None = None
    ) -> "SeriesOrder":
        """The order with other series, or another pass, from a local day on; later parts give way (SPEC F18)."""
        before = tuple(part for part in self.parts if part.first < since)
        last = self.part_on(since) or self.parts[0]
        part = Part(since, last.series_ids if series_ids is None else series_ids, pass_id or last.pass_id)
        return replace(self, parts=(*before, part))


@dataclass(frozen=True, slots=True)
class Freeze:
    """Local days in which a pass rests, both inclusive; it has moved the pass's last day already (SPEC O38)."""

    first: date
    last: date
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class PassFacts:
    """What a pass gives, as it stood inside the transaction.

    `units`: neither consumed nor reserved, None where visits are not counted. `first` and `last`: the local days on
    which it can be used, None where not fixed. `bookable_until`: the day to which a running contract can be booked
    now, the end of its minimum term, later the earliest day on which it could end (SPEC F10, F11, F14); None for
    other passes.
    """

    pass_id: int
    units: int | None = None
    first: date | None = None
    last: date | None = None
    bookable_until: date | None = None
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event for one order's participant.

    `free_until`: the last instant at which giving the place back costs nothing (SPEC V15). `places`: neither booked
    nor held by an offer, None for no limit. `waiting`: how many wait for the event; while somebody does, free
    places are theirs (V18). `is_offered`: a place, none of `places`, is held for this participant. `can_wait`: it
    has a waiting list. `refusals`: why admission refuses this participant on that date: limits of the pass, age,
    club card…, all but units, the pass's days, places and clashes, which are judged here. What is only too far
    ahead is no refusal: leave it out and say so by `OrderFacts.events_until`.
    """

    event_id: int
    series_id: int
    slot: Slot
    day: date
    free_until: datetime
    units: int = 1
    places: int | None = None
    waiting: int = 0
    is_offered: bool = False
    can_wait: bool = False
    is_cancelled: bool = False
    refusals: tuple[Reason, ...] = ()


class Standing(StrEnum):
    """What became of a booking of the order, the most telling first: it speaks for the event where it has several.

    RELEASED: given back by the order itself, so it may book the event again, as after EVENT_CANCELLED, should the event
    come back. EXCUSED: excused, sick, to be made up. What a person cancelled or deleted is not booked again unasked.
    """

    ATTENDED = "attended"
    COMING = "coming"
    WAITING = "waiting"
    NO_SHOW = "no-show"
    CANCELLED_LATE = "cancelled-late"
    EXCUSED = "excused"
    CANCELLED_IN_TIME = "cancelled-in-time"
    DELETED = "deleted"
    EVENT_CANCELLED = "event-cancelled"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class OrderBooking:
    """A booking, or a place in the waiting list, that hangs at the order.

    `pass_id` and `units`: what is reserved or consumed for it, None where money paid. `adopted`: made otherwise; the
    order counts it, never moves it to another pass, and lets it go rather than give it back.
    """

    booking_id: int
    event_id: int
    state: Standing
    pass_id: int | None
    units: int = 1
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class OtherBooking:
    """A booking of the participant, coming or attended, that does not hang at this order.

    `order_id` names another order that it hangs at: such a one is in the way, but is not adopted. `pass_id`: what pays.
    """

    booking_id: int
    event_id: int
    slot: Slot
    order_id: int | None = None
    pass_id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """All that the plan of one order depends on, as it stood inside the transaction.

    `candidates`: events of the order's series from its first day on, and the event of each of its bookings, in any
    order; those already past matter only where the participant is booked. `events_until`: the last local day for
    which the series' events are there; None where no more will come. `skipped`: events on the order's skipped list.
    `keeping`: a change asked to keep what is booked. `wish`: a skipped event that a person wants taken now (SPEC
    F20).
    """

    order: SeriesOrder
    candidates: Sequence[Candidate]
    bookings: Sequence[OrderBooking] = ()
    others: Sequence[OtherBooking] = ()
    skipped: Collection[int] = frozenset()
    events_until: date | None = None
    keeping: bool = False
    wish: int | None = None


class Act(StrEnum):
    """What happens with one event.

    BOOK reserves units. ADOPT hangs a booking made otherwise at the order. WAIT joins, or stays in, the waiting list;
    LEAVE leaves it. MOVE takes the units from the new pass and gives them back to the old. GIVE_BACK cancels: state
    RELEASED, all units back, the place free. LET_GO keeps the booking, which no longer hangs at the order. KEEP changes
    nothing. SKIP: not booked, for the reasons. OPEN: on the skipped list, but nothing speaks against it any more.
    """

    BOOK = "book"
    ADOPT = "adopt"
    WAIT = "wait"
    LEAVE = "leave"
    MOVE = "move"
    GIVE_BACK = "give-back"
    LET_GO = "let-go"
    KEEP = "keep"
    SKIP = "skip"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Step:
    """What happens with one event, and why. `changes`: something is to be written.

    A SKIP that changes is put on the skipped list; BOOK, ADOPT and WAIT take the event off it. `units` of `pass_id` are
    reserved, or given back; MOVE reserves them on `pass_id` and frees the pass that the booking had.
    """

    order_id: int
    act: Act
    event_id: int
    day: date
    changes: bool
    reasons: tuple[Reason, ...] = ()
    booking_id: int | None = None
    pass_id: int | None = None
    units: int = 0


class Waits(StrEnum):
    """What makes an order go on by itself (SPEC F22)."""

    TOP_UP = "top-up"
    RENEWAL = "renewal"
    NEW_PASS = "new-pass"  # or a later last day of this one  # noqa: S105 - a pass of a studio
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Summary:
    """Where the order stands once the plan is applied.

    `kept`: attended, coming, and what else counts; `coming` of these lie ahead. `wanted`: the N of *after N
    events*, else None. `short`: how many of N, or how many known events up to its day, it does not have, for the
    reasons `why`. An order with the pass is never short: where the pass ends it ends, but it `waits_for` more.
    `last`: the last local day that is kept. `ends`: its own last day, moved by freezes; None where a count or the
    pass ends it.
    """

    kept: int
    coming: int
    wanted: int | None
    short: int
    why: tuple[Reason, ...]
    waits_for: tuple[Waits, ...]
    last: date | None
    ends: date | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One order's plan: `dates` has every event that concerns it, by start, as a preview shows them (SPEC F19)."""

    order_id: int
    dates: tuple[Step, ...]
    summary: Summary

    @property
    def skipped(self) -> tuple[Step, ...]:
        """Dates on which nothing is booked, with the reasons; OPEN ones can be taken with one click (SPEC F20)."""
        return tuple(step for step in self.dates if step.act in {Act.SKIP, Act.OPEN})


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans of several orders. `steps`: what is to be written, in this order, so that units never run below 0."""

    steps: tuple[Step, ...]
    by_order: Mapping[int, Plan] = field(default_factory=dict)
