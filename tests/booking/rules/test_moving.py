"""Cancelling and moving (SPEC S18, S27, Y6)."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from booking.rules.moving import (
    EXTERNAL_CANCEL,
    Actor,
    CancelTerms,
    ExternalChange,
    MoveBy,
    Rise,
    cancel_terms,
    may_cancel,
    move_by,
    step_reasons,
)
from booking.values.clock import instant_of
from booking.values.house import CancelStep
from booking.values.money import Cents
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState
from tests.booking.rules.houses import BERLIN, SATURDAY, at, slot

WHEN = slot(SATURDAY, 18, 20)
STEPS = (CancelStep(14, 30), CancelStep(7, 50), CancelStep(1, 100))
AFTER = (at(date(2026, 11, 21), 18), at(date(2026, 11, 28), 18), at(date(2026, 12, 4), 18))
SECOND = timedelta(seconds=1)
NOW = at(SATURDAY, 9)
CONFIRMED, REQUESTED = BookingState.CONFIRMED, BookingState.REQUESTED


def due(now: datetime, when: Slot = WHEN, steps: tuple[CancelStep, ...] = STEPS, gross: int = 10001) -> CancelTerms:
    return cancel_terms(now, when, BERLIN, steps, Cents(gross))


@pytest.mark.rule("S27")
@pytest.mark.parametrize(
    ("now", "fee"),
    [
        (at(date(2026, 11, 1), 0), 0),
        (AFTER[0] - SECOND, 0),
        (AFTER[0], 0),
        (AFTER[0] + SECOND, 3000),
        (AFTER[1], 3000),
        (AFTER[1] + SECOND, 5001),
        (AFTER[2], 5001),
        (AFTER[2] + SECOND, 10001),
        (WHEN.start - SECOND, 10001),
    ],
)
def test_each_step_begins_after_its_exact_instant_and_holds_until_the_next(now: datetime, fee: int) -> None:
    found = due(now)
    assert (found.free, found.fee_cents, found.until) == (fee == 0, fee, AFTER[0])


@pytest.mark.rule("S27")
def test_the_next_higher_fee_is_told_with_the_instant_up_to_which_it_is_not_yet_due() -> None:
    assert due(AFTER[0]).rise == Rise(AFTER[0], Cents(3000))
    assert due(AFTER[0] + SECOND).rise == Rise(AFTER[1], Cents(5001))
    assert due(AFTER[2] + SECOND).rise is None
    flat = (CancelStep(14, 30), CancelStep(7, 30), CancelStep(1, 40))
    assert due(AFTER[0] + SECOND, steps=flat).rise == Rise(AFTER[2], Cents(4000))


@pytest.mark.rule("S27")
def test_no_fee_is_announced_for_after_the_start_when_nothing_is_cancelled_any_more() -> None:
    assert due(AFTER[0], steps=(CancelStep(0, 100),)).rise is None


@pytest.mark.rule("S27")
@pytest.mark.parametrize("day", [date(2026, 3, 30), date(2026, 10, 26)])
@pytest.mark.parametrize("wall", [time(0), time(18)])
def test_the_days_before_are_counted_by_the_wall_clock_where_clocks_change_between(day: date, wall: time) -> None:
    start = instant_of(day, wall, BERLIN)
    terms = due(at(day - timedelta(days=20), 0), Slot(start, start + timedelta(hours=1)))
    assert terms.until == instant_of(day - timedelta(days=14), wall, BERLIN)
    assert due(terms.until, Slot(start, start + timedelta(hours=1))).free
    assert not due(terms.until + SECOND, Slot(start, start + timedelta(hours=1))).free


@pytest.mark.rule("S27")
def test_a_start_at_midnight_counts_from_midnight_and_one_just_before_from_the_day_before() -> None:
    midnight = at(SATURDAY, 0)
    assert due(midnight - timedelta(days=30), Slot(midnight, WHEN.end)).until == at(date(2026, 11, 21), 0)
    before = midnight - SECOND
    assert due(before - timedelta(days=30), Slot(before, WHEN.end)).until == at(date(2026, 11, 21), 0) - SECOND


@pytest.mark.rule("S27")
@pytest.mark.parametrize(
    ("start", "until"),
    [  # 02:30 does not exist on 29 March: 03:30, which is 01:30 UTC; on 25 October it comes twice: the first counts
        (date(2026, 4, 5), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_wall_time_that_is_skipped_or_repeated_is_read_by_the_houses_policy(start: date, until: datetime) -> None:
    begin = instant_of(start, time(2, 30), BERLIN)
    slot = Slot(begin, begin + timedelta(hours=1))
    assert due(until, slot, (CancelStep(7, 50),)).until == until


@pytest.mark.rule("S27")
def test_a_request_is_withdrawn_for_nothing_until_it_starts() -> None:
    terms = cancel_terms(WHEN.start - SECOND, WHEN, BERLIN, STEPS, Cents(10000), REQUESTED)
    assert terms == CancelTerms(free=True, fee_cents=Cents(0), until=WHEN.start)


@pytest.mark.rule("S27")
def test_no_fee_is_charged_where_the_room_asks_none_or_nothing_was_to_pay() -> None:
    assert due(NOW, steps=()) == CancelTerms(free=True, fee_cents=Cents(0), until=WHEN.start)
    assert due(NOW, steps=(CancelStep(14, 0),)) == CancelTerms(free=True, fee_cents=Cents(0), until=WHEN.start)
    assert due(NOW, gross=-5).fee_cents == 0
    assert due(NOW, steps=(CancelStep(7, 200),), gross=7).fee_cents == 7


@pytest.mark.rule("S27")
@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ((), []),
        (((14, 30), (7, 50), (1, 100)), []),
        (((1, 100), (14, 30), (7, 30)), []),
        (((365, 0), (0, 100)), []),
        (((366, 0), (-1, 100)), [("out-of-range", 0, "days_before"), ("out-of-range", 1, "days_before")]),
        (((7, 101), (1, -1)), [("out-of-range", 0, "fee_percent"), ("out-of-range", 1, "fee_percent")]),
        (((7, 30), (7, 50)), [("day-twice", 1, "days_before")]),
        (((1, 20), (14, 30), (7, 50)), [("fee-falls", 0, "fee_percent")]),
        (tuple((day, 10) for day in range(11)), ["too-many-steps"]),
    ],
)
def test_steps_have_days_of_their_own_and_a_fee_that_never_falls(steps: Any, wrong: list[Any]) -> None:
    found = step_reasons([CancelStep(*step) for step in steps])
    if wrong == ["too-many-steps"]:
        assert [(reason.code, reason.at) for reason in found] == [("too-many-steps", "cancel_steps")]
    else:
        assert [(reason.code, reason.at) for reason in found] == [
            (code, f"cancel_steps.{place}.{part}") for code, place, part in wrong
        ]


@pytest.mark.rule("S18", "S27", "Y6")
@pytest.mark.parametrize(
    ("actor", "state", "now", "expected"),
    [
        (Actor.CUSTOMER, REQUESTED, NOW, None),
        (Actor.CUSTOMER, CONFIRMED, WHEN.start - SECOND, None),
        (Actor.CUSTOMER, CONFIRMED, WHEN.start, "started"),
        (Actor.BOOKER, CONFIRMED, NOW, None),
        (Actor.OFFICE, CONFIRMED, WHEN.start - SECOND, None),
        (Actor.OFFICE, CONFIRMED, WHEN.start, "started"),
        (Actor.OFFICE, BookingState.CANCELLED, NOW, "not-active"),
        (Actor.OFFICE, BookingState.REJECTED, NOW, "not-active"),
        (Actor.OFFICE, BookingState.EXPIRED, NOW, "not-active"),
        (Actor.DESK, CONFIRMED, NOW, "not-yours"),
        (Actor.OWNER, CONFIRMED, NOW, "a-case"),
        (Actor.VANISHED, CONFIRMED, NOW, "a-case"),
    ],
)
def test_who_may_cancel_and_until_when(actor: Actor, state: BookingState, now: datetime, expected: str | None) -> None:
    assert may_cancel(actor, state, now, WHEN) == (refused(expected) if expected else None)
    moved = move_by(actor, state, now, WHEN)
    assert (moved.codes[0] if isinstance(moved, Refused) else None) == expected


@pytest.mark.rule("S27")
@pytest.mark.parametrize(
    ("actor", "state", "expected"),
    [
        (Actor.CUSTOMER, CONFIRMED, MoveBy.NEW_REQUEST),
        (Actor.BOOKER, CONFIRMED, MoveBy.NEW_REQUEST),
        (Actor.CUSTOMER, REQUESTED, MoveBy.IN_PLACE),
        (Actor.OFFICE, CONFIRMED, MoveBy.IN_PLACE),
        (Actor.OFFICE, REQUESTED, MoveBy.IN_PLACE),
    ],
)
def test_a_customers_move_of_a_confirmed_rental_is_a_new_request(
    actor: Actor, state: BookingState, expected: MoveBy
) -> None:
    assert move_by(actor, state, NOW, WHEN) is expected


@pytest.mark.rule("Y6")
def test_only_the_bookers_own_cancel_outside_cancels_here() -> None:
    cancelling = [actor for actor, change in EXTERNAL_CANCEL.items() if change is ExternalChange.CANCEL]
    assert cancelling == [Actor.BOOKER]
