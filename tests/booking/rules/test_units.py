"""The ledger of a pass (SPEC F20, V11, V20)."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.units import Ledger, consume, correct, expire, give_back, reserve, sale, use
from booking.values.passes import UnitEntry, UnitEntryKind
from booking.values.refusals import Reason, Refused
from tests.booking.rules.studio import DAY, MONDAY, unhurried

K = UnitEntryKind
UNCOUNTED = Ledger(counted=False)


def sold(units: int) -> Ledger:
    return Ledger(sale(units))


def after(ledger: Ledger, *steps: Any) -> Ledger:
    """The ledger after steps (function, arguments), none of which may be refused."""
    for step, *arguments in steps:
        entries = step(ledger, *arguments)
        assert not isinstance(entries, Refused)
        ledger = ledger.with_more(entries)
    return ledger


@pytest.mark.rule("O13", "O14")
def test_a_sale_writes_what_was_sold_and_nothing_where_visits_are_not_counted() -> None:
    assert sale(10) == (UnitEntry(K.SALE, 10),)
    assert sale(None) == ()
    with pytest.raises(ValueError, match="at least one"):
        sale(0)


@pytest.mark.rule("F20")
def test_units_are_reserved_once_and_only_what_a_booking_lacks() -> None:
    ledger = sold(3)
    assert reserve(ledger, 1, 2) == (UnitEntry(K.RESERVE, -2, 1),)
    ledger = after(ledger, (reserve, 1, 2))
    assert (ledger.left, ledger.held(1), ledger.reserved) == (1, 2, 2)
    assert reserve(ledger, 1, 2) == ()
    assert reserve(ledger, 1, 3) == (UnitEntry(K.RESERVE, -1, 1),)


@pytest.mark.rule("V7")
@pytest.mark.parametrize(("units", "refused"), [(1, False), (3, False), (4, True)])
def test_more_than_is_left_is_refused_with_the_numbers(units: int, *, refused: bool) -> None:
    verdict = reserve(sold(3), 1, units)
    assert isinstance(verdict, Refused) is refused
    if refused:
        assert verdict == Refused((Reason("no-units", None, {"left": 3, "needed": 4}),))
        assert consume(sold(3), 1, units) == verdict


@pytest.mark.rule("V20")
def test_using_what_was_reserved_adds_nothing_whatever_the_event_would_cost_today() -> None:
    ledger = after(sold(3), (reserve, 1, 2))
    assert consume(ledger, 1, 99) == (UnitEntry(K.CONSUME, 0, 1),)
    used = after(ledger, (consume, 1, 2))
    assert (used.left, used.held(1), used.reserved, used.is_used(1)) == (1, 2, 0, True)
    assert consume(used, 1, 2) == ()


@pytest.mark.rule("V20")
def test_a_walk_in_takes_its_units_at_the_mark() -> None:
    assert consume(sold(3), 1, 1) == (UnitEntry(K.CONSUME, -1, 1),)
    assert consume(after(sold(3), (consume, 1, 1)), 1, 1) == ()
    assert use(sold(3), 1) == ()


@pytest.mark.rule("V20")
def test_a_mark_that_is_taken_back_leaves_the_units_reserved() -> None:
    used = after(sold(3), (reserve, 1, 2), (consume, 1, 2))
    assert reserve(used, 1, 2) == (UnitEntry(K.RESERVE, 0, 1),)
    again = after(used, (reserve, 1, 2))
    assert (again.left, again.reserved, again.is_used(1)) == (1, 2, False)


@pytest.mark.rule("V11")
def test_what_a_booking_holds_comes_back_once_reserved_or_used() -> None:
    for steps in ([(reserve, 1, 2)], [(reserve, 1, 2), (consume, 1, 2)], [(consume, 1, 2)]):
        ledger = after(sold(3), *steps)
        assert give_back(ledger, 1, "ill") == (UnitEntry(K.GIVE_BACK, 2, 1, "ill"),)
        back = after(ledger, (give_back, 1))
        assert (back.left, back.held(1), back.is_used(1)) == (3, 0, False)
        assert give_back(back, 1) == ()
    assert give_back(sold(3), 1) == ()


def test_each_booking_has_its_own_units() -> None:
    ledger = after(sold(3), (reserve, 1, 1), (reserve, 2, 1), (consume, 2, 1), (give_back, 1))
    assert (ledger.left, ledger.held(1), ledger.held(2), ledger.reserved) == (2, 0, 1, 0)


@pytest.mark.rule("O34")
@pytest.mark.parametrize(("today", "gone"), [(MONDAY, 0), (MONDAY + DAY, 2)], ids=["on the last day", "the day after"])
def test_the_night_after_the_last_day_takes_what_is_left_but_not_what_is_booked(today: date, gone: int) -> None:
    ledger = after(sold(3), (reserve, 1, 1))
    entries = expire(ledger, MONDAY, today)
    assert entries == ((UnitEntry(K.EXPIRE, -gone),) if gone else ())


@pytest.mark.rule("O34")
def test_the_second_night_takes_nothing_but_what_came_back_meanwhile() -> None:
    night = MONDAY + DAY
    ledger = after(sold(3), (reserve, 1, 1), (expire, MONDAY, night))
    assert expire(ledger, MONDAY, night) == ()
    assert expire(after(ledger, (give_back, 1)), MONDAY, night) == (UnitEntry(K.EXPIRE, -1),)
    assert expire(sold(3), None, night) == ()


@pytest.mark.parametrize(
    ("units", "reason", "codes"),
    [
        (1, "gift", ()),
        (-3, "sold wrongly", ()),
        (-4, "sold wrongly", ("units-below-zero",)),
        (0, "why", ("out-of-range",)),
        (1001, "why", ("out-of-range",)),
        (1000, "why", ()),
        (-4, "  ", ("units-below-zero", "missing")),
    ],
)
def test_a_correction_has_a_reason_and_leaves_nothing_below_zero(
    units: int, reason: str, codes: tuple[str, ...]
) -> None:
    verdict = correct(sold(3), units, reason)
    assert (verdict.codes if isinstance(verdict, Refused) else ()) == codes
    if not codes:
        assert verdict == (UnitEntry(K.CORRECT, units, reason=reason),)


def test_a_pass_for_any_number_of_visits_has_no_ledger() -> None:
    assert reserve(UNCOUNTED, 1, 5) == consume(UNCOUNTED, 1, 5) == give_back(UNCOUNTED, 1) == ()
    assert expire(UNCOUNTED, MONDAY, MONDAY + DAY) == ()
    assert correct(UNCOUNTED, 1, "gift") == Refused((Reason("not-counted", "units"),))


def top_up(_ledger: Ledger, units: int) -> tuple[UnitEntry, ...]:
    return sale(units)


bookings = st.integers(1, 3)
steps = st.one_of(
    st.tuples(st.sampled_from([reserve, consume]), bookings, st.integers(0, 4)),
    st.tuples(st.sampled_from([give_back, use]), bookings),
    st.tuples(st.just(expire), st.just(MONDAY), st.sampled_from([MONDAY, MONDAY + DAY])),
    st.tuples(st.just(correct), st.integers(-4, 4), st.just("counted")),
    st.tuples(st.just(top_up), st.integers(1, 5)),
)


@pytest.mark.rule("F20", "V20")
@unhurried
@given(st.integers(1, 8), st.lists(steps, max_size=20))
def test_whatever_happens_the_sum_is_what_is_left_and_never_below_zero(units: int, walk: list[Any]) -> None:
    ledger = sold(units)
    for step, *arguments in walk:
        entries = step(ledger, *arguments)
        if isinstance(entries, Refused):
            continue
        ledger = ledger.with_more(entries)
        assert ledger.left == sum(entry.units for entry in ledger.entries) >= 0
        assert all(ledger.held(booking) >= 0 for booking in (1, 2, 3))
        added = sum(one.units for one in ledger.entries if one.booking_id is None)
        assert added == ledger.left + sum(ledger.held(booking) for booking in (1, 2, 3))
        if step not in {correct, top_up}:
            again = step(ledger, *arguments)
            assert not isinstance(again, Refused)
            assert ledger.with_more(again).left == ledger.left
