import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from booking.values.agenda import AgendaEntry
from booking.values.slot import Slot
from booking.values.states import ItemStatus, Variant
from ical.colour import css_name
from ical.event import render_event
from ical.feed import (
    FeedHead,
    content_type,
    digest,
    etag,
    feed_order,
    join_feed,
    join_fragments,
    render_calendar,
    render_feed,
    render_item,
    zones_of,
)
from ical.fragment import FeedOptions
from ical.window import Window, visible

Make = Callable[..., AgendaEntry]
Read = Callable[[bytes], list[tuple[str, str, str]]]
BEGIN = datetime(2026, 1, 1, 5, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Africa/Casablanca", "Asia/Kolkata")


@pytest.fixture(scope="module")
def thousand(make_entry: Make) -> list[AgendaEntry]:
    def one(number: int) -> AgendaEntry:
        start = BEGIN + timedelta(hours=17 * number % 9000)  # a year, all hours, both changes
        return make_entry(
            uid=UUID(int=number + 1),
            slot=Slot(start, start + timedelta(minutes=45)),
            zone=ZONES[number % 4],
            status=list(ItemStatus)[number % 3],
            title=f"Stunde {number}; Grüße, alle",
        )

    return [one(number) for number in range(1000)]


@pytest.mark.rule("C3")
def test_a_thousand_events_are_read_back_with_the_same_instants(thousand: list[AgendaEntry], head: FeedHead) -> None:
    calendar = Calendar.from_ical(render_feed(head, thousand, Variant.FULL, "de"))
    assert calendar.errors == []
    found = {str(event["UID"]): event for event in calendar.walk("VEVENT")}
    assert len(found) == 1000
    for entry in thousand:
        event = found[f"{entry.uid}@hall.example"]
        assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (entry.slot.start, entry.slot.end)
        assert event["STATUS"] == entry.status
        assert entry.title in str(event["SUMMARY"])


@pytest.mark.rule("C2", "C3")
def test_ten_thousand_events_whose_fragments_are_kept_are_a_feed_within_a_tenth_of_a_second(
    thousand: list[AgendaEntry], head: FeedHead
) -> None:
    fragments = [render_event(entry, Variant.FULL, "de", "hall.example") for entry in thousand] * 10
    digests = [digest(one) for one in fragments]
    zones, costs, seen = zones_of(thousand), [], set()
    for _ in range(3):
        began = time.process_time()
        seen.add((join_feed(head, zones, fragments), etag(digests)))
        costs.append(time.process_time() - began)
    assert min(costs) < 0.1
    assert len(seen) == 1


@pytest.mark.rule("C3")
def test_a_feed_describes_each_zone_that_it_names_once_and_before_the_events(
    thousand: list[AgendaEntry], head: FeedHead, read: Read
) -> None:
    lines = read(render_feed(head, thousand, Variant.FULL, "de"))
    described = [value for name, _, value in lines if name == "TZID"]
    named = {params.removeprefix(";TZID=") for name, params, _ in lines if name in {"DTSTART", "DTEND"} and params}
    assert described == ["America/New_York", "Asia/Kolkata", "Europe/Berlin"]
    assert named == set(described)
    parts = [value for name, _, value in lines if name == "BEGIN" and value in {"VTIMEZONE", "VEVENT"}]
    assert parts == ["VTIMEZONE"] * 3 + ["VEVENT"] * 1000


def test_a_zone_whose_times_are_all_in_utc_is_not_described(make_entry: Make, head: FeedHead) -> None:
    old = datetime(2006, 4, 1, 12, tzinfo=UTC)  # before New York's rule of today
    entry = make_entry(zone="America/New_York", slot=Slot(old, old + timedelta(hours=1)))
    assert zones_of([entry]) == frozenset()
    assert b"New_York" not in render_feed(head, [entry], Variant.FULL, "de")


@pytest.mark.rule("C2", "C3")
@pytest.mark.parametrize("variant", list(Variant))
def test_two_renders_of_one_state_are_the_same_bytes(
    thousand: list[AgendaEntry], head: FeedHead, variant: Variant
) -> None:
    once = render_feed(head, thousand, variant, "de")
    again = render_feed(head, reversed(thousand), variant, "de")
    assert once == again


@pytest.mark.rule("C2")
@given(order=st.permutations(range(6)))
def test_the_order_in_which_entries_come_does_not_matter(order: list[int], make_entry: Make, head: FeedHead) -> None:
    entries = [make_entry(uid=UUID(int=number + 1)) for number in range(6)]  # all at one time
    shuffled = [entries[number] for number in order]
    assert render_feed(head, shuffled, Variant.FULL, "de") == render_feed(head, entries, Variant.FULL, "de")


def test_a_feed_joined_from_kept_fragments_is_the_rendered_feed(thousand: list[AgendaEntry], head: FeedHead) -> None:
    ordered = sorted(thousand, key=feed_order)
    fragments = [render_event(entry, Variant.TITLES, "en", head.host_id) for entry in ordered]
    assert join_feed(head, zones_of(thousand), fragments) == render_feed(head, thousand, Variant.TITLES, "en")


@pytest.mark.rule("C3")
def test_the_head_speaks_to_every_client(head: FeedHead, read: Read) -> None:
    lines = read(render_feed(head, [], Variant.FULL, "de"))
    assert lines[:13] == [
        ("BEGIN", "", "VCALENDAR"),
        ("VERSION", "", "2.0"),
        ("PRODID", "", "-//Platzwart//Platzwart//EN"),
        ("CALSCALE", "", "GREGORIAN"),
        ("METHOD", "", "PUBLISH"),
        ("NAME", "", "Halle A"),
        ("X-WR-CALNAME", "", "Halle A"),
        ("REFRESH-INTERVAL", ";VALUE=DURATION", "PT1H30M"),
        ("X-PUBLISHED-TTL", "", "PT1H30M"),
        ("DESCRIPTION", "", "Alle Zeiten\\, alle Tage"),
        ("X-WR-CALDESC", "", "Alle Zeiten\\, alle Tage"),
        ("COLOR", "", "seagreen"),
        ("X-APPLE-CALENDAR-COLOR", "", "#3a7d44"),
    ]
    assert content_type() == "text/calendar; charset=utf-8; method=PUBLISH"


def test_an_empty_feed_is_a_calendar_with_a_component(head: FeedHead) -> None:
    calendar = Calendar.from_ical(render_feed(head, [], Variant.FULL, "de"))
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE"]


def test_a_head_without_colour_or_description_leaves_them_out(read: Read) -> None:
    bare = FeedHead("Halle\r\nX-EVIL:1", "", None, "hall.example", "Europe/Berlin")
    names = [name for name, _, _ in read(render_feed(bare, [], Variant.FULL, "de"))]
    assert not {"COLOR", "X-APPLE-CALENDAR-COLOR", "DESCRIPTION", "X-WR-CALDESC", "X-EVIL"} & set(names)


@pytest.mark.rule("C2")
def test_a_calendar_shows_what_its_options_say(make_entry: Make, head: FeedHead) -> None:
    now = datetime(2026, 6, 3, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    starts = [now + timedelta(days=days) for days in (-100, -20, 20, 100)]
    entries = [
        make_entry(uid=UUID(int=number + 1), slot=Slot(start, start + hour)) for number, start in enumerate(starts)
    ]
    gone = make_entry(status=ItemStatus.CANCELLED, ended_at=now - hour, uid=UUID(int=9))

    def shown(window: Window) -> list[int]:
        body = render_calendar(head, [*entries, gone], FeedOptions(Variant.TITLES, window=window), now)
        return [UUID(str(event["UID"]).partition("@")[0]).int for event in Calendar.from_ical(body).walk("VEVENT")]

    assert shown(Window()) == [1, 2, 9, 3, 4]
    assert shown(Window(months_back=1)) == [2, 9, 3, 4]
    assert shown(Window(months_back=1, months_ahead=1)) == [2, 9, 3]
    assert shown(Window(cancelled_shown=False, months_back=1, months_ahead=1)) == [2, 3]


def test_a_calendar_of_entries_is_the_feed_of_those_that_are_visible(
    thousand: list[AgendaEntry], head: FeedHead
) -> None:
    now = datetime(2026, 5, 20, tzinfo=UTC)
    options = FeedOptions(Variant.FULL, "en", Window(months_back=2, months_ahead=3))
    seen = [entry for entry in thousand if visible(entry, now, options.window)]
    assert 100 < len(seen) < 900
    assert render_calendar(head, thousand, options, now) == render_feed(head, seen, Variant.FULL, "en")


def test_an_alarm_is_set_on_events_that_stand_where_the_owner_asked_for_one(make_entry: Make, head: FeedHead) -> None:
    gone = make_entry(uid=UUID(int=9), status=ItemStatus.CANCELLED, ended_at=BEGIN + timedelta(days=140))
    options = FeedOptions(Variant.TITLES, alarm=timedelta(minutes=30))
    body = render_calendar(head, [make_entry(), gone], options, datetime(2026, 6, 1, tzinfo=UTC))
    [alarm] = Calendar.from_ical(body).walk("VALARM")
    assert alarm["TRIGGER"].dt == timedelta(minutes=-30)
    assert (alarm["ACTION"], alarm["DESCRIPTION"]) == ("DISPLAY", "Training")


@pytest.mark.rule("C2")
def test_an_entry_that_is_to_turn_into_another_does_so_at_its_moment(make_entry: Make, head: FeedHead) -> None:
    turn = datetime(2026, 6, 3, 12, tzinfo=UTC)
    entry = make_entry(until=turn, then=make_entry(details="Code 482915"))
    options = FeedOptions(Variant.FULL)
    before = render_item(entry, options, head.host_id, turn - timedelta(seconds=1))
    after = render_item(entry, options, head.host_id, turn)
    assert (b"482915" in before.data, before.valid_until, before.modified) == (False, turn, entry.last_modified)
    assert (b"482915" in after.data, after.modified) == (True, turn)
    assert "482915" not in repr(after)


@pytest.mark.rule("C2")
@given(
    starts=st.lists(st.integers(0, 9000), max_size=4),
    hours=st.integers(0, 12_000),
    later=st.integers(0, 3000),
    ahead=st.one_of(st.none(), st.integers(0, 6)),
)
def test_kept_fragments_make_the_same_calendar_until_one_of_them_ends(
    starts: list[int], hours: int, later: int, ahead: int | None, make_entry: Make, head: FeedHead
) -> None:
    spans = [Slot(BEGIN + timedelta(hours=start), BEGIN + timedelta(hours=start + 1)) for start in starts]
    entries = [make_entry(uid=UUID(int=number + 1), slot=slot) for number, slot in enumerate(spans)]
    options = FeedOptions(Variant.BUSY, window=Window(months_back=1, months_ahead=ahead))
    now, then = BEGIN + timedelta(hours=hours), BEGIN + timedelta(hours=hours + later)
    kept = [render_item(entry, options, head.host_id, now) for entry in entries]
    if all(one.valid_until is None or then < one.valid_until for one in kept):
        assert join_fragments(head, kept) == render_calendar(head, entries, options, then)


@pytest.mark.rule("C3")
def test_the_tag_is_strong_quoted_and_follows_the_parts() -> None:
    tag = etag([digest(b"a"), digest(b"b")])
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert len(tag) == 34
    assert tag == etag([digest(b"a"), digest(b"b")])
    assert len({tag, etag([digest(b"b"), digest(b"a")]), etag([digest(b"ab")]), etag([digest(b"a")])}) == 4


@pytest.mark.parametrize(("colour", "name"), [("#ff0000", "red"), ("#FE0101", "red"), ("#000080", "navy")])
def test_a_colour_has_the_nearest_name(colour: str, name: str) -> None:
    assert css_name(colour) == name


@pytest.mark.parametrize("colour", ["red", "#fff", "#1234567", "#00000g", "#000000\r\nX:y"])
def test_what_is_no_colour_is_an_error(colour: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        css_name(colour)
