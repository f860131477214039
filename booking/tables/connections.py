"""Connections to external booking sites: what they pushed, what we read there, what we wrote there."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, OrganisationId, Owned, owned, within


class BlockWay(StrEnum):
    """How a time taken here is blocked there (SPEC Y8)."""

    NONE = "none"
    CALENDAR = "calendar"
    BOOKING = "booking"


class Writer(StrEnum):
    """Who writes to the customer (SPEC Y9)."""

    HERE = "here"
    THERE = "there"


class Connection(Base, Owned):
    """One account at YouCanBook.me. `proven_at` is when the blocking way was proven with a test time (SPEC Y8).

    `not_before`: until then the site asked not to be called. `watched_from`: when it was made or went on, so that a
    success can be expected; `alarmed_at`: when the office was told that there is none (SPEC C15).
    """

    __tablename__ = "connection"
    __table_args__ = owned()

    public_id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    base_url: Mapped[str]
    account_id: Mapped[str]
    api_key_cipher: Mapped[bytes]
    api_key_id: Mapped[str]
    hook_secret_hash: Mapped[bytes]
    block_way: Mapped[BlockWay] = mapped_column(default=BlockWay.BOOKING)
    writer: Mapped[Writer] = mapped_column(default=Writer.HERE)
    proven_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    watched_from: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    paused_at: Mapped[datetime | None]


class ConnectionRoom(Base):
    """A booking page (profile) there stands for a room here."""

    __tablename__ = "connection_room"
    __table_args__ = (within("connection"), within("room"))

    connection_id: Mapped[int] = mapped_column(primary_key=True)
    profile_id: Mapped[str] = mapped_column(primary_key=True)
    room_id: Mapped[int]
    organisation_id: Mapped[OrganisationId]


class HookDelivery(Base, Owned):
    """A webhook as it came: a hint, stored raw before it is answered (SPEC Y3)."""

    __tablename__ = "hook_delivery"
    __table_args__ = (
        within("connection"),
        Index(
            "ix_hook_delivery_waiting",
            "received_at",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
        Index("ix_hook_delivery_connection", "connection_id", "received_at"),
    )

    connection_id: Mapped[int]
    received_at: Mapped[datetime]
    event: Mapped[str]
    content_type: Mapped[str]
    body: Mapped[bytes]
    read_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")


class RemoteBooking(Base, Owned):
    """A booking there and its counterpart here. `ours` marks a blocking booking that we wrote (SPEC Y8).

    `seen_at`: the moment that what the row says was true at least: when a reading of it was asked for, or when a change
    of ours was done. `given_up_at`: the time here was freed although the cancel there never came through.
    """

    __tablename__ = "remote_booking"
    __table_args__ = owned(
        within("connection"),
        within("booking"),
        UniqueConstraint("connection_id", "remote_id"),
        Index("ix_remote_booking_booking", "booking_id"),
        Index("ix_remote_booking_ref", "organisation_id", "ref"),
    )

    connection_id: Mapped[int]
    remote_id: Mapped[str]
    ref: Mapped[str] = mapped_column(default="")
    booking_id: Mapped[int | None]
    ours: Mapped[bool] = mapped_column(default=False)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    cancelled: Mapped[bool] = mapped_column(default=False)
    tentative: Mapped[str] = mapped_column(default="")
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seen_at: Mapped[datetime]
    missing_since: Mapped[datetime | None]
    stuck_since: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
