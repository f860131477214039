"""The mail that a decision sends, before it is decided: the same letter as the worker writes, its codes masked."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import codes
from booking.actions.billing import with_standing_discount
from booking.actions.rentals import Rental, load_rental
from booking.reads.house import House, RoomFacts
from booking.rules.doorcodes import code_window
from booking.rules.invoicing import InvoiceDraft, draft
from booking.tables.doors import Door
from booking.values.clock import local_day
from booking.values.price_json import price_from_json
from booking.values.refusals import Refused
from booking.values.states import Verdict
from papers import letters as p
from papers.mails import render
from web.office.mail_body import MASK, Body, read_draft

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
    invoice = _invoice(now, house, rental, room)
    return read_draft(
        render(
            p.Confirmation(
                **shared,
                access=_access(session, now, house, rental, room),
                price=price_from_json(rental.booking.price),
                currency=house.currency,
                payment=_payment(house, invoice),
                invoice_number=NUMBER_TO_COME if invoice else None,
            )
        )
    )


def amount_due(now: datetime, house: House, rental: Rental) -> int:
    """What the invoice will ask for: the frozen price under the standing discount (SPEC S19)."""
    invoice = _invoice(now, house, rental, house.room(rental.event.room_id))
    return invoice.gross if invoice else 0


def _invoice(now: datetime, house: House, rental: Rental, room: RoomFacts) -> InvoiceDraft | None:
    price = price_from_json(rental.booking.price)
    reduced = with_standing_discount(price, rental.customer, local_day(rental.event.starts_at, room.zone))
    drawn = draft(reduced, local_day(now, house.zone), house.payment_days)
    return None if isinstance(drawn, Refused) else drawn


def _payment(house: House, invoice: InvoiceDraft | None) -> p.Payment | None:
    if invoice is None or invoice.gross <= 0:
        return None
    head = house.letterhead
    return p.Payment(
        amount=invoice.gross,
        currency=house.currency,
        payee=head.payee,
        iban=head.iban,
        due=invoice.due_on,
        bic=head.bic or "",
    )


def _access(session: Session, now: datetime, house: House, rental: Rental, room: RoomFacts) -> p.Access:
    if room.door_id is None:
        return p.NoCodes.NOT_NEEDED
    if house.code_after_payment and rental.booking.price_cents:
        return p.NoCodes.AFTER_PAYMENT
    begins = code_window(rental.slot, room.terms).start
    if house.code_hours_before is not None and now < begins - timedelta(hours=house.code_hours_before):
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
