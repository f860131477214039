"""Settings as their pages show them, with the ids that a change names. What a request needs is in `reads.house`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.tables.doors import Door
from booking.tables.houses import CancelStep as Step
from booking.tables.houses import (
    ClosingDay,
    HoursKind,
    OpeningHours,
    Organisation,
    PriceExtra,
    PriceList,
    PriceRule,
    Room,
    Terms,
    TermsKind,
    WorkHours,
)
from booking.tables.people import Staff
from booking.values.house import CancelStep, Hours
from booking.values.refusals import NotFound
from booking.values.states import Role


@dataclass(frozen=True, slots=True)
class ClosingLine:
    """`room_id` None: the whole house. Both days inclusive."""

    closing_id: int
    room_id: int | None
    first_day: date
    last_day: date
    reason: str
    closes_office: bool
    closes_rooms: bool


@dataclass(frozen=True, slots=True)
class PriceLists:
    """A list with its rules and extras as mappings of their columns, and the names of the rooms that use it."""

    list_id: int
    values: dict[str, Any]
    rules: tuple[dict[str, Any], ...]
    rooms: tuple[str, ...]
    extras: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class StaffLine:
    staff_id: int
    public_id: UUID
    name: str
    email: str
    role: Role
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class TermsLine:
    """The newest version of a legal text in one language."""

    kind: TermsKind
    language: str
    version: int
    text: str
    published_at: datetime


def house_values(session: Session, organisation_id: int) -> dict[str, Any]:
    """The organisation's columns by name."""
    return _values(session.get_one(Organisation, organisation_id))


def room_values(session: Session, organisation_id: int, public_id: UUID) -> dict[str, Any]:
    """A room's columns by name, and its `cancel_steps`, the earliest first. Raises NotFound."""
    row = session.scalar(select(Room).where(Room.organisation_id == organisation_id, Room.public_id == public_id))
    if row is None:
        raise NotFound("room", public_id)
    steps = session.scalars(select(Step).where(Step.room_id == row.id).order_by(Step.days_before.desc()))
    return _values(row) | {"cancel_steps": tuple(CancelStep(one.days_before, one.fee_percent) for one in steps)}


def closing_lines(session: Session, organisation_id: int) -> tuple[ClosingLine, ...]:
    """All closing days, the latest first."""
    query = select(ClosingDay).where(ClosingDay.organisation_id == organisation_id)
    rows = session.scalars(query.order_by(ClosingDay.first_day.desc(), ClosingDay.id))
    return tuple(
        ClosingLine(row.id, row.room_id, row.first_day, row.last_day, row.reason, row.closes_office, row.closes_rooms)
        for row in rows
    )


def opening_lines(session: Session, organisation_id: int, room_id: int) -> tuple[Hours, ...]:
    """A room's opening hours: those of every season first, then by season, weekday and time."""
    query = select(OpeningHours).where(OpeningHours.organisation_id == organisation_id, OpeningHours.room_id == room_id)
    order = (OpeningHours.season_id.nulls_first(), OpeningHours.weekday, OpeningHours.opens)
    rows = session.scalars(query.order_by(*order))
    return tuple(Hours(row.weekday, row.opens, row.closes, row.season_id) for row in rows)


def work_lines(session: Session, organisation_id: int) -> dict[HoursKind, tuple[Hours, ...]]:
    """The office's and the desk phone's hours, by weekday and time."""
    query = select(WorkHours).where(WorkHours.organisation_id == organisation_id)
    rows = session.scalars(query.order_by(WorkHours.weekday, WorkHours.opens)).all()
    return {
        kind: tuple(Hours(row.weekday, row.opens, row.closes) for row in rows if row.kind is kind) for kind in HoursKind
    }


def price_lists(session: Session, organisation_id: int) -> tuple[PriceLists, ...]:
    """All lists by name, each with its rules in the order of their rank."""
    rules = session.scalars(
        select(PriceRule)
        .where(PriceRule.organisation_id == organisation_id)
        .order_by(PriceRule.rank.desc(), PriceRule.from_time, PriceRule.id)
    ).all()
    rooms = session.execute(
        select(Room.price_list_id, Room.name).where(Room.organisation_id == organisation_id).order_by(Room.name)
    ).all()
    extras = session.scalars(
        select(PriceExtra).where(PriceExtra.organisation_id == organisation_id).order_by(PriceExtra.rank, PriceExtra.id)
    ).all()
    query = select(PriceList).where(PriceList.organisation_id == organisation_id).order_by(PriceList.name, PriceList.id)
    return tuple(
        PriceLists(
            row.id,
            _values(row),
            tuple(_values(rule) for rule in rules if rule.price_list_id == row.id),
            tuple(room.name for room in rooms if room.price_list_id == row.id),
            tuple(_values(extra) for extra in extras if extra.price_list_id == row.id),
        )
        for row in session.scalars(query)
    )


def door_names(session: Session, organisation_id: int) -> tuple[tuple[int, str], ...]:
    """Id and name of each door."""
    query = select(Door.id, Door.name).where(Door.organisation_id == organisation_id).order_by(Door.name)
    return tuple((row.id, row.name) for row in session.execute(query))


def staff_lines(session: Session, organisation_id: int) -> tuple[StaffLine, ...]:
    """Everybody who works or worked here; who may log in comes first."""
    query = select(Staff).where(Staff.organisation_id == organisation_id)
    rows = session.scalars(query.order_by(Staff.disabled_at.is_not(None), Staff.name, Staff.id))
    return tuple(StaffLine(row.id, row.public_id, row.name, row.email, row.role, row.disabled_at) for row in rows)


def newest_terms(session: Session, organisation_id: int) -> dict[tuple[TermsKind, str], TermsLine]:
    """The newest version of each legal text by kind and language."""
    newest = (
        select(Terms.kind, Terms.language, func.max(Terms.version).label("version"))
        .where(Terms.organisation_id == organisation_id)
        .group_by(Terms.kind, Terms.language)
        .subquery()
    )
    query = (
        select(Terms)
        .join(
            newest,
            (newest.c.kind == Terms.kind) & (newest.c.language == Terms.language) & (newest.c.version == Terms.version),
        )
        .where(Terms.organisation_id == organisation_id)
    )
    return {
        (row.kind, row.language): TermsLine(row.kind, row.language, row.version, row.text, row.published_at)
        for row in session.scalars(query)
    }


def _values(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}
