"""The office books for a customer who called (SPEC S4, S8): the same rules, but notice and horizon are up to it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.requests import Ask, Made, make_request
from booking.actions.reviews import Resting, decide_request
from booking.actions.tools import Tools
from booking.reads.house import House, RoomFacts
from booking.values.refusals import Refused
from booking.values.states import Verdict

OVERRIDABLE = frozenset({"too-soon", "beyond-horizon"})
ANY_NUMBER = 1_000_000
FAR = timedelta(days=366 * 5)


@dataclass(frozen=True, slots=True)
class Booked:
    """The request that stands. `decided` is its approval, or why it still waits; None where none was asked for."""

    made: Made
    decided: Resting | Refused | None


def book_by_office(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    ask: Ask,
    actor: Actor,
    *,
    override: bool,
    confirm: bool,
) -> Booked | Refused:
    """Make a request and, if wanted, approve it in the same transaction. Limits on open requests do not hold here.

    `override` lets it begin sooner or later than the room's terms allow customers; the other reasons stand.
    """
    rules = lenient(house, ask.room_id) if override else house
    made = make_request(session, now, tools, without_limits(rules), ask, actor)
    if isinstance(made, Refused):
        return made
    decided = decide_request(session, now, house, made.booking_id, Verdict.APPROVE, actor) if confirm else None
    return Booked(made, decided)


def may_override(no: Refused) -> bool:
    """Whether nothing but notice or horizon stands in the way."""
    return bool(no.reasons) and set(no.codes) <= OVERRIDABLE


def lenient(house: House, room_id: int) -> House:
    """The house with a room that knows neither notice nor horizon."""
    room = house.room(room_id)
    return replace(house, rooms=dict(house.rooms) | {room_id: lenient_room(room)})


def lenient_room(room: RoomFacts) -> RoomFacts:
    return replace(room, terms=replace(room.terms, notice=timedelta(0), horizon=FAR))


def without_limits(house: House) -> House:
    return replace(house, open_per_contact=ANY_NUMBER, open_per_address=ANY_NUMBER, open_per_room=ANY_NUMBER)
