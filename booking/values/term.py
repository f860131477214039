"""Stretches of the calendar: how long a pass runs, how long before its end a contract is given notice.

All of it is about local days, first and last day inclusive; no zone, no clock.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

MONTHS_OF_YEAR = 12
ONE_DAY = timedelta(days=1)


class TermUnit(StrEnum):
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True, slots=True)
class Term:
    """So many days, weeks or months. Any number can be said; whether it makes sense is for a rule to tell."""

    count: int
    unit: TermUnit = TermUnit.MONTHS


def last_day_of(first: date, term: Term, times: int = 1) -> date:
    """The last day of a term that begins with the day `first`, or of so many terms on end, counted from `first`.

    A month from the 15th lasts up to the 14th. Where the next month has no such day it lasts up to that month's end:
    from 30 or 31 January up to 28 or 29 February (§ 188 (2) and (3) BGB). Twelve times one month is one year, without
    drift.
    """
    count = term.count * times
    if term.unit is TermUnit.MONTHS:
        year, month, length = _month(first, count)
        if first.day > length:
            return date(year, month, length)
        return date(year, month, first.day) - ONE_DAY
    return first + _length(term.unit, count) - ONE_DAY


def term_after(day: date, term: Term) -> date:
    """The last day of a term that something on `day` sets off, that day not counted: a notice, say.

    A month after the 15th is over with the 15th, after 31 January with the last of February (§ 187 (1), § 188 BGB).
    """
    if term.unit is TermUnit.MONTHS:
        return months_later(day, term.count)
    return day + _length(term.unit, term.count)


def latest_before(last_day: date, term: Term) -> date:
    """The latest day after which the term is over by `last_day`: the last on which a notice is still in time."""
    day = term_after(last_day, Term(-term.count, term.unit))
    while term_after(day + ONE_DAY, term) <= last_day:  # at most three days, where months have different lengths
        day += ONE_DAY
    return day


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last where it has no such day."""
    year, month, length = _month(day, months)
    return date(year, month, min(day.day, length))


def _month(day: date, months: int) -> tuple[int, int, int]:
    """Year, month and number of days of the month so many months away."""
    years, month = divmod(day.month - 1 + months, MONTHS_OF_YEAR)
    year = day.year + years
    return year, month + 1, monthrange(year, month + 1)[1]


def _length(unit: TermUnit, count: int) -> timedelta:
    return timedelta(weeks=count) if unit is TermUnit.WEEKS else timedelta(days=count)
