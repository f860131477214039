"""The entries of somebody's calendar (SPEC C1, C2, C4): indexed queries that return values.

A room's calendar holds the room's own items, and as busy time only those of rooms that share a unit with it: whoever
reads the half's calendar learns that the whole is taken, and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, exists, select
from sqlalchemy.orm import Session, aliased

from booking.tables.bookings import Booking
from booking.tables.calendars import CalendarItem
from booking.tables.doors import DoorCode
from booking.tables.houses import Organisation, Room, RoomUnit
from booking.values.agenda import AgendaEntry
from booking.values.slot import Slot
from booking.values.states import CodeState, SubjectKind

# Items are looked up by start; one that began this long before the window may reach into it.
LONGEST = timedelta(days=31)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose calendar. For OFFICE and DESK the target is the organisation itself."""

    organisation_id: int
    kind: SubjectKind
    target_id: int


def rooms_beside(organisation_id: int | BindParameter[int], room_id: int | BindParameter[int]) -> Select[int]:
    """The ids of the rooms that share a unit with a room, the room itself among them where it has units."""
    own, other = aliased(RoomUnit), aliased(RoomUnit)
    return (
        select(other.room_id)
        .join(own, own.unit_id == other.unit_id)
        .where(own.room_id == room_id, own.organisation_id == organisation_id)
        .where(other.organisation_id == organisation_id)
        .distinct()
    )


def stamps(session: Session, whose: Whose, since: datetime) -> dict[int, int]:
    """Item id → sequence of every item that may end after *since*: two numbers each, so that 10,000 compare quickly."""
    table = CalendarItem.__table__
    sequence = (table.c.sequence + Organisation.__table__.c.epoch).label("sequence")
    statement = select(table.c.id, sequence).where(*_of(whose, since)).join(*_organisation())
    return dict(session.connection().execute(statement).all())


def entries(
    session: Session, whose: Whose, item_ids: Iterable[int], code_given: str = "", page: str = ""
) -> dict[int, tuple[int, AgendaEntry]]:
    """Item id → sequence as in its stamp, and the entry; ids of others are left out.

    `code_given` is what a desk's calendar says, in its language, where a door code was issued (never which). `page` is
    what the address of a booking's page in the office begins with; entries of the office's calendar lead there.
    """
    found: dict[int, tuple[int, AgendaEntry]] = {}
    wanted = tuple(item_ids)
    for some in (wanted[first : first + _BATCH] for first in range(0, len(wanted), _BATCH)):
        found |= _read(session, whose, (CalendarItem.id.in_(some), *_of(whose, None)), code_given, page)
    return found


def items_of(session: Session, whose: Whose, since: datetime, code_given: str = "") -> tuple[AgendaEntry, ...]:
    """All entries that end after *since*, by start and UID."""
    found = _read(session, whose, _of(whose, since), code_given)
    kept = (entry for _, entry in found.values() if entry.slot.end > since)
    return tuple(sorted(kept, key=lambda entry: (entry.slot.start, entry.uid)))


def everything(
    session: Session, whose: Whose, since: datetime, code_given: str = "", page: str = ""
) -> dict[int, tuple[int, AgendaEntry]]:
    """As `entries`, for every item that `stamps` lists, in one query."""
    return _read(session, whose, _of(whose, since), code_given, page)


def _read(
    session: Session, whose: Whose, conditions: Sequence[ColumnElement[bool]], code_given: str, page: str = ""
) -> dict[int, tuple[int, AgendaEntry]]:
    issued = exists().where(DoorCode.booking_id == CalendarItem.booking_id, DoorCode.state == CodeState.ISSUED)
    columns: list[Any] = [*CalendarItem.__table__.c, _sequence().label("shown_sequence")]
    if whose.kind is SubjectKind.DESK:
        columns.append(issued.label("issued"))
    leads = bool(page) and whose.kind is SubjectKind.OFFICE
    if leads:
        public_id = select(Booking.public_id).where(Booking.id == CalendarItem.booking_id)
        columns.append(public_id.scalar_subquery().label("booking_public_id"))
    statement = select(*columns).where(*conditions).join(*_organisation())
    found = {}
    for row in session.connection().execute(statement).all():
        view = _texts(row, whose, code_given)
        url = f"{page}{row.booking_public_id}" if leads and row.booking_public_id else None
        found[row.id] = (row.shown_sequence, _entry(row, view, url))
    return found


@dataclass(frozen=True, slots=True)
class _Texts:
    title: str = ""
    party: str = ""
    room: str = ""
    location: str = ""
    details: str = ""


_BUSY = _Texts()


def _texts(row: Any, whose: Whose, code_given: str) -> _Texts:
    """What this reader may see of the item's texts, before the feed's own variant takes more away."""
    if whose.kind is SubjectKind.ROOM and row.room_id != whose.target_id:
        return _BUSY
    if whose.kind is SubjectKind.DESK:
        return _Texts(title=row.party, room=row.room, details=code_given if row.issued else "")
    return _Texts(row.title, row.party, row.room, row.location, row.details)


def _entry(row: Any, texts: _Texts, url: str | None = None) -> AgendaEntry:
    return AgendaEntry(
        uid=row.uid,
        sequence=row.shown_sequence,
        created_at=row.last_modified if texts is _BUSY else row.created_at,
        last_modified=row.last_modified,
        slot=Slot(row.starts_at, row.ends_at),
        zone=row.zone,
        status=row.status,
        title=texts.title,
        party=texts.party,
        room=texts.room,
        location=texts.location,
        details=texts.details,
        url=url,
        ended_at=row.ended_at,
    )


def _sequence() -> ColumnElement[int]:
    """A restore raises the epoch, so that what it took back still counts as newer (DESIGN rule 9)."""
    return CalendarItem.sequence + Organisation.epoch


def _organisation() -> tuple[type[Organisation], ColumnElement[bool]]:
    return Organisation, Organisation.id == CalendarItem.organisation_id


def _of(whose: Whose, since: datetime | None) -> list[ColumnElement[bool]]:
    """The conditions of a calendar, always within its organisation (DESIGN rule 10)."""
    conditions = [CalendarItem.organisation_id == whose.organisation_id, _is_for(whose)]
    if since is not None:
        conditions.append(CalendarItem.starts_at > since - LONGEST)
    return conditions


def _is_for(whose: Whose) -> ColumnElement[bool]:
    match whose.kind:
        case SubjectKind.CUSTOMER:
            return CalendarItem.customer_id == whose.target_id
        case SubjectKind.BOOKING:
            return CalendarItem.booking_id == whose.target_id
        case SubjectKind.ROOM:
            shared = rooms_beside(whose.organisation_id, whose.target_id)
            return CalendarItem.room_id.in_(shared.union(select(Room.id).where(Room.id == whose.target_id)))
        case SubjectKind.DESK:
            with_door = select(Room.id).where(Room.organisation_id == whose.organisation_id, Room.door_id.is_not(None))
            return and_(CalendarItem.organisation_id == whose.target_id, CalendarItem.room_id.in_(with_door))
        case SubjectKind.OFFICE:
            return CalendarItem.organisation_id == whose.target_id
