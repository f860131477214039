"""What others wrote into an object stays when we write it again."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.values.refusals import Refused
from ical.canon import digest
from ical.item import Item, Recurrence, Status
from ical.item_writer import write_item
from ical.previous import parsed
from ical.reading import read
from tests.ical.series_builders import ZONES
from tests.ical.test_item_writer import BERLIN, SERIES, SINGLE, STAMP, event, key, lines, moment

FOREIGN = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Other//Program//DE\r
METHOD:PUBLISH\r
X-WR-TIMEZONE:Europe/Berlin\r
BEGIN:VTIMEZONE\r
TZID:Customized Time Zone\r
BEGIN:STANDARD\r
DTSTART:19700101T000000\r
TZOFFSETFROM:+0100\r
TZOFFSETTO:+0100\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VTIMEZONE\r
TZID:Unused\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:a@b.example\r
CREATED:20250101T000000Z\r
DTSTAMP:20250101T000000Z\r
SEQUENCE:1\r
DTSTART;TZID=Customized Time Zone:20260901T180000\r
DURATION:PT2H\r
EXDATE;TZID=Customized Time Zone:20260915T180000\r
X-SEEN;TZID=Customized Time Zone:20260901T180000\r
SUMMARY;LANGUAGE=de:Training\r
DESCRIPTION:alt\r
X-ALT-DESC;FMTTYPE=text/html:<b>alt</b>\r
LOCATION:Halle A\\, K\xc3\xb6ln\r
GEO:50.9;6.9\r
CATEGORIES:Sport,Halle\r
CLASS:PRIVATE\r
STATUS:TENTATIVE\r
X-MICROSOFT-CDO-BUSYSTATUS:OOF\r
X-PLATZWART-ORIGIN:other/1\r
ORGANIZER;CN="A: B":mailto:a@b.example\r
ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED;X-LONG=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r
 aaaa:mailto:ann@b.example\r
BEGIN:VALARM\r
ACTION:DISPLAY\r
DESCRIPTION:Gleich\r
TRIGGER:-PT15M\r
END:VALARM\r
END:VEVENT\r
BEGIN:X-NOTE\r
X-TEXT:bleibt\r
END:X-NOTE\r
END:VCALENDAR\r
"""
KEPT = (
    "CREATED:20250101T000000Z",
    "X-SEEN;TZID=Customized Time Zone:20260901T180000",
    "CATEGORIES:Sport,Halle",
    "CLASS:PRIVATE",
    'ORGANIZER;CN="A: B":mailto:a@b.example',
    "ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED;X-LONG=" + "a" * 44 + ":mailto:ann@b.example",
)


@pytest.mark.rule("C7")
def test_what_is_none_of_ours_stays_and_what_is_ours_is_written_anew() -> None:
    body = write_item(SINGLE, STAMP, FOREIGN)
    found = lines(body, "VEVENT")
    assert set(KEPT) <= set(found)
    assert found[found.index("BEGIN:VALARM") :] == [
        *("BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Gleich", "TRIGGER:-PT15M", "END:VALARM")
    ]
    names = [line.partition(":")[0].partition(";")[0] for line in found[: found.index("BEGIN:VALARM")]]
    assert len(names) == len(set(names))
    assert not {"DURATION", "EXDATE", "X-ALT-DESC", "X-MICROSOFT-CDO-BUSYSTATUS"} & set(names)
    assert {"SUMMARY;LANGUAGE=de:Training", "GEO:50.9;6.9", "X-PLATZWART-ORIGIN:hall/7", "SEQUENCE:4"} <= set(found)
    head = body.decode().partition("BEGIN:VTIMEZONE")[0]
    assert "X-WR-TIMEZONE:Europe/Berlin" in head
    assert "METHOD" not in head
    assert "Other" not in head
    assert lines(body, "X-NOTE") == ["X-TEXT:bleibt"]
    described = [line for line in lines(body, "VTIMEZONE") if line.startswith("TZID")]
    assert described == ["TZID:Europe/Berlin", "TZID:Customized Time Zone"]


@pytest.mark.rule("C7")
def test_what_says_the_same_in_another_way_stays_only_as_long_as_it_is_true() -> None:
    assert SINGLE.master is not None
    same = replace(SINGLE.master, description="alt", status=Status.TENTATIVE)
    found = lines(write_item(replace(SINGLE, master=same), STAMP, FOREIGN), "VEVENT")
    assert "X-ALT-DESC;FMTTYPE=text/html:<b>alt</b>" in found
    assert "X-MICROSOFT-CDO-BUSYSTATUS:OOF" in found
    elsewhere = replace(same, location="Halle B", is_busy=False)
    gone = lines(write_item(replace(SINGLE, master=elsewhere), STAMP, FOREIGN), "VEVENT")
    assert not [line for line in gone if line.startswith(("GEO", "X-MICROSOFT"))]


@pytest.mark.rule("C7")
def test_an_override_that_is_new_takes_over_attendees_and_alarms_and_one_that_is_gone_is_gone() -> None:
    body = write_item(replace(SERIES, uid="a@b.example"), STAMP, FOREIGN)
    found = lines(body, "VEVENT")
    assert [sum(line == kept for line in found) for kept in KEPT] == [3] * len(KEPT)
    assert found.count("BEGIN:VALARM") == 3
    written, in_utc = b"RECURRENCE-ID;TZID=Europe/Berlin:20260908T180000", b"RECURRENCE-ID:20260908T160000Z"
    marked = body.replace(written, in_utc + b"\r\nX-OWN:1")
    again = lines(write_item(replace(SERIES, uid="a@b.example"), STAMP, marked), "VEVENT")
    assert again.count("X-OWN:1") == 1
    assert again.index("X-OWN:1") > again.index("RECURRENCE-ID;TZID=Europe/Berlin:20260908T180000")
    assert again.index("X-OWN:1") < again.index("RECURRENCE-ID;TZID=Europe/Berlin:20261027T180000")
    alone = lines(write_item(replace(SERIES, uid="a@b.example", overrides={}), STAMP, marked), "VEVENT")
    assert not [line for line in alone if line.startswith(("X-OWN", "RECURRENCE-ID"))]


@pytest.mark.rule("C7")
def test_an_event_of_another_uid_lends_nothing() -> None:
    found = lines(write_item(replace(SINGLE, uid="other@b.example"), STAMP, FOREIGN), "VEVENT")
    assert not set(KEPT) & set(found)


@pytest.mark.rule("C7", "C10")
@pytest.mark.parametrize("item", [SINGLE, replace(SERIES, uid="a@b.example")], ids=["single", "series"])
def test_writing_over_what_we_wrote_changes_no_byte(item: Item) -> None:
    once = write_item(item, STAMP, FOREIGN)
    assert write_item(item, STAMP, once) == once
    assert write_item(item, STAMP, write_item(item, STAMP)) == write_item(item, STAMP)


@pytest.mark.rule("C7")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("previous", [None, FOREIGN], ids=["new", "over another's"])
def test_what_is_read_again_is_what_was_written(zone: str, previous: bytes | None) -> None:
    rule = Recurrence(
        "FREQ=WEEKLY;COUNT=60;BYDAY=TU", (moment(zone, 2026, 9, 3, 9),), (moment(zone, 2026, 10, 27, 18),)
    )
    overrides = {
        key(zone, 2026, 9, 8, 18): event(
            zone, 2026, 9, 9, 7, summary="", location="; , \\ ", url="https://a.example/ü"
        ),
        key(zone, 2027, 3, 30, 18): event(zone, 2027, 3, 30, 18, status=Status.CANCELLED, is_busy=False),
    }
    item = Item("a@b.example", event(zone, 2026, 9, 1, 18), rule, overrides, 5, "hall/7")
    for written in (item, replace(item, recurrence=None, overrides={})):
        reading = read(write_item(written, STAMP, previous), BERLIN)
        assert not isinstance(reading, Refused)
        assert {problem.found for problem in reading.problems} <= {"X-NOTE"}
        [again] = reading.items
        assert (again.sequence, again.origin) == (5, "hall/7")
        expected = read(write_item(written, STAMP), BERLIN)
        assert not isinstance(expected, Refused)
        assert digest(again) == digest(expected.items[0])
        assert again.master is not None
        assert written.master is not None
        assert again.master.start.instant == written.master.start.instant
        assert again.overrides.keys() == written.overrides.keys()
        assert again.recurrence == written.recurrence


HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *("BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM"),
                *(
                    "UID:a@b.example",
                    "BEGIN:",
                    "END:",
                    "BEGIN:A B",
                    "no colon",
                    ":",
                    ";:",
                    "X-A:\x0bBEGIN:VEVENT",
                    " x",
                ),
                *(
                    "RECURRENCE-ID:20260908T160000Z",
                    "RECURRENCE-ID;TZID=/x:99999999T999999",
                    "RECURRENCE-ID:T",
                    "\x85:\x00",
                ),
                *(
                    'ATTENDEE;CN="a:b',
                    "RECURRENCE-ID;TZID=../x:00010101T000000",
                    "RECURRENCE-ID;TZID=Asia/Tokyo:00010101T000000",
                ),
            ]
        ),
        st.text(max_size=40),
    ),
    max_size=40,
)


@pytest.mark.rule("C12")
@settings(deadline=None)  # the first of a zone finds its rule
@given(hostile=HOSTILE)
def test_whatever_was_there_before_what_we_write_is_read_as_ours(hostile: list[str]) -> None:
    for item in (SINGLE, replace(SERIES, uid="a@b.example")):
        body = write_item(item, STAMP, "\r\n".join(hostile).encode("utf-8", "replace"))
        assert all(len(line.splitlines()) <= 1 and "\x00" not in line for line in body.decode().split("\r\n"))
        reading = read(body, BERLIN)
        assert not isinstance(reading, Refused)
        again = next(one for one in reading.items if one.uid == "a@b.example")
        plain = read(write_item(item, STAMP), BERLIN)
        assert not isinstance(plain, Refused)
        assert digest(again) == digest(plain.items[0])


@pytest.mark.rule("C12")
def test_no_line_that_was_kept_can_be_taken_for_two() -> None:
    body = write_item(SINGLE, STAMP, FOREIGN.replace(b"CLASS:PRIVATE", b"X-A:a\x0bb\xc2\x85c\x00d\xe2\x80\xa8e"))
    assert "X-A:a b cd e" in lines(body, "VEVENT")


@pytest.mark.rule("C12")
def test_deep_nesting_costs_nothing() -> None:
    body = b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X-A\r\n" * 20_000 + b"END:X-B\r\n" * 20_000
    assert len(write_item(SINGLE, STAMP, body)) < 2_000


def test_what_is_no_calendar_is_nothing() -> None:
    assert parsed(b"") is None
    assert parsed(b"<html>") is None
    assert write_item(SINGLE, STAMP, b"\xff\xfe") == write_item(SINGLE, STAMP)
