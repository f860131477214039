"""A calendar in memory that behaves as well or as badly as it is told: what real servers do, one trait at a time."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum

from sync.remotes.protocol import (
    Cursor,
    CursorKind,
    Listed,
    Listing,
    Quirks,
    Resource,
    WriteOutcome,
    Written,
)


class Etags(StrEnum):
    """FLAKY: another one at every listing, though nothing changed."""

    STRONG = "STRONG"
    WEAK = "WEAK"
    NONE = "NONE"
    FLAKY = "FLAKY"


@dataclass(slots=True)
class Manners:
    """`rewrite`: what the server makes of a body. `etag_on_write`: a write answers with its ETag. `guards`: If-Match
    and If-None-Match are honoured. `cut_at`: a listing names so many and says (`admits_cut`) or hides that it was cut.
    `lag`: a change shows only in the listing after so many more. `deltas`: it hands out cursors. `names_itself`: a new
    item lies where the server likes.
    """

    etags: Etags = Etags.STRONG
    etag_on_write: bool = True
    guards: bool = True
    rewrite: Callable[[bytes], bytes] = field(default=lambda body: body)
    deltas: bool = True
    cut_at: int | None = None
    admits_cut: bool = True
    lag: int = 0
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    href: str
    etag: str | None
    body: bytes | None
    at_listing: int


class MemoryRemote:
    """Implements `Remote`. `hook` is called as (moment, method) before and after each call and may raise.

    `edit` and `remove` are somebody else's doing; `forget` makes all cursors given out so far worthless.
    """

    parallel = 1

    def __init__(self, manners: Manners | None = None, folder: str = "/calendar/") -> None:
        self.manners = manners or Manners()
        self.hook: Callable[[str, str], None] = lambda _moment, _method: None
        self.writes = 0
        self._folder = folder
        self._log: list[_Change] = []
        self._now: dict[str, _Change] = {}
        self._named: dict[str, str] = {}
        self._listings = 0
        self._first_token = 0

    @property
    def bodies(self) -> dict[str, bytes]:
        return {href: one.body for href, one in self._now.items() if one.body is not None}

    def edit(self, href: str, body: bytes) -> None:
        self._store(href, body)

    def remove(self, href: str) -> None:
        self._store(href, None)

    def forget(self) -> None:
        self._first_token = len(self._log) + 1

    def href_for(self, uid: str) -> str:
        return f"{self._folder}{uid}.ics"

    def probe(self) -> Quirks:
        manners = self.manners
        return Quirks(
            cursor_kind=CursorKind.TOKEN if manners.deltas else CursorKind.NONE,
            creates_guarded=manners.guards,
            updates_guarded=manners.guards and manners.etags is Etags.STRONG,
            etag_on_write=manners.etag_on_write,
            product="memory",
            names_itself=manners.names_itself,
        )

    def changes(self, cursor: Cursor | None) -> Listing:
        self.hook("before", "changes")
        self._listings += 1
        seen = [one for one in self._log if one.at_listing + self.manners.lag < self._listings]
        is_delta = cursor is not None and self.manners.deltas and int(cursor.value) >= self._first_token
        start = int(cursor.value) if cursor is not None and is_delta else 0
        state = {one.href: one for one in seen[start:]}
        there = [Listed(href, self._shown(one)) for href, one in state.items() if one.body is not None]
        gone = tuple(href for href, one in state.items() if one.body is None) if is_delta else ()
        whole = self.manners.cut_at is None or len(there) <= self.manners.cut_at or not self.manners.admits_cut
        listing = Listing(
            is_delta,
            whole,
            tuple(there[: self.manners.cut_at]),
            gone,
            Cursor(CursorKind.TOKEN, str(len(seen))) if self.manners.deltas and whole else None,
            "" if whole else "cut",
        )
        self.hook("after", "changes")
        return listing

    def fetch(self, hrefs: Collection[str]) -> tuple[Resource, ...]:
        self.hook("before", "fetch")
        found = [(href, self._now[href]) for href in hrefs if href in self._now]
        answer = tuple(Resource(href, self._shown(one), one.body) for href, one in found if one.body is not None)
        self.hook("after", "fetch")
        return answer

    def create(self, href: str, body: bytes) -> Written:
        self.hook("before", "create")
        where = self._named.setdefault(href, f"{self._folder}{len(self._named)}") if self.manners.names_itself else href
        if self.manners.guards and where in self.bodies:
            return Written(WriteOutcome.CLASHED)
        return self._written("create", where, body)

    def update(self, href: str, body: bytes, etag: str | None) -> Written:
        self.hook("before", "update")
        if href not in self.bodies:
            return Written(WriteOutcome.GONE)
        if not self._matches(href, etag):
            return Written(WriteOutcome.CLASHED)
        return self._written("update", href, body)

    def delete(self, href: str, etag: str | None) -> Written:
        self.hook("before", "delete")
        if href not in self.bodies:
            return Written(WriteOutcome.GONE)
        if not self._matches(href, etag):
            return Written(WriteOutcome.CLASHED)
        return self._written("delete", href, None)

    def _matches(self, href: str, etag: str | None) -> bool:
        """A weak ETag guards nothing: clients drop it from If-Match without a word."""
        if etag is None or not self.manners.guards or self.manners.etags is not Etags.STRONG:
            return True
        return self._now[href].etag == etag

    def _written(self, method: str, href: str, body: bytes | None) -> Written:
        self.writes += 1
        change = self._store(href, None if body is None else self.manners.rewrite(body))
        self.hook("after", method)
        etag = self._shown(change) if self.manners.etag_on_write else None
        return Written(WriteOutcome.DONE, etag, href if self.manners.names_itself else None)

    def _store(self, href: str, body: bytes | None) -> _Change:
        change = _Change(href, f'"{len(self._log)}"', body, self._listings)
        self._log.append(change)
        self._now[href] = change
        return change

    def _shown(self, change: _Change) -> str | None:
        match self.manners.etags:
            case Etags.STRONG:
                return change.etag
            case Etags.WEAK:
                return f"W/{change.etag}"
            case Etags.FLAKY:
                return f'"{self._listings}.{len(self._log)}"'
            case Etags.NONE:
                return None
