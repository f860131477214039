"""The events of a series up to a horizon, and what is new when it moves on."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.timetable import (
    DaysOff,
    MinimumVerdict,
    PlannedEvent,
    Skipped,
    SkippedBecause,
    extension,
    minimum_verdict,
    planned,
    planned_slot,
)
from booking.values.clock import instant_of, is_in_gap
from booking.values.house import ClosingDay
from booking.values.recurrence import Frequency, Rule
from booking.values.slot import Slot
from booking.values.timetable import SeriesPlan
from tests.booking.rules.classes import BERLIN, DAY, HOUR, MINUTE, MONDAY, NOW, SECOND, START, event

ZONES = ["Europe/Berlin", "Europe/Moscow", "America/New_York", "Australia/Lord_Howe"]
WEEKLY = SeriesPlan(MONDAY, time(18), HOUR, Rule(), BERLIN)
OFF = DaysOff(
    {date(2026, 12, 25): "Christmas Day", date(2026, 12, 28): "A holiday", date(2027, 1, 1): "New Year"},
    (ClosingDay(date(2026, 12, 28), date(2027, 1, 3), "Between the years"),),
)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def days(events: tuple[PlannedEvent, ...]) -> list[date]:
    return [one.original for one in events]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("wall", [time(0, 15), time(2, 15), time(6), time(18), time(23, 30)])
def test_the_wall_time_keeps_through_a_year_with_both_changes_of_clocks(zone: str, wall: time) -> None:
    there = ZoneInfo(zone)
    plan = SeriesPlan(date(2026, 1, 1), wall, 90 * MINUTE, Rule(Frequency.DAILY), there)
    found = planned(plan, date(2026, 12, 31)).events
    assert len(found) == 365
    for one in found:
        start = one.slot.start.astimezone(there)
        assert one.slot.duration == 90 * MINUTE
        if not is_in_gap(one.original, wall, there):
            assert (start.date(), start.time()) == (one.original, wall)
    offsets = {one.slot.start.astimezone(there).utcoffset() for one in found}
    assert len(offsets) == (1 if zone == "Europe/Moscow" else 2)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "start"),
    [
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # 03:30, the gap
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first
        ("America/New_York", date(2026, 3, 8), time(2, 30), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 1), time(1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),  # 02:45
        ("Australia/Lord_Howe", date(2026, 4, 5), time(1, 45), datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
        ("Europe/Moscow", date(2026, 3, 29), time(2, 30), datetime(2026, 3, 28, 23, 30, tzinfo=UTC)),
    ],
)
def test_a_wall_time_that_a_change_skips_or_repeats_has_one_instant(
    zone: str, day: date, wall: time, start: datetime
) -> None:
    plan = SeriesPlan(day, wall, HOUR, Rule(), ZoneInfo(zone))
    assert planned_slot(plan, day) == Slot(start, start + HOUR)


def test_the_length_is_elapsed_time_where_the_clocks_change_within() -> None:
    plan = SeriesPlan(date(2026, 10, 24), time(23), 6 * HOUR, Rule(), BERLIN)
    assert planned_slot(plan, plan.first).end.astimezone(BERLIN).time() == time(4)


@pytest.mark.parametrize("first", [date(2028, 1, 31), date(2027, 1, 31)])
def test_months_of_any_length_and_leap_days_are_days_like_others(first: date) -> None:
    plan = replace(WEEKLY, first=first, rule=Rule(Frequency.DAILY))
    found = days(planned(plan, first + 60 * DAY).events)
    assert found == [first + number * DAY for number in range(61)]
    assert (date(2028, 2, 29) in found) is (first.year == 2028)


def test_the_horizon_s_day_is_included_and_so_is_the_last_of_the_rule() -> None:
    assert days(planned(WEEKLY, MONDAY + 7 * DAY).events) == [MONDAY, MONDAY + 7 * DAY]
    assert days(planned(WEEKLY, MONDAY + 6 * DAY).events) == [MONDAY]
    assert planned(WEEKLY, MONDAY - DAY).events == ()
    ends = replace(WEEKLY, rule=Rule(until=MONDAY + 14 * DAY))
    assert days(planned(ends, MONDAY + 70 * DAY).events) == [MONDAY + number * 7 * DAY for number in range(3)]


def test_days_off_are_skipped_and_it_is_said_why() -> None:
    found = planned(replace(WEEKLY, rule=Rule(weekdays=frozenset({0, 4}))), date(2027, 1, 8), OFF)
    assert days(found.events) == [date(2026, 12, 7 + offset) for offset in (0, 4, 7, 11, 14)] + [
        date(2027, 1, 4),
        date(2027, 1, 8),
    ]
    assert found.skipped == (
        Skipped(date(2026, 12, 25), SkippedBecause.PUBLIC_HOLIDAY, "Christmas Day"),
        Skipped(date(2026, 12, 28), SkippedBecause.CLOSING_DAY, "Between the years"),
        Skipped(date(2027, 1, 1), SkippedBecause.CLOSING_DAY, "Between the years"),
    )


def test_a_series_may_take_place_on_days_off_and_a_closed_office_closes_no_room() -> None:
    plan = replace(WEEKLY, skips_holidays=False)
    assert planned(plan, date(2026, 12, 28), OFF).skipped == ()
    office = DaysOff(closings=(ClosingDay(MONDAY, MONDAY, "Office party", closes_rooms=False),))
    assert days(planned(WEEKLY, MONDAY, office).events) == [MONDAY]


def test_a_skipped_day_counts_where_the_rule_ends_after_a_number() -> None:
    found = planned(replace(WEEKLY, rule=Rule(count=5)), date(2027, 6, 1), OFF)
    assert (len(found.events), len(found.skipped)) == (4, 1)


def test_what_exists_or_was_removed_by_hand_is_not_created_again() -> None:
    existing, removed = {MONDAY}, {MONDAY + 7 * DAY}
    found = extension(BEFORE, WEEKLY, date(2027, 1, 4), existing, removed, OFF)
    assert days(found.create) == [date(2026, 12, 21), date(2027, 1, 4)]
    assert [one.day for one in found.skipped] == [date(2026, 12, 28)]
    then = planned_slot(WEEKLY, date(2026, 12, 28)).start
    assert extension(then, WEEKLY, date(2027, 1, 4), existing, removed, OFF).skipped == ()
    assert len(extension(then - SECOND, WEEKLY, date(2027, 1, 4), existing, removed, OFF).skipped) == 1


@pytest.mark.parametrize(("now", "created"), [(START - SECOND, [MONDAY]), (START, []), (START + SECOND, [])])
def test_only_what_is_still_to_begin_is_created(now: datetime, created: list[date]) -> None:
    assert days(extension(now, WEEKLY, MONDAY, ()).create) == created


def test_a_closing_taken_back_gives_its_days_to_the_next_run() -> None:
    horizon = date(2026, 12, 28)
    before = set(days(extension(BEFORE, WEEKLY, horizon, (), (), OFF).create))
    assert days(extension(BEFORE, WEEKLY, horizon, before).create) == [horizon]


WEEKDAYS = st.frozensets(st.integers(0, 6), max_size=4)
RULES = st.builds(Rule, interval=st.integers(1, 3), weekdays=WEEKDAYS, count=st.none() | st.integers(1, 30))
DATES = st.dates(date(2026, 11, 1), date(2027, 12, 1))


@pytest.mark.rule("F23")
@given(
    rule=RULES,
    wall=st.times(),
    zone=st.sampled_from(ZONES),
    moves=st.lists(DATES, min_size=1, max_size=4),
    removed=st.frozensets(DATES, max_size=20),
)
def test_moving_the_horizon_in_any_steps_makes_the_same_events_once_and_twice_nothing(
    rule: Rule, wall: time, zone: str, moves: list[date], removed: frozenset[date]
) -> None:
    plan = SeriesPlan(MONDAY, wall, HOUR, rule, ZoneInfo(zone))
    made: dict[date, Slot] = {}
    for horizon in moves:
        for one in extension(BEFORE, plan, horizon, made, removed, OFF).create:
            assert one.original not in made
            made[one.original] = one.slot
        assert extension(BEFORE, plan, horizon, made, removed, OFF).create == ()
    at_once = extension(BEFORE, plan, max(moves), (), removed, OFF).create
    assert made == {one.original: one.slot for one in at_once}
    assert all(day not in removed for day in made)
    assert all(slot.start == instant_of(day, wall, plan.zone) for day, slot in made.items())


@pytest.mark.parametrize(
    ("now", "booked", "terms", "verdict"),
    [
        (START - DAY - SECOND, 0, {"minimum": 3}, MinimumVerdict.LATER),
        (START - DAY, 2, {"minimum": 3}, MinimumVerdict.CANCEL),
        (START - DAY, 3, {"minimum": 3}, MinimumVerdict.CONFIRM),
        (START - SECOND, 2, {"minimum": 3}, MinimumVerdict.CANCEL),
        (START, 2, {"minimum": 3}, MinimumVerdict.NOTHING),
        (START - DAY, 0, {"minimum": 0}, MinimumVerdict.NOTHING),
        (START - DAY, 0, {"minimum": 1, "decide_before": timedelta(0)}, MinimumVerdict.LATER),
    ],
)
def test_an_event_with_a_minimum_is_decided_from_its_exact_instant_until_the_start(
    now: datetime, booked: int, terms: Any, verdict: MinimumVerdict
) -> None:
    assert minimum_verdict(now, event(**terms), booked) is verdict


def test_what_is_decided_stays_decided() -> None:
    late = START - HOUR
    assert minimum_verdict(late, event(minimum=3), 1, is_confirmed=True) is MinimumVerdict.NOTHING
    assert minimum_verdict(late, event(minimum=3, cancelled_at=NOW), 1) is MinimumVerdict.NOTHING
