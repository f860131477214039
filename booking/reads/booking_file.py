"""One booking in any state with all that the office keeps about it: money, codes (never their text), history (X5)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from booking.reads.customers import StandingDiscount, discount_of
from booking.reads.rentals import Billed, is_of_rental, rental_of
from booking.tables.bookings import AuditEntry, Booking
from booking.tables.connections import RemoteBooking
from booking.tables.doors import Door, DoorCode
from booking.tables.outgoing import Invoice, InvoiceFile, Settlement
from booking.tables.people import Customer
from booking.values.house import Price
from booking.values.price_json import price_from_json
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import CodeState

MOST_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Marks:
    """What `booking.reads.requests.RequestFacts` leaves out."""

    customer_id: UUID
    contact_language: str
    discount: StandingDiscount
    price: Price
    confirmed_at: datetime | None
    ended_at: datetime | None
    unverified: bool
    no_show: bool
    follow_up: str
    refs: tuple[str, ...]
    replaces: UUID | None
    replaced_by: UUID | None
    move_fee_cents: int


@dataclass(frozen=True, slots=True)
class CodeMark:
    """A code that the booking holds or held, without its text."""

    door: str
    window: Slot
    state: CodeState
    told_by_phone: bool


@dataclass(frozen=True, slots=True)
class InvoiceMark:
    invoice_pk: int
    public_id: UUID
    number: str
    issued_at: datetime
    due_on: date
    total_cents: int
    has_file: bool
    paid_at: datetime | None
    paid_note: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: who, when, from where, before and after (SPEC X5)."""

    at: datetime
    actor: str
    origin: str
    subject: str
    action: str
    before: dict[str, Any]
    after: dict[str, Any]


def marks_of(session: Session, organisation_id: int, booking_id: int) -> Marks:
    """Raises NotFound where the organisation has no such booking."""
    row = session.execute(
        select(Booking, Customer)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(Booking.organisation_id == organisation_id, Booking.id == booking_id)
    ).one_or_none()
    if row is None:
        raise NotFound("booking", booking_id)
    booking, customer = row
    kin = session.execute(
        select(Booking.id, Booking.public_id)
        .where(Booking.organisation_id == organisation_id)
        .where(or_(Booking.id == booking.replaces_id, Booking.replaces_id == booking.id))
        .order_by(Booking.id)
    ).all()
    refs = session.scalars(
        select(RemoteBooking.ref)
        .where(RemoteBooking.booking_id == booking.id, RemoteBooking.ours.is_(False), RemoteBooking.ref != "")
        .order_by(RemoteBooking.id)
    )
    return Marks(
        customer_id=customer.public_id,
        contact_language=customer.language,
        discount=discount_of(customer),
        price=price_from_json(booking.price),
        confirmed_at=booking.confirmed_at,
        ended_at=booking.ended_at,
        unverified=booking.verify_by is not None and booking.verified_at is None,
        no_show=booking.no_show,
        follow_up=booking.follow_up,
        refs=tuple(refs),
        replaces=next((public_id for key, public_id in kin if key == booking.replaces_id), None),
        replaced_by=next((public_id for key, public_id in reversed(kin) if key != booking.replaces_id), None),
        move_fee_cents=booking.move_fee_cents,
    )


def codes_of(session: Session, organisation_id: int, booking_id: int) -> tuple[CodeMark, ...]:
    query = (
        select(DoorCode, Door.name)
        .join(Door, Door.id == DoorCode.door_id)
        .where(DoorCode.organisation_id == organisation_id, DoorCode.booking_id == booking_id)
        .order_by(DoorCode.starts_at, DoorCode.id)
    )
    return tuple(
        CodeMark(door, Slot(code.starts_at, code.ends_at), code.state, code.told_by_phone)
        for code, door in session.execute(query)
    )


def invoice_of(session: Session, organisation_id: int, booking_id: int) -> InvoiceMark | None:
    """The invoice of the rental that the booking stands or stood for: one through all its moves (SPEC S12, S27)."""
    asked = select(rental_of()).where(Booking.organisation_id == organisation_id, Booking.id == booking_id)
    return _invoice(session, Invoice.organisation_id == organisation_id, is_of_rental(Billed, asked.scalar_subquery()))


def invoice_pdf(session: Session, organisation_id: int, public_id: UUID) -> tuple[str, bytes]:
    """Number and PDF of an invoice. Raises NotFound before it was rendered, or where the organisation has none such."""
    row = session.execute(
        select(Invoice.number, InvoiceFile.pdf)
        .join(InvoiceFile, InvoiceFile.invoice_id == Invoice.id)
        .where(Invoice.organisation_id == organisation_id, Invoice.public_id == public_id)
    ).one_or_none()
    if row is None:
        raise NotFound("invoice file", public_id)
    return row.number, row.pdf


def history_of(session: Session, organisation_id: int, booking_id: int, invoice_pk: int | None) -> tuple[Entry, ...]:
    """All changes of a booking and of its invoice, the oldest first."""
    return _entries(session, organisation_id, (("booking", booking_id), ("invoice", invoice_pk)))


def history_of_customer(session: Session, organisation_id: int, customer_id: int) -> tuple[Entry, ...]:
    return _entries(session, organisation_id, (("customer", customer_id),))


def _entries(session: Session, organisation_id: int, subjects: tuple[tuple[str, int | None], ...]) -> tuple[Entry, ...]:
    about = [
        (AuditEntry.subject == subject) & (AuditEntry.subject_id == key) for subject, key in subjects if key is not None
    ]
    query = (
        select(AuditEntry)
        .where(AuditEntry.organisation_id == organisation_id, or_(*about))
        .order_by(AuditEntry.id.desc())
        .limit(MOST_ENTRIES)
    )
    rows = sorted(session.scalars(query), key=lambda row: (row.at, row.id))
    return tuple(
        Entry(row.at, row.actor, row.origin, row.subject, row.action, dict(row.before), dict(row.after)) for row in rows
    )


def _invoice(session: Session, *conditions: Any) -> InvoiceMark | None:
    row = session.execute(
        select(Invoice, Settlement, InvoiceFile.id)
        .join(Billed, Billed.id == Invoice.booking_id)
        .outerjoin(Settlement, Settlement.invoice_id == Invoice.id)
        .outerjoin(InvoiceFile, InvoiceFile.invoice_id == Invoice.id)
        .where(*conditions)
        .order_by(Invoice.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    invoice, file_id = row[0], row[2]
    settlement: Settlement | None = row[1]
    return InvoiceMark(
        invoice_pk=invoice.id,
        public_id=invoice.public_id,
        number=invoice.number,
        issued_at=invoice.issued_at,
        due_on=invoice.due_on,
        total_cents=invoice.total_cents,
        has_file=file_id is not None,
        paid_at=settlement.at if settlement else None,
        paid_note=settlement.note if settlement else "",
    )
