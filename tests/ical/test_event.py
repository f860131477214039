from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from booking.values.agenda import AgendaEntry
from booking.values.slot import Slot
from booking.values.states import ItemStatus, Variant
from ical.event import render_event
from ical.feed import FeedHead, render_feed
from ical.text import clean

HOST = "hall.example"
BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = ("title", "party", "room", "location", "details", "url")
CANARIES = {name: f"CANARY{name.upper()}" for name in TEXTS}
Make = Callable[..., AgendaEntry]
Read = Callable[[bytes], list[tuple[str, str, str]]]
Values = Callable[[bytes], dict[str, str]]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc] # year, month, day, …


def test_a_full_event_is_exactly_this(make_entry: Make) -> None:
    assert render_event(make_entry(), Variant.FULL, "de", HOST).decode().split("\r\n") == [
        "BEGIN:VEVENT",
        "UID:0192f0c1-0000-7000-8000-00000000000a@hall.example",
        "DTSTAMP:20260502T093000Z",
        "LAST-MODIFIED:20260502T093000Z",
        "CREATED:20260501T080000Z",
        "SEQUENCE:3",
        "DTSTART;TZID=Europe/Berlin:20260603T180000",
        "DTEND;TZID=Europe/Berlin:20260603T190000",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "SUMMARY:Training · FC Beispiel",
        "LOCATION:Halle A\\, Kirchstraße 1",
        "DESCRIPTION:Helle Sohlen",
        "URL:https://hall.example/b/1",
        "END:VEVENT",
        "",
    ]


@pytest.mark.rule("C2")
@pytest.mark.parametrize("variant", list(Variant))
@pytest.mark.parametrize(
    ("status", "language", "prefix", "transparency", "busy"),
    [
        (ItemStatus.TENTATIVE, "de", "Angefragt: ", "OPAQUE", "TENTATIVE"),
        (ItemStatus.TENTATIVE, "en-GB", "Requested: ", "OPAQUE", "TENTATIVE"),
        (ItemStatus.CONFIRMED, "de", "", "OPAQUE", "BUSY"),
        (ItemStatus.CANCELLED, "fr", "Abgesagt: ", "TRANSPARENT", "FREE"),
        (ItemStatus.CANCELLED, "en", "Cancelled: ", "TRANSPARENT", "FREE"),
    ],
)
def test_each_status_shows_as_such_even_where_a_client_drops_the_property(
    variant: Variant,
    status: ItemStatus,
    language: str,
    prefix: str,
    transparency: str,
    busy: str,
    make_entry: Make,
    values: Values,
) -> None:
    found = values(render_event(make_entry(status=status), variant, language, HOST))
    word = "Busy" if language.startswith("en") else "Belegt"
    text = {Variant.BUSY: word, Variant.TITLES: "Training", Variant.FULL: "Training · FC Beispiel"}[variant]
    assert found["STATUS"] == status
    assert found["SUMMARY"] == prefix + text
    assert found["TRANSP"] == transparency
    assert found["X-MICROSOFT-CDO-BUSYSTATUS"] == busy


@pytest.mark.rule("C2")
def test_the_stamp_is_the_last_change_and_the_uid_stays(make_entry: Make, values: Values) -> None:
    before = values(render_event(make_entry(), Variant.FULL, "de", HOST))
    moved = make_entry(
        sequence=4,
        last_modified=utc(2026, 5, 3),
        slot=Slot(utc(2026, 6, 4, 16), utc(2026, 6, 4, 18)),
        status=ItemStatus.CANCELLED,
    )
    after = values(render_event(moved, Variant.FULL, "de", HOST))
    assert after["UID"] == before["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == ("3", "4")
    assert before["DTSTAMP"] == before["LAST-MODIFIED"] == "20260502T093000Z"
    assert after["DTSTAMP"] == after["LAST-MODIFIED"] == "20260503T000000Z"
    assert after["DTSTART"] == "20260604T180000"


@pytest.mark.rule("C4")
@pytest.mark.parametrize(
    ("variant", "let_through"),
    [(Variant.BUSY, set()), (Variant.TITLES, {"title", "room"}), (Variant.FULL, set(TEXTS))],
)
@pytest.mark.parametrize("status", list(ItemStatus))
def test_a_variant_lets_through_these_texts_and_no_other(
    variant: Variant, let_through: set[str], status: ItemStatus, make_entry: Make
) -> None:
    body = render_event(make_entry(status=status, **CANARIES), variant, "de", HOST).decode().replace("\r\n ", "")
    assert {name for name, canary in CANARIES.items() if canary in body} == let_through


@pytest.mark.rule("C4")
def test_two_bookings_at_one_time_look_the_same_in_a_busy_feed(make_entry: Make) -> None:
    other = make_entry(created_at=utc(2025, 1, 1), **CANARIES)
    assert render_event(other, Variant.BUSY, "de", HOST) == render_event(make_entry(), Variant.BUSY, "de", HOST)


@pytest.mark.rule("C4")
@pytest.mark.parametrize("variant", list(Variant))
def test_no_attendee_and_no_alarm_has_a_place_in_an_event_and_a_code_only_in_the_details(
    variant: Variant, make_entry: Make, read: Read
) -> None:
    """What an entry carries and what a line can be are both closed lists: a code has one way in, and one way out."""
    assert {field.name for field in fields(AgendaEntry)} == {
        *("uid", "sequence", "created_at", "last_modified", "slot", "zone", "status", "ended_at", "until", "then"),
        *TEXTS,
    }
    told = make_entry(details="Code 482915", then=make_entry(details="Code 771203"))
    with_code = [name for name, _, value in read(render_event(told, variant, "de", HOST)) if "482915" in value]
    assert with_code == (["DESCRIPTION"] if variant is Variant.FULL else [])
    assert b"771203" not in render_event(told, variant, "de", HOST)
    allowed = {
        *("BEGIN", "END", "UID", "DTSTAMP", "LAST-MODIFIED", "CREATED", "SEQUENCE", "DTSTART", "DTEND", "STATUS"),
        *("TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "SUMMARY", "LOCATION", "DESCRIPTION", "URL"),
    }
    lines = read(render_event(make_entry(), variant, "de", HOST))
    assert {name for name, _, _ in lines} <= allowed
    assert {value for name, _, value in lines if name == "BEGIN"} == {"VEVENT"}


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("start", "end", "lines"),
    [
        # The night of 29 March has no 02:00 to 03:00.
        (
            utc(2026, 3, 29, 0, 30),
            utc(2026, 3, 29, 1, 30),
            ["DTSTART;TZID=Europe/Berlin:20260329T013000", "DTEND;TZID=Europe/Berlin:20260329T033000"],
        ),
        # That of 25 October has it twice: what touches it is written in UTC.
        (
            utc(2026, 10, 24, 23, 0),
            utc(2026, 10, 25, 1, 59, 59),
            ["DTSTART:20261024T230000Z", "DTEND:20261025T015959Z"],
        ),
        (utc(2026, 10, 25, 0, 0), utc(2026, 10, 25, 3, 0), ["DTSTART:20261025T000000Z", "DTEND:20261025T030000Z"]),
        (
            utc(2026, 10, 24, 23, 59, 59),
            utc(2026, 10, 25, 2, 0),
            ["DTSTART;TZID=Europe/Berlin:20261025T015959", "DTEND;TZID=Europe/Berlin:20261025T030000"],
        ),
    ],
    ids=["over the gap", "ends in the second run", "starts in the first run", "around both runs"],
)
def test_a_night_in_which_clocks_change_keeps_its_instants(
    start: datetime, end: datetime, lines: list[str], make_entry: Make, head: FeedHead
) -> None:
    entry = make_entry(slot=Slot(start, end))
    body = render_feed(head, [entry], Variant.FULL, "de")
    assert [line for line in body.decode().split("BEGIN:VEVENT")[1].split("\r\n") if line.startswith("DT")][1:] == lines
    [event] = Calendar.from_ical(body).walk("VEVENT")
    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (start, end)


@pytest.mark.parametrize(
    ("zone", "year"), [("Africa/Casablanca", 2026), ("America/New_York", 2006), ("Asia/Jerusalem", 2030)]
)
def test_where_the_zone_cannot_be_described_times_are_in_utc(
    zone: str, year: int, make_entry: Make, values: Values
) -> None:
    entry = make_entry(zone=zone, slot=Slot(utc(year, 6, 1, 12), utc(year, 6, 1, 13)))
    found = values(render_event(entry, Variant.BUSY, "de", HOST))
    assert (found["DTSTART"], found["DTEND"]) == (f"{year}0601T120000Z", f"{year}0601T130000Z")


@pytest.mark.parametrize("text", ["x\r\nEND:VEVENT\r\nBEGIN:VALARM", "x\nATTENDEE:mailto:a@b", "x\rX:y", "x\u2028X:y"])
def test_no_text_can_start_a_line(text: str, make_entry: Make, read: Read) -> None:
    usual = [name for name, _, _ in read(render_event(make_entry(), Variant.FULL, "de", HOST))]
    hostile = make_entry(**dict.fromkeys(TEXTS, text))
    lines = read(render_event(hostile, Variant.FULL, "de", HOST))
    assert [name for name, _, _ in lines] == usual


TEXT = st.text(st.one_of(st.sampled_from("\\;,:\n\r\x00\u2028ä😀"), st.characters()), max_size=200)


@pytest.mark.rule("C3")
@settings(deadline=None)
@given(texts=st.fixed_dictionaries(dict.fromkeys(TEXTS, TEXT)), status=st.sampled_from(ItemStatus))
@example(texts=dict.fromkeys(TEXTS, "\x00"), status=ItemStatus.CONFIRMED)
def test_any_texts_make_one_event_that_another_reader_reads_alike(
    texts: dict[str, str], status: ItemStatus, make_entry: Make, head: FeedHead
) -> None:
    body = render_feed(head, [make_entry(status=status, **texts)], Variant.FULL, "en")
    calendar = Calendar.from_ical(body)
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE", "VEVENT"]
    event = calendar.subcomponents[1]
    assert event.errors == []
    assert event.subcomponents == []
    assert str(event.get("DESCRIPTION", "")) == clean(texts["details"])
    assert clean(texts["title"]) in str(event["SUMMARY"])
    assert event["STATUS"] == status


@settings(deadline=None)  # the first of a zone finds its rule
@given(
    start=st.datetimes(datetime(1975, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001 - Hypothesis adds the zone
    minutes=st.integers(1, 60 * 48),
    zone=st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")),
)
def test_any_time_is_read_back_as_the_same_instants(
    start: datetime, minutes: int, zone: str, make_entry: Make, head: FeedHead
) -> None:
    begin = start.replace(microsecond=0, tzinfo=UTC)
    slot = Slot(begin, begin + timedelta(minutes=minutes))
    body = render_feed(head, [make_entry(slot=slot, zone=zone)], Variant.BUSY, "de")
    [event] = Calendar.from_ical(body).walk("VEVENT")
    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (slot.start, slot.end)


def test_an_entry_without_texts_still_has_a_summary(make_entry: Make, values: Values) -> None:
    found = values(render_event(make_entry(**dict.fromkeys(TEXTS, "")), Variant.FULL, "de", HOST))
    assert found["SUMMARY"] == "Belegt"
    assert not {"LOCATION", "DESCRIPTION", "URL"} & set(found)


@pytest.mark.parametrize("host", ["", "a b", "x\r\nX:y", "-a", "ä.example"])
def test_a_host_id_that_is_no_name_is_an_error(host: str, make_entry: Make) -> None:
    with pytest.raises(ValueError, match="host id"):
        render_event(make_entry(), Variant.FULL, "de", host)


def test_a_naive_instant_is_an_error(make_entry: Make) -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        render_event(make_entry(last_modified=datetime(2026, 1, 1)), Variant.FULL, "de", HOST)  # noqa: DTZ001
