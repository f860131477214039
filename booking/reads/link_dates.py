"""The dates that a link keeps here, and the items of which it does not know all that is wanted (SPEC C14)."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Integer, bindparam, func, select
from sqlalchemy.orm import Session

from booking.tables.bookings import CaseFile, Occupancy
from booking.tables.houses import RoomUnit
from booking.tables.links import CalendarLink, ImportedTime
from booking.tables.prepared import Prepared
from booking.values.states import OccupancyKind

BROUGHT = (OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE)
FULL = "link-full"
_LINK: BindParameter[Any] = bindparam("link_id")
_SHORT = Prepared(
    select(ImportedTime.id, ImportedTime.content, ImportedTime.until, ImportedTime.problem)
    .where(ImportedTime.link_id == _LINK, ImportedTime.ended_at.is_(None), ImportedTime.until < bindparam("until"))
    .order_by(ImportedTime.until, ImportedTime.id)
    .limit(bindparam("most", type_=Integer()))
)
_HOW_SHORT = Prepared(
    select(func.count()).where(
        ImportedTime.link_id == _LINK, ImportedTime.ended_at.is_(None), ImportedTime.until < bindparam("until")
    )
)
_UNITS = Prepared(
    select(RoomUnit.unit_id)
    .join(CalendarLink, CalendarLink.room_id == RoomUnit.room_id)
    .where(CalendarLink.id == _LINK)
    .order_by(RoomUnit.unit_id)
)
_KEPT = Prepared(
    select(func.count())
    .select_from(ImportedTime)
    .join(Occupancy, Occupancy.source_id == ImportedTime.id)
    .where(
        ImportedTime.link_id == _LINK,
        ImportedTime.ended_at.is_(None),
        Occupancy.kind.in_(bindparam("kinds", expanding=True)),
        Occupancy.unit_id == bindparam("unit_id"),
        Occupancy.ends_at > bindparam("now"),
    )
)


class Short(NamedTuple):
    """A time that a link brought, whose dates are known up to `until` only. `problem` as in `values.ImportedTime`."""

    id: int
    content: str
    until: datetime
    problem: str


def imports_to_widen(session: Session, link_id: int, until: datetime, most: int) -> list[Short]:
    """Items whose dates are known up to a moment before this one only, those that are known for the shortest first."""
    return [Short(*row) for row in _SHORT.all(session, {"link_id": link_id, "until": until, "most": most})]


def how_many_to_widen(session: Session, link_id: int, until: datetime) -> int:
    """How many such items there are in all."""
    count: int = _HOW_SHORT.scalar(session, {"link_id": link_id, "until": until})
    return count


def dates_kept(session: Session, link_id: int, now: datetime) -> tuple[int, int]:
    """How many dates to come the link keeps on each unit of its room, and how many units these are."""
    units = _UNITS.scalars(session, {"link_id": link_id})
    given = {"link_id": link_id, "kinds": BROUGHT, "unit_id": units[0] if units else 0, "now": now}
    return _KEPT.scalar(session, given), len(units)


def is_told_full(session: Session, organisation_id: int, link_id: int) -> bool:
    """Whether the case stands open that the link's calendar holds more dates than may be kept."""
    query = select(CaseFile.id).where(
        CaseFile.organisation_id == organisation_id,
        CaseFile.dedup_key == f"{FULL}-{link_id}",
        CaseFile.closed_at.is_(None),
    )
    return session.scalar(query) is not None
