"""A calendar is looked at without keeping what it comes to (SPEC C12)."""

import tracemalloc
from datetime import UTC, datetime

import pytest

from booking.values.slot import Slot
from ical.expansion import expand_all
from ical.reading import Reading, read
from sync.checking import AHEAD, check
from tests.ical.hostile import calendar, event

BERLIN = "Europe/Berlin"
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MEBIBYTE = 1024 * 1024


@pytest.mark.rule("C12")
def test_the_dates_of_many_series_are_counted_and_not_kept() -> None:
    body = calendar(*(event("RRULE:FREQ=DAILY", uid=f"d{number}") for number in range(400)))
    reading = read(body, BERLIN)
    assert isinstance(reading, Reading)
    tracemalloc.start()
    try:
        report = check(body, BERLIN, START)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    found = expand_all(reading.items, Slot(START, START + AHEAD), BERLIN)
    assert report.occurrences == sum(len(one.occurrences) for one in found.values()) > 400 * 300
    assert most < 12 * MEBIBYTE
