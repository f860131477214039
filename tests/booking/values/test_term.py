"""Terms by the calendar: the last day that they reach, and the last that is still in time."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.term import Term, TermUnit, last_day_of, latest_before, months_later, term_after
from tests.booking.rules.studio import unhurried

DAY = timedelta(days=1)
reachable_days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
terms = st.builds(Term, st.integers(1, 60), st.sampled_from(TermUnit))


def a_month(count: int = 1) -> Term:
    return Term(count, TermUnit.MONTHS)


@pytest.mark.rule("O34")
@pytest.mark.parametrize(
    ("first", "term", "last"),
    [
        (date(2027, 1, 15), a_month(), date(2027, 2, 14)),
        (date(2027, 1, 1), a_month(), date(2027, 1, 31)),
        (date(2027, 1, 28), a_month(), date(2027, 2, 27)),
        (date(2027, 1, 29), a_month(), date(2027, 2, 28)),
        (date(2027, 1, 30), a_month(), date(2027, 2, 28)),
        (date(2027, 1, 31), a_month(), date(2027, 2, 28)),
        (date(2028, 1, 29), a_month(), date(2028, 2, 28)),
        (date(2028, 1, 30), a_month(), date(2028, 2, 29)),
        (date(2028, 1, 31), a_month(), date(2028, 2, 29)),
        (date(2027, 2, 28), a_month(), date(2027, 3, 27)),
        (date(2027, 8, 31), a_month(), date(2027, 9, 30)),
        (date(2027, 12, 31), a_month(2), date(2028, 2, 29)),
        (date(2028, 2, 29), a_month(12), date(2029, 2, 28)),
        (date(2027, 3, 27), Term(2, TermUnit.DAYS), date(2027, 3, 28)),
        (date(2027, 3, 27), Term(1, TermUnit.DAYS), date(2027, 3, 27)),
        (date(2027, 3, 22), Term(2, TermUnit.WEEKS), date(2027, 4, 4)),
    ],
)
def test_a_term_lasts_up_to_the_day_before_the_one_of_the_same_number(first: date, term: Term, last: date) -> None:
    assert last_day_of(first, term) == last


@unhurried
@given(reachable_days, terms, st.integers(0, 12))
def test_so_many_terms_on_end_are_one_of_so_many_units(first: date, term: Term, times: int) -> None:
    assert last_day_of(first, term, times) == last_day_of(first, Term(term.count * times, term.unit))
    assert last_day_of(first, term, times) < last_day_of(first, term, times + 1)


@pytest.mark.rule("O47")
@pytest.mark.parametrize(
    ("last_day", "notice", "given_by"),
    [
        (date(2027, 12, 31), a_month(), date(2027, 11, 30)),
        (date(2027, 2, 28), a_month(), date(2027, 1, 31)),
        (date(2027, 3, 30), a_month(), date(2027, 2, 28)),
        (date(2028, 3, 30), a_month(), date(2028, 2, 29)),
        (date(2027, 3, 27), a_month(), date(2027, 2, 27)),
        (date(2027, 4, 30), a_month(), date(2027, 3, 31)),
        (date(2027, 12, 31), Term(14, TermUnit.DAYS), date(2027, 12, 17)),
        (date(2027, 12, 31), Term(4, TermUnit.WEEKS), date(2027, 12, 3)),
        (date(2027, 12, 31), Term(0, TermUnit.DAYS), date(2027, 12, 31)),
        (date(2027, 12, 31), a_month(3), date(2027, 9, 30)),
    ],
)
def test_the_last_day_in_time_is_the_one_after_which_the_whole_term_still_fits(
    last_day: date, notice: Term, given_by: date
) -> None:
    assert latest_before(last_day, notice) == given_by


@unhurried
@given(reachable_days, terms)
def test_the_last_day_in_time_is_in_time_and_the_next_is_late(last_day: date, term: Term) -> None:
    given_by = latest_before(last_day, term)
    assert term_after(given_by, term) <= last_day < term_after(given_by + DAY, term)


@unhurried
@given(reachable_days, st.integers(-60, 60))
def test_months_away_is_the_same_day_or_the_last_of_a_shorter_month(day: date, count: int) -> None:
    found = months_later(day, count)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == count
    assert found.day == day.day or (found.day < day.day and (found + DAY).day == 1)
