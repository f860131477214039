"""One house that the rules' tests share: a hall in Cologne, its office, its partner's desk."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from booking.values.clock import instant_of
from booking.values.house import ClosingDay, Hours, OfficeTerms, RoomCalendar, RoomTerms
from booking.values.slot import Slot

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

FRIDAY = date(2026, 12, 4)
SATURDAY = date(2026, 12, 5)
MONDAY = date(2026, 12, 7)
CHRISTMAS = frozenset({date(2026, 12, 25), date(2026, 12, 26)})
BRIDGE = ClosingDay(date(2026, 12, 28), date(2026, 12, 30), "Between the years")

OFFICE = OfficeTerms(
    zone=BERLIN,
    hours=tuple(Hours(weekday, time(9), time(17)) for weekday in range(5)),
    review_by=time(12),
    mail_at=time(9, 30),
    office_phone="0221 1",
    desk_phone="0221 2",
    desk_hours=tuple(Hours(weekday, time(7), time(22)) for weekday in range(6)),
)
TERMS = RoomTerms(
    slot=HOUR,
    grid=30 * MINUTE,
    shortest=HOUR,
    longest=4 * HOUR,
    buffer_before=0 * MINUTE,
    buffer_after=15 * MINUTE,
    notice=2 * HOUR,
    horizon=timedelta(days=90),
    most_people=30,
)
CALENDAR = RoomCalendar(BERLIN, tuple(Hours(weekday, time(8), time(22)) for weekday in range(7)))


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """The instant of a wall time in Cologne."""
    return instant_of(day, time(hour, minute), BERLIN)


def slot(day: date, first: int, last: int) -> Slot:
    """From one full hour to another of a day in Cologne; 24 is midnight."""
    start = at(day, first)
    end = at(day, last) if last < 24 else instant_of(day + timedelta(days=1), time(last - 24), BERLIN)
    return Slot(start, end)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour, minute
