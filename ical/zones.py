"""VTIMEZONE as every client reads it: exactly one STANDARD and at most one DAYLIGHT, each with a yearly rule.

Outlook needs RRULE with BYMONTH and BYDAY and reads one observance of each kind (MS-OXCICAL), so a zone is described by
the rule that holds from now on, in force since 1970 as in other products' feeds. That is not true of all years, so it
is never relied on unseen: `keeps_rule` says whether zoneinfo agrees for a whole year, and the times of other years are
written in UTC. Israel, Chile, Egypt and Greenland change on a day that is nearly an n-th weekday of a month (the Friday
before the last Sunday), and so have some years of which the rule is not true. Morocco and Gaza, which follow Ramadan,
have no rule and are written in UTC altogether.
"""

import calendar
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from booking.values.slot import Slot
from ical.text import CRLF

# 28 years hold every calendar there is, so that a rule that fits them all fits for good; far enough ahead that changes
# already decided are behind. Where none fits all, one that fits most is better than UTC.
RULE_YEARS = range(2030, 2058)
LEAST_SHARE = 0.6
FIRST_YEAR = 1970
LAST_YEAR = 9999

T = TypeVar("T")

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Onset:
    """A yearly change of offset: on the n-th (-1: the last) weekday of a month at a wall time in the offset before."""

    month: int
    nth: int
    weekday: int
    wall: time
    before: timedelta
    after: timedelta
    name: str

    def in_year(self, year: int) -> datetime:
        """The naive wall time, in the offset before, of this year's change."""
        first = datetime.combine(datetime(year, self.month, 1), self.wall)  # noqa: DTZ001 - wall time
        day = first + ((self.weekday - first.weekday()) % 7) * _DAY
        if self.nth > 0:
            return day + (self.nth - 1) * _WEEK
        length = calendar.monthrange(year, self.month)[1]
        return day + (length - day.day) // 7 * _WEEK


@dataclass(frozen=True, slots=True)
class ZoneRule:
    """A zone's offset and name where no change is; its two yearly changes, or none."""

    offset: timedelta
    name: str
    onsets: tuple[Onset, ...]

    def changes(self, year: int) -> list["Change"]:
        found = [(onset, onset.in_year(year)) for onset in self.onsets]
        return sorted(Change(wall - onset.before, onset.before, onset.after) for onset, wall in found)


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change of offset; `at` is naive UTC."""

    at: datetime
    before: timedelta
    after: timedelta


@lru_cache(maxsize=1024)
def rule_of(zone_name: str) -> ZoneRule | None:
    """The yearly rule of an Olson zone that fits the most of RULE_YEARS, or None where none fits enough of them.

    Raises ZoneInfoNotFoundError (a KeyError) or ValueError on a name that is no zone.
    """
    zone = ZoneInfo(zone_name)
    years = [changes_of(zone, year) for year in RULE_YEARS]
    if not any(years):
        there = datetime(RULE_YEARS.start, 1, 1, tzinfo=UTC).astimezone(zone)
        return ZoneRule(there.utcoffset() or timedelta(0), there.tzname() or zone_name, ())
    if any(len(changes) != 2 for changes in years):
        return None
    onsets = tuple(_onset(zone, [changes[index] for changes in years]) for index in range(2))
    rule = ZoneRule(onsets[0].before, zone_name, onsets)
    fitting = sum(rule.changes(year) == changes for year, changes in zip(RULE_YEARS, years, strict=True))
    return rule if fitting >= LEAST_SHARE * len(RULE_YEARS) else None


@lru_cache(maxsize=8192)
def keeps_rule(zone_name: str, year: int) -> bool:
    """Whether the zone's rule and zoneinfo agree on every instant of a UTC year, so that local times may be written."""
    rule = rule_of(zone_name)
    if rule is None or not FIRST_YEAR < year < LAST_YEAR:
        return False
    zone = ZoneInfo(zone_name)
    if changes_of(zone, year) != rule.changes(year):
        return False
    return bool(rule.onsets) or offset_at(zone, datetime(year, 1, 1)) == rule.offset  # noqa: DTZ001 - naive UTC


@lru_cache(maxsize=8192)
def repeated_spans(zone_name: str, year: int) -> tuple[Slot, ...]:
    """The instants of a UTC year whose wall time occurs twice: as long before as after clocks go back."""
    falls = [change for change in changes_of(ZoneInfo(zone_name), year) if change.after < change.before]
    pairs = ((change.at.replace(tzinfo=UTC), change.before - change.after) for change in falls)
    return tuple(Slot(at - length, at + length) for at, length in pairs)


@lru_cache(maxsize=1024)
def vtimezone(zone_name: str) -> bytes | None:
    """The VTIMEZONE component (RFC 5545 section 3.6.5), or None where times of this zone are written in UTC."""
    rule = rule_of(zone_name)
    if rule is None:
        return None
    lines = ["BEGIN:VTIMEZONE", f"TZID:{zone_name}"]
    if not rule.onsets:
        since = datetime(FIRST_YEAR, 1, 1)  # noqa: DTZ001 - wall time
        lines += observance("STANDARD", since, (rule.offset, rule.offset), rule.name, None)
    for onset in sorted(rule.onsets, key=lambda onset: onset.after):
        kind = "DAYLIGHT" if onset.after > onset.before else "STANDARD"
        yearly = f"RRULE:FREQ=YEARLY;BYMONTH={onset.month};BYDAY={onset.nth}{_DAYS[onset.weekday]}"
        lines += observance(kind, onset.in_year(FIRST_YEAR), (onset.before, onset.after), onset.name, yearly)
    lines.append("END:VTIMEZONE")
    return "".join(line + CRLF for line in lines).encode()


def observance(
    kind: str, since: datetime, offsets: tuple[timedelta, timedelta], name: str, yearly: str | None
) -> list[str]:
    before, after = offsets
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{since:%Y%m%dT%H%M%S}",
        *([yearly] if yearly else []),
        f"TZOFFSETFROM:{_offset_text(before)}",
        f"TZOFFSETTO:{_offset_text(after)}",
        f"TZNAME:{name}",
        f"END:{kind}",
    ]


def _offset_text(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{rest:02}"


def _onset(zone: ZoneInfo, changes: list[Change]) -> Onset:
    """The yearly rule behind most of the changes, one of each year."""
    (month, weekday, wall, before, after), _ = _usual(_shape(change) for change in changes)
    alike = [change for change in changes if _shape(change) == (month, weekday, wall, before, after)]
    place, _ = _usual(place for change in alike for place in sorted(_places(change.at + change.before)))
    name = (alike[0].at + _DAY).replace(tzinfo=UTC).astimezone(zone).tzname() or zone.key
    return Onset(month, place, weekday, wall, before, after, name)


def _shape(change: Change) -> tuple[int, int, time, timedelta, timedelta]:
    wall = change.at + change.before
    return wall.month, wall.weekday(), wall.time(), change.before, change.after


def _usual(found: Iterable[T]) -> tuple[T, int]:
    """The most frequent, of equally frequent ones the first, and how often it comes."""
    return Counter(found).most_common(1)[0]


def _places(day: datetime) -> set[int]:
    """As which weekday of its month a day can be named: the n-th, the last, or either."""
    nth = (day.day - 1) // 7 + 1
    last = {-1} if day.day + 7 > calendar.monthrange(day.year, day.month)[1] else set()
    return last | {nth}


def changes_of(zone: ZoneInfo, year: int) -> list[Change]:
    """All changes of offset in a UTC year, found week by week and then to the second."""
    day, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001 - naive UTC, for speed
    found = []
    before = offset_at(zone, day)
    while day < end:
        following = min(day + _WEEK, end)  # no zone has changed twice in a week since 1970
        after = offset_at(zone, following)
        if after != before:
            found.append(Change(_moment(zone, day, following), before, after))
        day, before = following, after
    return found


def _moment(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first second with the offset of *high*, between two instants whose offsets differ."""
    after = offset_at(zone, high)
    while (gap := (high - low) // timedelta(seconds=1)) > 1:
        middle = low + timedelta(seconds=gap // 2)
        low, high = (low, middle) if offset_at(zone, middle) == after else (middle, high)
    return high


def offset_at(zone: ZoneInfo, at: datetime) -> timedelta:
    """The offset at a naive UTC instant."""
    return zone.fromutc(at.replace(tzinfo=zone)).utcoffset() or timedelta(0)
