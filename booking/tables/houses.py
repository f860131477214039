"""The operator's house: organisation, branches, rooms and their units, opening, seasons, prices, terms."""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import ONCE, Base, Id, OrganisationId, Owned, owned, within
from booking.values.house import Per
from booking.values.money import BasisPoints, Cents


class HoursKind(StrEnum):
    OFFICE = "office"
    DESK = "desk"


class TermsKind(StrEnum):
    TERMS = "terms"
    HOUSE_RULES = "house_rules"
    PRIVACY = "privacy"
    IMPRINT = "imprint"
    ACCESSIBILITY = "accessibility"


class Organisation(Base):
    """The tenant. `epoch` rises with every restore and is part of Message-IDs and SEQUENCEs (DESIGN rule 9).

    Customers' own feeds show door codes from `feed_code_hours` before the start (None: never), as counted up to
    `feed_codes_seen` (SPEC C4; `booking.actions.feed_codes`).
    """

    __tablename__ = "organisation"

    id: Mapped[Id]
    public_id: Mapped[UUID] = mapped_column(unique=True)
    slug: Mapped[str] = mapped_column(unique=True)
    epoch: Mapped[int] = mapped_column(default=0)
    settings_revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime | None]

    name: Mapped[str]
    legal_name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str] = mapped_column(default="DE")
    subdivision: Mapped[str | None]
    email: Mapped[str]
    desk_email: Mapped[str | None]
    office_phone: Mapped[str | None]
    desk_phone: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="de")
    currency: Mapped[str] = mapped_column(default="EUR")
    zone: Mapped[str] = mapped_column(default="Europe/Berlin")
    brand: Mapped[str] = mapped_column(default="#1b6b3a")

    tax_number: Mapped[str | None]
    vat_id: Mapped[str | None]
    iban: Mapped[str]
    bic: Mapped[str | None]
    payee: Mapped[str]
    payment_days: Mapped[int] = mapped_column(default=14)

    review_by: Mapped[time] = mapped_column(default=time(12))
    mail_at: Mapped[time] = mapped_column(default=time(9))
    grace_seconds: Mapped[int] = mapped_column(default=60)
    desk_days: Mapped[int] = mapped_column(default=3)
    digest_at: Mapped[time] = mapped_column(default=time(7))
    holidays_close_rooms: Mapped[bool] = mapped_column(default=False)
    code_after_payment: Mapped[bool] = mapped_column(default=False)
    code_hours_before: Mapped[int | None]
    feed_code_hours: Mapped[int | None]
    feed_codes_seen: Mapped[datetime | None]
    approve_after_kept: Mapped[int | None]
    mail_check: Mapped[bool] = mapped_column(default=False)
    open_per_contact: Mapped[int] = mapped_column(default=5)
    open_per_address: Mapped[int] = mapped_column(default=10)
    open_per_room: Mapped[int] = mapped_column(default=200)
    thresholds: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Branch(Base, Owned):
    __tablename__ = "branch"
    __table_args__ = owned()

    public_id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    zone: Mapped[str]


class WorkHours(Base, Owned):
    """Office hours and the desk phone's hours, Monday = 0."""

    __tablename__ = "work_hours"
    __table_args__ = (CheckConstraint("weekday BETWEEN 0 AND 6", "weekday"),)

    kind: Mapped[HoursKind]
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class Season(Base, Owned):
    __tablename__ = "season"
    __table_args__ = owned(CheckConstraint("first_day <= last_day", "order"))

    name: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]


class ClosingDay(Base, Owned):
    """Closed from first to last day, both inclusive: one room, or the whole house where `room_id` is empty."""

    __tablename__ = "closing_day"
    __table_args__ = (within("room"), CheckConstraint("first_day <= last_day", "order"))

    room_id: Mapped[int | None]
    first_day: Mapped[date]
    last_day: Mapped[date]
    reason: Mapped[str]
    closes_office: Mapped[bool] = mapped_column(default=True)
    closes_rooms: Mapped[bool] = mapped_column(default=True)


class CustomerGroup(Base, Owned):
    """Customers who may have prices of their own; which one a customer is in, the office says (SPEC S25, K26)."""

    __tablename__ = "customer_group"
    __table_args__ = (*owned(UniqueConstraint("organisation_id", "name")), ONCE)

    name: Mapped[str]


class PriceList(Base, Owned):
    __tablename__ = "price_list"
    __table_args__ = owned()

    name: Mapped[str]
    vat_rate: Mapped[BasisPoints]
    exemption: Mapped[str | None]
    minimum: Mapped[Cents] = mapped_column(default=0)


class PriceRule(Base, Owned):
    __tablename__ = "price_rule"
    __table_args__ = (
        within("price_list"),
        within("season"),
        Index("ix_price_rule_list", "price_list_id"),
    )

    price_list_id: Mapped[int]
    season_id: Mapped[int | None]
    group_id: Mapped[int | None]  # of customer_group, which is only removed while nothing names it
    name: Mapped[str]
    cents: Mapped[Cents]
    per_hour: Mapped[bool]
    weekdays: Mapped[list[Any]] = mapped_column(default=list)
    from_time: Mapped[time] = mapped_column(default=time(0))
    to_time: Mapped[time] = mapped_column(default=time(0))
    rank: Mapped[int] = mapped_column(default=0)


class PriceExtra(Base, Owned):
    """What a price list offers beside the time. `vat_rate` empty: the list's own; `most` empty: as many as wanted."""

    __tablename__ = "price_extra"
    __table_args__ = (
        *owned(
            within("price_list"),
            CheckConstraint("cents >= 0", "cents"),
            CheckConstraint("most > 0", "most"),
            Index("ix_price_extra_list", "price_list_id"),
        ),
        ONCE,
    )

    price_list_id: Mapped[int]
    name: Mapped[str]
    cents: Mapped[Cents]
    per: Mapped[Per]
    vat_rate: Mapped[BasisPoints | None]
    most: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    rank: Mapped[int] = mapped_column(default=0)


class Room(Base, Owned):
    """What is booked. All lengths are whole minutes; lists show the smallest `rank` first."""

    __tablename__ = "room"
    __table_args__ = owned(
        within("branch"),
        within("price_list"),
        within("door"),
        UniqueConstraint("organisation_id", "slug"),
        CheckConstraint("slot_minutes > 0 AND grid_minutes > 0", "grid"),
        CheckConstraint("shortest_minutes <= longest_minutes", "lengths"),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    branch_id: Mapped[int]
    price_list_id: Mapped[int]
    door_id: Mapped[int | None]
    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    slot_minutes: Mapped[int] = mapped_column(default=60)
    grid_minutes: Mapped[int] = mapped_column(default=60)
    shortest_minutes: Mapped[int] = mapped_column(default=60)
    longest_minutes: Mapped[int] = mapped_column(default=240)
    buffer_before_minutes: Mapped[int] = mapped_column(default=0)
    buffer_after_minutes: Mapped[int] = mapped_column(default=0)
    tolerance_before_minutes: Mapped[int] = mapped_column(default=15)
    tolerance_after_minutes: Mapped[int] = mapped_column(default=15)
    notice_minutes: Mapped[int] = mapped_column(default=0)
    horizon_days: Mapped[int] = mapped_column(default=180)
    most_people: Mapped[int] = mapped_column(default=30)
    rank: Mapped[int] = mapped_column(default=0, server_default="0")
    archived_at: Mapped[datetime | None]


class CancelStep(Base, Owned):
    """From so many days before the start, cancelling or moving costs a share of the price (SPEC S27)."""

    __tablename__ = "cancel_step"
    __table_args__ = (
        within("room"),
        UniqueConstraint("room_id", "days_before"),
        CheckConstraint("days_before BETWEEN 0 AND 365", "days"),
        CheckConstraint("fee_percent BETWEEN 0 AND 100", "percent"),
    )

    room_id: Mapped[int]
    days_before: Mapped[int]
    fee_percent: Mapped[int]


class Unit(Base, Owned):
    """An indivisible part of the house. Its row is what a booking locks (DESIGN rule 2)."""

    __tablename__ = "unit"
    __table_args__ = owned()

    name: Mapped[str]


class RoomUnit(Base):
    """The units that a room resolves to: the whole hall has both halves."""

    __tablename__ = "room_unit"
    __table_args__ = (within("room"), within("unit"), Index("ix_room_unit_unit", "unit_id"))

    room_id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[OrganisationId]


class OpeningHours(Base, Owned):
    __tablename__ = "opening_hours"
    __table_args__ = (
        within("room"),
        within("season"),
        CheckConstraint("weekday BETWEEN 0 AND 6", "weekday"),
        Index("ix_opening_hours_room", "room_id"),
    )

    room_id: Mapped[int]
    season_id: Mapped[int | None]
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class Terms(Base, Owned):
    """One published version of a legal text; a booking stores which one was accepted (SPEC S4, X9)."""

    __tablename__ = "terms"
    __table_args__ = owned(UniqueConstraint("organisation_id", "kind", "language", "version"))

    kind: Mapped[TermsKind]
    language: Mapped[str]
    version: Mapped[int]
    text: Mapped[str]
    published_at: Mapped[datetime]
