"""When an item takes place in a window (SPEC C12).

A series is expanded in the wall time of its start's zone. Policy at clock changes: an occurrence whose wall time does
not exist is kept, as long after the gap's start as it would have been (02:30 becomes 03:30); one whose wall time comes
twice is its first run. Each lasts as long by the clock on the wall as the first one, so that a night from 22:00 to
06:00 ends at 06:00 on every date; RFC 5545 would keep the hours run, which no calendar program shows.

The start of a series always takes place, also where its rule does not name it. A date that is both left out and
overridden is left out. An override takes place whether or not the rule names its date.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import repeat
from operator import add, itemgetter, sub
from typing import NamedTuple
from zoneinfo import ZoneInfo

from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from ical.item import Details, Item, Moment
from ical.rules import BadRule, Rule, rule_of, until_value
from ical.stepping import MOST_WORK, Effort, Span, TooMuch, walls
from ical.zones import changes_of

_DAY = timedelta(days=1)
_START = itemgetter(0)
Bounds = list[tuple[datetime, timedelta]]
_MARGIN = 2 * _DAY  # more than any offset, and than any change of offset


@dataclass(frozen=True, slots=True)
class Caps:
    """The longest window, the most occurrences of an item in it, and what all rules of a feed may cost together."""

    window: timedelta = timedelta(days=2 * 366)
    results: int = 5_000
    effort: int = 10 * MOST_WORK


CAPS = Caps()


class Occurrence(NamedTuple):
    """One date. `original` is where the series has it: an aware instant, or the naive midnight of a whole day."""

    start: datetime
    end: datetime
    details: Details
    original: datetime

    @property
    def key(self) -> str:
        """As `Moment.key` of its RECURRENCE-ID."""
        if self.original.tzinfo is None:
            return f"{self.original:%Y%m%d}"
        return f"{self.original:%Y%m%dT%H%M%SZ}"


_occurrence = partial(tuple.__new__, Occurrence)  # less than half the time of `Occurrence._make`


@dataclass(frozen=True, slots=True)
class Expansion:
    """Occurrences by start. With a refusal (series-too-many, series-too-much-work, series-bad-rule) some are missing.

    Those that are certain are there even so: the first, the added and the overrides. Nobody may conclude that a time
    is free from an expansion that is refused.
    """

    occurrences: tuple[Occurrence, ...]
    refusal: Refused | None = None


def expand_all(items: Iterable[Item], window: Slot, zone: str, caps: Caps = CAPS) -> dict[str, Expansion]:
    """The same for the items of a feed, by UID."""
    return dict(expand_each(items, window, zone, caps))


def expand_each(items: Iterable[Item], window: Slot, zone: str, caps: Caps = CAPS) -> Iterator[tuple[str, Expansion]]:
    """One item of a feed at a time, with its UID. What the feed may cost is shared: the rules after it are refused."""
    left = Effort(caps.effort)
    for item in items:
        effort = Effort(min(MOST_WORK, max(0, left.left)))
        before = effort.left
        found = expand(item, window, zone, caps, effort)
        left.left -= before - effort.left + len(found.occurrences)
        yield item.uid, found


def expand(item: Item, window: Slot, zone: str, caps: Caps = CAPS, effort: Effort | None = None) -> Expansion:
    """The occurrences that take time in the window, [start, end), and those without length that begin in it.

    *zone* is the calendar's own, in which whole days begin. Raises ValueError where the window is longer than allowed,
    ZoneInfoNotFoundError (a KeyError) where the zone of the item or the calendar is none.
    """
    if window.duration > caps.window:
        raise ValueError(f"a window of {window.duration} is longer than {caps.window}")
    certain = list(_overrides(item))
    by_rule: list[Occurrence] = []
    refusal = None
    if item.master is not None:
        series = _Series(item, item.master, zone)
        certain += series.certain()
        try:
            by_rule = series.by_rule(window, caps.results, Effort() if effort is None else effort)
        except TooMuch as much:
            refusal = refused("series-too-many" if much.code == "results" else "series-too-much-work")
        except BadRule:
            refusal = refused("series-bad-rule")
    inside = _inside(certain, window)
    found = sorted(inside + by_rule, key=_START) if inside else by_rule
    if len(found) > caps.results:
        return Expansion(tuple(found[: caps.results]), refused("series-too-many"))
    return Expansion(tuple(found), refusal)


@dataclass(frozen=True, slots=True)
class _Series:
    item: Item
    master: Details
    own_zone: str

    @property
    def zone(self) -> str:
        return self.master.start.zone or self.own_zone

    def certain(self) -> list[Occurrence]:
        """The first and the added dates, but for those left out or overridden."""
        gone = _left_out(self.item) | self.item.overrides.keys()
        start, end = self.master.start, self.master.end
        found = [Occurrence(start.instant, end.instant, self.master, start.wall if start.is_day else start.instant)]
        added = {
            moment.key: moment.wall for moment in self._added if moment.key not in gone and moment.key != start.key
        }
        walls_added = sorted([wall.replace(tzinfo=UTC) for wall in added.values()])
        return ([] if start.key in gone else found) + self._occurrences(walls_added)

    def by_rule(self, window: Slot, most: int, effort: Effort) -> list[Occurrence]:
        """What the rule gives in the window, in order, without what is certain, left out or overridden."""
        if self.item.recurrence is None or not self.item.recurrence.rule:
            return []
        effort.spend(1)
        rule = rule_of(self.item.recurrence.rule, _checked)
        start = self.master.start
        low, back = _naive(window.start), max(self._length, timedelta(0)) + _MARGIN
        span = Span(
            start.wall if low - start.wall <= back else low - back, _naive(window.end) + _MARGIN, most + 9, effort
        )
        gone = _left_out(self.item) | self.item.overrides.keys() | {moment.key for moment in self._added} | {start.key}
        found = self._occurrences(walls(rule, start.wall, self._until(rule), span))
        if rule.frequency == "HOURLY" or "BYHOUR" in rule.by:  # two wall times of one day may be the same instant
            found = list({one.start: one for one in found}.values())
        return _cut(_without(found, [_instant_of(key) for key in gone]), window)

    @property
    def _added(self) -> tuple[Moment, ...]:
        return self.item.recurrence.added if self.item.recurrence is not None else ()

    @property
    def _length(self) -> timedelta:
        """How long an occurrence lasts by the clock on the wall."""
        start, end = self.master.start, self.master.end
        if start.zone == end.zone:
            return end.wall - start.wall
        return end.instant - start.instant

    def _until(self, rule: Rule) -> datetime | None:
        """The last wall time that UNTIL allows."""
        if not rule.until:
            return None
        until = until_value(rule.until)
        if not isinstance(until, datetime):
            return datetime(until.year, until.month, until.day)  # noqa: DTZ001 - wall time
        if self.master.start.is_day or self.zone == "UTC":
            return until
        return until.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)

    def _occurrences(self, found: list[datetime]) -> list[Occurrence]:
        """The occurrences at these walls, which are sorted and marked UTC."""
        length, details = self._length, self.master
        bounds = _bounds_between(found, length, self.zone)
        starts = _instants(found, self.zone, bounds)
        if not length:
            ends = starts
        elif details.start.zone != details.end.zone:
            ends = list(map(add, starts, repeat(length)))
        else:
            ends = _instants(list(map(add, found, repeat(length))), self.zone, bounds)
            _mend(starts, ends, found, length, bounds)
        originals = [wall.replace(tzinfo=None) for wall in found] if details.start.is_day else starts
        return list(map(_occurrence, zip(starts, ends, repeat(details), originals)))


def _overrides(item: Item) -> Iterable[Occurrence]:
    left_out = _left_out(item)
    for key, details in item.overrides.items():
        if key not in left_out:
            at = _instant_of(key)
            original = at if key.endswith("Z") else at.replace(tzinfo=None)
            yield Occurrence(details.start.instant, details.end.instant, details, original)


def _inside(found: list[Occurrence], window: Slot) -> list[Occurrence]:
    low, high = window.start, window.end
    return [one for one in found if one.start < high and (one.end > low or one.start >= low)]


def _cut(found: list[Occurrence], window: Slot) -> list[Occurrence]:
    """The same for occurrences in order."""
    begin, end = bisect_left(found, window.start, key=_START), bisect_left(found, window.end, key=_START)
    return _inside(found[:begin], window) + found[begin:end] if begin else found[:end]


def _without(found: list[Occurrence], gone: list[datetime]) -> list[Occurrence]:
    """The same list without those that the series has at these moments (whole days: midnights marked UTC)."""
    places = set()
    for at in gone:
        place = bisect_left(found, at, key=_series_moment)
        if place < len(found) and _series_moment(found[place]) == at:
            places.add(place)
    for place in sorted(places, reverse=True):
        del found[place]
    return found


def _series_moment(one: Occurrence) -> datetime:
    return one.original.replace(tzinfo=UTC) if one.original.tzinfo is None else one.original


def _mend(
    starts: list[datetime], ends: list[datetime], found: list[datetime], length: timedelta, bounds: Bounds
) -> None:
    """Give those their whole length whose start was moved out of a gap, and past their end."""
    for at, _ in bounds:
        place = bisect_left(found, at) - 1
        while place >= 0 and found[place] > at - _DAY:
            if ends[place] <= starts[place]:
                ends[place] = starts[place] + length
            place -= 1


def _left_out(item: Item) -> set[str]:
    return {moment.key for moment in item.recurrence.left_out} if item.recurrence is not None else set()


def _checked(until: str) -> str:
    until_value(until)
    return until


def _instant_of(key: str) -> datetime:
    """A key as an aware moment; a whole day's as its midnight, marked UTC."""
    return datetime.fromisoformat(key.removesuffix("Z")).replace(tzinfo=UTC)


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def _instants(found: list[datetime], zone: str, bounds: Bounds) -> list[datetime]:
    """The instants of sorted wall times that are marked UTC."""
    if not found or zone == "UTC":
        return found
    offset = found[0].replace(tzinfo=ZoneInfo(zone)).utcoffset() or timedelta(0)
    instants: list[datetime] = []
    place = 0
    for at, after in bounds:
        if at > found[0]:
            following = bisect_left(found, at, place)
            instants += map(sub, found[place:following], repeat(offset))
            place, offset = following, after
    instants += map(sub, found[place:], repeat(offset))
    return instants


def _bounds_between(found: list[datetime], length: timedelta, zone: str) -> Bounds:
    """The bounds that matter to these wall times and their ends."""
    if not found or zone == "UTC":
        return []
    last = found[-1] + length
    bounds = [bound for year in range(found[0].year - 1, last.year + 2) for bound in _bounds(zone, year)]
    return [bound for bound in bounds if found[0] <= bound[0] <= last]


@lru_cache(maxsize=1024)
def _bounds(zone: str, year: int) -> tuple[tuple[datetime, timedelta], ...]:
    """From which wall times on (marked UTC) another offset holds, by the policy above."""
    changes = changes_of(ZoneInfo(zone), year)
    return tuple(
        ((change.at + max(change.before, change.after)).replace(tzinfo=UTC), change.after) for change in changes
    )
