"""What leaves the house: outbox rows, mail messages, invoices and their numbers."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Id, InsertOnly, OrganisationId, Owned, owned, within
from booking.values.money import Cents
from booking.values.states import MessageState

_UNSENT = text("state IN ('queued', 'dead')")
_WAITING = text("done_at IS NULL AND dead_at IS NULL")


class Outbox(Base):
    """A duty written in the transaction that caused it (DESIGN rule 3). `subject_id`: the row that the topic names."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_due", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_outbox_subject", "topic", "subject_id"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[OrganisationId]
    topic: Mapped[str]
    subject_id: Mapped[int]
    dedup_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    claim: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(default="")
    done_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]


class Message(Base, Owned):
    """A mail. `frozen` is the rendered mail, encrypted, from its first attempt on: a repeat is the same mail."""

    __tablename__ = "message"
    __table_args__ = owned(
        within("booking"),
        Index("ix_message_booking", "booking_id"),
        Index("ix_message_made", "organisation_id", "made_at"),
        Index("ix_message_unsent", "organisation_id", "kind", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    booking_id: Mapped[int | None]
    kind: Mapped[str]
    state: Mapped[MessageState]
    recipient_name: Mapped[str]
    recipient: Mapped[str]
    language: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message_id: Mapped[str] = mapped_column(unique=True)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    subject: Mapped[str] = mapped_column(default="")
    frozen: Mapped[bytes | None]
    frozen_key_id: Mapped[str | None]


class Counter(Base):
    """The next document number of an organisation, kind and year; locked last in a transaction (DESIGN rule 6)."""

    __tablename__ = "counter"

    organisation_id: Mapped[OrganisationId] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


class Invoice(Base, Owned, InsertOnly):
    """An issued invoice with all its data frozen (SPEC S12). Never changed; corrected by own documents."""

    __tablename__ = "invoice"
    __table_args__ = owned(
        within("booking"),
        within("customer"),
        UniqueConstraint("organisation_id", "number"),
        Index("ix_invoice_booking", "booking_id"),
        Index("ix_invoice_customer", "customer_id"),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    booking_id: Mapped[int | None]
    customer_id: Mapped[int]
    number: Mapped[str]
    issued_at: Mapped[datetime]
    due_on: Mapped[date]
    total_cents: Mapped[Cents]
    data: Mapped[dict[str, Any]]


class InvoiceFile(Base, Owned, InsertOnly):
    """The PDF, rendered once by a job and stored."""

    __tablename__ = "invoice_file"
    __table_args__ = (within("invoice"),)

    invoice_id: Mapped[int] = mapped_column(unique=True)
    pdf: Mapped[bytes]
    rendered_at: Mapped[datetime]


class Settlement(Base, Owned, InsertOnly):
    """An invoice was paid: noted by hand until bank statements are matched."""

    __tablename__ = "settlement"
    __table_args__ = (within("invoice"),)

    invoice_id: Mapped[int] = mapped_column(unique=True)
    staff_id: Mapped[int | None]
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(default="")


class IdempotencyKey(Base):
    """The stored answer to an API call that carried an Idempotency-Key."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_at", "at"),)

    organisation_id: Mapped[OrganisationId] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class Lease(Base):
    """A job that one process at a time may do: who, until when, with a number that only grows."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    until: Mapped[datetime]
    fence: Mapped[int] = mapped_column(default=0)
