"""What a link finds here: its rows, the live bookings of its room, and the times that it brought (SPEC C6, C7).

With a delta only what was touched is read, so that a run costs what changed and not what is there.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Integer, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import Session

from booking.reads.agenda import rooms_beside
from booking.tables.bookings import Booking
from booking.tables.calendars import CalendarItem
from booking.tables.houses import Branch, Organisation, Room
from booking.tables.links import CalendarLink, ImportedTime, ItemLink, SyncRun
from booking.tables.prepared import Prepared
from booking.values.links import Imported, LinkKind, LinkPolicy, LinkStatus, LocalBooking, StoredItem
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import ItemStatus, Variant

MONTH = timedelta(days=31)
SETTLED = ("ACTIVE", "TOMBSTONE")
_BATCH = 400
_ROW = tuple(getattr(ItemLink, name) for name in StoredItem._fields)
_LINK: BindParameter[int] = bindparam("link_id")
_OWNER: BindParameter[int] = bindparam("owner_id")
_ROOM: BindParameter[int] = bindparam("room_id")
_ACTIVE = Prepared(
    select(func.count()).where(
        ItemLink.link_id == _LINK,
        ItemLink.state != "TOMBSTONE",
        or_(ItemLink.over_at.is_(None), ItemLink.over_at > bindparam("now")),
    )
)
_WRITTEN = Prepared(
    select(func.coalesce(func.sum(SyncRun.writes), 0)).where(
        SyncRun.link_id == _LINK, SyncRun.started_at > bindparam("since")
    )
)
_BESIDE = Prepared(rooms_beside(_OWNER, _ROOM))
_EPOCH = Prepared(select(Organisation.epoch).where(Organisation.id == _OWNER))
_LINKS = Prepared(select(CalendarLink.id).where(CalendarLink.organisation_id == _OWNER))
_ZONE = Prepared(select(Branch.zone).join(Room, Room.branch_id == Branch.id).where(Room.id == _ROOM))
_LAST_FULL = Prepared(
    select(CalendarLink.last_full_at, Branch.zone)
    .join(Room, Room.id == CalendarLink.room_id)
    .join(Branch, Branch.id == Room.branch_id)
    .where(CalendarLink.id == _LINK)
)
_IMPORTED = select(ImportedTime.id, ImportedTime.uid, ImportedTime.revision, ImportedTime.content).where(
    ImportedTime.link_id == _LINK, ImportedTime.ended_at.is_(None)
)
_IMPORTS = Prepared(_IMPORTED)
_THESE_IMPORTS = Prepared(_IMPORTED.where(ImportedTime.id.in_(bindparam("wanted", expanding=True))))


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link as a run needs it, read once at its beginning. Bookings that overlap [since, until) are the link's."""

    link_id: int
    organisation_id: int
    public_id: UUID
    name: str
    kind: LinkKind
    policy: LinkPolicy
    variant: Variant
    requested: bool
    owners: dict[str, Any]
    limits: dict[str, Any]
    state: LinkStatus
    removes: bool
    quirks: dict[str, Any]
    identity: str
    cursor_kind: str
    cursor: str
    approved: frozenset[str]
    wanted: int
    last_full_at: datetime | None
    whole_at: datetime | None
    room_id: int
    rooms: tuple[int, ...]
    epoch: int
    since: datetime
    until: datetime
    active: int
    written_last_hour: int
    access_cipher: bytes
    access_key_id: str


def link_facts(session: Session, now: datetime, link_id: int) -> LinkFacts:
    """Raises NotFound where the link is gone."""
    row = session.get(CalendarLink, link_id)
    if row is None:
        raise NotFound("calendar link", link_id)
    owner = {"owner_id": row.organisation_id}
    beside = _BESIDE.scalars(session, {**owner, "room_id": row.room_id})
    same = {
        name: getattr(row, name)
        for name in (
            *("organisation_id", "public_id", "name", "kind", "policy", "variant", "requested", "owners", "limits"),
            *("state", "removes", "quirks", "identity", "cursor_kind", "cursor", "wanted", "last_full_at", "whole_at"),
            *("room_id", "access_cipher", "access_key_id"),
        )
    }
    return LinkFacts(
        **same,
        link_id=link_id,
        approved=frozenset(row.approved),
        rooms=tuple(sorted({row.room_id, *beside})),
        epoch=_EPOCH.scalar(session, owner),
        since=now - row.months_back * MONTH,
        until=now + row.months_ahead * MONTH,
        active=_ACTIVE.scalar(session, {"link_id": link_id, "now": now}),
        written_last_hour=_WRITTEN.scalar(session, {"link_id": link_id, "since": now - timedelta(hours=1)}),
    )


def all_rows(session: Session, link_id: int) -> list[StoredItem]:
    return _stored(session, _ALL, link_id)


def rows_by(
    session: Session,
    link_id: int,
    *,
    hrefs: Collection[str] = (),
    uids: Collection[str] = (),
    locals_: Collection[int] = (),
) -> list[StoredItem]:
    """The rows that one of these names, each once."""
    found: dict[int | None, StoredItem] = {}
    for statement, wanted in ((_BY_HREF, hrefs), (_BY_UID, uids), (_BY_LOCAL, locals_)):
        for some in _batches(wanted):
            found |= {row.id: row for row in _stored(session, statement, link_id, wanted=some)}
    return list(found.values())


def waiting_rows(session: Session, link_id: int) -> list[StoredItem]:
    """Those that wait for a person, for proof, or for their next try."""
    return _stored(session, _WAITING, link_id)


def waits() -> ColumnElement[bool]:
    return or_(
        ItemLink.state.not_in(SETTLED),
        ItemLink.held.is_not(None),
        ItemLink.decision.is_not(None),
        ItemLink.next_try.is_not(None),
        ItemLink.error_count > 0,
    )


def touched(session: Session, facts: LinkFacts, now: datetime) -> tuple[set[int], set[int]]:
    """Calendar items that changed since they were agreed on, or are new and not over; and those that have ended."""
    given = live_given(facts)
    changed = _NEWS.scalars(session, {**given, "now": now}) if facts.policy.writes else _MOVED.scalars(session, given)
    return set(changed), set(_ENDED.scalars(session, given))


def bookings(session: Session, facts: LinkFacts, item_ids: Collection[int] | None = None) -> list[LocalBooking]:
    """All live bookings of the link, or those of these ids that are."""
    if item_ids is None:
        return _bookings(session, facts)
    return [one for some in _batches(item_ids) for one in _bookings(session, facts, CalendarItem.id.in_(some))]


def bookings_like(
    session: Session, facts: LinkFacts, uids: Collection[UUID], starts: Collection[datetime]
) -> list[LocalBooking]:
    """Live bookings with one of these UIDs, or that begin when something new there does: what it may be a copy of."""
    moments = set(starts)
    conditions = [CalendarItem.uid.in_(some) for some in _batches(uids)]
    if len(moments) <= _BATCH:
        conditions += [CalendarItem.starts_at.in_(some) for some in _batches(moments)]
        near = []
    else:  # so many that to name them takes longer than to read all between
        near = _bookings(session, facts, CalendarItem.starts_at.between(min(moments), max(moments)))
    found = [one for condition in conditions for one in _bookings(session, facts, condition)]
    found += [one for one in near if one.slot.start in moments]
    return list({one.item_id: one for one in found}.values())


def imports(session: Session, link_id: int, ids: Collection[int] | None = None) -> list[Imported]:
    """All times that the link brought, or those of these ids."""
    given = {"link_id": link_id}
    if ids is None:
        return [Imported(*row) for row in _IMPORTS.all(session, given)]
    some = (_THESE_IMPORTS.all(session, {**given, "wanted": some}) for some in _batches(ids))
    return [Imported(*row) for rows in some for row in rows]


def written_elsewhere(session: Session, link_id: int, item_ids: Collection[int]) -> dict[int, set[int]]:
    """Calendar item id → the other links to which it was written."""
    found: dict[int, set[int]] = {}
    for some in _batches(item_ids):
        query = select(ItemLink.local_id, ItemLink.link_id).where(
            ItemLink.local_id.in_(some), ItemLink.link_id != link_id, ItemLink.origin == "LOCAL", ItemLink.href != ""
        )
        for local_id, other in session.execute(query):
            found.setdefault(local_id or 0, set()).add(other)
    return found


def ended_uids(session: Session, organisation_id: int, uids: Collection[UUID]) -> set[UUID]:
    """Which of these were ours and are cancelled."""
    return {
        uid
        for some in _batches(uids)
        for uid in session.scalars(
            select(CalendarItem.uid).where(
                CalendarItem.organisation_id == organisation_id,
                CalendarItem.uid.in_(some),
                CalendarItem.status == ItemStatus.CANCELLED,
            )
        )
    }


def link_ids(session: Session, organisation_id: int) -> frozenset[int]:
    """The links of a house, whatever state they are in."""
    return frozenset(_LINKS.scalars(session, {"owner_id": organisation_id}))


def last_full(session: Session, link_id: int) -> tuple[datetime | None, str] | None:
    """When a link was last listed as a whole, and the zone of its room; None where there is no such link."""
    row = _LAST_FULL.first(session, {"link_id": link_id})
    return None if row is None else (row[0], row[1])


def room_zone(session: Session, room_id: int) -> str:
    """The Olson name of the branch of a room."""
    zone: str = _ZONE.scalar(session, {"room_id": room_id})
    return zone


def _rows(*conditions: ColumnElement[bool]) -> Prepared:
    return Prepared(select(*_ROW).where(ItemLink.link_id == _LINK, *conditions).order_by(ItemLink.id))


_ALL, _WAITING = _rows(), _rows(waits())
_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
_BY_HREF, _BY_UID = _rows(ItemLink.href.in_(_WANTED)), _rows(ItemLink.uid.in_(_WANTED))
_BY_LOCAL = _rows(ItemLink.local_id.in_(_WANTED))


def _stored(session: Session, statement: Prepared, link_id: int, **given: Any) -> list[StoredItem]:
    return list(map(StoredItem._make, statement.all(session, {"link_id": link_id, **given})))


def live_items() -> list[ColumnElement[bool]]:
    """What makes a calendar item one that the link shows; the values are `live_given`."""
    return [
        CalendarItem.organisation_id == _OWNER,
        CalendarItem.room_id.in_(bindparam("rooms", expanding=True)),
        or_(CalendarItem.only_link_id.is_(None), CalendarItem.only_link_id == _LINK),
        CalendarItem.status.in_(bindparam("shown", expanding=True)),
        CalendarItem.ends_at > bindparam("begin"),
        CalendarItem.starts_at < bindparam("until"),
    ]


def live_given(facts: LinkFacts) -> dict[str, Any]:
    return {
        "owner_id": facts.organisation_id,
        "rooms": facts.rooms,
        "link_id": facts.link_id,
        "shown": [ItemStatus.CONFIRMED, *([ItemStatus.TENTATIVE] if facts.requested else [])],
        "begin": facts.since,
        "until": facts.until,
        "epoch": facts.epoch,
    }


def _changed(is_news: ColumnElement[bool]) -> Prepared:
    revision = CalendarItem.sequence + bindparam("epoch", type_=Integer())
    moved = or_(ItemLink.base_revision.is_(None), ItemLink.base_revision != revision)
    return Prepared(
        select(CalendarItem.id)
        .outerjoin(ItemLink, and_(ItemLink.link_id == _LINK, ItemLink.local_id == CalendarItem.id))
        .where(*live_items(), or_(is_news, and_(ItemLink.id.is_not(None), moved)))
    )


_NEWS = _changed(and_(ItemLink.id.is_(None), CalendarItem.ends_at > bindparam("now")))
_MOVED = _changed(false())
_ENDED = Prepared(
    select(ItemLink.local_id)
    .outerjoin(CalendarItem, and_(CalendarItem.id == ItemLink.local_id, *live_items()))
    .where(ItemLink.link_id == _LINK, ItemLink.local_id > 0, ItemLink.state != "TOMBSTONE")
    .where(CalendarItem.id.is_(None))
)
_SHOWN = select(*CalendarItem.__table__.c).where(*live_items()).order_by(CalendarItem.id)


def _bookings(session: Session, facts: LinkFacts, *conditions: ColumnElement[bool]) -> list[LocalBooking]:
    rows = session.connection().execute(_SHOWN.where(*conditions), live_given(facts))
    return [
        LocalBooking(
            item_id=row.id,
            booking_id=row.booking_id,
            uid=row.uid,
            revision=row.sequence + facts.epoch,
            slot=Slot(row.starts_at, row.ends_at),
            zone=row.zone,
            status=row.status,
            title=row.title,
            party=row.party,
            room=row.room,
            location=row.location,
            details=row.details,
            is_beside=row.room_id != facts.room_id,
            is_event=row.event_id is not None,
        )
        for row in rows
    ]


def booking_of(session: Session, organisation_id: int, item_id: int) -> tuple[int, UUID] | None:
    """The booking that a calendar item shows: its id and public id."""
    row = session.execute(
        select(Booking.id, Booking.public_id)
        .join(CalendarItem, CalendarItem.booking_id == Booking.id)
        .where(CalendarItem.organisation_id == organisation_id, CalendarItem.id == item_id)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def _batches(wanted: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """Databases bound how many values one statement may carry."""
    values = list(dict.fromkeys(wanted))
    return (values[first : first + _BATCH] for first in range(0, len(values), _BATCH))
