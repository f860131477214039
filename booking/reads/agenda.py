"""The entries of somebody's calendar (SPEC C1, C2, C4): indexed queries that return values.

A room's calendar holds the room's own items, and as busy time only those of rooms that share a unit with it: whoever
reads the half's calendar learns that the whole is taken, and nothing else. A door code stands in a customer's own
calendar only, where the operator chose that (`booking.rules.feed_codes`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, exists, select
from sqlalchemy.orm import Session, aliased

from booking.reads.code_texts import Opener, SealedCode
from booking.reads.feed_codes import may_be_shown, terms_of
from booking.rules.feed_codes import Told, stretch, with_codes
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


@dataclass(frozen=True, slots=True)
class CodeLines:
    """How a customer's own calendar tells door codes: (text, its window where there are several, zone) → line."""

    vault: Opener
    line: Callable[[str, Slot | None, str], str]


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
    epoch = session.scalar(select(Organisation.epoch).where(Organisation.id == whose.organisation_id)) or 0
    statement = select(CalendarItem.id, CalendarItem.sequence).where(*_of(whose, since))
    found = session.connection().execute(statement)
    # The driver's own pairs: to make rows of SQLAlchemy's of them takes longer than to read them.
    return {item_id: sequence + epoch for item_id, sequence in found.cursor.fetchall()}


def changed_after(session: Session, organisation_id: int, revision: int) -> dict[int, datetime]:
    """Item id → start, of all items of a house that changed after this revision of its office's calendar."""
    statement = select(CalendarItem.id, CalendarItem.starts_at).where(
        CalendarItem.organisation_id == organisation_id, CalendarItem.office_revision > revision
    )
    return dict(session.execute(statement).all())


def begins_after(since: datetime) -> datetime:
    """When items begin that may end after *since*."""
    return since - LONGEST


def entries(
    session: Session,
    whose: Whose,
    item_ids: Iterable[int],
    code_given: str = "",
    page: str = "",
    codes: CodeLines | None = None,
) -> dict[int, tuple[int, AgendaEntry]]:
    """Item id → sequence as in its stamp, and the entry; ids of others are left out.

    `code_given` is what a desk's calendar says, in its language, where a door code was issued (never which). `page` is
    what the address of a booking's page in the office begins with; entries of the office's calendar lead there. `codes`
    lets door codes into the details of a customer's own calendar, as the operator chose, and of no other.
    """
    found: dict[int, tuple[int, AgendaEntry]] = {}
    wanted = tuple(item_ids)
    for some in (wanted[first : first + _BATCH] for first in range(0, len(wanted), _BATCH)):
        found |= _read(session, whose, (CalendarItem.id.in_(some), *_of(whose, None)), code_given, page, codes)
    return found


def items_of(session: Session, whose: Whose, since: datetime, code_given: str = "") -> tuple[AgendaEntry, ...]:
    """All entries that end after *since*, by start and UID."""
    found = _read(session, whose, _of(whose, since), code_given)
    kept = (entry for _, entry in found.values() if entry.slot.end > since)
    return tuple(sorted(kept, key=lambda entry: (entry.slot.start, entry.uid)))


def everything(
    session: Session,
    whose: Whose,
    since: datetime,
    code_given: str = "",
    page: str = "",
    codes: CodeLines | None = None,
) -> dict[int, tuple[int, AgendaEntry]]:
    """As `entries`, for every item that `stamps` lists, in one query."""
    return _read(session, whose, _of(whose, since), code_given, page, codes)


def _read(
    session: Session,
    whose: Whose,
    conditions: Sequence[ColumnElement[bool]],
    code_given: str,
    page: str = "",
    codes: CodeLines | None = None,
) -> dict[int, tuple[int, AgendaEntry]]:
    issued = exists().where(DoorCode.booking_id == CalendarItem.booking_id, DoorCode.state == CodeState.ISSUED)
    columns: list[Any] = [*CalendarItem.__table__.c, _sequence().label("shown_sequence")]
    if whose.kind is SubjectKind.DESK:
        columns.append(issued.label("issued"))
    leads = bool(page) and whose.kind is SubjectKind.OFFICE
    if leads:
        public_id = select(Booking.public_id).where(Booking.id == CalendarItem.booking_id)
        columns.append(public_id.scalar_subquery().label("booking_public_id"))
    tells = codes if whose.kind is SubjectKind.CUSTOMER else None
    statement = select(*columns, *(_CODE_COLUMNS if tells else ())).where(*conditions).join(*_organisation())
    if tells:
        statement = statement.outerjoin(DoorCode, and_(*may_be_shown()))
    rows: dict[int, list[Any]] = {}
    for row in session.connection().execute(statement).all():
        rows.setdefault(row.id, []).append(row)
    found = {}
    for item_id, (row, *more) in rows.items():
        view = _texts(row, whose, code_given)
        url = f"{page}{row.booking_public_id}" if leads and row.booking_public_id else None
        entry = _entry(row, view, url)
        found[item_id] = (row.shown_sequence, _told(entry, (row, *more), tells) if tells else entry)
    return found


_CODE_COLUMNS: tuple[Any, ...] = (
    Organisation.feed_code_hours,
    Organisation.code_hours_before,
    Organisation.feed_codes_seen,
    DoorCode.id.label("code_id"),
    DoorCode.public_id.label("code_public_id"),
    DoorCode.cipher,
    DoorCode.key_id,
    DoorCode.starts_at.label("opens_at"),
    DoorCode.ends_at.label("closes_at"),
)


def _told(entry: AgendaEntry, rows: Sequence[Any], codes: CodeLines) -> AgendaEntry:
    """The entry with its door codes, read in one statement with it: what is shown and what is counted agree."""
    first = rows[0]
    terms = terms_of(first.feed_code_hours, first.code_hours_before, first.feed_codes_seen)
    if terms is None or first.code_id is None:
        return entry
    told = []
    for row in sorted(rows, key=lambda row: (row.opens_at, row.code_id)):
        window = Slot(row.opens_at, row.closes_at)
        shown = stretch(entry.slot, window, terms)
        if shown is not None and shown.start <= terms.seen < shown.end:
            text = SealedCode(row.code_public_id, row.cipher, row.key_id).text(codes.vault)
            told.append(Told(codes.line(text, window if len(rows) > 1 else None, entry.zone), shown))
    return with_codes(entry, told, terms.seen)


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
    """The conditions of a calendar, always within its organisation (DESIGN rule 10).

    Test times of a calendar link concern nobody who reads a calendar of ours.
    """
    is_shown = CalendarItem.only_link_id.is_(None)
    conditions = [CalendarItem.organisation_id == whose.organisation_id, is_shown, _is_for(whose)]
    if since is not None:
        conditions.append(CalendarItem.starts_at > begins_after(since))
    return conditions


def _is_for(whose: Whose) -> ColumnElement[bool]:
    match whose.kind:
        case SubjectKind.CUSTOMER:
            return CalendarItem.customer_id == whose.target_id
        case SubjectKind.BOOKING:
            return CalendarItem.booking_id == whose.target_id
        case SubjectKind.COURSE | SubjectKind.SERIES:
            of = CalendarItem.course_id if whose.kind is SubjectKind.COURSE else CalendarItem.series_id
            return of == whose.target_id
        case SubjectKind.ROOM:
            shared = rooms_beside(whose.organisation_id, whose.target_id)
            return CalendarItem.room_id.in_(shared.union(select(Room.id).where(Room.id == whose.target_id)))
        case SubjectKind.DESK:
            with_door = select(Room.id).where(Room.organisation_id == whose.organisation_id, Room.door_id.is_not(None))
            return and_(CalendarItem.organisation_id == whose.target_id, CalendarItem.room_id.in_(with_door))
        case SubjectKind.OFFICE:
            return CalendarItem.organisation_id == whose.target_id
