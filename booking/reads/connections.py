"""Connections to booking sites as their set-up page shows them: no key, no secret, no body of a webhook."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.rules.calendar_proof import PHASE
from booking.tables.connections import (
    BlockWay,
    Connection,
    ConnectionRoom,
    HookDelivery,
    RemoteBooking,
    Writer,
)
from booking.tables.links import CalendarLink
from booking.tables.site_calendars import SiteCalendar
from booking.values.proofs import ProofPhase
from booking.values.refusals import NotFound
from booking.values.slot import Slot

LATELY = 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook that came. Its body is not told: it may hold what a customer wrote."""

    received_at: datetime
    event: str
    size: int
    read_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class CalendarFacts:
    """By which link a page there is blocked, and how far the proof of that is. `until`: when its phase ends at the
    latest, while it runs; `slot`: its test time.
    """

    link_id: UUID
    link: str
    phase: ProofPhase
    phase_at: datetime | None
    until: datetime | None
    slot: Slot | None
    problem: str
    detail: str
    proven_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """`pages` is profile id → room id; `calendars` profile id → how it is blocked, where that is by calendars.

    `failures` counts polls in a row; `stuck` bookings whose cancel there fails.
    """

    connection_id: int
    public_id: UUID
    name: str
    base_url: str
    account_id: str
    writer: Writer
    block_way: BlockWay
    proven_at: datetime | None
    polled_at: datetime | None
    next_poll_at: datetime
    failures: int
    last_error: str
    paused_at: datetime | None
    pages: dict[str, int]
    stuck: int
    calendars: dict[str, CalendarFacts]

    @property
    def is_being_proven(self) -> bool:
        return any(one.phase.runs for one in self.calendars.values())


def connections_of(session: Session, organisation_id: int) -> tuple[ConnectionFacts, ...]:
    """All of them, by name."""
    query = select(Connection).where(Connection.organisation_id == organisation_id)
    return _facts(session, session.scalars(query.order_by(Connection.name, Connection.id)).all())


def connection_of(session: Session, organisation_id: int, public_id: UUID) -> ConnectionFacts:
    """Raises NotFound."""
    query = select(Connection).where(Connection.organisation_id == organisation_id, Connection.public_id == public_id)
    row = session.scalar(query)
    if row is None:
        raise NotFound("connection", public_id)
    return _facts(session, [row])[0]


def deliveries_of(session: Session, connection_id: int) -> tuple[Delivery, ...]:
    """The newest webhooks first."""
    query = (
        select(
            HookDelivery.received_at,
            HookDelivery.event,
            func.length(HookDelivery.body),
            HookDelivery.read_at,
            HookDelivery.outcome,
        )
        .where(HookDelivery.connection_id == connection_id)
        .order_by(HookDelivery.received_at.desc(), HookDelivery.id.desc())
        .limit(LATELY)
    )
    return tuple(Delivery(*row) for row in session.execute(query))


def _facts(session: Session, rows: Sequence[Connection]) -> tuple[ConnectionFacts, ...]:
    """In three queries, however many they are."""
    ids = [row.id for row in rows]
    columns = (ConnectionRoom.connection_id, ConnectionRoom.profile_id, ConnectionRoom.room_id)
    pages = session.execute(select(*columns).where(ConnectionRoom.connection_id.in_(ids))).all()
    counted = session.execute(
        select(RemoteBooking.connection_id, func.count())
        .where(
            RemoteBooking.connection_id.in_(ids),
            RemoteBooking.stuck_since.is_not(None),
            RemoteBooking.cancelled.is_(False),
        )
        .group_by(RemoteBooking.connection_id)
    )
    stuck = {connection_id: count for connection_id, count in counted}  # noqa: C416 - rows are no pairs
    calendars = _calendars(session, ids)
    return tuple(
        ConnectionFacts(
            connection_id=row.id,
            public_id=row.public_id,
            name=row.name,
            base_url=row.base_url,
            account_id=row.account_id,
            writer=row.writer,
            block_way=row.block_way,
            proven_at=row.proven_at,
            polled_at=row.polled_at,
            next_poll_at=row.next_poll_at,
            failures=row.failures,
            last_error=row.last_error,
            paused_at=row.paused_at,
            pages={page.profile_id: page.room_id for page in pages if page.connection_id == row.id},
            stuck=stuck.get(row.id, 0),
            calendars=calendars.get(row.id, {}),
        )
        for row in rows
    )


def _calendars(session: Session, ids: Sequence[int]) -> dict[int, dict[str, CalendarFacts]]:
    found: dict[int, dict[str, CalendarFacts]] = {}
    query = (
        select(SiteCalendar, CalendarLink.public_id, CalendarLink.name)
        .join(CalendarLink, CalendarLink.id == SiteCalendar.link_id)
        .where(SiteCalendar.connection_id.in_(ids))
    )
    for row, public_id, name in session.execute(query):
        slot = Slot(row.starts_at, row.ends_at) if row.starts_at is not None and row.ends_at is not None else None
        found.setdefault(row.connection_id, {})[row.profile_id] = CalendarFacts(
            link_id=public_id,
            link=name,
            phase=row.phase,
            phase_at=row.phase_at,
            until=row.phase_at + PHASE if row.phase.runs and row.phase_at is not None else None,
            slot=slot,
            problem=row.problem,
            detail=row.detail,
            proven_at=row.proven_at,
        )
    return found
