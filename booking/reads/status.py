"""A rental as its own customer sees it (SPEC S6, S10, S27), and the legal texts that were accepted (SPEC S4, X9).

A door code is never read here: the page says where it stands, not what it is.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from booking.reads.rentals import invoice_of_rental, settled_rentals
from booking.tables.bookings import Booking, Event
from booking.tables.doors import DoorCode
from booking.tables.houses import Terms, TermsKind
from booking.tables.people import Customer
from booking.values.house import Price
from booking.values.money import Cents
from booking.values.price_json import price_from_json
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState, CodeState


@dataclass(frozen=True, slots=True)
class Bill:
    """The invoice as far as the customer has to pay it. `reference` is the booking code on it (SPEC S13)."""

    number: str
    reference: str
    total_cents: Cents
    due_on: date
    paid: bool


@dataclass(frozen=True, slots=True)
class Other:
    """The rental that this one replaces, or the request that will replace this one."""

    public_id: UUID
    link_generation: int
    slot: Slot
    state: BookingState


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """All that the status page shows. `codes` counts the codes given out for it; `told` that the desk read one out."""

    organisation_id: int
    booking_id: int
    public_id: UUID
    link_generation: int
    customer_id: int
    room_id: int
    code: str
    state: BookingState
    slot: Slot
    people: int
    purpose: str
    language: str
    name: str
    email: str
    price: Price
    made_at: datetime
    review_at: datetime
    verify_by: datetime | None
    verified_at: datetime | None
    confirmed_at: datetime | None
    ended_at: datetime | None
    end_reason: str
    codes: int
    told: bool
    bill: Bill | None
    replaces: Other | None
    replaced_by: Other | None

    @property
    def gross(self) -> Cents:
        return self.price.gross

    @property
    def is_unverified(self) -> bool:
        """Whether it still waits for its mail address to be confirmed (SPEC S26)."""
        return self.state is BookingState.REQUESTED and self.verify_by is not None and self.verified_at is None


@dataclass(frozen=True, slots=True)
class LegalText:
    """One published version of a legal text."""

    terms_id: int
    kind: TermsKind
    language: str
    version: int
    text: str
    published_at: datetime


def status_by_link(session: Session, link_hash: bytes) -> StatusFacts | None:
    """The rental whose mails carry the link with this SHA-256; None where nobody ever had it."""
    return _status(session, Booking.link_hash == link_hash)


def status_by_id(session: Session, public_id: UUID) -> StatusFacts | None:
    """The rental with this public id. The caller has checked that the reader may see it."""
    return _status(session, Booking.public_id == public_id)


def legal_texts(session: Session, organisation_id: int, now: datetime, *languages: str) -> dict[TermsKind, LegalText]:
    """The versions in force: of each kind the newest in the first of the languages that has one."""
    found: dict[TermsKind, LegalText] = {}
    rank = {language: place for place, language in enumerate(languages)}
    query = select(Terms).where(Terms.organisation_id == organisation_id, Terms.published_at <= now)
    for text in session.scalars(query.order_by(Terms.version, Terms.id)):
        known = found.get(text.kind)
        place = rank.get(text.language, len(rank))
        if known is None or place <= rank.get(known.language, len(rank)):
            found[text.kind] = _legal(text)
    return found


def legal_versions(session: Session, organisation_id: int, now: datetime, kind: TermsKind) -> tuple[LegalText, ...]:
    """All published versions of one kind in all languages, the newest first."""
    query = (
        select(Terms)
        .where(Terms.organisation_id == organisation_id, Terms.kind == kind, Terms.published_at <= now)
        .order_by(Terms.version.desc(), Terms.language)
    )
    return tuple(_legal(text) for text in session.scalars(query))


def _legal(row: Terms) -> LegalText:
    return LegalText(row.id, row.kind, row.language, row.version, row.text, row.published_at)


def _status(session: Session, condition: ColumnElement[bool]) -> StatusFacts | None:
    row = session.execute(
        select(Booking, Event, Customer)
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(condition)
    ).one_or_none()
    if row is None:
        return None
    booking, event, customer = row
    told = session.scalars(
        select(DoorCode.told_by_phone).where(DoorCode.booking_id == booking.id, DoorCode.state == CodeState.ISSUED)
    ).all()
    return StatusFacts(
        organisation_id=booking.organisation_id,
        booking_id=booking.id,
        public_id=booking.public_id,
        link_generation=booking.link_generation,
        customer_id=customer.id,
        room_id=event.room_id,
        code=booking.code,
        state=booking.state,
        slot=Slot(event.starts_at, event.ends_at),
        people=booking.people,
        purpose=booking.purpose,
        language=booking.language,
        name=customer.name,
        email=customer.email,
        price=price_from_json(booking.price),
        made_at=booking.made_at,
        review_at=booking.review_at,
        verify_by=booking.verify_by,
        verified_at=booking.verified_at,
        confirmed_at=booking.confirmed_at,
        ended_at=booking.ended_at,
        end_reason=booking.end_reason,
        codes=len(told),
        told=any(told),
        bill=_bill(session, booking),
        replaces=_other(session, Booking.id == booking.replaces_id) if booking.replaces_id else None,
        replaced_by=_other(session, Booking.replaces_id == booking.id, Booking.state.in_(OCCUPYING)),
    )


def _bill(session: Session, booking: Booking) -> Bill | None:
    """A rental that was moved keeps its invoice."""
    invoice = invoice_of_rental(session, booking)
    if invoice is None:
        return None
    paid = booking.price_cents == 0 or bool(settled_rentals(session, [booking.rental_id]))
    return Bill(invoice.number, str(invoice.data["reference"]), invoice.total_cents, invoice.due_on, paid)


def _other(session: Session, *conditions: ColumnElement[bool]) -> Other | None:
    row = session.execute(
        select(Booking.public_id, Booking.link_generation, Event.starts_at, Event.ends_at, Booking.state)
        .join(Event, Event.id == Booking.event_id)
        .where(*conditions)
        .order_by(Booking.id.desc())
        .limit(1)
    ).one_or_none()
    return Other(row[0], row[1], Slot(row[2], row[3]), row[4]) if row else None
