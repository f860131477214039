"""What is spoken of a link with an external calendar, outside of the engine that reconciles it (SPEC C6 to C10)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from booking.values.slot import Slot
from booking.values.states import ItemStatus, Variant

NOTHING: Mapping[str, Any] = MappingProxyType({})


class LinkKind(StrEnum):
    CALDAV = "CALDAV"
    ICS = "ICS"


class LinkPolicy(StrEnum):
    """What a link is for (SPEC C6). In research: local_master, export_busy, import_busy, remote_master, two_way."""

    EXPORT = "EXPORT"
    EXPORT_BUSY = "EXPORT_BUSY"
    IMPORT_BUSY = "IMPORT_BUSY"
    IMPORT = "IMPORT"
    TWO_WAY = "TWO_WAY"

    @property
    def writes(self) -> bool:
        """Whether it writes there."""
        return self in {LinkPolicy.EXPORT, LinkPolicy.EXPORT_BUSY, LinkPolicy.TWO_WAY}

    @property
    def imports(self) -> bool:
        return self in {LinkPolicy.IMPORT, LinkPolicy.IMPORT_BUSY, LinkPolicy.TWO_WAY}


class LinkStatus(StrEnum):
    """FAILED: it is tried rarely until a person has a look. UNLINKING: it ends once what it wrote there is removed."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FAILED = "FAILED"
    UNLINKING = "UNLINKING"


AWAKE = (LinkStatus.ACTIVE, LinkStatus.FAILED, LinkStatus.UNLINKING)


class RunMode(StrEnum):
    """PLAN: nothing is written but the plan itself. FULL: everything is listed, whatever the cursor says."""

    NORMAL = "NORMAL"
    FULL = "FULL"
    PLAN = "PLAN"


class RunOutcome(StrEnum):
    """PARTIAL: some steps are left for the next. INCOMPLETE: the listing proves no absence. LOST: the lease went."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    PARTIAL = "PARTIAL"
    INCOMPLETE = "INCOMPLETE"
    PLANNED = "PLANNED"
    FAILED = "FAILED"
    LOST = "LOST"


class StepState(StrEnum):
    """SKIPPED: somebody was faster, or an earlier step of the item was not done; the next plan looks again."""

    PLANNED = "PLANNED"
    BEGUN = "BEGUN"
    DONE = "DONE"
    FAILED = "FAILED"
    HELD = "HELD"
    SKIPPED = "SKIPPED"


class LinkProblem(StrEnum):
    """Why a link does not succeed, in words that a page translates."""

    AUTH = "auth"
    GONE = "gone"
    TOO_LARGE = "too-large"
    TOO_SLOW = "too-slow"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    REDIRECTED = "redirected"
    REFUSED_ADDRESS = "refused-address"
    UNFIT_ADDRESS = "unfit-address"
    UNFIT_REDIRECT = "unfit-redirect"
    ENDLESS_REDIRECT = "endless-redirect"
    ACCOUNT = "account"
    THROTTLED = "throttled"
    DOWN = "down"
    REFUSED = "refused"
    INCOMPLETE = "incomplete"
    EMPTY = "empty"
    NO_CALENDAR = "no-calendar"
    CUT_OFF = "cut-off"
    TOO_MUCH = "too-much"
    TOO_MANY = "too-many"
    OWN_CALENDAR = "own-calendar"
    KEY = "key"
    FAULT = "fault"
    UNWRITTEN = "unwritten"


UNWRITTEN_ITEM = "unwritten-"
"""How the problem of an item begins that the other side does not take; the rest says why (SPEC C10, C15)."""


class Choice(StrEnum):
    """What a person chose for one item."""

    KEEP_OURS = "KEEP_OURS"
    TAKE_THEIRS = "TAKE_THEIRS"


@dataclass(frozen=True, slots=True)
class LinkAccess:
    """How a calendar is reached. An ICS address is often its own password, so nothing of this is ever printed."""

    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What an operator chooses. `variant`: how much of a booking passes where more than busy time does; `requested`:
    whether requests pass, too. `owners`: field → owner, for two-way links; `limits`: guards that differ (SPEC C9).
    """

    name: str
    kind: LinkKind
    room_id: int
    policy: LinkPolicy
    variant: Variant = Variant.TITLES
    requested: bool = True
    owners: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    limits: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    months_back: int = 1
    months_ahead: int = 12
    every_minutes: int = 10


class StoredItem(NamedTuple):
    """One row of the index of a link: `sync.values.ItemLink` in plain values. `base`, `base_remote` are canonical JSON.

    `local_id`: a calendar item where above zero, an imported time where below. `version` grows with each change of the
    row, `over_at` is when their version is over (None: not known).
    """

    id: int | None
    version: int
    local_id: int | None
    href: str
    uid: str
    origin: str
    base: str | None
    base_remote: str | None
    base_revision: int | None
    base_etag: str | None
    state: str
    miss_count: int
    missing_since: datetime | None
    deleted_by: str | None
    held: str | None
    decision: str | None
    flips: int
    flips_since: datetime | None
    last_written: str | None
    error_count: int
    next_try: datetime | None
    problem: str
    over_at: datetime | None


@dataclass(frozen=True, slots=True)
class LocalBooking:
    """A live booking as the link sees it, or an event of a course (`is_event`).

    `is_beside`: of a room that shares a unit, so only its time may pass.
    """

    item_id: int
    booking_id: int | None
    uid: UUID
    revision: int
    slot: Slot
    zone: str
    status: ItemStatus
    title: str
    party: str
    room: str
    location: str
    details: str
    is_beside: bool
    is_event: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """A time that a link brought here. `content` is canonical JSON."""

    id: int
    uid: str
    revision: int
    content: str


@dataclass(frozen=True, slots=True)
class ImportedTime:
    """What is to be stored of an item of theirs: its dates up to `until`; `problem` where some could not be found."""

    uid: str
    content: str
    summary: str
    slots: tuple[Slot, ...]
    until: datetime | None
    problem: str = ""


class Step(NamedTuple):
    """One step of a plan as it is recorded. `ours`, `theirs`: both versions in words; `item_id`: row of the index."""

    kind: str
    side: str
    reason: str
    key: str
    uid: str
    href: str
    local_id: int | None
    item_id: int | None
    state: StepState
    problem: str = ""
    ours: Mapping[str, Any] = NOTHING
    theirs: Mapping[str, Any] = NOTHING
    conflicts: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked about one item: one open case for each (SPEC C7, C9, C13). `slot` is theirs.

    `ended`: it was cancelled or deleted there. `takes`: theirs can be taken over here (a single event with a time).
    """

    uid: str
    local_id: int | None
    reason: str
    ended: bool
    takes: bool
    slot: Slot | None
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    conflicts: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How a run ended, and what the link is to be from then on. None as cursor keeps the one that is stored."""

    outcome: RunOutcome
    counts: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    plan_hash: str = ""
    hold: str = ""
    requests: int = 0
    octets: int = 0
    writes: int = 0
    drift: int = 0
    problem: str = ""
    detail: str = ""
    retry_after: int | None = None
    keeps_cursor: bool = False
    cursor: tuple[str, str] | None = None
    identity: str | None = None
    was_full: bool = False
    is_settled: bool = False
