"""Matters that a person has to decide (SPEC S10, Y6, C9), with the booking that each is about."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking.tables.bookings import Booking, CaseFile, Event
from booking.tables.people import Customer
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import BookingState

MOST = 100
TOLD = (
    "site",
    "link",
    "fell",
    "ref",
    "error",
    "invoice",
    "issued_cents",
    "price_cents",
    "issued_day",
    "new_day",
    "issued_minutes",
    "new_minutes",
    "paid_cents",
    "fee_cents",
    "cents",
    "lacking",
    "door",
    "season",
    "left",
    "last_day",
    "starts_at",
    "ends_at",
    "summary",
    "count",
    "hold",
    "reason",
    "ours",
    "theirs",
    "conflicts",
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case. The fields of its booking are None where it is about none; `facts` are as they were when it opened."""

    case_id: int
    kind: str
    facts: dict[str, Any]
    opened_at: datetime
    closed_at: datetime | None
    resolution: str
    booking_id: int | None = None
    public_id: UUID | None = None
    code: str = ""
    state: BookingState | None = None
    party: str = ""
    room_id: int | None = None
    slot: Slot | None = None


def mark_of(facts: Mapping[str, Any]) -> str:
    """The same for the same facts: to this a decision is bound, since a case may be renewed while somebody reads it."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def open_cases(session: Session, organisation_id: int) -> tuple[CaseLine, ...]:
    """The oldest first, at most 100; one query."""
    query = _selected(organisation_id).where(CaseFile.closed_at.is_(None)).order_by(CaseFile.opened_at, CaseFile.id)
    return tuple(_line(*row) for row in session.execute(query.limit(MOST)))


def cases_page(
    session: Session, organisation_id: int, *, closed: bool, before: int | None = None, limit: int = MOST
) -> tuple[CaseLine, ...]:
    """Open or closed cases, the newest first; `before` is the last id of the page before. One query."""
    query = _selected(organisation_id).where(
        CaseFile.closed_at.is_not(None) if closed else CaseFile.closed_at.is_(None)
    )
    if before is not None:
        query = query.where(CaseFile.id < before)
    return tuple(_line(*row) for row in session.execute(query.order_by(CaseFile.id.desc()).limit(limit)))


def told_facts(case: CaseLine) -> dict[str, Any]:
    """The facts that people are told; inner keys stay inside."""
    known = {name: case.facts[name] for name in TOLD if case.facts.get(name) not in (None, "")}
    return {name: value for name, value in known.items() if not (name == "site" and isinstance(value, int))}


def cases_of(session: Session, organisation_id: int, booking_id: int) -> tuple[CaseLine, ...]:
    """The open cases about one booking."""
    query = _selected(organisation_id).where(CaseFile.closed_at.is_(None), CaseFile.booking_id == booking_id)
    return tuple(_line(*row) for row in session.execute(query.order_by(CaseFile.id)))


def cases_of_link(session: Session, organisation_id: int, link_id: int) -> tuple[CaseLine, ...]:
    """The open cases that a calendar link brought, the oldest first."""
    query = _selected(organisation_id).where(CaseFile.closed_at.is_(None), CaseFile.kind.startswith("link-"))
    found = (_line(*row) for row in session.execute(query.order_by(CaseFile.opened_at, CaseFile.id)))
    return tuple(one for one in found if one.facts.get("link_id") == link_id)


def case_by(session: Session, organisation_id: int, case_id: int) -> CaseLine:
    """Raises NotFound where the organisation has no such case."""
    row = session.execute(_selected(organisation_id).where(CaseFile.id == case_id)).one_or_none()
    if row is None:
        raise NotFound("case", case_id)
    return _line(*row)


def _selected(organisation_id: int) -> Select[CaseFile, Booking, Event, Customer]:
    return (
        select(CaseFile, Booking, Event, Customer)
        .outerjoin(Booking, Booking.id == CaseFile.booking_id)
        .outerjoin(Event, Event.id == Booking.event_id)
        .outerjoin(Customer, Customer.id == Booking.customer_id)
        .where(CaseFile.organisation_id == organisation_id)
    )


def _line(case: CaseFile, booking: Booking | None, event: Event | None, customer: Customer | None) -> CaseLine:
    known = CaseLine(case.id, case.kind, dict(case.facts), case.opened_at, case.closed_at, case.resolution)
    if booking is None or event is None or customer is None:
        return known
    return CaseLine(
        known.case_id,
        known.kind,
        known.facts,
        known.opened_at,
        known.closed_at,
        known.resolution,
        booking_id=booking.id,
        public_id=booking.public_id,
        code=booking.code,
        state=booking.state,
        party=customer.company or customer.name,
        room_id=event.room_id,
        slot=Slot(event.starts_at, event.ends_at),
    )
