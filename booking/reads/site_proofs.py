"""What a worker has to know of a calendar that is being proven for a page of a booking site (SPEC Y8)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.rules.calendar_proof import Through, unfit
from booking.tables.bookings import Occupancy
from booking.tables.connections import BlockWay, Connection, ConnectionRoom
from booking.tables.houses import Room, RoomUnit
from booking.tables.links import CalendarLink, ItemLink
from booking.tables.site_calendars import SiteCalendar
from booking.values.proofs import ProofPhase, ProofProblem
from booking.values.slot import Slot


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof in one phase. `slot` is its test time, None before there is one; the other fields as in `Evidence`."""

    row_id: int
    connection_id: int
    profile_id: str
    room_id: int
    phase: ProofPhase
    phase_at: datetime
    unfit: ProofProblem | None
    slot: Slot | None
    intent: str
    others: frozenset[datetime]
    in_calendar: bool
    link_problem: str
    taken: bool


def running_proof(session: Session, row_id: int) -> Proof | None:
    """None where nothing is to be done: it is over, or its page has another way by now."""
    found = session.execute(
        select(SiteCalendar, Connection, CalendarLink, Room)
        .join(Connection, Connection.id == SiteCalendar.connection_id)
        .join(CalendarLink, CalendarLink.id == SiteCalendar.link_id)
        .join(
            ConnectionRoom,
            (ConnectionRoom.connection_id == SiteCalendar.connection_id)
            & (ConnectionRoom.profile_id == SiteCalendar.profile_id),
        )
        .join(Room, Room.id == ConnectionRoom.room_id)
        .where(SiteCalendar.id == row_id, Connection.block_way == BlockWay.CALENDAR)
    ).one_or_none()
    if found is None:
        return None
    row, connection, link, room = found
    if not row.phase.runs or row.phase_at is None:
        return None
    slot = Slot(row.starts_at, row.ends_at) if row.starts_at is not None and row.ends_at is not None else None
    return Proof(
        row_id=row.id,
        connection_id=connection.id,
        profile_id=row.profile_id,
        room_id=room.id,
        phase=row.phase,
        phase_at=row.phase_at,
        unfit=_unfit(connection, link, room),
        slot=slot,
        intent=str(row.evidence.get("intent", "")),
        others=frozenset(datetime.fromisoformat(other) for other in row.evidence.get("others", ())),
        in_calendar=_stands(session, row),
        link_problem=_problem(link, row.phase_at),
        taken=slot is not None and _is_taken(session, room.id, slot),
    )


def _unfit(connection: Connection, link: CalendarLink, room: Room) -> ProofProblem | None:
    if connection.paused_at is not None:
        return ProofProblem.SITE_RESTS
    return unfit(
        Through(
            link_room_id=link.room_id,
            policy=link.policy,
            state=link.state,
            requested=link.requested,
            months_ahead=link.months_ahead,
            room_id=room.id,
            horizon=timedelta(days=room.horizon_days),
        )
    )


def _stands(session: Session, row: SiteCalendar) -> bool:
    """Whether the link wrote the test time, and did not remove it since: by its index, which is only ever behind."""
    query = select(ItemLink.id).where(
        ItemLink.link_id == row.link_id,
        ItemLink.local_id == row.item_id,
        ItemLink.state != "TOMBSTONE",
        ItemLink.href != "",
        ItemLink.base.is_not(None),
    )
    return row.item_id is not None and session.scalar(query.limit(1)) is not None


def _problem(link: CalendarLink, since: datetime) -> str:
    """Of a run that ended since the phase began."""
    return link.problem if link.last_run_at is not None and link.last_run_at >= since else ""


def _is_taken(session: Session, room_id: int, slot: Slot) -> bool:
    query = (
        select(Occupancy.id)
        .join(RoomUnit, RoomUnit.unit_id == Occupancy.unit_id)
        .where(RoomUnit.room_id == room_id, Occupancy.starts_at < slot.end, Occupancy.ends_at > slot.start)
    )
    return session.scalar(query.limit(1)) is not None
