"""Doors and the codes of a season. A code is encrypted, its key outside the database (DESIGN rule 7)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Owned, owned, within
from booking.values.states import CodeState


class Door(Base, Owned):
    __tablename__ = "door"
    __table_args__ = owned(within("branch"))

    public_id: Mapped[UUID] = mapped_column(unique=True)
    branch_id: Mapped[int]
    name: Mapped[str]
    lock_format: Mapped[dict[str, Any]] = mapped_column(default=dict)


class DoorCode(Base, Owned):
    """One code and the window in which it opens. `code_hmac` finds equals without reading them."""

    __tablename__ = "door_code"
    __table_args__ = owned(
        within("door"),
        within("booking"),
        within("season"),
        CheckConstraint("starts_at < ends_at", "order"),
        CheckConstraint("(state IN ('reserved', 'issued')) <= (booking_id IS NOT NULL)", "holder"),
        Index("ix_door_code_equal", "door_id", "code_hmac"),
        Index("ix_door_code_window", "door_id", "starts_at"),
        Index("ix_door_code_booking", "booking_id"),
        Index("ix_door_code_end", "organisation_id", "ends_at"),
        Index(
            "ix_door_code_free",
            "door_id",
            "starts_at",
            "ends_at",
            sqlite_where=text("state = 'free'"),
            postgresql_where=text("state = 'free'"),
        ),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    door_id: Mapped[int]
    season_id: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[CodeState]
    booking_id: Mapped[int | None]
    cipher: Mapped[bytes]
    key_id: Mapped[str]
    code_hmac: Mapped[bytes]
    issued_at: Mapped[datetime | None]
    issued_by: Mapped[int | None]
    told_by_phone: Mapped[bool] = mapped_column(default=False)
    retired_at: Mapped[datetime | None]
