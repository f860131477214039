"""VTIMEZONE as every client reads it: exactly one STANDARD and at most one DAYLIGHT, each with a yearly rule.

Outlook needs RRULE with BYMONTH and BYDAY and reads one observance of each kind (MS-OXCICAL), so a zone is described by
the rule that holds from now on, in force since 1970 as in other products' feeds. That is not true of all years, so it
is never relied on unseen: `keeps_rule` says whether zoneinfo agrees for a whole year, and the times of other years are
written in UTC. A zone without such a rule is written in UTC altogether: Morocco and Gaza, which follow Ramadan; Israel,
Chile, Egypt and Greenland, whose day is no n-th weekday of a month.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from booking.values.slot import Slot
from ical.text import CRLF

# 28 years hold every calendar there is, so that a rule that fits them all fits for good; far enough ahead that changes
# already decided are behind.
RULE_YEARS = range(2030, 2058)
FIRST_YEAR = 1970
LAST_YEAR = 9999

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
    """The yearly rule of an Olson zone, or None where it has none that fits all RULE_YEARS.

    Raises ZoneInfoNotFoundError (a KeyError) or ValueError on a name that is no zone.
    """
    zone = ZoneInfo(zone_name)
    years = [_changes(zone, year) for year in RULE_YEARS]
    if not any(years):
        there = datetime(RULE_YEARS.start, 1, 1, tzinfo=UTC).astimezone(zone)
        return ZoneRule(there.utcoffset() or timedelta(0), there.tzname() or zone_name, ())
    if any(len(changes) != 2 for changes in years):
        return None
    onsets = [_onset(zone, [changes[index] for changes in years]) for index in range(2)]
    known = tuple(onset for onset in onsets if onset is not None)
    return ZoneRule(known[0].before, zone_name, known) if len(known) == 2 else None


@lru_cache(maxsize=8192)
def keeps_rule(zone_name: str, year: int) -> bool:
    """Whether the zone's rule and zoneinfo agree on every instant of a UTC year, so that local times may be written."""
    rule = rule_of(zone_name)
    if rule is None or not FIRST_YEAR < year < LAST_YEAR:
        return False
    zone = ZoneInfo(zone_name)
    if _changes(zone, year) != rule.changes(year):
        return False
    return bool(rule.onsets) or _offset_at(zone, datetime(year, 1, 1)) == rule.offset  # noqa: DTZ001 - naive UTC


@lru_cache(maxsize=8192)
def repeated_spans(zone_name: str, year: int) -> tuple[Slot, ...]:
    """The instants of a UTC year whose wall time occurs twice: as long before as after clocks go back."""
    falls = [change for change in _changes(ZoneInfo(zone_name), year) if change.after < change.before]
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
        lines += _observance("STANDARD", since, (rule.offset, rule.offset), rule.name, None)
    for onset in sorted(rule.onsets, key=lambda onset: onset.after):
        kind = "DAYLIGHT" if onset.after > onset.before else "STANDARD"
        yearly = f"RRULE:FREQ=YEARLY;BYMONTH={onset.month};BYDAY={onset.nth}{_DAYS[onset.weekday]}"
        lines += _observance(kind, onset.in_year(FIRST_YEAR), (onset.before, onset.after), onset.name, yearly)
    lines.append("END:VTIMEZONE")
    return "".join(line + CRLF for line in lines).encode()


def _observance(
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


def _onset(zone: ZoneInfo, changes: list[Change]) -> Onset | None:
    """The one yearly rule behind a change of each year, or None."""
    walls = [change.at + change.before for change in changes]
    first = changes[0]
    shapes = {
        (wall.month, wall.weekday(), wall.time(), change.before, change.after)
        for wall, change in zip(walls, changes, strict=True)
    }
    places = set.intersection(*map(_places, walls))
    if len(shapes) != 1 or not places:
        return None
    name = (first.at + _DAY).replace(tzinfo=UTC).astimezone(zone).tzname() or zone.key
    return Onset(walls[0].month, min(places), walls[0].weekday(), walls[0].time(), first.before, first.after, name)


def _places(day: datetime) -> set[int]:
    """As which weekday of its month a day can be named: the n-th, the last, or either."""
    nth = (day.day - 1) // 7 + 1
    last = {-1} if day.day + 7 > calendar.monthrange(day.year, day.month)[1] else set()
    return last | {nth}


def _changes(zone: ZoneInfo, year: int) -> list[Change]:
    """All changes of offset in a UTC year, found week by week and then to the second."""
    day, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)  # noqa: DTZ001 - naive UTC, for speed
    found = []
    before = _offset_at(zone, day)
    while day < end:
        following = min(day + _WEEK, end)  # no zone has changed twice in a week since 1970
        after = _offset_at(zone, following)
        if after != before:
            found.append(Change(_moment(zone, day, following), before, after))
        day, before = following, after
    return found


def _moment(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first second with the offset of *high*, between two instants whose offsets differ."""
    after = _offset_at(zone, high)
    while (gap := (high - low) // timedelta(seconds=1)) > 1:
        middle = low + timedelta(seconds=gap // 2)
        low, high = (low, middle) if _offset_at(zone, middle) == after else (middle, high)
    return high


def _offset_at(zone: ZoneInfo, at: datetime) -> timedelta:
    """The offset at a naive UTC instant."""
    return zone.fromutc(at.replace(tzinfo=zone)).utcoffset() or timedelta(0)
