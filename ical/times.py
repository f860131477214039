"""How instants are written: UTC with a Z, or the wall time with its TZID where that says the same to every reader."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from booking.values.clock import require_utc
from booking.values.slot import Slot
from ical.basic import basic
from ical.zones import keeps_rule, repeated_spans

_DAY = timedelta(days=1)


def utc_text(instant: datetime) -> str:
    """Form 2, UTC. Raises ValueError on a naive instant."""
    return basic(instant if instant.tzinfo is UTC else require_utc(instant)) + "Z"


def is_local(slot: Slot, zone_name: str) -> bool:
    """Whether both ends of the slot are written as wall times of the zone, and so need its VTIMEZONE.

    Not in a year whose offsets the VTIMEZONE does not tell, and not in the hour that is run through twice when clocks
    go back: form 3 means its first run there, and not all clients know. Then both ends are written in UTC.
    """
    return _wall_times(slot, zone_name) is not None


def time_lines(slot: Slot, zone_name: str) -> str:
    """DTSTART and DTEND as two content lines without the last CRLF.

    Raises ZoneInfoNotFoundError (a KeyError) or ValueError on a name that is no zone.
    """
    walls = _wall_times(slot, zone_name)
    if walls is None:
        return f"DTSTART:{utc_text(slot.start)}\r\nDTEND:{utc_text(slot.end)}"
    return _local_lines(walls, zone_name)


def local_lines(slot: Slot, zone_name: str) -> str:
    """As `time_lines`, but always as wall times, for the caller who knows that readers find the same instants."""
    zone = ZoneInfo(zone_name)
    return _local_lines((slot.start.astimezone(zone), slot.end.astimezone(zone)), zone_name)


def _local_lines(walls: tuple[datetime, datetime], zone_name: str) -> str:
    start, end = walls
    return f"DTSTART;TZID={zone_name}:{basic(start)}\r\nDTEND;TZID={zone_name}:{basic(end)}"


def wall_of(instant: datetime, zone_name: str) -> datetime | None:
    """The wall time, its tzinfo meaningless, of an aware UTC instant; None where it has to be written in UTC."""
    offset = _offset_of_day(zone_name, instant.toordinal())
    if offset is not None:
        return instant + offset
    if not keeps_rule(zone_name, instant.year) or is_repeated(instant, zone_name):
        return None
    return instant.astimezone(ZoneInfo(zone_name))


def is_repeated(instant: datetime, zone_name: str) -> bool:
    """Whether an aware instant's wall time occurs twice, because clocks go back."""
    return any(span.start <= instant < span.end for span in repeated_spans(zone_name, instant.year))


def _wall_times(slot: Slot, zone_name: str) -> tuple[datetime, datetime] | None:
    start, end = slot.start, slot.end
    if start.tzinfo is not UTC or end.tzinfo is not UTC:
        start, end = require_utc(start), require_utc(end)
    here, there = _offset_of_day(zone_name, start.toordinal()), _offset_of_day(zone_name, end.toordinal())
    if here is not None and there is not None:  # nearly always, and this is what rendering spends its time on
        return start + here, end + there
    first, last = wall_of(start, zone_name), wall_of(end, zone_name)
    return None if first is None or last is None else (first, last)


@lru_cache(maxsize=32_768)
def _offset_of_day(zone_name: str, ordinal: int) -> timedelta | None:
    """The offset of all of a UTC day whose wall times may be written, or None where each instant must be looked at."""
    first = datetime.fromordinal(ordinal).replace(tzinfo=UTC)
    if not keeps_rule(zone_name, first.year):
        return None
    day = Slot(first, first + _DAY)
    if any(span.start <= day.end and day.start <= span.end for span in repeated_spans(zone_name, first.year)):
        return None
    zone = ZoneInfo(zone_name)
    offset, after = day.start.astimezone(zone).utcoffset(), day.end.astimezone(zone).utcoffset()
    return offset if offset == after else None
