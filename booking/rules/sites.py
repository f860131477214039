"""What a booking on an external site means here, and what ours means there (SPEC Y1, Y3 to Y6, Y8). Pure.

A webhook or a poll only leads to reading; what was read is held against what we know, and one step comes out of it.
Read twice, the second time does nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from booking.values.findings import Contact
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, BookingState

MISSING_PROOF = timedelta(minutes=15)
SILENT_AFTER = timedelta(minutes=30)  # two of the longest intervals between polls


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
class Read:
    """A booking there, as its client read it. `facts` is what is worth keeping, nothing secret.

    `read_at` is when it was asked for, before the answer; `updated_at` the site's own stamp of its last change, and
    `cancelled_at` of its cancelling.
    """

    remote_id: str
    ref: str
    profile_id: str
    seen: Seen
    contact: Contact
    purpose: str
    people: int
    tentative: str
    read_at: datetime
    updated_at: datetime | None = None
    cancelled_at: datetime | None = None
    mark: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """Our side of it: the slot read last, and the booking here, if one was made. `is_block`: we wrote it there, and
    `slot` is the whole time that it has to hold. `moved_to`: the time there in an open case about a move. `given_up`:
    the office freed the time although the cancel there never came through.
    """

    last_slot: Slot
    was_cancelled: bool
    is_block: bool
    state: BookingState | None
    slot: Slot | None
    no_show: bool
    moved_to: Slot | None = None
    given_up: bool = False


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
    PUT_RIGHT = "put-right"  # our block stands there otherwise than we left it: the site is made consistent
    MOVED_BACK = "moved-back"  # the move that a person should decide about was taken back there
    STALE = "stale"  # what was read is older than what is known: it has to be read again
    NO_SHOW = "no-show"


class Heard(StrEnum):
    """What became of a webhook that led to no step: as a code, which the set-up page puts into words."""

    RESTING = "resting"  # the connection rests
    AWAY = "away"  # the site did not answer before; a poll is asked for, as with all below
    UNREADABLE = "unreadable"  # the hint names no booking
    NOT_FOUND = "not-found"  # the site knows no such booking
    FAILED = "failed"  # the call there failed


def take_in(seen: Seen, known: Known | None, now: datetime) -> Step:
    """The one step that a read booking asks for."""
    if known is not None and known.is_block:
        return _block(seen, known)
    if known is None or known.state is None:
        return _new(seen, now)
    return _living(seen, known) if known.state in OCCUPYING else _ended(seen, known, now)


def _new(seen: Seen, now: datetime) -> Step:
    if seen.cancelled_by is not None or seen.slot.end <= now or not seen.has_room:
        return Step.NOTE
    return Step.TAKE_IN


def _block(seen: Seen, known: Known) -> Step:
    if seen.cancelled_by is None:
        is_as_left = not known.was_cancelled and seen.slot in {known.last_slot, known.slot}
        return Step.NOTHING if known.slot is None or is_as_left else Step.PUT_RIGHT
    if known.was_cancelled:
        return Step.NOTHING
    return Step.CASE_BLOCK_GONE if known.state in OCCUPYING else Step.NOTE


def _ended(seen: Seen, known: Known, now: datetime) -> Step:
    """Ours is over. What was cancelled there and stands there again is a new booking."""
    if seen.cancelled_by is not None:
        return Step.NOTHING if known.was_cancelled else Step.LET_GO
    return _new(seen, now) if known.was_cancelled and not known.given_up else Step.NOTHING


def _living(seen: Seen, known: Known) -> Step:
    if seen.cancelled_by is not None:
        if known.was_cancelled:
            return Step.NOTHING
        return Step.CANCEL if seen.cancelled_by is CancelledBy.BOOKER else Step.CASE_CANCELLED
    if seen.slot not in {known.last_slot, known.slot}:
        return Step.MOVE if known.state is BookingState.REQUESTED else Step.CASE_MOVED
    if known.moved_to is not None:
        return Step.MOVED_BACK
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
    given_up: bool = False


def errand_for_origin(state: BookingState, slot: Slot, there: There) -> Errand | None:
    """What to do with the booking there that ours came from."""
    if there.cancelled or there.given_up:
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


def is_stale(
    began: datetime, changed: datetime, told: datetime | None, known: datetime | None, *, is_own: bool
) -> bool:
    """Whether an answer is older than what is known.

    `began` is when it was asked for, `changed` when the row was last read or written; `told` and `known` are the site's
    own stamps of the answer and of what was read before. They rule out an answer that lagged behind, unless it
    `is_own`, read by the booking's own address: else a site that was set back would never be believed again.
    """
    lags = told is not None and known is not None and told < known
    return changed > began or (lags and not is_own)


def cancelled_since(stamp: datetime | None, alive_at: datetime, now: datetime) -> datetime:
    """From when a cancel there counts for what it costs (SPEC S27, Y6): when the booker did it, not when we read it.

    A stamp before `alive_at`, when the booking was last read as living, or after `now` is of a clock that is wrong.
    """
    return now if stamp is None else min(max(stamp, alive_at), now)


def is_silent(succeeded: datetime | None, now: datetime) -> bool:
    """Whether a connection has not succeeded for longer than its interval allows (SPEC C15)."""
    return succeeded is not None and now - succeeded > SILENT_AFTER
