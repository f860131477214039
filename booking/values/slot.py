"""Half-open intervals of aware UTC instants: [start, end). Two that only touch do not overlap."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from booking.values.clock import require_utc


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        """Raise ValueError unless both are aware and the slot is not empty."""
        if require_utc(self.start) >= require_utc(self.end):
            raise ValueError(f"a slot needs start < end: {self.start.isoformat()} to {self.end.isoformat()}")

    @property
    def duration(self) -> timedelta:
        return require_utc(self.end) - require_utc(self.start)

    def overlaps(self, other: "Slot") -> bool:
        return self.start < other.end and other.start < self.end

    def covers(self, other: "Slot") -> bool:
        return self.start <= other.start and other.end <= self.end

    def widened(self, before: timedelta, after: timedelta) -> "Slot":
        return Slot(self.start - before, self.end + after)


def subtract(whole: Slot, taken: Iterable[Slot]) -> tuple[Slot, ...]:
    """What remains of a slot once all the taken ones are cut out, in order."""
    rest: list[Slot] = []
    cursor = whole.start
    for slot in sorted(taken):
        if slot.end <= cursor or slot.start >= whole.end:
            continue
        if slot.start > cursor:
            rest.append(Slot(cursor, slot.start))
        cursor = max(cursor, slot.end)
    if cursor < whole.end:
        rest.append(Slot(cursor, whole.end))
    return tuple(rest)


def covered(whole: Slot, parts: Iterable[Slot]) -> bool:
    """Whether the parts together cover the whole slot."""
    return not subtract(whole, parts)


def overlap_finder(taken: Sequence[Slot]) -> Callable[[datetime, datetime], bool]:
    """Whether [start, end) meets one of these, in logarithmic time: by start, each with the latest end up to it."""
    ordered = sorted(taken)
    starts = [slot.start for slot in ordered]
    ends = list(accumulate((slot.end for slot in ordered), max))

    def is_taken(start: datetime, end: datetime) -> bool:
        before = bisect_left(starts, end)
        return before > 0 and ends[before - 1] > start

    return is_taken
