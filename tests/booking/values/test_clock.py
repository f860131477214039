"""Instants, wall times and days across the clock's changes."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.clock import (
    day_bounds,
    days_between,
    instant_of,
    is_in_gap,
    local_day,
    local_time,
    require_utc,
)

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def test_an_instant_needs_a_zone_and_is_kept_in_utc() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        require_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive one is the point
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    assert require_utc(east).tzinfo is UTC
    assert require_utc(east) == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "wall", "expected", "gap"),
    [
        (SPRING, time(1, 59), datetime(2026, 3, 29, 0, 59, tzinfo=UTC), False),
        (SPRING, time(2), datetime(2026, 3, 29, 1, tzinfo=UTC), True),
        (SPRING, time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), True),
        (SPRING, time(3), datetime(2026, 3, 29, 1, tzinfo=UTC), False),
        (AUTUMN, time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), False),
        (AUTUMN, time(2, 30, fold=1), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), False),
        (AUTUMN, time(3), datetime(2026, 10, 25, 2, tzinfo=UTC), False),
    ],
)
def test_a_skipped_wall_time_moves_on_and_a_repeated_one_is_the_first(
    day: date, wall: time, expected: datetime, *, gap: bool
) -> None:
    assert instant_of(day, wall, BERLIN) == expected
    assert is_in_gap(day, wall, BERLIN) is gap


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (date(2026, 12, 5), 24), (AUTUMN, 25)])
def test_a_local_day_has_23_to_25_hours(day: date, hours: int) -> None:
    start, end = day_bounds(day, BERLIN)
    assert end - start == timedelta(hours=hours)
    assert local_day(start, BERLIN) == day
    assert local_day(end - timedelta(microseconds=1), BERLIN) == day
    assert local_day(end, BERLIN) != day


@given(st.dates(date(2000, 1, 1), date(2050, 1, 1)), st.times())
def test_a_wall_time_that_exists_comes_back(day: date, wall: time) -> None:
    instant = instant_of(day, wall, BERLIN)
    if not is_in_gap(day, wall, BERLIN):
        assert (local_day(instant, BERLIN), local_time(instant, BERLIN).replace(fold=0)) == (day, wall.replace(fold=0))


def test_days_between_has_both_ends_and_may_be_empty() -> None:
    assert list(days_between(date(2026, 2, 28), date(2026, 3, 1))) == [date(2026, 2, 28), date(2026, 3, 1)]
    assert list(days_between(SPRING, SPRING)) == [SPRING]
    assert list(days_between(AUTUMN, SPRING)) == []
