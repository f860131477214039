"""A plan in the making: what orders share, and where one order stands. Inside of `booking.rules.orders`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from booking.rules.order_days import last_day, order_reasons, rest_reasons
from booking.values.orders import (
    Act,
    Candidate,
    EndKind,
    OrderBooking,
    OrderFacts,
    OtherBooking,
    PassFacts,
    SeriesOrder,
    Standing,
    Step,
)
from booking.values.refusals import Reason
from booking.values.slot import Slot

RANK = {state: rank for rank, state in enumerate(Standing)}
FREE_AGAIN = frozenset({Standing.RELEASED, Standing.EVENT_CANCELLED})
HELD = frozenset({Standing.ATTENDED, Standing.COMING})


class Diary:
    """Where a participant is, by day of UTC, so that asking about one event takes a look at its own days alone."""

    def __init__(self) -> None:
        self._days: dict[int, list[tuple[Slot, int]]] = {}

    def add(self, slot: Slot, event_id: int) -> None:
        for day in _days(slot):
            self._days.setdefault(day, []).append((slot, event_id))

    def remove(self, slot: Slot, event_id: int) -> None:
        for day in _days(slot):
            self._days[day] = [entry for entry in self._days[day] if entry[1] != event_id]

    def conflicts(self, slot: Slot, event_id: int) -> tuple[Reason, ...]:
        """booked-otherwise: in this event already; clash: in another one at the same time, whose id it names."""
        met = {event for day in _days(slot) for other, event in self._days.get(day, ()) if other.overlaps(slot)}
        if event_id in met:
            return (Reason("booked-otherwise"),)
        return (Reason("clash", None, {"event": min(met)}),) if met else ()


def _days(slot: Slot) -> range:
    return range(slot.start.toordinal(), slot.end.toordinal() + 1)


class Loose(NamedTuple):
    """A booking that hangs at no order, and the pass that pays for it."""

    booking_id: int
    pass_id: int | None


@dataclass(slots=True)
class Pool:
    """What orders planned together share: units, places, the participants' time; and the steps in order of writing."""

    passes: Mapping[int, PassFacts]
    units: dict[int, int | None]
    places: dict[int, int | None] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    diaries: dict[int, Diary] = field(default_factory=dict)
    loose: dict[tuple[int, int], Loose] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def rest_reasons(self, pass_id: int | None, day: date) -> tuple[Reason, ...]:
        """Why the pass that pays for a booking does not on that day; one that nobody gathered always does."""
        its_pass = None if pass_id is None else self.passes.get(pass_id)
        return rest_reasons(its_pass, day) if its_pass else ()

    def has_units(self, pass_id: int, units: int) -> bool:
        left = self.units[pass_id]
        return left is None or left >= units

    def spend(self, pass_id: int | None, units: int) -> None:
        """Reserve units, or give them back where negative. Passes that nobody gathered are not kept account of."""
        if pass_id is not None and (left := self.units.get(pass_id)) is not None:
            self.units[pass_id] = left - units

    def is_full(self, event: Candidate) -> bool:
        places = self.places[event.event_id]
        taken = places is not None and places <= 0
        return (taken or self.waiting[event.event_id] > 0) and not event.is_offered

    def take_places(self, event_id: int, number: int) -> None:
        if (places := self.places[event_id]) is not None:
            self.places[event_id] = places - number


@dataclass(slots=True)
class Run:
    """Where one order stands while its plan is made. `coming`: what it could still give back, earliest first."""

    facts: OrderFacts
    pool: Pool
    now: datetime
    ends: date | None
    events: dict[int, Candidate]
    standing: dict[int, OrderBooking]
    diary: Diary
    kept: int = 0
    dates: dict[int, Step] = field(default_factory=dict)
    coming: list[tuple[Candidate, OrderBooking]] = field(default_factory=list)
    movers: list[tuple[Candidate, OrderBooking]] = field(default_factory=list)
    lacking: list[Candidate] = field(default_factory=list)
    lacks: Counter[str] = field(default_factory=Counter)

    @property
    def order(self) -> SeriesOrder:
        return self.facts.order

    @property
    def is_complete(self) -> bool:
        count = self.order.end.count
        return count is not None and self.kept >= count

    @property
    def runs_with_pass(self) -> bool:
        return self.order.end.kind is EndKind.PASS

    def reasons(self, event: Candidate) -> tuple[Reason, ...]:
        return order_reasons(self.order, self.ends, event)

    def is_past(self, event: Candidate) -> bool:
        return event.slot.start < self.now

    def pass_on(self, day: date) -> PassFacts:
        """The order's pass on one of its days."""
        part = self.order.part_on(day) or self.order.parts[0]
        return self.pool.passes[part.pass_id]

    def note(
        self,
        act: Act,
        event: Candidate,
        reasons: tuple[Reason, ...] = (),
        *,
        changes: bool = True,
        booking_id: int | None = None,
        pass_id: int | None = None,
        units: int = 0,
    ) -> None:
        order_id = self.facts.order.order_id
        step = Step(order_id, act, event.event_id, event.day, changes, reasons, booking_id, pass_id, units)
        self.dates[event.event_id] = step
        if changes:
            self.pool.steps.append(step)

    def book(self, event: Candidate) -> None:
        """Reserve units and a place. The caller has made sure of both."""
        pass_id, before = self.pass_on(event.day).pass_id, self.standing.get(event.event_id)
        waiting = before.booking_id if before and before.state is Standing.WAITING else None
        self.pool.waiting[event.event_id] -= waiting is not None
        self.pool.spend(pass_id, event.units)
        self.pool.take_places(event.event_id, 0 if event.is_offered else 1)
        self.diary.add(event.slot, event.event_id)
        self.kept += 1
        self.note(Act.BOOK, event, booking_id=waiting, pass_id=pass_id, units=event.units)
        self.coming.append((event, OrderBooking(0, event.event_id, Standing.COMING, pass_id, event.units)))

    def give_back(self, event: Candidate, booking: OrderBooking, reasons: tuple[Reason, ...]) -> None:
        """Units come back in full, and the place is free at once (SPEC V10)."""
        self.pool.spend(booking.pass_id, -booking.units)
        self.pool.take_places(event.event_id, -1)
        self.diary.remove(event.slot, event.event_id)
        self.note(
            Act.GIVE_BACK,
            event,
            reasons,
            booking_id=booking.booking_id,
            pass_id=booking.pass_id,
            units=booking.units,
        )

    def let_go(self, event: Candidate, booking: OrderBooking, reasons: tuple[Reason, ...]) -> None:
        """It stays booked, and an order that wants the event may adopt it."""
        self.pool.loose[self.order.participant_id, event.event_id] = Loose(booking.booking_id, booking.pass_id)
        self.note(Act.LET_GO, event, reasons, booking_id=booking.booking_id)

    def giveable(self) -> Iterator[tuple[Candidate, OrderBooking]]:
        """What can be given back at no cost, the latest first: coming, and the free time not over (SPEC V15)."""
        return (entry for entry in reversed(self.coming) if self.now <= entry[0].free_until)


def make_runs(
    all_facts: Sequence[OrderFacts], passes: Mapping[int, PassFacts], now: datetime
) -> tuple[Pool, list[Run]]:
    """The pool and a run for each order, in order of their creation."""
    pool = Pool(passes, {one.pass_id: one.units for one in passes.values()})
    ordered = sorted(all_facts, key=lambda one: (one.order.created_at, one.order.order_id))
    planned = {facts.order.order_id for facts in ordered}
    runs = [_run(facts, pool, now) for facts in ordered]
    for run in runs:
        _enter_own(run)
    for run in runs:
        _enter_others(run, (one for one in run.facts.others if one.order_id not in planned))
    return pool, runs


def _run(facts: OrderFacts, pool: Pool, now: datetime) -> Run:
    order, events = facts.order, {event.event_id: event for event in facts.candidates}
    for event in facts.candidates:
        pool.places.setdefault(event.event_id, event.places)
        pool.waiting.setdefault(event.event_id, event.waiting)
    ends = last_day(order, pool.passes[order.parts[-1].pass_id])
    diary = pool.diaries.setdefault(order.participant_id, Diary())
    return Run(facts, pool, now, ends, events, _strongest(facts, events), diary)


def _strongest(facts: OrderFacts, events: Mapping[int, Candidate]) -> dict[int, OrderBooking]:
    """Of each event the booking that speaks for it. Raises ValueError where the event of one was not gathered."""
    strongest: dict[int, OrderBooking] = {}
    for booking in facts.bookings:
        if booking.event_id not in events:
            raise ValueError(f"event {booking.event_id} of a booking of order {facts.order.order_id} is no candidate")
        before = strongest.get(booking.event_id)
        if before is None or RANK[booking.state] < RANK[before.state]:
            strongest[booking.event_id] = booking
    return strongest


def _enter_own(run: Run) -> None:
    for event_id, booking in run.standing.items():
        if booking.state in HELD:
            run.diary.add(run.events[event_id].slot, event_id)


def _enter_others(run: Run, others: Iterable[OtherBooking]) -> None:
    """Bookings made otherwise, once for all orders of the participant; those of no order can be adopted."""
    participant = run.order.participant_id
    for other in others:
        if (participant, other.event_id) in run.pool.loose:
            continue
        if other.order_id is None:
            run.pool.loose[participant, other.event_id] = Loose(other.booking_id, other.pass_id)
        run.diary.add(other.slot, other.event_id)
