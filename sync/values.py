"""What reconciliation speaks of: a link and its items, the evidence of both sides, and the operations of a plan.

All values are frozen and know neither database nor network. Instants are aware UTC; intervals are half-open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from booking.values.links import LinkPolicy
from ical.canon import digest
from ical.item import Item


class Side(StrEnum):
    LOCAL = "LOCAL"
    REMOTE = "REMOTE"


class Field(StrEnum):
    """What is compared and merged by itself. OCCURRENCE: that one date of a series differs, is added or left out."""

    TIME = "TIME"
    RECURRENCE = "RECURRENCE"
    OCCURRENCE = "OCCURRENCE"
    SUMMARY = "SUMMARY"
    LOCATION = "LOCATION"
    DESCRIPTION = "DESCRIPTION"
    URL = "URL"
    STATUS = "STATUS"
    BUSY = "BUSY"


class Owner(StrEnum):
    """Whose word counts. LOCAL, REMOTE: only that side may change the field, the other's change is put back.

    EITHER_*: whoever changed it; where both did, the named side holds. The owner of STATUS decides between a deletion
    on one side and a change on the other; with EITHER_* that is a conflict for a person, and the time stays taken.
    """

    LOCAL = "LOCAL"
    REMOTE = "REMOTE"
    EITHER_LOCAL = "EITHER_LOCAL"
    EITHER_REMOTE = "EITHER_REMOTE"


class Identity(StrEnum):
    """By what an item is known again: its UID, or (start, end, summary) where a feed makes up new UIDs each time."""

    UID = "UID"
    FINGERPRINT = "FINGERPRINT"


class LinkState(StrEnum):
    """CONFLICT: a person is asked. TOMBSTONE: ended on purpose. QUARANTINED: rests until `next_try`, or unreadable."""

    ACTIVE = "ACTIVE"
    MISSING = "MISSING"
    TOMBSTONE = "TOMBSTONE"
    CONFLICT = "CONFLICT"
    QUARANTINED = "QUARANTINED"


class DeletedBy(StrEnum):
    """AGE: it was over when a side stopped naming it; nothing was deleted."""

    LOCAL = "LOCAL"
    REMOTE = "REMOTE"
    AGE = "AGE"


class Decision(StrEnum):
    """What a person chose for one item; it overrides the policy once."""

    KEEP_OURS = "KEEP_OURS"
    TAKE_THEIRS = "TAKE_THEIRS"


class Hold(StrEnum):
    """Why deletions wait for a person (SPEC C9)."""

    EMPTY = "EMPTY"
    SOON = "SOON"
    SHARE = "SHARE"


class Kind(StrEnum):
    """CREATE, UPDATE, DELETE write on `Operation.side`. PROPOSE opens or renews a case and changes no booking.

    NOTE changes only the row of the item link.
    """

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    PROPOSE = "PROPOSE"
    NOTE = "NOTE"


_WRITES = frozenset({Kind.CREATE, Kind.UPDATE, Kind.DELETE})


class Reason(StrEnum):
    NEW_HERE = "NEW_HERE"
    NEW_THERE = "NEW_THERE"
    CHANGED_HERE = "CHANGED_HERE"
    CHANGED_THERE = "CHANGED_THERE"
    MERGED = "MERGED"
    OVERRULED = "OVERRULED"
    GONE_HERE = "GONE_HERE"
    GONE_THERE = "GONE_THERE"
    CANCELLED_THERE = "CANCELLED_THERE"
    CHANGED_AND_GONE = "CHANGED_AND_GONE"
    BOTH_GONE = "BOTH_GONE"
    MISSED = "MISSED"
    SEEN_AGAIN = "SEEN_AGAIN"
    AGED = "AGED"
    REVIVED = "REVIVED"
    DECIDED = "DECIDED"
    ADOPTED = "ADOPTED"
    COLLISION = "COLLISION"
    RENAMED = "RENAMED"
    SAME_CONTENT = "SAME_CONTENT"
    UNREADABLE = "UNREADABLE"
    FLAPPING = "FLAPPING"
    HELD = "HELD"
    IGNORED_OWN = "IGNORED_OWN"
    IGNORED_COPY = "IGNORED_COPY"
    IGNORED_FREE = "IGNORED_FREE"
    IGNORED_FOREIGN = "IGNORED_FOREIGN"
    IGNORED_DOUBLE = "IGNORED_DOUBLE"


@dataclass(frozen=True, slots=True)
class Limits:
    """Guards of one link (SPEC C9, C10): held is what exceeds `soon_count` within `soon`, or max(`least`, `share`)."""

    confirm_after: timedelta = timedelta(minutes=15)
    soon: timedelta = timedelta(hours=48)
    soon_count: int = 5
    least: int = 5
    share: float = 0.2
    flips: int = 3
    flip_window: timedelta = timedelta(hours=1)
    writes_per_hour: int = 5_000


NO_OWNERS: Mapping[Field, Owner] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Link:
    """One calendar link as the planner needs it.

    `instance`: our host id, as it stands behind @ in our UIDs and before / in our marks. `approved`: keys of held
    operations that a person let go. `active`: how many items of the link are live and not over; None: count the rows
    given (right only where all are given). `busy_text`: what stands for a summary where only busy times pass.
    """

    id: int
    instance: str
    policy: LinkPolicy
    owners: Mapping[Field, Owner] = field(default_factory=lambda: NO_OWNERS)
    identity: Identity = Identity.UID
    limits: Limits = field(default_factory=Limits)
    written_last_hour: int = 0
    approved: frozenset[str] = frozenset()
    active: int | None = None
    busy_text: str = ""

    @property
    def mark(self) -> str:
        return f"{self.instance}/{self.id}"

    def owner(self, of: Field) -> Owner:
        """Only a two-way link shares its fields; the others have one master."""
        if self.policy is LinkPolicy.TWO_WAY:
            return self.owners.get(of, Owner.EITHER_LOCAL)
        return Owner.LOCAL if self.policy.writes else Owner.REMOTE


@dataclass(frozen=True, slots=True)
class ItemLink:
    """What both sides last agreed on about one item: an index that can be rebuilt from them (SPEC C11).

    `base` is our form of the agreed version, `base_remote` theirs where it differs (a server that drops what it does
    not know, a busy time, a proposal that waits); each side is compared with its own. Without `local_id` the item is
    only known, and nothing of ours belongs to it. `held`: its deletion waits for a person. `deleted_by` beside MISSING:
    the deletion is proven, beside CONFLICT: it is the question.
    """

    id: int | None
    local_id: int | None
    href: str
    uid: str
    origin: Side
    base: Item | None = None
    base_remote: Item | None = None
    base_revision: int | None = None
    base_etag: str | None = None
    state: LinkState = LinkState.ACTIVE
    miss_count: int = 0
    missing_since: datetime | None = None
    deleted_by: DeletedBy | None = None
    held: Hold | None = None
    decision: Decision | None = None
    flips: int = 0
    flips_since: datetime | None = None
    last_written: Side | None = None
    error_count: int = 0
    next_try: datetime | None = None
    problem: str = ""

    @property
    def theirs(self) -> Item | None:
        return self.base_remote or self.base


@dataclass(frozen=True, slots=True)
class LocalItem:
    """What we have. `is_protected`: confirmed or paid, so nothing from outside changes or erases it without a person.

    `fixed`: fields that outside can never change (texts made from our own data). `came_from`: the link that imported
    it. `written_to`: links to which it was written, by which its copies are known on a way around.
    """

    id: int
    uid: str
    revision: int
    item: Item
    is_protected: bool = False
    fixed: frozenset[Field] = frozenset()
    came_from: int | None = None
    written_to: frozenset[int] = frozenset()


REFUSED = "not handed out"
"""The problem of a `RemoteItem` that the server does not give: what it says may be read another time."""


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """What a listing named. Without `item` and `problem` it was not fetched, since its ETag is the base's. `lacks`: why
    times may be missing from the item: what it says is busy, what it does not say is not known.
    """

    href: str
    etag: str | None
    item: Item | None = None
    problem: str = ""
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class LocalEvidence:
    """Our side: live items by id. `is_whole`: all that the link covers, so what is not there has ended.

    Otherwise `there` and `gone` name the present state of each touched item. `ended_uids`: UIDs that were ours.
    `is_bare`: nothing of ours is live at all; what is whole says so by itself.
    """

    there: Mapping[int, LocalItem]
    is_whole: bool
    gone: frozenset[int] = frozenset()
    ended_uids: frozenset[str] = frozenset()
    is_bare: bool = False


@dataclass(frozen=True, slots=True)
class RemoteEvidence:
    """Their side, by href, as a `Listing` proved it; `read_at` is when it was read.

    `others`: so many further items were listed as their rows say, and neither they nor these rows are given. `is_read`:
    what is new was read; else more lies there than is given. `is_part`: of one listing, and the next part follows.
    """

    there: Mapping[str, RemoteItem]
    is_delta: bool
    is_whole: bool
    read_at: datetime
    gone: frozenset[str] = frozenset()
    others: int = 0
    is_read: bool = True
    is_part: bool = False

    @property
    def proves_absence(self) -> bool:
        return self.is_whole and not self.is_delta


@dataclass(frozen=True, slots=True)
class Conflict:
    """One value that did not hold, with both versions as text. `occurrence` is the key of the date, "" the series."""

    field: Field
    occurrence: str
    ours: str
    theirs: str
    winner: Side


@dataclass(frozen=True, slots=True)
class Operation:
    """One step. `row` is the item link before, `after` what it is to be once this is done (None: a further step of the
    same item follows). Expected ETag and revision are compared when it is applied. `ours`, `theirs`: both versions
    where a person may want to look. `deletes`: it frees a time or asks to, and so passes the guard.
    """

    kind: Kind
    side: Side
    reason: Reason
    row: ItemLink
    after: ItemLink | None
    payload: Item | None = None
    expected_etag: str | None = None
    expected_revision: int | None = None
    conflicts: tuple[Conflict, ...] = ()
    ours: Item | None = None
    theirs: Item | None = None
    deletes: bool = False
    _keys: list[str] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def is_write(self) -> bool:
        return self.kind in _WRITES

    @property
    def key(self) -> str:
        """The same for the same step on the same versions: to this a person's approval is bound (SPEC C8, C9)."""
        if not self._keys:
            named = (self.kind, self.side, self.row.href, self.row.uid, self.row.local_id)
            payload = _content(self.payload)
            theirs = payload if self.theirs is self.payload else _content(self.theirs)
            self._keys.append(_digest(*named, payload, _content(self.ours), theirs))
        return self._keys[0]


@dataclass(frozen=True, slots=True)
class Counts:
    """`rests`: items left alone for now, since they failed or went back and forth."""

    here: int = 0
    there: int = 0
    deletions: int = 0
    proposals: int = 0
    conflicts: int = 0
    notes: int = 0
    held: int = 0
    postponed: int = 0
    rests: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are applied, creations and changes before deletions.

    A step of an item is left out where an earlier one of that item was not done. `held` waits for a person,
    `postponed` for the next hour. `identity` is what the link is to be known by from now on. `whole_at`: from when a
    second complete listing would settle what is missing. `carried`: deletions that a part of a listing leaves to the
    plan of its next part, so that the guard sees all of them together.
    """

    operations: tuple[Operation, ...]
    held: tuple[Operation, ...] = ()
    hold: Hold | None = None
    postponed: tuple[Operation, ...] = ()
    counts: Counts = field(default_factory=Counts)
    identity: Identity = Identity.UID
    whole_at: datetime | None = None
    carried: tuple[Operation, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.operations

    @property
    def hash(self) -> str:
        """Bound to what would be done, not to its order or the moment."""
        return _digest(*sorted(one.key for one in (*self.operations, *self.held) if one.kind is not Kind.NOTE))

    def approve(self, shown: str) -> frozenset[str] | None:
        """The keys for `Link.approved`, or None where the plan is no longer the one that was shown."""
        return frozenset(one.key for one in self.held) if shown == self.hash else None


def _content(item: Item | None) -> str | None:
    return None if item is None else digest(item)


def _digest(*parts: Any) -> str:
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
