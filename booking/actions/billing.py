"""The invoice of a rental and the one mail (SPEC S11, S12, S18, S19). The number is taken last (DESIGN rule 6)."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from booking.actions import messages
from booking.actions.cases import open_case
from booking.actions.messages import MailKind
from booking.actions.rentals import Rental
from booking.reads.house import House
from booking.rules.invoicing import InvoiceDraft, draft, invoice_number
from booking.rules.pricing import discounted
from booking.tables.outgoing import Counter, Invoice
from booking.tables.people import Customer
from booking.values.clock import local_day
from booking.values.house import Discount, Price
from booking.values.identity import new_uuid
from booking.values.price_json import price_from_json
from booking.values.refusals import Refused

INVOICE = "invoice"


def bill(session: Session, now: datetime, house: House, rental: Rental) -> None:
    """Issue the invoice of a confirmed rental, unless it has one or costs nothing, and post the mail of S11.

    A rental that was moved keeps its invoice; where the new price differs, the office gets a case to correct it.
    """
    invoice = _earlier_invoice(session, now, house, rental) or _issue(session, now, house, rental)
    messages.post(
        session,
        now,
        house,
        MailKind.CONFIRMATION,
        to=rental.customer.email,
        name=rental.customer.name,
        language=rental.booking.language,
        booking_id=rental.booking.id,
        facts={"invoice_id": invoice.id} if invoice else {},
    )


def issued_invoice(session: Session, booking_id: int) -> Invoice | None:
    return session.scalar(select(Invoice).where(Invoice.booking_id == booking_id))


def _earlier_invoice(session: Session, now: datetime, house: House, rental: Rental) -> Invoice | None:
    booking = rental.booking
    invoice = issued_invoice(session, booking.id)
    if invoice or booking.replaces_id is None:
        return invoice
    invoice = issued_invoice(session, booking.replaces_id)
    if invoice and invoice.total_cents != booking.price_cents:
        facts = {"invoice": invoice.number, "issued_cents": invoice.total_cents, "price_cents": booking.price_cents}
        open_case(session, now, house.organisation_id, "invoice-differs", f"{booking.id}", booking.id, facts)
    return invoice


def _issue(session: Session, now: datetime, house: House, rental: Rental) -> Invoice | None:
    room = house.room(rental.event.room_id)
    served_on = local_day(rental.event.starts_at, room.zone)
    price = with_standing_discount(price_from_json(rental.booking.price), rental.customer, served_on)
    issued_on = local_day(now, house.zone)
    amounts = draft(price, issued_on, house.payment_days)
    if isinstance(amounts, Refused):
        return None
    number = invoice_number(issued_on.year, next_number(session, house.organisation_id, INVOICE, issued_on.year))
    invoice = Invoice(
        organisation_id=house.organisation_id,
        public_id=new_uuid(now),
        booking_id=rental.booking.id,
        customer_id=rental.customer.id,
        number=number,
        issued_at=now,
        due_on=amounts.due_on,
        total_cents=amounts.gross,
        data=_frozen(house, rental, amounts, number, served_on),
    )
    session.add(invoice)
    session.flush()  # the mail names the row
    return invoice


def with_standing_discount(price: Price, customer: Customer, served_on: date) -> Price:
    """The frozen price under the discount that the office keeps by hand, where it holds on that day (SPEC S19)."""
    begun = customer.discount_from is None or customer.discount_from <= served_on
    over = customer.discount_until is not None and customer.discount_until < served_on
    if not begun or over or not (customer.discount_percent or customer.discount_cents):
        return price
    note = customer.discount_note or "Standing discount"
    return discounted(price, Discount(note, customer.discount_percent, customer.discount_cents))


def next_number(session: Session, organisation_id: int, kind: str, year: int) -> int:
    """The next number of a series without gaps: the counter row stays locked until the transaction ends."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    statement = (
        insert(Counter)
        .values(organisation_id=organisation_id, kind=kind, year=year, last=1)
        .on_conflict_do_update(index_elements=["organisation_id", "kind", "year"], set_={"last": Counter.last + 1})
        .returning(Counter.last)
    )
    return session.execute(statement).scalar_one()


def _frozen(house: House, rental: Rental, amounts: InvoiceDraft, number: str, served_on: date) -> dict[str, Any]:
    """All data of the document as plain JSON; the PDF is made of this and nothing else."""
    customer, letterhead, room = rental.customer, house.letterhead, house.room(rental.event.room_id)
    return {
        "number": number,
        "issued_on": amounts.issued_on.isoformat(),
        "due_on": amounts.due_on.isoformat(),
        "served_on": served_on.isoformat(),
        "starts_at": rental.event.starts_at.isoformat(),
        "ends_at": rental.event.ends_at.isoformat(),
        "zone": room.zone.key,
        "room": room.name,
        "language": rental.booking.language,
        "currency": house.currency,
        "reference": rental.booking.code,
        "seller": asdict(letterhead) | {"name": house.name},
        "buyer": {
            "name": customer.name,
            "company": customer.company,
            "street": customer.street,
            "postcode": customer.postcode,
            "city": customer.city,
            "country": customer.country,
        },
        "lines": [asdict(line) for line in amounts.lines],
        "totals": [asdict(total) for total in amounts.totals],
        "exemption": amounts.exemption,
        "net": amounts.net,
        "vat": amounts.vat,
        "gross": amounts.gross,
    }
