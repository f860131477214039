"""Readers of calendars that share nothing with our writer. Each gives, for every body, the occurrences that overlap a
window: sorted (start, end, status), instants as text.
"""

import json
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import recurring_ical_events
from dateutil import tz
from dateutil.rrule import rrulestr
from icalendar import Calendar

from tests import reader_setup

Row = tuple[str, str, str]
Read = Callable[[Sequence[bytes], datetime, datetime], list[list[Row]]]
SECONDS = 1800


def by_icalendar(bodies: Sequence[bytes], start: datetime, end: datetime) -> list[list[Row]]:
    """With icalendar and recurring-ical-events."""
    return [_with_icalendar(body, start, end) for body in bodies]


def _with_icalendar(body: bytes, start: datetime, end: datetime) -> list[Row]:
    calendar = Calendar.from_ical(body)
    assert [part.errors for part in calendar.walk() if part.errors] == []
    found = recurring_ical_events.of(calendar).between(start, end)
    return sorted((text(event.start), text(event.end), str(event["STATUS"])) for event in found)


def by_dateutil(bodies: Sequence[bytes], start: datetime, end: datetime) -> list[list[Row]]:
    """The rules and zones as dateutil understands them; exceptions joined by hand."""
    return [_with_dateutil(body.decode(), start, end) for body in bodies]


def _with_dateutil(body: str, start: datetime, end: datetime) -> list[Row]:
    zones: dict[str, Any] = {}
    for piece in body.split("BEGIN:VTIMEZONE")[1:]:
        zone = "BEGIN:VTIMEZONE" + piece.partition("END:VTIMEZONE")[0] + "END:VTIMEZONE\r\n"
        read = tz.tzical(StringIO(zone))
        zones |= {name: read.get(name) for name in read.keys()}  # noqa: SIM118 - no mapping
    events = [_properties(piece) for piece in body.replace("\r\n ", "").split("BEGIN:VEVENT\r\n")[1:]]
    replaced = {
        (one["UID"][0][1], _moment(*one["RECURRENCE-ID"][0], zones)) for one in events if "RECURRENCE-ID" in one
    }
    rows = [row for one in events for row in _expanded(one, zones, replaced)]
    return sorted((text(a), text(b), status) for a, b, status in rows if b > start and a < end)


def _expanded(
    event: dict[str, list[tuple[str, str]]], zones: dict[str, Any], replaced: set[tuple[str, datetime]]
) -> list[tuple[datetime, datetime, str]]:
    first, last = _moment(*event["DTSTART"][0], zones), _moment(*event["DTEND"][0], zones)
    status, uid = event["STATUS"][0][1], event["UID"][0][1]
    if "RRULE" not in event:
        return [(first, last, status)]
    gone = {_moment(*value, zones) for value in event.get("EXDATE", [])}
    walls = rrulestr(event["RRULE"][0][1], dtstart=first)
    length = last.replace(tzinfo=None) - first.replace(tzinfo=None)  # by the wall, unlike the others
    kept = (wall for wall in walls if wall not in gone and (uid, wall) not in replaced)
    return [(wall, wall + length, status) for wall in kept]


def _properties(piece: str) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for line in piece.partition("END:VEVENT")[0].split("BEGIN:VALARM")[0].splitlines():
        head, _, value = line.partition(":")
        name, _, parameters = head.partition(";")
        found.setdefault(name, []).append((parameters, value))
    return found


def _moment(parameters: str, value: str, zones: dict[str, Any]) -> datetime:
    wall = datetime.strptime(value.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone follows
    return wall.replace(tzinfo=UTC if value.endswith("Z") else zones[parameters.removeprefix("TZID=")])


def _by_process(find: Callable[[], list[str] | None]) -> Read:
    def read(bodies: Sequence[bytes], start: datetime, end: datetime) -> list[list[Row]]:
        command = find()
        assert command is not None, "a reader of calendars is not installed: run `make setup`"
        asked = {"start": start.isoformat(), "end": end.isoformat(), "bodies": [body.decode() for body in bodies]}
        done = subprocess.run(
            command, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr
        return [sorted((a, b, status) for a, b, status in rows) for rows in json.loads(done.stdout)]

    return read


def text(moment: datetime) -> str:
    # dateutil's own zones need their own way to UTC: the offset of the wall time.
    offset = moment.utcoffset() or timedelta(0)
    return f"{moment.replace(tzinfo=None) - offset:%Y-%m-%dT%H:%M:%SZ}"


READERS: dict[str, Read] = {
    "icalendar": by_icalendar,
    "dateutil": by_dateutil,
    "ical": _by_process(reader_setup.ical_command),
    "ical.js": _by_process(reader_setup.node_command),
}
