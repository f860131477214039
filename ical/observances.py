"""A foreign VTIMEZONE (RFC 5545 section 3.6.5): which offset it gives to a wall time.

Only the forms that are in use: dates, and yearly rules by month with a weekday or a day. Anything else is a ValueError,
so that a hostile rule costs nothing.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ical.lines import head_of, split_line
from ical.rules import Rule, rule_of
from ical.values import offset_of, wall_of

FIRST_YEAR, LAST_YEAR = 1970, 2100
MOST_ONSETS = 2_000

_YEARLY_PARTS = {"BYMONTH", "BYMONTHDAY"}


@dataclass(frozen=True, slots=True, order=True)
class Onset:
    """A change of offset; `at` is naive UTC."""

    at: datetime
    before: timedelta
    after: timedelta


@dataclass(frozen=True, slots=True)
class Observances:
    """The offsets of a foreign zone through time. `bounds` are the wall times from which each onset holds."""

    onsets: tuple[Onset, ...]
    bounds: tuple[datetime, ...]

    def instant(self, wall: datetime) -> datetime:
        """The instant of a naive wall time; gaps and folds as `booking.values.clock.instant_of`."""
        index = bisect_right(self.bounds, wall) - 1
        offset = self.onsets[index].after if index >= 0 else self.onsets[0].before
        return (wall - offset).replace(tzinfo=UTC)

    def offset_at(self, at: datetime) -> timedelta:
        """The offset at a naive UTC moment."""
        index = bisect_right([onset.at for onset in self.onsets], at) - 1
        return self.onsets[index].after if index >= 0 else self.onsets[0].before


def tzid_of(component: bytes) -> str:
    """The TZID of a VTIMEZONE, or empty."""
    for name, value in _properties(component.decode(errors="replace")):
        if name == "TZID":
            return value.strip()
    return ""


def location_of(component: bytes) -> str:
    """The Olson name that some programs put beside a TZID of their own (X-LIC-LOCATION), or empty."""
    for name, value in _properties(component.decode(errors="replace")):
        if name == "X-LIC-LOCATION":
            return value.strip()
    return ""


def observances_of(component: bytes) -> Observances:
    """Read a VTIMEZONE. Raises ValueError where it has no observance or one that cannot be read."""
    onsets: set[Onset] = set()
    properties: dict[str, list[str]] = {}
    for name, value in _properties(component.decode(errors="replace")):
        if name == "BEGIN":
            properties = {}
        elif name == "END" and value.strip().upper() in {"STANDARD", "DAYLIGHT"}:
            onsets |= _onsets(properties)
        else:
            properties.setdefault(name, []).append(value.strip())
        if len(onsets) > MOST_ONSETS:
            raise ValueError("too many changes of offset")
    if not onsets:
        raise ValueError("a zone without an offset")
    ordered = tuple(sorted(onsets))
    bounds = tuple(onset.at + max(onset.before, onset.after) for onset in ordered)
    return Observances(ordered, bounds)


def _properties(text: str) -> list[tuple[str, str]]:
    lines = [split_line(line) for line in text.split("\n")]
    return [(head_of(line[0]).name, line[1]) for line in lines if line is not None]


def _onsets(properties: dict[str, list[str]]) -> set[Onset]:
    try:
        before, after = offset_of(properties["TZOFFSETFROM"][0]), offset_of(properties["TZOFFSETTO"][0])
        start = wall_of(properties["DTSTART"][0].removesuffix("Z"))
    except KeyError as missing:
        raise ValueError(f"an observance without {missing.args[0]}") from missing
    dates = [date for value in properties.get("RDATE", []) for date in value.split(",")]
    if len(dates) > MOST_ONSETS:
        raise ValueError("too many changes of offset")
    walls = [start, *(wall_of(date.strip().removesuffix("Z")) for date in dates)]
    for text in properties.get("RRULE", []):
        walls += _yearly(rule_of(text), start, before)
    return {Onset(wall - before, before, after) for wall in walls}


def _yearly(rule: Rule, start: datetime, before: timedelta) -> list[datetime]:
    if rule.frequency != "YEARLY" or rule.interval != 1 or not set(rule.by) <= _YEARLY_PARTS or len(rule.days) > 1:
        raise ValueError(f"no rule of a zone: {rule.text}")
    last = LAST_YEAR if rule.count is None else min(LAST_YEAR, start.year + rule.count - 1)
    until = wall_of(rule.until.removesuffix("Z").ljust(9, "T").ljust(15, "0")) + before if rule.until else None
    first = max(start.year, FIRST_YEAR)
    found = [_in_year(rule, start, year) for year in range(first, last + 1)]
    return [wall for wall in found if wall is not None and wall >= start and (until is None or wall <= until)]


def _in_year(rule: Rule, start: datetime, year: int) -> datetime | None:
    """The one day of a year that a rule names."""
    month = rule.by.get("BYMONTH", (start.month,))[0]
    first = date(year, month, 1)
    length = (date(year + month // 12, month % 12 + 1, 1) - first).days
    days = [day if day > 0 else length + 1 + day for day in rule.by.get("BYMONTHDAY", ())] or [start.day]
    nth = 1
    if rule.days:
        nth, weekday = rule.days[0]
        of_weekday = range(1 + (weekday - first.weekday()) % 7, length + 1, 7)
        days = [day for day in of_weekday if "BYMONTHDAY" not in rule.by or day in days]
        nth = 1 if "BYMONTHDAY" in rule.by or not nth else nth
    if not days or abs(nth) > len(days) or days[0] > length:
        return None
    return start.replace(year=year, month=month, day=days[nth - 1 if nth > 0 else nth])
