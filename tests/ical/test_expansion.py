# ruff: noqa: DTZ001 - wall times are what this is about
"""Occurrences: the same as dateutil's for every rule, right at clock changes, and never more work than allowed."""

import time as clock
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule as dateutil
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from booking.values.slot import Slot
from ical.expansion import Caps, Expansion, expand
from ical.item import Details, Item, Moment, Recurrence
from ical.rules import DAYS, FREQUENCIES, BadRule, Rule, rule_of
from ical.stepping import Span, TooMuch, walls
from tests.fixtures.soak import scale

BERLIN = "Europe/Berlin"


def moment(wall: datetime, zone: str = BERLIN) -> Moment:
    info = ZoneInfo(zone or BERLIN)
    return Moment(wall, zone, wall.replace(tzinfo=info).astimezone(UTC))


def series(rule: str, start: datetime, length: timedelta = timedelta(hours=2), zone: str = BERLIN, **more: Any) -> Item:
    details = Details(moment(start, zone), moment(start + length, zone))
    return Item("u@example.org", details, Recurrence(rule, **more))


def window(first: datetime, last: datetime) -> Slot:
    return Slot(first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))


def local(found: Expansion, zone: str = BERLIN) -> list[str]:
    return [f"{one.start.astimezone(ZoneInfo(zone)):%m-%d %H:%M}" for one in found.occurrences]


# The oracle

NUMBERS = {
    "BYMONTHDAY": st.integers(-31, 31).filter(bool),
    "BYYEARDAY": st.integers(-366, 366).filter(bool),
    "BYWEEKNO": st.integers(-53, 53).filter(bool),
    "BYMONTH": st.integers(1, 12),
    "BYHOUR": st.integers(0, 23),
    "BYSETPOS": st.integers(-40, 40).filter(bool),
}


@st.composite
def rules(draw: Callable[..., Any]) -> str:
    frequency = draw(st.sampled_from(FREQUENCIES))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.sampled_from([1, 1, 2, 3, 5, 13]))}"]
    names = draw(st.lists(st.sampled_from(sorted(NUMBERS)), max_size=3, unique=True))
    for name in names:
        if name != "BYWEEKNO" or frequency == "YEARLY":
            values = draw(st.lists(NUMBERS[name], min_size=1, max_size=4, unique=True))
            parts.append(f"{name}={','.join(map(str, values))}")
    if draw(st.booleans()):
        ordinals = st.sampled_from(["", "", "1", "2", "-1", "5"]) if frequency in {"YEARLY", "MONTHLY"} else st.just("")
        days = draw(st.lists(st.tuples(ordinals, st.sampled_from(DAYS)), min_size=1, max_size=3, unique=True))
        parts.append("BYDAY=" + ",".join(f"{nth}{day}" for nth, day in days))
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 60))}")
    if draw(st.booleans()):
        parts.append(f"WKST={draw(st.sampled_from(DAYS))}")
    return ";".join(parts)


@st.composite
def simple_rules(draw: Callable[..., Any]) -> str:
    intervals = st.integers(1, 15).filter(
        lambda days: days % 7
    )  # with a weekday it would never come true, for dateutil
    parts = [f"FREQ={draw(st.sampled_from(['DAILY', 'WEEKLY']))}", f"INTERVAL={draw(intervals)}"]
    days = draw(st.lists(st.sampled_from(DAYS), max_size=7, unique=True))
    parts += [f"BYDAY={','.join(days)}"] if days else []
    parts += [f"COUNT={draw(st.integers(1, 2000))}"] if draw(st.booleans()) else []
    return ";".join([*parts, f"WKST={draw(st.sampled_from(DAYS))}"])


def by_dateutil(rule: Rule, start: datetime, until: datetime | None, low: datetime, high: datetime) -> list[datetime]:
    """Stopped at *high* by hand: dateutil itself never stops for a rule that does not come true, hence the decoy."""
    parts: dict[str, Any] = {name.lower(): values for name, values in rule.by.items()}
    if rule.days:
        parts["byweekday"] = [dateutil.weekday(day, nth or None) for nth, day in rule.days]
    end = high if until is None else min(until, high)
    try:
        found = dateutil.rrule(
            FREQUENCIES.index(rule.frequency),
            dtstart=start,
            interval=rule.interval,
            until=end,
            wkst=rule.week_start,
            **parts,
        )
    except ValueError:
        return []
    kept = []
    for number, at in enumerate(found, 1):
        if rule.count is not None and number > rule.count:
            break
        if low <= at < high:
            kept.append(at)
    return kept


STARTS = st.datetimes(datetime(2015, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0))


def compare(text: str, start: datetime, low: datetime, until: datetime | None) -> None:
    try:
        rule = rule_of(text)
    except BadRule:
        return
    high = low + timedelta(days=30 if rule.frequency == "HOURLY" else 300)
    expected = by_dateutil(rule, start, until, low, high)
    found = walls(rule, start, until, Span(low, high, 10_000))
    assert [at.replace(tzinfo=None) for at in found] == expected, text


@seed(20260603)
@settings(max_examples=scale(3_000), deadline=None, database=None)
@given(simple_rules(), STARTS, st.integers(-400, 1_500), st.none() | STARTS)
def test_simple_rules_give_what_dateutil_gives(text: str, start: datetime, later: int, until: datetime | None) -> None:
    compare(text, start, start + timedelta(days=later), until)


@pytest.mark.soak
@seed(20260604)
@settings(max_examples=scale(1_000), deadline=None, database=None)
@given(rules(), STARTS, st.integers(-400, 700), st.none() | st.integers(0, 900))
def test_all_rules_give_what_dateutil_gives(text: str, start: datetime, later: int, lasts: int | None) -> None:
    if not comes_true(text, start):
        return
    later = later // 20 if "HOURLY" in text else later
    until = None if lasts is None else start + timedelta(days=lasts)
    compare(text, start, start + timedelta(days=later), until)


def comes_true(text: str, start: datetime) -> bool:
    """By our own reckoning, since dateutil would look for it until the year 9999."""
    try:
        rule = replace(rule_of(text), count=None)
        low = start + timedelta(days=1_100)
        return bool(walls(rule, start, None, Span(low, low + timedelta(days=1_500), 20_000)))
    except TooMuch:
        return False


# Clock changes

SPRING, AUTUMN = datetime(2026, 3, 29), datetime(2026, 10, 25)


def test_an_occurrence_in_the_hour_that_does_not_exist_is_kept_an_hour_later() -> None:
    item = series("FREQ=DAILY", datetime(2026, 3, 27, 2, 30), timedelta(minutes=45))
    found = expand(item, window(SPRING - timedelta(days=1), SPRING + timedelta(days=2)), BERLIN)
    assert local(found) == ["03-28 02:30", "03-29 03:30", "03-30 02:30"]
    assert {one.end - one.start for one in found.occurrences} == {timedelta(minutes=45)}


def test_an_occurrence_in_the_hour_that_comes_twice_is_its_first_run() -> None:
    item = series("FREQ=DAILY", datetime(2026, 10, 23, 2, 30), timedelta(minutes=15))
    found = expand(item, window(AUTUMN - timedelta(days=1), AUTUMN + timedelta(days=1)), BERLIN)
    assert [one.start for one in found.occurrences][1] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("change", [SPRING, AUTUMN])
def test_a_night_ends_at_the_same_wall_time_on_every_date(change: datetime) -> None:
    item = series("FREQ=DAILY", datetime(2026, 1, 1, 22), timedelta(hours=8))
    found = expand(item, window(change - timedelta(days=2), change + timedelta(days=2)), BERLIN)
    assert {f"{one.end.astimezone(ZoneInfo(BERLIN)):%H:%M}" for one in found.occurrences} == {"06:00"}
    assert {one.end - one.start for one in found.occurrences} > {timedelta(hours=8)}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
def test_a_series_keeps_its_wall_time_through_two_years_in_every_zone(zone: str) -> None:
    item = series("FREQ=WEEKLY;BYDAY=MO,SU", datetime(2025, 1, 6, 19), zone=zone)
    found = expand(item, window(datetime(2026, 1, 1), datetime(2028, 1, 1)), zone)
    assert len(found.occurrences) == 208
    assert {f"{one.start.astimezone(ZoneInfo(zone)):%H:%M}" for one in found.occurrences} == {"19:00"}


def test_whole_days_begin_at_the_calendars_midnight_on_both_sides_of_a_change() -> None:
    item = series("FREQ=DAILY", datetime(2026, 3, 28), timedelta(days=1), zone="")
    found = expand(item, window(SPRING - timedelta(days=1), SPRING + timedelta(days=1, hours=22)), BERLIN).occurrences
    assert [(one.end - one.start) // timedelta(hours=1) for one in found] == [24, 23, 24]
    assert [one.key for one in found] == ["20260328", "20260329", "20260330"]


# Exceptions, and what is in a window


@pytest.mark.rule("C7")
def test_left_out_added_and_changed_dates_are_applied_each_at_its_own_place() -> None:
    start = datetime(2026, 6, 1, 18)
    days = [start + timedelta(days=7 * number) for number in range(6)]
    item = series("FREQ=WEEKLY", start, left_out=(moment(days[1]),), added=(moment(datetime(2026, 6, 18, 10)),))
    moved = Details(moment(datetime(2026, 6, 16, 9)), moment(datetime(2026, 6, 16, 11)), "moved")
    item = replace(item, overrides={moment(days[2]).key: moved})
    found = expand(item, window(datetime(2026, 6, 1), datetime(2026, 7, 1)), BERLIN)
    assert local(found) == ["06-01 18:00", "06-16 09:00", "06-18 10:00", "06-22 18:00", "06-29 18:00"]
    assert [one.details.summary for one in found.occurrences] == ["", "moved", "", "", ""]
    assert found.occurrences[1].key == moment(days[2]).key


def test_an_override_moved_into_the_window_is_there_and_one_moved_out_is_not() -> None:
    item = series("FREQ=WEEKLY", datetime(2026, 6, 1, 18))
    into = Details(moment(datetime(2026, 6, 10, 9)), moment(datetime(2026, 6, 10, 10)))
    out = Details(moment(datetime(2026, 9, 1, 9)), moment(datetime(2026, 9, 1, 10)))
    keys = [moment(datetime(2026, 7, 6, 18)).key, moment(datetime(2026, 6, 8, 18)).key]
    item = replace(item, overrides=dict(zip(keys, [into, out], strict=True)))
    assert local(expand(item, window(datetime(2026, 6, 7), datetime(2026, 6, 14)), BERLIN)) == ["06-10 09:00"]


def test_overrides_without_a_master_take_place() -> None:
    at = moment(datetime(2026, 6, 10, 9))
    item = Item("u", None, overrides={at.key: Details(at, moment(datetime(2026, 6, 10, 10)))})
    assert local(expand(item, window(datetime(2026, 6, 1), datetime(2026, 7, 1)), BERLIN)) == ["06-10 09:00"]


def test_the_window_is_half_open_and_what_has_begun_before_it_counts() -> None:
    item = series("FREQ=DAILY;COUNT=3", datetime(2026, 6, 1, 23), timedelta(hours=2))
    assert len(expand(item, Slot(*instants(2, 1, 2, 2)), BERLIN).occurrences) == 0  # ends at 01:00
    assert len(expand(item, Slot(*instants(2, 0, 2, 2)), BERLIN).occurrences) == 1
    assert len(expand(item, Slot(*instants(2, 20, 2, 23)), BERLIN).occurrences) == 0  # begins at 23:00


def instants(day: int, hour: int, other: int, until: int) -> tuple[datetime, datetime]:
    return moment(datetime(2026, 6, day, hour)).instant, moment(datetime(2026, 6, other, until)).instant


def test_the_start_takes_place_even_where_the_rule_does_not_name_it() -> None:
    item = series("FREQ=WEEKLY;BYDAY=TU;COUNT=1", datetime(2026, 6, 1, 18))
    assert local(expand(item, window(datetime(2026, 6, 1), datetime(2026, 7, 1)), BERLIN)) == [
        "06-01 18:00",
        "06-02 18:00",
    ]


# Limits


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    ("rule", "refusal"),
    [
        ("FREQ=HOURLY", "series-too-many"),
        ("FREQ=HOURLY;COUNT=100000", "series-too-much-work"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "series-too-much-work"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", None),
        ("FREQ=SECONDLY", "series-bad-rule"),
        ("FREQ=DAILY;UNTIL=soon", "series-bad-rule"),
    ],
)
def test_what_is_too_much_is_refused_within_a_second_and_its_start_is_kept(rule: str, refusal: str | None) -> None:
    began = clock.process_time()
    item = series(rule, datetime(1900, 1, 1, 18) if "COUNT" in rule else datetime(2026, 6, 1, 18))
    found = expand(item, window(datetime(2026, 1, 1), datetime(2027, 12, 31)), BERLIN)
    assert (found.refusal.codes if found.refusal else None) == ((refusal,) if refusal else None)
    assert len(found.occurrences) == (0 if "COUNT" in rule else 1)
    assert clock.process_time() - began < 1


@pytest.mark.rule("C12")
def test_no_more_occurrences_than_allowed_come_back_and_the_rest_is_not_silently_missing() -> None:
    item = series("FREQ=DAILY", datetime(2026, 1, 1, 18))
    found = expand(item, window(datetime(2026, 1, 1), datetime(2026, 12, 31)), BERLIN, Caps(results=100))
    assert found.refusal is not None
    with pytest.raises(ValueError, match="window"):
        expand(item, window(datetime(2026, 1, 1), datetime(2029, 1, 1)), BERLIN)


def test_a_series_of_centuries_costs_no_more_than_its_window() -> None:
    began = clock.process_time()
    item = series("FREQ=DAILY;INTERVAL=3", datetime(1000, 1, 1, 18), zone="UTC")
    found = expand(item, window(datetime(2026, 1, 1), datetime(2027, 1, 1)), BERLIN)
    assert len(found.occurrences) in {121, 122}
    assert clock.process_time() - began < 0.05
