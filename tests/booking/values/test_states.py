"""States beside their moves, refusals with all their reasons, public identities."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from booking.values.identity import new_token, new_uuid
from booking.values.refusals import MoveLost, NotFound, Reason, Refused, refused
from booking.values.states import (
    BOOKING_MOVES,
    CODE_MOVES,
    DECISION_MOVES,
    ITEM_STATUS,
    MESSAGE_MOVES,
    OCCUPYING,
    BookingState,
    CodeState,
    DecisionState,
    ItemStatus,
    MessageState,
)

TABLES: list[tuple[type[StrEnum], dict[StrEnum, frozenset[StrEnum]]]] = [
    (BookingState, BOOKING_MOVES),  # type: ignore[list-item]  # a dict of the narrower type
    (DecisionState, DECISION_MOVES),  # type: ignore[list-item]
    (CodeState, CODE_MOVES),  # type: ignore[list-item]
    (MessageState, MESSAGE_MOVES),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("states", "moves"), TABLES, ids=[states.__name__ for states, _ in TABLES])
def test_every_state_has_its_moves_and_none_moves_to_itself(
    states: type[StrEnum], moves: dict[StrEnum, frozenset[StrEnum]]
) -> None:
    assert set(moves) == set(states)
    assert all(state not in after for state, after in moves.items())


@pytest.mark.rule("S22")
def test_a_retired_code_never_comes_back_and_an_issued_one_is_never_free_again() -> None:
    assert CODE_MOVES[CodeState.RETIRED] == frozenset()
    assert CODE_MOVES[CodeState.ISSUED] == {CodeState.RETIRED}


@pytest.mark.rule("C2")
def test_requested_is_tentative_confirmed_confirmed_and_all_else_cancelled() -> None:
    shown = {state: ITEM_STATUS[state] for state in BookingState}
    assert shown.pop(BookingState.REQUESTED) is ItemStatus.TENTATIVE
    assert shown.pop(BookingState.CONFIRMED) is ItemStatus.CONFIRMED
    assert set(shown.values()) == {ItemStatus.CANCELLED}
    assert {BookingState.REQUESTED, BookingState.CONFIRMED} == OCCUPYING


def test_a_refusal_holds_its_reasons_in_order() -> None:
    assert refused("a", "b") == Refused((Reason("a"), Reason("b")))
    assert refused("a", "b").codes == ("a", "b")


def test_errors_carry_their_fields() -> None:
    lost = MoveLost("booking", 7, "requested", "confirmed")
    assert (lost.what, lost.identity, lost.before, lost.after, lost.retry_after) == (
        ("booking", 7, "requested", "confirmed", 0)
    )
    assert NotFound("room", "x").retry_after is None


def test_public_identities_are_version_7_and_sort_by_their_moment() -> None:
    now = datetime(2026, 12, 5, tzinfo=UTC)
    made = [new_uuid(now + n * timedelta(milliseconds=1)) for n in range(50)]
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made[0].int >> 80 == int(now.timestamp() * 1000)
    assert len({new_uuid(now) for _ in range(1000)}) == 1000
    assert len(new_token()) == 43
