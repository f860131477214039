"""The review of requests: decide, undo, settle (SPEC S8 to S11, S17, S18). Every step is compare-and-set."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actions import audit, codes, endings, outbox
from booking.actions.audit import Actor
from booking.actions.billing import bill, freeze_price
from booking.actions.cases import open_case
from booking.actions.moves import move_booking, move_decision
from booking.actions.occupy import claim_exclusively, hold_beside, is_exclusive, own_time, taken
from booking.actions.payments import due_code_mail
from booking.actions.renewing import judge_again
from booking.actions.rentals import Rental, announce, load_rental, lock_rental, pending_decision, publish
from booking.actions.requests import Made
from booking.reads.house import House
from booking.rules.admission import occupied
from booking.rules.plausibility import trusted
from booking.rules.review import Case, Decided, decide, is_due, undo
from booking.rules.working_days import mail_moment, review_deadline
from booking.tables.bookings import Decision
from booking.tables.database import is_overlap
from booking.values.refusals import Refused, refused
from booking.values.states import BookingState, DecisionState, OccupancyKind, Verdict

SETTLE = "decision.settle"
BILL = "booking.bill"
LATE_MOVE, CLASH = "late-move", "approval-clash"
AUTOMATIC = Actor("automatic")


@dataclass(frozen=True, slots=True)
class Resting:
    """A decision was written. `is_final` tells that it rested for no time at all."""

    decision_id: int
    verdict: Verdict
    final_at: datetime
    is_final: bool


def decide_request(
    session: Session,
    now: datetime,
    house: House,
    booking_id: int,
    verdict: Verdict,
    actor: Actor,
    *,
    reason: str = "",
    by_desk: bool = False,
) -> Resting | Refused:
    """Approve or reject. Approval makes the time exclusive and reserves the codes at once; undo gives both back.

    The desk confirms although an invoice cannot be written yet: who calls stands at the door, and is billed later.
    """
    rental = lock_rental(session, house.organisation_id, booking_id)
    case = _gather(session, now, house, rental)
    if rental.booking.price_cents and not by_desk:
        case = replace(case, lacks=house.lacks)
    verdict_made = decide(case, verdict, reason, now, house.grace)
    if isinstance(verdict_made, Refused):
        return verdict_made
    return _apply(session, now, house, rental, verdict_made, actor, reason=reason.strip(), by_desk=by_desk)


def approve_if_trusted(session: Session, now: datetime, house: House, made: Made) -> Resting | Refused | None:
    """Automatic approval, where the operator switched it on and the contact earned it (SPEC S8)."""
    if house.approve_after_kept is None or not trusted(made.record, made.findings, house.approve_after_kept):
        return None
    return decide_request(session, now, house, made.booking_id, Verdict.APPROVE, AUTOMATIC)


def approve_again_if_trusted(
    session: Session, now: datetime, house: House, booking_id: int
) -> Resting | Refused | None:
    """As `approve_if_trusted` for a request that stands: its mail check was passed, or its time is another (S8)."""
    if house.approve_after_kept is None:
        return None
    rental = lock_rental(session, house.organisation_id, booking_id)
    found, record = judge_again(session, now, house, rental)
    if not trusted(record, found, house.approve_after_kept):
        return None
    return decide_request(session, now, house, booking_id, Verdict.APPROVE, AUTOMATIC)


def undo_decision(session: Session, now: datetime, house: House, booking_id: int, actor: Actor) -> Refused | None:
    """Take a resting decision back: all is as it was before. Refused once it is final."""
    decision = pending_decision(session, booking_id)
    if decision is None:
        return refused("final")
    no = undo(decision.state, decision.final_at, now)
    if no:
        return no
    take_back_decision(session, now, house, booking_id, actor)
    rental = load_rental(session, house.organisation_id, booking_id)
    announce(session, now, house.organisation_id, booking_id, rental.event.room_id)
    return None


def take_back_decision(session: Session, now: datetime, house: House, booking_id: int, actor: Actor) -> None:
    """The rows of an undone decision, if one rests. Who asked for more than an undo decides what follows."""
    decision = pending_decision(session, booking_id)
    if decision is None:
        return
    move_decision(session, decision, DecisionState.UNDONE)
    outbox.withdraw(session, now, SETTLE, decision.id)
    codes.release(session, now, booking_id)
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking_id,
        "decision-undone",
        before={"verdict": decision.verdict.value},
    )


def settle_decision(session: Session, now: datetime, house: House, decision_id: int) -> bool:
    """Make a due decision final: confirm with code, invoice and mail, or reject and free. False if it is not due.

    Where another has the time of an approval after all, it is undone, and the office gets a case.
    """
    decision = session.get_one(Decision, decision_id)
    if not is_due(decision.state, decision.final_at, now):
        return False
    rental = lock_rental(session, house.organisation_id, decision.booking_id)
    session.refresh(decision)
    if not is_due(decision.state, decision.final_at, now):
        return False
    if decision.verdict is Verdict.APPROVE:
        _confirm_or_undo(session, now, house, rental, decision)
    else:
        move_decision(session, decision, DecisionState.FINAL)
        endings.end_rental(session, now, house, rental, BookingState.REJECTED, decision.reason)
    return True


def _confirm_or_undo(session: Session, now: datetime, house: House, rental: Rental, decision: Decision) -> None:
    booking_id, part = decision.booking_id, session.begin_nested()
    try:
        move_decision(session, decision, DecisionState.FINAL)
        _confirm(session, now, house, rental, decision)
        part.commit()
    except IntegrityError as error:
        part.rollback()
        if not is_overlap(error):
            raise
        session.expire_all()  # rows that were changed and read again within
        take_back_decision(session, now, house, booking_id, audit.SYSTEM)
        open_case(session, now, house.organisation_id, CLASH, f"{booking_id}", booking_id, {})


def bill_rental(session: Session, now: datetime, house: House, booking_id: int) -> bool:
    """The mail of S11 for a code that the desk gave out, on the next working day (SPEC S18).

    False if it was undone, or waived meanwhile: who waives and who bills take their turns at the units' locks.
    """
    rental = lock_rental(session, house.organisation_id, booking_id)
    if rental.booking.state is not BookingState.CONFIRMED or rental.booking.waived:
        return False
    bill(session, now, house, rental)
    return True


def _gather(session: Session, now: datetime, house: House, rental: Rental) -> Case:
    room, booking = house.room(rental.event.room_id), rental.booking
    chosen = codes.choose(session, room, rental.slot)
    old = None if booking.replaces_id is None else load_rental(session, house.organisation_id, booking.replaces_id)
    return Case(
        state=booking.state,
        slot=rental.slot,
        deadline=review_deadline(now, house.office, house.closings, house.public_holidays),
        has_code=None if room.door_id is None else not isinstance(chosen, Refused),
        is_exclusive=_has_its_time(session, house, rental),
        is_pending=pending_decision(session, booking.id) is not None,
        is_verified=booking.verify_by is None or booking.verified_at is not None,
        old_start=None if old is None else old.slot.start,
    )


def _has_its_time(session: Session, house: House, rental: Rental) -> bool:
    """Whether the time is held for this request alone, or can be. A move holds only what the old time leaves of it."""
    booking, room = rental.booking, house.room(rental.event.room_id)
    if booking.replaces_id is None and is_exclusive(session, booking.id):
        return True
    others = taken(
        session,
        room.unit_ids,
        occupied(rental.slot, room.terms),
        but=own_time(booking.id, booking.replaces_id),
        exclusive_only=True,
    )
    return not others


def _apply(
    session: Session,
    now: datetime,
    house: House,
    rental: Rental,
    made: Decided,
    actor: Actor,
    *,
    reason: str,
    by_desk: bool,
) -> Resting:
    room, booking = house.room(rental.event.room_id), rental.booking
    if made.verdict is Verdict.APPROVE:
        _claim(session, house, rental)
        if room.door_id is not None:
            codes.lock_door(session, room.door_id)
            chosen = codes.choose(session, room, rental.slot)
            if isinstance(chosen, Refused):
                raise codes.CodeLostError(booking.id)
            codes.reserve(session, chosen, booking.id)
    decision = Decision(
        organisation_id=house.organisation_id,
        booking_id=booking.id,
        staff_id=actor.staff_id,
        by_desk=by_desk,
        verdict=made.verdict,
        reason=reason,
        state=DecisionState.PENDING,
        decided_at=now,
        final_at=made.final_at,
    )
    session.add(decision)
    session.flush()  # the duty names the decision
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking.id,
        "decided",
        after={"verdict": made.verdict.value, "reason": reason, "final_at": made.final_at.isoformat()},
    )
    is_final = made.final_at <= now
    if is_final:
        settle_decision(session, now, house, decision.id)
    else:
        dedup = f"settle-{decision.id}"
        outbox.put(session, now, house.organisation_id, SETTLE, decision.id, dedup, made.final_at)
    return Resting(decision.id, made.verdict, made.final_at, is_final)


def _claim(session: Session, house: House, rental: Rental) -> None:
    """The time is exclusive from here on, for a move all that the old time leaves of it."""
    booking, room = rental.booking, house.room(rental.event.room_id)
    if booking.replaces_id is None:
        claim_exclusively(session, house.organisation_id, OccupancyKind.BOOKING, booking.id)
        return
    whole = occupied(rental.slot, room.terms)
    hold_beside(session, house.organisation_id, room.unit_ids, whole, booking.id, booking.replaces_id)


def _confirm(session: Session, now: datetime, house: House, rental: Rental, decision: Decision) -> None:
    move_booking(session, rental.booking, BookingState.CONFIRMED, confirmed_at=now)
    codes.issue(session, now, rental.booking.id, decision.staff_id, by_phone=decision.by_desk)
    freeze_price(house, rental)
    changed = [rental]
    if rental.booking.replaces_id is not None:
        changed.append(_give_up_old_time(session, now, house, rental))
    publish(session, now, house, *changed)
    if decision.by_desk:
        due = mail_moment(now, house.office, house.closings, house.public_holidays)
        outbox.put(session, now, house.organisation_id, BILL, rental.booking.id, f"bill-{rental.booking.id}", due)
    else:
        bill(session, now, house, rental)
        due_code_mail(session, now, house, rental.booking.id)


def _give_up_old_time(session: Session, now: datetime, house: House, rental: Rental) -> Rental:
    """A confirmed move: the old time ends now, the new one takes all of its own (SPEC S27)."""
    organisation_id, booking = house.organisation_id, rental.booking
    old = load_rental(session, organisation_id, booking.replaces_id or 0)
    endings.close(session, now, house, old, BookingState.CANCELLED, "moved")
    _claim(session, house, rental)
    if booking.move_fee_cents:
        told = {"fee_cents": booking.move_fee_cents, "code": old.booking.code, "new_code": booking.code}
        open_case(session, now, organisation_id, LATE_MOVE, f"{booking.id}", booking.id, told)
    return old
