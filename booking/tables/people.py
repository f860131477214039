"""Customers and staff, their sessions and tokens, and the attempts that throttling counts."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Id, Owned, owned, within
from booking.values.money import Cents
from booking.values.states import Role


class Customer(Base, Owned):
    """Who is billed. The standing discount and the group are kept by the office by hand (SPEC S19, S25)."""

    __tablename__ = "customer"
    __table_args__ = owned(
        Index("ix_customer_email", "organisation_id", "email"), Index("ix_customer_group", "group_id")
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    name: Mapped[str]
    company: Mapped[str] = mapped_column(default="")
    email: Mapped[str]
    phone: Mapped[str]
    street: Mapped[str]
    postcode: Mapped[str]
    city: Mapped[str]
    country: Mapped[str] = mapped_column(default="DE")
    language: Mapped[str] = mapped_column(default="de")
    created_at: Mapped[datetime]
    advertising_asked_at: Mapped[datetime | None]
    discount_percent: Mapped[int] = mapped_column(default=0)
    discount_cents: Mapped[Cents] = mapped_column(default=0)
    discount_note: Mapped[str] = mapped_column(default="")
    discount_from: Mapped[date | None]
    discount_until: Mapped[date | None]
    group_id: Mapped[int | None]  # of customer_group, which is only removed while nothing names it


class Staff(Base, Owned):
    __tablename__ = "staff"
    __table_args__ = owned(UniqueConstraint("organisation_id", "email"))

    public_id: Mapped[UUID] = mapped_column(unique=True)
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Role]
    password_hash: Mapped[str]
    language: Mapped[str] = mapped_column(default="de")
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class StaffSession(Base, Owned):
    """A log-in on one device. The cookie holds the token, the row its SHA-256."""

    __tablename__ = "staff_session"
    __table_args__ = (within("staff"), Index("ix_staff_session_staff", "staff_id"))

    staff_id: Mapped[int]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str]
    client: Mapped[str]


class ApiToken(Base, Owned):
    __tablename__ = "api_token"
    __table_args__ = owned()

    name: Mapped[str]
    role: Mapped[Role]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Attempt(Base):
    """One try that a limit counts: log-ins, desk issues, requests. `key_hash` names who tried, not readable."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_key", "kind", "key_hash", "at"), Index("ix_attempt_at", "at"))

    id: Mapped[Id]
    kind: Mapped[str]
    key_hash: Mapped[bytes]
    at: Mapped[datetime]
