"""The whole audit log, page by page (SPEC X5): who changed what, when, from where, before and after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from booking.tables.bookings import AuditEntry, Booking
from booking.tables.calendars import Feed
from booking.tables.connections import Connection
from booking.tables.doors import Door
from booking.tables.houses import Branch, CustomerGroup, PriceExtra, PriceList, Room, Season
from booking.tables.links import CalendarLink
from booking.tables.people import ApiToken, Customer, Staff
from booking.tables.studio import Course
from booking.values.codes import read_booking_code
from booking.values.slot import Slot

PAGE = 50
_NAMED: dict[str, tuple[Any, Any]] = {  # what a record is called; with its public id where it has a page
    "api_token": (ApiToken, ApiToken.name),
    "booking": (Booking, Booking.code),
    "branch": (Branch, Branch.name),
    "calendar_link": (CalendarLink, CalendarLink.name),
    "connection": (Connection, Connection.name),
    "course": (Course, Course.name),
    "customer": (Customer, Customer.name),
    "customer_group": (CustomerGroup, CustomerGroup.name),
    "door": (Door, Door.name),
    "feed": (Feed, Feed.name),
    "price_extra": (PriceExtra, PriceExtra.name),
    "price_list": (PriceList, PriceList.name),
    "room": (Room, Room.name),
    "season": (Season, Season.name),
    "staff": (Staff, Staff.name),
}
POINTS_TO = {"branch_id": "branch", "door_id": "door", "group_id": "customer_group", "price_list_id": "price_list",
             "room_id": "room", "season_id": "season", "trainer_id": "staff"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    name: str
    public_id: UUID | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One entry. `record` is None where it is gone, or has no name."""

    entry_id: int
    at: datetime
    actor: str
    origin: str
    subject: str
    subject_id: int
    action: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    record: Named | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The newest first. `older` is the cursor of the following page; `names` are those of ids that values name."""

    lines: tuple[AuditLine, ...]
    older: int | None
    names: Mapping[tuple[str, int], Named]


def audit_page(
    session: Session,
    organisation_id: int,
    *,
    actor: str = "",
    subject: str = "",
    subject_id: int | None = None,
    span: Slot | None = None,
    cursor: int | None = None,
    limit: int = PAGE,
) -> AuditPage:
    """A page of the log, by the indexes of time, of person and time, or of record; in few queries, however long.

    `actor` is a name as it stands in the log; `subject_id` counts only with `subject`; `span` is half-open.
    """
    conditions = [AuditEntry.organisation_id == organisation_id]
    conditions += [AuditEntry.actor == actor] if actor else []
    conditions += [AuditEntry.subject == subject] if subject else []
    conditions += [AuditEntry.subject_id == subject_id] if subject and subject_id is not None else []
    conditions += [AuditEntry.at >= span.start, AuditEntry.at < span.end] if span else []
    conditions += _after_cursor(session, organisation_id, cursor)
    query = select(AuditEntry).where(*conditions).order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    rows = list(session.scalars(query.limit(limit + 1)))
    shown = rows[:limit]
    names = _names(session, organisation_id, shown)
    return AuditPage(
        lines=tuple(_line(row, names.get((row.subject, row.subject_id))) for row in shown),
        older=shown[-1].id if len(rows) > limit else None,
        names=names,
    )


def booking_id_of(session: Session, organisation_id: int, typed: str) -> int | None:
    """The booking with this code, however it was typed; None where there is none."""
    code = read_booking_code(typed)
    query = select(Booking.id).where(Booking.organisation_id == organisation_id, Booking.code == code)
    return session.scalar(query) if code else None


def _after_cursor(session: Session, organisation_id: int, cursor: int | None) -> list[ColumnElement[bool]]:
    """An entry that is not there begins the log anew."""
    if cursor is None:
        return []
    at = session.scalar(
        select(AuditEntry.at).where(AuditEntry.organisation_id == organisation_id, AuditEntry.id == cursor)
    )
    return [AuditEntry.at <= at, (AuditEntry.at < at) | (AuditEntry.id < cursor)] if at is not None else []


def _names(session: Session, organisation_id: int, rows: Iterable[AuditEntry]) -> dict[tuple[str, int], Named]:
    """One query for each kind of record on the page."""
    wanted: dict[str, set[int]] = {}
    for row in rows:
        wanted.setdefault(row.subject, set()).add(row.subject_id)
        for key, kind in POINTS_TO.items():
            ids = {side[key] for side in (row.before, row.after) if isinstance(side.get(key), int)}
            wanted.setdefault(kind, set()).update(ids)
    found: dict[tuple[str, int], Named] = {}
    for kind, ids in wanted.items():
        if kind in _NAMED and ids:
            table, name = _NAMED[kind]
            columns = [table.id, name, *([table.public_id] if hasattr(table, "public_id") else [])]
            query = select(*columns).where(table.organisation_id == organisation_id, table.id.in_(ids))
            for identity, called, *public in session.execute(query):
                found[kind, identity] = Named(called, public[0] if public else None)
    return found


def _line(row: AuditEntry, record: Named | None) -> AuditLine:
    return AuditLine(
        entry_id=row.id,
        at=row.at,
        actor=row.actor,
        origin=row.origin,
        subject=row.subject,
        subject_id=row.subject_id,
        action=row.action,
        before=row.before,
        after=row.after,
        record=record,
    )
