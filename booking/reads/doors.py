"""Doors and the codes of a season as the office and the desk see them (SPEC S2, S3). What a code says is not read here.

A code counts for each local day on which its window, less the room's tolerance, lies: the code of a day's last slot
does not count for the next day only because its window reaches over midnight.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from booking.reads.code_texts import Opener, texts_of
from booking.reads.house import House, RoomFacts
from booking.rules.doorcodes import LockFormat
from booking.rules.permissions import Capability, Scope, scope_of
from booking.tables.bookings import Booking
from booking.tables.doors import Door, DoorCode
from booking.tables.people import Customer
from booking.values.clock import DAY, day_bounds, local_day
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import CodeState, Role

HELD = (CodeState.RESERVED, CodeState.ISSUED)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far somebody sees: `span` None means all time. Always within one organisation, and within its doors."""

    organisation_id: int
    door_ids: frozenset[int]
    span: Slot | None = None


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One code of the list, without its text. `party` and `booking_code` are empty while nobody has it."""

    code_id: int
    door_id: int
    door: str
    window: Slot
    state: CodeState
    booking_id: int | None = None
    booking_code: str = ""
    party: str = ""
    told_by_phone: bool = False


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One line of the desk's daily mail (SPEC S3). `text` is the code in plain text."""

    door: str
    text: str = field(repr=False)
    window: Slot
    party: str
    booking_code: str


@dataclass(frozen=True, slots=True)
class DoorFacts:
    door_id: int
    name: str
    lock: LockFormat
    zone: ZoneInfo
    rooms: tuple[RoomFacts, ...]


def reach_of(now: datetime, house: House, role: Role) -> Reach | None:
    """What a role sees of the doors by the table of permissions; None for nothing.

    The office sees the season (SPEC S2), the desk its doors from today on for `desk_days` local days, today counted
    as the first (SPEC S3).
    """
    match scope_of(role, Capability.DOORS_READ):
        case Scope.ORGANISATION:
            return Reach(house.organisation_id, _door_ids(house))
        case Scope.DOORS:
            return desk_reach(house, local_day(now, house.zone))
        case _:
            return None


def desk_reach(house: House, day: date) -> Reach:
    """What the desk sees on a local day."""
    first, _ = day_bounds(day, house.zone)
    _, last = day_bounds(day + timedelta(days=max(house.desk_days, 1) - 1), house.zone)
    return Reach(house.organisation_id, _door_ids(house), Slot(first, last))


def read_door(session: Session, house: House, door_id: int) -> DoorFacts:
    """Raises NotFound where the organisation has no such door."""
    row = session.scalar(select(Door).where(Door.organisation_id == house.organisation_id, Door.id == door_id))
    if row is None:
        raise NotFound("door", door_id)
    rooms = rooms_of(house, door_id)
    return DoorFacts(row.id, row.name, lock_format(row.lock_format), rooms[0].zone if rooms else house.zone, rooms)


def doors_of(session: Session, house: House) -> tuple[DoorFacts, ...]:
    """All doors of the organisation, by name."""
    ids = select(Door.id).where(Door.organisation_id == house.organisation_id).order_by(Door.name, Door.id)
    return tuple(read_door(session, house, door_id) for door_id in session.scalars(ids).all())


def lock_format(stored: dict[str, Any]) -> LockFormat:
    """The lock's rule as a door stores it; what is not stored has its default."""
    return LockFormat(**(stored | {"forbidden_prefixes": tuple(stored.get("forbidden_prefixes", ()))}))


def rooms_of(house: House, door_id: int) -> tuple[RoomFacts, ...]:
    """The rooms behind a door that can still be booked, by id."""
    return tuple(
        house.rooms[room_id]
        for room_id in sorted(house.rooms)
        if house.rooms[room_id].door_id == door_id and not house.rooms[room_id].archived
    )


def side_by_side(rooms: Iterable[RoomFacts]) -> int:
    """How many parties can be behind a door at one time: rooms that share no unit, the smallest first."""
    used: set[int] = set()
    count = 0
    for room in sorted(rooms, key=lambda room: (len(room.unit_ids), room.room_id)):
        if not used & set(room.unit_ids):
            used |= set(room.unit_ids)
            count += 1
    return count


def code_lines(session: Session, house: House, reach: Reach, span: Slot | None = None) -> tuple[CodeLine, ...]:
    """The codes within the reach that are not retired, by window; `span` narrows it further."""
    conditions = [_within(house, reach.door_ids, narrow) for narrow in (reach.span, span) if narrow is not None]
    query = (
        select(DoorCode, Door.name, Booking.code, Customer.name, Customer.company)
        .join(Door, Door.id == DoorCode.door_id)
        .outerjoin(Booking, Booking.id == DoorCode.booking_id)
        .outerjoin(Customer, Customer.id == Booking.customer_id)
        .where(
            DoorCode.organisation_id == reach.organisation_id,
            DoorCode.door_id.in_(reach.door_ids),
            DoorCode.state != CodeState.RETIRED,
            *conditions,
        )
        .order_by(DoorCode.starts_at, Door.name, DoorCode.id)
    )
    return tuple(
        CodeLine(
            code_id=code.id,
            door_id=code.door_id,
            door=door,
            window=Slot(code.starts_at, code.ends_at),
            state=code.state,
            booking_id=code.booking_id,
            booking_code=booking_code or "",
            party=company or name or "",
            told_by_phone=code.told_by_phone,
        )
        for code, door, booking_code, name, company in session.execute(query)
    )


def digest_lines(session: Session, vault: Opener, house: House, day: date) -> tuple[DigestLine, ...]:
    """The codes of the desk's days from `day` on, as its mail tells them. Read at the moment of sending."""
    lines = code_lines(session, house, desk_reach(house, day))
    texts = texts_of(session, vault, house.organisation_id, [line.code_id for line in lines])
    return tuple(
        DigestLine(line.door, texts[line.code_id], line.window, line.party, line.booking_code) for line in lines
    )


def tolerance(rooms: Iterable[RoomFacts]) -> tuple[timedelta, timedelta]:
    """The smallest tolerance of the rooms behind a door, before and after."""
    terms = [room.terms for room in rooms]
    before = min((one.tolerance_before for one in terms), default=timedelta(0))
    return before, min((one.tolerance_after for one in terms), default=timedelta(0))


def days_of(window: Slot, zone: ZoneInfo, before: timedelta, after: timedelta) -> tuple[date, ...]:
    """The local days for which a code counts."""
    start, end = window.start + before, window.end - after
    if start >= end:
        return (local_day(window.start, zone),)
    first, last = local_day(start, zone), local_day(end - timedelta.resolution, zone)
    return tuple(first + offset * DAY for offset in range((last - first).days + 1))


def _door_ids(house: House) -> frozenset[int]:
    return frozenset(room.door_id for room in house.rooms.values() if room.door_id is not None)


def _within(house: House, door_ids: Iterable[int], span: Slot) -> ColumnElement[bool]:
    """Codes whose window less the tolerance meets the span, told for each door by its own rooms."""
    parts = []
    for door_id in sorted(door_ids):
        before, after = tolerance(rooms_of(house, door_id))
        parts.append(
            and_(
                DoorCode.door_id == door_id,
                DoorCode.starts_at < span.end - before,
                DoorCode.ends_at > span.start + after,
            )
        )
    return or_(false(), *parts)
