"""The issued invoices, page by page, with whether they are paid (SPEC S12)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from booking.reads.rentals import is_of_rental, rental_of
from booking.tables.bookings import Booking
from booking.tables.outgoing import Invoice, InvoiceFile, Settlement
from booking.tables.people import Customer
from booking.values.refusals import NotFound


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One invoice. `has_file`: its PDF was rendered; `paid_at` None: nobody noted a payment.

    It was issued for the booking `booking_id`, whose code is its reference. `present_id` is the booking that stands for
    that rental now: where it was moved another one, where it was cancelled the last one that was confirmed.
    """

    invoice_id: int
    public_id: UUID
    number: str
    issued_at: datetime
    due_on: date
    total_cents: int
    booking_id: UUID | None
    booking_code: str
    present_id: UUID | None
    customer_id: UUID
    party: str
    has_file: bool
    paid_at: datetime | None
    paid_note: str


def invoices_page(
    session: Session,
    organisation_id: int,
    *,
    paid: bool | None = None,
    customer: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> tuple[InvoiceLine, ...]:
    """The newest first. `before` is the last public id of the page before; one query."""
    query = _selected(organisation_id)
    if paid is not None:
        query = query.where(Settlement.id.is_not(None) if paid else Settlement.id.is_(None))
    if customer is not None:
        query = query.where(Customer.public_id == customer)
    if before is not None:
        query = query.where(Invoice.public_id < before)
    return tuple(_line(row) for row in session.execute(query.order_by(Invoice.public_id.desc()).limit(limit)))


def invoice_by(session: Session, organisation_id: int, public_id: UUID) -> InvoiceLine:
    """Raises NotFound where the organisation has no such invoice."""
    row = session.execute(_selected(organisation_id).where(Invoice.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("invoice", public_id)
    return _line(row)


_Later = aliased(Booking, name="later")
_PRESENT = (
    select(_Later.public_id)
    .where(is_of_rental(_Later, rental_of(Booking)), _Later.confirmed_at.is_not(None))
    .order_by(_Later.id.desc())
    .limit(1)
    .correlate(Booking)
    .scalar_subquery()
)


def _selected(organisation_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Invoice.id,
            Invoice.public_id,
            Invoice.number,
            Invoice.issued_at,
            Invoice.due_on,
            Invoice.total_cents,
            Booking.public_id.label("booking_id"),
            Booking.code,
            _PRESENT.label("present_id"),
            Customer.public_id.label("customer_id"),
            Customer.name,
            Customer.company,
            InvoiceFile.id.label("file_id"),
            Settlement.at.label("paid_at"),
            Settlement.note,
        )
        .join(Customer, Customer.id == Invoice.customer_id)
        .outerjoin(Booking, Booking.id == Invoice.booking_id)
        .outerjoin(InvoiceFile, InvoiceFile.invoice_id == Invoice.id)
        .outerjoin(Settlement, Settlement.invoice_id == Invoice.id)
        .where(Invoice.organisation_id == organisation_id)
    )


def _line(row: Any) -> InvoiceLine:
    return InvoiceLine(
        invoice_id=row.id,
        public_id=row.public_id,
        number=row.number,
        issued_at=row.issued_at,
        due_on=row.due_on,
        total_cents=row.total_cents,
        booking_id=row.booking_id,
        booking_code=row.code or "",
        present_id=row.present_id or row.booking_id,
        customer_id=row.customer_id,
        party=row.company or row.name,
        has_file=row.file_id is not None,
        paid_at=row.paid_at,
        paid_note=row.note or "",
    )
