"""Freezes (SPEC O37, O38, F21)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.freezes import Frozen, freeze
from booking.values.pass_types import NEVER_FROZEN, FreezeLimits, Renewal
from booking.values.passes import Freeze, Notice, Pass
from booking.values.refusals import Reason, Refused
from tests.booking.rules.houses import at
from tests.booking.rules.studio import DAY, MONDAY, YEAR, a_pass, contract_pass, days, months, unhurried, visit

TODAY = MONDAY + 10 * DAY
NOW = at(TODAY, 9)
LIMITS = FreezeLimits(number=2, days_each=10, days_in_all=15, notice=3)


def rest(first: int, length: int) -> Freeze:
    """From so many days after today on."""
    return Freeze(TODAY + first * DAY, TODAY + (first + length - 1) * DAY)


def ask(own: Pass, wish: Freeze, *held: int) -> Frozen | Refused:
    """`held`: bookings on so many days after today, at six in the evening."""
    return freeze(own, wish, TODAY, NOW, [visit(100 + number, TODAY + number * DAY) for number in held])


def codes(own: Pass, wish: Freeze) -> list[tuple[str, str | None]]:
    found = ask(own, wish)
    return [(reason.code, reason.at) for reason in found.reasons] if isinstance(found, Refused) else []


@pytest.mark.rule("O38")
@unhurried
@given(st.integers(0, 60), st.integers(1, 90), st.integers(1, 12))
def test_a_freeze_moves_the_end_by_exactly_its_days(first: int, length: int, term: int) -> None:
    own = a_pass(term=months(term))
    found = ask(own, rest(first, length))
    if isinstance(found, Refused):
        assert found.codes == ("freeze-after-end",)
        return
    assert own.last_day is not None
    assert found.last_day == found.rested.last_day == own.last_day + length * DAY


@pytest.mark.rule("O38")
def test_a_second_freeze_moves_it_on_wherever_it_lies() -> None:
    own = a_pass(freezes=(rest(20, 5),))
    assert own.last_day is not None
    for first in (5, 30):
        found = ask(own, rest(first, 7))
        assert isinstance(found, Frozen)
        assert found.last_day == own.last_day + 7 * DAY
        assert list(found.rested.freezes) == sorted(found.rested.freezes, key=lambda one: one.first_day)


@pytest.mark.rule("O38", "O47")
def test_a_freeze_moves_an_end_that_was_set_as_a_day() -> None:
    ended = ask(a_pass(ended_on=TODAY + 30 * DAY), rest(5, 7))
    assert isinstance(ended, Frozen)
    assert ended.rested.ended_on == ended.last_day == TODAY + 37 * DAY
    given_ = ask(contract_pass(notice=Notice(MONDAY, TODAY + 30 * DAY)), rest(5, 7))
    assert isinstance(given_, Frozen)
    assert given_.last_day == TODAY + 37 * DAY


@pytest.mark.rule("O38")
def test_the_end_of_a_contract_moves_and_its_billing_pauses_if_the_type_says_so() -> None:
    pausing = replace(YEAR, renewal=Renewal.NONE, freeze_pauses_billing=True)
    found = ask(contract_pass(pausing), rest(5, 7))
    assert isinstance(found, Frozen)
    assert (found.last_day, found.pauses_billing) == (date(2028, 3, 7), True)
    running = ask(contract_pass(), rest(5, 7))
    assert isinstance(running, Frozen)
    assert (running.last_day, running.pauses_billing) == (None, False)
    assert running.rested.contract is not None
    assert running.rested.contract.minimum_end == date(2028, 3, 7)


@pytest.mark.rule("O38")
def test_coming_bookings_inside_are_given_back_its_first_and_last_day_included() -> None:
    found = ask(a_pass(), rest(5, 3), 4, 5, 7, 8)
    assert isinstance(found, Frozen)
    assert [one.booking_id for one in found.given_back] == [105, 107]


@pytest.mark.rule("O38")
def test_what_has_begun_today_is_not_given_back() -> None:
    held = [visit(1, TODAY), visit(2, TODAY + DAY)]
    found = freeze(a_pass(), rest(0, 5), TODAY, at(TODAY, 18), held)
    assert isinstance(found, Frozen)
    assert [one.booking_id for one in found.given_back] == [2]


@pytest.mark.rule("O38")
@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (rest(0, 5), []),
        (rest(-1, 5), [("freeze-retroactive", "first_day")]),
        (Freeze(TODAY + DAY, TODAY), [("freeze-backwards", "last_day")]),
        (rest(15, 1), [("freeze-overlaps", "first_day")]),
        (rest(9, 1), []),
        (rest(8, 3), [("freeze-overlaps", "first_day")]),
        (rest(12, 3), [("freeze-overlaps", "first_day")]),
        (rest(5, 40), [("freeze-overlaps", "first_day")]),
        (rest(20, 3), []),
        (rest(19, 3), [("freeze-overlaps", "first_day")]),
    ],
)
def test_a_freeze_lies_ahead_and_beside_the_others(wish: Freeze, expected: list[tuple[str, str]]) -> None:
    assert codes(a_pass(freezes=(rest(10, 10),)), wish) == expected


@pytest.mark.rule("O38")
@pytest.mark.parametrize(
    ("own", "wish", "expected"),
    [
        (a_pass(first_day=None, starts_at_first_visit=True), rest(5, 5), "freeze-not-begun"),
        (a_pass(first_day=TODAY + 6 * DAY), rest(5, 5), "freeze-not-begun"),
        (a_pass(first_day=TODAY + 5 * DAY), rest(5, 5), None),
        (a_pass(term=days(15)), rest(4, 5), None),
        (a_pass(term=days(15)), rest(5, 5), "freeze-after-end"),
    ],
)
def test_a_freeze_begins_while_the_pass_is_good(own: Pass, wish: Freeze, expected: str | None) -> None:
    assert [code for code, _ in codes(own, wish)] == ([expected] if expected else [])


@pytest.mark.rule("O37", "O38")
@pytest.mark.parametrize(
    ("taken", "wish", "expected"),
    [
        ((), rest(3, 10), []),
        ((), rest(2, 10), [("freeze-notice", "first_day")]),
        ((), rest(-1, 10), [("freeze-retroactive", "first_day")]),
        ((), rest(3, 11), [("freeze-days-each", "last_day")]),
        ((rest(20, 5),), rest(3, 10), []),
        ((rest(20, 6),), rest(3, 10), [("freeze-days-in-all", "last_day")]),
        ((rest(20, 1), rest(30, 1)), rest(3, 1), [("freeze-number", None)]),
    ],
)
def test_each_limit_refuses_by_its_name(
    taken: tuple[Freeze, ...], wish: Freeze, expected: list[tuple[str, str | None]]
) -> None:
    assert codes(a_pass(limits=LIMITS, freezes=taken), wish) == expected


@pytest.mark.rule("O38")
def test_a_refusal_names_every_limit_with_its_numbers() -> None:
    own = a_pass(limits=LIMITS, freezes=(rest(10, 8), rest(30, 4)), deleted_at=datetime(2027, 3, 5, tzinfo=UTC))
    overlapped = {"first": rest(10, 8).first_day.isoformat(), "last": rest(10, 8).last_day.isoformat()}
    assert ask(own, rest(2, 12)) == Refused(
        (
            Reason("pass-deleted"),
            Reason("freeze-notice", "first_day", {"days": 3, "earliest": (TODAY + 3 * DAY).isoformat()}),
            Reason("freeze-overlaps", "first_day", dict(overlapped)),
            Reason("freeze-number", None, {"most": 2}),
            Reason("freeze-days-each", "last_day", {"most": 10, "days": 12}),
            Reason("freeze-days-in-all", "last_day", {"most": 15, "left": 3}),
        )
    )


@pytest.mark.rule("O37")
def test_a_pass_that_may_never_rest_says_so_and_one_without_limits_rests_as_one_likes() -> None:
    assert codes(a_pass(limits=NEVER_FROZEN), rest(5, 1)) == [("freeze-number", None)]
    assert codes(a_pass(term=None), rest(0, 400)) == []
