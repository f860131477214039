"""Calendars that others have collected, shipped with two libraries: read with the same starts as by icalendar."""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pytest
from icalendar import Calendar

from booking.values.refusals import Refused
from ical.reading import read


def corpus() -> list[Path]:
    found: list[Path] = []
    for name in ("icalendar", "recurring_ical_events"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        found += sorted(Path(spec.origin).parent.rglob("*.ics"))
    return found


@pytest.mark.filterwarnings("ignore")  # icalendar's own about what it reads
@pytest.mark.soak
@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_a_calendar_of_the_corpora_is_read_with_the_same_starts_as_by_icalendar(path: Path) -> None:
    body = path.read_bytes()
    found = read(body, "UTC")
    try:
        theirs = Calendar.from_ical(body)
    except (ValueError, KeyError, IndexError, AttributeError, TypeError):
        return  # ours need only not fail
    if isinstance(found, Refused) or isinstance(theirs, list):
        return
    known = {item.uid: item for item in found.items}
    for component in theirs.walk("VEVENT"):
        uid, start = str(component.get("UID", "")).strip(), component.get("DTSTART")
        if uid in found.lost or uid not in known or isinstance(start, list) or start is None:
            continue
        ours = [known[uid].master, *known[uid].overrides.values()]
        dt = start.dt
        if isinstance(dt, datetime):
            wanted = dt.astimezone(UTC) if dt.tzinfo else dt.replace(tzinfo=UTC)
            twice = {problem.uid for problem in found.problems}
            assert uid in twice or wanted in {one.start.instant for one in ours if one}, (uid, wanted)
