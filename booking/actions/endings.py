"""How a rental ends: rejected, cancelled, expired. Its time is free at once, unless a site still holds it (S10)."""

from datetime import datetime

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session, aliased

from booking.actions import audit, codes, messages, outbox
from booking.actions.audit import SYSTEM, Actor
from booking.actions.billing import leave_invoice_to_office
from booking.actions.cases import close_moot, open_case
from booking.actions.messages import SHOWS_CODE, MailKind
from booking.actions.moves import move_booking, move_decision
from booking.actions.occupy import free, hold, hold_beside
from booking.actions.rentals import Rental, load_rental, lock_rental, pending_decision, publish, writes_to_customer
from booking.reads.house import House
from booking.rules import moving
from booking.rules.admission import occupied
from booking.rules.moving import CancelTerms, cancel_terms, may_cancel
from booking.rules.review import is_expired, is_unverified
from booking.tables.bookings import Booking, Decision, Event
from booking.tables.connections import RemoteBooking
from booking.values.money import Cents
from booking.values.refusals import Reason, Refused
from booking.values.states import OCCUPYING, BookingState, DecisionState, OccupancyKind

BY_CUSTOMER = frozenset({moving.Actor.CUSTOMER, moving.Actor.BOOKER})
MOST_AT_ONCE = 100
# The states are written out, so that the partial indexes on what waits serve on SQLite too.
_WAITS = (
    Booking.organisation_id == bindparam("organisation_id"),
    Booking.state == bindparam("state", BookingState.REQUESTED, Booking.state.type, literal_execute=True),
    ~exists().where(
        Decision.booking_id == Booking.id,
        Decision.state == bindparam("pending", DecisionState.PENDING, Decision.state.type, literal_execute=True),
    ),
)
_UNVERIFIED = (
    select(Booking.id)
    .where(*_WAITS, Booking.verify_by < bindparam("now"), Booking.verify_by.is_not(None), Booking.verified_at.is_(None))
    .order_by(Booking.verify_by, Booking.id)
    .limit(MOST_AT_ONCE)
)
_BEGUN = (
    select(Booking.id)
    .join(Event, Event.id == Booking.event_id)
    .where(*_WAITS, Event.starts_at <= bindparam("now"))
    .order_by(Event.starts_at, Booking.id)
    .limit(MOST_AT_ONCE)
)
_Old, _OldEvent = aliased(Booking, name="old"), aliased(Event, name="old_event")
_OLD_BEGUN = (
    select(Booking.id)
    .join(_Old, _Old.id == Booking.replaces_id)
    .join(_OldEvent, _OldEvent.id == _Old.event_id)
    .where(*_WAITS, _OldEvent.starts_at <= bindparam("now"))
    .order_by(_OldEvent.starts_at, Booking.id)
    .limit(MOST_AT_ONCE)
)
NOT_REVIEWED, MOVE_NOT_REVIEWED = "not-reviewed", "move-not-reviewed"
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
    seen_fee: int | None = None,
    since: datetime | None = None,
) -> CancelTerms | Refused:
    """Cancel by the room's steps (SPEC S27); the answer is what it cost.

    `seen_fee` is what the page showed before, in cents. `since` is when the customer cancelled, where we hear of it
    later: the steps count by it, and nothing else. Refused, besides what `may_cancel` says: fee-changed, with the
    fee that is due now.
    """
    rental = lock_rental(session, house.organisation_id, booking_id)
    no = may_cancel(who, rental.booking.state, now, rental.slot)
    if no:
        return no
    cost = terms_of(since or now, house, rental)
    fee = Cents(0) if waive_fee else cost.fee_cents
    no = fee_changed(seen_fee, fee)
    if no:
        return no
    was_confirmed = rental.booking.state is BookingState.CONFIRMED
    end_rental(
        session, now, house, rental, BookingState.CANCELLED, reason, fee_cents=fee, by_customer=who in BY_CUSTOMER
    )
    if was_confirmed:
        leave_invoice_to_office(session, now, house, rental, fee)
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking_id,
        "cancelled",
        after={"reason": reason, "fee_cents": fee, "who": who.value} | ({"since": since.isoformat()} if since else {}),
    )
    return CancelTerms(fee == 0, fee, cost.until)


def fee_changed(seen: int | None, due: Cents) -> Refused | None:
    """Whether somebody agreed to another fee than the one that is due: it was shown before a step began, or changed."""
    return None if seen in {None, due} else Refused((Reason("fee-changed", None, {"cents": due}),))


def terms_of(now: datetime, house: House, rental: Rental) -> CancelTerms:
    room = house.room(rental.event.room_id)
    gross = Cents(rental.booking.price_cents)
    return cancel_terms(now, rental.slot, room.zone, room.terms.cancel_steps, gross, rental.booking.state)


def expire_requests(session: Session, now: datetime, house: House) -> int:
    """End requests whose start passed unreviewed, or whose mail check nobody answered (SPEC S26). Returns how many.

    A request to move ends too when the time that it would give up begins; the booking itself stays as it is (S27).
    At most 100 of each kind, the oldest first. A decision that rests is a review: such requests are left alone.
    """
    given = {"organisation_id": house.organisation_id, "now": now}
    due = dict.fromkeys(found for query in (_UNVERIFIED, _BEGUN, _OLD_BEGUN) for found in session.scalars(query, given))
    ended = 0
    for booking_id in due:
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
    tell: bool = True,
) -> None:
    """End a rental and tell the customer, the feeds and the sites. The caller holds the units' locks.

    `tell` False: nobody answered the mail check, which promised that no more mail comes (SPEC S26).
    """
    changed = [rental, *moves_of(session, house, rental.booking.id)]
    for one in changed:
        close(session, now, house, one, state if one is rental else BookingState.CANCELLED, reason)
    if tell and writes_to_customer(session, rental.booking):
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
    if codes.release(session, now, booking.id):
        messages.renew_digest(session, now, house)
    messages.supersede(session, now, booking.id, SHOWS_CODE)
    if _is_elsewhere(session, booking.id):
        hold(session, house.organisation_id, booking.id)
    else:
        free(session, house.organisation_id, OccupancyKind.BOOKING, booking.id)
        free(session, house.organisation_id, OccupancyKind.HELD, booking.id)  # where a site had moved it to
    close_moot(session, now, house.organisation_id, booking.id)


def let_go(session: Session, now: datetime, house: House, booking_id: int) -> None:
    """The cancel on the external site came through: what was held is free, here and in the feeds (SPEC S10)."""
    free(session, house.organisation_id, OccupancyKind.HELD, booking_id)
    hold_moves(session, house, booking_id)
    audit.note(session, now, house.organisation_id, SYSTEM, "booking", booking_id, "freed")


def _expire(session: Session, now: datetime, house: House, rental: Rental) -> bool:
    booking = rental.booking
    pending = pending_decision(session, booking.id) is not None
    old = load_rental(session, house.organisation_id, booking.replaces_id) if booking.replaces_id else None
    begun = old.slot.start if old else None
    over = is_expired(booking.state, rental.slot, now, is_pending=pending, old_start=begun)
    if not over and not is_unverified(booking.state, booking.verify_by, booking.verified_at, now):
        return False
    unproven = booking.verify_by is not None and booking.verified_at is None
    reason = "unverified" if unproven else MOVE_NOT_REVIEWED if old else NOT_REVIEWED
    end_rental(session, now, house, rental, BookingState.EXPIRED, reason, tell=not unproven)
    audit.note(session, now, house.organisation_id, SYSTEM, "booking", booking.id, "expired")
    if not unproven:
        told = {"review_at": booking.review_at.isoformat()}
        open_case(session, now, house.organisation_id, NOT_REVIEWED, f"{booking.id}", booking.id, told)
    return True


def _is_elsewhere(session: Session, booking_id: int) -> bool:
    """Whether a living booking on an external site stands for this one."""
    query = select(RemoteBooking.id).where(
        RemoteBooking.booking_id == booking_id, RemoteBooking.ours.is_(False), RemoteBooking.cancelled.is_(False)
    )
    return session.scalar(query.limit(1)) is not None


def hold_moves(session: Session, house: House, booking_id: int) -> None:
    """The time of a rental changed: requests to move it, and what took its place, hold all that it left of theirs."""
    for one in moves_of(session, house, booking_id):
        room = house.room(one.event.room_id)
        whole = occupied(one.slot, room.terms)
        hold_beside(session, house.organisation_id, room.unit_ids, whole, one.booking.id, booking_id)


def moves_of(session: Session, house: House, booking_id: int) -> list[Rental]:
    """Requests to move this rental, or what took its place; none where they ended."""
    query = select(Booking.id).where(Booking.replaces_id == booking_id, Booking.state.in_(OCCUPYING))
    return [load_rental(session, house.organisation_id, found) for found in session.scalars(query)]
