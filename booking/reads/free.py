"""Which times of a room are free, as a week shows them and as the list of rooms teases them (SPEC S4, S5).

A week is cut into cells, the pieces that a customer picks. A cell is free where some time that the rules admit covers
it. What takes a time is known by its kind only: no name ever leaves this module.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import gcd

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.reads.house import House, RoomFacts
from booking.rules.admission import Admitted, Offer, admit, free_slots, occupied
from booking.rules.opening import Closed, open_between, open_stretches, why_closed
from booking.rules.pricing import price
from booking.tables.bookings import Occupancy
from booking.values.clock import DAY, day_bounds, local_day
from booking.values.house import Price, RoomTerms
from booking.values.money import Cents
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import OccupancyKind

LONGEST_PIECE = timedelta(days=7)  # an occupancy row is never longer (booking.actions.occupy)
SECOND = timedelta(seconds=1)
WEEK = 7


class Cell(StrEnum):
    """What a piece of a day is to a customer. REST is open and untaken, but too short or off the grid to ask for."""

    FREE = "free"
    TAKEN = "taken"
    HELD = "held"
    CLOSED = "closed"
    PAST = "past"
    SOON = "too-soon"
    BEYOND = "beyond-horizon"
    UNPRICED = "no-price"
    REST = "rest"


_KIND: dict[OccupancyKind, Cell] = {
    OccupancyKind.BOOKING: Cell.TAKEN,
    OccupancyKind.EXTERNAL: Cell.TAKEN,
    OccupancyKind.HELD: Cell.HELD,
    OccupancyKind.CLOSURE: Cell.CLOSED,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """One cell, or several of the same kind that follow each other. `cents` is set exactly where it is free."""

    slot: Slot
    cell: Cell
    cents: Cents | None = None


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A local day of a room. `closed` says why the whole day is shut; then there are no pieces."""

    day: date
    closed: Closed | None
    pieces: tuple[Piece, ...]

    @property
    def free(self) -> int:
        return sum(piece.cell is Cell.FREE for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody's time, without whose."""

    slot: Slot
    kind: OccupancyKind


def busy_units(
    session: Session,
    organisation_id: int,
    unit_ids: Iterable[int],
    window: Slot,
    but: tuple[OccupancyKind, int] | None = None,
) -> Mapping[int, tuple[Busy, ...]]:
    """What is taken on each unit within the window, one source left out where named. One query, whatever is booked."""
    wanted = tuple(unit_ids)
    query = (
        select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at, Occupancy.kind)
        .where(
            Occupancy.organisation_id == organisation_id,
            Occupancy.unit_id.in_(wanted),
            Occupancy.ends_at > window.start,
            Occupancy.starts_at < window.end,
            Occupancy.starts_at > window.start - LONGEST_PIECE,
        )
        .order_by(Occupancy.starts_at)
    )
    if but is not None:
        query = query.where((Occupancy.kind != but[0]) | (Occupancy.source_id != but[1]))
    found: dict[int, list[Busy]] = {unit: [] for unit in wanted}
    for unit, start, end, kind in session.execute(query):
        found[unit].append(Busy(Slot(start, end), kind))
    return {unit: tuple(rows) for unit, rows in found.items()}


def week_of(
    session: Session,
    now: datetime,
    house: House,
    room: RoomFacts,
    first_day: date,
    but: tuple[OccupancyKind, int] | None = None,
) -> tuple[DayPlan, ...]:
    """Seven days of a room from `first_day` on. One query; `but` names a rental that is to move (SPEC S27)."""
    days = [first_day + offset * DAY for offset in range(WEEK)]
    window = Slot(day_bounds(days[0], room.zone)[0], day_bounds(days[-1] + DAY, room.zone)[1])
    around = occupied(window, room.terms)
    busy = _of_room(busy_units(session, house.organisation_id, room.unit_ids, around, but), room)
    return tuple(_plan(now, house, room, day, busy) for day in days)


def next_free(
    session: Session, now: datetime, house: House, rooms: Iterable[RoomFacts], days: int, most: int
) -> dict[int, tuple[Offer, ...]]:
    """Room id → the first free times of each within so many days, with price. One query for all rooms together."""
    wanted = tuple(rooms)
    units = {unit for room in wanted for unit in room.unit_ids}
    taken = busy_units(session, house.organisation_id, units, Slot(now - DAY, now + (days + 2) * DAY))
    return {room.room_id: _first_free(now, house, room, _of_room(taken, room), days, most) for room in wanted}


def cell_length(terms: RoomTerms) -> timedelta:
    """The pieces in which a room's times are picked: starts and lengths are both whole numbers of them."""
    return gcd(terms.slot // SECOND, terms.grid // SECOND) * SECOND


def price_of(house: House, room: RoomFacts, slot: Slot) -> Price | Refused:
    return price(slot, room.zone, room.prices, house.seasons, room.terms.slot)


def _of_room(taken: Mapping[int, tuple[Busy, ...]], room: RoomFacts) -> tuple[Busy, ...]:
    """The whole hall has several units; one booking of it is one busy time."""
    found = {busy for unit in room.unit_ids for busy in taken.get(unit, ())}
    return tuple(sorted(found, key=lambda busy: (busy.slot, busy.kind)))


def _first_free(
    now: datetime, house: House, room: RoomFacts, busy: tuple[Busy, ...], days: int, most: int
) -> tuple[Offer, ...]:
    today, calendar = local_day(now, room.zone), house.calendar(room)
    slots = tuple(one.slot for one in busy)
    offers: list[Offer] = []
    for offset in range(days):
        stretches = open_stretches(today + offset * DAY, calendar)
        offers += free_slots(now, room.terms, stretches, slots, price_of=lambda wish: price_of(house, room, wish))
        if len(offers) >= most:
            break
    return tuple(offers[:most])


def _plan(now: datetime, house: House, room: RoomFacts, day: date, busy: tuple[Busy, ...]) -> DayPlan:
    calendar = house.calendar(room)
    closed = why_closed(day, calendar)
    stretches = () if closed else open_stretches(day, calendar)
    if not stretches:
        return DayPlan(day, closed, ())
    last_day = local_day(stretches[-1].end, room.zone)
    reach = Slot(stretches[0].start, stretches[-1].end).widened(room.terms.longest, room.terms.longest)
    near = tuple(one for one in busy if one.slot.overlaps(occupied(reach, room.terms)))
    plan = _Asked(now, house, room, open_between(day, last_day, calendar), near)
    free = tuple(offer.slot for offer in free_slots(now, room.terms, plan.opened, plan.taken, price_of=plan.price_of))
    cells = [_piece(plan, slot, free) for part in stretches for slot in _cut(part, room.terms)]
    return DayPlan(day, closed, _joined(cells))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What each cell of a day is judged by."""

    now: datetime
    house: House
    room: RoomFacts
    opened: tuple[Slot, ...]
    busy: tuple[Busy, ...]

    @property
    def taken(self) -> tuple[Slot, ...]:
        return tuple(one.slot for one in self.busy)

    def price_of(self, wish: Slot) -> Price | Refused:
        return price_of(self.house, self.room, wish)

    def admits(self, wish: Slot) -> bool:
        verdict = admit(wish, 1, self.now, self.room.terms, self.opened, self.taken, price_of=self.price_of)
        return isinstance(verdict, Admitted)


def _cut(stretch: Slot, terms: RoomTerms) -> Iterator[Slot]:
    length = cell_length(terms)
    for step in range(stretch.duration // length):
        yield Slot(stretch.start + step * length, stretch.start + (step + 1) * length)


def _piece(plan: _Asked, slot: Slot, free: tuple[Slot, ...]) -> Piece:
    """A free one first, then what stands against it, the plainest reason first."""
    if slot.start < plan.now:
        return Piece(slot, Cell.PAST)
    if any(wish.covers(slot) for wish in free):
        return Piece(slot, Cell.FREE, _cents(plan, slot))
    kinds = [one.kind for one in plan.busy if one.slot.overlaps(slot)]
    if kinds:
        return Piece(slot, _KIND[OccupancyKind.BOOKING if OccupancyKind.BOOKING in kinds else kinds[0]])
    if _is_reached(plan, slot):
        return Piece(slot, Cell.FREE, _cents(plan, slot))
    return Piece(slot, _unasked(plan.now, plan.house, plan.room, slot))


def _is_reached(plan: _Asked, cell: Slot) -> bool:
    """Whether only a longer time covers the cell: one that starts further back than the shortest reach."""
    terms = plan.room.terms
    earliest, latest = plan.now + terms.notice, plan.now + terms.horizon + terms.longest
    if not earliest <= cell.start <= latest:
        return False
    starts = (
        stretch.start + step * terms.grid
        for stretch in plan.opened
        for step in range(-(-stretch.duration // terms.grid))
    )
    wishes = (
        Slot(start, start + -(-(cell.end - start) // terms.slot) * terms.slot)
        for start in starts
        if cell.end - terms.longest <= start <= cell.start
    )
    return any(plan.admits(wish) for wish in wishes if wish.duration <= terms.longest)


def _unasked(now: datetime, house: House, room: RoomFacts, slot: Slot) -> Cell:
    """Open and untaken, and still nobody may ask for it: why."""
    if slot.start > now + room.terms.horizon:
        return Cell.BEYOND
    if slot.start < now + room.terms.notice:
        return Cell.SOON
    return Cell.UNPRICED if isinstance(price_of(house, room, slot), Refused) else Cell.REST


def _cents(plan: _Asked, slot: Slot) -> Cents:
    """What the cell adds to a price. A minimum charge belongs to the whole time, not to each of its cells."""
    prices = replace(plan.room.prices, minimum=Cents(0))
    found = price(slot, plan.room.zone, prices, plan.house.seasons, plan.room.terms.slot)
    return Cents(0) if isinstance(found, Refused) else found.gross


def _joined(cells: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours of one kind become one block; free ones stay apart, for they are picked one by one."""
    joined: list[Piece] = []
    for piece in cells:
        last = joined[-1] if joined else None
        if last and last.cell is piece.cell is not Cell.FREE and last.slot.end == piece.slot.start:
            joined[-1] = Piece(Slot(last.slot.start, piece.slot.end), piece.cell)
        else:
            joined.append(piece)
    return tuple(joined)
