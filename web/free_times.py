"""Which times of a room can be requested now, for the pages and the API alike (SPEC S4, S5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.actions.occupy import slots_of, taken, taken_unread
from booking.actions.requests import price_of
from booking.reads.house import House, RoomFacts
from booking.rules.admission import Offer, free_slots, grid_starts, nearest_first, nearest_free, occupied
from booking.tables.prepared import Unread
from booking.values.clock import local_day
from booking.values.slot import Slot

NEARBY = timedelta(days=1)


def free_times(
    session: Session, now: datetime, house: House, room: RoomFacts, window: Slot, length: timedelta | None = None
) -> tuple[Offer, ...]:
    """All free times within the window, in order, each with its price; by default of the room's shortest length."""
    open_slots = house.open_between(room, local_day(window.start, room.zone), local_day(window.end, room.zone))
    others = taken(session, room.unit_ids, occupied(window, room.terms))
    offers = free_slots(
        now, room.terms, open_slots, others, length=length, price_of=lambda wish: price_of(house, room, wish)
    )
    return tuple(offer for offer in offers if window.covers(offer.slot))


def taken_near(session: Session, room: RoomFacts, wish: Slot) -> Unread:
    """What is taken around a wish, as far as `nearest` looks; `slots_of` reads it."""
    return taken_unread(session, room.unit_ids, occupied(wish.widened(NEARBY, NEARBY), room.terms))


def nearest(
    session: Session,
    now: datetime,
    house: House,
    room: RoomFacts,
    wish: Slot,
    most: int = 3,
    *,
    others: tuple[Slot, ...] | None = None,
) -> tuple[Slot, ...]:
    """The free times of the same length that begin nearest to a wish that was refused, within a day of it.

    `others` is what is taken there, where the caller asked `taken_near` already.
    """
    if wish.duration > room.terms.longest:
        return ()
    if others is None:
        others = slots_of(taken_near(session, room, wish))
    within, starts = _opened_near(house, room, wish), starts_near(house, room, wish)
    offers = nearest_free(wish, most, now, room.terms, within, others, starts=starts.nearest_first)
    return tuple(offer.slot for offer in offers)


@dataclass(frozen=True, slots=True)
class Starts:
    """The same starts, once in order and once by their distance from a wish."""

    in_order: tuple[datetime, ...]
    nearest_first: tuple[datetime, ...]


def starts_near(house: House, room: RoomFacts, wish: Slot) -> Starts:
    """All starts that `nearest` considers."""

    def find() -> Starts:
        found = grid_starts(_opened_near(house, room, wish), room.terms)
        return Starts(tuple(sorted(found)), nearest_first(wish.start, found))

    return house.kept(room, ("starts", room.room_id, wish), find)


def _opened_near(house: House, room: RoomFacts, wish: Slot) -> tuple[Slot, ...]:
    window = wish.widened(NEARBY, NEARBY)
    open_slots = house.open_between(room, local_day(window.start, room.zone), local_day(window.end, room.zone))
    return tuple(part for part in open_slots if part.overlaps(window))
