"""Which times of a room can be requested now, for the pages and the API alike (SPEC S4, S5)."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.actions.occupy import taken
from booking.actions.requests import price_of
from booking.reads.house import House, RoomFacts
from booking.rules.admission import Offer, free_slots, nearest_free, occupied
from booking.rules.opening import open_between
from booking.values.clock import local_day
from booking.values.slot import Slot

NEARBY = timedelta(days=1)


def free_times(
    session: Session, now: datetime, house: House, room: RoomFacts, window: Slot, length: timedelta | None = None
) -> tuple[Offer, ...]:
    """All free times within the window, in order, each with its price; by default of the room's shortest length."""
    open_slots = open_between(
        local_day(window.start, room.zone), local_day(window.end, room.zone), house.calendar(room)
    )
    others = taken(session, room.unit_ids, occupied(window, room.terms))
    offers = free_slots(
        now, room.terms, open_slots, others, length=length, price_of=lambda wish: price_of(house, room, wish)
    )
    return tuple(offer for offer in offers if window.covers(offer.slot))


def taken_near(session: Session, room: RoomFacts, wish: Slot) -> tuple[Slot, ...]:
    """What is taken around a wish, as far as `nearest` looks."""
    return taken(session, room.unit_ids, occupied(wish.widened(NEARBY, NEARBY), room.terms))


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

    `others` is what `taken_near` found, where the caller asked it already.
    """
    if wish.duration > room.terms.longest:
        return ()
    window = wish.widened(NEARBY, NEARBY)
    open_slots = open_between(
        local_day(window.start, room.zone), local_day(window.end, room.zone), house.calendar(room)
    )
    within = tuple(part for part in open_slots if part.overlaps(window))
    if others is None:
        others = taken_near(session, room, wish)
    return tuple(offer.slot for offer in nearest_free(wish, most, now, room.terms, within, others))
