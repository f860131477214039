"""One course that the rules' tests share: Monday at six in Berlin, ten places, a unit each."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking.values.places import Participant
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent, EventTerms

BERLIN = ZoneInfo("Europe/Berlin")
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONDAY = date(2026, 12, 7)
START = datetime(2026, 12, 7, 17, tzinfo=UTC)  # 18:00 in Berlin
END = START + HOUR
NOW = START - 3 * DAY

ANNA = Participant(1, 10)


def event(slot: Slot | None = None, cancelled_at: datetime | None = None, **terms: Any) -> CourseEvent:
    return CourseEvent(
        event_id=7,
        course_id=3,
        branch_id=1,
        room_id=2,
        slot=slot or Slot(START, END),
        zone=BERLIN,
        terms=EventTerms(**{"capacity": 10, **terms}),
        cancelled_at=cancelled_at,
    )
