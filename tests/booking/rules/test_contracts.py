"""When contracts can end, how far they can be booked, what they cost (SPEC O47, F9 to F14)."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.contracts import (
    Instalment,
    bookable_until,
    earliest_end,
    end_specially,
    give_notice,
    has_renewed,
    instalments,
    notice_by,
    unbilled_days,
)
from booking.values.clock import days_between
from booking.values.money import Cents
from booking.values.pass_types import ContractTerms, Renewal
from booking.values.passes import Contract, Freeze, Notice
from booking.values.refusals import Reason, Refused
from booking.values.term import Term, TermUnit
from tests.booking.rules.studio import DAY, MONDAY, YEAR, months, unhurried

JANUARY = date(2027, 1, 1)
NONE = replace(YEAR, renewal=Renewal.NONE)
FIXED = replace(YEAR, renewal=Renewal.FIXED, renewal_term=months(6), for_consumers=False)
YEAR_END, HALF_YEAR_ON, TWO_ON = date(2027, 12, 31), date(2028, 6, 30), date(2028, 12, 31)
PRICE = Cents(6000)
LAST_CALL = date(2027, 11, 30)


def contract(terms: ContractTerms = YEAR, **changes: object) -> Contract:
    return replace(Contract(JANUARY, terms), **changes)  # type: ignore[arg-type]  # fields by name


def ending(last_day: date) -> Notice:
    return Notice(JANUARY, last_day)


@pytest.mark.rule("O47", "F10", "F11", "F14")
@pytest.mark.parametrize(
    ("terms", "today", "end"),
    [
        (YEAR, JANUARY, YEAR_END),
        (YEAR, LAST_CALL, YEAR_END),
        (YEAR, date(2027, 12, 1), date(2028, 1, 1)),
        (YEAR, date(2027, 12, 31), date(2028, 1, 31)),
        (YEAR, date(2028, 1, 31), date(2028, 2, 29)),
        (YEAR, date(2028, 3, 31), date(2028, 4, 30)),
        (FIXED, LAST_CALL, YEAR_END),
        (FIXED, date(2027, 12, 1), HALF_YEAR_ON),
        (FIXED, date(2028, 5, 30), HALF_YEAR_ON),
        (FIXED, date(2028, 5, 31), HALF_YEAR_ON),
        (FIXED, date(2028, 6, 1), TWO_ON),
        (NONE, JANUARY, YEAR_END),
        (NONE, date(2028, 2, 1), YEAR_END),
    ],
)
def test_a_contract_is_booked_to_the_earliest_day_on_which_it_could_end(
    terms: ContractTerms, today: date, end: date
) -> None:
    assert earliest_end(contract(terms), today) == bookable_until(contract(terms), today) == end


@pytest.mark.rule("F10", "F11")
@unhurried
@given(st.sampled_from([YEAR, FIXED, NONE]), st.integers(-30, 1500), st.integers(0, 200))
def test_waiting_never_brings_the_end_closer(terms: ContractTerms, start: int, later: int) -> None:
    today = JANUARY + start * DAY
    assert bookable_until(contract(terms), today) <= bookable_until(contract(terms), today + later * DAY)


@pytest.mark.rule("O47")
def test_a_notice_fixes_the_end_and_the_booking() -> None:
    given_ = contract(notice=ending(date(2028, 4, 4)))
    assert earliest_end(given_, date(2030, 1, 1)) == bookable_until(given_, JANUARY) == date(2028, 4, 4)


@pytest.mark.rule("O47", "F11")
def test_the_last_day_for_a_notice_is_known_and_the_day_after_it_the_contract_has_renewed() -> None:
    assert notice_by(contract(), JANUARY) == LAST_CALL
    assert not has_renewed(contract(), LAST_CALL)
    assert has_renewed(contract(), LAST_CALL + DAY)
    assert notice_by(contract(FIXED), LAST_CALL + DAY) == date(2028, 5, 31)
    assert not has_renewed(contract(NONE), date(2029, 1, 1))
    assert not has_renewed(contract(notice=ending(TWO_ON)), date(2029, 1, 1))


@pytest.mark.rule("O47")
@unhurried
@given(st.sampled_from([YEAR, FIXED]), st.dates(JANUARY, date(2031, 1, 1)))
def test_notice_up_to_its_last_day_ends_it_then_and_a_day_later_it_ends_later(
    terms: ContractTerms, today: date
) -> None:
    own = contract(terms)
    last_call, end = notice_by(own, today), earliest_end(own, today)
    assert last_call >= today
    assert earliest_end(own, last_call) == end < earliest_end(own, last_call + DAY)


@pytest.mark.rule("O47")
def test_the_indefinite_contract_of_a_consumer_ends_within_a_month_once_the_minimum_term_is_over() -> None:
    today = date(2029, 5, 14)
    assert give_notice(contract(), today) == Notice(today, date(2029, 6, 14))


@pytest.mark.rule("O47")
@pytest.mark.parametrize(
    ("own", "wish", "verdict"),
    [
        (contract(), None, YEAR_END),
        (contract(), YEAR_END, YEAR_END),
        (contract(), date(2028, 1, 15), date(2028, 1, 15)),
        (contract(), date(2027, 12, 30), Reason("end-too-early", "last_day", {"earliest": "2027-12-31"})),
        (contract(FIXED), HALF_YEAR_ON, HALF_YEAR_ON),
        (contract(FIXED), date(2028, 2, 1), Reason("not-a-period-end", "last_day", {"next": "2028-06-30"})),
        (contract(NONE), None, YEAR_END),
        (contract(NONE), date(2028, 1, 1), Reason("ends-sooner", "last_day", {"last": "2027-12-31"})),
        (contract(notice=ending(TWO_ON)), None, Reason("notice-given", None, {"last": "2028-12-31"})),
    ],
)
def test_a_notice_ends_it_on_a_day_on_which_it_can_end(own: Contract, wish: date | None, verdict: object) -> None:
    found = give_notice(own, MONDAY, wish, " moving ")
    if isinstance(verdict, Reason):
        assert found == Refused((verdict,))
    else:
        assert found == Notice(MONDAY, verdict, special=False, reason="moving")  # type: ignore[arg-type]


@pytest.mark.rule("O47")
@pytest.mark.parametrize(
    ("last_day", "reason", "proof", "codes"),
    [
        (MONDAY, "ill", "certificate", ()),
        (MONDAY - DAY, "ill", "certificate", ("end-in-the-past",)),
        (MONDAY, " ", "", ("missing", "missing")),
        (YEAR_END, "ill", "certificate", ("ends-sooner",)),
        (YEAR_END - DAY, "ill", "certificate", ()),
    ],
)
def test_a_special_termination_has_a_reason_and_a_proof_and_comes_before_the_end_that_stands(
    last_day: date, reason: str, proof: str, codes: tuple[str, ...]
) -> None:
    found = end_specially(contract(notice=ending(YEAR_END)), MONDAY, last_day, reason, proof)
    assert (found.codes if isinstance(found, Refused) else ()) == codes
    if not codes:
        assert found == Notice(MONDAY, last_day, special=True, reason="ill")


def dues(own: Contract, until: date) -> list[date]:
    return [one.due for one in instalments(own, PRICE, until)]


@pytest.mark.rule("O47", "K33")
def test_instalments_on_the_31st_fall_on_the_last_of_shorter_months() -> None:
    own = contract(replace(YEAR, instalment_day=31))
    assert dues(own, date(2027, 4, 30)) == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
    ]
    assert dues(own, date(2027, 4, 29))[-1] == date(2027, 3, 31)


@pytest.mark.rule("O47", "K33")
@pytest.mark.parametrize(
    ("first", "day", "due"),
    [
        (date(2027, 1, 20), 1, date(2027, 2, 1)),
        (date(2027, 1, 20), 20, date(2027, 1, 20)),
        (date(2027, 1, 20), 19, date(2027, 2, 19)),
        (date(2027, 2, 28), 31, date(2027, 2, 28)),
        (date(2027, 12, 2), 1, date(2028, 1, 1)),
    ],
)
def test_the_first_instalment_is_due_on_the_first_such_day_of_the_contract(first: date, day: int, due: date) -> None:
    own = Contract(first, replace(NONE, instalment_day=day))
    all_dues = dues(own, date(2040, 1, 1))
    assert all_dues[0] == due
    assert len(all_dues) == 12
    assert [one.year * 12 + one.month for one in all_dues] == list(
        range(due.year * 12 + due.month, due.year * 12 + due.month + 12)
    )


@pytest.mark.rule("O47")
def test_an_instalment_pays_for_so_many_months_from_the_first_day() -> None:
    own = Contract(date(2027, 1, 31), replace(NONE, every_months=3, instalment_day=15))
    assert instalments(own, PRICE, date(2040, 1, 1)) == (
        Instalment(1, date(2027, 2, 15), date(2027, 1, 31), date(2027, 4, 30), PRICE),
        Instalment(2, date(2027, 5, 15), date(2027, 5, 1), date(2027, 7, 30), PRICE),
        Instalment(3, date(2027, 8, 15), date(2027, 7, 31), date(2027, 10, 30), PRICE),
        Instalment(4, date(2027, 11, 15), date(2027, 10, 31), date(2028, 1, 30), PRICE),
    )


@pytest.mark.rule("O47", "O48")
def test_a_month_that_the_end_cuts_short_costs_its_share_by_days() -> None:
    own = contract(notice=ending(date(2028, 2, 10)))
    last = instalments(own, PRICE, date(2040, 1, 1))[-1]
    assert last == Instalment(14, date(2028, 2, 1), date(2028, 2, 1), date(2028, 2, 29), Cents(2069))


APRIL = Freeze(date(2027, 4, 1), date(2027, 4, 10))


@pytest.mark.rule("O38")
@pytest.mark.parametrize(("pauses", "april", "last"), [(True, 4000, 1935), (False, 6000, 6000)])
def test_frozen_days_are_not_billed_or_the_days_they_added_are_free(*, pauses: bool, april: int, last: int) -> None:
    own = contract(replace(NONE, freeze_pauses_billing=pauses), freezes=(APRIL,))
    found = instalments(own, PRICE, date(2040, 1, 1))
    assert [one.amount for one in found[:3]] == [6000] * 3
    assert found[3].amount == april
    assert found[-1].amount == last
    assert len(found) == (13 if pauses else 12)


@pytest.mark.rule("O38")
def test_a_month_that_rests_whole_has_no_instalment_and_the_others_keep_their_numbers() -> None:
    resting = replace(NONE, freeze_pauses_billing=True)
    own = contract(resting, freezes=(Freeze(date(2027, 4, 1), date(2027, 4, 30)),))
    assert [one.number for one in instalments(own, PRICE, date(2027, 6, 30))] == [1, 2, 3, 5, 6]


@pytest.mark.rule("O38")
def test_a_freeze_in_a_renewed_period_adds_days_at_the_end_of_that_period() -> None:
    own = contract(FIXED, freezes=(APRIL, Freeze(date(2028, 3, 1), date(2028, 3, 5))))
    assert unbilled_days(own, date(2028, 12, 31)) == frozenset(
        [*days_between(date(2028, 1, 1), date(2028, 1, 10)), *days_between(date(2028, 7, 11), date(2028, 7, 15))]
    )
    assert earliest_end(own, date(2028, 3, 1)) == date(2028, 7, 15)


@pytest.mark.rule("O38")
@unhurried
@given(
    st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 90), st.integers(1, 40)), max_size=3),
)
def test_as_many_days_are_billed_as_the_term_has_whether_billing_pauses_or_not(
    first: date,
    pauses: bool,
    gaps: list[tuple[int, int]],
) -> None:
    freezes, cursor = [], first
    for gap, rest in gaps:
        freezes.append(Freeze(cursor + gap * DAY, cursor + (gap + rest - 1) * DAY))
        cursor = freezes[-1].last_day
    terms = replace(NONE, freeze_pauses_billing=pauses)
    own = Contract(first, terms, tuple(freezes))
    end = own.minimum_end
    billed = (end - first).days + 1 - len(unbilled_days(own, end))
    assert billed == (Contract(first, terms).minimum_end - first).days + 1


def test_a_fixed_renewal_without_a_term_is_a_fault() -> None:
    broken = contract(replace(FIXED, renewal_term=Term(0, TermUnit.MONTHS)))
    with pytest.raises(ValueError, match="needs a term"):
        earliest_end(broken, date(2029, 1, 1))
