"""May this time be requested, and which times may? Pure: the caller gathers inside its transaction and applies.

SPEC S4, S22, S25, S26. A start lies on the grid, counted from its opening; lengths are durations in UTC.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from booking.values.house import Price, RoomTerms
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot, covered, overlap_finder

NO_TIME = timedelta(0)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """Requests that wait for a review, the one to be admitted not counted (SPEC S26)."""

    of_contact: int = 0
    of_address: int = 0
    of_room: int = 0


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How many may wait at once; the defaults are those of a new house (SPEC S26)."""

    per_contact: int = 5
    per_address: int = 10
    per_room: int = 200


@dataclass(frozen=True, slots=True)
class Admitted:
    """`occupied` is what the room is taken for: the slot with its own buffers (SPEC S22)."""

    slot: Slot
    occupied: Slot
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A time that can be requested as it stands."""

    slot: Slot
    price: Price | None = None


def admit(
    wish: Slot,
    people: int,
    now: datetime,
    terms: RoomTerms,
    open_slots: Sequence[Slot],
    taken: Sequence[Slot],
    *,
    waiting: OpenRequests | None = None,
    limits: RequestLimits | None = None,
    price_of: Callable[[Slot], Price | Refused] | None = None,
) -> Admitted | Refused:
    """Decide on a wish. `taken` already includes the buffers of others; `open_slots` are the room's stretches.

    past               begins before now                       too-soon           less notice than the room asks for
    beyond-horizon     begins after the last bookable instant  closed             not wholly within opening hours
    off-grid           begins between two starts of the grid   taken              meets another booking or its buffers
    too-short          below the shortest length               too-long           above the longest
    not-a-multiple     no whole number of slots                too-few-people     below one
    too-many-people    above the room's number                 contact-limit      too many requests of this contact wait
    address-limit      …of this address block                  room-limit         …for this room
    and the reasons of `price_of`, for example no-price; a time that is too long has none, since years take minutes
    """
    price = price_of(wish) if price_of and wish.duration <= terms.longest else None
    reasons = (
        *_when(wish, now, terms),
        *_where(wish, terms, open_slots, taken),
        *_length(wish.duration, terms),
        *_people(people, terms),
        *_limits(waiting or OpenRequests(), limits or RequestLimits()),
        *(price.reasons if isinstance(price, Refused) else ()),
    )
    if reasons or isinstance(price, Refused):
        return Refused(reasons)
    return Admitted(wish, occupied(wish, terms), price)


def occupied(slot: Slot, terms: RoomTerms) -> Slot:
    """The slot with its own buffers."""
    return slot.widened(terms.buffer_before, terms.buffer_after)


def free_slots(
    now: datetime,
    terms: RoomTerms,
    open_slots: Sequence[Slot],
    taken: Sequence[Slot],
    *,
    length: timedelta | None = None,
    price_of: Callable[[Slot], Price | Refused] | None = None,
) -> tuple[Offer, ...]:
    """Every start of the grid that `admit` would take now, in order, for the public page and the API (SPEC S4).

    `length` is that of the wish; by default the shortest that the room's terms allow.
    """
    starts = sorted(grid_starts(open_slots, terms))
    return tuple(_offers(starts, length or shortest_length(terms), now, terms, open_slots, taken, price_of))


def nearest_free(
    wish: Slot,
    n: int,
    now: datetime,
    terms: RoomTerms,
    open_slots: Sequence[Slot],
    taken: Sequence[Slot],
    *,
    price_of: Callable[[Slot], Price | Refused] | None = None,
    starts: Iterable[datetime] | None = None,
) -> tuple[Offer, ...]:
    """Up to n free times of the wish's length, the nearest start first, of two equally near the earlier.

    `starts` is what `nearest_first` says of the grid of these opening hours, where the caller knows it already.
    """
    near = nearest_first(wish.start, grid_starts(open_slots, terms)) if starts is None else starts
    return tuple(islice(_offers(near, wish.duration, now, terms, open_slots, taken, price_of), n))


def nearest_first(wished: datetime, starts: Iterable[datetime]) -> tuple[datetime, ...]:
    """Of two equally near the earlier."""
    return tuple(sorted(starts, key=lambda start: (abs(start - wished), start)))


def shortest_length(terms: RoomTerms) -> timedelta:
    """The smallest multiple of the slot that is not below the shortest length."""
    return -(-terms.shortest // terms.slot) * terms.slot


def _offers(
    starts: Iterable[datetime],
    length: timedelta,
    now: datetime,
    terms: RoomTerms,
    open_slots: Sequence[Slot],
    taken: Sequence[Slot],
    price_of: Callable[[Slot], Price | Refused] | None,
) -> Iterator[Offer]:
    is_taken = overlap_finder(taken)
    before, whole = terms.buffer_before, length + terms.buffer_after
    for start in starts:
        if is_taken(start - before, start + whole):
            continue  # most of a busy week, and the cheapest to see
        wish = Slot(start, start + length)
        verdict = admit(wish, 1, now, terms, open_slots, (), price_of=price_of)
        if isinstance(verdict, Admitted):
            yield Offer(wish, verdict.price)


def grid_starts(open_slots: Sequence[Slot], terms: RoomTerms) -> set[datetime]:
    """Every start of the grid; each stretch counts its own from its opening."""
    return {
        stretch.start + step * terms.grid
        for stretch in open_slots
        for step in range(-(-stretch.duration // terms.grid))
    }


def _when(wish: Slot, now: datetime, terms: RoomTerms) -> Iterator[Reason]:
    if wish.start < now:
        yield Reason("past", "start")
    elif wish.start < now + terms.notice:
        yield Reason("too-soon", "start", {"minutes": terms.notice // MINUTE})
    if wish.start > now + terms.horizon:
        yield Reason("beyond-horizon", "start", {"days": terms.horizon.days})


def _where(wish: Slot, terms: RoomTerms, open_slots: Sequence[Slot], taken: Sequence[Slot]) -> Iterator[Reason]:
    if not covered(wish, open_slots):
        yield Reason("closed", "start")
    opened = [stretch for stretch in open_slots if stretch.start <= wish.start < stretch.end]
    if opened and all((wish.start - stretch.start) % terms.grid for stretch in opened):
        yield Reason("off-grid", "start", {"minutes": terms.grid // MINUTE})
    mine = occupied(wish, terms)
    if any(mine.overlaps(other) for other in taken):
        yield Reason("taken", "start")


def _length(length: timedelta, terms: RoomTerms) -> Iterator[Reason]:
    if length < terms.shortest:
        yield Reason("too-short", "end", {"minutes": terms.shortest // MINUTE})
    if length > terms.longest:
        yield Reason("too-long", "end", {"minutes": terms.longest // MINUTE})
    if length % terms.slot != NO_TIME:
        yield Reason("not-a-multiple", "end", {"minutes": terms.slot // MINUTE})


def _people(people: int, terms: RoomTerms) -> Iterator[Reason]:
    if people < 1:
        yield Reason("too-few-people", "people")
    if people > terms.most_people:
        yield Reason("too-many-people", "people", {"most": terms.most_people})


def _limits(waiting: OpenRequests, limits: RequestLimits) -> Iterator[Reason]:
    if waiting.of_contact >= limits.per_contact:
        yield Reason("contact-limit", None, {"limit": limits.per_contact})
    if waiting.of_address >= limits.per_address:
        yield Reason("address-limit", None, {"limit": limits.per_address})
    if waiting.of_room >= limits.per_room:
        yield Reason("room-limit", None, {"limit": limits.per_room})
