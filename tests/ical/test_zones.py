"""The zones that we write, read by dateutil, beside what zoneinfo knows."""

import os
import random
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import pytest
from dateutil import tz

from ical.zones import _changes, keeps_rule, repeated_spans, rule_of, vtimezone

ALWAYS = (
    "Africa/Casablanca",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
)
OTHERS = sorted(available_timezones() - set(ALWAYS))
SOME = OTHERS if os.environ.get("PLATZWART_SOAK") else random.Random(26).sample(OTHERS, len(OTHERS) // 10)
YEARS = (2026, 2027, 2032)
HOUR = timedelta(hours=1)


def samples(zone: ZoneInfo, year: int) -> list[datetime]:
    """Every tenth day at some hour, and the second, the hour and two hours around each change."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=10 * count, hours=7 * count % 24) for count in range(36)]
    around = (-2 * HOUR, -HOUR, timedelta(seconds=-1), timedelta(0), HOUR, 2 * HOUR)
    changes = [change.at.replace(tzinfo=UTC) + step for change in _changes(zone, year) for step in around]
    return days + changes


def differences(name: str, year: int) -> list[datetime]:
    """The instants at which the written zone, as dateutil reads it, disagrees with zoneinfo on the offset."""
    body = vtimezone(name)
    assert body is not None
    read = tz.tzical(StringIO(body.decode())).get(name)
    zone = ZoneInfo(name)
    spans = repeated_spans(name, year)
    found = []
    for instant in samples(zone, year):
        there = instant.astimezone(zone)
        if any(span.start <= instant < span.end for span in spans):
            continue  # the wall time is ambiguous: never written, see test_event
        if read.utcoffset(there.replace(tzinfo=None)) != there.utcoffset():
            found.append(instant)
    return found


@pytest.mark.soak
@pytest.mark.rule("C3")
@pytest.mark.parametrize("name", [*ALWAYS, *SOME])
def test_a_written_zone_has_the_offsets_that_zoneinfo_has(name: str) -> None:
    for year in YEARS:
        if keeps_rule(name, year):
            assert differences(name, year) == []
        else:
            assert rule_of(name) is None or differences(name, year) != []


@pytest.mark.parametrize("name", [name for name in ALWAYS if name != "Africa/Casablanca"])
def test_the_usual_zones_are_written_as_local_times_for_years_to_come(name: str) -> None:
    assert all(keeps_rule(name, year) for year in range(2026, 2060))


@pytest.mark.rule("C3")
@pytest.mark.parametrize("name", [*ALWAYS, *SOME])
def test_outlook_finds_one_standard_and_at_most_one_daylight_with_a_yearly_weekday(name: str) -> None:
    body = vtimezone(name)
    if body is None:
        assert rule_of(name) is None
        return
    text = body.decode()
    daylight = text.count("BEGIN:DAYLIGHT")
    assert text.count("BEGIN:STANDARD") == 1
    assert daylight == (1 if _changes(ZoneInfo(name), 2031) else 0)
    yearly = re.findall(r"RRULE:FREQ=YEARLY;BYMONTH=\d{1,2};BYDAY=(?:[1-4]|-1)(?:MO|TU|WE|TH|FR|SA|SU)\r\n", text)
    assert len(yearly) == text.count("RRULE") == 2 * daylight
    assert text.count("TZOFFSETTO") == text.count("TZOFFSETFROM") == 1 + daylight
    assert "RDATE" not in text


def test_the_hall_of_berlin_changes_on_the_last_sundays() -> None:
    text = (vtimezone("Europe/Berlin") or b"").decode()
    assert "DTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nTZOFFSETFROM:+0100\r\n" in text
    assert "DTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r\n" in text


def test_standard_time_is_the_smaller_offset_also_where_winter_is_the_exception() -> None:
    text = (vtimezone("Europe/Dublin") or b"").decode()
    assert "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0000\r\nTZNAME:GMT\r\nEND:STANDARD" in text


@pytest.mark.parametrize("name", ["Africa/Casablanca", "Asia/Jerusalem", "America/Santiago"])
def test_a_zone_whose_changes_follow_no_weekday_of_a_month_is_not_written(name: str) -> None:
    assert vtimezone(name) is None
    assert not keeps_rule(name, 2026)


@pytest.mark.parametrize(
    ("name", "year"), [("America/New_York", 2006), ("Europe/Moscow", 2012), ("Pacific/Apia", 2011), ("UTC", 1970)]
)
def test_a_year_of_another_rule_does_not_keep_the_rule(name: str, year: int) -> None:
    assert not keeps_rule(name, year)
    assert keeps_rule(name, 2026)


def test_the_repeated_hour_is_as_long_as_the_clocks_go_back() -> None:
    [berlin] = repeated_spans("Europe/Berlin", 2026)
    assert (berlin.start, berlin.end) == (datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC))
    [lord_howe] = repeated_spans("Australia/Lord_Howe", 2026)
    assert lord_howe.duration == HOUR
    assert repeated_spans("Asia/Kolkata", 2026) == ()


@pytest.mark.parametrize("name", ["Nowhere/Land", "Europe/Berlin\r\nX:Y", "../etc/passwd"])
def test_a_name_that_is_no_zone_is_an_error(name: str) -> None:
    with pytest.raises((ZoneInfoNotFoundError, ValueError)):
        vtimezone(name)
