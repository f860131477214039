"""Series of somebody else's calendar take the room exactly when they take place (SPEC C9, C13, C14).

Each case is read, planned and stored by a link; the expected times are those that recurring-ical-events finds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from icalendar import Calendar

from booking.values.links import LinkPolicy, RunOutcome
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from ical.zones import vtimezone
from tests.builders import NOW, ZONE
from tests.sync.linked import World, world

LATER = timedelta(minutes=16)
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
UNTIL = NOW + timedelta(days=300)  # within what a link takes ahead, and past both changes of clocks


@dataclass(frozen=True)
class Case:
    """The lines of each event of one UID, before and after somebody edited it. `{z}`: the zone of the case."""

    before: tuple[str, ...]
    after: tuple[str, ...] = ()


def master(*lines: str, start: str = "20261201T183000", hours: int = 1) -> str:
    end = datetime.strptime(start, "%Y%m%dT%H%M%S") + timedelta(hours=hours)  # noqa: DTZ007 - wall time
    return "\n".join([f"DTSTART;TZID={{z}}:{start}", f"DTEND;TZID={{z}}:{end:%Y%m%dT%H%M%S}", *lines])


def part(of: str, start: str, *lines: str) -> str:
    return master(f"RECURRENCE-ID;TZID={{z}}:{of}", *lines, start=start)


WEEKLY = master("RRULE:FREQ=WEEKLY;COUNT=40")
MOVED = part("20261208T183000", "20261209T080000")
CASES = {
    "a date left out": Case((WEEKLY,), (master("RRULE:FREQ=WEEKLY;COUNT=40", "EXDATE;TZID={z}:20261215T183000"),)),
    "a date moved": Case((WEEKLY,), (WEEKLY, MOVED)),
    "a moved date taken back": Case((WEEKLY, MOVED), (WEEKLY,)),
    "a series cut short, and a date moved": Case(
        (WEEKLY,),
        (
            master("RRULE:FREQ=WEEKLY;UNTIL=20270301T000000Z"),
            part("20261222T183000", "20261222T200000"),
        ),
    ),
    "dates that were added": Case((WEEKLY,), (master("RRULE:FREQ=WEEKLY;COUNT=4", "RDATE;TZID={z}:20270330T100000"),)),
    "an end by date": Case((master("RRULE:FREQ=DAILY;UNTIL=20261210T235959Z"),)),
    "a last date that is just allowed": Case(
        (master("RRULE:FREQ=DAILY;COUNT=3"),), (master("RRULE:FREQ=DAILY;COUNT=2"),)
    ),
    "clocks change in the series": Case((master("RRULE:FREQ=DAILY;COUNT=250"),)),
    "a night in which clocks change": Case((master("RRULE:FREQ=DAILY;COUNT=250", start="20261201T003000"),)),
    "two weekdays, every other week": Case((master("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH;COUNT=30"),)),
    "the last Friday of a month": Case((master("RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=8", start="20261225T183000"),)),
}


def body_of(events: tuple[str, ...], zone: str) -> bytes:
    described = (vtimezone(zone) or b"").decode().replace("\r\n", "\n")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x//EN", described.strip()]
    for event in events:
        lines += ["BEGIN:VEVENT", "UID:series", "DTSTAMP:20261101T000000Z", event.replace("{z}", zone), "END:VEVENT"]
    return "\r\n".join("\n".join([*lines, "END:VCALENDAR", ""]).split("\n")).encode()


def expected(body: bytes) -> list[Slot]:
    found = recurring_ical_events.of(Calendar.from_ical(body)).between(NOW, UNTIL)
    slots = [
        Slot(one.start.astimezone(UTC), one.end.astimezone(UTC)) for one in found if one.get("STATUS") != "CANCELLED"
    ]
    return sorted(slots)


@pytest.fixture
def here(sqlite_url: str) -> Iterator[World]:
    made = world(sqlite_url)
    made.connect(LinkPolicy.IMPORT)
    yield made
    made.database.close()


def taken(here: World) -> list[Slot]:
    return sorted(slot for slot in here.taken(OccupancyKind.EXTERNAL) if slot.start < UNTIL)


def read(here: World, body: bytes) -> None:
    here.remote.edit(here.remote.href_for("series"), body)
    assert here.run().outcome is RunOutcome.DONE
    here.assert_quiet()


@pytest.mark.rule("C13", "C14")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", CASES)
def test_a_series_takes_the_room_when_it_takes_place_before_and_after_somebody_changed_it(
    here: World, name: str, zone: str
) -> None:
    case = CASES[name]
    before = body_of(case.before, zone)
    read(here, before)
    assert taken(here) == expected(before)
    assert taken(here)
    if case.after:
        after = body_of(case.after, zone)
        read(here, after)
        assert taken(here) == expected(after)
        assert expected(after) != expected(before)


@pytest.mark.rule("C14")
@pytest.mark.parametrize("zone", ZONES)
def test_both_changes_of_clocks_lie_in_the_series_that_is_checked(zone: str) -> None:
    found = expected(body_of(CASES["clocks change in the series"].before, zone))
    offsets = [slot.start.astimezone(ZoneInfo(zone)).utcoffset() for slot in found]
    assert {slot.start.astimezone(ZoneInfo(zone)).hour for slot in found} == {18}
    assert len(set(offsets)) == (1 if zone == "Asia/Kolkata" else 2)


@pytest.mark.rule("C14")
def test_a_cancelled_date_of_a_series_is_free(here: World) -> None:
    read(here, body_of((WEEKLY,), ZONE.key))
    before = taken(here)
    cancelled = part("20261208T183000", "20261208T183000", "STATUS:CANCELLED")
    read(here, body_of((WEEKLY, cancelled), ZONE.key))
    gone = set(before) - set(taken(here))
    assert [slot.start for slot in gone] == [datetime(2026, 12, 8, 17, 30, tzinfo=UTC)]
    assert len(taken(here)) == len(before) - 1


@pytest.mark.rule("C9", "C14")
def test_a_master_that_goes_while_a_moved_date_stays_leaves_that_date(here: World) -> None:
    read(here, body_of((WEEKLY, MOVED), ZONE.key))
    read(here, body_of((MOVED,), ZONE.key))
    assert [slot.start for slot in taken(here)] == [datetime(2026, 12, 9, 7, 0, tzinfo=UTC)]


@pytest.mark.rule("C14")
def test_whole_days_take_the_day_of_the_room_also_where_clocks_change(here: World) -> None:
    lines = "DTSTART;VALUE=DATE:20270326\nDTEND;VALUE=DATE:20270327\nRRULE:FREQ=DAILY;COUNT=4"
    read(here, body_of((lines,), ZONE.key))
    found = taken(here)
    assert [slot.start.astimezone(ZONE).date().day for slot in found] == [26, 27, 28, 29]
    assert {slot.start.astimezone(ZONE).hour for slot in found} == {0}
    assert [slot.duration for slot in found] == [timedelta(hours=hours) for hours in (24, 24, 23, 24)]


@pytest.mark.rule("C9", "C14")
def test_a_split_of_this_and_all_further_dates_into_two_series_frees_no_time_that_is_still_taken(here: World) -> None:
    """As most programs do it: the series ends before, and a new one with another UID begins."""
    read(here, body_of((WEEKLY,), ZONE.key))
    before = taken(here)
    here.remote.edit(here.remote.href_for("series"), body_of((master("RRULE:FREQ=WEEKLY;COUNT=10"),), ZONE.key))
    further = body_of((master("RRULE:FREQ=WEEKLY;COUNT=30", start="20270209T183000"),), ZONE.key)
    here.remote.edit("/calendar/further.ics", further.replace(b"UID:series", b"UID:further"))
    here.settle()
    assert taken(here) == before
    assert here.cases() == {}
