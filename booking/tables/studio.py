"""The studio's timetable: courses, their series, and what is true of an event because it is one of a course."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Owned, owned, within
from booking.values.money import Cents
from booking.values.recurrence import Frequency
from booking.values.timetable import WaitingPolicy


class Course(Base, Owned):
    """What is taught (SPEC Words). `level` and `description` are the operator's texts. An archived one takes nobody."""

    __tablename__ = "course"
    __table_args__ = owned(
        within("branch"),
        within("staff", "trainer_id"),
        UniqueConstraint("organisation_id", "slug"),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    branch_id: Mapped[int]
    slug: Mapped[str]
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    level: Mapped[str] = mapped_column(default="")
    trainer_id: Mapped[int | None]
    made_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class HasTerms:
    """What an event asks for besides its places: `booking.values.timetable.EventTerms`, lengths in whole minutes."""

    minimum: Mapped[int]
    decide_minutes: Mapped[int]
    online: Mapped[bool]
    units: Mapped[int]
    price_cents: Mapped[Cents]
    free_minutes: Mapped[int]
    waiting: Mapped[WaitingPolicy]


class Series(Base, Owned, HasTerms):
    """One recurring pattern of a course, in the wall time of its room's branch (SPEC Words).

    It ends after `last_day`, or after so many `times`, or never. `weekdays` are sorted, Monday 0; empty: that of the
    first day. `planned_until` is the last local day up to which its events are there. Its public id is the UID under
    which calendars know it; `sequence` and `last_modified` grow with every change of it or one of its events (SPEC C2).
    """

    __tablename__ = "series"
    __table_args__ = owned(
        within("course"),
        within("room"),
        within("staff", "trainer_id"),
        CheckConstraint("minutes > 0 AND capacity > 0 AND every > 0", "sizes"),
        Index("ix_series_course", "course_id"),
        Index("ix_series_planned", "planned_until"),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    course_id: Mapped[int]
    room_id: Mapped[int]
    trainer_id: Mapped[int | None]
    first_day: Mapped[date]
    last_day: Mapped[date | None]
    frequency: Mapped[Frequency]
    every: Mapped[int]
    times: Mapped[int | None]
    weekdays: Mapped[list[Any]]
    wall: Mapped[time]
    minutes: Mapped[int]
    skips_holidays: Mapped[bool]
    capacity: Mapped[int]
    planned_until: Mapped[date]
    sequence: Mapped[int] = mapped_column(default=0)
    last_modified: Mapped[datetime]
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SkippedDay(Base, Owned):
    """A local day on which a series does not take place, and why: a holiday, closed, taken, or left out by hand."""

    __tablename__ = "skipped_day"
    __table_args__ = (within("series"), UniqueConstraint("series_id", "day"))

    series_id: Mapped[int]
    day: Mapped[date]
    reason: Mapped[str]
    noted_at: Mapped[datetime]


class CourseEvent(Base, Owned, HasTerms):
    """What is true of an event because it is one of a course; when, where and for how many the event itself says.

    `original` is the local day for which its series planned it. `own_terms` names what differs from its series.
    """

    __tablename__ = "course_event"
    __table_args__ = owned(
        within("event"),
        within("course"),
        within("series"),
        within("staff", "trainer_id"),
        UniqueConstraint("series_id", "original"),
        Index("ix_course_event_course", "course_id"),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    event_id: Mapped[int] = mapped_column(unique=True)
    course_id: Mapped[int]
    series_id: Mapped[int | None]
    original: Mapped[date | None]
    own_terms: Mapped[list[Any]] = mapped_column(default=list)
    trainer_id: Mapped[int | None]
    title: Mapped[str] = mapped_column(default="")
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str] = mapped_column(default="")
