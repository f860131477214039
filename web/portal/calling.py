"""On short notice the customer is asked to call: whom, and never a number that nobody answers (SPEC S14, S15)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.reads.house import House
from booking.rules.opening import stretch
from booking.rules.working_days import Who, short_notice, who_answers
from booking.values.clock import days_between, local_day
from booking.values.slot import Slot

AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Call:
    """Who picks up now. Where nobody does, `phone` is None, and `again_at` is when somebody will before the time."""

    who: Who
    phone: str | None
    again_at: datetime | None = None

    @property
    def href(self) -> str:
        return f"tel:{''.join(sign for sign in self.phone or '' if sign in '+0123456789')}"


def call_for(now: datetime, house: House, slot: Slot, deadline: datetime) -> Call | None:
    """None where the time lies behind the review's deadline, so that nobody needs to call."""
    if not short_notice(slot, deadline) or slot.start <= now:
        return None
    answers = who_answers(now, house.office, house.closings, house.public_holidays)
    if answers.who is not Who.NOBODY:
        return Call(answers.who, answers.phone)
    again = _next_answer(now, house)
    return Call(Who.NOBODY, None, again if again and again < slot.start else None)


def _next_answer(now: datetime, house: House) -> datetime | None:
    """The first moment from now on at which somebody begins to answer."""
    office = house.office
    first = local_day(now, office.zone)
    begins = sorted(
        shift.start
        for day in days_between(first, first + AHEAD)
        for hours in (*office.hours, *office.desk_hours)
        if (shift := stretch(day, hours, office.zone)) and shift.start > now
    )
    for moment in begins:
        if who_answers(moment, office, house.closings, house.public_holidays).who is not Who.NOBODY:
            return moment
    return None
