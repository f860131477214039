"""Which local days a recurring pattern names: pure arithmetic on dates, no zone, no clock (SPEC Words: series)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice


class Frequency(StrEnum):
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


@dataclass(frozen=True, slots=True)
class Rule:
    """Every `interval` days or weeks, up to and with the local day `until`, or `count` times, or without end.

    `weekdays` (Monday 0) belong to WEEKLY alone; empty means that of the first date. Weeks begin on Monday. Raises
    ValueError where it has two ends, or a number or weekday that names no pattern.
    """

    frequency: Frequency = Frequency.WEEKLY
    interval: int = 1
    weekdays: frozenset[int] = frozenset()
    until: date | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.count is not None:
            raise ValueError("a rule ends on a day or after a count, not both")
        if self.interval < 1 or (self.count is not None and self.count < 1):
            raise ValueError("an interval and a count are at least 1")
        if self.weekdays and (self.frequency is not Frequency.WEEKLY or not self.weekdays <= set(range(7))):
            raise ValueError("weekdays are 0 to 6, and of weekly rules only")

    @property
    def is_open(self) -> bool:
        return self.until is None and self.count is None


def planned_days(first: date, rule: Rule) -> Iterator[date]:
    """The days of a rule in order from `first` on, those left out later among them; endless where the rule is."""
    days = _daily(first, rule.interval) if rule.frequency is Frequency.DAILY else _weekly(first, rule)
    for day in days if rule.count is None else islice(days, rule.count):
        if rule.until is not None and day > rule.until:
            return
        yield day


def _daily(first: date, interval: int) -> Iterator[date]:
    step = timedelta(days=interval)
    while True:
        yield first
        first += step


def _weekly(first: date, rule: Rule) -> Iterator[date]:
    monday = first - timedelta(days=first.weekday())
    weekdays = sorted(rule.weekdays) or [first.weekday()]
    while True:
        week = (monday + timedelta(days=weekday) for weekday in weekdays)
        yield from (day for day in week if day >= first)
        monday += timedelta(weeks=rule.interval)
