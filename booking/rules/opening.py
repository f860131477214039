"""When a room is open. Local plans go in, slots of UTC instants come out; clocks that change are dealt with here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from booking.values.clock import DAY, day_bounds, days_between, instant_of
from booking.values.house import Hours, RoomCalendar, Season
from booking.values.slot import Slot, subtract


class ClosedBecause(StrEnum):
    CLOSING_DAY = "closing-day"
    PUBLIC_HOLIDAY = "public-holiday"
    OUT_OF_SEASON = "out-of-season"
    NO_HOURS = "no-hours"


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a room is closed on a day; `reason` is the operator's own text, of a closing day only."""

    because: ClosedBecause
    reason: str | None = None


def stretch(day: date, hours: Hours, zone: ZoneInfo) -> Slot | None:
    """The instants of one line of hours on a local day; None where the clock's change leaves nothing of it.

    `closes` at or before `opens` means the next day, so 00:00 is midnight at the day's end and 22:00 to 02:00 a night.
    """
    last_day = day if hours.closes > hours.opens else day + DAY
    start, end = instant_of(day, hours.opens, zone), instant_of(last_day, hours.closes, zone)
    return Slot(start, end) if start < end else None


def in_season(day: date, seasons: Iterable[Season], season_id: int | None = None) -> bool:
    """Whether the day lies in that season, or in any where none is named. A house without seasons is always in one."""
    relevant = [season for season in seasons if season_id in {None, season.season_id}]
    if not relevant:
        return season_id is None
    return any(season.first_day <= day <= season.last_day for season in relevant)


def why_closed(day: date, calendar: RoomCalendar) -> Closed | None:
    """The first reason that keeps the room shut on the whole local day, or None on a day with opening hours.

    An operator's closing day comes first, since only it has words; then the public holiday, the season, the weekday.
    """
    shut = _shut(day, calendar)
    if shut or any(_applies(hours, day, calendar) for hours in calendar.hours):
        return shut
    has_season_hours = any(hours.weekday == day.weekday() for hours in calendar.hours)
    return Closed(ClosedBecause.OUT_OF_SEASON if has_season_hours else ClosedBecause.NO_HOURS)


def open_stretches(day: date, calendar: RoomCalendar) -> tuple[Slot, ...]:
    """The stretches that begin on that local day, in order, overlapping ones merged.

    A night that runs into the next day belongs to the day on which it began, less what the next day closes. Stretches
    that only touch stay apart: each counts its own grid (SPEC S4).
    """
    if _shut(day, calendar):
        return ()
    lines = (stretch(day, hours, calendar.zone) for hours in calendar.hours if _applies(hours, day, calendar))
    tomorrow = day + DAY
    closed = [Slot(*day_bounds(tomorrow, calendar.zone))] if _shut(tomorrow, calendar) else []
    return tuple(part for whole in _merged(line for line in lines if line) for part in subtract(whole, closed))


def open_between(first: date, last: date, calendar: RoomCalendar) -> tuple[Slot, ...]:
    """All stretches that touch the local days from first to last, both inclusive, last night's included."""
    begin, _ = day_bounds(first, calendar.zone)
    found = (slot for day in days_between(first - DAY, last) for slot in open_stretches(day, calendar))
    return tuple(sorted(slot for slot in found if slot.end > begin))


def _shut(day: date, calendar: RoomCalendar) -> Closed | None:
    for closing in calendar.closings:
        if closing.closes_rooms and closing.first_day <= day <= closing.last_day:
            return Closed(ClosedBecause.CLOSING_DAY, closing.reason)
    if calendar.holidays_close_rooms and day in calendar.public_holidays:
        return Closed(ClosedBecause.PUBLIC_HOLIDAY)
    return None


def _applies(hours: Hours, day: date, calendar: RoomCalendar) -> bool:
    if hours.weekday != day.weekday():
        return False
    return hours.season_id is None or in_season(day, calendar.seasons, hours.season_id)


def _merged(slots: Iterable[Slot]) -> list[Slot]:
    merged: list[Slot] = []
    for slot in sorted(slots):
        if merged and slot.start < merged[-1].end:
            merged[-1] = Slot(merged[-1].start, max(slot.end, merged[-1].end))
        else:
            merged.append(slot)
    return merged
