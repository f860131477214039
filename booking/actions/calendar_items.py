"""The calendar item of a booking or of a course's event, and the revisions of the calendars that show it (SPEC C2).

Feeds, mail parts and links read the item, never what it is of (DESIGN, Feeds). Whoever changes that records its facts
here as the last thing of the transaction; only the document counter is locked later (DESIGN rule 2).
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
_ITEM = select(CalendarItem).with_for_update().execution_options(populate_existing=True)
_OF_BOOKING = _ITEM.where(CalendarItem.booking_id == bindparam("booking_id"))
_OF_EVENT = _ITEM.where(CalendarItem.event_id == bindparam("event_id"))
_SUBJECTS = FeedSubject.__table__
_BUMP = PreparedRows(
    _SUBJECTS,
    ("organisation_id", "kind", "target_id", "revision"),
    lambda insert: insert.on_conflict_do_update(
        index_elements=["organisation_id", "kind", "target_id"], set_={"revision": _SUBJECTS.c.revision + 1}
    ).returning(_SUBJECTS.c.id, _SUBJECTS.c.kind, _SUBJECTS.c.organisation_id, _SUBJECTS.c.revision),
)
_ITEMS = CalendarItem.__table__
_MARKS = {
    name: Prepared(
        update(CalendarItem)
        .where(_ITEMS.c[name].in_(bindparam("ids", expanding=True)))
        .values(office_revision=bindparam("revision"))
    )
    for name in ("booking_id", "event_id")
}
_MOST_MARKED = 500
_BESIDE = Prepared(rooms_beside(bindparam("organisation_id"), bindparam("room_id")))


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What calendars show, texts copied: of a booking, or of an event of a course and perhaps of one of its series.

    `slot` is the time booked, without buffers. `details` is shown in full feeds only; never a door code. `ended_at` is
    when it was cancelled, rejected or expired, else None.
    """

    organisation_id: int
    booking_id: int | None
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
    event_id: int | None = None
    course_id: int | None = None
    series_id: int | None = None

    @property
    def of(self) -> tuple[int, int]:
        """What it is of, in the order in which items are locked: bookings, then events, each by its id."""
        return (0, self.booking_id) if self.booking_id is not None else (1, self.event_id or 0)


def record(session: Session, now: datetime, facts: ItemFacts) -> None:
    """Make the item equal to the facts. One that is equal already is not touched, nor is any revision."""
    record_all(session, now, (facts,))


def record_all(session: Session, now: datetime, many: Iterable[ItemFacts], *, new: bool = False) -> None:
    """As `record` for several items of one transaction. The links of their rooms are woken; the revisions are locked
    once, in order, after all items. `new`: what they are of was made in this transaction, so that they are new, too.
    """
    from booking.actions.link_wakes import wake_rooms  # late: a web process begins with pages that change nothing

    ordered = sorted(many, key=lambda facts: facts.of)
    if new:
        changed, touched = ordered, _add(session, now, ordered)
    else:
        written = [(facts, _write(session, now, facts)) for facts in ordered]
        changed = [facts for facts, subjects in written if subjects]
        touched = set[Subject]().union(*(subjects for _, subjects in written))
    wake_rooms(session, now, [(owner, room) for owner, kind, room in touched if kind is SubjectKind.ROOM])
    _count(session, touched, [facts.event_id for facts in changed if facts.event_id is not None])


def touch(session: Session, now: datetime, organisation_id: int, booking_id: int) -> None:
    """Count a change that the item's own texts do not hold: a door code was given or taken back (SPEC C1, desk).

    Call it once for each such change, in its transaction. Raises NotFound where the booking has no item.
    """
    touch_all(session, organisation_id, {booking_id: (now,)})


def touch_all(session: Session, organisation_id: int, moments: Mapping[int, Sequence[datetime]]) -> None:
    """As `touch` for several bookings of one transaction: booking id → the instant of each change, in their order."""
    touched: set[Subject] = set()
    for booking_id, instants in sorted(moments.items()):
        item = session.scalars(_OF_BOOKING, {"booking_id": booking_id}).one_or_none()
        if item is None or item.organisation_id != organisation_id:
            raise NotFound("calendar item of booking", booking_id)
        for at in instants:
            _grow(item, at)
        touched |= _subjects(item)
    session.flush()
    _count(session, _with_rooms_beside(session, touched))


def _count(session: Session, touched: set[Subject], events: Sequence[int] = ()) -> None:
    """Raise the revisions, then mark the items with what the office's came to. Whoever marks holds its row until the
    commit, so that who has seen a revision can see every item that is marked with it or an earlier one.

    `events` are those of the only organisation among the subjects, where there are any.
    """
    for organisation_id, revision in bump(session, touched).items():
        bookings = [
            booking for owner, kind, booking in touched if kind is SubjectKind.BOOKING and owner == organisation_id
        ]
        for name, changed in (("booking_id", bookings), ("event_id", events)):
            for first in range(0, len(changed), _MOST_MARKED):
                _MARKS[name].all(session, {"ids": changed[first : first + _MOST_MARKED], "revision": revision})


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
    item = _locked(session, facts)
    if item is None:
        return _add(session, now, [facts])
    if item.organisation_id != facts.organisation_id:
        raise NotFound("calendar item", facts.of)
    wanted = _columns(facts)
    if all(getattr(item, name) == value for name, value in wanted.items()):
        return set()
    before = _subjects(item)
    for name, value in wanted.items():
        setattr(item, name, value)
    _grow(item, now)
    session.flush()
    return _with_rooms_beside(session, before | _subjects(item))


def _add(session: Session, now: datetime, many: Sequence[ItemFacts]) -> set[Subject]:
    moment = now.replace(microsecond=0)
    rows = [
        {
            "organisation_id": facts.organisation_id,
            "booking_id": facts.booking_id,
            "event_id": facts.event_id,
            "uid": new_uuid(now),
            "sequence": 0,
            "created_at": moment,
            "last_modified": moment,
            **_columns(facts),
        }
        for facts in many
    ]
    write_rows(session, CalendarItem, rows, known_by="uid")
    return _with_rooms_beside(session, set[Subject]().union(*(_subjects(facts) for facts in many)))


def _locked(session: Session, facts: ItemFacts) -> CalendarItem | None:
    if facts.booking_id is not None:
        return session.scalars(_OF_BOOKING, {"booking_id": facts.booking_id}).one_or_none()
    return session.scalars(_OF_EVENT, {"event_id": facts.event_id}).one_or_none()


def _grow(item: CalendarItem, now: datetime) -> None:
    item.sequence += 1
    item.last_modified = modified_by(item.last_modified, now)


def _columns(facts: ItemFacts) -> dict[str, Any]:
    return {
        "customer_id": facts.customer_id,
        "course_id": facts.course_id,
        "series_id": facts.series_id,
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
    own = (
        (SubjectKind.CUSTOMER, item.customer_id),
        (SubjectKind.BOOKING, item.booking_id),
        (SubjectKind.COURSE, item.course_id),
        (SubjectKind.SERIES, item.series_id),
    )
    found |= {(organisation_id, kind, target) for kind, target in own if target is not None}
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
