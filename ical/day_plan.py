"""The days of a recurrence rule, one period (year, month, week, day, hour) after the other (RFC 5545 section 3.3.10).

What the RFC leaves open is as in dateutil: a BYDAY with and without ordinals must fit both ways, the first week begins
with the start, and BYSETPOS counts in what the period has left.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, date, datetime, time, timedelta
from itertools import product

from ical.rules import Rule

_DAY_PARTS = frozenset({"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO"})
_LAST_DAY = date.max.toordinal()
_PERIOD_WORK = 5


@dataclass(frozen=True, slots=True)
class Period:
    """When it begins, what it gives, in order, and what finding that has cost, in days tried."""

    begin: datetime
    times: list[datetime]
    work: int


@dataclass(slots=True)
class DayPlan:
    """The periods of a rule that starts at a naive wall time, by number."""

    rule: Rule
    start: datetime
    by: Mapping[str, tuple[int, ...]] = field(init=False)
    weekdays: frozenset[int] = field(init=False)
    clocks: list[time] = field(init=False)

    def __post_init__(self) -> None:
        rule, start = self.rule, self.start
        by = dict(rule.by)
        weekdays = {day for nth, day in rule.days if not nth}
        if not rule.days and _DAY_PARTS.isdisjoint(by):
            if rule.frequency in {"YEARLY", "MONTHLY"}:
                by["BYMONTHDAY"] = (start.day,)
            if rule.frequency == "YEARLY":
                by.setdefault("BYMONTH", (start.month,))
            if rule.frequency == "WEEKLY":
                weekdays = {start.weekday()}
        self.by, self.weekdays = by, frozenset(weekdays)
        minutes, seconds = by.get("BYMINUTE", (start.minute,)), by.get("BYSECOND", (start.second,))
        hours = (0,) if rule.frequency == "HOURLY" else by.get("BYHOUR", (start.hour,))
        self.clocks = [time(*clock) for clock in product(hours, minutes, [min(second, 59) for second in seconds])]

    def period(self, number: int) -> Period | None:
        """The period so many after that of the start; None where there is no such year."""
        if self.rule.frequency == "HOURLY":
            return self._hour(number)
        days = self._days(number * self.rule.interval)
        if days is None:
            return None
        kept = [day for day in days if self._fits(day)]
        times = [datetime.combine(day, clock) for day in kept for clock in self.clocks]
        return Period(datetime.combine(days[0], time()), self._positions(times), _PERIOD_WORK + len(days))

    def _hour(self, number: int) -> Period | None:
        first = self.start.replace(minute=0, second=0)
        hours = number * self.rule.interval
        if hours // 24 >= _LAST_DAY - first.toordinal():
            return None
        begin = first + timedelta(hours=hours)
        fits = begin.hour in self.by.get("BYHOUR", (begin.hour,)) and self._fits(begin.date())
        times = [begin.replace(minute=clock.minute, second=clock.second) for clock in self.clocks] if fits else []
        return Period(begin, self._positions(times), _PERIOD_WORK)

    def _days(self, further: int) -> list[date] | None:
        """The days of the period so many years, months, weeks or days after that of the start."""
        if self.rule.frequency == "YEARLY":
            return self._of_year(self.start.year + further)
        if self.rule.frequency == "MONTHLY":
            years, month = divmod(self.start.month - 1 + further, 12)
            year = self.start.year + years
            return _of_month(year, month + 1) if year <= MAXYEAR else None
        first = self.start.toordinal()
        if self.rule.frequency == "DAILY":
            return [date.fromordinal(first + further)] if first + further <= _LAST_DAY else None
        week = first - (self.start.weekday() - self.rule.week_start) % 7 + 7 * further
        if week + 6 > _LAST_DAY:
            return None
        return [date.fromordinal(day) for day in range(max(week, first), week + 7)]

    def _of_year(self, year: int) -> list[date] | None:
        if year > MAXYEAR:
            return None
        months = self.by.get("BYMONTH", range(1, 13))
        return [day for month in months for day in _of_month(year, month)]

    def _fits(self, day: date) -> bool:
        by = self.by
        return (
            (not self.weekdays or day.weekday() in self.weekdays)
            and ("BYMONTH" not in by or day.month in by["BYMONTH"])
            and ("BYMONTHDAY" not in by or _counts(day.day, _length(day), by["BYMONTHDAY"]))
            and ("BYYEARDAY" not in by or _counts(day.timetuple().tm_yday, 365 + _is_leap(day), by["BYYEARDAY"]))
            and ("BYWEEKNO" not in by or self._in_week(day, by["BYWEEKNO"]))
            and self._is_nth(day)
        )

    def _is_nth(self, day: date) -> bool:
        """Whether it is one of the n-th weekdays of its month, or of its year."""
        wanted = [(nth, weekday) for nth, weekday in self.rule.days if nth]
        if not wanted:
            return True
        if self.rule.frequency == "YEARLY" and "BYMONTH" not in self.rule.by:
            place, length = day.timetuple().tm_yday, 365 + _is_leap(day)
        else:
            place, length = day.day, _length(day)
        places = {(place + 6) // 7, -((length - place) // 7 + 1)}
        return any(weekday == day.weekday() and nth in places for nth, weekday in wanted)

    def _in_week(self, day: date, numbers: tuple[int, ...]) -> bool:
        """Whether its week has one of these numbers. Week 1 is the first with four days in its year."""
        week = day.toordinal() - (day.weekday() - self.rule.week_start) % 7
        year = date.fromordinal(min(week + 3, _LAST_DAY)).year
        number = (week - self._week_one(year)) // 7 + 1
        if year > day.year:
            return 1 in numbers
        weeks = (self._week_one(year + 1) - self._week_one(year)) // 7
        return number in numbers or number - weeks - 1 in numbers

    def _week_one(self, year: int) -> int:
        fourth = date(min(year, MAXYEAR), 1, 4)
        return fourth.toordinal() - (fourth.weekday() - self.rule.week_start) % 7

    def _positions(self, times: list[datetime]) -> list[datetime]:
        wanted = self.by.get("BYSETPOS")
        if wanted is None:
            return times
        length = len(times)
        places = {place - 1 if place > 0 else length + place for place in wanted if abs(place) <= length}
        return [times[place] for place in sorted(places)]


def _counts(place: int, length: int, wanted: tuple[int, ...]) -> bool:
    return place in wanted or place - length - 1 in wanted


def _of_month(year: int, month: int) -> list[date]:
    return [date(year, month, day) for day in range(1, calendar.monthrange(year, month)[1] + 1)]


def _length(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _is_leap(day: date) -> bool:
    return calendar.isleap(day.year)
