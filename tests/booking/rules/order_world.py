"""A studio in memory: events, passes, orders and bookings, and a writer of plans that believes no step unchecked."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count, pairwise

from booking.rules.orders import plan_orders
from booking.values.orders import (
    Act,
    Candidate,
    Freeze,
    OrderBooking,
    OrderFacts,
    OtherBooking,
    Part,
    PassFacts,
    Plan,
    Plans,
    SeriesOrder,
    Standing,
    Step,
)
from booking.values.slot import Slot
from tests.booking.rules.houses import HOUR, MINUTE, at

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
MONDAYS, THURSDAYS, LATE_MONDAYS = 1, 2, 3  # the late ones overlap the others by half an hour
FIRST_MONDAY = date(2026, 9, 7)
START = at(FIRST_MONDAY - DAY, 12)
ANNA, BEN = 1, 2
CARD = 1
SPENT = frozenset({Standing.ATTENDED, Standing.COMING, Standing.NO_SHOW, Standing.CANCELLED_LATE})
HERE = frozenset({Standing.ATTENDED, Standing.COMING})


def monday(week: int) -> date:
    return FIRST_MONDAY + week * WEEK


@dataclass(slots=True)
class Row:
    booking_id: int
    event_id: int
    participant_id: int
    state: Standing
    order_id: int | None = None
    pass_id: int | None = None
    units: int = 0
    adopted: bool = False


@dataclass(slots=True)
class Event:
    candidate: Candidate
    capacity: int = 10


@dataclass
class Studio:
    now: datetime = START
    events: dict[int, Event] = field(default_factory=dict)
    passes: dict[int, PassFacts] = field(default_factory=dict)  # with all their units; those in use are in the rows
    orders: dict[int, SeriesOrder] = field(default_factory=dict)
    rows: dict[int, Row] = field(default_factory=dict)
    skipped: dict[int, set[int]] = field(default_factory=dict)
    offered: set[tuple[int, int]] = field(default_factory=set)  # event and participant
    events_until: date | None = None
    ids: Iterator[int] = field(default_factory=lambda: count(1000))

    def weekly(self, series_id: int, weeks: int, *, since: date = FIRST_MONDAY, capacity: int = 10) -> None:
        """Events of a series, with ids that tell series and week: 103 is the fourth of series 1."""
        offset, minute = {MONDAYS: (0, 0), THURSDAYS: (3, 0), LATE_MONDAYS: (0, 30)}[series_id]
        for week in range(weeks):
            day = since + offset * DAY + week * WEEK
            start = at(day, 18, minute)
            event_id = series_id * 100 + (day - FIRST_MONDAY).days // 7
            event = Candidate(event_id, series_id, Slot(start, start + HOUR), day, start - 24 * HOUR, can_wait=True)
            self.events[event_id] = Event(event, capacity)

    def change(self, event_id: int, **fields: object) -> None:
        self.events[event_id].candidate = replace(self.events[event_id].candidate, **fields)  # type: ignore[arg-type]

    def sell(self, pass_id: int = CARD, units: int | None = 10, **fields: object) -> None:
        self.passes[pass_id] = PassFacts(pass_id, units, **fields)  # type: ignore[arg-type]

    def set_pass(self, pass_id: int = CARD, **fields: object) -> None:
        self.passes[pass_id] = replace(self.passes[pass_id], **fields)  # type: ignore[arg-type]

    def freeze(self, first: date, last: date, pass_id: int = CARD) -> None:
        """As the rule of passes does: it moves the last day by as many days."""
        card = self.passes[pass_id]
        longer = None if card.last is None else card.last + (last - first) + DAY
        self.set_pass(pass_id, last=longer, freezes=(*card.freezes, Freeze(first, last, self.now)))

    def order(
        self, *series: int, participant: int = ANNA, pass_id: int = CARD, first: date = FIRST_MONDAY, **fields: object
    ) -> int:
        order_id = len(self.orders) + 1
        created = START + len(self.orders) * MINUTE
        part = Part(first, frozenset(series or {MONDAYS}), pass_id)
        self.orders[order_id] = SeriesOrder(order_id, created, participant, (part,), **fields)  # type: ignore[arg-type]
        self.skipped[order_id] = set()
        return order_id

    def set_order(self, order_id: int = 1, **fields: object) -> None:
        self.orders[order_id] = replace(self.orders[order_id], **fields)  # type: ignore[arg-type]

    def book(self, event_id: int, participant: int = ANNA, state: Standing = Standing.COMING) -> int:
        """A booking made otherwise, paid by money."""
        booking_id = next(self.ids)
        self.rows[booking_id] = Row(booking_id, event_id, participant, state)
        return booking_id

    def fill(self, event_id: int, left: int = 0) -> None:
        for stranger in range(900, 900 + self.places(event_id) - left):
            self.book(event_id, stranger)

    def become(self, event_id: int, state: Standing, order_id: int = 1) -> None:
        """What happens to the order's booking in an event, or to its place in the waiting list."""
        next(
            row
            for row in reversed(self.rows.values())
            if row.event_id == event_id and row.order_id == order_id and row.state in {*SPENT, Standing.WAITING}
        ).state = state

    def cancel_event(self, event_id: int) -> None:
        """As the operator does: everything is returned."""
        self.change(event_id, is_cancelled=True)
        for row in self.rows.values():
            if row.event_id == event_id and row.state in {Standing.COMING, Standing.WAITING}:
                row.state = Standing.EVENT_CANCELLED

    def slot(self, row: Row) -> Slot:
        return self.events[row.event_id].candidate.slot

    def places(self, event_id: int) -> int:
        taken = sum(row.event_id == event_id and row.state in HERE for row in self.rows.values())
        return self.events[event_id].capacity - taken

    def units(self, pass_id: int = CARD) -> int | None:
        """What is neither consumed nor reserved."""
        granted = self.passes[pass_id].units
        if granted is None:
            return None
        return granted - sum(row.units for row in self.rows.values() if row.pass_id == pass_id and row.state in SPENT)

    def facts(self, order_id: int = 1, *, keeping: bool = False, wish: int | None = None) -> OrderFacts:
        order = self.orders[order_id]
        own = [row for row in self.rows.values() if row.order_id == order_id]
        others = [row for row in self.rows.values() if row.participant_id == order.participant_id]
        return OrderFacts(
            order=order,
            candidates=[self._candidate(event_id, order.participant_id) for event_id in self.events],
            bookings=[
                OrderBooking(row.booking_id, row.event_id, row.state, row.pass_id, row.units, adopted=row.adopted)
                for row in own
            ],
            others=[
                OtherBooking(row.booking_id, row.event_id, self.slot(row), row.order_id, row.pass_id)
                for row in others
                if row.state in HERE and row.order_id != order_id
            ],
            skipped=frozenset(self.skipped[order_id]),
            events_until=self.events_until,
            keeping=keeping,
            wish=wish,
        )

    def _candidate(self, event_id: int, participant: int) -> Candidate:
        held = sum(event == event_id for event, _ in self.offered)
        return replace(
            self.events[event_id].candidate,
            places=self.places(event_id) - held,
            waiting=sum(row.event_id == event_id and row.state is Standing.WAITING for row in self.rows.values()),
            is_offered=(event_id, participant) in self.offered,
        )

    def plans(self, *order_ids: int, keeping: bool = False, wish: int | None = None) -> Plans:
        """The plans of these orders, or of all."""
        chosen = order_ids or tuple(self.orders)
        facts = [self.facts(one, keeping=keeping, wish=wish if one == chosen[0] else None) for one in chosen]
        free = {one: replace(card, units=self.units(one)) for one, card in self.passes.items()}
        return plan_orders(facts, free, self.now)

    def night(self, *order_ids: int, keeping: bool = False, wish: int | None = None) -> Plan:
        """Plan and write; returns the plan of the first order."""
        plans = self.plans(*order_ids, keeping=keeping, wish=wish)
        for step in plans.steps:
            self.write(step)
        return plans.by_order[(order_ids or tuple(self.orders))[0]]

    def write(self, step: Step) -> None:
        """Raises AssertionError on a step that no database would take."""
        assert step.changes
        if step.act is Act.SKIP:
            self.skipped[step.order_id].add(step.event_id)
            return
        if step.act in {Act.BOOK, Act.ADOPT, Act.WAIT}:
            self.skipped[step.order_id].discard(step.event_id)
        if step.act in {Act.BOOK, Act.WAIT}:
            self._enter(step)
        else:
            assert step.booking_id is not None
            self._rewrite(step, self.rows[step.booking_id])
        self.check()

    def _enter(self, step: Step) -> None:
        if step.booking_id is not None:
            assert self.rows[step.booking_id].state is Standing.WAITING
            self.rows[step.booking_id].state = Standing.RELEASED
        state = Standing.COMING if step.act is Act.BOOK else Standing.WAITING
        participant, booking_id = self.orders[step.order_id].participant_id, next(self.ids)
        new = Row(booking_id, step.event_id, participant, state, step.order_id, step.pass_id, step.units)
        self.rows[booking_id] = new

    def _rewrite(self, step: Step, row: Row) -> None:
        if step.act is Act.ADOPT:
            assert row.order_id is None
            row.order_id, row.adopted = step.order_id, True
            return
        assert row.order_id == step.order_id
        if step.act is Act.LET_GO:
            row.order_id, row.adopted = None, False
        elif step.act is Act.MOVE:
            row.pass_id = step.pass_id
        else:
            assert row.state is (Standing.WAITING if step.act is Act.LEAVE else Standing.COMING)
            row.state = Standing.RELEASED

    def check(self) -> None:
        """Places are never over capacity, units never below 0, nobody twice in one event nor in two at a time."""
        assert all(self.places(event_id) >= 0 for event_id in self.events)
        assert all((self.units(pass_id) or 0) >= 0 for pass_id in self.passes)
        for participant in {order.participant_id for order in self.orders.values()}:
            slots = sorted(
                self.slot(row) for row in self.rows.values() if row.participant_id == participant and row.state in HERE
            )
            assert not any(one.overlaps(other) for one, other in pairwise(slots))


def acts(plan: Plan, *wanted: Act) -> list[int]:
    """The events to which one of these happens, by start."""
    return [step.event_id for step in plan.dates if step.act in wanted]


def codes(plan: Plan, event_id: int) -> tuple[str, ...]:
    """Why, of one event."""
    return next(tuple(reason.code for reason in step.reasons) for step in plan.dates if step.event_id == event_id)
