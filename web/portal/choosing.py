"""The time that a customer picked: several cells that follow each other, or one time in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from booking.reads.free import cell_length
from booking.reads.house import RoomFacts
from booking.values.clock import within_reach
from booking.values.slot import Slot
from web.portal.week import VALUE, value_of

MOST_CELLS = 96


@dataclass(frozen=True, slots=True)
class Unclear:
    """No one time. `why`: none, broken (a gap in between) or unreadable; `starts` are all cells from first to last."""

    why: str
    starts: tuple[datetime, ...] = ()


def time_value(slot: Slot) -> str:
    """A whole time as it travels in a form: `2026-12-05T17:00Z/2026-12-05T19:00Z`."""
    return f"{value_of(slot.start)}/{value_of(slot.end)}"


def read_time(text: str) -> Slot | None:
    start, end = (_instant(part) for part in (*text.split("/", 1), "")[:2])
    return Slot(start, end) if start and end and start < end else None


def read_cells(values: Sequence[str], room: RoomFacts) -> Slot | Unclear:
    """The one time that the cells make up, in whatever order they came."""
    if not values:
        return Unclear("none")
    found = sorted({start for start in map(_instant, values[: MOST_CELLS + 1]) if start})
    if len(values) > MOST_CELLS or not found:
        return Unclear("unreadable")
    length = cell_length(room.terms)
    whole = Slot(found[0], found[-1] + length)
    between = min(whole.duration // length, MOST_CELLS)
    starts = tuple(whole.start + step * length for step in range(between))
    return whole if tuple(found) == starts else Unclear("broken", starts)


def _instant(text: str) -> datetime | None:
    try:
        return within_reach(datetime.strptime(text, VALUE).replace(tzinfo=UTC))
    except ValueError:
        return None
