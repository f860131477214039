"""Events, bookings, decisions, occupancy: what was asked for, what was decided, and what it takes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, InsertOnly, Owned, owned, within
from booking.values.money import Cents
from booking.values.states import BookingState, DecisionState, OccupancyKind, Source, Verdict

_UNPROVEN = text("state = 'requested' AND verify_by IS NOT NULL AND verified_at IS NULL")


class Event(Base, Owned):
    """One occurrence in a room; here always the rental that one booking brings into being."""

    __tablename__ = "event"
    __table_args__ = owned(
        within("room"),
        CheckConstraint("starts_at < ends_at", "order"),
        Index("ix_event_room", "room_id", "starts_at"),
        Index("ix_event_start", "organisation_id", "starts_at"),
    )

    room_id: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    capacity: Mapped[int] = mapped_column(default=1)


class Booking(Base, Owned):
    """A place in an event. `price` is frozen when the request is made; a change of list never reprices (SPEC S25).

    A rental that its customer moves becomes a new booking, which replaces the one before. `first_id` is the first of
    such a chain, None in the first itself: one rental has one invoice. `move_fee_cents` is what the move costs.

    `extras` are frozen like the price that counts them; `group_id` is the group whose prices it has, None everybody's.
    """

    __tablename__ = "booking"
    __table_args__ = owned(
        within("event"),
        within("customer"),
        within("terms"),
        within("terms", "rules_id"),
        within("booking", "replaces_id"),
        UniqueConstraint("organisation_id", "code"),
        Index("ix_booking_event", "event_id"),
        Index("ix_booking_customer", "customer_id"),
        Index("ix_booking_replaces", "replaces_id"),
        Index("ix_booking_first", "first_id"),
        Index(
            "ix_booking_open",
            "organisation_id",
            "review_at",
            sqlite_where=text("state = 'requested'"),
            postgresql_where=text("state = 'requested'"),
        ),
        Index(
            "ix_booking_unverified", "organisation_id", "verify_by", sqlite_where=_UNPROVEN, postgresql_where=_UNPROVEN
        ),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    event_id: Mapped[int]
    customer_id: Mapped[int]
    code: Mapped[str]
    state: Mapped[BookingState]
    source: Mapped[Source]
    people: Mapped[int]
    purpose: Mapped[str] = mapped_column(default="")
    language: Mapped[str]
    price_cents: Mapped[Cents]
    price: Mapped[dict[str, Any]]
    extras: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    group_id: Mapped[int | None]  # a note of what was: the group may be gone
    findings: Mapped[list[Any]] = mapped_column(default=list)
    terms_id: Mapped[int | None]
    rules_id: Mapped[int | None]
    replaces_id: Mapped[int | None]
    first_id: Mapped[int | None]  # of the chain that `replaces_id` ties, which has the foreign key
    move_fee_cents: Mapped[Cents] = mapped_column(default=0, server_default="0")
    made_at: Mapped[datetime]
    made_from: Mapped[bytes | None]
    review_at: Mapped[datetime]
    short_notice: Mapped[bool] = mapped_column(default=False)
    verify_by: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str] = mapped_column(default="")
    link_generation: Mapped[int] = mapped_column(default=0)
    link_hash: Mapped[bytes] = mapped_column(unique=True)
    no_show: Mapped[bool] = mapped_column(default=False)
    follow_up: Mapped[str] = mapped_column(default="")
    waived: Mapped[bool] = mapped_column(default=False, server_default=false())  # it costs nothing after all (SPEC S18)
    charged_cents: Mapped[Cents | None]  # less than the price is charged after all, for this reason (SPEC S18)
    charged_for: Mapped[str] = mapped_column(default="", server_default="")

    @property
    def rental_id(self) -> int:
        """The same for all bookings of one rental; in SQL `booking.reads.rentals.rental_of`."""
        return self.first_id or self.id


class Decision(Base, Owned):
    """What a reviewer decided; final at `final_at`, until then it can be undone (SPEC S8)."""

    __tablename__ = "decision"
    __table_args__ = owned(
        within("booking"),
        within("staff"),
        Index(
            "uq_decision_pending",
            "booking_id",
            unique=True,
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_decision_booking", "booking_id"),
    )

    booking_id: Mapped[int]
    staff_id: Mapped[int | None]
    by_desk: Mapped[bool] = mapped_column(default=False)
    verdict: Mapped[Verdict]
    reason: Mapped[str] = mapped_column(default="")
    state: Mapped[DecisionState]
    decided_at: Mapped[datetime]
    final_at: Mapped[datetime]


class Occupancy(Base, Owned):
    """One unit taken for one time, buffers included. Two exclusive rows of a unit never overlap: see the migration."""

    __tablename__ = "occupancy"
    __table_args__ = owned(
        within("unit"),
        CheckConstraint("starts_at < ends_at", "order"),
        Index("ix_occupancy_unit", "unit_id", "starts_at", "ends_at"),
        Index("ix_occupancy_source", "kind", "source_id"),
        Index(
            "ix_occupancy_exclusive",
            "unit_id",
            "starts_at",
            sqlite_where=text("exclusive = 1"),
            postgresql_where=text("exclusive"),
        ),
    )

    unit_id: Mapped[int]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kind: Mapped[OccupancyKind]
    source_id: Mapped[int]
    exclusive: Mapped[bool]


class AuditEntry(Base, Owned, InsertOnly):
    """Who changed what, when, from where, before and after (SPEC X5)."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "organisation_id", "subject", "subject_id"),
        Index("ix_audit_entry_at", "organisation_id", "at"),
        Index("ix_audit_entry_actor", "organisation_id", "actor", "at"),
        Index("ix_audit_entry_kind", "organisation_id", "subject", "at"),
    )

    at: Mapped[datetime]
    actor: Mapped[str]
    staff_id: Mapped[int | None]
    origin: Mapped[str] = mapped_column(default="")
    subject: Mapped[str]
    subject_id: Mapped[int]
    action: Mapped[str]
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(default=dict)


class CaseFile(Base, Owned):
    """A matter that a person has to decide, or that went wrong outside: shown in the office's inbox."""

    __tablename__ = "case_file"
    __table_args__ = owned(
        within("booking"),
        UniqueConstraint("organisation_id", "dedup_key"),
        Index("ix_case_file_booking", "booking_id"),
        Index(
            "ix_case_file_open",
            "organisation_id",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    kind: Mapped[str]
    dedup_key: Mapped[str]
    booking_id: Mapped[int | None]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    resolution: Mapped[str] = mapped_column(default="")
