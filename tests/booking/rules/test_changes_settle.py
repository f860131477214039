"""Applying a change of a series leaves nothing for the nightly run to create, and no day twice (SPEC F23)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.timetable import DaysOff, extension
from booking.rules.timetable_changes import change_series
from booking.values.changes import Change, ChangePlan, Reach, Series
from booking.values.recurrence import Rule
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent, EventTerms, SeriesPlan
from tests.booking.rules.classes import BERLIN, DAY, HOUR, MONDAY

BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
HORIZON = MONDAY + 60 * DAY
OFF = DaysOff({date(2026, 12, 25): "Christmas Day", date(2027, 1, 1): "New Year"})
WEEKDAYS = st.frozensets(st.integers(0, 6), min_size=1, max_size=3)
RULES = st.builds(Rule, interval=st.integers(1, 2), weekdays=WEEKDAYS, count=st.none() | st.integers(2, 20))
CHANGES = st.one_of(
    st.builds(Change, wall=st.sampled_from([time(7), time(23, 30)])),
    st.builds(Change, shift_days=st.integers(-9, 9).filter(bool)),
    st.builds(Change, rule=RULES),
    st.builds(Change, room_id=st.just(4), terms=st.just({"capacity": 3})),
)


def made(series: Series, removed: set[date]) -> list[CourseEvent]:
    found = extension(BEFORE, series.plan, HORIZON, (), removed, OFF).create
    return [
        CourseEvent(number, 3, 1, 2, one.slot, BERLIN, series.terms, 1, one.original, trainer_ids=(5,))
        for number, one in enumerate(found)
    ]


@pytest.mark.rule("F23")
@given(
    rule=RULES,
    wish=CHANGES,
    reach=st.sampled_from([Reach.LATER, Reach.ALL]),
    number=st.integers(0, 30),
    days_in=st.integers(-5, 30),
    removed=st.sets(st.integers(0, 40), max_size=6),
    moved=st.integers(0, 30),
)
def test_a_change_that_is_applied_leaves_nothing_to_create_and_can_be_made_again_for_nothing(
    rule: Rule, wish: Change, reach: Reach, number: int, days_in: int, removed: set[int], moved: int
) -> None:
    plan = SeriesPlan(MONDAY, time(18), HOUR, rule, BERLIN)
    series = Series(1, plan, 2, (5,), "Yoga", EventTerms(capacity=10))
    gone = {MONDAY + day * DAY for day in removed}
    events = made(series, gone)
    if not events:
        return
    one = events[moved % len(events)]
    events[moved % len(events)] = replace(one, slot=Slot(one.slot.start + 2 * HOUR, one.slot.end + 2 * HOUR))
    now = events[0].slot.start + days_in * DAY
    verdict = change_series(
        now,
        series,
        events,
        reach,
        events[number % len(events)],
        wish,
        horizon=HORIZON,
        booked={},
        removed=gone,
        days_off=OFF,
    )
    if isinstance(verdict, ChangePlan) and verdict.goes_on:
        homes = {home.event_id: home.original for home in verdict.homes}
        stays = {event.original for event in events if event.event_id not in homes and event.original}
        known = (set(homes.values()) if homes or verdict.ends else stays) | {day for day, _ in verdict.created}
        again = extension(now, verdict.goes_on.plan, HORIZON, known, set(verdict.removed), OFF)
        assert again.create == ()
        assert len(homes) == len(set(homes.values()))
        if verdict.ends:
            assert extension(now, verdict.ends.plan, HORIZON, stays, gone, OFF).create == ()
            ended = {event.event_id for event in events if event.event_id not in homes}
            last = verdict.ends.plan.rule.until
            assert last is not None
            assert all(event.original <= last for event in events if event.event_id in ended and event.original)
