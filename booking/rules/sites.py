"""What a booking on an external site means here, and what ours means there (SPEC Y1, Y3 to Y6, Y8). Pure.

A webhook or a poll only leads to reading; what was read is held against what we know, and one step comes out of it.
Read twice, the second time does nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState

MISSING_PROOF = timedelta(minutes=15)


class CancelledBy(StrEnum):
    BOOKER = "booker"
    OWNER = "owner"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Seen:
    """A booking there as it was read just now. `cancelled_by` is None while it lives."""

    slot: Slot
    cancelled_by: CancelledBy | None
    no_show: bool
    has_room: bool


@dataclass(frozen=True, slots=True)
class Known:
    """Our side of it: the slot read last, and the booking here, if one was made. `is_block`: we wrote it there."""

    last_slot: Slot
    was_cancelled: bool
    is_block: bool
    state: BookingState | None
    slot: Slot | None
    no_show: bool


class Step(StrEnum):
    NOTHING = "nothing"
    NOTE = "note"  # remember what was read, nothing else follows
    TAKE_IN = "take-in"  # a new booking there becomes a request here
    MOVE = "move"  # the request here follows the new time
    CASE_MOVED = "case-moved"  # a confirmed rental was moved there: a person decides, both times are kept
    CANCEL = "cancel"  # the booker cancelled there: S27's steps here
    CASE_CANCELLED = "case-cancelled"  # the owner did, or nobody knows who: a person decides, the time is kept
    LET_GO = "let-go"  # we ended it, and it is cancelled there now: the time is free
    CASE_BLOCK_GONE = "case-block-gone"  # somebody removed our block there
    NO_SHOW = "no-show"


def take_in(seen: Seen, known: Known | None, now: datetime) -> Step:
    """The one step that a read booking asks for."""
    if known is None:
        return _new(seen, now)
    if known.is_block:
        return _block(seen, known)
    if known.state is None:
        return _new(seen, now) if not known.was_cancelled else Step.NOTHING
    if known.state not in OCCUPYING:
        return Step.LET_GO if seen.cancelled_by and not known.was_cancelled else Step.NOTHING
    return _living(seen, known)


def _new(seen: Seen, now: datetime) -> Step:
    if seen.cancelled_by is not None or seen.slot.end <= now or not seen.has_room:
        return Step.NOTE
    return Step.TAKE_IN


def _block(seen: Seen, known: Known) -> Step:
    if seen.cancelled_by is None or known.was_cancelled:
        return Step.NOTHING
    return Step.CASE_BLOCK_GONE if known.state in OCCUPYING else Step.NOTE


def _living(seen: Seen, known: Known) -> Step:
    if seen.cancelled_by is not None:
        if known.was_cancelled:
            return Step.NOTHING
        return Step.CANCEL if seen.cancelled_by is CancelledBy.BOOKER else Step.CASE_CANCELLED
    if seen.slot not in {known.last_slot, known.slot}:
        return Step.MOVE if known.state is BookingState.REQUESTED else Step.CASE_MOVED
    return Step.NO_SHOW if seen.no_show and not known.no_show else Step.NOTHING


class Errand(StrEnum):
    """What has to be done there so that the site agrees with us."""

    CANCEL = "cancel"
    ACCEPT = "accept"
    RESCHEDULE = "reschedule"
    BLOCK = "block"
    MOVE_BLOCK = "move-block"
    UNBLOCK = "unblock"


@dataclass(frozen=True, slots=True)
class There:
    """What stands there for one of our bookings, as we know it: the booking it came from, or a block of ours."""

    slot: Slot
    cancelled: bool
    undecided: bool = False


def errand_for_origin(state: BookingState, slot: Slot, there: There) -> Errand | None:
    """What to do with the booking there that ours came from."""
    if there.cancelled:
        return None
    if state not in OCCUPYING:
        return Errand.CANCEL
    if slot != there.slot:
        return Errand.RESCHEDULE
    return Errand.ACCEPT if state is BookingState.CONFIRMED and there.undecided else None


def errand_for_block(occupied: Slot | None, there: There | None, *, proven: bool) -> Errand | None:
    """What to do with our block there; `occupied` is None when our booking takes no time any more (SPEC Y8).

    Until the way is proven no time is taken there; what was blocked in proven days is still removed.
    """
    standing = there is not None and not there.cancelled
    if occupied is None:
        return Errand.UNBLOCK if standing else None
    if not proven:
        return None
    if there is None or there.cancelled:
        return Errand.BLOCK if there is None else None
    return Errand.MOVE_BLOCK if there.slot != occupied else None


def is_gone(missing_since: datetime | None, now: datetime) -> bool:
    """Whether two complete listings, far enough apart, both lacked a booking (SPEC C9)."""
    return missing_since is not None and now - missing_since >= MISSING_PROOF
