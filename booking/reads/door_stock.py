"""A door's codes for lists by program: page by page, counted by season, and who holds which; never what a code says."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from booking.reads.doors import HELD
from booking.tables.bookings import Booking
from booking.tables.doors import Door, DoorCode
from booking.tables.people import Customer
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import CodeState


@dataclass(frozen=True, slots=True)
class StockLine:
    """One code. `party` and `booking_code` are empty while nobody has it."""

    public_id: UUID
    season_id: int | None
    window: Slot
    state: CodeState
    booking_id: UUID | None
    booking_code: str
    party: str
    told_by_phone: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a code that would be replaced. `gets_mail`: the code was given out; else the mail is still to come."""

    party: str
    email: str
    booking_code: str
    window: Slot
    gets_mail: bool


def door_id_of(session: Session, organisation_id: int, public_id: UUID) -> int:
    """Raises NotFound."""
    found = session.scalar(select(Door.id).where(Door.organisation_id == organisation_id, Door.public_id == public_id))
    if found is None:
        raise NotFound("door", public_id)
    return found


def doors_by_name(session: Session, organisation_id: int) -> tuple[tuple[int, UUID, str], ...]:
    """Id, public id and name of each door."""
    query = select(Door.id, Door.public_id, Door.name).where(Door.organisation_id == organisation_id)
    return tuple((row.id, row.public_id, row.name) for row in session.execute(query.order_by(Door.name, Door.id)))


def counts_ahead(session: Session, now: datetime, organisation_id: int) -> dict[tuple[int, int | None, CodeState], int]:
    """How many codes whose window is not past each door has, by season and state."""
    query = (
        select(DoorCode.door_id, DoorCode.season_id, DoorCode.state, func.count())
        .where(DoorCode.organisation_id == organisation_id, DoorCode.ends_at > now)
        .group_by(DoorCode.door_id, DoorCode.season_id, DoorCode.state)
    )
    return {(door_id, season_id, state): count for door_id, season_id, state, count in session.execute(query)}


def code_id_of(session: Session, organisation_id: int, door_id: int, public_id: UUID) -> int:
    """Raises NotFound where this door has no such code."""
    query = select(DoorCode.id).where(
        DoorCode.organisation_id == organisation_id, DoorCode.door_id == door_id, DoorCode.public_id == public_id
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound("door code", public_id)
    return found


def stock_page(
    session: Session,
    organisation_id: int,
    door_id: int,
    *,
    state: CodeState | None = None,
    span: Slot | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> tuple[StockLine, ...]:
    """The codes by the begin of their windows, by the index of door and window.

    `span` takes those whose window begins within it; `after` is the last id of the page before, and one that this door
    does not have begins anew.
    """
    conditions = [DoorCode.organisation_id == organisation_id, DoorCode.door_id == door_id]
    conditions += [DoorCode.state == state] if state else []
    conditions += [DoorCode.starts_at >= span.start, DoorCode.starts_at < span.end] if span else []
    conditions += _after(session, door_id, after)
    query = (
        select(DoorCode, Booking.public_id, Booking.code, Customer.name, Customer.company)
        .outerjoin(Booking, Booking.id == DoorCode.booking_id)
        .outerjoin(Customer, Customer.id == Booking.customer_id)
        .where(*conditions)
        .order_by(DoorCode.starts_at, DoorCode.id)
        .limit(limit)
    )
    return tuple(
        StockLine(
            public_id=code.public_id,
            season_id=code.season_id,
            window=Slot(code.starts_at, code.ends_at),
            state=code.state,
            booking_id=booking_id,
            booking_code=booking_code or "",
            party=company or name or "",
            told_by_phone=code.told_by_phone,
        )
        for code, booking_id, booking_code, name, company in session.execute(query)
    )


def holders_of(
    session: Session, now: datetime, organisation_id: int, door_id: int, *which: ColumnElement[bool]
) -> tuple[Holder, ...]:
    """Who has codes of a door that can still open, by window; `which` narrows the codes."""
    query = (
        select(DoorCode, Booking.code, Customer.name, Customer.company, Customer.email)
        .join(Booking, Booking.id == DoorCode.booking_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(
            DoorCode.organisation_id == organisation_id,
            DoorCode.door_id == door_id,
            DoorCode.state.in_(HELD),
            DoorCode.ends_at > now,
            *which,
        )
        .order_by(DoorCode.starts_at, DoorCode.id)
    )
    return tuple(
        Holder(company or name, email, code, Slot(row.starts_at, row.ends_at), row.state is CodeState.ISSUED)
        for row, code, name, company, email in session.execute(query)
    )


def _after(session: Session, door_id: int, public_id: UUID | None) -> list[ColumnElement[bool]]:
    if public_id is None:
        return []
    query = select(DoorCode.id, DoorCode.starts_at).where(DoorCode.door_id == door_id, DoorCode.public_id == public_id)
    last = session.execute(query).one_or_none()
    if last is None:
        return []
    later = or_(DoorCode.starts_at > last.starts_at, DoorCode.id > last.id)
    return [DoorCode.starts_at >= last.starts_at, later]
