"""What the engine asks of any external calendar, and what it is told; one contract suite holds for all of them.

A remote never concludes: it reports what it was told and how much that proves. Whether a missing item is a deleted
one is decided by `sync.guards`. Methods raise the errors of `outside.errors` with a retry hint; none retries itself.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol


class CursorKind(StrEnum):
    """How a remote tells what changed: by WebDAV sync-token, by the collection's ctag or an ETag, or not at all."""

    TOKEN = "TOKEN"  # noqa: S105 - a kind of cursor
    TAG = "TAG"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a remote was read. It is stored in the transaction that stores what was read with it."""

    kind: CursorKind
    value: str


class Listed(NamedTuple):
    """One resource as a listing names it. `etag` as the server wrote it, with quotes and W/; None: it sent none."""

    href: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource with its content as bytes that nobody rewrote. `is_refused`: it is there, and the server does not
    hand it out now (no bytes then).
    """

    href: str
    etag: str | None
    body: bytes
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What a remote said when it was asked what is there or what changed.

    `is_delta`: only changes since the cursor are named; otherwise `there` is all that is there. `gone` are deletions
    that the server states by itself. `is_whole` is False where anything may be missing (paging that did not end, a body
    cut off, a status other than 200 or 207): nothing is concluded from absence then, and the cursor is not kept.
    """

    is_delta: bool
    is_whole: bool
    there: tuple[Listed, ...]
    gone: tuple[str, ...] = ()
    cursor: Cursor | None = None
    not_whole_because: str = ""


@dataclass(frozen=True, slots=True)
class Quirks:
    """What a server can and does, probed on set-up and kept with the link.

    `cursor_kind`: the best that works. `creates_guarded`: If-None-Match:* is honoured. `updates_guarded`: strong ETags
    come and If-Match is honoured. `etag_on_write`: a PUT answers with an ETag that the next GET confirms. `rewrites`:
    bytes read back differ from those written. `most_at_once`: how many resources one multiget may name.

    `names_itself`: the server chooses where a new item lies, and `Written.href` tells (as RFC 5995 has it).
    `keeps_texts`: what is written beside times and status is kept; else only those can be changed. `shares_times`: two
    items may lie at one time; else who comes second clashes.
    """

    cursor_kind: CursorKind = CursorKind.NONE
    creates_guarded: bool = True
    updates_guarded: bool = True
    etag_on_write: bool = False
    rewrites: bool = True
    most_at_once: int = 100
    product: str = ""
    names_itself: bool = False
    keeps_texts: bool = True
    shares_times: bool = True


class WriteOutcome(StrEnum):
    """DONE; CLASHED where a precondition failed (somebody was faster, or it exists); GONE where it is not there."""

    DONE = "DONE"
    CLASHED = "CLASHED"
    GONE = "GONE"


@dataclass(frozen=True, slots=True)
class Written:
    """`etag` only where the remote vouches for it; else read again. `href`: where the item lies, from a remote that
    names things itself; with CLASHED it is the very item that was to be created, known by a mark of ours.
    """

    outcome: WriteOutcome
    etag: str | None = None
    href: str | None = None


ListingTime = Callable[[], float]
"""Asked right before each listing: for how many seconds it may go on, as far as the remote's own limits reach."""


def as_long_as_may_be() -> float:
    return math.inf


class Remote(Protocol):
    """One external calendar. Not thread-safe unless `parallel` says how many calls may run at once."""

    parallel: int

    def probe(self) -> Quirks:
        """Find out what the server can; writes and removes a test item of its own where the policy lets us write."""

    def changes(self, cursor: Cursor | None) -> Listing:
        """What changed since the cursor, or all that is there without one, or where the server has forgotten it."""

    def fetch(self, hrefs: Collection[str]) -> tuple[Resource, ...]:
        """The resources that exist now, in batches; one that is gone meanwhile is left out.

        A few that the server refuses come as such; where it refuses more, its refusal is raised.
        """

    def create(self, href: str, body: bytes) -> Written:
        """Put a new resource; never overwrites (CLASHED). Where it lies: `Written.href`, or else as asked."""

    def update(self, href: str, body: bytes, etag: str | None) -> Written:
        """Put over the version with this ETag; without one, over whatever is there (a stated race)."""

    def delete(self, href: str, etag: str | None) -> Written:
        """Remove the version with this ETag. GONE counts as removed."""

    def href_for(self, uid: str) -> str:
        """Where a new item with this UID is asked to lie: the same for the same UID."""
