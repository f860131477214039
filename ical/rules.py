"""Recurrence rules (RFC 5545 section 3.3.10): read from what others write, in one canonical form.

The form: parts in the order of the RFC, numbers sorted and without doubles, INTERVAL=1 left out, WKST left out
where it is MO or makes no difference, RSCALE=GREGORIAN and SKIP=OMIT left out. UNTIL stands as it is to be compared: a
date for whole days, else UTC.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_COUNT = 100_000
MOST_INTERVAL = 10_000
MOST_TIMES_A_DAY = 24

_NUMBER = re.compile(r"[+-]?\d{1,6}")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
# Part, least, most, whether it may count from the end.
_NUMBERS = {
    "BYSECOND": (0, 60, False),
    "BYMINUTE": (0, 59, False),
    "BYHOUR": (0, 23, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYMONTH": (1, 12, False),
    "BYSETPOS": (1, 366, True),
}
_ORDER = ("BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS")
_NONE: Mapping[str, tuple[int, ...]] = MappingProxyType({})


class BadRule(ValueError):  # noqa: N818 - the field's word
    """A rule that is not expanded; `code` says why: syntax, too-often, interval, count."""

    def __init__(self, code: str, rule: str) -> None:
        super().__init__(f"{code}: {rule[:80]}")
        self.code, self.rule = code, rule[:80]


@dataclass(frozen=True, slots=True)
class Rule:
    """`by` has the numbers of each BY part but BYDAY; `days` are (ordinal or 0, weekday from Monday 0)."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: str = ""
    days: tuple[tuple[int, int], ...] = ()
    by: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: _NONE)
    week_start: int = 0

    @property
    def text(self) -> str:
        parts = [f"FREQ={self.frequency}"]
        if self.until:
            parts.append(f"UNTIL={self.until}")
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        if self.interval != 1:
            parts.append(f"INTERVAL={self.interval}")
        parts += [f"{name}={values}" for name in _ORDER if (values := self._values(name))]
        if self.week_start and self._minds_week_start():
            parts.append(f"WKST={DAYS[self.week_start]}")
        return ";".join(parts)

    def _values(self, name: str) -> str:
        if name == "BYDAY":
            return ",".join(f"{nth or ''}{DAYS[day]}" for nth, day in self.days)
        return ",".join(map(str, self.by.get(name, ())))

    def _minds_week_start(self) -> bool:
        weekly = self.frequency == "WEEKLY" and (self.interval > 1 or "BYSETPOS" in self.by)
        return weekly or "BYWEEKNO" in self.by


def rule_of(text: str, until: Callable[[str], str] = str) -> Rule:
    """The rule of an RRULE value. *until* turns the value of UNTIL into its canonical form (ValueError: no such time).

    Raises BadRule on what is none, comes more often than hourly, or passes MOST_COUNT or MOST_INTERVAL.
    """
    parts = _parts(text)
    frequency = parts.pop("FREQ", "")
    if frequency in {"SECONDLY", "MINUTELY"}:
        raise BadRule("too-often", text)
    by = {name: _numbers(name, parts.pop(name), text) for name in _NUMBERS if name in parts}
    days = _days(parts.pop("BYDAY", ""), text, ordinals=frequency in {"YEARLY", "MONTHLY"})
    interval = _number(parts.pop("INTERVAL", "1"), 1, MOST_INTERVAL, BadRule("interval", text))
    count = _number(parts.pop("COUNT"), 1, MOST_COUNT, BadRule("count", text)) if "COUNT" in parts else None
    week_start = parts.pop("WKST", "MO")
    ends = _until(parts.pop("UNTIL", ""), until, text)
    parts = {name: value for name, value in parts.items() if (name, value) not in _EMPTY_PARTS}
    if frequency not in FREQUENCIES or week_start not in DAYS or parts or ("BYWEEKNO" in by and frequency != "YEARLY"):
        raise BadRule("syntax", text)
    if _times_a_day(by) > MOST_TIMES_A_DAY or len(by.get("BYMINUTE", ())) * len(by.get("BYSECOND", (0,))) > 1:
        raise BadRule("too-often", text)
    return Rule(frequency, interval, count, ends, days, MappingProxyType(by), DAYS.index(week_start))


_EMPTY_PARTS = {("RSCALE", "GREGORIAN"), ("SKIP", "OMIT")}


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().strip(";").upper().split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value or name.strip() in parts:
            raise BadRule("syntax", text)
        parts[name.strip()] = value.strip()
    return parts


def _number(value: str, least: int, most: int, bad: BadRule) -> int:
    if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
        raise bad
    return int(value)


def _numbers(name: str, value: str, text: str) -> tuple[int, ...]:
    least, most, from_the_end = _NUMBERS[name]
    found = set()
    for piece in value.split(","):
        number = _number(piece.strip(), -most, most, BadRule("syntax", text))
        if not least <= (abs(number) if from_the_end else number):
            raise BadRule("syntax", text)
        found.add(number)
    return tuple(sorted(found))


def _days(value: str, text: str, *, ordinals: bool) -> tuple[tuple[int, int], ...]:
    """Weekdays by week order. Where an ordinal has no meaning (weekly, daily) it is left out, as dateutil does."""
    found = set()
    for piece in value.split(",") if value else ():
        match = _DAY.fullmatch(piece.strip())
        if match is None or match[1] in {"0", "+0", "-0", "00"} or abs(int(match[1] or 1)) > 53:
            raise BadRule("syntax", text)
        found.add((DAYS.index(match[2]), int(match[1] or 0) if ordinals else 0))
    return tuple((nth, day) for day, nth in sorted(found))


def _until(value: str, until: Callable[[str], str], text: str) -> str:
    if not value:
        return ""
    try:
        return until(value)
    except (ValueError, OverflowError) as error:
        raise BadRule("syntax", text) from error


def _times_a_day(by: Mapping[str, tuple[int, ...]]) -> int:
    return len(by.get("BYHOUR", (0,))) * len(by.get("BYMINUTE", (0,))) * len(by.get("BYSECOND", (0,)))


def until_value(text: str) -> date | datetime:
    """A canonical UNTIL as a value: a date, or a naive UTC moment. Raises ValueError on what is none."""
    if len(text) == 8:
        return date.fromisoformat(text)
    return datetime.fromisoformat(text.removesuffix("Z"))
