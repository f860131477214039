"""How many dates a link may keep here, and which: those that come soonest, since a time soon has to block (SPEC C14).

A time that is not kept wrongly shows free, so nothing is left out quietly: `ImportedTime.until` says up to when the
dates of an item are known, `sync.widening` takes the further ones, soonest first, as long as there is room, and tells
the office where there is none. What a link brought before is never freed for that.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from booking.values.links import ImportedTime
from booking.values.slot import Slot

MOST_DATES = 50_000
"""Dates to come that one link keeps. One that lasts longer than a week counts once for each week."""
PLENTY = 10_000
"""While a link keeps fewer, its items bring all of their dates at once; above it only the next ones come at first."""
FEW = 3
"""So many dates of an item come even then: the 10,000 items of the largest calendar stay below `MOST_DATES`."""
SPARE = 2_500
"""Room that further dates leave to what is new, so that it takes its next dates at once even where a link is full."""
MOST_ROWS = 2_000
"""Rows that one transaction takes or frees, so that no booking waits for longer than a fifth of a second."""
LONGEST = timedelta(days=3_660)
"""A date that goes on for longer is taken for so long, from now on."""
PIECE = timedelta(days=7)


def size(slots: Iterable[Slot]) -> int:
    """How many dates these count as."""
    return sum(1 + (slot.end - slot.start) // PIECE for slot in slots)


def coming(slots: Iterable[Slot], now: datetime) -> int:
    """The same for those that are not over."""
    return size(slot for slot in slots if slot.end > now)


def at_first(kept: int, own: int = 0) -> int:
    """How many dates to come an item brings before the further ones of all are taken, soonest first.

    `kept`: how many its link keeps, `own` of them by this item, which it may keep in any case.
    """
    return own + MOST_DATES - kept if kept < PLENTY else max(own, min(FEW, MOST_DATES - kept))


def soonest(given: ImportedTime, now: datetime, most: int) -> ImportedTime:
    """The same time with as many of its dates to come as fit, the soonest; known up to the first that does not.

    Dates that are over count for nothing, and those that begin at once stay together. Where some could not be found
    anyway, `problem` says so.
    """
    far = now + LONGEST
    slots = sorted(Slot(one.start, min(one.end, far)) if one.start < far else one for one in given.slots)
    left, last = most, None
    for slot in slots:
        left -= coming([slot], now)
        if left < 0 and slot.start != last:
            kept = tuple(one for one in slots if one.start < slot.start)
            return replace(given, slots=kept, until=given.until if given.problem else slot.start)
        last = slot.start
    return replace(given, slots=tuple(slots))
