"""What all actions on a rental share: its rows, its calendar item, and telling linked sites."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, literal, or_, select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.calendar_items import ItemFacts, record_all
from booking.actions.occupy import lock_units
from booking.reads.house import House
from booking.tables.bookings import Booking, Decision, Event
from booking.tables.connections import Connection, ConnectionRoom, RemoteBooking, Writer
from booking.tables.houses import RoomUnit
from booking.tables.people import Customer
from booking.tables.prepared import Prepared
from booking.values.findings import Contact
from booking.values.identity import new_uuid
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import ITEM_STATUS, DecisionState, Source

SITES = "sites"
_LINKED = (
    select(literal(1))
    .select_from(Connection)
    .join(ConnectionRoom, ConnectionRoom.connection_id == Connection.id)
    .join(RoomUnit, RoomUnit.room_id == ConnectionRoom.room_id)
    .where(
        Connection.organisation_id == bindparam("organisation_id"),
        RoomUnit.unit_id.in_(select(RoomUnit.unit_id).where(RoomUnit.room_id == bindparam("room_id")).correlate(None)),
    )
    .limit(1)
)
_STANDS_THERE = (
    select(literal(1))
    .select_from(RemoteBooking)
    .where(RemoteBooking.booking_id == bindparam("booking_id"), RemoteBooking.cancelled.is_(False))
    .limit(1)
)
_CONCERNS_SITES = Prepared(select(literal(1)).where(or_(_LINKED.exists(), _STANDS_THERE.exists())))


@dataclass(slots=True)
class Rental:
    """The rows of one rental, attached to the session."""

    booking: Booking
    event: Event
    customer: Customer

    @property
    def slot(self) -> Slot:
        return Slot(self.event.starts_at, self.event.ends_at)


def load_rental(session: Session, organisation_id: int, booking_id: int) -> Rental:
    """Raises NotFound where the organisation has no such booking."""
    row = session.execute(
        select(Booking, Event, Customer)
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(Booking.organisation_id == organisation_id, Booking.id == booking_id)
    ).one_or_none()
    if row is None:
        raise NotFound("booking", booking_id)
    return Rental(*row)


def lock_rental(session: Session, organisation_id: int, booking_id: int) -> Rental:
    """The rental as it stands once its units are locked: nobody changes its time or state until this transaction ends.

    Raises NotFound where the organisation has no such booking.
    """
    room_id = session.scalar(
        select(Event.room_id)
        .join(Booking, Booking.event_id == Event.id)
        .where(Booking.organisation_id == organisation_id, Booking.id == booking_id)
    )
    if room_id is None:
        raise NotFound("booking", booking_id)
    lock_units(session, organisation_id, [room_id])
    rental = load_rental(session, organisation_id, booking_id)
    session.refresh(rental.booking)
    session.refresh(rental.event)
    return rental


def booking_id_of(session: Session, organisation_id: int, public_id: UUID) -> int:
    """Raises NotFound where the organisation has no such booking."""
    query = select(Booking.id).where(Booking.organisation_id == organisation_id, Booking.public_id == public_id)
    found = session.scalar(query)
    if found is None:
        raise NotFound("booking", public_id)
    return found


def contact_of(customer: Customer) -> Contact:
    return Contact(
        name=customer.name,
        company=customer.company,
        email=customer.email,
        phone=customer.phone,
        street=customer.street,
        postcode=customer.postcode,
        city=customer.city,
        country=customer.country,
    )


def pending_decision(session: Session, booking_id: int) -> Decision | None:
    query = select(Decision).where(Decision.booking_id == booking_id, Decision.state == DecisionState.PENDING)
    return session.scalar(query)


def writes_to_customer(session: Session, booking: Booking) -> bool:
    """Whether acknowledgement and cancellation come from here; only one of two sides writes (SPEC Y9)."""
    if booking.source is not Source.YCBM:
        return True
    query = (
        select(Connection.writer)
        .join(RemoteBooking, RemoteBooking.connection_id == Connection.id)
        .where(RemoteBooking.booking_id == booking.id, RemoteBooking.ours.is_(False))
    )
    return session.scalar(query.limit(1)) is not Writer.THERE


def publish(session: Session, now: datetime, house: House, *rentals: Rental, new: bool = False) -> None:
    """Write the calendar items of rentals that changed, or are `new`, bump the feeds, wake the sites. Last in the
    transaction.
    """
    for rental in rentals:
        announce(session, now, house.organisation_id, rental.booking.id, rental.event.room_id)
    record_all(session, now, [_facts(house, rental) for rental in rentals], new=new)


def announce(session: Session, now: datetime, organisation_id: int, booking_id: int, room_id: int) -> None:
    """Ask for every linked site of the room, or of one that shares a unit, to be made consistent (SPEC S5, Y8), and
    every other where something stands for the booking: its page there may stand for no room any more.
    """
    given = {"organisation_id": organisation_id, "room_id": room_id, "booking_id": booking_id}
    if _CONCERNS_SITES.scalar(session, given) is not None:
        outbox.put(session, now, organisation_id, SITES, booking_id, f"sites-{new_uuid(now)}", now)


def _facts(house: House, rental: Rental) -> ItemFacts:
    room = house.room(rental.event.room_id)
    booking, customer = rental.booking, rental.customer
    return ItemFacts(
        organisation_id=house.organisation_id,
        booking_id=booking.id,
        customer_id=customer.id,
        room_id=room.room_id,
        slot=rental.slot,
        zone=room.zone.key,
        status=ITEM_STATUS[booking.state],
        title=booking.purpose or room.name,
        party=customer.company or customer.name,
        room=room.name,
        location=room.location,
        details=f"{customer.name}, {customer.phone}" if customer.phone else customer.name,
        ended_at=booking.ended_at,
    )
