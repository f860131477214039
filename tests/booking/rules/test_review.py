"""Decisions that rest, are undone or become final (SPEC S8, S9, S15, S26)."""

import dataclasses
from datetime import datetime, timedelta

import pytest

from booking.rules.review import (
    GRACE,
    OUTCOME,
    Case,
    Decided,
    decide,
    is_due,
    is_expired,
    is_unverified,
    undo,
)
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState, DecisionState, Verdict
from tests.booking.rules.houses import FRIDAY, MONDAY, SATURDAY, at, slot

NOW = at(FRIDAY, 10)
SECOND = timedelta(seconds=1)
LATER = slot(MONDAY, 18, 20)
CASE = Case(BookingState.REQUESTED, LATER, deadline=at(MONDAY, 12), has_code=True)
APPROVE, REJECT = Verdict.APPROVE, Verdict.REJECT


def verdict_codes(case: Case, verdict: Verdict, reason: str = "made up", now: datetime = NOW) -> tuple[str, ...]:
    decided = decide(case, verdict, reason, now)
    return decided.codes if isinstance(decided, Refused) else ()


@pytest.mark.rule("S8")
@pytest.mark.parametrize(("verdict", "state"), [(APPROVE, BookingState.CONFIRMED), (REJECT, BookingState.REJECTED)])
def test_a_decision_rests_for_its_grace_time(verdict: Verdict, state: BookingState) -> None:
    decided = decide(CASE, verdict, "made up", NOW)
    assert decided == Decided(verdict, NOW + timedelta(seconds=60))
    assert decided.outcome is state
    assert set(OUTCOME) == set(Verdict)


@pytest.mark.rule("S8", "S15")
@pytest.mark.parametrize(
    ("case", "now", "grace"),
    [
        (dataclasses.replace(CASE, slot=slot(MONDAY, 11, 12)), NOW, 0),  # begins before the deadline
        (dataclasses.replace(CASE, slot=slot(MONDAY, 12, 13)), NOW, 60),
        (CASE, LATER.start - 61 * SECOND, 60),
        (CASE, LATER.start - 60 * SECOND, 0),  # would be final only at the start
    ],
)
def test_on_short_notice_there_is_no_grace(case: Case, now: datetime, grace: int) -> None:
    assert decide(case, APPROVE, "", now) == Decided(APPROVE, now + grace * SECOND)


@pytest.mark.rule("S8")
def test_an_operator_may_set_the_grace_time() -> None:
    assert decide(CASE, APPROVE, "", NOW, 5 * SECOND) == Decided(APPROVE, NOW + 5 * SECOND)
    assert decide(CASE, APPROVE, "", NOW, -SECOND) == Decided(APPROVE, NOW)


@pytest.mark.rule("S8", "S9")
@pytest.mark.parametrize(
    ("case", "verdict", "reason", "expected"),
    [
        (dataclasses.replace(CASE, has_code=None), APPROVE, "", ()),
        (dataclasses.replace(CASE, has_code=False), APPROVE, "", ("no-code",)),
        (dataclasses.replace(CASE, has_code=False), REJECT, "full", ()),
        (dataclasses.replace(CASE, is_exclusive=False), APPROVE, "", ("not-exclusive",)),
        (dataclasses.replace(CASE, is_verified=False), APPROVE, "", ("not-verified",)),
        (dataclasses.replace(CASE, old_start=NOW), APPROVE, "", ("old-time-begun",)),
        (dataclasses.replace(CASE, old_start=NOW), REJECT, "used", ()),
        (dataclasses.replace(CASE, old_start=NOW + SECOND), APPROVE, "", ()),
        (
            dataclasses.replace(CASE, has_code=False, is_exclusive=False, is_verified=False),
            APPROVE,
            "",
            ("no-code", "not-exclusive", "not-verified"),
        ),
        (CASE, REJECT, " \n", ("no-reason",)),
        (dataclasses.replace(CASE, is_pending=True), APPROVE, "", ("decision-pending",)),
        (dataclasses.replace(CASE, slot=slot(FRIDAY, 10, 11)), APPROVE, "", ("started",)),
        (dataclasses.replace(CASE, slot=slot(FRIDAY, 10, 11)), REJECT, "late", ("started",)),
        *(
            (dataclasses.replace(CASE, state=state), verdict, "x", ("not-requested",))
            for state in set(BookingState) - {BookingState.REQUESTED}
            for verdict in Verdict
        ),
    ],
)
def test_what_cannot_be_decided_says_why(case: Case, verdict: Verdict, reason: str, expected: tuple[str, ...]) -> None:
    assert verdict_codes(case, verdict, reason) == expected


@pytest.mark.rule("S8")
@pytest.mark.parametrize(
    ("state", "now", "expected", "due"),
    [
        (DecisionState.PENDING, NOW, None, False),
        (DecisionState.PENDING, NOW + GRACE - timedelta(microseconds=1), None, False),
        (DecisionState.PENDING, NOW + GRACE, "final", True),
        (DecisionState.FINAL, NOW, "final", False),
        (DecisionState.UNDONE, NOW, "already-undone", False),
        (DecisionState.UNDONE, NOW + GRACE, "already-undone", False),
    ],
)
def test_undo_works_strictly_before_the_decision_is_final(
    state: DecisionState, now: datetime, expected: str | None, *, due: bool
) -> None:
    assert undo(state, NOW + GRACE, now) == (refused(expected) if expected else None)
    assert is_due(state, NOW + GRACE, now) is due


@pytest.mark.rule("S26")
@pytest.mark.parametrize(
    ("state", "now", "is_pending", "expired"),
    [
        (BookingState.REQUESTED, LATER.start - SECOND, False, False),
        (BookingState.REQUESTED, LATER.start, False, True),
        (BookingState.REQUESTED, LATER.start, True, False),
        (BookingState.CONFIRMED, LATER.start, False, False),
        (BookingState.CANCELLED, LATER.start, False, False),
    ],
)
def test_an_unreviewed_request_expires_when_it_starts(
    state: BookingState, now: datetime, *, is_pending: bool, expired: bool
) -> None:
    assert is_expired(state, LATER, now, is_pending=is_pending) is expired


@pytest.mark.rule("S26")
@pytest.mark.parametrize(
    ("state", "verify_by", "verified_at", "expected"),
    [
        (BookingState.REQUESTED, NOW, None, False),
        (BookingState.REQUESTED, NOW - SECOND, None, True),
        (BookingState.REQUESTED, NOW - SECOND, NOW - 2 * SECOND, False),
        (BookingState.REQUESTED, None, None, False),
        (BookingState.CONFIRMED, NOW - SECOND, None, False),
    ],
)
def test_a_request_whose_mail_check_is_not_answered_ends(
    state: BookingState, verify_by: datetime | None, verified_at: datetime | None, *, expected: bool
) -> None:
    assert is_unverified(state, verify_by, verified_at, NOW) is expected


def test_short_notice_is_seen_on_the_day_itself() -> None:
    today = dataclasses.replace(CASE, slot=slot(SATURDAY, 11, 12))
    assert decide(today, APPROVE, "", at(SATURDAY, 10)) == Decided(APPROVE, at(SATURDAY, 10))
