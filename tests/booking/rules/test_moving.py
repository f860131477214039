"""Cancelling and moving (SPEC S18, S27, Y6)."""

import dataclasses
from datetime import date, datetime, timedelta

import pytest

from booking.rules.moving import (
    EXTERNAL_CANCEL,
    Actor,
    CancelTerms,
    ExternalChange,
    MoveBy,
    cancel_terms,
    may_cancel,
    move_by,
)
from booking.values.money import Cents
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState
from tests.booking.rules.houses import BERLIN, SATURDAY, TERMS, at, slot

WHEN = slot(SATURDAY, 18, 20)
ROOM = dataclasses.replace(TERMS, free_until_days=7, late_fee_percent=50)
UNTIL = at(date(2026, 11, 28), 18)
SECOND = timedelta(seconds=1)
NOW = at(SATURDAY, 9)
CONFIRMED, REQUESTED = BookingState.CONFIRMED, BookingState.REQUESTED


@pytest.mark.rule("S27")
@pytest.mark.parametrize(
    ("now", "fee"), [(UNTIL - SECOND, 0), (UNTIL, 0), (UNTIL + SECOND, 5001), (WHEN.start - SECOND, 5001)]
)
def test_cancelling_is_free_up_to_the_exact_instant_and_then_costs_the_rooms_share(now: datetime, fee: int) -> None:
    assert cancel_terms(now, WHEN, BERLIN, ROOM, Cents(10001)) == CancelTerms(fee == 0, Cents(fee), UNTIL)


@pytest.mark.rule("S27")
@pytest.mark.parametrize("day", [date(2026, 3, 30), date(2026, 10, 26)])
def test_the_days_before_are_counted_by_the_wall_clock(day: date) -> None:
    terms = cancel_terms(at(day, 0), slot(day, 18, 19), BERLIN, ROOM, Cents(1))
    assert terms.until == at(day - timedelta(days=7), 18)


@pytest.mark.rule("S27")
def test_a_request_is_withdrawn_for_nothing_until_it_starts() -> None:
    terms = cancel_terms(WHEN.start - SECOND, WHEN, BERLIN, ROOM, Cents(10000), REQUESTED)
    assert terms == CancelTerms(free=True, fee_cents=Cents(0), until=WHEN.start)


def test_no_fee_is_charged_where_the_room_asks_none_or_nothing_was_to_pay() -> None:
    free = dataclasses.replace(ROOM, late_fee_percent=0)
    assert cancel_terms(NOW, WHEN, BERLIN, free, Cents(10000)).free
    assert cancel_terms(NOW, WHEN, BERLIN, ROOM, Cents(-5)).fee_cents == 0
    assert cancel_terms(NOW, WHEN, BERLIN, dataclasses.replace(ROOM, late_fee_percent=200), Cents(7)).fee_cents == 7


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
