"""How instants are written: UTC with a Z, or the wall time with its TZID where that says the same to every reader."""

from datetime import datetime
from zoneinfo import ZoneInfo

from booking.values.clock import require_utc
from booking.values.slot import Slot
from ical.zones import keeps_rule, repeated_spans

_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))  # four times as fast as isoformat or strftime


def basic(moment: datetime) -> str:
    """DATE-TIME form (RFC 5545 section 3.3.5) of a moment as it stands, to the second, without its zone."""
    two = _TWO_DIGITS
    day = f"{moment.year:04}{two[moment.month]}{two[moment.day]}"
    return f"{day}T{two[moment.hour]}{two[moment.minute]}{two[moment.second]}"


def utc_text(instant: datetime) -> str:
    """Form 2, UTC. Raises ValueError on a naive instant."""
    return basic(require_utc(instant)) + "Z"


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
    return f"DTSTART;TZID={zone_name}:{basic(walls[0])}\r\nDTEND;TZID={zone_name}:{basic(walls[1])}"


def _wall_times(slot: Slot, zone_name: str) -> tuple[datetime, datetime] | None:
    start, end = require_utc(slot.start), require_utc(slot.end)
    if not (keeps_rule(zone_name, start.year) and keeps_rule(zone_name, end.year)):
        return None
    if _is_repeated(start, zone_name) or _is_repeated(end, zone_name):
        return None
    zone = ZoneInfo(zone_name)
    return start.astimezone(zone), end.astimezone(zone)


def _is_repeated(instant: datetime, zone_name: str) -> bool:
    return any(span.start <= instant < span.end for span in repeated_spans(zone_name, instant.year))
