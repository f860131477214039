"""Requests and what became of them, as lists and one by one (SPEC S8, X3)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from booking.tables.bookings import Booking, Decision, Event
from booking.tables.people import Customer
from booking.values.findings import Contact
from booking.values.house import BookedExtra, Price
from booking.values.price_json import extras_from_json, price_from_json
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import BookingState, DecisionState, Source, Verdict


@dataclass(frozen=True, slots=True)
class RestingDecision:
    """A decision that can still be undone until `final_at`."""

    verdict: Verdict
    reason: str
    decided_at: datetime
    final_at: datetime


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A booking in any state, from its request on. `findings` are those of the moment it was made, as stored.

    `group_id` is the group whose prices it has, None everybody's.
    """

    booking_id: int
    public_id: UUID
    code: str
    state: BookingState
    source: Source
    room_id: int
    slot: Slot
    people: int
    purpose: str
    language: str
    contact: Contact
    customer_id: UUID
    price_cents: int
    price: Price
    extras: tuple[BookedExtra, ...]
    group_id: int | None
    findings: tuple[dict[str, Any], ...]
    made_at: datetime
    review_at: datetime
    short_notice: bool
    end_reason: str
    decision: RestingDecision | None


def requests_page(
    session: Session,
    organisation_id: int,
    *,
    state: BookingState | None = None,
    room_id: int | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> tuple[RequestFacts, ...]:
    """The newest first. `before` is the last public id of the page before: ids grow with the moment they are made."""
    query = _selected(organisation_id).order_by(Booking.public_id.desc()).limit(limit)
    if state is not None:
        query = query.where(Booking.state == state)
    if room_id is not None:
        query = query.where(Event.room_id == room_id)
    if before is not None:
        query = query.where(Booking.public_id < before)
    return tuple(_facts(row) for row in session.execute(query))


def request_by(session: Session, organisation_id: int, public_id: UUID) -> RequestFacts:
    """Raises NotFound where the organisation has no such booking."""
    row = session.execute(_selected(organisation_id).where(Booking.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("booking", public_id)
    return _facts(row)


def _selected(organisation_id: int) -> Select[Booking, Event, Customer, Decision]:
    pending = (Decision.booking_id == Booking.id) & (Decision.state == DecisionState.PENDING)
    return (
        select(Booking, Event, Customer, Decision)
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .outerjoin(Decision, pending)
        .where(Booking.organisation_id == organisation_id)
    )


def _facts(row: Row[Booking, Event, Customer, Decision]) -> RequestFacts:
    booking, event, customer, decision = row
    return RequestFacts(
        booking_id=booking.id,
        public_id=booking.public_id,
        code=booking.code,
        state=booking.state,
        source=booking.source,
        room_id=event.room_id,
        slot=Slot(event.starts_at, event.ends_at),
        people=booking.people,
        purpose=booking.purpose,
        language=booking.language,
        contact=Contact(
            name=customer.name,
            company=customer.company,
            email=customer.email,
            phone=customer.phone,
            street=customer.street,
            postcode=customer.postcode,
            city=customer.city,
            country=customer.country,
        ),
        customer_id=customer.public_id,
        price_cents=booking.price_cents,
        price=price_from_json(booking.price),
        extras=extras_from_json(booking.extras),
        group_id=booking.group_id,
        findings=tuple(booking.findings),
        made_at=booking.made_at,
        review_at=booking.review_at,
        short_notice=booking.short_notice,
        end_reason=booking.end_reason,
        decision=_decision(decision),
    )


def _decision(row: Decision | None) -> RestingDecision | None:
    return RestingDecision(row.verdict, row.reason, row.decided_at, row.final_at) if row else None
