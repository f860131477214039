"""What the office sees first: what waits, the day's rooms, the last weeks. One bounded query each (FACE, Office)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.reads.agenda import LONGEST
from booking.tables.bookings import Booking, CaseFile, Event, Occupancy
from booking.tables.calendars import CalendarItem
from booking.tables.connections import Connection
from booking.tables.houses import RoomUnit
from booking.tables.links import CalendarLink, ImportedTime
from booking.tables.outgoing import Message, Outbox
from booking.tables.people import Customer
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState, MessageState, OccupancyKind

MOST_PLACED = 2000
MOST_MOMENTS = 5000
MOST_DUTIES = 20
LATE = timedelta(minutes=15)  # what a webhook missed is found within this time (SPEC Y4)
BROUGHT = (OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE)
BESIDES = (*BROUGHT, OccupancyKind.HELD, OccupancyKind.EVENT)


@dataclass(frozen=True, slots=True)
class Counts:
    """What waits, in numbers: for the rail of every office page. One query."""

    requests: int
    overdue: int
    now: int
    cases: int
    dead_mails: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A time taken in a room. A held time names its booking; what a calendar link brought, its title as `purpose`, and
    the link as `source`; an event of a course, its title as `purpose`, and who teaches it as `source`.

    `unit_ids` is what it takes: another room that shares a unit is taken too.
    """

    kind: OccupancyKind
    slot: Slot
    unit_ids: frozenset[int]
    room_id: int | None = None
    state: BookingState | None = None
    public_id: UUID | None = None
    party: str = ""
    purpose: str = ""
    short_notice: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """How a connection to a booking site does. `is_late`: it has not succeeded for longer than 15 minutes (C15)."""

    name: str
    polled_at: datetime | None
    failures: int
    last_error: str
    paused_at: datetime | None
    is_late: bool

    @property
    def needs_a_look(self) -> bool:
        return self.is_late or self.failures > 0 or self.paused_at is not None


@dataclass(frozen=True, slots=True)
class DeadDuty:
    """A duty other than a mail that failed for good."""

    outbox_id: int
    topic: str
    attempts: int
    last_error: str
    dead_at: datetime


def counts(session: Session, now: datetime, organisation_id: int) -> Counts:
    requested = (
        select(func.count())
        .select_from(Booking)
        .where(Booking.organisation_id == organisation_id, Booking.state == BookingState.REQUESTED)
    )
    cases = (
        select(func.count())
        .select_from(CaseFile)
        .where(CaseFile.organisation_id == organisation_id, CaseFile.closed_at.is_(None))
    )
    dead = (
        select(func.count())
        .select_from(Message)
        .where(Message.organisation_id == organisation_id, Message.state == MessageState.DEAD)
    )
    row = session.execute(
        select(
            requested.scalar_subquery(),
            requested.where(Booking.review_at < now, Booking.short_notice.is_(False)).scalar_subquery(),
            requested.where(Booking.short_notice.is_(True)).scalar_subquery(),
            cases.scalar_subquery(),
            dead.scalar_subquery(),
        )
    ).one()
    return Counts(*row)


def placed(
    session: Session, organisation_id: int, window: Slot, *, room_ids: frozenset[int] | None = None
) -> tuple[Placed, ...]:
    """All that takes time in the window, by start: bookings that stand, and held, closed or external times."""
    found = [*_bookings(session, organisation_id, window), *_besides(session, organisation_id, window)]
    if room_ids is not None:
        units = set(session.scalars(select(RoomUnit.unit_id).where(RoomUnit.room_id.in_(room_ids))))
        found = [one for one in found if one.unit_ids & units]
    return tuple(sorted(found, key=lambda one: (one.slot, one.room_id or 0)))


def made_since(session: Session, organisation_id: int, since: datetime) -> tuple[datetime, ...]:
    """When requests were made since then, at most 5,000. Public ids grow with that moment, so their index serves."""
    floor = UUID(int=int(since.timestamp() * 1000) << 80)
    query = (
        select(Booking.made_at)
        .where(Booking.organisation_id == organisation_id, Booking.public_id >= floor)
        .order_by(Booking.public_id.desc())
        .limit(MOST_MOMENTS)
    )
    return tuple(session.scalars(query))


def held_slots(session: Session, organisation_id: int, window: Slot) -> tuple[Slot, ...]:
    """The times of confirmed bookings in the window, at most 5,000."""
    query = (
        select(Event.starts_at, Event.ends_at)
        .join(Booking, Booking.event_id == Event.id)
        .where(
            Event.organisation_id == organisation_id,
            Event.starts_at >= window.start,
            Event.starts_at < window.end,
            Booking.state == BookingState.CONFIRMED,
        )
        .limit(MOST_MOMENTS)
    )
    return tuple(Slot(start, end) for start, end in session.execute(query))


def connections(session: Session, now: datetime, organisation_id: int) -> tuple[ConnectionState, ...]:
    query = select(Connection).where(Connection.organisation_id == organisation_id).order_by(Connection.name)
    return tuple(
        ConnectionState(
            row.name,
            row.polled_at,
            row.failures,
            row.last_error,
            row.paused_at,
            is_late=row.paused_at is None and row.polled_at is not None and now - row.polled_at > LATE,
        )
        for row in session.scalars(query)
    )


def dead_duties(session: Session, organisation_id: int) -> tuple[DeadDuty, ...]:
    """Duties that failed for good, mails left out (they have a page of their own); the newest 20."""
    query = (
        select(Outbox)
        .where(Outbox.organisation_id == organisation_id, Outbox.dead_at.is_not(None), Outbox.topic != "mail")
        .where(Outbox.done_at.is_(None))
        .order_by(Outbox.dead_at.desc())
        .limit(MOST_DUTIES)
    )
    return tuple(
        DeadDuty(row.id, row.topic, row.attempts, row.last_error, row.dead_at)
        for row in session.scalars(query)
        if row.dead_at is not None
    )


def _bookings(session: Session, organisation_id: int, window: Slot) -> list[Placed]:
    query = (
        select(Booking, Event, Customer, RoomUnit.unit_id)
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .outerjoin(RoomUnit, RoomUnit.room_id == Event.room_id)
        .where(
            Event.organisation_id == organisation_id,
            Event.starts_at < window.end,
            Event.starts_at > window.start - LONGEST,
            Event.ends_at > window.start,
            Booking.state.in_(OCCUPYING),
        )
        .limit(MOST_PLACED)
    )
    units: dict[int, set[int]] = {}
    rows = session.execute(query).all()
    for booking, _, _, unit_id in rows:
        units.setdefault(booking.id, set()).update({unit_id} - {None})
    known = {booking.id: (booking, event, customer) for booking, event, customer, _ in rows}
    return [
        Placed(
            kind=OccupancyKind.BOOKING,
            slot=Slot(event.starts_at, event.ends_at),
            unit_ids=frozenset(units[booking.id]),
            room_id=event.room_id,
            state=booking.state,
            public_id=booking.public_id,
            party=customer.company or customer.name,
            purpose=booking.purpose,
            short_notice=booking.short_notice,
        )
        for booking, event, customer in known.values()
    ]


def _besides(session: Session, organisation_id: int, window: Slot) -> list[Placed]:
    of = (Booking.id == Occupancy.source_id) & (Occupancy.kind == OccupancyKind.HELD)
    brought = (ImportedTime.id == Occupancy.source_id) & Occupancy.kind.in_(BROUGHT)
    of_event = (CalendarItem.event_id == Occupancy.source_id) & (Occupancy.kind == OccupancyKind.EVENT)
    query = (
        select(Occupancy, Booking, Customer, ImportedTime.summary, CalendarLink.name, CalendarItem)
        .outerjoin(Booking, of)
        .outerjoin(Customer, Customer.id == Booking.customer_id)
        .outerjoin(ImportedTime, brought)
        .outerjoin(CalendarLink, CalendarLink.id == ImportedTime.link_id)
        .outerjoin(CalendarItem, of_event)
        .where(
            Occupancy.organisation_id == organisation_id,
            Occupancy.kind.in_(BESIDES),
            Occupancy.starts_at < window.end,
            Occupancy.starts_at > window.start - LONGEST,
            Occupancy.ends_at > window.start,
        )
        .limit(MOST_PLACED)
    )
    found: dict[tuple[OccupancyKind, int, Slot], Placed] = {}
    for row, booking, customer, summary, link, taught in session.execute(query):
        slot = Slot(row.starts_at, row.ends_at)
        known = found.get((row.kind, row.source_id, slot))
        if known is None:
            made = Placed(row.kind, slot, frozenset({row.unit_id}), **_names(booking, customer, summary, link, taught))
        else:
            made = replace(known, unit_ids=known.unit_ids | {row.unit_id})
        found[row.kind, row.source_id, slot] = made
    return list(found.values())


def _names(
    booking: Booking | None,
    customer: Customer | None,
    summary: str | None,
    link: str | None,
    taught: CalendarItem | None,
) -> dict[str, Any]:
    return {
        "public_id": booking.public_id if booking else None,
        "party": (customer.company or customer.name) if customer else "",
        "purpose": taught.title if taught else summary or "",
        "source": taught.party if taught else link or "",
    }
