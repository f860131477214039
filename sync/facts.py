"""What the evidence says about one linked item: the two coordinates of the decision table, and the versions behind."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ical.item import Item
from sync.content import same
from sync.copying import replace
from sync.values import (
    DeletedBy,
    Field,
    ItemLink,
    Limits,
    Link,
    LinkState,
    LocalEvidence,
    LocalItem,
    Owner,
    RemoteEvidence,
    RemoteItem,
)

_AT_REST: dict[str, Any] = {
    "miss_count": 0,
    "missing_since": None,
    "deleted_by": None,
    "held": None,
    "decision": None,
    "error_count": 0,
    "next_try": None,
    "problem": "",
}


class Here(StrEnum):
    """NONE: the item is only known; nothing of ours belongs to it."""

    NONE = "NONE"
    SAME = "SAME"
    CHANGED = "CHANGED"
    GONE = "GONE"


class There(StrEnum):
    """MISSING: not named, which is no proof yet. UNREAD: changed, and its content was not fetched."""

    SAME = "SAME"
    CHANGED = "CHANGED"
    MISSING = "MISSING"
    GONE = "GONE"
    UNREADABLE = "UNREADABLE"
    UNREAD = "UNREAD"


@dataclass(frozen=True, slots=True)
class Facts:
    """`remote` is None where the listing did not name the item. `renamed`: it lies at another address than before."""

    link: Link
    now: datetime
    row: ItemLink
    here: Here
    there: There
    local: LocalItem | None
    remote: RemoteItem | None
    read_at: datetime
    renamed: bool = False

    @property
    def ours(self) -> Item:
        """Our item; asked for only where there is one."""
        if self.local is None:
            raise ValueError(f"nothing here: {self.row.uid}")
        return self.local.item

    @property
    def theirs(self) -> Item:
        """Their item as it is now; asked for only where there is one."""
        found = self.remote.item if self.remote and self.remote.item else self.row.theirs
        if found is None:
            raise ValueError(f"nothing there: {self.row.uid}")
        return found

    @property
    def etag(self) -> str | None:
        return self.remote.etag if self.remote else self.row.base_etag

    @property
    def revision(self) -> int | None:
        return self.local.revision if self.local else self.row.base_revision

    @property
    def is_protected(self) -> bool:
        return self.local is not None and self.local.is_protected

    def owner(self, of: Field) -> Owner:
        if self.local is not None and of in self.local.fixed:
            return Owner.LOCAL
        return self.link.owner(of)

    def agreed(
        self, ours: Item | None, theirs: Item | None, state: LinkState = LinkState.ACTIVE, **more: Any
    ) -> ItemLink:
        """The row once both sides stand so: no question, no miss and no fault is left. `more`: other fields of it."""
        both = {"base": ours, "base_remote": None if same(ours, theirs) else theirs}
        stands = {"base_revision": self.revision, "base_etag": self.etag, "state": state}
        return replace(self.row, **{**_AT_REST, **both, **stands, **more})


def look_here(row: ItemLink, local: LocalEvidence) -> tuple[Here, LocalItem | None]:
    if row.local_id is None:
        return Here.NONE, None
    found = local.there.get(row.local_id)
    if found is not None:
        is_same = found.revision == row.base_revision or same(found.item, row.base)
        return (Here.SAME if is_same else Here.CHANGED), found
    if local.is_whole or row.local_id in local.gone or row.base is None:
        return Here.GONE, None
    # Not named among what was touched: it stands as it was, and whether it may be erased is not known.
    return Here.SAME, LocalItem(row.local_id, row.uid, row.base_revision or 0, row.base, is_protected=True)


def look_there(row: ItemLink, remote: RemoteEvidence, limits: Limits) -> tuple[There, RemoteItem | None]:
    found = remote.there.get(row.href)
    if found is not None:
        return _named(row, found), found
    if row.href in remote.gone or _is_known_gone(row):
        return There.GONE, None
    if not remote.proves_absence:
        return (There.MISSING if row.missing_since else There.SAME), None
    if row.missing_since and remote.read_at - row.missing_since >= limits.confirm_after:
        return There.GONE, None
    return There.MISSING, None


def _named(row: ItemLink, found: RemoteItem) -> There:
    if found.problem:
        return There.UNREADABLE
    if found.item is None:
        is_base = found.etag is not None and found.etag == row.base_etag
        return There.SAME if is_base else There.UNREAD
    if same(found.item, row.theirs):
        return There.SAME
    # a version that lacks times never takes the place of one whose times stand here (SPEC C9)
    return There.UNREADABLE if found.lacks and row.local_id is not None else There.CHANGED


def _is_known_gone(row: ItemLink) -> bool:
    """Its absence was proven before, and only its being named again would change that."""
    return row.state is LinkState.TOMBSTONE or row.deleted_by is DeletedBy.REMOTE
