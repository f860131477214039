"""Which entries a feed shows, and until when that answer holds (SPEC C2). Pure; `now` is an argument."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.values.agenda import AgendaEntry
from booking.values.clock import require_utc
from booking.values.states import ItemStatus

CANCELLED_SHOWN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Window:
    """What a feed's owner chose: whether cancelled entries stay for 30 days or go at once, and how many months past
    entries stay.
    """

    cancelled_shown: bool = True
    months_back: int = 12


def visible(entry: AgendaEntry, now: datetime, window: Window) -> bool:
    """Whether the feed shows the entry at this instant: `shown_until` is half-open."""
    until = shown_until(entry, window)
    return until is not None and require_utc(now) < until


def shown_until(entry: AgendaEntry, window: Window) -> datetime | None:
    """The instant (UTC) from which the feed no longer shows the entry as it is; None where it never shows it.

    A cancelled entry counts from `ended_at`, or where that is unknown from its last change.
    """
    past = _months_later(require_utc(entry.slot.end), window.months_back)
    if entry.status is not ItemStatus.CANCELLED:
        return past
    if not window.cancelled_shown:
        return None
    return min(past, require_utc(entry.ended_at or entry.last_modified) + CANCELLED_SHOWN)


def valid_until(entries: Iterable[AgendaEntry], now: datetime, window: Window) -> datetime | None:
    """The next instant at which the feed of these entries changes though nobody changed anything; None: never."""
    ends = (shown_until(entry, window) for entry in entries)
    return min((end for end in ends if end is not None and end > require_utc(now)), default=None)


def _months_later(instant: datetime, months: int) -> datetime:
    """The same day and time some calendar months later, or the last day of a shorter month."""
    year, month0 = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    day = min(instant.day, calendar.monthrange(year, month0 + 1)[1])
    return instant.replace(year=year, month=month0 + 1, day=day)
