"""Marks, their corrections, and what they mean for the units (SPEC V20)."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.attendance import Marked, corrections_end, mark_place, settle, unit_hold
from booking.values.clock import instant_of
from booking.values.places import (
    ATTENDANCE_MOVES,
    MARKS,
    UNIT_STEPS,
    Attendance,
    AttendanceTerms,
    ClassActor,
    UnitHold,
    UnitStep,
)
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot
from tests.booking.rules.classes import BERLIN, DAY, END, HOUR, NOW, SECOND, START, event

CUSTOMER, TRAINER, STAFF, ADMIN = ClassActor
OPEN, ATTENDED, EXCUSED, NO_SHOW, SICK, MAKE_UP = Attendance
NONE, RESERVED, CONSUMED = UnitHold
NOTHING, RESERVE, CONSUME, GIVE_BACK = UnitStep
TERMS = AttendanceTerms()
UNTIL = datetime(2026, 12, 21, 23, tzinfo=UTC)  # the end of 21 December in Berlin


def mark(
    after: Attendance,
    before: Attendance = OPEN,
    hold: UnitHold = RESERVED,
    now: datetime = START,
    actor: ClassActor = TRAINER,
    **more: Any,
) -> Marked | Refused:
    return mark_place(now, more.pop("one", event()), before, after, hold, TERMS, actor, **more)


def codes(verdict: Marked | Refused) -> tuple[str, ...]:
    return verdict.codes if isinstance(verdict, Refused) else ()


def step(verdict: Marked | Refused) -> UnitStep:
    assert isinstance(verdict, Marked)
    return verdict.step


@pytest.mark.rule("V20")
@pytest.mark.parametrize(
    ("after", "expected"),
    [(ATTENDED, CONSUME), (NO_SHOW, CONSUME), (EXCUSED, GIVE_BACK), (SICK, GIVE_BACK), (MAKE_UP, GIVE_BACK)],
)
def test_the_first_mark_consumes_or_gives_back_what_was_reserved(after: Attendance, expected: UnitStep) -> None:
    assert step(mark(after)) is expected


@pytest.mark.rule("V20")
@pytest.mark.parametrize(
    ("before", "after", "hold", "expected", "needs_units"),
    [
        (ATTENDED, EXCUSED, CONSUMED, GIVE_BACK, False),
        (ATTENDED, NO_SHOW, CONSUMED, NOTHING, False),
        (EXCUSED, SICK, NONE, NOTHING, False),
        (EXCUSED, ATTENDED, NONE, CONSUME, True),
        (ATTENDED, OPEN, CONSUMED, RESERVE, False),
        (EXCUSED, OPEN, NONE, RESERVE, True),
    ],
)
def test_the_ledger_follows_each_correction(
    before: Attendance, after: Attendance, hold: UnitHold, expected: UnitStep, needs_units: bool
) -> None:
    verdict = mark(after, before, hold)
    assert isinstance(verdict, Marked)
    assert (verdict.step, verdict.needs_units) == (expected, needs_units)


@pytest.mark.rule("V20")
@pytest.mark.parametrize(
    ("now", "hold"),
    [(NOW, RESERVED), (START, RESERVED), (END - SECOND, RESERVED), (END, CONSUMED), (END + DAY, CONSUMED)],
)
def test_what_nobody_marked_is_consumed_at_the_event_s_end(now: datetime, hold: UnitHold) -> None:
    assert unit_hold(now, event(), OPEN, TERMS) is hold
    assert settle(now, event(), OPEN, RESERVED, TERMS) is (CONSUME if hold is CONSUMED else NOTHING)


@pytest.mark.rule("V20")
def test_a_late_excuse_gives_back_what_the_end_consumed() -> None:
    assert step(mark(EXCUSED, hold=CONSUMED, now=END + DAY)) is GIVE_BACK


@pytest.mark.rule("V20")
@given(
    mark_=st.sampled_from(Attendance),
    hold=st.sampled_from(UnitHold),
    minutes=st.integers(-100, 200),
    gone=st.booleans(),
)
def test_a_second_settling_writes_nothing(mark_: Attendance, hold: UnitHold, minutes: int, gone: bool) -> None:
    now = START + minutes * (HOUR / 60)
    one = event(cancelled_at=NOW if gone else None)
    first = settle(now, one, mark_, hold, TERMS)
    after = next(there for there, name in UNIT_STEPS[hold].items() if name is first)
    assert settle(now, one, mark_, after, TERMS) is NOTHING
    assert not gone or after is NONE


@pytest.mark.rule("V20")
def test_an_organisation_says_which_marks_cost_the_unit() -> None:
    kind = AttendanceTerms(charged=frozenset({ATTENDED}))
    assert unit_hold(START, event(), NO_SHOW, kind) is NONE
    assert unit_hold(START, event(), ATTENDED, kind) is CONSUMED


@pytest.mark.rule("V20")
@pytest.mark.parametrize(
    ("after", "now", "expected"),
    [
        (ATTENDED, START - HOUR - SECOND, ("check-in-not-open",)),
        (ATTENDED, START - HOUR, ()),
        (NO_SHOW, START - SECOND, ("no-show-too-early",)),
        (NO_SHOW, START, ()),
        (EXCUSED, START - 3 * DAY, ()),
        (SICK, START - 3 * DAY, ()),
        (MAKE_UP, START - 3 * DAY, ()),
    ],
)
def test_nobody_came_or_missed_before_they_could(after: Attendance, now: datetime, expected: Any) -> None:
    assert codes(mark(after, now=now)) == expected


@pytest.mark.rule("V20")
@pytest.mark.parametrize(
    ("now", "actor", "reason", "expected"),
    [
        (UNTIL - SECOND, TRAINER, "", ()),
        (UNTIL, TRAINER, "Forgot", ("mark-admin-only",)),
        (UNTIL, STAFF, "Forgot", ("mark-admin-only",)),
        (UNTIL, ADMIN, "", ("mark-without-reason",)),
        (UNTIL, ADMIN, " ", ("mark-without-reason",)),
        (UNTIL, ADMIN, "Forgot", ()),
        (UNTIL - SECOND, ADMIN, "", ()),
        (NOW, CUSTOMER, "", ("marks-not-yours",)),
    ],
)
@pytest.mark.parametrize("before", [OPEN, ATTENDED])
def test_marks_are_corrected_for_fourteen_days_then_by_an_admin_with_a_reason(
    before: Attendance, now: datetime, actor: ClassActor, reason: str, expected: Any
) -> None:
    assert corrections_end(event(), TERMS) == UNTIL
    assert codes(mark(EXCUSED, before, CONSUMED, now, actor, reason=reason)) == expected


@pytest.mark.rule("V20")
@pytest.mark.parametrize("day", [date(2026, 3, 20), date(2026, 10, 20), date(2028, 2, 20)])
def test_the_days_are_local_ones_across_changes_of_clocks_and_a_leap_day(day: date) -> None:
    start = instant_of(day, START.astimezone(BERLIN).time(), BERLIN)
    end = corrections_end(event(Slot(start, start + HOUR)), TERMS).astimezone(BERLIN)
    assert (end.date(), end.hour) == (day + 15 * DAY, 0)


def test_the_same_mark_again_writes_nothing() -> None:
    assert mark(ATTENDED, ATTENDED, CONSUMED) == Refused((Reason("mark-unchanged"),))


def test_nobody_attends_a_cancelled_event_and_all_reasons_are_named() -> None:
    verdict = mark(ATTENDED, ATTENDED, CONSUMED, NOW, CUSTOMER, one=event(cancelled_at=NOW))
    assert codes(verdict) == ("event-cancelled", "check-in-not-open", "mark-unchanged", "marks-not-yours")


def test_every_state_and_hold_has_its_moves() -> None:
    assert set(ATTENDANCE_MOVES) == set(Attendance)
    assert frozenset(Attendance) == MARKS | {OPEN}
    assert {hold: set(steps) for hold, steps in UNIT_STEPS.items()} == {hold: set(UnitHold) for hold in UnitHold}
    assert all(
        (there is hold) is (name is NOTHING) for hold, steps in UNIT_STEPS.items() for there, name in steps.items()
    )
