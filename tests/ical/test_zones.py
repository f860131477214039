"""The zones that we write, read by dateutil, beside what zoneinfo knows."""

import random
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from io import StringIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import pytest
from dateutil import tz

from ical.times import wall_of
from ical.zones import changes_of, keeps_rule, repeated_spans, rule_of, vtimezone
from tests.fixtures.soak import SOAK

ALWAYS = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/Santiago",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Apia",
)
OTHERS = sorted(available_timezones() - set(ALWAYS))
SOME = OTHERS if SOAK else random.Random(26).sample(OTHERS, len(OTHERS) // 10)
NOT_ALWAYS_TOLD = {"Africa/Cairo", "Africa/Casablanca", "America/Santiago", "Asia/Jerusalem"}
CHECKED = [*ALWAYS, *SOME]
EVERY_HALF_HOUR = CHECKED if SOAK else [*ALWAYS, *SOME[:5]]
YEARS = (2026, 2027, 2030)
HALF, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)


def samples(zone: ZoneInfo, year: int) -> list[datetime]:
    """Every half hour of the two days around each change, the second before it, and every tenth day at some hour."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=10 * count, hours=7 * count % 24) for count in range(36)]
    changes = [change.at.replace(tzinfo=UTC) for change in changes_of(zone, year)]
    around = [at - DAY + step * HALF for at in changes for step in range(96)]
    return days + around + [at - timedelta(seconds=1) for at in changes]


def written_offset(name: str, wall: datetime) -> timedelta | None:
    """What dateutil finds in the zone as we write it. Zones of one rule are asked once."""
    body = vtimezone(name)
    assert body is not None
    return _offset(body.decode().replace(f"TZID:{name}\r\n", "TZID:X\r\n"), wall)


@cache
def _read(body: str) -> tzinfo:
    return tz.tzical(StringIO(body)).get("X")


@cache
def _offset(body: str, wall: datetime) -> timedelta | None:
    return _read(body).utcoffset(wall)


def differences(name: str, year: int) -> list[datetime]:
    """The instants at which the written zone disagrees with zoneinfo on the offset."""
    zone = ZoneInfo(name)
    spans = repeated_spans(name, year)
    found = []
    for instant in samples(zone, year):
        there = instant.astimezone(zone)
        if any(span.start <= instant < span.end for span in spans):
            continue  # the wall time is ambiguous: never written, see test_event
        if written_offset(name, there.replace(tzinfo=None)) != there.utcoffset():
            found.append(instant)
    return found


@pytest.mark.soak
@pytest.mark.rule("C3")
@pytest.mark.parametrize("year", YEARS)
def test_in_a_year_that_keeps_its_rule_every_written_zone_has_the_offsets_that_zoneinfo_has(year: int) -> None:
    told = [name for name in CHECKED if keeps_rule(name, year)]
    assert len(told) >= 0.95 * len(CHECKED) - 1
    assert {name: found for name in told if (found := differences(name, year))} == {}


@pytest.mark.soak
@pytest.mark.rule("C3")
def test_every_half_hour_of_a_year_has_the_offset_that_zoneinfo_has() -> None:
    """All 17,520 of them, not only those around the changes that our own code finds."""
    start, wrong = datetime(2027, 1, 1, tzinfo=UTC), {}
    for name in [name for name in EVERY_HALF_HOUR if keeps_rule(name, start.year)]:
        zone, body = ZoneInfo(name), (vtimezone(name) or b"").decode()
        written, spans = tz.tzical(StringIO(body)).get(name), repeated_spans(name, start.year)
        for step in range(365 * 48):
            there = (start + step * HALF).astimezone(zone)
            if written.utcoffset(there.replace(tzinfo=None)) == there.utcoffset():
                continue
            if not any(span.start <= there < span.end for span in spans):  # ambiguous: never written
                wrong[name] = there
    assert wrong == {}
    assert not SOAK or set(EVERY_HALF_HOUR) == available_timezones()


@pytest.mark.rule("C3")
@pytest.mark.parametrize("year", YEARS)
def test_a_year_is_said_not_to_keep_the_rule_only_where_it_does_not(year: int) -> None:
    untold = [name for name in CHECKED if not keeps_rule(name, year) and vtimezone(name) is not None]
    assert [name for name in untold if not differences(name, year)] == []


@pytest.mark.rule("C3")
@pytest.mark.parametrize("name", [*ALWAYS, *SOME])
def test_any_instant_of_three_years_is_written_so_that_it_is_found_again(name: str) -> None:
    for year in YEARS:
        for instant in samples(ZoneInfo(name), year):
            wall = wall_of(instant, name)  # None: written in UTC
            if wall is not None:
                offset = written_offset(name, wall.replace(tzinfo=None))
                assert offset is not None
                assert wall.replace(tzinfo=UTC) - offset == instant


@pytest.mark.parametrize("name", sorted(set(ALWAYS) - NOT_ALWAYS_TOLD))
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
    assert daylight == (1 if changes_of(ZoneInfo(name), 2031) else 0)
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


@pytest.mark.parametrize("name", ["Africa/Casablanca", "Asia/Gaza"])
def test_a_zone_whose_changes_follow_no_weekday_of_a_month_is_not_written(name: str) -> None:
    assert vtimezone(name) is None
    assert not keeps_rule(name, 2026)


@pytest.mark.parametrize(
    ("name", "yearly", "exception"),
    [
        ("Asia/Jerusalem", "BYMONTH=3;BYDAY=4FR", 2030),  # the Friday before the last Sunday
        ("America/Santiago", "BYMONTH=9;BYDAY=1SU", 2029),  # the Sunday from the 2nd on
        ("Africa/Cairo", "BYMONTH=10;BYDAY=-1FR", 2030),  # the midnight after the last Thursday
        ("America/Nuuk", "BYMONTH=3;BYDAY=-1SA", 2029),  # the evening before the last Sunday
    ],
)
def test_a_zone_whose_day_is_nearly_a_weekday_of_a_month_is_written_but_for_some_years(
    name: str, yearly: str, exception: int
) -> None:
    assert yearly in (vtimezone(name) or b"").decode()
    assert next(year for year in range(2025, 2032) if not keeps_rule(name, year)) == exception


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
