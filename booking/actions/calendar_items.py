"""A booking's calendar item, and the revisions of the calendars that show it (DESIGN, Feeds; SPEC C2).

Feeds, mail parts and links read the item, never the booking. Whoever changes a booking records its facts here as the
last thing of the transaction; only the document counter is locked later (DESIGN rule 2).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from booking.reads.agenda import rooms_beside
from booking.tables.calendars import CalendarItem, FeedSubject
from booking.tables.prepared import Prepared, PreparedRows, insert_in
from booking.tables.rows import write_rows
from booking.values.agenda import modified_by
from booking.values.identity import new_uuid
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import ItemStatus, SubjectKind

TOUCHED = "feed_subjects"
Subject = tuple[int, SubjectKind, int]
_ITEM = (
    select(CalendarItem)
    .where(CalendarItem.booking_id == bindparam("booking_id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_SUBJECTS = FeedSubject.__table__
_BUMP = PreparedRows(
    _SUBJECTS,
    ("organisation_id", "kind", "target_id", "revision"),
    lambda insert: insert.on_conflict_do_update(
        index_elements=["organisation_id", "kind", "target_id"], set_={"revision": _SUBJECTS.c.revision + 1}
    ).returning(_SUBJECTS.c.id, _SUBJECTS.c.kind, _SUBJECTS.c.organisation_id, _SUBJECTS.c.revision),
)
_ITEMS = CalendarItem.__table__
_MARK = Prepared(
    update(CalendarItem)
    .where(_ITEMS.c.booking_id.in_(bindparam("booking_ids", expanding=True)))
    .values(office_revision=bindparam("revision"))
)
_MOST_MARKED = 500
_BESIDE = Prepared(rooms_beside(bindparam("organisation_id"), bindparam("room_id")))


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """A booking as calendars show it, texts copied. `details` is shown in full feeds only; never a door code.

    `slot` is the time booked, without buffers. `ended_at` is when it was cancelled, rejected or expired, else None.
    """

    organisation_id: int
    booking_id: int
    customer_id: int | None
    room_id: int
    slot: Slot
    zone: str
    status: ItemStatus
    title: str
    party: str
    room: str
    location: str
    details: str = ""
    ended_at: datetime | None = None


def record(session: Session, now: datetime, facts: ItemFacts) -> None:
    """Make the booking's item equal to the facts. One that is equal already is not touched, nor is any revision."""
    record_all(session, now, (facts,))


def record_all(session: Session, now: datetime, many: Iterable[ItemFacts], *, new: bool = False) -> None:
    """As `record` for several bookings of one transaction. The links of their rooms are woken; the revisions are locked
    once, in order, after all items. `new`: the bookings were made in this transaction, so that they have no items yet.
    """
    from booking.actions.link_wakes import wake_rooms  # late: a web process begins with pages that change nothing

    touched: set[Subject] = set()
    for facts in sorted(many, key=lambda facts: facts.booking_id):
        touched |= _add(session, now, facts) if new else _write(session, now, facts)
    wake_rooms(session, now, [(owner, room) for owner, kind, room in touched if kind is SubjectKind.ROOM])
    _count(session, touched)


def touch(session: Session, now: datetime, organisation_id: int, booking_id: int) -> None:
    """Count a change that the item's own texts do not hold: a door code was given or taken back (SPEC C1, desk).

    Call it once for each such change, in its transaction. Raises NotFound where the booking has no item.
    """
    touch_all(session, organisation_id, {booking_id: (now,)})


def touch_all(session: Session, organisation_id: int, moments: Mapping[int, Sequence[datetime]]) -> None:
    """As `touch` for several bookings of one transaction: booking id → the instant of each change, in their order."""
    touched: set[Subject] = set()
    for booking_id, instants in sorted(moments.items()):
        item = _locked(session, booking_id)
        if item is None or item.organisation_id != organisation_id:
            raise NotFound("calendar item of booking", booking_id)
        for at in instants:
            _grow(item, at)
        touched |= _subjects(item)
    session.flush()
    _count(session, _with_rooms_beside(session, touched))


def _count(session: Session, touched: set[Subject]) -> None:
    """Raise the revisions, then mark the items with what the office's came to. Whoever marks holds its row until the
    commit, so that who has seen a revision can see every item that is marked with it or an earlier one.
    """
    for organisation_id, revision in bump(session, touched).items():
        changed = [
            booking for owner, kind, booking in touched if kind is SubjectKind.BOOKING and owner == organisation_id
        ]
        for first in range(0, len(changed), _MOST_MARKED):
            _MARK.all(session, {"booking_ids": changed[first : first + _MOST_MARKED], "revision": revision})


def bump(session: Session, subjects: Iterable[Subject]) -> dict[int, int]:
    """Raise the revision of each subject by one, in one statement and one order, so that writers never lock crosswise.

    A subject without a row gets one. The ids are kept in `session.info`: the committing process drops what it cached.
    Returns the revision of each office's calendar among them, by organisation.
    """
    rows = [
        {"organisation_id": organisation_id, "kind": kind, "target_id": target_id, "revision": 1}
        for organisation_id, kind, target_id in sorted(set(subjects))
    ]
    raised = _BUMP.insert(session, rows)
    if raised:
        note_touched(session, (subject_id for subject_id, *_ in raised))
    return {organisation_id: revision for _, kind, organisation_id, revision in raised if kind is SubjectKind.OFFICE}


def note_touched(session: Session, subject_ids: Iterable[int]) -> None:
    """Remember whose calendars this transaction changed; see `web.hot_feeds`."""
    session.info.setdefault(TOUCHED, set()).update(subject_ids)


def insert_for(session: Session, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of the session's database."""
    return insert_in(session.get_bind().dialect.name, table)


def _write(session: Session, now: datetime, facts: ItemFacts) -> set[Subject]:
    """The subjects that see a change; none where there is none. A moved item changes where it was, too."""
    item = _locked(session, facts.booking_id)
    if item is None:
        return _add(session, now, facts)
    if item.organisation_id != facts.organisation_id:
        raise NotFound("calendar item of booking", facts.booking_id)
    wanted = _columns(facts)
    if all(getattr(item, name) == value for name, value in wanted.items()):
        return set()
    before = _subjects(item)
    for name, value in wanted.items():
        setattr(item, name, value)
    _grow(item, now)
    session.flush()
    return _with_rooms_beside(session, before | _subjects(item))


def _add(session: Session, now: datetime, facts: ItemFacts) -> set[Subject]:
    moment = now.replace(microsecond=0)
    item = {
        "organisation_id": facts.organisation_id,
        "booking_id": facts.booking_id,
        "uid": new_uuid(now),
        "sequence": 0,
        "created_at": moment,
        "last_modified": moment,
        **_columns(facts),
    }
    write_rows(session, CalendarItem, [item])
    return _with_rooms_beside(session, _subjects(facts))


def _locked(session: Session, booking_id: int) -> CalendarItem | None:
    return session.scalars(_ITEM, {"booking_id": booking_id}).one_or_none()


def _grow(item: CalendarItem, now: datetime) -> None:
    item.sequence += 1
    item.last_modified = modified_by(item.last_modified, now)


def _columns(facts: ItemFacts) -> dict[str, Any]:
    return {
        "customer_id": facts.customer_id,
        "room_id": facts.room_id,
        "starts_at": facts.slot.start,
        "ends_at": facts.slot.end,
        "zone": facts.zone,
        "status": facts.status,
        "title": facts.title,
        "party": facts.party,
        "room": facts.room,
        "location": facts.location,
        "details": facts.details,
        "ended_at": facts.ended_at,
    }


def _subjects(item: CalendarItem | ItemFacts) -> set[Subject]:
    """Whose calendars show the item. Office and desk are the organisation's: their target is the organisation."""
    organisation_id = item.organisation_id
    found: set[Subject] = {
        (organisation_id, SubjectKind.ROOM, item.room_id),
        (organisation_id, SubjectKind.OFFICE, organisation_id),
        (organisation_id, SubjectKind.DESK, organisation_id),
    }
    if item.customer_id is not None:
        found.add((organisation_id, SubjectKind.CUSTOMER, item.customer_id))
    if item.booking_id is not None:
        found.add((organisation_id, SubjectKind.BOOKING, item.booking_id))
    return found


def _with_rooms_beside(session: Session, subjects: set[Subject]) -> set[Subject]:
    """Add the rooms that share a unit: their calendars show the item as busy."""
    rooms = {(organisation_id, room) for organisation_id, kind, room in subjects if kind is SubjectKind.ROOM}
    beside = {
        (organisation_id, SubjectKind.ROOM, other)
        for organisation_id, room in rooms
        for other in _BESIDE.scalars(session, {"organisation_id": organisation_id, "room_id": room})
    }
    return subjects | beside
