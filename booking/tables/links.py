"""Links with external calendars: what they are for, what both sides agreed on, what they brought, what was done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Owned, owned, within
from booking.values.links import LinkKind, LinkPolicy, LinkStatus, RunMode, RunOutcome, StepState
from booking.values.states import Variant


class CalendarLink(Base, Owned):
    """An external calendar linked with a room (SPEC C6). `wanted` above `done`: something changed since the last run.

    `address` is what may be shown of where it lies; the whole of it and its credentials are in `access_cipher`.
    `approved`: keys of held deletions that a person let go (SPEC C9). `whole_at`: from when a second complete listing
    settles what is missing. `not_before`, `watched_from`, `alarmed_at` as in `connection` (SPEC C15).
    """

    __tablename__ = "calendar_link"
    __table_args__ = owned(
        within("room"),
        Index("ix_calendar_link_room", "room_id", "state"),
        Index("ix_calendar_link_next", "state", "next_run_at"),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[LinkKind]
    room_id: Mapped[int]
    policy: Mapped[LinkPolicy]
    variant: Mapped[Variant] = mapped_column(default=Variant.TITLES)
    requested: Mapped[bool] = mapped_column(default=True)
    owners: Mapped[dict[str, Any]] = mapped_column(default=dict)
    limits: Mapped[dict[str, Any]] = mapped_column(default=dict)
    months_back: Mapped[int] = mapped_column(default=1)
    months_ahead: Mapped[int] = mapped_column(default=12)
    every_minutes: Mapped[int] = mapped_column(default=10)
    address: Mapped[str]
    access_cipher: Mapped[bytes]
    access_key_id: Mapped[str]
    state: Mapped[LinkStatus] = mapped_column(default=LinkStatus.ACTIVE)
    removes: Mapped[bool] = mapped_column(default=False)
    quirks: Mapped[dict[str, Any]] = mapped_column(default=dict)
    identity: Mapped[str] = mapped_column(default="UID")
    cursor_kind: Mapped[str] = mapped_column(default="")
    cursor: Mapped[str] = mapped_column(Text, default="")
    approved: Mapped[list[Any]] = mapped_column(default=list)
    wanted: Mapped[int] = mapped_column(default=1)
    done: Mapped[int] = mapped_column(default=0)
    made_at: Mapped[datetime]
    last_run_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_full_at: Mapped[datetime | None]
    whole_at: Mapped[datetime | None]
    next_run_at: Mapped[datetime]
    not_before: Mapped[datetime | None]
    watched_from: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")


class ItemLink(Base, Owned):
    """What both sides last agreed on about one item: an index that can be rebuilt from them (SPEC C7, C11).

    `local_id`: a calendar item where above zero, an imported time where below; no foreign key, since a booking may go.
    """

    __tablename__ = "item_link"
    __table_args__ = owned(
        within("calendar_link", "link_id"),
        UniqueConstraint("link_id", "href"),
        Index("ix_item_link_local", "link_id", "local_id"),
        Index("ix_item_link_uid", "link_id", "uid"),
        Index("ix_item_link_state", "link_id", "state"),
        Index("ix_item_link_item", "local_id"),
    )

    link_id: Mapped[int]
    version: Mapped[int] = mapped_column(default=0)
    local_id: Mapped[int | None]
    href: Mapped[str]
    uid: Mapped[str]
    origin: Mapped[str]
    base: Mapped[str | None] = mapped_column(Text)
    base_remote: Mapped[str | None] = mapped_column(Text)
    base_revision: Mapped[int | None]
    base_etag: Mapped[str | None]
    state: Mapped[str]
    miss_count: Mapped[int] = mapped_column(default=0)
    missing_since: Mapped[datetime | None]
    deleted_by: Mapped[str | None]
    held: Mapped[str | None]
    decision: Mapped[str | None]
    flips: Mapped[int] = mapped_column(default=0)
    flips_since: Mapped[datetime | None]
    last_written: Mapped[str | None]
    error_count: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")
    over_at: Mapped[datetime | None]


class ImportedTime(Base, Owned):
    """A time that a link brought here; its dates take the room as `occupancy` rows, never exclusively (SPEC C14).

    `content` is canonical JSON. Dates are known up to `until`; None: all of them are. One that ended is kept a while,
    and its id is never another's: rows of the index name it.
    """

    __tablename__ = "imported_time"
    __table_args__ = owned(
        within("calendar_link", "link_id"),
        within("room"),
        Index(
            "uq_imported_time_live",
            "link_id",
            "uid",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_imported_time_until", "link_id", "until"),
    )

    link_id: Mapped[int]
    room_id: Mapped[int]
    uid: Mapped[str]
    revision: Mapped[int] = mapped_column(default=1)
    content: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(default="")
    first_at: Mapped[datetime | None]
    until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(default="")


class SyncRun(Base, Owned):
    """One run of a link: what it found and did (SPEC C8). `fence`: of its lease; `seen`: the wake-ups it served."""

    __tablename__ = "sync_run"
    __table_args__ = owned(
        within("calendar_link", "link_id"),
        Index("ix_sync_run_link", "link_id", "started_at"),
        Index("ix_sync_run_started", "started_at"),
    )

    link_id: Mapped[int]
    mode: Mapped[RunMode]
    outcome: Mapped[RunOutcome]
    owner: Mapped[str]
    fence: Mapped[int]
    seen: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    writes: Mapped[int] = mapped_column(default=0)
    drift: Mapped[int] = mapped_column(default=0)
    plan_hash: Mapped[str] = mapped_column(default="")
    hold: Mapped[str] = mapped_column(default="")
    requests: Mapped[int] = mapped_column(default=0)
    octets: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")


class PlanOp(Base, Owned):
    """One step of a plan: shown before it is done, written down before it begins, kept afterwards (SPEC C8)."""

    __tablename__ = "plan_op"
    __table_args__ = (
        within("sync_run", "run_id"),
        CheckConstraint("position >= 0", "position"),
        Index("ix_plan_op_run", "run_id", "position"),
        Index("ix_plan_op_state", "run_id", "state"),
    )

    run_id: Mapped[int]
    position: Mapped[int]
    kind: Mapped[str]
    side: Mapped[str]
    reason: Mapped[str]
    key: Mapped[str]
    uid: Mapped[str]
    href: Mapped[str]
    local_id: Mapped[int | None]
    item_id: Mapped[int | None]
    state: Mapped[StepState]
    problem: Mapped[str] = mapped_column(default="")
    ours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    theirs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    conflicts: Mapped[list[Any]] = mapped_column(default=list)
    done_at: Mapped[datetime | None]
