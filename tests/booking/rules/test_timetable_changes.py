"""One event, it and later ones, or all: what changes, what is passed by, who is told (SPEC V5, V18, V22)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking.rules.timetable import DaysOff, planned
from booking.rules.timetable_changes import change_event
from booking.values.changes import Affected, Change, ChangePlan, Home, PassedBy, Reach
from booking.values.clock import local_time
from booking.values.recurrence import Frequency, Rule
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent
from tests.booking.rules.changing import (
    ALL,
    BOOKED,
    EVENTS,
    HORIZON,
    LATER,
    SERIES,
    TERMS,
    THIS,
    WEEK,
    change,
    codes,
    done,
    events_of,
    ids,
    series,
    starts,
)
from tests.booking.rules.classes import DAY, HOUR, MINUTE, MONDAY, NOW, SECOND, START


def test_this_event_alone_changes_and_has_its_own_terms_from_then_on() -> None:
    wish = Change(wall=time(19, 30), length=2 * HOUR, room_id=4, terms={"capacity": 1})
    plan = done(wish, THIS, 0)
    (one,) = plan.changed
    assert one.after.slot == Slot(START + 90 * MINUTE, START + 210 * MINUTE)
    assert (one.after.room_id, one.after.terms.capacity, one.after.trainer_ids) == (4, 1, (5,))
    assert one.parts == ("capacity", "room", "time")
    assert one.after.own_terms == {"capacity", "room", "time"}
    assert (plan.ends, plan.goes_on, plan.over_full) == (None, None, (0,))
    assert plan.affected == (Affected(0, ("room", "time"), one.before.slot, one.after.slot, (100, 101)),)


def test_this_event_moves_to_another_day_at_its_wall_time() -> None:
    plan = done(Change(shift_days=2), THIS, 1)
    assert starts(plan) == ["Wed 16 18:00"]
    assert plan.changed[0].after.original == MONDAY + WEEK


def test_a_new_length_leaves_the_start_where_it_is_in_the_second_of_two_equal_hours_too() -> None:
    start = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)  # 02:30 in Berlin for the second time
    single = replace(EVENTS[0], slot=Slot(start, start + HOUR), series_id=None, original=None)
    verdict = change_event(NOW, single, Change(length=2 * HOUR), {})
    assert isinstance(verdict, ChangePlan)
    assert [one.after.slot for one in verdict.changed] == [Slot(start, start + 2 * HOUR)]


def test_this_event_is_cancelled_and_who_is_booked_is_told() -> None:
    plan = done(Change(cancels=True), THIS, 2)
    assert plan.cancelled == (EVENTS[2],)
    assert plan.affected == (Affected(2, ("cancelled",), EVENTS[2].slot, None, (102,)),)
    assert (plan.is_over, plan.ends) == (False, None)


def test_a_single_event_changes_alone() -> None:
    single = replace(EVENTS[0], series_id=None, original=None)
    verdict = change_event(NOW, single, Change(title="Yin"), {})
    assert isinstance(verdict, ChangePlan)
    assert [one.title for one in verdict.changed] == ["Yin"]
    assert codes(Change(title="Yin"), LATER, 0, events=[single]) == ("no-series",)


@pytest.mark.parametrize(
    ("wish", "now", "cancelled_at", "expected"),
    [
        (Change(room_id=4), START - SECOND, None, ()),
        (Change(room_id=4), START, None, ("event-begun",)),
        (Change(room_id=4), NOW, NOW, ("event-cancelled",)),
        (Change(wall=time(17)), START - HOUR - SECOND, None, ()),
        (Change(wall=time(17)), START - HOUR, None, ("starts-in-past",)),
        (Change(room_id=2), NOW, None, ("change-nothing",)),
        (Change(rule=Rule(count=2)), NOW, None, ("rule-of-one",)),
    ],
)
def test_what_cannot_be_done_with_one_event(wish: Change, now: datetime, cancelled_at: Any, expected: Any) -> None:
    one = replace(EVENTS[0], cancelled_at=cancelled_at)
    assert codes(wish, THIS, 0, events=[one], now=now) == expected


def test_this_and_later_splits_the_series_on_the_day_of_the_event() -> None:
    plan = done(Change(wall=time(19), length=2 * HOUR, room_id=4), LATER, 2)
    cut = MONDAY + 2 * WEEK
    assert plan.ends == replace(SERIES, plan=replace(SERIES.plan, rule=Rule(until=cut - DAY)))
    new = replace(SERIES.plan, first=cut, wall=time(19), length=2 * HOUR)
    assert plan.goes_on == replace(SERIES, series_id=None, plan=new, room_id=4)
    assert ids(plan) == [2, 3, 4, 5]
    assert plan.homes == tuple(Home(number, MONDAY + number * WEEK) for number in (2, 3, 4, 5))
    assert (plan.created, plan.cancelled) == ((), ())
    assert [one.bookings for one in plan.affected] == [(102,), (103,)]


@pytest.mark.parametrize("first", [MONDAY, date(2026, 12, 5)])
def test_from_its_first_day_on_there_is_nothing_to_split(first: date) -> None:
    one = series(Rule(weekdays=frozenset({0})), first=first)
    plan = done(Change(wall=time(19)), LATER, 0, one)
    assert plan.ends is None
    assert plan.goes_on == replace(one, plan=replace(one.plan, wall=time(19)))
    assert (len(plan.changed), plan.homes) == (6, ())


def test_a_series_after_a_number_of_times_keeps_the_number() -> None:
    one = series(Rule(count=6))
    plan = done(Change(wall=time(19)), LATER, 2, one)
    assert plan.ends is not None
    assert plan.goes_on is not None
    assert len(planned(plan.ends.plan, date(2028, 1, 1)).events) == 2
    assert len(planned(plan.goes_on.plan, date(2028, 1, 1)).events) == 4


def test_all_changes_what_has_not_begun_and_the_series_in_place() -> None:
    plan = done(Change(title="Yin", trainer_ids=(6,)), ALL, 3, now=START)
    assert plan.ends is None
    assert plan.goes_on == replace(SERIES, title="Yin", trainer_ids=(6,))
    assert ids(plan) == [1, 2, 3, 4, 5]
    assert {(one.title, one.after.trainer_ids) for one in plan.changed} == {("Yin", (6,))}
    assert [one.event_id for one in plan.affected] == [2, 3]


@pytest.mark.parametrize(("now", "cut"), [(START - 2 * HOUR, None), (START, MONDAY + WEEK)])
def test_a_new_time_for_all_splits_a_series_that_has_begun(now: datetime, cut: date | None) -> None:
    plan = done(Change(wall=time(17)), ALL, 3, now=now)
    assert (plan.ends is None) is (cut is None)
    assert plan.goes_on is not None
    assert plan.goes_on.plan.first == (cut or MONDAY)
    assert len(plan.changed) == (6 if cut is None else 5)


def test_all_may_be_asked_for_at_an_event_that_has_begun() -> None:
    assert ids(done(Change(room_id=4), ALL, 0, now=START)) == [1, 2, 3, 4, 5]


def test_a_counted_series_that_changes_in_place_keeps_its_rule() -> None:
    plan = done(Change(wall=time(19)), LATER, 0, series(Rule(count=6)))
    assert plan.goes_on is not None
    assert plan.goes_on.plan.rule == Rule(count=6)


def test_from_a_day_beyond_a_counted_rule_one_event_goes_on() -> None:
    one = series(Rule(count=2))
    plan = done(Change(wall=time(19)), LATER, 5, one, EVENTS)
    assert plan.goes_on is not None
    assert plan.goes_on.plan.rule == Rule(count=1)


def test_another_day_in_place_gives_every_event_its_new_day() -> None:
    plan = done(Change(shift_days=1), ALL, 3, events=EVENTS[::-1])
    assert plan.ends is None
    assert plan.homes == tuple(Home(number, MONDAY + number * WEEK + DAY) for number in range(6))
    assert [one.event_id for one in plan.affected] == [0, 2, 3]


def test_days_that_do_not_move_are_not_asked_for_again() -> None:
    off = DaysOff({MONDAY + 3 * WEEK: "A new holiday"})
    plan = done(Change(wall=time(19)), events=[one for one in EVENTS if one.event_id != 4], at=2, days_off=off)
    assert (ids(plan), plan.created, plan.cancelled) == ([2, 3, 5], (), ())


def test_a_pattern_said_again_asks_for_its_days_anew() -> None:
    assert codes(Change(rule=Rule()), ALL) == ("change-nothing",)
    off = DaysOff({MONDAY + 3 * WEEK: "A new holiday"})
    gone = done(Change(rule=Rule()), ALL, days_off=off)
    assert ([one.event_id for one in gone.cancelled], gone.created) == ([3], ())
    lacking = done(Change(rule=Rule()), ALL, events=EVENTS[:-1])
    assert [day for day, _ in lacking.created] == [HORIZON]


def test_nothing_is_created_in_the_past() -> None:
    noon = START - 6 * HOUR
    wish = Change(rule=Rule(), wall=time(9))
    assert done(wish, ALL, 2, events=EVENTS[1:], now=noon).created == ()
    nine = noon - 3 * HOUR
    assert done(wish, ALL, 2, events=EVENTS[1:], now=nine).created == ()
    early = done(wish, ALL, 2, events=EVENTS[1:], now=nine - SECOND)
    assert [day for day, _ in early.created] == [MONDAY]


def test_nothing_is_created_beyond_the_horizon() -> None:
    plan = done(Change(rule=Rule(weekdays=frozenset({0, 3}))), horizon=MONDAY + 2 * WEEK + 3 * DAY)
    assert [day for day, _ in plan.created] == [MONDAY + 2 * WEEK + 3 * DAY]
    assert plan.cancelled == ()


def test_an_event_that_strayed_from_its_series_comes_back_to_it() -> None:
    astray = own(3, terms=replace(TERMS, capacity=12))
    assert ids(done(Change(terms={"capacity": 10}), ALL, events=astray)) == [3]


def test_a_series_changes_where_none_of_its_events_does() -> None:
    cancelled = [replace(one, cancelled_at=NOW) for one in EVENTS]
    plan = done(Change(wall=time(19)), events=cancelled)
    assert plan.changed == ()
    assert plan.goes_on is not None
    assert plan.goes_on.plan.wall == time(19)


def own(number: int, **more: Any) -> list[CourseEvent]:
    return [replace(one, **more) if one.event_id == number else one for one in EVENTS]


@pytest.mark.parametrize(
    ("more", "kept", "changed"),
    [
        ({"own_terms": frozenset({"capacity"})}, ("capacity",), ("free_until", "room", "time")),
        ({"own_terms": frozenset({"units"})}, (), ("capacity", "free_until", "room", "time")),
        ({"room_id": 9}, ("room",), ("capacity", "free_until", "time")),
        ({"trainer_ids": (8,)}, (), ("capacity", "free_until", "room", "time")),
        (
            {"slot": Slot(START + 3 * WEEK + DAY, START + 3 * WEEK + DAY + HOUR)},
            ("time",),
            ("capacity", "free_until", "room"),
        ),
        (
            {"own_terms": frozenset({"capacity", "free_until", "room", "time"})},
            ("capacity", "free_until", "room", "time"),
            (),
        ),
    ],
)
@pytest.mark.parametrize("reach", [LATER, ALL])
def test_what_an_event_has_of_its_own_is_passed_by_and_the_rest_changes(
    reach: Reach, more: Any, kept: Any, changed: Any
) -> None:
    wish = Change(wall=time(19), room_id=4, terms={"capacity": 12, "free_until": HOUR})
    plan = done(wish, reach, 2, events=own(3, **more))
    assert plan.passed_by == ((PassedBy(3, kept),) if kept else ())
    assert [one.parts for one in plan.changed if one.before.event_id == 3] == ([changed] if changed else [])
    assert all(
        one.parts == ("capacity", "free_until", "room", "time") for one in plan.changed if one.before.event_id != 3
    )


def test_a_cancelled_event_of_the_series_stays_so_and_goes_with_it() -> None:
    plan = done(Change(wall=time(19)), events=own(3, cancelled_at=NOW))
    assert ids(plan) == [2, 4, 5]
    assert Home(3, MONDAY + 3 * WEEK) in plan.homes


@pytest.mark.rule("V18")
@pytest.mark.parametrize(
    ("reach", "now", "gone", "last"),
    [
        (LATER, NOW, [2, 3, 4, 5], MONDAY + 2 * WEEK - DAY),
        (ALL, START, [1, 2, 3, 4, 5], MONDAY + WEEK - DAY),
        (ALL, NOW, [0, 1, 2, 3, 4, 5], None),
    ],
)
def test_cancelling_ends_the_series_and_tells_who_is_booked(
    reach: Reach, now: datetime, gone: list[int], last: date | None
) -> None:
    plan = done(Change(cancels=True), reach, now=now)
    assert [one.event_id for one in plan.cancelled] == gone
    assert (plan.is_over, plan.goes_on) == (last is None, None)
    assert (plan.ends.plan.rule.until if plan.ends else None) == last
    assert [one.event_id for one in plan.affected] == [number for number in BOOKED if number in gone]


def test_cancelling_all_takes_along_what_was_moved_from_an_earlier_day() -> None:
    moved = own(0, slot=Slot(START + 2 * DAY, START + 2 * DAY + HOUR))
    plan = done(Change(cancels=True), ALL, now=START + DAY, events=moved)
    assert [one.event_id for one in plan.cancelled] == [0, 1, 2, 3, 4, 5]
    other = done(Change(wall=time(19), room_id=4), ALL, now=START + DAY, events=moved)
    assert [one.parts for one in other.changed if one.before.event_id == 0] == [("room",)]
    assert Home(0, MONDAY) not in other.homes


@pytest.mark.parametrize("shift", [-3, 1, 3, 8])
def test_another_day_takes_each_event_and_its_bookings_along(shift: int) -> None:
    plan = done(Change(shift_days=shift))
    assert [one.after.slot.start - one.before.slot.start for one in plan.changed] == [shift * DAY] * 4
    assert plan.homes[0] == Home(2, MONDAY + 2 * WEEK + shift * DAY)
    assert (plan.cancelled, plan.created) == ((), ())


def test_where_days_move_holidays_cancel_and_what_was_one_is_created_but_not_what_was_removed() -> None:
    off = DaysOff({MONDAY + 3 * WEEK + 4 * DAY: "New Year", MONDAY + 4 * WEEK: "Epiphany"})
    known = [one for one in EVENTS if one.event_id not in {4, 5}]  # the 4th was a holiday, the 5th removed by hand
    plan = done(Change(shift_days=4), events=known, days_off=off, removed=[MONDAY + 5 * WEEK, MONDAY])
    assert ids(plan) == [2]
    assert [one.event_id for one in plan.cancelled] == [3]
    assert [day for day, _ in plan.created] == [MONDAY + 4 * WEEK + 4 * DAY]
    assert plan.removed == (MONDAY + 5 * WEEK + 4 * DAY,)
    assert [(one.event_id, one.told) for one in plan.affected] == [(2, ("time",)), (3, ("cancelled",))]


def test_another_pattern_keeps_the_days_it_names_cancels_the_others_and_creates_the_new() -> None:
    plan = done(Change(rule=Rule(interval=2, weekdays=frozenset({0, 3}))))
    assert [one.event_id for one in plan.cancelled] == [3, 5]
    assert plan.changed == ()
    assert [day for day, _ in plan.created] == [MONDAY + 2 * WEEK + 3 * DAY, MONDAY + 4 * WEEK + 3 * DAY]
    assert [home.event_id for home in plan.homes] == [2, 3, 4, 5]


def test_an_event_moved_by_hand_stays_where_the_new_pattern_has_no_day_for_it() -> None:
    moved = own(3, slot=Slot(START + 3 * WEEK + HOUR, START + 3 * WEEK + 2 * HOUR))
    plan = done(Change(rule=Rule(interval=2)), events=moved)
    assert [one.event_id for one in plan.cancelled] == [5]
    assert PassedBy(3, ("time",)) in plan.passed_by


@pytest.mark.parametrize(
    ("rule", "shift", "breaks"),
    [
        (Rule(interval=2, weekdays=frozenset({4, 6})), 2, True),
        (Rule(interval=2, weekdays=frozenset({0, 4})), 2, False),
        (Rule(interval=2, weekdays=frozenset({4, 6})), 3, False),
        (Rule(interval=2, weekdays=frozenset({0})), 9, False),
        (Rule(interval=1, weekdays=frozenset({4, 6})), 2, False),
        (Rule(Frequency.DAILY, interval=3), 1, False),
    ],
)
@pytest.mark.parametrize("until", [None, MONDAY + 10 * WEEK])
def test_a_shifted_pattern_names_exactly_the_shifted_days(
    rule: Rule, shift: int, breaks: bool, until: date | None
) -> None:
    one = series(replace(rule, until=until), first=MONDAY + 4 * DAY)
    verdict = change(Change(shift_days=shift), LATER, 0, one)
    if breaks:
        assert verdict == Refused((Reason("shift-breaks-pattern", "shift_days"),))
    else:
        assert isinstance(verdict, ChangePlan)
        assert verdict.goes_on is not None
        far = MONDAY + 15 * WEEK
        shifted = [event.original + shift * DAY for event in planned(one.plan, far).events]
        assert [event.original for event in planned(verdict.goes_on.plan, far + shift * DAY).events] == shifted


@pytest.mark.parametrize(
    ("wish", "now", "expected"),
    [
        (Change(wall=time(19)), EVENTS[2].slot.start - SECOND, ()),
        (Change(wall=time(19)), EVENTS[2].slot.start, ("event-begun",)),
        (Change(shift_days=-30), NOW, ("starts-in-past",) * 2),
        (Change(title="Yoga", terms={"capacity": 10}, room_id=2), NOW, ("change-nothing",)),
        (Change(rule=Rule(until=MONDAY)), NOW, ("never-occurs",)),
    ],
)
def test_what_cannot_be_done_with_a_series(wish: Change, now: datetime, expected: Any) -> None:
    assert codes(wish, now=now) == expected


def test_only_what_matters_to_participants_is_told() -> None:
    plan = done(Change(terms={"capacity": 1, "units": 2}), booked={2: (1, 2), 3: (3,)})
    assert plan.affected == ()
    assert plan.over_full == (2,)


@pytest.mark.parametrize(
    "wrong", [{}, {"cancels": True, "room_id": 4}, {"shift_days": 1, "rule": Rule()}, {"terms": {}}]
)
def test_a_change_that_is_none_or_two_is_an_error(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"a change|days are"):
        Change(**wrong)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Europe/Moscow", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("wish", [Change(wall=time(9)), Change(shift_days=1), Change(shift_days=-1)])
@pytest.mark.parametrize("reach", [LATER, ALL])
def test_wall_times_keep_when_a_change_reaches_over_both_changes_of_clocks(
    reach: Reach, wish: Change, zone: str
) -> None:
    one = series(first=date(2026, 1, 5), zone=ZoneInfo(zone))
    known = events_of(one, date(2026, 12, 31))
    early = datetime(2026, 1, 1, tzinfo=UTC)
    plan = done(wish, reach, 1, one, known, early, horizon=date(2026, 12, 31), booked={})
    assert {local_time(event.after.slot.start, one.plan.zone) for event in plan.changed} == {wish.wall or time(18)}
    assert {event.after.day - event.before.day for event in plan.changed} == {timedelta(days=wish.shift_days)}
    assert len(plan.changed) == len(known) - (reach is LATER)
