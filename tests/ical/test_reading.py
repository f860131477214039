"""Foreign calendars as items: what they mean, what is assumed, and what is told to be missing."""

import random
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from booking.values.refusals import Refused
from booking.values.slot import Slot
from ical.expansion import expand, expand_all
from ical.item import Details, Item, Status
from ical.lines import head_of, normal, split_line, unescape
from ical.problems import Code
from ical.reading import Reading, read
from ical.text import escape, text_line
from tests.fixtures.soak import scale
from tests.ical.hostile import GOOD, HOSTILE, Hostile, calendar, event

BERLIN = "Europe/Berlin"
UTC_1600 = datetime(2026, 6, 3, 16, tzinfo=UTC)
WINDOW = Slot(datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


def reading(body: bytes, zone: str = BERLIN) -> Reading:
    found = read(body, zone)
    assert isinstance(found, Reading), found
    return found


def item_of(*lines: str, start: str = "DTSTART;TZID=Europe/Berlin:20260603T180000", more: str = "") -> Item:
    """The item of one event that may have more components."""
    (found,) = [item for item in reading(calendar(event(*lines, start=start), more)).items if item.uid != GOOD]
    return found


def master(*lines: str, start: str = "DTSTART;TZID=Europe/Berlin:20260603T180000") -> Details:
    found = item_of(*lines, start=start).master
    assert found is not None
    return found


def problems(*lines: str, start: str = "DTSTART;TZID=Europe/Berlin:20260603T180000") -> list[Code]:
    return [problem.code for problem in reading(calendar(event(*lines, start=start))).problems]


# Times


@pytest.mark.parametrize(
    ("start", "instant", "zone"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260603T180000", UTC_1600, BERLIN),
        ('DTSTART;X-A="a:b;c";TZID="Europe/Berlin":20260603T180000', UTC_1600, BERLIN),
        ("dtstart;tzid=Europe/Berlin:20260603T180000", UTC_1600, BERLIN),
        ("DTSTART:20260603T160000Z", UTC_1600, "UTC"),
        ("DTSTART;TZID=Etc/UTC:20260603T160000", UTC_1600, "UTC"),
        ("DTSTART;TZID=W. Europe Standard Time:20260603T180000", UTC_1600, BERLIN),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Tzfile/Europe/Berlin:20260603T180000", UTC_1600, BERLIN),
        ("DTSTART;TZID=GMT+0200:20260603T180000", UTC_1600, "Etc/GMT-2"),
        ("DTSTART:20260603T180000", UTC_1600, BERLIN),
        ("DTSTART;TZID=Nowhere:20260603T180000", UTC_1600, BERLIN),
        ("DTSTART;VALUE=DATE:20260603", datetime(2026, 6, 2, 22, tzinfo=UTC), ""),
        ("DTSTART:20260603", datetime(2026, 6, 2, 22, tzinfo=UTC), ""),
        ("DTSTART;TZID=Europe/Berlin:20260329T023000", datetime(2026, 3, 29, 1, 30, tzinfo=UTC), BERLIN),
        ("DTSTART;TZID=Europe/Berlin:20261025T023000", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), BERLIN),
        ("DTSTART:20260603T155960Z", UTC_1600 - timedelta(seconds=1), "UTC"),
    ],
)
def test_a_start_is_read_in_the_zone_that_it_means(start: str, instant: datetime, zone: str) -> None:
    found = master(start=start).start
    assert (found.instant, found.zone) == (instant, zone)


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("DTSTART:20260603T180000", Code.FLOATING),
        ("DTSTART;TZID=Nowhere:20260603T180000", Code.ZONE_UNKNOWN),
    ],
)
def test_a_zone_that_was_assumed_is_told(start: str, code: Code) -> None:
    assert problems(start=start) == [code]


@pytest.mark.parametrize(
    ("line", "hours"),
    [
        ("DTEND;TZID=Europe/Berlin:20260603T193000", 1.5),
        ("DTEND:20260603T170000Z", 1),
        ("DURATION:PT45M", 0.75),
        ("DURATION:P1DT1H", 25),
        ("DURATION:P1W", 168),
        ("SUMMARY:neither", 0),
        ("DTEND:20260603T200000", 2),
    ],
)
def test_the_end_comes_from_what_is_there(line: str, hours: float) -> None:
    found = master(line)
    assert (found.end.instant - found.start.instant) / timedelta(hours=1) == hours


@pytest.mark.parametrize(
    ("line", "days"),
    [("DTEND;VALUE=DATE:20260605", 2), ("SUMMARY:x", 1), ("DTEND;VALUE=DATE:20260603", 1), ("DURATION:P3D", 3)],
)
def test_a_whole_day_lasts_one_where_nothing_else_is_said(line: str, days: int) -> None:
    found = master(line, start="DTSTART;VALUE=DATE:20260603")
    assert found.end.wall - found.start.wall == timedelta(days=days)
    assert found.end.is_day


def test_a_duration_in_days_keeps_the_wall_time_through_a_clock_change_and_one_in_hours_does_not() -> None:
    start = "DTSTART;TZID=Europe/Berlin:20260328T180000"
    assert master("DURATION:P1D", start=start).end.wall.hour == 18
    assert master("DURATION:PT24H", start=start).end.wall.hour == 19


def own_zone(offset: str) -> str:
    return (
        "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
        f"TZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
    )


def test_each_feed_has_its_own_customized_time_zone() -> None:
    found = []
    for offset in ("+0100", "-0500", "+0900", "+0100"):
        body = calendar(own_zone(offset), event(start="DTSTART;TZID=Customized Time Zone:20260603T120000"))
        details = reading(body).items[0].master
        assert details is not None
        found.append((details.start.instant.hour, details.start.zone))
    assert found == [(11, "Etc/GMT-1"), (17, "Etc/GMT+5"), (3, "Etc/GMT-9"), (11, "Etc/GMT-1")]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata"])
def test_a_zone_of_the_file_is_named_by_the_zone_that_has_its_offsets(zone: str) -> None:
    from ical.zones import vtimezone

    described = (vtimezone(zone) or b"").decode().replace("\r\n", "\n").replace(f"TZID:{zone}", "TZID:Mine")
    for month in (1, 3, 6, 10):
        found = reading(calendar(described, event(start=f"DTSTART;TZID=Mine:2026{month:02}15T120000"))).items[0].master
        assert found is not None
        assert (found.start.zone, found.start.instant) == (
            zone,
            datetime(2026, month, 15, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC),
        )


# Texts


def test_texts_are_unescaped_composed_and_trimmed() -> None:
    found = master(
        "SUMMARY:a\\, b\\; c\\\\n \\n d  \\N", "LOCATION:Mu\u0308nchen", 'DESCRIPTION;ALTREP="x:y":a\x07b \\n '
    )
    assert (found.summary, found.location, found.description) == ("a, b; c\\n\n d", "München", "ab")


@seed(20260605)
@settings(max_examples=scale(3_000), deadline=None, database=None)
@given(st.text(max_size=120))
def test_any_text_comes_back_as_it_was_written_and_is_one_component(text: str) -> None:
    body = calendar().replace(b"SUMMARY:Good", text_line("SUMMARY", text).encode())
    (item,) = reading(body).items
    assert item.master is not None
    assert item.master.summary == normal(text)
    assert normal(normal(text)) == normal(text)
    assert unescape(escape(normal(text))) == normal(text)


@pytest.mark.parametrize(
    ("line", "name", "parameters", "value"),
    [
        ("A:b", "A", {}, "b"),
        ("a;b=c:d:e", "A", {"B": "c"}, "d:e"),
        ('A;B="c:d;e=f":g', "A", {"B": "c:d;e=f"}, "g"),
        ("A;B=c^nd^^e^'f^x:g", "A", {"B": 'c\nd^e"f^x'}, "g"),
        ('A;B="c,d",e;F=g:h', "A", {"B": "c,d,e", "F": "g"}, "h"),
        ('A;B="open:g', "A", {"B": "open"}, "g"),
    ],
)
def test_a_content_line_is_split_outside_quotes(line: str, name: str, parameters: dict[str, str], value: str) -> None:
    split = split_line(line)
    assert split is not None
    head = head_of(split[0])
    assert (head.name, dict(head.parameters), split[1]) == (name, parameters, value)


def test_state_and_time_taken_are_read_and_our_own_mark() -> None:
    found = item_of("STATUS:TENTATIVE", "TRANSP:TRANSPARENT", "SEQUENCE:7", "X-PLATZWART-ORIGIN:here/5")
    assert found.master is not None
    assert (found.master.status, found.master.is_busy, found.sequence, found.origin) == (
        Status.TENTATIVE,
        False,
        7,
        "here/5",
    )
    assert not master("X-MICROSOFT-CDO-BUSYSTATUS:FREE").is_busy
    assert master("STATUS:BUSY-ISH").status is Status.CONFIRMED


# Series


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("FREQ=WEEKLY", "FREQ=WEEKLY"),
        ("WKST=MO;INTERVAL=1;BYDAY=WE,MO;FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("FREQ=WEEKLY;WKST=SU;BYDAY=MO", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "FREQ=WEEKLY;INTERVAL=2;WKST=SU"),
        ("freq=monthly;byday=+1MO,-1FR", "FREQ=MONTHLY;BYDAY=1MO,-1FR"),
        ("FREQ=DAILY;UNTIL=20260610T160000Z", "FREQ=DAILY;UNTIL=20260610T160000Z"),
        ("FREQ=DAILY;UNTIL=20260610T180000", "FREQ=DAILY;UNTIL=20260610T160000Z"),
        ("FREQ=DAILY;UNTIL=20260610", "FREQ=DAILY;UNTIL=20260610T215959Z"),
        ("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=OMIT;COUNT=3", "FREQ=YEARLY;COUNT=3"),
    ],
)
def test_a_rule_is_read_in_its_one_form(written: str, read_as: str) -> None:
    found = item_of(f"RRULE:{written}").recurrence
    assert found is not None
    assert found.rule == read_as


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["RRULE:FREQ=SECONDLY"], Code.RULE_TOO_OFTEN),
        (["RRULE:FREQ=DAILY;BYMINUTE=0,1"], Code.RULE_TOO_OFTEN),
        (["RRULE:FREQ=DAILY;INTERVAL=0"], Code.BAD_RULE),
        (["RRULE:FREQ=DAILY;FOO=1"], Code.BAD_RULE),
        (["RRULE:FREQ=DAILY;UNTIL=soon"], Code.BAD_RULE),
        (["RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"], Code.SEVERAL_RULES),
        (["DTEND:20200101T000000Z"], Code.BAD_END),
        (["DTEND:never"], Code.BAD_END),
        (["RDATE:20260604T180000,soon"], Code.BAD_ADDED_DATE),
    ],
)
def test_what_may_be_missing_of_an_item_is_told_and_the_rest_is_kept(lines: list[str], code: Code) -> None:
    found = reading(calendar(event(*lines)))
    assert [problem.code for problem in found.problems] == [code]
    assert found.lost == {"bad@example.org"}
    assert [item.uid for item in found.items] == ["bad@example.org", GOOD]
    assert found.is_complete  # what is not there at all is still known


@pytest.mark.parametrize("line", ["SEQUENCE:x", "EXDATE:soon", "EXRULE:FREQ=DAILY", "no colon", "STATUS:?"])
def test_what_is_wrong_but_costs_no_time_is_told_without_a_loss(line: str) -> None:
    found = reading(calendar(event("RRULE:FREQ=DAILY", line)))
    assert len(found.problems) == 1
    assert not found.lost
    assert found.problems[0].line == 7


EXDATES = {
    "of the same zone": "EXDATE;TZID=Europe/Berlin:20260610T180000",
    "in UTC": "EXDATE:20260610T160000Z",
    "without a zone": "EXDATE:20260610T180000",
    "of another zone": "EXDATE;TZID=America/New_York:20260610T120000",
    "as a date": "EXDATE;VALUE=DATE:20260610",
}


@pytest.mark.rule("C7")
@pytest.mark.parametrize("name", EXDATES)
def test_however_a_date_is_left_out_it_is_the_same_one(name: str) -> None:
    found = item_of("RRULE:FREQ=WEEKLY", EXDATES[name])
    assert found.recurrence is not None
    (left_out,) = found.recurrence.left_out
    assert (left_out.key, left_out.zone) == ("20260610T160000Z", BERLIN)


@pytest.mark.rule("C7")
@pytest.mark.parametrize(
    "written",
    [";TZID=Europe/Berlin:20260610T180000", ":20260610T160000Z", ":20260610T180000", ";VALUE=DATE:20260610"],
)
def test_however_an_override_names_its_date_it_is_the_same_one(written: str) -> None:
    moved = event(f"RECURRENCE-ID{written}", "SUMMARY:moved", start="DTSTART:20260611T080000Z")
    found = item_of("RRULE:FREQ=WEEKLY", more=moved)
    assert {key: details.summary for key, details in found.overrides.items()} == {"20260610T160000Z": "moved"}


def test_an_override_without_a_master_is_an_item_of_its_own() -> None:
    found = item_of("RECURRENCE-ID:20260610T160000Z")
    assert (found.master, list(found.overrides)) == (None, ["20260610T160000Z"])


def test_a_change_of_this_and_all_further_dates_is_told_as_a_loss() -> None:
    moved = event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260610T160000Z", start="DTSTART:20260611T080000Z")
    found = reading(calendar(event("RRULE:FREQ=WEEKLY"), moved))
    assert [problem.code for problem in found.problems] == [Code.THIS_AND_FUTURE]
    assert found.lost == {"bad@example.org"}


def test_added_periods_of_another_length_are_overrides() -> None:
    found = item_of("DURATION:PT1H", "RDATE;VALUE=PERIOD:20260604T160000Z/PT3H,20260605T160000Z/20260605T170000Z")
    assert found.recurrence is not None
    assert [moment.key for moment in found.recurrence.added] == ["20260604T160000Z", "20260605T160000Z"]
    lengths = [one.end - one.start for one in expand(found, WINDOW, BERLIN).occurrences]
    assert lengths == [timedelta(hours=hours) for hours in (1, 3, 1)]


def test_of_two_events_with_one_uid_the_later_version_is_kept_and_the_loss_told() -> None:
    found = reading(calendar(event("SEQUENCE:2", "SUMMARY:new"), event("SEQUENCE:1", "SUMMARY:old")))
    assert [problem.code for problem in found.problems] == [Code.UID_TWICE]
    assert found.items[0].master is not None
    assert found.items[0].master.summary == "new"


# The file as a whole


def test_the_calendars_own_properties_are_read() -> None:
    head = (
        "X-WR-CALNAME:Halle\\, groß\nX-WR-TIMEZONE:Europe/Berlin\nMETHOD:PUBLISH\n"
        "REFRESH-INTERVAL;VALUE=DURATION:PT2H\n"
    )
    found = reading(calendar(head=head))
    assert (found.name, found.zone, found.method, found.refresh) == (
        "Halle, groß",
        BERLIN,
        "PUBLISH",
        timedelta(hours=2),
    )
    assert found.is_whole
    assert found.events == 1


@pytest.mark.rule("C9")
def test_one_broken_event_among_many_costs_only_itself() -> None:
    generator = random.Random(20260603)
    broken = [
        event(start="DTSTART:never", uid="b1"),
        event(uid="b2").replace("END:VEVENT\n", ""),
        event(start="X:", uid="b3"),
    ]
    events = [event(uid=f"e{number}") for number in range(300)]
    for one in broken:
        events.insert(generator.randrange(len(events)), one)
    found = reading(calendar(*events))
    assert {item.uid for item in found.items} == {f"e{number}" for number in range(300)} | {GOOD}
    assert found.lost == {"b1", "b2", "b3"}
    assert all(problem.line for problem in found.problems)


@pytest.mark.rule("C9")
def test_a_lost_event_whose_uid_is_not_known_makes_the_reading_incomplete() -> None:
    found = reading(calendar("END:VEVENT\n"))
    assert found.is_whole
    assert not found.is_complete


@pytest.mark.rule("C12")
def test_of_more_added_dates_than_are_read_the_first_are_kept_and_the_loss_is_told() -> None:
    days = [f"{UTC_1600 + timedelta(days=number):%Y%m%dT%H%M%SZ}" for number in range(1, 6_001)]
    found = reading(calendar(event(*["RDATE:" + ",".join(days[at : at + 3_000]) for at in (0, 3_000)])))
    assert [problem.code for problem in found.problems] == [Code.TOO_MANY_DATES]
    assert found.lost == {"bad@example.org"}
    assert found.items[0].recurrence is not None
    assert [moment.key for moment in found.items[0].recurrence.added] == days[:5_000]


def timed(body: bytes, most: float) -> Reading | Refused:
    """What is read, in seconds of CPU of which a busy machine may need a second try."""
    for _ in range(2):
        began = time.process_time()
        found = read(body, BERLIN)
        spent = time.process_time() - began
        if spent < most:
            return found
    raise AssertionError(f"{spent} s")


@pytest.mark.rule("C12")
@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case.name)
def test_a_hostile_calendar_is_read_or_refused_in_its_time_and_beside_it_what_is_good(case: Hostile) -> None:
    """A second for a component, five for a file."""
    body = case.body()
    found = timed(body, 1 if body.count(b"BEGIN:VEVENT") <= 2 else 5)
    assert isinstance(found, Refused) is case.is_refused
    if isinstance(found, Reading):
        assert (GOOD in {item.uid for item in found.items}) is case.is_read
        for item in found.items[:5]:
            began = time.process_time()
            expand(item, WINDOW, BERLIN)
            assert time.process_time() - began < 1
        began = time.process_time()
        expand_all(found.items, WINDOW, BERLIN)
        assert time.process_time() - began < 5


def test_the_hostile_calendars_are_as_many_as_were_promised() -> None:
    assert len({case.name for case in HOSTILE}) == len(HOSTILE) >= 60
