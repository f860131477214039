"""A door's season as a month grid (SPEC S2): for each day what is free, given out, used, and what runs short."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.reads.doors import HELD, DoorFacts, days_of, read_door, tolerance
from booking.reads.house import House, RoomFacts
from booking.rules.doorcodes import FreeCode, HeldCode, Pattern, choose_codes, code_window, windows
from booking.tables.bookings import Booking, Event, Occupancy
from booking.tables.doors import DoorCode
from booking.values.clock import DAY, days_between, instant_of, local_day
from booking.values.house import Season
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, CodeState

NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class DoorDay:
    """One day of the grid.

    free    codes that nobody holds and that can still open      given   codes that a booking holds, not yet over
    used    codes that a booking held, window over               retired replaced or given back
    short   who would stand before a shut door: bookings of the day, not over, that hold no code and for which none is
            left, and bookable slots still free, each counted once, for which no code is left
    """

    day: date
    free: int = 0
    given: int = 0
    used: int = 0
    retired: int = 0
    short: int = 0


@dataclass(frozen=True, slots=True)
class _Span:
    """All that the grid of some days depends on."""

    codes: Sequence[DoorCode]
    bookings: Sequence[tuple[int, Slot]]
    taken: Mapping[int, Sequence[Slot]] = field(default_factory=dict)


def door_days(
    session: Session, now: datetime, house: House, door_id: int, first: date, last: date
) -> tuple[DoorDay, ...]:
    """The grid from `first` to `last`, both inclusive, in the zone of the door's rooms."""
    door = read_door(session, house, door_id)
    return _grid(now, house, door, _gather(session, house, door, first, last), first, last)


def _gather(session: Session, house: House, door: DoorFacts, first: date, last: date) -> _Span:
    begin, end = _begin(first - DAY, door.zone), _begin(last + 2 * DAY, door.zone)
    codes = session.scalars(
        select(DoorCode)
        .where(
            DoorCode.organisation_id == house.organisation_id,
            DoorCode.door_id == door.door_id,
            DoorCode.starts_at < end,
            DoorCode.ends_at > begin,
        )
        .order_by(DoorCode.starts_at, DoorCode.id)
    ).all()
    bookings = session.execute(
        select(Booking.id, Event.room_id, Event.starts_at, Event.ends_at)
        .join(Event, Event.id == Booking.event_id)
        .where(
            Booking.organisation_id == house.organisation_id,
            Event.room_id.in_([room.room_id for room in door.rooms]),
            Booking.state.in_(OCCUPYING),
            Event.starts_at < end,
            Event.ends_at > begin,
        )
    )
    units = {unit for room in door.rooms for unit in room.unit_ids}
    rows = session.execute(
        select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at).where(
            Occupancy.unit_id.in_(units), Occupancy.starts_at < end, Occupancy.ends_at > begin
        )
    )
    taken = defaultdict(list)
    for unit_id, start, until in rows:
        taken[unit_id].append(Slot(start, until))
    found = [(booking_id, _need(house, room_id, Slot(start, until))) for booking_id, room_id, start, until in bookings]
    return _Span(codes, found, taken)


def _grid(now: datetime, house: House, door: DoorFacts, span: _Span, first: date, last: date) -> tuple[DoorDay, ...]:
    counts: defaultdict[date, Counter[str]] = defaultdict(Counter)
    before, after = tolerance(door.rooms)
    for code in span.codes:
        kind = _kind(code, now)
        for day in days_of(Slot(code.starts_at, code.ends_at), door.zone, before, after):
            counts[day][kind] += 1
    short = _short(now, house, door, span, first, last)
    return tuple(
        DoorDay(
            day,
            free=counts[day]["free"],
            given=counts[day]["given"],
            used=counts[day]["used"],
            retired=counts[day]["retired"],
            short=short[day],
        )
        for day in days_between(first, last)
    )


def _kind(code: DoorCode, now: datetime) -> str:
    if code.state is CodeState.RETIRED:
        return "retired"
    over = code.ends_at <= now
    if code.state is CodeState.FREE:
        return "over" if over else "free"
    return "used" if over else "given"


def _short(now: datetime, house: House, door: DoorFacts, span: _Span, first: date, last: date) -> Counter[date]:
    before, _ = tolerance(door.rooms)
    stock = _stock(span.codes, door.zone)
    holders = {code.booking_id for code in span.codes if code.state in HELD}
    needs = {need for booking_id, need in span.bookings if booking_id not in holders}
    counted = [need for booking_id, need in span.bookings if booking_id not in holders]
    open_slots = {need for room in door.rooms for need in _free_slots(house, room, span, first, last)}
    served = {need: _is_served(need, stock, door.zone) for need in needs | open_slots if need.end > now}
    missing = [need for need in (*counted, *open_slots) if not served.get(need, True)]
    return Counter(local_day(need.start + before, door.zone) for need in missing)


@dataclass(frozen=True, slots=True)
class _Stock:
    """Free codes by each local day that their window touches, and by fingerprint the windows of all others."""

    free: Mapping[date, Sequence[FreeCode]]
    spent: Mapping[bytes, Sequence[HeldCode]]


def _stock(codes: Sequence[DoorCode], zone: ZoneInfo) -> _Stock:
    free: defaultdict[date, list[FreeCode]] = defaultdict(list)
    spent: defaultdict[bytes, list[HeldCode]] = defaultdict(list)
    for code in codes:
        window = Slot(code.starts_at, code.ends_at)
        if code.state is not CodeState.FREE:
            spent[code.code_hmac].append(HeldCode(code.code_hmac, window))
            continue
        for day in days_of(window, zone, NONE, NONE):
            free[day].append(FreeCode(code.id, code.code_hmac, window))
    return _Stock(free, spent)


def _is_served(need: Slot, stock: _Stock, zone: ZoneInfo) -> bool:
    near = {
        code
        for day in days_of(need, zone, NONE, NONE)
        for code in stock.free.get(day, ())
        if code.window.overlaps(need)
    }
    spent = [other for code in near for other in stock.spent.get(code.fingerprint, ())]
    return bool(near) and not isinstance(choose_codes(need, near, spent), Refused)


def _free_slots(house: House, room: RoomFacts, span: _Span, first: date, last: date) -> set[Slot]:
    """What each bookable slot of the room that is not taken would need."""
    needs = windows(Pattern.EACH_SLOT, Season(0, "", first, last), house.calendar(room), room.terms)
    taken = [slot for unit_id in room.unit_ids for slot in span.taken.get(unit_id, ())]
    before, after = room.terms.tolerance_before, room.terms.tolerance_after
    uses = {need: Slot(need.start + before, need.end - after) for need in needs}
    return {need for need, use in uses.items() if not any(slot.overlaps(use) for slot in taken)}


def _need(house: House, room_id: int, slot: Slot) -> Slot:
    return code_window(slot, house.room(room_id).terms)


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return instant_of(day, datetime.min.time(), zone)
