"""Who came, until when a mark can be corrected, and what each mark means for the units (SPEC V20).

Units are reserved at booking and consumed at the mark or at the event's end, whichever is first. The ledger follows the
mark: what a unit should be is a function of the mark and the moment, and the step is the way there from what it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.values.clock import day_bounds
from booking.values.places import (
    ATTENDANCE_MOVES,
    UNIT_STEPS,
    Attendance,
    AttendanceTerms,
    ClassActor,
    UnitHold,
    UnitStep,
)
from booking.values.refusals import Reason, Refused
from booking.values.timetable import CourseEvent


@dataclass(frozen=True, slots=True)
class Marked:
    """`step` is what the ledger writes for the booking's units; `needs_units`: they were given back and are due again.

    Then the caller asks the pass once more; where it has none left, the visit is a debt or is paid in money.
    """

    before: Attendance
    after: Attendance
    hold: UnitHold
    step: UnitStep
    needs_units: bool = False


def unit_hold(now: datetime, event: CourseEvent, mark: Attendance, terms: AttendanceTerms) -> UnitHold:
    """How the units of a place in that state should stand now. An unmarked place is charged from the event's end on."""
    if mark is Attendance.OPEN:
        return UnitHold.CONSUMED if now >= event.slot.end else UnitHold.RESERVED
    return UnitHold.CONSUMED if mark in terms.charged else UnitHold.NONE


def settle(now: datetime, event: CourseEvent, mark: Attendance, hold: UnitHold, terms: AttendanceTerms) -> UnitStep:
    """What the ledger has to write so that the units stand as the mark and the moment say; a second run has nothing.

    For the job at the event's end. An event that the operator cancelled has given everything back.
    """
    if event.is_cancelled:
        return UNIT_STEPS[hold][UnitHold.NONE]
    return UNIT_STEPS[hold][unit_hold(now, event, mark, terms)]


def corrections_end(event: CourseEvent, terms: AttendanceTerms) -> datetime:
    """The first instant at which only an admin may mark: the end of the n-th local day after that of the event."""
    return day_bounds(event.day + timedelta(days=terms.days), event.zone)[1]


def mark_place(
    now: datetime,
    event: CourseEvent,
    before: Attendance,
    after: Attendance,
    hold: UnitHold,
    terms: AttendanceTerms,
    actor: ClassActor,
    *,
    reason: str = "",
) -> Marked | Refused:
    """Mark, correct or take back a mark (`after` OPEN); `hold` is how the place's units stand in the ledger.

    marks-not-yours       customers mark nobody
    event-cancelled       nobody could come
    mark-unchanged        it is marked so already, so that a second click writes nothing
    check-in-not-open     `opens`: the instant; before it nobody has attended
    no-show-too-early     nobody has missed what has not begun; excused and sick can be known long before
    mark-admin-only       `until`: the instant up to which others could; the first mark counts as any other
    mark-without-reason   at `reason`: an admin writes why after that instant
    """
    reasons = _about_event(now, event, after, terms)
    if after not in ATTENDANCE_MOVES[before]:
        reasons.append(Reason("mark-unchanged"))
    reasons += _about_actor(now, event, terms, actor, reason)
    if reasons:
        return Refused(tuple(reasons))
    wanted = unit_hold(now, event, after, terms)
    step = UNIT_STEPS[hold][wanted]
    return Marked(before, after, wanted, step, hold is UnitHold.NONE and wanted is not UnitHold.NONE)


def _about_event(now: datetime, event: CourseEvent, after: Attendance, terms: AttendanceTerms) -> list[Reason]:
    reasons = []
    if event.is_cancelled:
        reasons.append(Reason("event-cancelled"))
    opens = event.slot.start - terms.check_in
    if after is Attendance.ATTENDED and now < opens:
        reasons.append(Reason("check-in-not-open", None, {"opens": opens.isoformat()}))
    if after is Attendance.NO_SHOW and now < event.slot.start:
        reasons.append(Reason("no-show-too-early"))
    return reasons


def _about_actor(
    now: datetime, event: CourseEvent, terms: AttendanceTerms, actor: ClassActor, reason: str
) -> list[Reason]:
    if actor is ClassActor.CUSTOMER:
        return [Reason("marks-not-yours")]
    until = corrections_end(event, terms)
    if now < until:
        return []
    if actor is not ClassActor.ADMIN:
        return [Reason("mark-admin-only", None, {"until": until.isoformat()})]
    return [] if reason.strip() else [Reason("mark-without-reason", "reason")]
