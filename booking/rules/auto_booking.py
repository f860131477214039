"""Automatic booking: which events a sale proposes, and where the night moves whom who missed one (SPEC O26 to O29)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from booking.rules.passes import Candidate, Occasion, may_pay
from booking.rules.units import Entries, Ledger, give_back, use
from booking.values.pass_types import PassRules, Rebooking
from booking.values.refusals import Refused, refused
from booking.values.timetable import CourseEvent


def propose(candidate: Candidate, occasions: Iterable[Occasion]) -> tuple[CourseEvent, ...]:
    """The nearest events that the pass pays for, up to its units or its end, in order; to be booked when confirmed.

    `occasions`: events with a free place in which the participant is not booked, as far ahead as the caller looks. Of
    two that overlap the earlier is proposed. Nothing, where the pass does not book by itself.
    """
    found: list[CourseEvent] = []
    if not candidate.pass_.rules.auto_booking:
        return ()
    for occasion in sorted(occasions, key=_when):
        event = occasion.event
        clashes = bool(found) and event.slot.overlaps(found[-1].slot)
        if clashes or event.slot.start <= occasion.at or may_pay(candidate, occasion):
            continue
        found.append(event)
        candidate = _with(candidate, event)
    return tuple(found)


def rebook(
    candidate: Candidate, missed: CourseEvent, in_a_row: int, occasions: Iterable[Occasion]
) -> CourseEvent | Refused:
    """The event into which a missed booking is moved: the next that the pass pays for.

    `candidate` as it stands after `after_miss`; `in_a_row`: how often the booking was moved already without a visit
    between. `occasions` as for `propose`.

    rebooking-off    the pass does not move missed bookings
    rebooked-often   it was moved as often as it may be
    no-next-event    the pass pays for none of them
    """
    rules = candidate.pass_.rules
    if not rules.auto_booking or rules.rebooking is Rebooking.NONE:
        return refused("rebooking-off")
    if in_a_row >= rules.rebook_most:
        return refused("rebooked-often")
    for occasion in sorted(occasions, key=_when):
        event = occasion.event
        wrong_course = rules.rebooking is Rebooking.SAME_COURSE and event.course_id != missed.course_id
        if not wrong_course and event.slot.start > occasion.at and may_pay(candidate, occasion) is None:
            return event
    return refused("no-next-event")


def after_miss(ledger: Ledger, booking_id: int, rules: PassRules) -> Entries:
    """What a missed booking writes on a pass that moves it: its units come back unless a miss costs them (SPEC O29).

    Attendance that is marked later undoes it: the caller cancels the new booking, giving back its units, and consumes
    those of the missed one.
    """
    return use(ledger, booking_id) if rules.miss_costs else give_back(ledger, booking_id, "missed")


def _with(candidate: Candidate, event: CourseEvent) -> Candidate:
    left = None if candidate.left is None else candidate.left - event.terms.units
    return replace(candidate, left=left, held_days=(*candidate.held_days, event.day))


def _when(occasion: Occasion) -> tuple[datetime, int]:
    return occasion.event.slot.start, occasion.event.event_id
