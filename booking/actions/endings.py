"""How a rental ends: rejected, cancelled, expired. Its time is free at once, unless a site still holds it (S10)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages, outbox
from booking.actions.audit import SYSTEM, Actor
from booking.actions.messages import SHOWS_CODE, MailKind
from booking.actions.moves import move_booking, move_decision
from booking.actions.occupy import free, hold
from booking.actions.rentals import Rental, load_rental, lock_rental, pending_decision, publish, writes_to_customer
from booking.reads.house import House
from booking.rules import moving
from booking.rules.moving import CancelTerms, cancel_terms, may_cancel
from booking.rules.review import is_expired, is_unverified
from booking.tables.bookings import Booking, Event
from booking.tables.connections import RemoteBooking
from booking.values.money import Cents
from booking.values.refusals import Refused
from booking.values.states import OCCUPYING, BookingState, DecisionState, OccupancyKind

BY_CUSTOMER = frozenset({moving.Actor.CUSTOMER, moving.Actor.BOOKER})
MAIL_OF_END: dict[BookingState, MailKind] = {
    BookingState.REJECTED: MailKind.REJECTION,
    BookingState.CANCELLED: MailKind.CANCELLATION,
    BookingState.EXPIRED: MailKind.EXPIRED,
}


def cancel_rental(
    session: Session,
    now: datetime,
    house: House,
    booking_id: int,
    who: moving.Actor,
    actor: Actor,
    *,
    reason: str = "",
    waive_fee: bool = False,
) -> CancelTerms | Refused:
    """Cancel by the room's steps (SPEC S27); the answer is what it cost. The page showed the same before."""
    rental = lock_rental(session, house.organisation_id, booking_id)
    no = may_cancel(who, rental.booking.state, now, rental.slot)
    if no:
        return no
    cost = terms_of(now, house, rental)
    fee = Cents(0) if waive_fee else cost.fee_cents
    end_rental(
        session, now, house, rental, BookingState.CANCELLED, reason, fee_cents=fee, by_customer=who in BY_CUSTOMER
    )
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking_id,
        "cancelled",
        after={"reason": reason, "fee_cents": fee, "who": who.value},
    )
    return CancelTerms(fee == 0, fee, cost.until)


def terms_of(now: datetime, house: House, rental: Rental) -> CancelTerms:
    room = house.room(rental.event.room_id)
    gross = Cents(rental.booking.price_cents)
    return cancel_terms(now, rental.slot, room.zone, room.terms, gross, rental.booking.state)


def expire_requests(session: Session, now: datetime, house: House) -> int:
    """End requests whose start passed unreviewed, or whose mail check nobody answered (SPEC S26). Returns how many."""
    waiting = session.execute(
        select(Booking.id, Event.starts_at)
        .join(Event, Event.id == Booking.event_id)
        .where(
            Booking.organisation_id == house.organisation_id,
            Booking.state == BookingState.REQUESTED,
            (Event.starts_at <= now) | (Booking.verify_by < now),
        )
        .limit(100)
    ).all()
    ended = 0
    for booking_id, _ in waiting:
        rental = lock_rental(session, house.organisation_id, booking_id)
        ended += _expire(session, now, house, rental)
    return ended


def end_rental(
    session: Session,
    now: datetime,
    house: House,
    rental: Rental,
    state: BookingState,
    reason: str,
    *,
    fee_cents: Cents | None = None,
    by_customer: bool = False,
) -> None:
    """End a rental and tell the customer, the feeds and the sites. The caller holds the units' locks."""
    changed = [rental, *_pending_moves(session, house, rental)]
    for one in changed:
        close(session, now, house, one, state if one is rental else BookingState.CANCELLED, reason)
    if writes_to_customer(session, rental.booking):
        messages.post(
            session,
            now,
            house,
            MAIL_OF_END[state],
            to=rental.customer.email,
            name=rental.customer.name,
            language=rental.booking.language,
            booking_id=rental.booking.id,
            facts={"reason": reason, "fee_cents": fee_cents or 0, "by_customer": by_customer},
        )
    publish(session, now, house, *changed)


def close(session: Session, now: datetime, house: House, rental: Rental, state: BookingState, reason: str) -> None:
    """The rows of an ending: state, decision, codes, mails not sent, time. No mail, no feed: the caller does these."""
    booking = rental.booking
    decision = pending_decision(session, booking.id)
    if decision is not None:
        move_decision(session, decision, DecisionState.UNDONE)
        outbox.withdraw(session, now, "decision.settle", decision.id)
    move_booking(session, booking, state, ended_at=now, end_reason=reason)
    codes.release(session, now, booking.id)
    messages.supersede(session, now, booking.id, SHOWS_CODE)
    if _is_elsewhere(session, booking.id):
        hold(session, house.organisation_id, booking.id)
    else:
        free(session, house.organisation_id, OccupancyKind.BOOKING, booking.id)


def let_go(session: Session, now: datetime, house: House, booking_id: int) -> None:
    """The cancel on the external site came through: what was held is free, here and in the feeds (SPEC S10)."""
    free(session, house.organisation_id, OccupancyKind.HELD, booking_id)
    audit.note(session, now, house.organisation_id, SYSTEM, "booking", booking_id, "freed")


def _expire(session: Session, now: datetime, house: House, rental: Rental) -> bool:
    booking = rental.booking
    pending = pending_decision(session, booking.id) is not None
    over = is_expired(booking.state, rental.slot, now, is_pending=pending)
    unverified = is_unverified(booking.state, booking.verify_by, booking.verified_at, now)
    if not over and not unverified:
        return False
    end_rental(session, now, house, rental, BookingState.EXPIRED, "unverified" if unverified else "not-reviewed")
    audit.note(session, now, house.organisation_id, SYSTEM, "booking", booking.id, "expired")
    return True


def _is_elsewhere(session: Session, booking_id: int) -> bool:
    """Whether a living booking on an external site stands for this one."""
    query = select(RemoteBooking.id).where(
        RemoteBooking.booking_id == booking_id, RemoteBooking.ours.is_(False), RemoteBooking.cancelled.is_(False)
    )
    return session.scalar(query.limit(1)) is not None


def _pending_moves(session: Session, house: House, rental: Rental) -> list[Rental]:
    """Requests to move this rental: with the rental gone there is nothing to move."""
    query = select(Booking.id).where(Booking.replaces_id == rental.booking.id, Booking.state.in_(OCCUPYING))
    return [load_rental(session, house.organisation_id, found) for found in session.scalars(query)]
