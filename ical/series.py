"""A series as values: a plan in local time, the dates left out, and what became of single occurrences.

An occurrence is known for good by its *original*: the naive wall time at which it was planned. A planned wall time that
clocks skip means the moment as far after the gap's start, one that they run through twice its first run
(`booking.values.clock.instant_of`); the length is elapsed time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from booking.values.agenda import AgendaEntry
from booking.values.clock import instant_of
from booking.values.recurrence import Rule, planned_days
from booking.values.slot import Slot
from booking.values.states import ItemStatus


@dataclass(frozen=True, slots=True)
class Revision:
    """SEQUENCE and LAST-MODIFIED (an instant) of some part; both grow with its every change."""

    sequence: int
    last_modified: datetime

    def with_(self, other: "Revision") -> "Revision":
        return Revision(max(self.sequence, other.sequence), max(self.last_modified, other.last_modified))


@dataclass(frozen=True, slots=True)
class Texts:
    """As the fields of an AgendaEntry of the same names."""

    title: str
    party: str = ""
    room: str = ""
    location: str = ""
    details: str = field(default="", repr=False)
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one occurrence; what is None stayed as the series has it.

    A change stays for good, also where all is as planned again, so that an occurrence's SEQUENCE never falls.
    """

    revision: Revision
    slot: Slot | None = None
    status: ItemStatus | None = None
    texts: Texts | None = None
    ended_at: datetime | None = None


NO_CHANGES: Mapping[datetime, Change] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Series:
    """One recurring pattern. `first` is a date of the rule; `zone` an Olson name. The rule has an end: an open one is
    planned as far as it is booked.

    `revision` is of all that shares the UID and grows with every change of anything: a date left out, a change made or
    taken back. `common` is of the last change that touched every occurrence (None: `revision`); an occurrence that is
    written as an event of its own carries it, or that of its own change. `changes` are keyed by original; one whose key
    is no planned time is a date added by hand.
    """

    uid: UUID
    zone: str
    first: date
    wall: time
    length: timedelta
    rule: Rule
    status: ItemStatus
    texts: Texts
    created_at: datetime
    revision: Revision
    common: Revision | None = None
    left_out: frozenset[date] = frozenset()
    changes: Mapping[datetime, Change] = field(default_factory=lambda: NO_CHANGES)
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where it has no length, its rule ends never or too early, or `first` is none of its days."""
        if self.length <= timedelta(0):
            raise ValueError(f"a length is more than nothing: {self.length}")
        if self.rule.is_open:
            raise ValueError("a rule ends on a day or after a count")
        if self.rule.weekdays and self.first.weekday() not in self.rule.weekdays:
            raise ValueError(f"{self.first.isoformat()} is no weekday of the rule")
        if self.rule.until is not None and self.rule.until < self.first:
            raise ValueError("a rule ends no earlier than it starts")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence as it stands; `planned` is None for a date that was added by hand."""

    original: datetime
    planned: Slot | None
    slot: Slot
    status: ItemStatus
    texts: Texts
    revision: Revision
    ended_at: datetime | None
    is_changed: bool

    @property
    def last_modified(self) -> datetime:
        return self.revision.last_modified

    @property
    def is_moved(self) -> bool:
        return self.slot != self.planned


def occurrences(series: Series) -> list[Occurrence]:
    """All occurrences that were not left out, in the order of their originals."""
    zone = ZoneInfo(series.zone)
    planned = {datetime.combine(day, series.wall) for day in planned_days(series.first, series.rule)}
    gone = {original for original in planned if original.date() in series.left_out}
    return [
        _occurrence(series, original, zone, is_planned=original in planned)
        for original in sorted((planned | series.changes.keys()) - gone)
    ]


def entry_of(series: Series, occurrence: Occurrence, uid: UUID, revision: Revision) -> AgendaEntry:
    """The occurrence as an entry with this UID and revision."""
    texts = occurrence.texts
    return AgendaEntry(
        uid=uid,
        sequence=revision.sequence,
        created_at=series.created_at,
        last_modified=revision.last_modified,
        slot=occurrence.slot,
        zone=series.zone,
        status=occurrence.status,
        title=texts.title,
        party=texts.party,
        room=texts.room,
        location=texts.location,
        details=texts.details,
        url=texts.url,
        ended_at=occurrence.ended_at,
    )


def single_entry(series: Series, occurrence: Occurrence) -> AgendaEntry:
    """The occurrence as an event of its own: its UID is made from the series' and the original, and never changes."""
    return entry_of(series, occurrence, uuid5(series.uid, f"{occurrence.original:%Y%m%dT%H%M%S}"), occurrence.revision)


def _occurrence(series: Series, original: datetime, zone: ZoneInfo, *, is_planned: bool) -> Occurrence:
    start = instant_of(original.date(), original.time(), zone)
    slot = Slot(start, start + series.length)
    common = series.common or series.revision
    change = series.changes.get(original)
    if change is None:
        return Occurrence(original, slot, slot, series.status, series.texts, common, series.ended_at, is_changed=False)
    status, ended_at = _fate(series, change)
    return Occurrence(
        original=original,
        planned=slot if is_planned else None,
        slot=change.slot or slot,
        status=status,
        texts=change.texts or series.texts,
        revision=common.with_(change.revision),
        ended_at=ended_at,
        is_changed=(change.slot or slot, status, change.texts or series.texts) != (slot, series.status, series.texts),
    )


def _fate(series: Series, change: Change) -> tuple[ItemStatus, datetime | None]:
    """What was cancelled by itself stays so; the end of a series is that of all its occurrences."""
    if change.status is ItemStatus.CANCELLED:
        return change.status, change.ended_at or change.revision.last_modified
    if change.status is None or series.status is ItemStatus.CANCELLED:
        return series.status, series.ended_at
    return change.status, None
