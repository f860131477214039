"""Half-open intervals of aware UTC instants: [start, end). Two that only touch do not overlap."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

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
