"""Which entries a feed shows, and until when that answer holds (SPEC C2). Pure; `now` is an argument."""

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from booking.values.clock import require_utc
from booking.values.slot import Slot
from booking.values.states import ItemStatus

CANCELLED_SHOWN = timedelta(days=30)


class Showable(Protocol):
    """An entry, or one occurrence of a series."""

    @property
    def slot(self) -> Slot: ...
    @property
    def status(self) -> ItemStatus: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def last_modified(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Window:
    """What a feed's owner chose: whether cancelled entries stay for 30 days or go at once, how many months past entries
    stay, and how many months ahead of their start entries come; `months_ahead` None: all that there is.
    """

    cancelled_shown: bool = True
    months_back: int = 12
    months_ahead: int | None = None


def visible(entry: Showable, now: datetime, window: Window) -> bool:
    """Whether the feed shows the entry at this instant: from `shown_from` on and before `shown_until`."""
    until, since = shown_until(entry, window), shown_from(entry, window)
    return until is not None and require_utc(now) < until and (since is None or since <= require_utc(now))


def shown_from(entry: Showable, window: Window) -> datetime | None:
    """The instant (UTC) from which the feed shows the entry; None where it does from the beginning."""
    if window.months_ahead is None:
        return None
    return _months_later(require_utc(entry.slot.start), -window.months_ahead)


def shown_until(entry: Showable, window: Window) -> datetime | None:
    """The instant (UTC) from which the feed no longer shows the entry as it is; None where it never shows it.

    A cancelled entry counts from `ended_at`, or where that is unknown from its last change.
    """
    past = _months_later(require_utc(entry.slot.end), window.months_back)
    if entry.status is not ItemStatus.CANCELLED:
        return past
    if not window.cancelled_shown:
        return None
    return min(past, require_utc(entry.ended_at or entry.last_modified) + CANCELLED_SHOWN)


def valid_until(entries: Iterable[Showable], now: datetime, window: Window) -> datetime | None:
    """The next instant at which the feed of these entries changes though nobody changed anything; None: never."""
    return min((turn for entry in entries for turn in turns(entry, window) if turn > require_utc(now)), default=None)


def turns(entry: Showable, window: Window) -> list[datetime]:
    """When the entry comes and when it goes; nothing where it never comes."""
    until, since = shown_until(entry, window), shown_from(entry, window)
    if until is None or (since is not None and since >= until):
        return []
    return [until] if since is None else [since, until]


def _months_later(instant: datetime, months: int) -> datetime:
    """The same day and time some calendar months later, or the last day of a shorter month."""
    year, month0 = divmod(instant.year * 12 + instant.month - 1 + months, 12)
    day = min(instant.day, calendar.monthrange(year, month0 + 1)[1])
    return instant.replace(year=year, month=month0 + 1, day=day)
