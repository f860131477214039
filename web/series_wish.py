"""A series as somebody asks for it, by page or by program: checked whole and made, or nothing of it (SPEC V5, X8)."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.series import MadeSeries, SeriesWish, add_series
from booking.reads.house import House, RoomFacts
from booking.rules.course_settings import PlanDraft, checked_plan, terms_reasons
from booking.rules.timetable import DaysOff
from booking.values.places import Needs
from booking.values.refusals import Refused
from booking.values.timetable import EventTerms

# Where the reasons of `add_series` belong, in the names of a draft.
_AT = {"other-branch": "room", "room-archived": "room", "never-takes-place": "weekdays"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as it was read."""

    room: RoomFacts
    draft: PlanDraft
    terms: EventTerms
    trainer_id: int | None


def make_series(
    session: Session, now: datetime, house: House, actor: Actor, course_id: int, asked: Asked
) -> MadeSeries | Refused:
    """Make the series with its events. Refused with the reasons of `booking.rules.course_settings` and of `add_series`.

    They stand at the fields of PlanDraft and EventTerms, or at `room`. A refusal leaves nothing behind.
    """
    plan = checked_plan(asked.draft, asked.room.zone, _days_off(house, asked.room))
    reasons = (*(plan.reasons if isinstance(plan, Refused) else ()), *terms_reasons(asked.terms, Needs()))
    if reasons or isinstance(plan, Refused):
        return Refused(reasons)
    wish = SeriesWish(course_id, asked.room.room_id, plan, asked.terms, asked.trainer_id)
    made = add_series(session, now, house, actor, wish)
    if isinstance(made, Refused):
        return Refused(tuple(replace(one, at=one.at or _AT.get(one.code)) for one in made.reasons))
    return made


def _days_off(house: House, room: RoomFacts) -> DaysOff:
    return DaysOff(dict.fromkeys(house.public_holidays, ""), room.closings)
