"""How a series can be written so that every reader finds the same instants, Outlook's limits kept.

A master with RRULE holds the occurrences whose start is one sure wall time of the zone, in a time whose offsets the
VTIMEZONE tells. What is left out, or is written apart, is an EXDATE. Written apart, as events of their own, are:

- starts in a gap or in an hour that is run through twice, since readers generate them differently;
- dates added by hand;
- moves to the day of another occurrence, or over a neighbour: Outlook allows neither.

An occurrence whose end is displaced by a change of clocks stays as an override with its true end; readers differ in
whether a recurring event's length is elapsed or by the wall. Where the zone is not told in all the years, or
occurrences overlap by plan, there is no master and every occurrence stands apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import dropwhile, pairwise
from zoneinfo import ZoneInfo

from booking.values.clock import DAY, instant_of
from booking.values.recurrence import Frequency, planned_days
from booking.values.slot import Slot
from ical.series import Occurrence, Series
from ical.times import utc_text, wall_of
from ical.zones import keeps_rule

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class Group:
    """The components of the series' own UID. `start` is the planned slot of the master; `left_out` are wall times."""

    start: Slot
    rule: str
    left_out: tuple[datetime, ...]
    members: tuple[Occurrence, ...]
    overrides: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A group, where one can be written, and the occurrences that are events of their own."""

    group: Group | None
    singles: tuple[Occurrence, ...]


def laid_out(series: Series, shown: Sequence[Occurrence], *, expanded: bool = False) -> Layout:
    """How to write these occurrences of a series, in the order of their originals; the others are left out."""
    group = None if expanded else _group(series, shown)
    if group is None:
        return Layout(None, tuple(shown))
    inside = {member.original for member in group.members}
    return Layout(group, tuple(one for one in shown if one.original not in inside))


def _group(series: Series, shown: Sequence[Occurrence]) -> Group | None:
    originals = [datetime.combine(day, series.wall) for day in planned_days(series.first, series.rule)]
    if not _is_told(series, originals):
        return None
    sure = [one for one in shown if one.planned is not None and _starts_surely(one, series.zone)]
    placed = _well_placed(sure, ZoneInfo(series.zone))
    members = tuple(dropwhile(lambda one: not _ends_surely(one, series), placed))
    if not members or members[0].planned is None:
        return None
    inside = {member.original for member in members}
    first = members[0].original
    return Group(
        start=members[0].planned,
        rule=rule_text(series, skipped=originals.index(first)),
        left_out=tuple(one for one in originals if one > first and one not in inside),
        members=members,
        overrides=tuple(one for one in members if one.is_changed or not _ends_surely(one, series)),
    )


def rule_text(series: Series, skipped: int = 0) -> str:
    """The RRULE value (RFC 5545 section 3.3.10) from the occurrence after the skipped ones on.

    UNTIL is the last second of the local day, in UTC as it has to be where DTSTART is local; never beside COUNT.
    """
    rule = series.rule
    parts = [f"FREQ={rule.frequency}"]
    if rule.until is not None:
        after = datetime.combine(rule.until + DAY, datetime.min.time())
        end = instant_of(after.date(), after.time(), ZoneInfo(series.zone)) - timedelta(seconds=1)
        parts.append(f"UNTIL={utc_text(end)}")
    if rule.count is not None:
        parts.append(f"COUNT={rule.count - skipped}")
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.frequency is Frequency.WEEKLY:
        days = sorted(rule.weekdays) or [series.first.weekday()]
        parts.append("BYDAY=" + ",".join(WEEKDAYS[day] for day in days))
    return ";".join(parts)


def _is_told(series: Series, originals: Sequence[datetime]) -> bool:
    """Whether the zone's rule holds in all the years, with a day to spare, and no two planned times overlap."""
    first, last = originals[0] - DAY, originals[-1] + series.length + DAY
    if any(after - before < series.length for before, after in pairwise(originals)):
        return False
    return all(keeps_rule(series.zone, year) for year in range(first.year, last.year + 1))


def _starts_surely(one: Occurrence, zone: str) -> bool:
    return one.planned is not None and _is_at(one.planned.start, one.original, zone)


def _ends_surely(one: Occurrence, series: Series) -> bool:
    return one.planned is not None and _is_at(one.planned.end, one.original + series.length, series.zone)


def _is_at(instant: datetime, wall: datetime, zone: str) -> bool:
    found = wall_of(instant, zone)
    return found is not None and found.replace(tzinfo=None) == wall


def _well_placed(members: Sequence[Occurrence], zone: ZoneInfo) -> list[Occurrence]:
    """Without the moved ones that would share a day with another, overlap it or pass it."""
    placed: list[Occurrence] = []
    for index, member in enumerate(members):
        if member.is_moved:
            unmoved = next((other for other in members[index + 1 :] if not other.is_moved), None)
            around = [*placed[-1:], member, *([unmoved] if unmoved else [])]
            if not all(_precedes(before, after, zone) for before, after in pairwise(around)):
                continue
        placed.append(member)
    return placed


def _precedes(one: Occurrence, other: Occurrence, zone: ZoneInfo) -> bool:
    is_earlier_day = one.slot.start.astimezone(zone).date() < other.slot.start.astimezone(zone).date()
    return is_earlier_day and one.slot.end <= other.slot.start
