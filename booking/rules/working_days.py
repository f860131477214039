"""The office's time: its working days, the deadline of a review, who answers the phone, when a mail goes out.

SPEC S8, S14, S15, S18. A weekend, a public holiday of the region and the operator's own closing day do not count.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from booking.rules.opening import stretch
from booking.values.clock import DAY, instant_of, local_day
from booking.values.house import ClosingDay, Hours, OfficeTerms
from booking.values.slot import Slot

MONDAY_TO_FRIDAY = frozenset(range(5))
SUNDAY = 6
FARTHEST = 366  # an office that never opens again still gets a deadline that stands out once it is over


class Who(StrEnum):
    OFFICE = "office"
    DESK = "desk"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Answers:
    """Who picks up now, and under which number; `phone` is None exactly when nobody does."""

    who: Who
    phone: str | None = None


def is_working_day(
    day: date, office: OfficeTerms, closings: Iterable[ClosingDay], public_holidays: Container[date]
) -> bool:
    """Monday to Friday where the office has hours, unless it is a public holiday or the office is closed (SPEC S8).

    An office that has no hours from Monday to Friday at all is taken to work on each of these days.
    """
    weekdays = {hours.weekday for hours in office.hours} & MONDAY_TO_FRIDAY or MONDAY_TO_FRIDAY
    return day.weekday() in weekdays and _is_staffed(day, closings, public_holidays)


def next_working_day(
    day: date, office: OfficeTerms, closings: Sequence[ClosingDay], public_holidays: Container[date]
) -> date:
    """The first working day after `day`; a year and a day later where there is none before."""
    for offset in range(1, FARTHEST):
        if is_working_day(day + offset * DAY, office, closings, public_holidays):
            return day + offset * DAY
    return day + FARTHEST * DAY


def review_deadline(
    made_at: datetime, office: OfficeTerms, closings: Sequence[ClosingDay], public_holidays: Container[date]
) -> datetime:
    """The instant by which a request made at `made_at` is reviewed: `review_by` on the next working day (SPEC S8)."""
    day = next_working_day(local_day(made_at, office.zone), office, closings, public_holidays)
    return instant_of(day, office.review_by, office.zone)


def short_notice(slot: Slot, deadline: datetime) -> bool:
    """Whether the time begins before the office's next review deadline (SPEC S15). At the deadline is in time."""
    return slot.start < deadline


def who_answers(
    now: datetime, office: OfficeTerms, closings: Sequence[ClosingDay], public_holidays: Container[date]
) -> Answers:
    """Whom a customer can call at this moment (SPEC S14, S15); never a number that nobody answers.

    office   within its hours, on a day that is neither closed nor a public holiday, and it has a number
    desk     else, within the desk's hours, and it has a number; the house's closing days are not the desk's, and on a
             public holiday the desk keeps its Sunday hours
    nobody   else
    """
    if office.office_phone and _in_office_hours(now, office, closings, public_holidays):
        return Answers(Who.OFFICE, office.office_phone)
    if office.desk_phone and _in_desk_hours(now, office, public_holidays):
        return Answers(Who.DESK, office.desk_phone)
    return Answers(Who.NOBODY)


def mail_moment(
    after: datetime, office: OfficeTerms, closings: Sequence[ClosingDay], public_holidays: Container[date]
) -> datetime:
    """When the mail of a code that the desk gave out goes out by itself: next working day, at `mail_at` (SPEC S18)."""
    day = next_working_day(local_day(after, office.zone), office, closings, public_holidays)
    return instant_of(day, office.mail_at, office.zone)


def _is_staffed(day: date, closings: Iterable[ClosingDay], public_holidays: Container[date]) -> bool:
    if day in public_holidays:
        return False
    return not any(closing.closes_office and closing.first_day <= day <= closing.last_day for closing in closings)


def _in_office_hours(
    now: datetime, office: OfficeTerms, closings: Sequence[ClosingDay], public_holidays: Container[date]
) -> bool:
    today = local_day(now, office.zone)
    return any(
        _is_within(now, day, day.weekday(), office.hours, office)
        for day in (today, today - DAY)  # a night shift began yesterday
        if _is_staffed(day, closings, public_holidays)
    )


def _in_desk_hours(now: datetime, office: OfficeTerms, public_holidays: Container[date]) -> bool:
    today = local_day(now, office.zone)
    return any(
        _is_within(now, day, SUNDAY if day in public_holidays else day.weekday(), office.desk_hours, office)
        for day in (today, today - DAY)
    )


def _is_within(now: datetime, day: date, weekday: int, hours: Iterable[Hours], office: OfficeTerms) -> bool:
    slots = (stretch(day, line, office.zone) for line in hours if line.weekday == weekday)
    return any(slot.start <= now < slot.end for slot in slots if slot)
