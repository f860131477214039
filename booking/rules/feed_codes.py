"""When a customer's own feed shows the door codes of a booking (SPEC C4). Pure.

A code appears when somebody counted its moment (`FeedTerms.seen`), in the transaction that raised the item's SEQUENCE;
it goes by the clock alone, so that a late count never leaves one standing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from booking.rules.doorcodes import sent_from
from booking.values.agenda import AgendaEntry, modified_by
from booking.values.slot import Slot

LEAST_HOURS, MOST_HOURS = 1, 168


@dataclass(frozen=True, slots=True)
class FeedTerms:
    """What the operator chose. `hours` before the start; `hours_before` is the house's own for sending (SPEC S22).

    `seen`: what appeared up to this instant is counted in the items.
    """

    hours: int
    hours_before: int | None
    seen: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """The line of one code in an event, and when it may stand there."""

    line: str = field(repr=False)
    stretch: Slot


@dataclass(frozen=True, slots=True)
class Counted:
    """What happened to a booking's codes since the last count: `ended` in order, each instant once."""

    ended: tuple[datetime, ...]
    has_begun: bool


def stretch(booked: Slot, window: Slot, terms: FeedTerms) -> Slot | None:
    """When a code may stand in the feed; None where never.

    Never before n hours before the start, nor before a mail could carry it, and only until the booking or the code's
    window is over.
    """
    near = booked.start - timedelta(hours=terms.hours)
    start = max(near, sent_from(booked, terms.hours_before) or near)
    end = min(booked.end, window.end)
    return Slot(start, end) if start < end else None


def is_shown(shown: Slot, seen: datetime, now: datetime) -> bool:
    """Whether a code stands in the feed now, given what was counted."""
    return shown.start <= seen < shown.end and now < shown.end


def counted(stretches: Sequence[Slot], seen: datetime, now: datetime) -> Counted:
    """What has to be counted once `seen` becomes `now`. What began and ended in between was never shown."""
    stood = [one for one in stretches if one.start <= seen < one.end]
    ended = tuple(sorted({one.end for one in stood if one.end <= now}))
    return Counted(ended, any(seen < one.start <= now < one.end for one in stretches))


def with_codes(entry: AgendaEntry, codes: Sequence[Told], seen: datetime) -> AgendaEntry:
    """The entry with the codes that stand in it by what was counted, and what takes its place as each one ends.

    Each end is a change: SEQUENCE and LAST-MODIFIED are what they will be once it is counted, so that a feed says
    the same before and after (SPEC C2).
    """
    standing = [one for one in codes if one.stretch.start <= seen < one.stretch.end]
    ends = sorted({one.stretch.end for one in standing})
    bare = [entry]
    for end in ends:
        last = bare[-1]
        changed = {"sequence": last.sequence + 1, "last_modified": modified_by(last.last_modified, end)}
        bare.append(replace(last, **changed))  # type: ignore[arg-type]  # an int and an instant, each for its field
    result = bare.pop()
    for end, before in zip(reversed(ends), reversed(bare), strict=True):
        lines = [one.line for one in standing if one.stretch.end >= end]
        details = "\n".join(part for part in (entry.details, *lines) if part)
        result = replace(before, details=details, until=end, then=result)
    return result
