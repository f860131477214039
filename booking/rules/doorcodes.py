"""Door codes: made for a season, chosen for a booking, sent only while they are good (SPEC S1, S11, S22).

A code's *window* is when it opens the door. A booking needs its slot widened by the tolerance, the *need*; buffers have
nothing to do with it.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from booking.rules.opening import open_stretches
from booking.values.clock import days_between
from booking.values.house import RoomCalendar, RoomTerms, Season
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState

DIGITS = "0123456789"
TRIES_PER_CODE = 64  # a format that refuses more than this on average leaves codes that can be guessed


@dataclass(frozen=True, slots=True)
class LockFormat:
    """What a lock accepts. `longest_run` is how often one character may stand in a row, 0 for any number."""

    length: int = 6
    alphabet: str = DIGITS
    no_leading_zero: bool = True
    forbidden_prefixes: tuple[str, ...] = ()
    longest_run: int = 2


NUKI = LockFormat(length=6, alphabet="123456789", forbidden_prefixes=("12",), longest_run=0)


class Pattern(StrEnum):
    """The windows of a season: one for each bookable slot, or for each day a pool of codes."""

    EACH_SLOT = "each-slot"
    EACH_DAY = "each-day"


@dataclass(frozen=True, slots=True)
class FreeCode:
    """A code that nobody holds. `fingerprint` is equal for equal codes and tells nothing about them."""

    code_id: int
    fingerprint: bytes
    window: Slot


@dataclass(frozen=True, slots=True)
class HeldCode:
    """A code that another party holds, or that was given out and is spent in its window."""

    fingerprint: bytes
    window: Slot


class Sending(StrEnum):
    NOW = "now"
    LATER = "later"
    NEVER = "never"


def is_accepted(code: str, lock: LockFormat) -> bool:
    """Whether the lock takes this code."""
    if len(code) != lock.length or not set(code) <= set(lock.alphabet):
        return False
    if lock.no_leading_zero and code.startswith("0"):
        return False
    if lock.forbidden_prefixes and code.startswith(lock.forbidden_prefixes):
        return False
    return not lock.longest_run or not any(character * (lock.longest_run + 1) in code for character in set(code))


def new_codes(
    n: int, lock: LockFormat, avoid: Iterable[str] = (), choose: Callable[[str], str] = secrets.choice
) -> tuple[str, ...] | Refused:
    """Draw n codes at random that differ from each other and from those to avoid, in the order of drawing.

    Refused("format-exhausted") where the lock's format has too few codes left to draw them in a fair number of tries.
    """
    known = set(avoid)
    drawn: list[str] = []
    for _ in range(TRIES_PER_CODE * n):
        if len(drawn) == n:
            break
        code = "".join(choose(lock.alphabet) for _ in range(lock.length))
        if code not in known and is_accepted(code, lock):
            known.add(code)
            drawn.append(code)
    return tuple(drawn) if len(drawn) == n else refused("format-exhausted")


def windows(
    pattern: Pattern, season: Season, calendar: RoomCalendar, terms: RoomTerms, pool: int = 1
) -> tuple[Slot, ...]:
    """The windows of a season's codes, one entry for each code, tolerance included.

    EACH_SLOT counts slots from each opening; what is left before closing is a window too. EACH_DAY gives `pool` windows
    from the day's first opening to its last closing. Days on which the room is closed have none.
    """
    found: list[Slot] = []
    for day in days_between(season.first_day, season.last_day):
        opened = open_stretches(day, calendar)
        if pattern is Pattern.EACH_SLOT:
            found.extend(part for stretch in opened for part in _parts(stretch, terms.slot))
        elif opened:
            found.extend([Slot(opened[0].start, max(stretch.end for stretch in opened))] * pool)
    return tuple(code_window(slot, terms) for slot in found)


def code_window(slot: Slot, terms: RoomTerms) -> Slot:
    """The slot widened by the room's tolerance: what the codes of a booking must cover (SPEC S22)."""
    return slot.widened(terms.tolerance_before, terms.tolerance_after)


def choose_codes(need: Slot, free: Iterable[FreeCode], held: Iterable[HeldCode] = ()) -> tuple[FreeCode, ...] | Refused:
    """The codes that open the door through the whole need, in their order, as few as possible; else Refused("no-code").

    `need` is `code_window` of the booking. Of single codes the one with the shortest window is taken. A code
    equal to one that is held in an overlapping window is left out, so two parties never hold one code at one time, nor
    does a retired one come back in its window.
    """
    spent: dict[bytes, list[Slot]] = {}
    for other in held:
        spent.setdefault(other.fingerprint, []).append(other.window)
    usable = [
        code
        for code in free
        if code.window.overlaps(need)
        and not any(code.window.overlaps(window) for window in spent.get(code.fingerprint, ()))
    ]
    whole = [code for code in usable if code.window.covers(need)]
    if whole:
        return (min(whole, key=lambda code: (code.window.duration, code.window.start, code.code_id)),)
    return _chain(need, usable)


def sent_from(booked: Slot, hours_before: int | None) -> datetime | None:
    """From when on the codes of a booking are sent: all of them n hours before it starts (SPEC S22); None: any time.

    The windows of several codes begin one after the other, and all are in one mail (SPEC S1), so no window counts.
    """
    return None if hours_before is None else booked.start - timedelta(hours=hours_before)


def sending(
    booking: BookingState,
    code: CodeState,
    now: datetime,
    window: Slot,
    *,
    needs_payment: bool = False,
    is_paid: bool = False,
    not_before: datetime | None = None,
) -> Sending:
    """Whether a mail may carry this code at the moment of sending (SPEC S22). `not_before`: see `sent_from`.

    never   the booking is not confirmed or requested, the code is not this booking's any more, or its window is past
    later   the request is not confirmed yet, the payment that the house waits for is missing, or it is too early
    now     else
    """
    if booking not in {BookingState.REQUESTED, BookingState.CONFIRMED}:
        return Sending.NEVER
    if code not in {CodeState.RESERVED, CodeState.ISSUED} or now >= window.end:
        return Sending.NEVER
    too_early = not_before is not None and now < not_before
    if booking is BookingState.REQUESTED or (needs_payment and not is_paid) or too_early:
        return Sending.LATER
    return Sending.NOW


def may_send(booking: BookingState, code: CodeState, now: datetime, window: Slot) -> bool:
    """`sending` for a house without options."""
    return sending(booking, code, now, window) is Sending.NOW


def _parts(stretch: Slot, length: timedelta) -> Iterable[Slot]:
    start = stretch.start
    while start < stretch.end:
        end = min(start + length, stretch.end)
        yield Slot(start, end)
        start = end


def _chain(need: Slot, usable: Sequence[FreeCode]) -> tuple[FreeCode, ...] | Refused:
    """Always the window that reaches farthest among those that leave no gap: that is the shortest chain."""
    chain: list[FreeCode] = []
    reached = need.start
    while reached < need.end:
        touching = [code for code in usable if code.window.start <= reached < code.window.end]
        if not touching:
            return refused("no-code")
        best = max(touching, key=lambda code: (code.window.end, -code.code_id))
        chain.append(best)
        reached = best.window.end
    return tuple(chain)
