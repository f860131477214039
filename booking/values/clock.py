"""Three kinds of time, never mixed: instants (aware UTC), local plans (date, wall time, zone), local days.

Durations are added in UTC only. `now` is always an argument; only the edges read a clock (DESIGN rule 5).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 2000, 2199

T = TypeVar("T", date, datetime)


def within_reach(value: T) -> T:
    """A day or instant that somebody named, of the years 2000 to 2199, so that adding to it never leaves the calendar.

    Raises ValueError on others.
    """
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"a year from {FIRST_YEAR} to {LAST_YEAR} is needed")
    return value


def require_utc(instant: datetime) -> datetime:
    """Return the instant in UTC. Raises ValueError on a naive one."""
    if instant.tzinfo is UTC:
        return instant
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a zone: {instant.isoformat()}")
    return instant.astimezone(UTC)


def instant_of(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall time.

    Policy: a wall time in a gap (clocks go forward) means the moment the same distance after the gap's start, 02:30
    becomes 03:30; a wall time in a fold (clocks go back) means its first occurrence.
    """
    return datetime.combine(day, wall.replace(fold=0), tzinfo=zone).astimezone(UTC)


def is_in_gap(day: date, wall: time, zone: ZoneInfo) -> bool:
    """Whether this wall time does not exist on that day: it fails the round trip through UTC."""
    there = datetime.combine(day, wall, tzinfo=zone)
    return there.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != there.replace(tzinfo=None)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    return require_utc(instant).astimezone(zone).date()


def local_time(instant: datetime, zone: ZoneInfo) -> time:
    return require_utc(instant).astimezone(zone).time()


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Start and end of a local day as instants; 23, 24 or 25 hours apart."""
    return instant_of(day, time(0), zone), instant_of(day + DAY, time(0), zone)


def days_between(first: date, last: date) -> Iterator[date]:
    """Each local day from first to last, both inclusive."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
