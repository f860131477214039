"""What a sale proposes and where the night moves a missed booking (SPEC O26 to O29)."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.auto_booking import after_miss, propose, rebook
from booking.rules.passes import Candidate, Occasion
from booking.rules.units import Ledger, reserve, sale
from booking.values.pass_types import PassRules, Rebooking
from booking.values.passes import UnitEntry, UnitEntryKind
from booking.values.refusals import Refused, refused
from tests.booking.rules.houses import at
from tests.booking.rules.studio import (
    DAY,
    MONDAY,
    PILATES,
    YOGA,
    a_pass,
    candidate,
    contract_pass,
    days,
    event,
    unhurried,
)

NOW = at(MONDAY, 9)
MISSED = event(MONDAY - DAY, event_id=99)
BOOKING: dict[str, Any] = {"auto_booking": True, "rebooking": Rebooking.ANY_COURSE}


def coming(*offsets: int, now: datetime = NOW, course: int = YOGA) -> list[Occasion]:
    """Events at six on so many days after Monday, their ids being those numbers."""
    return [Occasion(event(MONDAY + one * DAY, event_id=one, course_id=course), now) for one in offsets]


def proposed(own: Candidate, of: list[Occasion]) -> list[int]:
    return [one.event_id for one in propose(own, of)]


@pytest.mark.rule("O26")
def test_the_nearest_events_are_proposed_up_to_the_units() -> None:
    own = candidate(a_pass(**BOOKING), 3)
    assert proposed(own, coming(20, 3, 1, 7, 14)) == [1, 3, 7]
    assert proposed(candidate(a_pass(), 3), coming(1)) == []


@pytest.mark.rule("O26")
def test_the_term_or_the_contract_ends_the_proposals_too() -> None:
    assert proposed(candidate(a_pass(**BOOKING, term=days(8))), coming(1, 7, 8)) == [1, 7]
    bound = contract_pass(**BOOKING)
    assert proposed(candidate(bound, None), coming(300, 365, 366)) == [300, 365]
    waiting = a_pass(**BOOKING, first_day=None, term=days(8), starts_at_first_visit=True)
    assert proposed(candidate(waiting), coming(2, 9, 10)) == [2, 9]


@pytest.mark.rule("O26")
def test_what_has_begun_or_overlaps_an_earlier_proposal_is_left_out() -> None:
    beside = Occasion(event(MONDAY + DAY, time(18, 30), event_id=50), NOW)
    after = Occasion(event(MONDAY + DAY, time(19), event_id=51), NOW)
    own = candidate(a_pass(**BOOKING))
    assert proposed(own, [*coming(1), beside, after]) == [1, 51]
    assert proposed(own, coming(0, 1, now=at(MONDAY, 18))) == [1]


@pytest.mark.rule("O26")
@unhurried
@given(st.lists(st.integers(0, 300), unique=True, max_size=15), st.integers(0, 6), st.integers(0, 3), st.randoms())
def test_never_more_is_proposed_than_the_units_pay_in_whatever_order_it_is_asked(
    offsets: list[int], left: int, units: int, chance: Any
) -> None:
    own = candidate(a_pass(**BOOKING), left)
    asked = [Occasion(event(MONDAY + one * DAY, event_id=one, units=units), NOW) for one in offsets]
    found = propose(own, asked)
    assert sum(one.terms.units for one in found) <= left
    assert list(found) == sorted(found, key=lambda one: one.slot.start)
    chance.shuffle(asked)
    assert propose(own, asked) == found


@pytest.mark.rule("O27", "O28")
@pytest.mark.parametrize(("way", "expected"), [(Rebooking.ANY_COURSE, 2), (Rebooking.SAME_COURSE, 4)])
def test_a_missed_booking_moves_to_the_next_event_of_any_course_or_of_the_missed_one(
    way: Rebooking, expected: int
) -> None:
    own = candidate(a_pass(auto_booking=True, rebooking=way))
    found = rebook(own, MISSED, 0, [*coming(6, 4), *coming(2, course=PILATES)])
    assert not isinstance(found, Refused)
    assert found.event_id == expected


@pytest.mark.rule("O29")
@pytest.mark.parametrize(
    ("own", "in_a_row", "expected"),
    [
        (candidate(a_pass(**BOOKING)), 2, None),
        (candidate(a_pass(**BOOKING)), 3, "rebooked-often"),
        (candidate(a_pass(**BOOKING, rebook_most=1)), 1, "rebooked-often"),
        (candidate(a_pass(**BOOKING), 0), 0, "no-next-event"),
        (candidate(a_pass(**BOOKING, term=days(4))), 0, None),
        (candidate(a_pass(**BOOKING, term=days(3))), 0, "no-next-event"),
        (candidate(a_pass(auto_booking=True)), 0, "rebooking-off"),
        (candidate(a_pass()), 0, "rebooking-off"),
    ],
)
def test_it_moves_so_often_in_a_row_and_not_beyond_the_passs_end(
    own: Candidate, in_a_row: int, expected: str | None
) -> None:
    found = rebook(own, MISSED, in_a_row, coming(3))
    assert found == (refused(expected) if expected else coming(3)[0].event)


@pytest.mark.rule("O27")
def test_it_never_moves_into_what_has_begun() -> None:
    assert rebook(candidate(a_pass(**BOOKING)), MISSED, 0, coming(0, now=at(MONDAY, 18))) == refused("no-next-event")


@pytest.mark.rule("O29")
def test_a_miss_costs_its_units_only_where_the_type_says_so() -> None:
    ledger = Ledger(sale(3))
    taken = reserve(ledger, 1, 2)
    assert not isinstance(taken, Refused)
    ledger = ledger.with_more(taken)
    free, dear = PassRules(**BOOKING), replace(PassRules(**BOOKING), miss_costs=True)
    assert after_miss(ledger, 1, free) == (UnitEntry(UnitEntryKind.GIVE_BACK, 2, 1, "missed"),)
    assert after_miss(ledger, 1, dear) == (UnitEntry(UnitEntryKind.CONSUME, 0, 1),)
    for rules in (free, dear):
        settled = ledger.with_more(after_miss(ledger, 1, rules))
        assert after_miss(settled, 1, rules) == ()
