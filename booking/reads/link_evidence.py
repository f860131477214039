"""What a link finds here: its rows, the live bookings of its room, and the times that it brought (SPEC C6, C7).

With a delta only what was touched is read, so that a run costs what changed and not what is there.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from booking.reads.agenda import rooms_beside
from booking.tables.bookings import Booking
from booking.tables.calendars import CalendarItem
from booking.tables.houses import Branch, Organisation, Room
from booking.tables.links import CalendarLink, ImportedTime, ItemLink, SyncRun
from booking.values.links import Imported, LinkKind, LinkPolicy, LinkStatus, LocalBooking, StoredItem
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import ItemStatus, Variant

MONTH = timedelta(days=31)
SETTLED = ("ACTIVE", "TOMBSTONE")
_BATCH = 400
_NAMES = tuple(field.name for field in fields(StoredItem))
_ROW = tuple(getattr(ItemLink, name) for name in _NAMES)


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
    live = (ItemLink.link_id == link_id, ItemLink.state != "TOMBSTONE")
    active = select(func.count()).where(*live, or_(ItemLink.over_at.is_(None), ItemLink.over_at > now))
    written = select(func.coalesce(func.sum(SyncRun.writes), 0)).where(
        SyncRun.link_id == link_id, SyncRun.started_at > now - timedelta(hours=1)
    )
    beside = session.scalars(rooms_beside(row.organisation_id, row.room_id)).all()
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
        epoch=session.scalars(select(Organisation.epoch).where(Organisation.id == row.organisation_id)).one(),
        since=now - row.months_back * MONTH,
        until=now + row.months_ahead * MONTH,
        active=session.scalar(active) or 0,
        written_last_hour=session.scalar(written) or 0,
    )


def all_rows(session: Session, link_id: int) -> list[StoredItem]:
    return _stored(session, ItemLink.link_id == link_id)


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
    for column, wanted in ((ItemLink.href, hrefs), (ItemLink.uid, uids), (ItemLink.local_id, locals_)):
        for some in _batches(wanted):
            found |= {row.id: row for row in _stored(session, ItemLink.link_id == link_id, column.in_(some))}
    return list(found.values())


def waiting_rows(session: Session, link_id: int) -> list[StoredItem]:
    """Those that wait for a person, for proof, or for their next try."""
    return _stored(session, ItemLink.link_id == link_id, waits())


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
    row = and_(ItemLink.link_id == facts.link_id, ItemLink.local_id == CalendarItem.id)
    revision = CalendarItem.sequence + facts.epoch
    is_news = and_(ItemLink.id.is_(None), CalendarItem.ends_at > now) if facts.policy.writes else ItemLink.id < 0
    moved = or_(ItemLink.base_revision.is_(None), ItemLink.base_revision != revision)
    changed = (
        select(CalendarItem.id)
        .outerjoin(ItemLink, row)
        .where(*live_items(facts), or_(is_news, and_(ItemLink.id.is_not(None), moved)))
    )
    ended = (
        select(ItemLink.local_id)
        .outerjoin(CalendarItem, and_(CalendarItem.id == ItemLink.local_id, *live_items(facts)))
        .where(ItemLink.link_id == facts.link_id, ItemLink.local_id > 0, ItemLink.state != "TOMBSTONE")
        .where(CalendarItem.id.is_(None))
    )
    return set(session.scalars(changed)), {one for one in session.scalars(ended) if one is not None}


def bookings(session: Session, facts: LinkFacts, item_ids: Collection[int] | None = None) -> list[LocalBooking]:
    """All live bookings of the link, or those of these ids that are."""
    if item_ids is None:
        return _bookings(session, facts)
    return [one for some in _batches(item_ids) for one in _bookings(session, facts, CalendarItem.id.in_(some))]


def bookings_like(
    session: Session, facts: LinkFacts, uids: Collection[UUID], starts: Collection[datetime]
) -> list[LocalBooking]:
    """Live bookings with one of these UIDs, or that begin when something new there does: what it may be a copy of."""
    found: dict[int, LocalBooking] = {}
    conditions = [CalendarItem.uid.in_(some) for some in _batches(uids)]
    conditions += [CalendarItem.starts_at.in_(some) for some in _batches(starts)]
    for condition in conditions:
        found |= {one.item_id: one for one in _bookings(session, facts, condition)}
    return list(found.values())


def imports(session: Session, link_id: int, ids: Collection[int] | None = None) -> list[Imported]:
    """All times that the link brought, or those of these ids."""
    columns = (ImportedTime.id, ImportedTime.uid, ImportedTime.revision, ImportedTime.content)
    query = select(*columns).where(ImportedTime.link_id == link_id, ImportedTime.ended_at.is_(None))
    if ids is None:
        return [Imported(*row) for row in session.execute(query)]
    return [Imported(*row) for some in _batches(ids) for row in session.execute(query.where(ImportedTime.id.in_(some)))]


def imports_to_widen(session: Session, link_id: int, until: datetime, most: int) -> list[Imported]:
    """Series whose dates are known up to a moment before this one only."""
    columns = (ImportedTime.id, ImportedTime.uid, ImportedTime.revision, ImportedTime.content)
    live = (ImportedTime.link_id == link_id, ImportedTime.ended_at.is_(None))
    query = select(*columns).where(*live, ImportedTime.until < until)
    return [Imported(*row) for row in session.execute(query.order_by(ImportedTime.until).limit(most))]


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
    return frozenset(session.scalars(select(CalendarLink.id).where(CalendarLink.organisation_id == organisation_id)))


def last_full(session: Session, link_id: int) -> tuple[datetime | None, str] | None:
    """When a link was last listed as a whole, and the zone of its room; None where there is no such link."""
    query = (
        select(CalendarLink.last_full_at, Branch.zone)
        .join(Room, Room.id == CalendarLink.room_id)
        .join(Branch, Branch.id == Room.branch_id)
        .where(CalendarLink.id == link_id)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def room_zone(session: Session, room_id: int) -> str:
    """The Olson name of the branch of a room."""
    return session.scalars(select(Branch.zone).join(Room, Room.branch_id == Branch.id).where(Room.id == room_id)).one()


def _stored(session: Session, *conditions: ColumnElement[bool]) -> list[StoredItem]:
    return [StoredItem(*row) for row in session.execute(select(*_ROW).where(*conditions).order_by(ItemLink.id))]


def live_items(facts: LinkFacts) -> list[ColumnElement[bool]]:
    """What makes a calendar item one that the link shows."""
    shown = [ItemStatus.CONFIRMED, *([ItemStatus.TENTATIVE] if facts.requested else [])]
    return [
        CalendarItem.organisation_id == facts.organisation_id,
        CalendarItem.room_id.in_(facts.rooms),
        or_(CalendarItem.only_link_id.is_(None), CalendarItem.only_link_id == facts.link_id),
        CalendarItem.status.in_(shown),
        CalendarItem.ends_at > facts.since,
        CalendarItem.starts_at < facts.until,
    ]


def _bookings(session: Session, facts: LinkFacts, *conditions: ColumnElement[bool]) -> list[LocalBooking]:
    query = select(CalendarItem).where(*live_items(facts), *conditions).order_by(CalendarItem.id)
    columns = CalendarItem.__table__.c
    rows = session.connection().execute(query.with_only_columns(*columns))
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
