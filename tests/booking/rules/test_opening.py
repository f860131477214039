"""When a room is open, through seasons, closing days and clocks that change (SPEC S4)."""

import dataclasses
from datetime import date, time, timedelta

import pytest

from booking.rules.opening import Closed, ClosedBecause, in_season, open_between, open_stretches, why_closed
from booking.values.house import ClosingDay, Hours, RoomCalendar, Season
from booking.values.slot import Slot
from tests.booking.rules.houses import BERLIN, CALENDAR, CHRISTMAS, FRIDAY, HOUR, SATURDAY, at, slot, utc

SPRING_FORWARD = date(2026, 3, 29)
FALL_BACK = date(2026, 10, 25)
WINTER = Season(1, "Winter", date(2026, 11, 1), date(2027, 3, 31))
ALWAYS = RoomCalendar(BERLIN, tuple(Hours(weekday, time(0), time(0)) for weekday in range(7)))


def hours_on(day: date, *spans: tuple[int, int], season_id: int | None = None) -> RoomCalendar:
    lines = tuple(Hours(day.weekday(), time(first), time(last % 24), season_id) for first, last in spans)
    return RoomCalendar(BERLIN, lines, (WINTER,))


def test_the_day_is_open_from_opening_to_closing() -> None:
    assert open_stretches(SATURDAY, CALENDAR) == (slot(SATURDAY, 8, 22),)


@pytest.mark.parametrize(("day", "hours"), [(SATURDAY, 24), (SPRING_FORWARD, 23), (FALL_BACK, 25)])
def test_midnight_to_midnight_is_as_long_as_the_day(day: date, hours: int) -> None:
    (whole,) = open_stretches(day, ALWAYS)
    assert whole.duration == hours * HOUR


@pytest.mark.parametrize(
    ("day", "first", "last", "expected"),
    [
        (SPRING_FORWARD, 2, 4, Slot(utc(2026, 3, 29, 1), utc(2026, 3, 29, 2))),  # 2:00 is 3:00, one hour is left
        (SPRING_FORWARD, 2, 3, None),  # nothing is left
        (FALL_BACK, 2, 4, Slot(utc(2026, 10, 25, 0), utc(2026, 10, 25, 3))),  # the first 2:00, three hours
    ],
    ids=["gap", "only the gap", "fold"],
)
def test_clocks_that_change_shorten_or_lengthen_the_opening(
    day: date, first: int, last: int, expected: Slot | None
) -> None:
    assert open_stretches(day, hours_on(day, (first, last))) == ((expected,) if expected else ())


def test_a_night_belongs_to_the_day_on_which_it_began() -> None:
    night = hours_on(SATURDAY, (20, 26))
    assert open_stretches(SATURDAY, night) == (slot(SATURDAY, 20, 26),)
    assert open_stretches(SATURDAY + timedelta(days=1), night) == ()
    assert open_between(date(2026, 12, 6), date(2026, 12, 6), night) == (slot(SATURDAY, 20, 26),)


def test_a_night_ends_at_midnight_where_the_next_day_is_closed() -> None:
    sunday = ClosingDay(date(2026, 12, 6), date(2026, 12, 6), "Advent")
    night = dataclasses.replace(hours_on(SATURDAY, (20, 26)), closings=(sunday,))
    assert open_stretches(SATURDAY, night) == (slot(SATURDAY, 20, 24),)


def test_overlapping_hours_are_one_stretch_and_touching_ones_are_two() -> None:
    assert open_stretches(SATURDAY, hours_on(SATURDAY, (10, 14), (8, 11))) == (slot(SATURDAY, 8, 14),)
    assert open_stretches(SATURDAY, hours_on(SATURDAY, (11, 14), (8, 11))) == (
        slot(SATURDAY, 8, 11),
        slot(SATURDAY, 11, 14),
    )


@pytest.mark.parametrize(
    ("day", "is_open"),
    [(date(2026, 10, 31), False), (date(2026, 11, 1), True), (date(2027, 3, 31), True), (date(2027, 4, 1), False)],
)
def test_a_season_has_both_its_days(day: date, *, is_open: bool) -> None:
    assert bool(open_stretches(day, hours_on(day, (8, 22), season_id=1))) is is_open
    assert in_season(day, (WINTER,)) is is_open


def test_a_house_without_seasons_is_always_in_season_and_never_in_one_that_is_gone() -> None:
    assert in_season(FRIDAY, ())
    assert not in_season(FRIDAY, (WINTER,), season_id=9)


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        (CALENDAR, None),
        (
            dataclasses.replace(CALENDAR, closings=(ClosingDay(FRIDAY, date(2026, 12, 26), "Flood"),)),
            Closed(ClosedBecause.CLOSING_DAY, "Flood"),
        ),
        (
            dataclasses.replace(CALENDAR, closings=(ClosingDay(FRIDAY, date(2026, 12, 26), "x", closes_rooms=False),)),
            None,
        ),
        (dataclasses.replace(CALENDAR, public_holidays=CHRISTMAS), None),
        (
            dataclasses.replace(CALENDAR, public_holidays=CHRISTMAS, holidays_close_rooms=True),
            Closed(ClosedBecause.PUBLIC_HOLIDAY),
        ),
        (RoomCalendar(BERLIN, (Hours(4, time(8), time(22), season_id=2),)), Closed(ClosedBecause.OUT_OF_SEASON)),
        (RoomCalendar(BERLIN, (Hours(3, time(8), time(22)),)), Closed(ClosedBecause.NO_HOURS)),
    ],
    ids=["open", "closing day", "office only", "holiday open", "holiday closed", "season", "weekday"],
)
def test_a_closed_day_says_why_and_has_no_stretches(calendar: RoomCalendar, expected: Closed | None) -> None:
    christmas = date(2026, 12, 25)  # a Friday
    assert why_closed(christmas, calendar) == expected
    assert bool(open_stretches(christmas, calendar)) is (expected is None)


def test_a_span_of_days_is_in_order_with_each_days_own_start() -> None:
    found = open_between(date(2026, 3, 28), date(2026, 3, 30), CALENDAR)
    assert [stretch.start for stretch in found] == [utc(2026, 3, 28, 7), utc(2026, 3, 29, 6), utc(2026, 3, 30, 6)]
    assert at(date(2026, 3, 29), 8) == found[1].start


def test_a_stretch_that_ends_at_midnight_does_not_touch_the_next_day() -> None:
    assert open_between(date(2026, 12, 6), date(2026, 12, 6), hours_on(SATURDAY, (20, 24))) == ()
