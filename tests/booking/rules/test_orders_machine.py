"""A studio at random, by day and by night: whatever people do, the night brings every order to where it should be."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from booking.values.orders import (
    WITH_THE_PASS,
    Candidate,
    EndKind,
    Plan,
    SeriesOrder,
    Standing,
    Stretch,
    Summary,
    WhenFull,
    after_events,
    on_day,
)
from tests.booking.rules.houses import BERLIN
from tests.booking.rules.order_world import (
    ANNA,
    BEN,
    DAY,
    HERE,
    LATE_MONDAYS,
    MONDAYS,
    THURSDAYS,
    WEEK,
    Row,
    Studio,
    monday,
)
from tests.fixtures.soak import scale

pytestmark = [pytest.mark.soak, pytest.mark.rule("F1", "F13", "F16", "F20", "F22", "F23")]

WEEKS = 9
ANY = st.integers(0, 99)
PASSES = st.sampled_from([1, 2])
SERIES = st.sets(st.sampled_from([MONDAYS, THURSDAYS, LATE_MONDAYS]), min_size=1)
ENDS = st.sampled_from(EndKind)
DECLINED = frozenset(Standing) - {*HERE, Standing.WAITING, Standing.RELEASED, Standing.EVENT_CANCELLED}


def kept(studio: Studio, order: SeriesOrder) -> int:
    """Counted from the bookings themselves, one for each event."""
    counts = {*HERE}
    if order.counts_no_shows:
        counts.add(Standing.NO_SHOW)
    if order.counts_late_cancellations:
        counts.add(Standing.CANCELLED_LATE)
    own = [row for row in studio.rows.values() if row.order_id == order.order_id and row.state in counts]
    return len({row.event_id for row in own})


class Machine(RuleBasedStateMachine):
    studio: Studio

    @initialize(
        capacity=st.integers(1, 3),
        units=st.integers(2, 9),
        contract=st.booleans(),
        cost=st.integers(1, 3),
        full=st.sets(st.sampled_from([101, 103, 200, 203, 302])),
        waits=st.sampled_from(WhenFull),
        series=SERIES,
        kind=ENDS,
    )
    def open(
        self,
        capacity: int,
        units: int,
        contract: bool,
        cost: int,
        full: set[int],
        waits: WhenFull,
        series: set[int],
        kind: EndKind,
    ) -> None:
        self.studio = Studio(events_until=monday(WEEKS) - DAY)
        for series_id in (MONDAYS, THURSDAYS, LATE_MONDAYS):
            self.studio.weekly(series_id, WEEKS, capacity=capacity)
        self.studio.change(202, units=cost)
        self.studio.sell(1, units=units, last=monday(7))
        self.studio.sell(2, **({"units": None, "bookable_until": monday(4)} if contract else {"units": 3}))
        for event_id in full:
            self.studio.fill(event_id)
        self.make_an_order({MONDAYS, THURSDAYS}, ANNA, 1, EndKind.COUNT, 6, waits, counts=False)
        self.make_an_order(series, BEN, 2, kind, 3, waits, counts=True)

    @rule(
        series=SERIES,
        participant=st.sampled_from([ANNA, BEN]),
        pass_id=PASSES,
        kind=ENDS,
        count=st.integers(1, 9),
        waits=st.sampled_from(WhenFull),
        counts=st.booleans(),
    )
    @precondition(lambda self: len(self.studio.orders) < 4)
    def make_an_order(
        self, series: set[int], participant: int, pass_id: int, kind: EndKind, count: int, waits: WhenFull, counts: bool
    ) -> None:
        self.studio.order(
            *series,
            participant=participant,
            pass_id=pass_id,
            first=self.today,
            when_full=waits,
            counts_no_shows=counts,
            counts_late_cancellations=not counts,
        )
        self.change_the_end(len(self.studio.orders) - 1, kind, count, keeping=False)

    @rule(which=ANY, kind=ENDS, count=st.integers(1, 9), keeping=st.booleans())
    def change_the_end(self, which: int, kind: EndKind, count: int, keeping: bool) -> None:
        ends = {
            EndKind.PASS: WITH_THE_PASS,
            EndKind.DAY: on_day(self.today + count * WEEK, self.studio.now),
            EndKind.COUNT: after_events(count),
        }
        self._change(which, lambda order: replace(order, end=ends[kind]), keeping=keeping)

    @rule(which=ANY, after=st.integers(0, 21), series=SERIES, pass_id=PASSES, keeping=st.booleans())
    def change_series_and_pass(self, which: int, after: int, series: set[int], pass_id: int, keeping: bool) -> None:
        since = self.today + after * DAY
        self._change(
            which, lambda order: order.changed(since, series_ids=frozenset(series), pass_id=pass_id), keeping=keeping
        )

    @rule(which=ANY, after=st.integers(0, 21), length=st.sampled_from([0, 8, None]), keeping=st.booleans())
    def pause(self, which: int, after: int, length: int | None, keeping: bool) -> None:
        first = self.today + after * DAY
        pause = Stretch(first, None if length is None else first + length * DAY)
        self._change(which, lambda order: replace(order, pauses=(pause,)), keeping=keeping)

    @rule(which=ANY)
    def go_on(self, which: int) -> None:
        self._change(which, lambda order: replace(order, pauses=(), stopped=None), keeping=False)

    @rule(which=ANY, after=st.integers(0, 21), keeping=st.booleans())
    def stop(self, which: int, after: int, keeping: bool) -> None:
        self._change(which, lambda order: replace(order, stopped=self.today + after * DAY), keeping=keeping)

    def _change(self, which: int, change: Callable[[SeriesOrder], SeriesOrder], *, keeping: bool) -> None:
        if not self.studio.orders:
            return
        order = self.studio.orders[which % len(self.studio.orders) + 1]
        self.studio.orders[order.order_id] = change(order)
        self.studio.night(order.order_id, keeping=keeping)

    @rule(which=ANY, deleted=st.booleans())
    def cancel_or_delete(self, which: int, deleted: bool) -> None:
        if row := self._some(which, Standing.COMING):
            in_time = self.studio.now <= self.event(row).free_until
            cancelled = Standing.CANCELLED_IN_TIME if in_time else Standing.CANCELLED_LATE
            row.state = Standing.DELETED if deleted else cancelled

    @rule(which=ANY)
    def take_a_skipped_date(self, which: int) -> None:
        wishes = [(order_id, event_id) for order_id, ids in self.studio.skipped.items() for event_id in sorted(ids)]
        if wishes:
            order_id, event_id = wishes[which % len(wishes)]
            self.studio.night(order_id, wish=event_id)

    @rule(which=ANY)
    def offer_a_place(self, which: int) -> None:
        row = self._some(which, Standing.WAITING)
        if row and row.order_id and self.studio.places(row.event_id):
            self.studio.offered.add((row.event_id, row.participant_id))
            self.studio.night(row.order_id, wish=row.event_id)
            self.studio.offered.clear()

    @rule(event=ANY, leave=st.booleans())
    def strangers_come_and_leave(self, event: int, leave: bool) -> None:
        event_id = self._event_id(event)
        inside = [row for row in self.studio.rows.values() if row.event_id == event_id and row.participant_id >= 900]
        if leave and inside:
            del self.studio.rows[inside[0].booking_id]
        elif not leave:
            self.studio.fill(event_id)

    @rule(event=ANY, participant=st.sampled_from([ANNA, BEN]))
    def book_otherwise(self, event: int, participant: int) -> None:
        event_id = self._event_id(event)
        slot = self.studio.events[event_id].candidate.slot
        mine = [row for row in self.studio.rows.values() if row.participant_id == participant and row.state in HERE]
        free = self.studio.places(event_id) > 0 and not any(self.event(row).slot.overlaps(slot) for row in mine)
        if free and slot.start > self.studio.now and not self.studio.events[event_id].candidate.is_cancelled:
            self.studio.book(event_id, participant)

    @rule(event=ANY)
    def operator_cancels(self, event: int) -> None:
        self.studio.cancel_event(self._event_id(event))

    @rule(pass_id=PASSES, after=st.integers(0, 14), length=st.integers(0, 14))
    def freeze(self, pass_id: int, after: int, length: int) -> None:
        first, last = self.today + after * DAY, self.today + (after + length) * DAY
        frozen = self.studio.passes[pass_id].freezes
        if all(last < one.first or one.last < first for one in frozen):
            self.studio.freeze(first, last, pass_id)

    @rule(pass_id=PASSES, units=st.integers(1, 4))
    def top_up(self, pass_id: int, units: int) -> None:
        if (granted := self.studio.passes[pass_id].units) is not None:
            self.studio.set_pass(pass_id, units=granted + units)

    @rule(pass_id=PASSES)
    def renew(self, pass_id: int) -> None:
        card = self.studio.passes[pass_id]
        until = None if card.bookable_until is None else card.bookable_until + 4 * WEEK
        self.studio.set_pass(pass_id, last=None, bookable_until=until)

    @rule(pass_id=PASSES, after=st.integers(-1, 60))
    def end_pass(self, pass_id: int, after: int) -> None:
        self.studio.set_pass(pass_id, last=self.today + after * DAY)

    @rule(hours=st.sampled_from([1, 20, 24 * 3, 24 * 7]), mark=st.sampled_from([*HERE, Standing.NO_SHOW]))
    def time_passes(self, hours: int, mark: Standing) -> None:
        self.studio.now += timedelta(hours=hours)
        for row in self.studio.rows.values():
            if row.state is Standing.COMING and self.event(row).slot.end <= self.studio.now and row.order_id:
                row.state = mark

    @rule(which=ANY)
    def correct_a_mark(self, which: int) -> None:
        if row := self._some(which, Standing.NO_SHOW):
            row.state = Standing.ATTENDED

    @rule()
    def more_events_come(self) -> None:
        if self.studio.events_until == monday(WEEKS) - DAY:
            self.studio.weekly(MONDAYS, 4, since=monday(WEEKS))
            self.studio.events_until = None

    @rule()
    def night(self) -> None:
        """The night job once, and what it must have brought about; a second one finds nothing to do."""
        if not self.studio.orders:
            return
        before = self.studio.plans()
        self.studio.night()
        after = self.studio.plans()
        assert after.steps == ()
        for order_id, plan in after.by_order.items():
            assert plan.summary == before.by_order[order_id].summary
            self._stands_where_it_should(self.studio.orders[order_id], plan)

    def teardown(self) -> None:
        if hasattr(self, "studio"):
            self.night()

    @invariant()
    def nothing_is_booked_twice_or_beyond(self) -> None:
        if hasattr(self, "studio"):
            self.studio.check()

    def _stands_where_it_should(self, order: SeriesOrder, plan: Plan) -> None:
        summary = plan.summary
        assert summary.kept == kept(self.studio, order)
        if order.end.count is not None:
            self._says_what_it_lacks(order, summary)
        if order.end.count is None or summary.kept < order.end.count:
            missed = [event_id for event_id in self.studio.events if self._could_book(order, plan, event_id)]
            assert missed == []

    def _says_what_it_lacks(self, order: SeriesOrder, summary: Summary) -> None:
        count = order.end.count or 0
        own = [row for row in self.studio.rows.values() if row.order_id == order.order_id]
        if summary.kept > count:
            coming = [self.event(row) for row in own if row.state is Standing.COMING]
            assert not [
                one for one in coming if one.slot.start >= self.studio.now and one.free_until >= self.studio.now
            ]
        elif order.stopped is None:
            assert summary.short == count - summary.kept
            assert sum(int(reason.values["events"]) for reason in summary.why) == summary.short

    def _could_book(self, order: SeriesOrder, plan: Plan, event_id: int) -> bool:
        """Whether an event was forgotten: by hand, one question after the other, with no thought of speed."""
        event = self.studio.events[event_id].candidate
        part = order.part_on(event.day)
        rows = [row for row in self.studio.rows.values() if row.event_id == event_id]
        mine = [row for row in self.studio.rows.values() if row.participant_id == order.participant_id]
        busy = [self.event(row).slot for row in mine if row.state in HERE]
        own = [row.state for row in rows if row.order_id == order.order_id]
        if part is None or event.series_id not in part.series_ids or event_id in self.studio.skipped[order.order_id]:
            return False
        card, left = self.studio.passes[part.pass_id], self.studio.units(part.pass_id)
        lasts = [day for day in (card.last, card.bookable_until, plan.summary.ends) if day is not None]
        return (
            event.slot.start >= self.studio.now
            and not event.is_cancelled
            and not any(event.day in pause for pause in order.pauses)
            and (order.stopped is None or event.day < order.stopped)
            and all(event.day <= day for day in lasts)
            and not any(one.first <= event.day <= one.last for one in card.freezes)
            and (left is None or left >= event.units)
            and self.studio.places(event_id) > 0
            and not any(row.state is Standing.WAITING for row in rows)
            and not any(slot.overlaps(event.slot) for slot in busy)
            and not any(state in DECLINED for state in own)
        )

    @property
    def today(self) -> date:
        return self.studio.now.astimezone(BERLIN).date()

    def event(self, row: Row) -> Candidate:
        return self.studio.events[row.event_id].candidate

    def _event_id(self, which: int) -> int:
        return list(self.studio.events)[which % len(self.studio.events)]

    def _some(self, which: int, state: Standing) -> Row | None:
        rows = [row for row in self.studio.rows.values() if row.state is state and row.order_id]
        rows = [row for row in rows if self.event(row).slot.start >= self.studio.now or state is Standing.NO_SHOW]
        return rows[which % len(rows)] if rows else None


TestOrders = Machine.TestCase
TestOrders.settings = settings(
    max_examples=scale(1000),
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
