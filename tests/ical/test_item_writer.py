from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from ical.item import Details, Item, Moment, Recurrence, Status
from ical.item_writer import NothingToWriteError, write_item
from tests.fixtures.soak import scale
from tests.ical.readers import READERS
from tests.ical.series_builders import ZONES, at, utc

STAMP = utc(2026, 11, 22, 9, 30)
BERLIN = "Europe/Berlin"
Read = Callable[[bytes], list[tuple[str, str, str]]]


def moment(zone: str, *parts: int) -> Moment:
    wall = at(*parts)
    return Moment(wall, zone, wall.replace(tzinfo=ZoneInfo(zone or BERLIN)).astimezone(UTC))


def key(zone: str, *parts: int) -> str:
    return moment(zone, *parts).key


def event(zone: str, *parts: int, hours: int = 2, **changes: object) -> Details:
    start = moment(zone, *parts)
    there = start.instant + timedelta(hours=hours)
    end = Moment(there.astimezone(ZoneInfo(zone or BERLIN)).replace(tzinfo=None), zone, there)
    return replace(Details(start, end, "Training", "Halle A, Köln", "Zeile\nzwei"), **changes)  # type: ignore[arg-type]


SINGLE = Item("a@b.example", event(BERLIN, 2026, 9, 1, 18), sequence=4, origin="hall/7")
SERIES = Item(
    "s@b.example",
    event(BERLIN, 2026, 9, 1, 18),
    Recurrence("FREQ=WEEKLY;COUNT=10;BYDAY=TU", left_out=(moment(BERLIN, 2026, 11, 3, 18),)),
    {
        key(BERLIN, 2026, 9, 8, 18): event(BERLIN, 2026, 9, 9, 19, summary="Verlegt"),
        key(BERLIN, 2026, 10, 27, 18): event(BERLIN, 2026, 10, 27, 18, status=Status.CANCELLED),
    },
)


def lines(body: bytes, name: str) -> list[str]:
    """The content lines of all components of a kind, unfolded."""
    text = body.decode().replace("\r\n ", "")
    pieces = (piece.partition(f"END:{name}")[0] for piece in text.split(f"BEGIN:{name}\r\n")[1:])
    return [line for piece in pieces for line in piece.split("\r\n") if line]


@pytest.mark.rule("C6")
def test_a_single_event_is_exactly_this() -> None:
    body = write_item(SINGLE, STAMP)
    assert lines(body, "VEVENT") == [
        "UID:a@b.example",
        "DTSTAMP:20261122T093000Z",
        "LAST-MODIFIED:20261122T093000Z",
        "SEQUENCE:4",
        "DTSTART;TZID=Europe/Berlin:20260901T180000",
        "DTEND;TZID=Europe/Berlin:20260901T200000",
        "SUMMARY:Training",
        "LOCATION:Halle A\\, Köln",
        "DESCRIPTION:Zeile\\nzwei",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-PLATZWART-ORIGIN:hall/7",
    ]
    assert body.startswith(
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Platzwart//Platzwart//EN\r\nCALSCALE:GREGORIAN\r\n"
    )
    assert b"METHOD" not in body  # RFC 4791 section 4.1
    assert write_item(SINGLE, STAMP) == body


@pytest.mark.rule("C6")
def test_a_series_is_a_master_and_its_overrides() -> None:
    body = write_item(SERIES, STAMP)
    times = [line for line in lines(body, "VEVENT") if line.startswith(("DT", "R", "EX")) and "DTSTAMP" not in line]
    assert times == [
        "DTSTART;TZID=Europe/Berlin:20260901T180000",
        "DTEND;TZID=Europe/Berlin:20260901T200000",
        "RRULE:FREQ=WEEKLY;COUNT=10;BYDAY=TU",
        "EXDATE;TZID=Europe/Berlin:20261103T180000",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260908T180000",
        "DTSTART;TZID=Europe/Berlin:20260909T190000",
        "DTEND;TZID=Europe/Berlin:20260909T210000",
        "RECURRENCE-ID;TZID=Europe/Berlin:20261027T180000",
        "DTSTART;TZID=Europe/Berlin:20261027T180000",
        "DTEND;TZID=Europe/Berlin:20261027T200000",
    ]
    assert [line for line in lines(body, "VTIMEZONE") if "TZID" in line] == ["TZID:Europe/Berlin"]


def test_days_are_days_in_all_parts_of_a_series() -> None:
    day = Details(moment("", 2026, 9, 1), moment("", 2026, 9, 3), "Frei", is_busy=False)
    moved = Details(moment("", 2026, 9, 9), moment("", 2026, 9, 10))
    rule = Recurrence("FREQ=WEEKLY;COUNT=3", (moment("", 2026, 9, 20),), (moment("", 2026, 9, 15),))
    body = write_item(Item("d@b.example", day, rule, {"20260908": moved}), STAMP)
    times = [line for line in lines(body, "VEVENT") if line.startswith(("DTSTART", "DTEND", "RD", "REC", "EX"))]
    assert times == [
        "DTSTART;VALUE=DATE:20260901",
        "DTEND;VALUE=DATE:20260903",
        "RDATE;VALUE=DATE:20260920",
        "EXDATE;VALUE=DATE:20260915",
        "RECURRENCE-ID;VALUE=DATE:20260908",
        "DTSTART;VALUE=DATE:20260909",
        "DTEND;VALUE=DATE:20260910",
    ]
    assert "TRANSP:TRANSPARENT" in lines(body, "VEVENT")
    assert b"VTIMEZONE" not in body


@pytest.mark.parametrize(
    ("details", "start"),
    [
        (event("UTC", 2026, 9, 1, 16), "DTSTART:20260901T160000Z"),
        (event("Africa/Casablanca", 1961, 9, 1, 18), "DTSTART:19610901T180000Z"),
        (event(BERLIN, 2026, 10, 25, 2), "DTSTART:20261025T000000Z"),
        (event(BERLIN, 2026, 10, 25, 1), "DTSTART:20261024T230000Z"),  # its end is in the hour that comes twice
    ],
)
def test_a_single_time_that_readers_could_take_for_another_is_in_utc(details: Details, start: str) -> None:
    body = write_item(replace(SINGLE, master=details), STAMP)
    assert start in lines(body, "VEVENT")
    assert b"VTIMEZONE" not in body


@pytest.mark.parametrize("reader", list(READERS))
def test_a_single_time_stays_in_its_zone_also_where_no_rule_tells_it(reader: str) -> None:
    zones = ("Africa/Casablanca", "Asia/Gaza", "Europe/Berlin")
    days = [(zone, *day) for zone in zones for day in ((2026, 1, 1), (2026, 2, 28), (2026, 3, 10), (2026, 12, 31))]
    wanted = [event(zone, *day, 18) for zone, *day in days]
    bodies = [write_item(replace(SINGLE, master=details), STAMP) for details in wanted]
    assert all(b"DTSTART;TZID=" in body for body in bodies)
    found = READERS[reader](bodies, utc(2025, 1, 1), utc(2028, 1, 1))
    assert [(start, end) for [(start, end, _)] in found] == [
        tuple(f"{one.instant:%Y-%m-%dT%H:%M:%SZ}" for one in (details.start, details.end)) for details in wanted
    ]


def test_an_event_without_a_length_has_no_end() -> None:
    body = write_item(replace(SINGLE, master=event(BERLIN, 2026, 9, 1, 18, hours=0)), STAMP)
    assert b"DTEND" not in body


def test_the_ends_can_be_in_two_zones() -> None:
    flight = replace(event(BERLIN, 2026, 9, 1, 18), end=moment("America/New_York", 2026, 9, 1, 20))
    body = write_item(replace(SINGLE, master=flight), STAMP)
    assert "DTEND;TZID=America/New_York:20260901T200000" in lines(body, "VEVENT")
    described = [line for line in lines(body, "VTIMEZONE") if "TZID" in line]
    assert described == ["TZID:America/New_York", "TZID:Europe/Berlin"]


def test_an_occurrence_that_clocks_skip_is_named_as_planned() -> None:
    night = Item(
        "n@b.example",
        event(BERLIN, 2026, 3, 28, 2, 30),
        Recurrence("FREQ=DAILY;COUNT=4", left_out=(Moment(at(2026, 3, 29, 3, 30), BERLIN, utc(2026, 3, 29, 1, 30)),)),
        {"20260329T013000Z": event(BERLIN, 2026, 3, 29, 9)},
    )
    body = lines(write_item(night, STAMP), "VEVENT")
    assert "EXDATE;TZID=Europe/Berlin:20260329T023000" in body
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20260329T023000" in body


def test_overrides_without_a_master_stand_alone() -> None:
    body = write_item(replace(SERIES, master=None, recurrence=None), STAMP)
    assert "RECURRENCE-ID;TZID=Europe/Berlin:20260908T180000" in lines(body, "VEVENT")


@pytest.mark.soak
@pytest.mark.rule("C6", "C7")
@pytest.mark.parametrize("reader", list(READERS))
def test_every_reader_finds_the_instants_of_a_series_in_any_zone(reader: str) -> None:
    """Also in zones that no yearly rule can tell: their changes are listed."""
    items, expected = [], []
    for zone in ZONES[:: 1 if scale(10) > 1 else 2]:
        start = event(zone, 2026, 1, 6, 18)
        moved = key(zone, 2026, 6, 9, 18)
        rule = Recurrence("FREQ=WEEKLY;UNTIL=20271231T235959Z;BYDAY=TU", left_out=(moment(zone, 2026, 11, 3, 18),))
        items.append(Item("z@b.example", start, rule, {moved: event(zone, 2026, 6, 10, 7)}))
        walls = [at(2026, 1, 6, 18) + timedelta(weeks=week) for week in range(105)]
        begins = {wall: wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for wall in walls if wall.year < 2028}
        del begins[at(2026, 11, 3, 18)]
        begins[at(2026, 6, 9, 18)] = moment(zone, 2026, 6, 10, 7).instant
        spans = sorted((at, at + timedelta(hours=2)) for at in begins.values() if at < utc(2027, 12, 31, 23, 59, 59))
        expected.append([(f"{a:%Y-%m-%dT%H:%M:%SZ}", f"{b:%Y-%m-%dT%H:%M:%SZ}", "CONFIRMED") for a, b in spans])
    found = READERS[reader]([write_item(item, STAMP) for item in items], utc(2026, 1, 1), utc(2028, 2, 1))
    assert found == expected


TEXT = st.text(st.one_of(st.sampled_from('\\;,:"\n\r\x00\u2028ä😀'), st.characters()), max_size=150)


@pytest.mark.rule("C6")
@settings(deadline=None)  # the first of a zone finds its rule
@given(texts=st.fixed_dictionaries(dict.fromkeys(("summary", "location", "description", "url"), TEXT)), origin=TEXT)
def test_no_text_can_start_a_line(texts: dict[str, str], origin: str, read: Read) -> None:
    item = replace(SINGLE, uid=texts["summary"], master=event(BERLIN, 2026, 9, 1, 18, **texts), origin=origin)
    body = write_item(item, STAMP)
    names = [name for name, _, _ in read(body)]
    assert names.count("BEGIN") == 5  # calendar, zone, its two halves, event
    assert len(names) - len(set(names)) <= 16
    [found] = Calendar.from_ical(body).walk("VEVENT")
    assert found.errors == []
    assert write_item(item, STAMP, body) == body


@pytest.mark.parametrize("rule", ["FREQ=DAILY\r\nX-EVIL:1", "freq=daily", "FREQ=DAILY:X"])
def test_what_is_no_rule_is_an_error(rule: str) -> None:
    with pytest.raises(ValueError, match="rule"):
        write_item(replace(SERIES, recurrence=Recurrence(rule)), STAMP)


def test_nothing_at_all_cannot_be_written() -> None:
    with pytest.raises(NothingToWriteError) as refused:
        write_item(Item("x@b.example", None), STAMP)
    assert refused.value.uid == "x@b.example"
