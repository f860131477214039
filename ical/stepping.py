"""The wall times of a recurrence rule, between two wall times and no further (SPEC C12).

Simple daily and weekly rules by arithmetic on day numbers: the start may lie centuries back at no cost. All others
period by period (`ical.day_plan`), begun close before the span that is asked for and stopped at its end; the days
that are tried are counted, so that a rule that never comes true ends as well. Both give what dateutil gives.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, count, islice, repeat
from operator import add, sub

from ical.day_plan import DayPlan
from ical.rules import Rule

MOST_WORK = 100_000  # days tried, and five for each period; well under a second
_PER_DAY = {"HOURLY": 24}
_LENGTH = {"WEEKLY": 7}


class TooMuch(Exception):  # noqa: N818 - the field's word
    """More results or more work than allowed; `code` is results or work."""

    def __init__(self, code: str) -> None:
        super().__init__(f"too much: {code}")
        self.code = code


@dataclass(slots=True)
class Effort:
    """How much may still be done; several series can share one."""

    left: int = MOST_WORK

    def spend(self, work: int) -> None:
        """Raises TooMuch where that is more than is left."""
        self.left -= work
        if self.left < 0:
            raise TooMuch("work")


@dataclass(frozen=True, slots=True)
class Span:
    """From when on, and before when, wall times are asked for (naive), how many and how much work at most."""

    low: datetime
    high: datetime
    most: int
    effort: Effort = field(default_factory=Effort)


def walls(rule: Rule, start: datetime, until: datetime | None, span: Span) -> list[datetime]:
    """The wall times of a rule in a span, in order. Marked UTC, for arithmetic; no zone is meant.

    *start* and *until* (inclusive) are naive. Raises TooMuch.
    """
    simple = _simple(rule, start)
    if simple is not None:
        return _stepped(simple, rule, start, until, span)
    return _general(rule, start, until, span)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Days `anchor + period * k + offset`, as day numbers."""

    anchor: int
    period: int
    offsets: tuple[int, ...]


def _simple(rule: Rule, start: datetime) -> _Steps | None:
    if rule.by or rule.frequency not in {"DAILY", "WEEKLY"}:
        return None
    first = start.toordinal()
    if rule.frequency == "DAILY" and not rule.days:
        return _Steps(first, rule.interval, (0,))
    if rule.frequency == "DAILY" and rule.interval > 1:
        return None
    days = {day for _, day in rule.days} or {start.weekday()}
    offsets = tuple(sorted((day - rule.week_start) % 7 for day in days))
    return _Steps(first - (start.weekday() - rule.week_start) % 7, 7 * rule.interval, offsets)


def _stepped(steps: _Steps, rule: Rule, start: datetime, until: datetime | None, span: Span) -> list[datetime]:
    clock = start.time()
    first = max(start.toordinal(), _first_day(span.low, clock))
    last = _first_day(span.high, clock) - 1
    if until is not None:
        last = min(last, until.toordinal() - (until.time() < clock))
    if rule.count is not None:
        last = min(last, _day_of_count(steps, rule.count, start.toordinal()))
    offsets, period = steps.offsets, steps.period
    if last < first:
        return []
    if (last - first) // period * len(offsets) > span.most:
        raise TooMuch("results")
    base = steps.anchor + max(0, (first - steps.anchor) // period) * period
    if len(offsets) == 1:
        base += offsets[0]
        days: list[int] | range = range(base if base >= first else base + period, last + 1, period)
    else:
        days = [week + offset for week in range(base, last + 1, period) for offset in offsets]
        days = days[bisect_left(days, first) : bisect_left(days, last + 1)]
    if not days:
        return []
    begin = datetime.combine(date.fromordinal(days[0]), clock, tzinfo=UTC)
    if isinstance(days, range):  # without a step of the interpreter for each
        return list(accumulate(repeat(timedelta(period), len(days) - 1), add, initial=begin))
    return list(map(begin.__add__, map(timedelta, map(sub, days, repeat(days[0])))))


def _first_day(low: datetime, clock: time) -> int:
    """The first day whose time *clock* is not before *low*."""
    return low.toordinal() + (low.time() > clock)


def _day_of_count(steps: _Steps, number: int, start: int) -> int:
    """The day of the last of so many; those of the first period that lie before the start do not count."""
    skipped = sum(steps.anchor + offset < start for offset in steps.offsets)
    periods, place = divmod(number - 1 + skipped, len(steps.offsets))
    return steps.anchor + periods * steps.period + steps.offsets[place]


def _first_period(rule: Rule, start: datetime, low: datetime) -> int:
    """How many periods after that of the start the last one is that begins at or before *low*."""
    if rule.count is not None or low <= start:
        return 0  # all must be counted
    if rule.frequency == "YEARLY":
        return (low.year - start.year) // rule.interval
    if rule.frequency == "MONTHLY":
        return ((low.year - start.year) * 12 + low.month - start.month) // rule.interval
    days = (low - start).days
    return max(0, days * _PER_DAY.get(rule.frequency, 1) // (_LENGTH.get(rule.frequency, 1) * rule.interval) - 1)


def _general(rule: Rule, start: datetime, until: datetime | None, span: Span) -> list[datetime]:
    """Period by period, each day of it tried, until the span ends. What was tried is counted, found or not."""
    low = max(start, span.low)
    kept: list[datetime] = []
    for at in islice(_times(rule, start, until, span), rule.count):
        if low <= at < span.high:
            kept.append(at.replace(tzinfo=UTC))
            if len(kept) > span.most:
                raise TooMuch("results")
    return kept


def _comes_each_period(rule: Rule) -> bool:
    return rule.frequency == "HOURLY" and not rule.by and not rule.days and rule.count is None


def _times(rule: Rule, start: datetime, until: datetime | None, span: Span) -> Iterator[datetime]:
    end = span.high if until is None else min(until, span.high)
    plan = DayPlan(rule, start)
    if _comes_each_period(rule) and (end - max(start, span.low)) // timedelta(hours=rule.interval) > span.most:
        raise TooMuch("results")
    for number in count(_first_period(rule, start, span.low)):
        period = plan.period(number)
        if period is None or period.begin > end:
            return
        span.effort.spend(period.work)
        yield from [at for at in period.times if start <= at <= end]
