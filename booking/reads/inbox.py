"""The office's inbox: requests that wait, in the order in which they are to be looked at (SPEC S8, S15)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from booking.tables.bookings import Booking, Decision, Event
from booking.tables.connections import RemoteBooking
from booking.tables.people import Customer, Staff
from booking.values.codes import read_booking_code
from booking.values.slot import Slot
from booking.values.states import BookingState, DecisionState, Source, Verdict, Weight

MOST_WAITING = 300
MOST_FOUND = 25
SHORTEST = 2


class Urgency(IntEnum):
    """In which order requests are looked at."""

    NOW = 0  # on short notice: the customer was asked to call
    OVERDUE = 1
    WAITING = 2
    RESTING = 3  # decided, and can still be undone


@dataclass(frozen=True, slots=True)
class Resting:
    """A decision that can be undone until `final_at`, and who made it."""

    verdict: Verdict
    reason: str
    decided_at: datetime
    final_at: datetime
    staff_id: int | None
    staff: str


@dataclass(frozen=True, slots=True)
class Line:
    """One booking in a list. `heaviest` is the weight of its gravest finding when it was made."""

    booking_id: int
    public_id: UUID
    code: str
    state: BookingState
    source: Source
    name: str
    company: str
    email: str
    phone: str
    purpose: str
    people: int
    room_id: int
    slot: Slot
    price_cents: int
    made_at: datetime
    review_at: datetime
    short_notice: bool
    unverified: bool
    heaviest: Weight | None
    decision: Resting | None

    @property
    def party(self) -> str:
        return self.company or self.name


def urgency(line: Line, now: datetime) -> Urgency:
    if line.decision is not None:
        return Urgency.RESTING
    if line.short_notice:
        return Urgency.NOW
    return Urgency.OVERDUE if line.review_at < now else Urgency.WAITING


def waiting(session: Session, now: datetime, organisation_id: int) -> tuple[Line, ...]:
    """Requests that wait: *now* on top, then what is overdue, then by deadline, last what is decided; one query.

    At most 300, cut in that order, so that nothing urgent is beyond the end.
    """
    query = (
        lines_query(organisation_id)
        .where(Booking.state == BookingState.REQUESTED)
        .order_by(Decision.id.is_not(None), Booking.short_notice.desc(), Booking.review_at, Event.starts_at, Booking.id)
        .limit(MOST_WAITING)
    )
    lines = [_line(*row) for row in session.execute(query)]
    return tuple(sorted(lines, key=lambda line: (urgency(line, now), line.review_at, line.slot.start, line.booking_id)))


def matches(line: Line, typed: str) -> bool:
    """Whether every word typed stands somewhere in the line; a booking code in any of its written forms."""
    text = f"{line.name} {line.company} {line.email} {line.phone} {line.purpose} {line.code}".casefold()
    code = read_booking_code(typed)
    return line.code == code if code else all(word in text for word in typed.casefold().split())


def found(session: Session, organisation_id: int, typed: str, but: Collection[int] = ()) -> tuple[Line, ...]:
    """Bookings in any state by booking code, name, mail address or phone, the newest 25; `but` are shown already."""
    if len(typed.strip()) < SHORTEST:
        return ()
    code = read_booking_code(typed)
    named = [column.ilike(f"%{_literal(form)}%", escape="\\") for form in _forms(typed) for column in _SEARCHED]
    of_site = select(RemoteBooking.booking_id).where(
        RemoteBooking.organisation_id == organisation_id, RemoteBooking.ref == typed.strip()
    )
    query = (
        lines_query(organisation_id)
        .where(Booking.id.not_in(but))
        .where(Booking.code == code if code else or_(*named, Booking.id.in_(of_site)))
        .order_by(Booking.public_id.desc())
        .limit(MOST_FOUND)
    )
    return tuple(_line(*row) for row in session.execute(query))


def lines_of(session: Session, organisation_id: int, public_ids: list[UUID]) -> tuple[Line, ...]:
    """The bookings named, in that order; those of others are left out."""
    rows = session.execute(lines_query(organisation_id).where(Booking.public_id.in_(public_ids)))
    known = {line.public_id: line for line in (_line(*row) for row in rows)}
    return tuple(known[public_id] for public_id in public_ids if public_id in known)


def of_contact(session: Session, organisation_id: int, contact: list[int], limit: int = 10) -> tuple[Line, ...]:
    """The bookings under one contact's customer files, the latest start first."""
    query = (
        lines_query(organisation_id)
        .where(Booking.customer_id.in_(contact))
        .order_by(Event.starts_at.desc(), Booking.id.desc())
        .limit(limit)
    )
    return tuple(_line(*row) for row in session.execute(query))


def resting_of(session: Session, now: datetime, organisation_id: int, staff_id: int) -> tuple[Line, ...]:
    """What this person decided and can still undo, the newest first, at most three."""
    query = (
        lines_query(organisation_id)
        .where(Decision.staff_id == staff_id, Decision.final_at > now)
        .order_by(Decision.id.desc())
        .limit(3)
    )
    return tuple(_line(*row) for row in session.execute(query))


def last_decision(session: Session, organisation_id: int, booking_id: int) -> Resting | None:
    """Who decided last, whatever became of it: what the slower of two reviewers is told."""
    query = (
        select(Decision, Staff)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .where(
            Decision.organisation_id == organisation_id,
            Decision.booking_id == booking_id,
            Decision.state != DecisionState.UNDONE,
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    return _resting(*row) if row else None


def lines_query(organisation_id: int) -> Select[Booking, Event, Customer, Decision, Staff]:
    pending = (Decision.booking_id == Booking.id) & (Decision.state == DecisionState.PENDING)
    return (
        select(Booking, Event, Customer, Decision, Staff)
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .outerjoin(Decision, pending)
        .outerjoin(Staff, Staff.id == Decision.staff_id)
        .where(Booking.organisation_id == organisation_id)
    )


_SEARCHED = (Customer.name, Customer.company, Customer.email, Customer.phone)


def _forms(typed: str) -> set[str]:
    """SQLite folds the case of ASCII letters only."""
    text = typed.strip()
    return {text, text.lower(), text.upper(), text.title()}


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _line(booking: Booking, event: Event, customer: Customer, decision: Decision | None, staff: Staff | None) -> Line:
    weights = {finding.get("weight") for finding in booking.findings}
    return Line(
        booking_id=booking.id,
        public_id=booking.public_id,
        code=booking.code,
        state=booking.state,
        source=booking.source,
        name=customer.name,
        company=customer.company,
        email=customer.email,
        phone=customer.phone,
        purpose=booking.purpose,
        people=booking.people,
        room_id=event.room_id,
        slot=Slot(event.starts_at, event.ends_at),
        price_cents=booking.price_cents,
        made_at=booking.made_at,
        review_at=booking.review_at,
        short_notice=booking.short_notice,
        unverified=booking.verify_by is not None and booking.verified_at is None,
        heaviest=next((weight for weight in (Weight.STOP, Weight.WARN, Weight.INFO) if weight in weights), None),
        decision=_resting(decision, staff) if decision else None,
    )


def _resting(decision: Decision, staff: Staff | None) -> Resting:
    return Resting(
        verdict=decision.verdict,
        reason=decision.reason,
        decided_at=decision.decided_at,
        final_at=decision.final_at,
        staff_id=decision.staff_id,
        staff=staff.name if staff else "",
    )
