"""What calendars show of the events of courses (SPEC C1, C2)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.calendar_items import ItemFacts, record_all
from booking.reads.house import House
from booking.tables.bookings import Event
from booking.tables.people import Staff
from booking.tables.studio import Course, CourseEvent, Series
from booking.values.agenda import modified_by
from booking.values.slot import Slot
from booking.values.states import ItemStatus

MOST_AT_ONCE = 500


def publish_events(
    session: Session, now: datetime, house: House, event_ids: Sequence[int], *, new: bool = False
) -> None:
    """Write the calendar items of events that changed, or are `new`, and bump the feeds. Last in the transaction."""
    facts: list[ItemFacts] = []
    for first in range(0, len(event_ids), MOST_AT_ONCE):
        query = (
            select(CourseEvent, Event, Course, Staff.name)
            .join(Event, Event.id == CourseEvent.event_id)
            .join(Course, Course.id == CourseEvent.course_id)
            .outerjoin(Staff, Staff.id == CourseEvent.trainer_id)
            .where(
                CourseEvent.organisation_id == house.organisation_id,
                CourseEvent.event_id.in_(event_ids[first : first + MOST_AT_ONCE]),
            )
        )
        facts += [_facts(house, *row) for row in session.execute(query)]
    _grow(session, now, {one.series_id for one in facts if one.series_id is not None})
    record_all(session, now, facts, new=new)


def _grow(session: Session, now: datetime, series_ids: set[int]) -> None:
    query = select(Series).where(Series.id.in_(series_ids)).order_by(Series.id).with_for_update()
    for row in session.scalars(query):
        row.sequence += 1
        row.last_modified = modified_by(row.last_modified, now)
    session.flush()


def _facts(house: House, row: CourseEvent, event: Event, course: Course, trainer: str | None) -> ItemFacts:
    room = house.room(event.room_id)
    return ItemFacts(
        organisation_id=house.organisation_id,
        booking_id=None,
        customer_id=None,
        room_id=room.room_id,
        slot=Slot(event.starts_at, event.ends_at),
        zone=room.zone.key,
        status=ItemStatus.CONFIRMED if row.cancelled_at is None else ItemStatus.CANCELLED,
        title=row.title or course.name,
        party=trainer or "",
        room=room.name,
        location=room.location,
        details=course.level,
        ended_at=row.cancelled_at,
        event_id=event.id,
        course_id=row.course_id,
        series_id=row.series_id,
    )
