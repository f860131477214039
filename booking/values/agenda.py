"""One entry of somebody's calendar: the only thing that feeds, mail parts and links are made of (DESIGN, Feeds)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from booking.values.slot import Slot
from booking.values.states import ItemStatus

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class AgendaEntry:
    """A single event, texts copied. `sequence` and `last_modified` grow with every change and only then (SPEC C2).

    `zone` is an Olson name: the wall time that people see. `ended_at` is when it was cancelled, or None. `details` may
    hold a door code (SPEC C4). From `until` on, `then` stands in its place, though nobody changed anything.
    """

    uid: UUID
    sequence: int
    created_at: datetime
    last_modified: datetime
    slot: Slot
    zone: str
    status: ItemStatus
    title: str
    party: str
    room: str
    location: str
    details: str = field(repr=False)
    url: str | None = None
    ended_at: datetime | None = None
    until: datetime | None = None
    then: "AgendaEntry | None" = None


def modified_by(before: datetime, at: datetime) -> datetime:
    """LAST-MODIFIED of what was last changed *before*, once it changes *at* an instant (SPEC C2).

    Whole seconds are all that iCalendar can say; some clients take an equal time for no change.
    """
    return max(at.replace(microsecond=0), before + _SECOND)
