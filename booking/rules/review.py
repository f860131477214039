"""The review of a request: a decision rests for its grace time, can be undone, then is final (S8, S10, S15, S26)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.rules.working_days import short_notice
from booking.values.refusals import Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState, DecisionState, Verdict

GRACE = timedelta(seconds=60)
MAIL_CHECK = timedelta(minutes=30)
NO_GRACE = timedelta(0)

OUTCOME: dict[Verdict, BookingState] = {
    Verdict.APPROVE: BookingState.CONFIRMED,
    Verdict.REJECT: BookingState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision depends on, as it stood inside the transaction.

    `deadline` is the office's next review deadline. `has_code` is None where the room needs none. `is_exclusive` tells
    whether the time is held for this request alone; an external calendar's clash ends that. `old_start` is when the
    confirmed rental begins that this request moves. `lacks` is what its invoice needs and the house has not entered
    (SPEC S12).
    """

    state: BookingState
    slot: Slot
    deadline: datetime
    has_code: bool | None
    is_exclusive: bool = True
    is_pending: bool = False
    is_verified: bool = True
    old_start: datetime | None = None
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What the request becomes at `final_at`, unless it is undone before; mails wait until then."""

    verdict: Verdict
    final_at: datetime

    @property
    def outcome(self) -> BookingState:
        return OUTCOME[self.verdict]


def decide(case: Case, verdict: Verdict, reason: str, now: datetime, grace: timedelta = GRACE) -> Decided | Refused:
    """Decide on a request, or say why it cannot be decided so.

    not-requested      it was decided, cancelled or has expired   decision-pending   somebody decided; undo comes first
    no-reason          a rejection names its reason (SPEC S9)     started            its start has passed: it expires
    no-code            approval, but no door code is left         not-exclusive      approval, but another has the time
    not-verified       approval before the mail check is passed
    house-incomplete   approval, but no invoice can be written: with the names of what is `lacking`
    old-time-begun     approval of a move whose old time has begun: it was used, and is not given back (SPEC S27)
    """
    if case.state is not BookingState.REQUESTED:
        return refused("not-requested")
    if case.is_pending:
        return refused("decision-pending")
    if now >= case.slot.start:
        return refused("started")
    if verdict is Verdict.REJECT:
        no = _against_rejection(reason)
        return Refused(no) if no else Decided(verdict, now + grace_time(case.slot, case.deadline, now, grace))
    against = _against_approval(case, now)
    rest = grace_time(case.slot, case.deadline, now, grace, case.old_start)
    return Refused(against) if against else Decided(verdict, now + rest)


def grace_time(
    slot: Slot, deadline: datetime, now: datetime, grace: timedelta = GRACE, old_start: datetime | None = None
) -> timedelta:
    """None on short notice: the customer waits at the phone, or the time would begin before the decision is final.

    Nor where the time that a move gives up would begin before.
    """
    begins = min(slot.start, old_start or slot.start)
    urgent = short_notice(slot, deadline) or begins <= now + grace
    return NO_GRACE if urgent else max(NO_GRACE, grace)


def undo(state: DecisionState, final_at: datetime, now: datetime) -> Refused | None:
    """None if the decision may still be undone: it is pending, and strictly before `final_at`."""
    if state is DecisionState.UNDONE:
        return refused("already-undone")
    return refused("final") if is_due(state, final_at, now) or state is DecisionState.FINAL else None


def is_due(state: DecisionState, final_at: datetime, now: datetime) -> bool:
    """Whether a pending decision becomes final now. At `final_at` exactly one of undo and this is possible: this."""
    return state is DecisionState.PENDING and now >= final_at


def is_expired(
    state: BookingState, slot: Slot, now: datetime, *, is_pending: bool, old_start: datetime | None = None
) -> bool:
    """Whether an unreviewed request ends because its start passes (SPEC S26). A decision that rests is a review.

    A request to move ends too once the time that it would give up begins: `old_start` (SPEC S27).
    """
    begins = min(slot.start, old_start or slot.start)
    return state is BookingState.REQUESTED and not is_pending and now >= begins


def is_unverified(state: BookingState, verify_by: datetime | None, verified_at: datetime | None, now: datetime) -> bool:
    """Whether a request ends since nobody answered its mail check in time; the exact instant is in time (SPEC S26)."""
    if state is not BookingState.REQUESTED or verify_by is None or verified_at is not None:
        return False
    return now > verify_by


def _against_approval(case: Case, now: datetime) -> tuple[Reason, ...]:
    against = {
        "no-code": case.has_code is False,
        "not-exclusive": not case.is_exclusive,
        "not-verified": not case.is_verified,
        "old-time-begun": case.old_start is not None and now >= case.old_start,
    }
    reasons = tuple(Reason(code) for code, holds in against.items() if holds)
    return (*reasons, *([Reason("house-incomplete", None, {"lacking": ", ".join(case.lacks)})] if case.lacks else []))


def _against_rejection(reason: str) -> tuple[Reason, ...]:
    return () if reason.strip() else (Reason("no-reason", "reason"),)
