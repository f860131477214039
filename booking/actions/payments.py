"""A payment is noted by hand, and what waits for it: the mail with the code (SPEC S22, options)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages
from booking.actions.audit import Actor
from booking.actions.feed_codes import codes_recounted
from booking.actions.messages import MailKind
from booking.actions.rentals import Rental, load_rental
from booking.reads.house import House
from booking.reads.rentals import bookings_of_invoice, settled_rentals
from booking.rules.doorcodes import sent_from
from booking.tables.bookings import Booking
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice, Message, Settlement
from booking.values.refusals import NotFound, Refused, refused
from booking.values.states import BookingState, CodeState, MessageState


@dataclass(frozen=True, slots=True)
class Noted:
    """The payment stands. `code_mails` is how many code mails it set free."""

    settlement_id: int
    code_mails: int


def note_payment(
    session: Session, now: datetime, house: House, invoice_id: int, actor: Actor, *, note: str = ""
) -> Noted | Refused:
    """Note an invoice as paid, and post the code mails that waited for it. Refused("already-paid") the second time."""
    invoice = session.scalar(
        select(Invoice)
        .where(Invoice.organisation_id == house.organisation_id, Invoice.id == invoice_id)
        .with_for_update(key_share=True)
    )
    if invoice is None:
        raise NotFound("invoice", invoice_id)
    if session.scalar(select(Settlement.id).where(Settlement.invoice_id == invoice_id)) is not None:
        return refused("already-paid")
    settlement = Settlement(
        organisation_id=house.organisation_id, invoice_id=invoice_id, staff_id=actor.staff_id, at=now, note=note
    )
    bookings = bookings_of_invoice(session, invoice) if house.code_after_payment else []
    with codes_recounted(session, now, house.organisation_id, bookings):
        session.add(settlement)
        session.flush()  # the payment counts from here on
        told = {"number": invoice.number}
        audit.note(session, now, house.organisation_id, actor, "invoice", invoice_id, "paid", after=told)
        mails = sum(_post_code_later(session, now, house, booking_id, even_now=True) for booking_id in bookings)
    return Noted(settlement.id, mails)


def due_code_mail(session: Session, now: datetime, house: House, booking_id: int) -> bool:
    """Post the mail that brings the code later, where the house sends codes only n hours before and it is too early.

    To be called when a booking was confirmed or moved, in that transaction. What can be sent now is in the mail of
    that cause, and what waits for a payment is posted by `note_payment`. Returns whether a mail was posted.
    """
    return _post_code_later(session, now, house, booking_id, even_now=False)


def code_moment(session: Session, now: datetime, house: House, rental: Rental) -> datetime | None:
    """From when on a mail may carry the codes (SPEC S22): `now` if it may already; None while it is not paid."""
    paid = not house.code_after_payment or is_paid(session, rental.booking)
    return sendable_from(now, house, rental, is_paid=paid)


def sendable_from(now: datetime, house: House, rental: Rental, *, is_paid: bool) -> datetime | None:
    """As `code_moment`, for a rental of which it is known whether it is paid."""
    if house.code_after_payment and not is_paid:
        return None
    return max(now, sent_from(rental.slot, house.code_hours_before) or now)


def paid_among(session: Session, bookings: Sequence[Booking]) -> set[int]:
    """The ids of those for which `is_paid` holds, in a few statements."""
    settled = settled_rentals(session, [booking.rental_id for booking in bookings])
    return {booking.id for booking in bookings if booking.price_cents == 0 or booking.rental_id in settled}


def is_paid(session: Session, booking: Booking) -> bool:
    """Whether nothing is to be paid, or the invoice of the rental is settled, however often it was moved."""
    return booking.price_cents == 0 or bool(settled_rentals(session, [booking.rental_id]))


def _post_code_later(session: Session, now: datetime, house: House, booking_id: int, *, even_now: bool) -> bool:
    rental = load_rental(session, house.organisation_id, booking_id)
    held = [code for code in codes.codes_of(session, booking_id) if _is_waited_for(code, now)]
    if rental.booking.state is not BookingState.CONFIRMED or not held or _is_queued(session, booking_id):
        return False
    moment = code_moment(session, now, house, rental)
    if moment is None or (moment <= now and not even_now):
        return False
    messages.post(
        session,
        now,
        house,
        MailKind.CODE_LATER,
        to=rental.customer.email,
        name=rental.customer.name,
        language=rental.booking.language,
        booking_id=booking_id,
        due_at=moment,
    )
    return True


def _is_waited_for(code: DoorCode, now: datetime) -> bool:
    """Given out, not over, and not told at the desk's telephone already."""
    return code.state is CodeState.ISSUED and code.ends_at > now and not code.told_by_phone


def _is_queued(session: Session, booking_id: int) -> bool:
    query = select(Message.id).where(
        Message.booking_id == booking_id,
        Message.kind == MailKind.CODE_LATER.value,
        Message.state == MessageState.QUEUED,
    )
    return session.scalar(query.limit(1)) is not None
