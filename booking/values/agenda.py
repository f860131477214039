"""One entry of somebody's calendar: the only thing that feeds, mail parts and links are made of (DESIGN, Feeds)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from booking.values.slot import Slot
from booking.values.states import ItemStatus


@dataclass(frozen=True, slots=True)
class AgendaEntry:
    """A single event, texts copied. `sequence` and `last_modified` grow with every change and only then (SPEC C2).

    `zone` is an Olson name: the wall time that people see. `ended_at` is when it was cancelled, or None.
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
    details: str
    url: str | None = None
    ended_at: datetime | None = None
