"""Values of foreign content lines: DATE, DATE-TIME, DURATION (RFC 5545 section 3.3). ValueError on what is none."""

import re
from datetime import datetime, timedelta

EARLIEST, LATEST = 1000, 9900  # years; far enough from the ends of datetime that no arithmetic with zones overflows

_DURATION = re.compile(
    r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?", re.IGNORECASE
)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})(?::?(\d{2}))?")


def wall_of(value: str) -> datetime:
    """The naive wall time of a DATE-TIME without its Z; a leap second is the second before."""
    if len(value) != 15 or value[8] not in "Tt" or value[4] == "W" or not value[9:].isdigit():
        raise ValueError(f"no date and time: {value[:40]!r}")
    if value[13:] == "60":
        value = value[:-2] + "59"
    wall = datetime.fromisoformat(value)
    if not EARLIEST <= wall.year <= LATEST:
        raise ValueError(f"out of range: {value}")
    return wall


def day_of(value: str) -> datetime:
    """The naive midnight of a DATE."""
    if len(value) != 8 or not (value.isascii() and value.isdigit()):
        raise ValueError(f"no date: {value[:40]!r}")
    day = datetime.fromisoformat(value)
    if not EARLIEST <= day.year <= LATEST:
        raise ValueError(f"out of range: {value}")
    return day


def duration_of(value: str) -> tuple[timedelta, timedelta]:
    """The nominal part (weeks and days) and the exact part of a DURATION. Either may be below zero."""
    found = _DURATION.fullmatch(value.strip())
    if found is None or not any(found.groups()[1:]):
        raise ValueError(f"no duration: {value[:40]!r}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    sign = -1 if found[1] == "-" else 1
    nominal, exact = timedelta(weeks=weeks, days=days), timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return sign * nominal, sign * exact


def offset_of(value: str) -> timedelta:
    """A UTC-OFFSET (section 3.3.14)."""
    found = _OFFSET.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"no offset: {value[:40]!r}")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]), seconds=int(found[4] or 0))
    if offset >= timedelta(days=1):
        raise ValueError(f"no offset: {value[:40]!r}")
    return -offset if found[1] == "-" else offset
