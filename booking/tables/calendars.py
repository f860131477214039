"""Calendars: items that feeds, mail parts and links are made of; subjects, feeds and their cached bodies."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Id, Owned, owned, within
from booking.values.feeds import MONTHS_BACK
from booking.values.states import ItemStatus, SubjectKind, Variant


class CalendarItem(Base, Owned):
    """Copied texts of one event. `sequence` and `last_modified` grow with every change and only then (SPEC C2).

    `office_revision`: what the office's calendar came to by the last change of the item; later changes have later ones.
    `only_link_id`: a test time, which this calendar link alone writes and no feed shows (SPEC Y8); None of all others.
    No foreign key: links go. `event_id`, `course_id`, `series_id`: the event of a course that it is of, where
    it is of no booking.
    """

    __tablename__ = "calendar_item"
    __table_args__ = owned(
        within("room"),
        within("customer"),
        within("booking"),
        Index("ix_calendar_item_room", "room_id", "starts_at"),
        Index("ix_calendar_item_customer", "customer_id", "starts_at"),
        Index("ix_calendar_item_start", "organisation_id", "starts_at"),
        Index("ix_calendar_item_end", "organisation_id", "ends_at"),
        Index("ix_calendar_item_change", "organisation_id", "office_revision"),
        Index("ix_calendar_item_event", "event_id", unique=True),
        Index("ix_calendar_item_course", "course_id", "starts_at"),
        Index("ix_calendar_item_series", "series_id", "starts_at"),
    )

    uid: Mapped[UUID] = mapped_column(unique=True)
    room_id: Mapped[int]
    customer_id: Mapped[int | None]
    booking_id: Mapped[int | None] = mapped_column(unique=True)
    event_id: Mapped[int | None]
    course_id: Mapped[int | None]
    series_id: Mapped[int | None]
    sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    last_modified: Mapped[datetime]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    status: Mapped[ItemStatus]
    title: Mapped[str]
    party: Mapped[str]
    room: Mapped[str]
    location: Mapped[str]
    details: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]
    only_link_id: Mapped[int | None]
    office_revision: Mapped[int] = mapped_column(default=0, server_default="0")


class FeedSubject(Base, Owned):
    """Whose calendar it is. `revision` is bumped last in each transaction that touches one of its items."""

    __tablename__ = "feed_subject"
    __table_args__ = owned(UniqueConstraint("organisation_id", "kind", "target_id"))

    kind: Mapped[SubjectKind]
    target_id: Mapped[int]
    revision: Mapped[int] = mapped_column(default=0)


class Feed(Base, Owned):
    """A secret address. The token is HMAC(server key, public_id, generation); the row holds its SHA-256.

    What it shows, when it reminds, how series are laid out: `booking.values.feeds.FeedChoices`.
    """

    __tablename__ = "feed"
    __table_args__ = owned(within("feed_subject", "subject_id"), Index("ix_feed_subject", "subject_id"))

    public_id: Mapped[UUID] = mapped_column(unique=True)
    subject_id: Mapped[int]
    name: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    generation: Mapped[int] = mapped_column(default=0)
    variant: Mapped[Variant]
    language: Mapped[str] = mapped_column(default="de")
    cancelled_shown: Mapped[bool] = mapped_column(default=True)
    months_back: Mapped[int] = mapped_column(default=MONTHS_BACK, server_default=str(MONTHS_BACK))
    months_ahead: Mapped[int | None]
    alarm_minutes: Mapped[int | None]
    series_expanded: Mapped[bool] = mapped_column(default=False, server_default=false())
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RevokedToken(Base):
    """A token that once was a feed's: it answers 410 for good."""

    __tablename__ = "revoked_token"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    revoked_at: Mapped[datetime]


class FeedFetch(Base):
    """Who fetched a feed lately, sampled: one row for each client, kept by day."""

    __tablename__ = "feed_fetch"
    __table_args__ = (UniqueConstraint("feed_id", "client"),)

    id: Mapped[Id]
    feed_id: Mapped[int]
    client: Mapped[str]
    at: Mapped[datetime]
