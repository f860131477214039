"""The mail that a decision sends, before it is decided: the same letter as the worker writes, its codes masked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import codes
from booking.actions.billing import is_as_issued, owed_price
from booking.actions.payments import is_paid
from booking.actions.rentals import Rental, load_rental
from booking.reads.house import House, RoomFacts
from booking.reads.rentals import invoice_of_rental
from booking.rules.doorcodes import sent_from
from booking.rules.invoicing import draft
from booking.tables.doors import Door
from booking.values.clock import local_day
from booking.values.money import Cents
from booking.values.refusals import Refused
from booking.values.states import Verdict
from papers import letters as p
from papers.mails import render
from web.mail_body import MASK, Body, read_draft

NUMBER_TO_COME = "…"


def letter_of(
    session: Session, now: datetime, house: House, base_url: str, booking_id: int, verdict: Verdict, reason: str = ""
) -> Body:
    """The mail to the customer that follows from this decision, as things stand now."""
    rental = load_rental(session, house.organisation_id, booking_id)
    room = house.room(rental.event.room_id)
    shared: dict[str, Any] = {
        "house": _sender(house, base_url),
        "language": rental.booking.language,
        "customer": rental.customer.name,
        "appointment": _appointment(rental, room, base_url),
    }
    if verdict is Verdict.REJECT:
        return read_draft(
            render(p.Rejection(**shared, reason=reason or NUMBER_TO_COME, room_url=f"{base_url}/rooms/{room.slug}"))
        )
    bill = _bill(session, now, house, rental)
    return read_draft(
        render(
            p.Confirmation(
                **shared,
                access=_access(session, now, house, rental, room),
                price=owed_price(house, rental),
                currency=house.currency,
                payment=_payment(house, bill),
                invoice_number=bill.number if bill else None,
                invoice_differs=bill is not None and bill.differs,
                move_fee=rental.booking.move_fee_cents,
            )
        )
    )


def amount_due(session: Session, now: datetime, house: House, rental: Rental) -> int:
    """What the invoice will ask for, or asks for already where a rental is moved: under the discount (SPEC S19)."""
    bill = _bill(session, now, house, rental)
    return bill.cents if bill else 0


@dataclass(frozen=True, slots=True)
class _Bill:
    """The invoice that the mail will carry."""

    number: str
    cents: Cents
    due_on: date
    reference: str
    is_paid: bool = False
    differs: bool = False


def _bill(session: Session, now: datetime, house: House, rental: Rental) -> _Bill | None:
    known = invoice_of_rental(session, rental.booking)
    if known is not None:
        paid, differs = is_paid(session, rental.booking), not is_as_issued(house, rental, known)
        return _Bill(known.number, known.total_cents, known.due_on, str(known.data["reference"]), paid, differs)
    drawn = draft(owed_price(house, rental), local_day(now, house.zone), house.payment_days)
    return None if isinstance(drawn, Refused) else _Bill(NUMBER_TO_COME, drawn.gross, drawn.due_on, rental.booking.code)


def _payment(house: House, bill: _Bill | None) -> p.Payment | None:
    if bill is None or bill.cents <= 0 or bill.is_paid:
        return None
    head = house.letterhead
    return p.Payment(
        amount=bill.cents,
        currency=house.currency,
        payee=head.payee,
        iban=head.iban,
        due=bill.due_on,
        reference=bill.reference,
        bic=head.bic or "",
    )


def _access(session: Session, now: datetime, house: House, rental: Rental, room: RoomFacts) -> p.Access:
    if room.door_id is None:
        return p.NoCodes.NOT_NEEDED
    if house.code_after_payment and owed_price(house, rental).gross and not is_paid(session, rental.booking):
        return p.NoCodes.AFTER_PAYMENT
    moment = sent_from(rental.slot, house.code_hours_before)
    if house.code_hours_before is not None and moment is not None and now < moment:
        return p.CodesBefore(house.code_hours_before)
    chosen = codes.choose(session, room, rental.slot)
    if isinstance(chosen, Refused):
        return p.NoCodes.NOT_NEEDED
    name = session.scalar(select(Door.name).where(Door.id == room.door_id)) or ""
    return p.Codes(tuple(p.DoorCode(name, MASK, code.window) for code in chosen))


def _sender(house: House, base_url: str) -> p.House:
    head, office, desk = house.letterhead, house.office.office_phone, house.office.desk_phone
    return p.House(
        name=house.name,
        address=(head.legal_name, head.street, f"{head.postcode} {head.city}"),
        office=p.Phone(office, house.office.hours) if office else None,
        desk=p.Phone(desk, house.office.desk_hours) if desk else None,
        website=base_url,
        colour=house.brand,
    )


def _appointment(rental: Rental, room: RoomFacts, base_url: str) -> p.Appointment:
    """The customer's own link is a secret, so the preview's leads to the front page."""
    return p.Appointment(
        code=rental.booking.code,
        room=room.name,
        location=room.location,
        slot=rental.slot,
        zone=room.zone.key,
        status_url=f"{base_url}/",
    )
