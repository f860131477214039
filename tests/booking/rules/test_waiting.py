"""The waiting list by examples (SPEC V16 to V18, F20)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.waiting import Line, answered, applied, may_take, next_steps, offer_until
from booking.values.refusals import Reason, Refused
from booking.values.timetable import WaitingPolicy
from booking.values.waiting import IN_LINE, STATE_AFTER, WAIT_MOVES, Pace, Step, StepKind, Waiter, WaitState
from tests.booking.rules.classes import DAY, HOUR, MINUTE, NOW, SECOND, START, event

OFFER, TELL_ALL, BOOK = WaitingPolicy.OFFER, WaitingPolicy.TELL_ALL, WaitingPolicy.BOOK
DUE = NOW + DAY  # three days are left, so an offer is held for one
ANNA, BEN, CARL = (Waiter(number, number, NOW - DAY + number * MINUTE) for number in (1, 2, 3))
OLD_ORDER = Waiter(8, 8, NOW - 90 * DAY, is_replacement=True)
NEW_ORDER = Waiter(9, 9, NOW - 30 * DAY, is_replacement=True)
NO_PASS = (Reason("no-pass-pays"),)


def line(*waiters: Waiter, taken: int = 9, policy: WaitingPolicy = OFFER, **more: Any) -> Line:
    return Line(more.pop("one", event(waiting=policy)), taken, waiters, **more)


def held(waiter: Waiter, until: datetime = DUE) -> Waiter:
    return replace(waiter, state=WaitState.OFFERED, until=until)


def plain(steps: tuple[Step, ...]) -> list[tuple[str, int]]:
    return [(step.kind.value, step.entry_id) for step in steps]


@pytest.mark.rule("V18")
@pytest.mark.parametrize(
    ("left", "held_for"),
    [
        (30 * DAY, DAY),
        (3 * DAY, DAY),
        (3 * DAY - 3 * MINUTE, DAY - MINUTE),
        (6 * HOUR, 2 * HOUR),
        (100 * MINUTE, 33 * MINUTE),
        (61 * MINUTE, 20 * MINUTE),
        (HOUR + SECOND, 20 * MINUTE),
        (HOUR, None),
        (MINUTE, None),
        (-MINUTE, None),
    ],
)
def test_an_offer_is_held_for_a_third_of_what_is_left_a_day_at_most(
    left: timedelta, held_for: timedelta | None
) -> None:
    now = START - left
    assert offer_until(now, START) == (None if held_for is None else now + held_for)


@pytest.mark.rule("V18")
def test_a_short_offer_is_held_for_the_least() -> None:
    assert offer_until(START - HOUR, START, Pace(quiet=15 * MINUTE)) == START - HOUR + 20 * MINUTE
    assert offer_until(START - 40 * MINUTE, START, Pace(quiet=15 * MINUTE)) == START - 25 * MINUTE


@pytest.mark.rule("V18")
@given(st.timedeltas(SECOND, 40 * DAY), st.timedeltas(timedelta(0), 40 * DAY))
def test_the_time_of_an_offer_only_shrinks_and_ends_before_the_start(left: timedelta, later: timedelta) -> None:
    now = START - left
    until, then = offer_until(now, START), offer_until(now + later, START)
    assert until is None or now + 15 * MINUTE <= until < START
    if then is not None:
        assert until is not None
        assert then - (now + later) <= until - now


def test_the_shortest_pace_is_a_minute_and_half_of_the_rest() -> None:
    assert offer_until(START - 10 * MINUTE, START, Pace(share=2, shortest=MINUTE, quiet=MINUTE)) == START - 5 * MINUTE


@pytest.mark.parametrize(
    "wrong",
    [
        {"shortest": timedelta(0)},
        {"shortest": 2 * HOUR},
        {"quiet": MINUTE},
        {"share": 1},
        {"longest": 10 * MINUTE},
    ],
)
def test_a_pace_whose_offers_could_reach_the_start_is_none(wrong: Any) -> None:
    with pytest.raises(ValueError, match="offers need"):
        Pace(**wrong)


@pytest.mark.rule("V17", "V18")
def test_the_first_in_line_is_offered_the_place_and_only_they() -> None:
    assert next_steps(NOW, line(BEN, CARL, ANNA)) == (Step(StepKind.OFFER, 1, DUE),)
    assert plain(next_steps(NOW, line(BEN, CARL, ANNA, taken=8))) == [("offer", 1), ("offer", 2)]
    assert next_steps(NOW, line(BEN, CARL, ANNA, taken=10)) == ()
    assert next_steps(NOW, line(held(ANNA), BEN)) == ()
    assert line(held(ANNA), BEN, held(CARL)).held == 2


@pytest.mark.rule("V18")
@pytest.mark.parametrize(
    ("now", "expected"), [(DUE, []), (DUE + timedelta(microseconds=1), [("lapse", 1), ("offer", 2)])]
)
def test_an_offer_holds_with_its_last_instant_then_the_next_has_their_turn(now: datetime, expected: Any) -> None:
    one = line(held(ANNA), BEN)
    assert plain(next_steps(now, one)) == expected
    verdict = may_take(now, one, 1)
    assert (verdict.codes if verdict else ()) == (("offer-over",) if expected else ())


@pytest.mark.rule("V18")
def test_a_declined_offer_goes_to_the_next_and_a_taken_one_to_nobody() -> None:
    declined, taken = answered(held(ANNA), WaitState.DECLINED), answered(held(ANNA), WaitState.BOOKED)
    assert plain(next_steps(NOW, line(declined, BEN))) == [("offer", 2)]
    assert next_steps(NOW, line(taken, BEN, taken=10)) == ()


@pytest.mark.rule("V17")
def test_all_are_told_once_for_each_time_that_a_place_frees() -> None:
    one = line(ANNA, BEN, policy=TELL_ALL, freed_at=NOW)
    assert plain(next_steps(NOW, one)) == [("tell", 1), ("tell", 2)]
    told = applied(NOW, one, next_steps(NOW, one))
    assert next_steps(NOW + HOUR, replace(told, freed_at=None)) == ()
    assert next_steps(NOW + HOUR, told) == ()
    again = replace(told, freed_at=NOW + HOUR, waiters=(*told.waiters, replace(CARL, told_at=NOW + HOUR)))
    assert plain(next_steps(NOW + HOUR, again)) == [("tell", 1), ("tell", 2)]
    assert next_steps(NOW + HOUR, replace(again, taken=10)) == ()


@pytest.mark.rule("V18")
def test_the_first_who_can_be_booked_is_booked_at_once() -> None:
    assert plain(next_steps(NOW, line(ANNA, BEN, policy=BOOK))) == [("book", 1)]
    stuck = replace(ANNA, obstacles=NO_PASS)
    assert plain(next_steps(NOW, line(stuck, BEN, policy=BOOK))) == [("book", 2)]
    assert next_steps(NOW, line(stuck, policy=BOOK)) == ()


@pytest.mark.rule("V18", "F20")
@pytest.mark.parametrize("policy", [OFFER, TELL_ALL, BOOK])
def test_people_come_before_replacements_and_those_by_age_of_their_order(policy: WaitingPolicy) -> None:
    first = {OFFER: "offer", TELL_ALL: "tell", BOOK: "book"}[policy]
    late = replace(ANNA, since=NOW)
    both = (NEW_ORDER, OLD_ORDER)
    assert plain(next_steps(NOW, line(*both, late, policy=policy))) == [(first, 1)]
    assert plain(next_steps(NOW, line(*both, late, policy=policy, taken=8))) == [(first, 1), ("book", 8)]
    assert plain(next_steps(NOW, line(*both, policy=policy))) == [("book", 8)]
    stuck = replace(OLD_ORDER, obstacles=NO_PASS)
    assert plain(next_steps(NOW, line(NEW_ORDER, stuck, policy=policy))) == [("book", 9)]


@pytest.mark.rule("V18")
def test_replacements_wait_while_a_place_is_held_for_a_person() -> None:
    assert next_steps(NOW, line(held(ANNA), OLD_ORDER)) == ()


@pytest.mark.rule("V18")
@pytest.mark.parametrize("policy", [OFFER, TELL_ALL, BOOK])
def test_in_the_last_hour_nothing_is_held_and_nobody_booked_unasked_but_people_are_told(policy: WaitingPolicy) -> None:
    one = line(ANNA, OLD_ORDER, policy=policy, taken=5, freed_at=NOW)
    assert plain(next_steps(START - HOUR, one)) == [("tell", 1)]
    first = {OFFER: "offer", TELL_ALL: "tell", BOOK: "book"}[policy]
    assert plain(next_steps(START - HOUR - SECOND, one)) == [(first, 1), ("book", 8)]


@pytest.mark.rule("V16")
def test_where_nobody_can_wait_any_more_nothing_is_offered() -> None:
    assert next_steps(NOW, line(ANNA, OLD_ORDER, policy=WaitingPolicy.NONE)) == ()


@pytest.mark.rule("V18")
def test_the_line_ends_with_the_start_or_when_the_event_is_cancelled() -> None:
    ended = [("close", 1), ("close", 2)]
    both = (held(ANNA), BEN)
    assert next_steps(START - SECOND, line(held(ANNA, START), BEN)) == ()
    assert plain(next_steps(START, line(*both))) == ended
    assert plain(next_steps(NOW, line(*both, one=event(cancelled_at=NOW)))) == ended
    closed = applied(START, line(*both), next_steps(START, line(*both)))
    assert {one.state for one in closed.waiters} == {WaitState.EXPIRED}
    assert next_steps(START, closed) == ()


@pytest.mark.rule("V16")
def test_offers_beyond_a_smaller_capacity_are_withdrawn_from_the_last_in_line() -> None:
    one = line(held(BEN), held(ANNA), held(CARL), taken=7, one=event(capacity=8))
    assert plain(next_steps(NOW, one)) == [("withdraw", 2), ("withdraw", 3)]
    after = applied(NOW, one, next_steps(NOW, one))
    assert [waiter.state for waiter in after.in_order] == [WaitState.OFFERED, WaitState.WAITING, WaitState.WAITING]
    assert next_steps(NOW, after) == ()
    full = line(held(ANNA), taken=12, one=event(capacity=10))
    assert plain(next_steps(NOW, full)) == [("withdraw", 1)]


@pytest.mark.rule("V17")
@pytest.mark.parametrize(
    ("now", "waiter", "cancelled", "expected"),
    [
        (NOW, held(ANNA), None, ()),
        (NOW, ANNA, None, ("no-such-offer",)),
        (NOW, BEN, None, ("no-such-offer",)),
        (NOW, replace(held(ANNA), state=WaitState.DECLINED), None, ("offer-over",)),
        (NOW, held(ANNA), NOW, ("event-cancelled",)),
        (START, held(ANNA, START), None, ("event-begun",)),
    ],
)
def test_an_offer_is_taken_while_it_is_held(now: datetime, waiter: Waiter, cancelled: Any, expected: Any) -> None:
    verdict = may_take(now, line(waiter, one=event(cancelled_at=cancelled)), 1)
    assert (verdict.codes if isinstance(verdict, Refused) else ()) == expected


def test_an_entry_moves_only_by_the_table() -> None:
    with pytest.raises(ValueError, match="never becomes"):
        answered(ANNA, WaitState.DECLINED)
    assert set(WAIT_MOVES) == set(WaitState)
    assert set(STATE_AFTER) == set(StepKind)
    assert all((state in IN_LINE) is bool(moves) for state, moves in WAIT_MOVES.items())
