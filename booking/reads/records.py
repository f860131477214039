"""What the house knows about a contact when a request is judged (SPEC S8), and what waits for a review (SPEC S26)."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.orm import Session

from booking.reads.house import House
from booking.rules.admission import OpenRequests
from booking.rules.opening import in_season
from booking.tables.bookings import Booking, Event
from booking.tables.outgoing import Invoice, Settlement
from booking.tables.people import Customer
from booking.values.clock import local_day
from booking.values.findings import Record
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState

MEMORY = timedelta(days=730)
# Built once, on the tables alone: under a race the building of statements costs more than their execution.
_FILES, _BOOKINGS, _EVENTS = Customer.__table__.c, Booking.__table__.c, Event.__table__
_SAME_ADDRESS = select(_FILES.id).where(
    _FILES.organisation_id == bindparam("organisation_id"), _FILES.email == bindparam("email")
)
_OPEN = (
    select(
        func.count(case((_BOOKINGS.customer_id.in_(bindparam("contact", expanding=True)), 1))),
        func.count(case((_BOOKINGS.made_from == bindparam("made_from"), 1))),
        func.count(case((_EVENTS.c.room_id == bindparam("room_id"), 1))),
    )
    .join(_EVENTS, _EVENTS.c.id == _BOOKINGS.event_id)
    .where(_BOOKINGS.organisation_id == bindparam("organisation_id"), _BOOKINGS.state == BookingState.REQUESTED)
)


def contact_ids(session: Session, organisation_id: int, email: str) -> list[int]:
    """All customer files under one mail address."""
    given = {"organisation_id": organisation_id, "email": email.strip().lower()}
    return list(session.scalars(_SAME_ADDRESS, given))


def open_requests(
    session: Session, organisation_id: int, contact: list[int], made_from: bytes | None, room_id: int
) -> OpenRequests:
    """Requests that wait for a review. The partial index on open requests bounds the cost."""
    given = {"organisation_id": organisation_id, "contact": contact, "made_from": made_from, "room_id": room_id}
    row = session.execute(_OPEN, given).one()
    return OpenRequests(of_contact=row[0], of_address=row[1] if made_from else 0, of_room=row[2])


def record_of(
    session: Session,
    now: datetime,
    house: House,
    contact: list[int],
    slot: Slot,
    *,
    room_id: int,
    codes_left: int | None,
    but_booking_id: int | None = None,
    clashes: tuple[str, ...] = (),
) -> Record:
    """The record of a contact beside the wished slot; the booking that is being reviewed left out."""
    zone = house.room(room_id).zone
    season = in_season(local_day(slot.start, zone), house.seasons)
    if not contact:
        return Record(codes_left=codes_left, in_season=season, clashes=clashes)
    rows = session.execute(
        select(Booking.id, Booking.state, Booking.no_show, Event.starts_at, Event.ends_at)
        .join(Event, Event.id == Booking.event_id)
        .where(
            Booking.organisation_id == house.organisation_id,
            Booking.customer_id.in_(contact),
            Booking.made_at > now - MEMORY,
        )
    ).all()
    others = [row for row in rows if row.id != but_booking_id]
    return Record(
        overlapping=tuple(
            Slot(row.starts_at, row.ends_at)
            for row in others
            if row.state in OCCUPYING and Slot(row.starts_at, row.ends_at).overlaps(slot)
        ),
        repeated=sum(
            1 for row in others if row.state not in OCCUPYING and (row.starts_at, row.ends_at) == (slot.start, slot.end)
        ),
        open_requests=sum(1 for row in others if row.state is BookingState.REQUESTED),
        unpaid_invoices=unpaid_invoices(session, now, contact),
        no_shows=sum(1 for row in others if row.no_show),
        kept_bookings=sum(
            1 for row in others if row.state is BookingState.CONFIRMED and row.ends_at <= now and not row.no_show
        ),
        codes_left=codes_left,
        in_season=season,
        clashes=clashes,
    )


def unpaid_invoices(session: Session, now: datetime, contact: list[int]) -> int:
    """Invoices past their due day that nobody noted as paid."""
    query = (
        select(func.count())
        .select_from(Invoice)
        .outerjoin(Settlement, Settlement.invoice_id == Invoice.id)
        .where(Invoice.customer_id.in_(contact), Invoice.due_on < now.date(), Settlement.id.is_(None))
    )
    return session.scalar(query) or 0
