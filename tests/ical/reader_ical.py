"""Reads calendars with PyPI's `ical`: JSON on standard input, JSON on standard output (see readers.py)."""

import json
import sys
from datetime import UTC, datetime

sys.path.insert(0, sys.argv[1])


def _read(body: str, start: datetime, end: datetime) -> list[list[str]]:
    from ical.calendar_stream import IcsCalendarStream

    calendar = IcsCalendarStream.calendar_from_ics(body)
    found = calendar.timeline_tz(UTC).overlapping(start, end)
    return [[_text(event.start), _text(event.end), (event.status or "").upper()] for event in found]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


asked = json.load(sys.stdin)
window = [datetime.fromisoformat(asked[key]).astimezone(UTC) for key in ("start", "end")]
json.dump([_read(body, *window) for body in asked["bodies"]], sys.stdout)
