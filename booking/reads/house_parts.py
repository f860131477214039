"""Branches, rooms and doors as their pages show them, and what is booked in them from now on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from booking.reads.doors import lock_format
from booking.rules.doorcodes import LockFormat
from booking.tables.bookings import Booking, Event, Occupancy
from booking.tables.doors import Door, DoorCode
from booking.tables.houses import Branch, Room, RoomUnit
from booking.tables.people import Customer
from booking.tables.studio import CourseEvent
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState, CodeState, OccupancyKind

Line = TypeVar("Line")
GIVEN = (CodeState.RESERVED, CodeState.ISSUED)


@dataclass(frozen=True, slots=True)
class BranchLine:
    """A location with the names of its rooms and doors."""

    branch_id: int
    public_id: UUID
    name: str
    street: str
    postcode: str
    city: str
    zone: str
    rooms: tuple[str, ...]
    doors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoorLine:
    """A door. `rooms` have it as theirs; `codes` are all it has, `given` those that a booking has or had."""

    door_id: int
    public_id: UUID
    branch_id: int
    branch: str
    name: str
    lock: LockFormat
    rooms: tuple[tuple[int, str], ...]
    codes: int
    given: int


@dataclass(frozen=True, slots=True)
class Coming:
    """A booking that is not over, or a time that is held after one ended."""

    booking_id: int
    public_id: UUID
    code: str
    state: BookingState
    party: str
    slot: Slot


def branch_lines(session: Session, organisation_id: int) -> tuple[BranchLine, ...]:
    """All branches by name."""
    rooms = _names_by_branch(session, organisation_id, Room)
    doors = _names_by_branch(session, organisation_id, Door)
    query = select(Branch).where(Branch.organisation_id == organisation_id).order_by(Branch.name, Branch.id)
    return tuple(
        BranchLine(
            branch_id=row.id,
            public_id=row.public_id,
            name=row.name,
            street=row.street,
            postcode=row.postcode,
            city=row.city,
            zone=row.zone,
            rooms=tuple(rooms.get(row.id, ())),
            doors=tuple(doors.get(row.id, ())),
        )
        for row in session.scalars(query)
    )


def branch_line(session: Session, organisation_id: int, public_id: UUID) -> BranchLine:
    """Raises NotFound."""
    lines = branch_lines(session, organisation_id)
    return _one("branch", public_id, next((line for line in lines if line.public_id == public_id), None))


def door_lines(session: Session, organisation_id: int) -> tuple[DoorLine, ...]:
    """All doors by name, in three queries however many they are."""
    counts = {
        row.door_id: row
        for row in session.execute(
            select(DoorCode.door_id, func.count().label("codes"), func.count().filter(was_given()).label("given"))
            .where(DoorCode.organisation_id == organisation_id)
            .group_by(DoorCode.door_id)
        )
    }
    rooms = session.execute(
        select(Room.door_id, Room.id, Room.name)
        .where(Room.organisation_id == organisation_id, Room.door_id.is_not(None))
        .order_by(Room.rank, Room.id)
    ).all()
    query = (
        select(Door, Branch.name)
        .join(Branch, Branch.id == Door.branch_id)
        .where(Door.organisation_id == organisation_id)
        .order_by(Door.name, Door.id)
    )
    return tuple(
        DoorLine(
            door_id=row.id,
            public_id=row.public_id,
            branch_id=row.branch_id,
            branch=branch,
            name=row.name,
            lock=lock_format(row.lock_format),
            rooms=tuple((room.id, room.name) for room in rooms if room.door_id == row.id),
            codes=counts[row.id].codes if row.id in counts else 0,
            given=counts[row.id].given if row.id in counts else 0,
        )
        for row, branch in session.execute(query)
    )


def door_line(session: Session, organisation_id: int, public_id: UUID) -> DoorLine:
    """Raises NotFound."""
    lines = door_lines(session, organisation_id)
    return _one("door", public_id, next((line for line in lines if line.public_id == public_id), None))


def was_given() -> ColumnElement[bool]:
    """Codes that somebody has or had."""
    return DoorCode.state.in_(GIVEN) | DoorCode.issued_at.is_not(None) | DoorCode.booking_id.is_not(None)


def room_units(session: Session, organisation_id: int) -> dict[int, frozenset[int]]:
    """The units of each room."""
    query = select(RoomUnit.room_id, RoomUnit.unit_id).where(RoomUnit.organisation_id == organisation_id)
    found: dict[int, set[int]] = {}
    for room_id, unit_id in session.execute(query):
        found.setdefault(room_id, set()).add(unit_id)
    return {room_id: frozenset(units) for room_id, units in found.items()}


def room_ids(session: Session, organisation_id: int) -> dict[int, UUID]:
    """The public id of each room."""
    query = select(Room.id, Room.public_id).where(Room.organisation_id == organisation_id)
    return {row.id: row.public_id for row in session.execute(query)}


def coming(
    session: Session, now: datetime, organisation_id: int, room_ids: Collection[int], limit: int = 10
) -> tuple[Coming, ...]:
    """What is booked in these rooms from now on, the next first."""
    query = _coming(
        now,
        organisation_id,
        room_ids,
        select(Booking, Event, Customer.company, Customer.name).join(Customer, Customer.id == Booking.customer_id),
    )
    rows = session.execute(query.order_by(Event.starts_at, Booking.id).limit(limit))
    return tuple(
        Coming(
            booking_id=booking.id,
            public_id=booking.public_id,
            code=booking.code,
            state=booking.state,
            party=company or name,
            slot=Slot(event.starts_at, event.ends_at),
        )
        for booking, event, company, name in rows
    )


def count_coming(session: Session, now: datetime, organisation_id: int, room_ids: Collection[int]) -> int:
    """How many bookings of these rooms are not over: requested, confirmed, or ended with their time still held; and how
    many events of courses.
    """
    bookings = session.scalar(_coming(now, organisation_id, room_ids, select(func.count(Booking.id)))) or 0
    events = (
        select(func.count(CourseEvent.id))
        .join(Event, Event.id == CourseEvent.event_id)
        .where(
            Event.organisation_id == organisation_id,
            Event.room_id.in_(room_ids),
            Event.ends_at > now,
            CourseEvent.cancelled_at.is_(None),
        )
    )
    return bookings + (session.scalar(events) or 0)


def count_given_ahead(session: Session, now: datetime, room_id: int, door_id: int) -> int:
    """How many bookings of a room that are not over have a code of this door."""
    query = (
        select(func.count(func.distinct(DoorCode.booking_id)))
        .join(Booking, Booking.id == DoorCode.booking_id)
        .join(Event, Event.id == Booking.event_id)
        .where(
            DoorCode.door_id == door_id,
            DoorCode.state.in_(GIVEN),
            Event.room_id == room_id,
            Event.ends_at > now,
            Booking.state.in_(OCCUPYING),
        )
    )
    return session.scalar(query) or 0


def _coming(now: datetime, organisation_id: int, room_ids: Collection[int], query: Any) -> Select[Any]:
    held = exists().where(Occupancy.source_id == Booking.id, Occupancy.kind == OccupancyKind.HELD)
    found: Select[Any] = query.join(Event, Event.id == Booking.event_id).where(
        Event.organisation_id == organisation_id,
        Event.room_id.in_(room_ids),
        Event.ends_at > now,
        Booking.state.in_(OCCUPYING) | held,
    )
    return found


def _names_by_branch(session: Session, organisation_id: int, table: type[Room | Door]) -> dict[int, list[str]]:
    query = select(table.branch_id, table.name).where(table.organisation_id == organisation_id).order_by(table.name)
    found: dict[int, list[str]] = {}
    for branch_id, name in session.execute(query):
        found.setdefault(branch_id, []).append(name)
    return found


def _one(what: str, public_id: UUID, found: Line | None) -> Line:
    if found is None:
        raise NotFound(what, public_id)
    return found
