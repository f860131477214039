from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from booking.values.recurrence import Rule
from booking.values.states import ItemStatus, Variant
from ical.feed import render_calendar
from ical.fragment import FeedOptions
from ical.series import Revision, Series, Texts
from ical.series_writer import render_series
from ical.text import clean
from ical.window import Window
from tests.fixtures.soak import scale
from tests.ical.series_builders import HEAD, HOST, ZONES, at, change, generated, local, made, utc

BERLIN = "Europe/Berlin"
NOW = utc(2026, 6, 1)
FULL, BUSY = FeedOptions(Variant.FULL), FeedOptions(Variant.BUSY)
SECOND, THIRD = at(2026, 9, 8, 18), at(2026, 9, 15, 18)
Line = tuple[str, str, str]
Read = Callable[[bytes], list[Line]]


def lines(series: Series, options: FeedOptions = FULL, now: datetime = NOW) -> list[str]:
    return render_series(series, options, HOST, now).data.decode().replace("\r\n ", "").split("\r\n")


def components(series: Series, options: FeedOptions = FULL, now: datetime = NOW) -> list[dict[str, str]]:
    """Head to value of each event; a name that comes twice has its values joined."""
    found = []
    for piece in "\n".join(lines(series, options, now)).split("BEGIN:VEVENT\n")[1:]:
        event: dict[str, str] = {}
        for line in piece.split("\n"):
            head, _, value = line.partition(":")
            event[head] = f"{event[head]} {value}" if head in event else value
        found.append(event)
    return found


@pytest.mark.rule("C3")
def test_a_series_is_exactly_this() -> None:
    series = made(
        left_out=frozenset({date(2026, 9, 22)}),
        changes={
            SECOND: change(5, slot=local(BERLIN, 2026, 9, 9, 19)),
            THIRD: change(6, slot=local(BERLIN, 2026, 9, 29, 8)),
        },
    )
    assert lines(series) == [
        "BEGIN:VEVENT",
        "UID:0192f0c1-0000-7000-8000-0000000000aa@hall.example",
        "DTSTAMP:20260508T093000Z",
        "LAST-MODIFIED:20260508T093000Z",
        "CREATED:20260501T080000Z",
        "SEQUENCE:6",
        "DTSTART;TZID=Europe/Berlin:20260901T180000",
        "DTEND;TZID=Europe/Berlin:20260901T200000",
        "RRULE:FREQ=WEEKLY;COUNT=12;BYDAY=TU",
        "EXDATE;TZID=Europe/Berlin:20260915T180000",
        "EXDATE;TZID=Europe/Berlin:20260922T180000",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "SUMMARY:Yoga · VHS Köln",
        "LOCATION:Halle A\\, Kirchstraße 1",
        "DESCRIPTION:Matte mitbringen",
        "URL:https://hall.example/s/1",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:0192f0c1-0000-7000-8000-0000000000aa@hall.example",
        "DTSTAMP:20260508T093000Z",
        "LAST-MODIFIED:20260508T093000Z",
        "CREATED:20260501T080000Z",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260908T180000",
        "SEQUENCE:6",
        "DTSTART;TZID=Europe/Berlin:20260909T190000",
        "DTEND;TZID=Europe/Berlin:20260909T210000",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "SUMMARY:Yoga · VHS Köln",
        "LOCATION:Halle A\\, Kirchstraße 1",
        "DESCRIPTION:Matte mitbringen",
        "URL:https://hall.example/s/1",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:f02369e3-dada-516e-8b6e-38cb6ff976d5@hall.example",
        "DTSTAMP:20260508T093000Z",
        "LAST-MODIFIED:20260508T093000Z",
        "CREATED:20260501T080000Z",
        "RELATED-TO:0192f0c1-0000-7000-8000-0000000000aa@hall.example",
        "SEQUENCE:6",
        "DTSTART;TZID=Europe/Berlin:20260929T080000",
        "DTEND;TZID=Europe/Berlin:20260929T100000",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "SUMMARY:Yoga · VHS Köln",
        "LOCATION:Halle A\\, Kirchstraße 1",
        "DESCRIPTION:Matte mitbringen",
        "URL:https://hall.example/s/1",
        "END:VEVENT",
        "",
    ]


@pytest.mark.rule("C3")
@pytest.mark.parametrize("zone", ZONES)
def test_every_time_of_a_master_and_its_exceptions_is_of_one_type_and_zone(zone: str) -> None:
    for seed in range(12):
        for event in components(generated(zone, seed)):
            names = {head.partition(";")[0] for head in event}
            zoned = f";TZID={zone}"
            if "RRULE" in names:
                assert {f"DTSTART{zoned}", f"DTEND{zoned}"} <= event.keys()
                assert ("UNTIL=" in event["RRULE"]) != ("COUNT=" in event["RRULE"])
                assert ";TZID" not in event["RRULE"]
                until = event["RRULE"].partition("UNTIL=")[2].partition(";")[0]
                assert until == "" or until.endswith("Z")
            assert "EXDATE" not in names or f"EXDATE{zoned}" in event
            assert "RECURRENCE-ID" not in names or (f"RECURRENCE-ID{zoned}" in event and "RRULE" not in names)


@pytest.mark.rule("C2")
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_all_components_of_one_uid_carry_the_last_change_of_any(zone: str) -> None:
    for seed in range(12):
        series = generated(zone, seed)
        revisions = [series.revision, *(one.revision for one in series.changes.values())]
        own = f"{series.uid}@{HOST}"
        for event in components(series):
            if event["UID"] == own:
                assert event["SEQUENCE"] == str(max(one.sequence for one in revisions))
                assert event["LAST-MODIFIED"] == f"{max(one.last_modified for one in revisions):%Y%m%dT%H%M%SZ}"
            assert event["DTSTAMP"] == event["LAST-MODIFIED"]


class Icsx5:
    """How ICSx5 decides (calendar.md 2): a UID is taken anew where the newest LAST-MODIFIED of its group has grown."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[str, list[dict[str, str]]]] = {}

    def fetch(self, events: list[dict[str, str]]) -> None:
        groups: dict[str, list[dict[str, str]]] = {}
        for event in events:
            groups.setdefault(event["UID"], []).append(event)
        self.stored = {uid: self._newer(uid, group) for uid, group in groups.items()}

    def _newer(self, uid: str, group: list[dict[str, str]]) -> tuple[str, list[dict[str, str]]]:
        stamp = max(event["LAST-MODIFIED"] for event in group)
        known = self.stored.get(uid)
        return known if known is not None and known[0] >= stamp else (stamp, group)

    def shows(self) -> list[dict[str, str]]:
        return [event for _, group in self.stored.values() for event in group]


@pytest.mark.rule("C2")
@pytest.mark.parametrize("options", [FULL, replace(FULL, is_expanded=True)], ids=["master", "expanded"])
def test_a_reader_that_goes_by_last_modified_always_has_the_newest_state(options: FeedOptions) -> None:
    """Also after an override was taken back, a date left out, and a cancelled occurrence gone by itself."""
    base = made(common=made().revision)
    cancelled = change(7, status=ItemStatus.CANCELLED, ended_at=utc(2026, 5, 9, 9, 30))
    moved = change(4, slot=local(BERLIN, 2026, 9, 9, 19))
    back = replace(base, changes={SECOND: change(5)}, revision=change(5).revision)
    shorter = replace(back, left_out=frozenset({date(2026, 9, 15)}), revision=change(6).revision)
    ended = replace(shorter, changes={SECOND: cancelled}, revision=cancelled.revision)
    states = [
        (base, NOW),
        (replace(base, changes={SECOND: moved}, revision=moved.revision), NOW),
        (back, NOW),
        (shorter, NOW),
        (ended, utc(2026, 5, 10)),
        (ended, utc(2026, 6, 9)),
    ]
    reader = Icsx5()
    for series, now in states:
        reader.fetch(components(series, options, now))
        assert reader.shows() == components(series, options, now)


@pytest.mark.rule("C2")
def test_a_change_of_one_occurrence_touches_no_other_where_each_is_an_event_of_its_own() -> None:
    expanded = replace(FULL, is_expanded=True)
    base = made(common=made().revision)
    moved = replace(base, changes={SECOND: change(4, slot=local(BERLIN, 2026, 9, 9, 19))}, revision=change(4).revision)
    before, after = components(base, expanded), components(moved, expanded)
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, *[True] * 10]
    assert (before[1]["UID"], before[1]["SEQUENCE"]) == (after[1]["UID"], "3")
    assert after[1]["SEQUENCE"] == "4"


@pytest.mark.rule("C2")
def test_a_cancelled_occurrence_is_told_for_30_days_and_then_left_out() -> None:
    ended = utc(2026, 8, 20, 12)
    series = made(changes={SECOND: change(status=ItemStatus.CANCELLED, ended_at=ended)})
    last = ended + timedelta(days=30)
    told = components(series, now=last - timedelta(seconds=1))
    assert [event["STATUS"] for event in told] == ["CONFIRMED", "CANCELLED"]
    assert told[1]["SUMMARY"].startswith("Abgesagt: ")
    assert told[1]["TRANSP"] == "TRANSPARENT"
    [alone] = components(series, now=last)
    assert alone["EXDATE;TZID=Europe/Berlin"] == "20260908T180000"
    fragment = render_series(series, FULL, HOST, ended)
    assert fragment.valid_until == last
    assert render_series(series, FULL, HOST, last).modified == last
    [at_once] = components(series, replace(FULL, window=Window(cancelled_shown=False)), ended)
    assert "EXDATE;TZID=Europe/Berlin" in at_once


@pytest.mark.rule("C2")
def test_a_cancelled_series_is_told_whole_for_30_days_and_then_gone() -> None:
    ended = utc(2026, 8, 1)
    series = made(status=ItemStatus.CANCELLED, ended_at=ended)
    assert [event["STATUS"] for event in components(series, now=utc(2026, 8, 30))] == ["CANCELLED"]
    assert components(series, now=utc(2026, 8, 31)) == []
    assert render_series(series, FULL, HOST, ended).valid_until == utc(2026, 8, 31)
    assert components(series, replace(FULL, window=Window(cancelled_shown=False)), ended) == []


@pytest.mark.rule("C4")
@pytest.mark.parametrize("is_expanded", [False, True])
@pytest.mark.parametrize(
    ("variant", "let_through"),
    [
        (Variant.BUSY, set()),
        (Variant.TITLES, {"title", "room"}),
        (Variant.FULL, {"title", "party", "room", "location", "details", "url"}),
    ],
)
def test_a_variant_lets_through_these_texts_of_series_and_occurrence(
    variant: Variant, let_through: set[str], is_expanded: bool
) -> None:
    names = ("title", "party", "room", "location", "details", "url")
    whole, single, apart = (
        Texts(**{name: f"{mark}{name.upper()}" for name in names}) for mark in ("CAN", "ARY", "QED")
    )
    changes = {SECOND: change(texts=single), at(2026, 9, 4, 9): change(texts=apart)}
    body = "\n".join(lines(made(texts=whole, changes=changes), FeedOptions(variant, is_expanded=is_expanded)))
    for mark in ("CAN", "ARY", "QED"):
        assert {name for name in names if f"{mark}{name.upper()}" in body} == let_through


@pytest.mark.rule("C4")
def test_two_series_at_one_time_look_the_same_in_a_busy_feed() -> None:
    other = made(created_at=utc(2025, 1, 1), texts=Texts("X", "X", "X", "X", "X", "X"))
    assert lines(other, BUSY) == lines(made(), BUSY)
    assert not [line for line in lines(made(), BUSY) if line.startswith(("CREATED", "ATTENDEE", "ORGANIZER"))]


def test_an_alarm_is_set_where_it_was_asked_for_and_not_on_what_is_cancelled() -> None:
    series = made(changes={SECOND: change(status=ItemStatus.CANCELLED, ended_at=NOW), THIRD: change(texts=Texts("V"))})
    reminding = replace(FULL, alarm=timedelta(minutes=90))
    assert not any("VALARM" in line for line in lines(series))
    calendar = Calendar.from_ical(render_calendar(HEAD, [series], reminding, NOW))
    alarms = [[alarm.to_ical().decode() for alarm in event.walk("VALARM")] for event in calendar.walk("VEVENT")]
    assert [len(one) for one in alarms] == [1, 0, 1]
    assert "TRIGGER:-PT1H30M\r\n" in alarms[0][0]
    assert "ACTION:DISPLAY\r\n" in alarms[0][0]
    assert "DESCRIPTION:V\r\n" in alarms[2][0]


@pytest.mark.rule("C2")
def test_a_window_takes_single_events_one_by_one_and_a_master_whole() -> None:
    window = Window(months_back=1, months_ahead=2)
    now = utc(2026, 10, 20)
    expanded = components(made(), FeedOptions(Variant.FULL, window=window, is_expanded=True), now)
    assert [event["DTSTART;TZID=Europe/Berlin"][4:8] for event in expanded] == [
        *("0922", "0929", "1006", "1013", "1020", "1027", "1103", "1110", "1117")
    ]
    master = FeedOptions(Variant.FULL, window=window)
    assert len(components(made(), master, now)) == 1
    assert components(made(), master, utc(2026, 6, 30)) == []
    assert render_series(made(), master, HOST, utc(2026, 6, 30)).valid_until == utc(2026, 7, 1, 16)
    assert components(made(), master, utc(2026, 12, 17, 19)) == []
    assert render_series(made(), master, HOST, utc(2026, 12, 20)).modified == utc(2026, 12, 17, 19)


@pytest.mark.rule("C2", "C3")
@settings(deadline=None, max_examples=scale(3000))  # the first of a zone finds its rule
@given(
    seed=st.integers(0, 200),
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2026, 5, 1), datetime(2027, 12, 1)),  # noqa: DTZ001 - made aware below
    later=st.timedeltas(timedelta(0), timedelta(days=60)),
    is_expanded=st.booleans(),
)
def test_a_fragment_is_the_same_bytes_until_it_is_said_to_change(
    seed: int, zone: str, now: datetime, later: timedelta, is_expanded: bool
) -> None:
    options = FeedOptions(Variant.FULL, "de", Window(months_back=2, months_ahead=4), is_expanded)
    series, begin = generated(zone, seed), utc(*now.timetuple()[:6])
    fragment = render_series(series, options, HOST, begin)
    if fragment.valid_until is None or begin + later < fragment.valid_until:
        again = render_series(series, options, HOST, begin + later)
        assert (again.data, again.zones, again.modified) == (fragment.data, fragment.zones, fragment.modified)


TEXT = st.text(st.one_of(st.sampled_from("\\;,:\n\r\x00\u2028ä😀"), st.characters()), max_size=120)


@pytest.mark.rule("C3")
@settings(deadline=None)  # the first of a zone finds its rule
@given(titles=st.tuples(TEXT, TEXT, TEXT))
def test_any_texts_make_lines_that_a_strict_reader_reads(titles: tuple[str, str, str], read: Read) -> None:
    texts = [Texts(*([title] * 6)) for title in titles]
    changes = {
        SECOND: change(texts=texts[1], slot=local(BERLIN, 2026, 9, 8, 19)),
        at(2026, 9, 4, 9): change(texts=texts[2]),
    }
    data = render_series(made(texts=texts[0], changes=changes), FULL, HOST, NOW).data
    found = read(data)
    assert [value for name, _, value in found if name == "BEGIN"] == ["VEVENT"] * 3
    calendar = Calendar.from_ical(b"BEGIN:VCALENDAR\r\n" + data + b"END:VCALENDAR\r\n")
    assert [str(event.get("DESCRIPTION", "")) for event in calendar.walk("VEVENT")] == [clean(one) for one in titles]


def test_a_feed_mixes_series_and_their_zones_are_described_once() -> None:
    many = [generated(zone, seed) for seed, zone in enumerate(ZONES)]
    body = render_calendar(HEAD, many, FULL, NOW)
    assert body == render_calendar(HEAD, reversed(many), FULL, NOW)
    described = [line for line in body.decode().split("\r\n") if line.startswith("TZID:")]
    assert described == sorted(set(described))
    named = {part.split(":")[0].split("=")[1] for part in body.decode().split("\r\n") if ";TZID=" in part}
    assert named <= {line.removeprefix("TZID:") for line in described}


def test_nothing_is_shown_of_a_series_without_occurrences() -> None:
    empty = made(rule=Rule(count=1), left_out=frozenset({date(2026, 9, 1)}))
    fragment = render_series(empty, FULL, HOST, NOW)
    assert (fragment.data, fragment.zones, fragment.valid_until) == (b"", frozenset(), None)


@pytest.mark.rule("C2")
def test_a_revision_never_falls_below_that_of_a_part() -> None:
    [master, *_] = components(made(revision=Revision(1, utc(2026, 1, 1)), common=Revision(8, utc(2026, 6, 2))))
    assert (master["SEQUENCE"], master["LAST-MODIFIED"]) == ("8", "20260602T000000Z")
