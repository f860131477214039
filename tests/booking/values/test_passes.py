"""What a sold pass says of its days."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.clock import days_between
from booking.values.money import Cents
from booking.values.pass_types import Component, ContractTerms, PassKind, Renewal, Scope, VisitWindow
from booking.values.passes import Contract, Freeze, Notice, frozen_end
from tests.booking.rules.studio import (
    DAY,
    MONDAY,
    NORTH,
    PILATES,
    TEN_VISITS,
    YEAR,
    YOGA,
    a_pass,
    contract_pass,
    days,
    event,
    months,
    unhurried,
)


@pytest.mark.rule("O34")
def test_a_pass_ends_with_its_term_and_one_without_a_term_never() -> None:
    assert a_pass(term=months(1)).last_day == date(2027, 3, 31)
    assert a_pass(term=None).last_day is None


@pytest.mark.rule("O33")
def test_what_begins_with_the_first_visit_begins_with_the_earliest_attended_and_ends_counted_from_it() -> None:
    unused = a_pass(first_day=None, term=days(30), starts_at_first_visit=True)
    assert (unused.first_day, unused.last_day) == (None, None)
    begun = unused.begun([MONDAY + 9 * DAY, MONDAY + 2 * DAY])
    assert (begun.first_day, begun.last_day) == (MONDAY + 2 * DAY, MONDAY + 31 * DAY)
    assert begun.begun([]).first_day is None
    assert a_pass().begun([MONDAY + 9 * DAY]).first_day == MONDAY


@pytest.mark.rule("O45")
def test_an_early_end_counts_whatever_else_there_is() -> None:
    assert a_pass(ended_on=MONDAY).last_day == MONDAY
    assert contract_pass(ended_on=MONDAY).last_day == MONDAY


@pytest.mark.rule("O38")
@pytest.mark.parametrize(
    ("first", "moved"), [(MONDAY, 5), (MONDAY + 9 * DAY, 5), (MONDAY + 10 * DAY, 0)], ids=["first", "last day", "after"]
)
def test_an_end_moves_by_the_days_of_a_freeze_that_begins_up_to_it(first: date, moved: int) -> None:
    last_day = MONDAY + 9 * DAY
    assert frozen_end(last_day, [Freeze(first, first + 4 * DAY)]) == last_day + moved * DAY


@pytest.mark.rule("O38")
@unhurried
@given(st.integers(1, 60), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 20)), max_size=6))
def test_days_that_do_not_rest_are_as_many_as_were_sold(length: int, gaps: list[tuple[int, int]]) -> None:
    freezes, cursor = [], MONDAY
    for gap, rest in gaps:
        first = cursor + gap * DAY
        freezes.append(Freeze(first, first + (rest - 1) * DAY))
        cursor = freezes[-1].last_day + DAY
    last = frozen_end(MONDAY + (length - 1) * DAY, reversed(freezes))
    awake = [day for day in days_between(MONDAY, last) if not any(one.has(day) for one in freezes)]
    assert len(awake) == length


@pytest.mark.rule("O47")
@pytest.mark.parametrize(
    ("renewal", "last_day"),
    [(Renewal.NONE, date(2028, 2, 29)), (Renewal.FIXED, None), (Renewal.INDEFINITE, None)],
)
def test_a_contract_ends_by_itself_only_where_nothing_renews_it(renewal: Renewal, last_day: date | None) -> None:
    own = contract_pass(replace(YEAR, renewal=renewal))
    assert own.last_day == last_day
    assert own.contract is not None
    assert own.contract.minimum_end == date(2028, 2, 29)
    given = replace(own, notice=Notice(MONDAY, date(2028, 5, 4)))
    assert given.last_day == date(2028, 5, 4)


@pytest.mark.rule("O38")
def test_a_freeze_moves_the_minimum_term_too() -> None:
    contract = Contract(MONDAY, YEAR, (Freeze(MONDAY + 10 * DAY, MONDAY + 19 * DAY),))
    assert contract.minimum_end == date(2028, 3, 10)


@pytest.mark.rule("O36")
@pytest.mark.parametrize(
    ("window", "wall", "fits"),
    [
        (VisitWindow(frozenset({0}), time(8), time(18)), time(18), False),
        (VisitWindow(frozenset({0}), time(8), time(18)), time(17, 59), True),
        (VisitWindow(frozenset({0}), time(8), time(18)), time(8), True),
        (VisitWindow(frozenset({0}), time(8), time(18)), time(7, 59), False),
        (VisitWindow(frozenset({1}), time(8), time(18)), time(9), False),
        (VisitWindow(frozenset(), time(18), time(0)), time(23, 59), True),
        (VisitWindow(frozenset(), time(18), time(0)), time(0), False),
        (VisitWindow(frozenset(), time(22), time(2)), time(1, 59), True),
        (VisitWindow(frozenset(), time(22), time(2)), time(2), False),
        (VisitWindow(frozenset({0})), time(12), True),
    ],
)
def test_a_window_takes_the_wall_time_of_the_start_its_end_not_included(
    window: VisitWindow,
    wall: time,
    fits: bool,
) -> None:
    assert window.has(event(MONDAY, wall)) is fits


@pytest.mark.rule("O36")
@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31), date(2027, 7, 4)])
def test_a_window_is_about_the_wall_clock_on_days_of_changing_clocks_too(day: date) -> None:
    window = VisitWindow(frozenset({6}), time(9), time(10))
    assert window.has(event(day, time(9)))
    assert not window.has(event(day, time(10)))


@pytest.mark.rule("O30")
def test_a_scope_is_all_or_what_it_names() -> None:
    assert Scope().has_branch(NORTH)
    assert Scope().has_course(PILATES)
    named = Scope(frozenset({1}), frozenset({YOGA}))
    assert not named.has_branch(NORTH)
    assert (named.has_course(YOGA), named.has_course(PILATES)) == (True, False)


@pytest.mark.rule("O18")
def test_a_one_off_pass_is_one_visit_on_one_day() -> None:
    one = replace(TEN_VISITS, one_off=True, visits=None, term=None)
    assert (one.own_visits, one.own_term) == (1, days(1))
    assert (TEN_VISITS.own_visits, TEN_VISITS.own_term) == (10, months(6))


@pytest.mark.rule("O16")
def test_the_list_price_of_a_part_is_that_of_its_type_or_of_so_many_visits() -> None:
    assert Component(TEN_VISITS).list_price == 12000
    by_visit = replace(TEN_VISITS, kind=PassKind.DYNAMIC, price=Cents(1500), visits=None)
    assert Component(by_visit, 4).list_price == 6000


def test_a_deleted_pass_keeps_its_days() -> None:
    assert a_pass(deleted_at=datetime(2027, 3, 2, tzinfo=UTC)).last_day == a_pass().last_day


def test_terms_of_a_contract_have_no_days_before_it_begins() -> None:
    waiting = replace(contract_pass(ContractTerms(months(1), days(14))), first_day=None)
    assert (waiting.contract, waiting.last_day) == (None, None)
