"""The timetable: courses, their series and events, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.tables.bookings import Event
from booking.tables.houses import Branch, Room
from booking.tables.people import Staff
from booking.tables.studio import Course, CourseEvent, HasTerms, Series, SkippedDay
from booking.values.recurrence import Rule
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.timetable import EventTerms, SeriesPlan

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CourseLine:
    """A course in lists. `coming`: how many of its events are to come; `next_at` when the first of them begins."""

    course_id: int
    public_id: UUID
    slug: str
    name: str
    description: str
    level: str
    branch_id: int
    branch_public_id: UUID
    branch: str
    trainer_id: int | None
    trainer_public_id: UUID | None
    trainer: str
    archived: bool
    coming: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """A series of a course as it is planned. `skipped`: days to come on which it does not take place, and why."""

    series_id: int
    public_id: UUID
    room_id: int
    room_public_id: UUID
    room: str
    trainer_public_id: UUID | None
    trainer: str
    plan: SeriesPlan
    terms: EventTerms
    planned_until: date
    ended_at: datetime | None
    coming: int
    skipped: tuple[tuple[date, str], ...]


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event of a course in the timetable. `series_public_id` None: a single one."""

    event_id: int
    public_id: UUID
    course_public_id: UUID
    series_public_id: UUID | None
    course: str
    course_slug: str
    level: str
    title: str
    slot: Slot
    zone: ZoneInfo
    branch_public_id: UUID
    branch: str
    room_public_id: UUID
    room: str
    trainer_public_id: UUID | None
    trainer: str
    terms: EventTerms
    cancelled_at: datetime | None
    cancel_reason: str


@dataclass(frozen=True, slots=True)
class CourseName:
    course_id: int
    public_id: UUID
    name: str
    archived: bool


@dataclass(frozen=True, slots=True)
class SeriesName:
    """What a series is called: its course and its plan. `ended`: nothing is planned of it any more."""

    series_id: int
    public_id: UUID
    course: str
    plan: SeriesPlan
    ended: bool


def plan_of(row: Series, zone: ZoneInfo) -> SeriesPlan:
    rule = Rule(row.frequency, row.every, frozenset(row.weekdays), row.last_day, row.times)
    return SeriesPlan(row.first_day, row.wall, row.minutes * MINUTE, rule, zone, row.skips_holidays)


def terms_of(row: HasTerms, capacity: int) -> EventTerms:
    return EventTerms(
        capacity=capacity,
        minimum=row.minimum,
        decide_before=row.decide_minutes * MINUTE,
        online=row.online,
        units=row.units,
        price=row.price_cents,
        free_until=row.free_minutes * MINUTE,
        waiting=row.waiting,
    )


def course_lines(session: Session, now: datetime, organisation_id: int) -> tuple[CourseLine, ...]:
    """All courses by name, archived ones last."""
    coming = (
        select(CourseEvent.course_id, func.count().label("coming"), func.min(Event.starts_at).label("next_at"))
        .join(Event, Event.id == CourseEvent.event_id)
        .where(
            CourseEvent.organisation_id == organisation_id,
            CourseEvent.cancelled_at.is_(None),
            Event.organisation_id == organisation_id,
            Event.starts_at > now,
        )
        .group_by(CourseEvent.course_id)
        .subquery()
    )
    query = (
        select(Course, Branch.public_id, Branch.name, Staff.public_id, Staff.name, coming.c.coming, coming.c.next_at)
        .join(Branch, Branch.id == Course.branch_id)
        .outerjoin(Staff, Staff.id == Course.trainer_id)
        .outerjoin(coming, coming.c.course_id == Course.id)
        .where(Course.organisation_id == organisation_id)
        .order_by(Course.archived_at.is_not(None), Course.name)
    )
    return tuple(
        CourseLine(
            course_id=row.id,
            public_id=row.public_id,
            slug=row.slug,
            name=row.name,
            description=row.description,
            level=row.level,
            branch_id=row.branch_id,
            branch_public_id=branch_id,
            branch=branch,
            trainer_id=row.trainer_id,
            trainer_public_id=trainer_id,
            trainer=trainer or "",
            archived=row.archived_at is not None,
            coming=count or 0,
            next_at=next_at,
        )
        for row, branch_id, branch, trainer_id, trainer, count, next_at in session.execute(query)
    )


def course_line(session: Session, now: datetime, organisation_id: int, public_id: UUID) -> CourseLine:
    """Raises NotFound where the organisation has no such course."""
    for line in course_lines(session, now, organisation_id):
        if line.public_id == public_id:
            return line
    raise NotFound("course", public_id)


def course_names(session: Session, organisation_id: int) -> tuple[CourseName, ...]:
    """All courses by name, archived ones too."""
    query = select(Course).where(Course.organisation_id == organisation_id).order_by(Course.name)
    return tuple(
        CourseName(row.id, row.public_id, row.name, row.archived_at is not None) for row in session.scalars(query)
    )


def series_names(session: Session, organisation_id: int) -> tuple[SeriesName, ...]:
    """All series by course and first day; those of archived courses are ended."""
    query = (
        select(Series, Course.name, Course.archived_at, Branch.zone)
        .join(Course, Course.id == Series.course_id)
        .join(Room, Room.id == Series.room_id)
        .join(Branch, Branch.id == Room.branch_id)
        .where(Series.organisation_id == organisation_id)
        .order_by(Course.name, Series.first_day, Series.id)
    )
    return tuple(
        SeriesName(row.id, row.public_id, name, plan_of(row, ZoneInfo(zone)), (row.ended_at or archived) is not None)
        for row, name, archived, zone in session.execute(query)
    )


def has_course(session: Session, organisation_id: int) -> bool:
    """Whether there is a course that is not archived."""
    query = select(Course.id).where(Course.organisation_id == organisation_id, Course.archived_at.is_(None)).limit(1)
    return session.scalar(query) is not None


def series_lines(session: Session, now: datetime, organisation_id: int, course_id: int) -> tuple[SeriesLine, ...]:
    """The series of a course, those that go on first, by their first day."""
    query = (
        select(Series, Room.public_id, Room.name, Branch.zone, Staff.public_id, Staff.name)
        .join(Room, Room.id == Series.room_id)
        .join(Branch, Branch.id == Room.branch_id)
        .outerjoin(Staff, Staff.id == Series.trainer_id)
        .where(Series.organisation_id == organisation_id, Series.course_id == course_id)
        .order_by(Series.ended_at.is_not(None), Series.first_day, Series.id)
    )
    rows = session.execute(query).all()
    ids = [row.id for row, *_ in rows]
    coming, skipped = _coming(session, now, ids), _skipped(session, now, ids)
    return tuple(
        SeriesLine(
            series_id=row.id,
            public_id=row.public_id,
            room_id=row.room_id,
            room_public_id=room_id,
            room=room,
            trainer_public_id=trainer_id,
            trainer=trainer or "",
            plan=plan_of(row, ZoneInfo(zone)),
            terms=terms_of(row, row.capacity),
            planned_until=row.planned_until,
            ended_at=row.ended_at,
            coming=coming.get(row.id, 0),
            skipped=skipped.get(row.id, ()),
        )
        for row, room_id, room, zone, trainer_id, trainer in rows
    )


def event_lines(
    session: Session, organisation_id: int, window: Slot, course_id: int | None = None
) -> tuple[EventLine, ...]:
    """The events of courses that begin within the window, by start; of archived courses none."""
    query = _events(organisation_id).where(Event.starts_at >= window.start, Event.starts_at < window.end)
    if course_id is not None:
        query = query.where(CourseEvent.course_id == course_id)
    return tuple(_event_line(row) for row in session.execute(query.order_by(Event.starts_at, Event.id)))


def first_event(
    session: Session,
    organisation_id: int,
    since: datetime,
    *,
    course_slug: str = "",
    branch: UUID | None = None,
    trainer: UUID | None = None,
) -> EventLine | None:
    """The first event from `since` on that was not cancelled, of the course, branch and trainer that are named."""
    query = _events(organisation_id).where(Event.starts_at >= since, CourseEvent.cancelled_at.is_(None))
    for column, value in ((Course.slug, course_slug), (Branch.public_id, branch), (Staff.public_id, trainer)):
        query = query.where(column == value) if value else query
    found = session.execute(query.order_by(Event.starts_at, Event.id).limit(1)).first()
    return _event_line(found) if found else None


def _events(organisation_id: int) -> Any:
    return (
        select(
            CourseEvent, Event, Course, Series.public_id, Branch, Room.public_id, Room.name, Staff.public_id, Staff.name
        )
        .join(Event, Event.id == CourseEvent.event_id)
        .join(Course, Course.id == CourseEvent.course_id)
        .join(Room, Room.id == Event.room_id)
        .join(Branch, Branch.id == Room.branch_id)
        .outerjoin(Series, Series.id == CourseEvent.series_id)
        .outerjoin(Staff, Staff.id == CourseEvent.trainer_id)
        .where(
            CourseEvent.organisation_id == organisation_id,
            Event.organisation_id == organisation_id,
            Course.archived_at.is_(None),
        )
    )


def _event_line(found: Any) -> EventLine:
    row, event, course, series_id, branch, room_id, room, trainer_id, trainer = found
    return EventLine(
        event_id=event.id,
        public_id=row.public_id,
        course_public_id=course.public_id,
        series_public_id=series_id,
        course=course.name,
        course_slug=course.slug,
        level=course.level,
        title=row.title,
        slot=Slot(event.starts_at, event.ends_at),
        zone=ZoneInfo(branch.zone),
        branch_public_id=branch.public_id,
        branch=branch.name,
        room_public_id=room_id,
        room=room,
        trainer_public_id=trainer_id,
        trainer=trainer or "",
        terms=terms_of(row, event.capacity),
        cancelled_at=row.cancelled_at,
        cancel_reason=row.cancel_reason,
    )


def _coming(session: Session, now: datetime, ids: Sequence[int]) -> dict[int | None, int]:
    query = (
        select(CourseEvent.series_id, func.count())
        .join(Event, Event.id == CourseEvent.event_id)
        .where(CourseEvent.series_id.in_(ids), CourseEvent.cancelled_at.is_(None), Event.starts_at > now)
        .group_by(CourseEvent.series_id)
    )
    return dict(session.execute(query).all())


def _skipped(session: Session, now: datetime, ids: Sequence[int]) -> dict[int, tuple[tuple[date, str], ...]]:
    query = select(SkippedDay).where(SkippedDay.series_id.in_(ids), SkippedDay.day >= now.date())
    found: dict[int, tuple[tuple[date, str], ...]] = {}
    for row in session.scalars(query.order_by(SkippedDay.day)):
        found[row.series_id] = (*found.get(row.series_id, ()), (row.day, row.reason))
    return found
