"""What a foreign calendar says about one UID, in the one form in which it is compared, stored and merged (SPEC C7).

Servers reorder properties, refold lines, add zones and rewrite defaults; none of that is a change. So an item holds
typed values only: no DTSTAMP, CREATED, LAST-MODIFIED, PRODID, VTIMEZONE, order or folding. SEQUENCE is carried beside
the content and takes no part in the comparison.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from ical.basic import basic

NO_PARTS: Mapping[str, "Details"] = MappingProxyType({})


class Status(StrEnum):
    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Moment:
    """One end of an event as it was written, and the instant that it means.

    `wall` is naive; `zone` is an Olson name, "UTC", or "" for a whole day, whose `wall` is midnight. `instant` is aware
    UTC; a whole day's is midnight in the zone of the calendar that is read.
    """

    wall: datetime
    zone: str
    instant: datetime

    @property
    def is_day(self) -> bool:
        return not self.zone

    @property
    def key(self) -> str:
        """The same for every way to write the same instant; a whole day by its date."""
        return basic(self.wall)[:8] if self.is_day else f"{basic(self.instant)}Z"


@dataclass(frozen=True, slots=True)
class Details:
    """One event, or one occurrence that differs from its series. Intervals are half-open; texts are unescaped, NFC."""

    start: Moment
    end: Moment
    summary: str = ""
    location: str = ""
    description: str = ""
    url: str = ""
    status: Status = Status.CONFIRMED
    is_busy: bool = True


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`rule` is one RRULE value with its parts in the order of RFC 5545 and defaults left out; keys as `Moment.key`."""

    rule: str
    added: tuple[Moment, ...] = ()
    left_out: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """All components of one UID. Without a master only overrides were found, whose series is elsewhere or gone.

    `overrides` is keyed by the `Moment.key` of the RECURRENCE-ID. `origin` is our own mark (`<instance>/<link>`) where
    we wrote the item, else None; anybody can type it, so compare it with your own records. `canonical` and `digest` are
    kept by `ical.canon` once they were worked out.
    """

    uid: str
    master: Details | None
    recurrence: Recurrence | None = None
    overrides: Mapping[str, Details] = field(default_factory=lambda: NO_PARTS)
    sequence: int = 0
    origin: str | None = None
    canonical: str | None = field(default=None, init=False, repr=False, compare=False)
    digest: str | None = field(default=None, init=False, repr=False, compare=False)
