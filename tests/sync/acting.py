"""What people do in a linked house, for the tests of links."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from booking.actions.endings import cancel_rental
from booking.actions.link_cases import resolve
from booking.actions.requests import Made
from booking.actions.shifting import Moved, move_rental
from booking.rules import moving
from booking.tables.bookings import Booking, Event
from booking.tables.calendars import CalendarItem
from booking.values.links import Choice
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState
from tests.sync.linked import OFFICE, World


def uid_of(here: World, made: Made) -> str:
    (uid,) = here.rows(select(CalendarItem.uid).where(CalendarItem.booking_id == made.booking_id))
    assert isinstance(uid, UUID)
    return f"{uid}@{here.house.host_id}"


def slot_of(here: World, made: Made) -> Slot:
    query = select(Event).join(Booking, Booking.event_id == Event.id).where(Booking.id == made.booking_id)
    (found,) = here.rows(query)
    return Slot(found.starts_at, found.ends_at)


def state_of(here: World, made: Made) -> BookingState:
    (state,) = here.rows(select(Booking.state).where(Booking.id == made.booking_id))
    assert isinstance(state, BookingState)
    return state


def move(here: World, made: Made, by: timedelta) -> None:
    slot = slot_of(here, made)
    to = Slot(slot.start + by, slot.end + by)
    who, house = moving.Actor.OFFICE, here.house
    moved = here.write(lambda db: move_rental(db, here.now, here.tools, house, made.booking_id, to, who, OFFICE))
    assert isinstance(moved, Moved), moved


def cancel(here: World, made: Made) -> None:
    house = here.house
    no = here.write(lambda db: cancel_rental(db, here.now, house, made.booking_id, moving.Actor.OFFICE, OFFICE))
    assert not isinstance(no, Refused), no


def decide(here: World, uid: str, choice: Choice) -> Refused | None:
    house = here.house
    return here.write(lambda db: resolve(db, here.now, here.tools, house, OFFICE, here.link_id, uid, choice))
