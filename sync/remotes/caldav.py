"""A CalDAV collection (RFC 4791) as a remote: SPEC C6, C9.

It says what the server said and how much that proves. A status or a body that makes no sense is a listing that is not
whole, with the reason; a refusal is an error of `outside.errors`; neither is ever taken for an empty listing.
"""

import hashlib
import random
import re
import time
from collections.abc import Callable, Collection, Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import islice

from outside.errors import RefusedAddress, SiteDown, SiteRefused, SiteThrottled, SiteUnreadable, TooLarge
from outside.http import GuardedSession
from sync.remotes.credentials import Credentials
from sync.remotes.dav import ONE_CALL, Answer, Dav, where_of
from sync.remotes.dav_discover import Found, calendars_of
from sync.remotes.dav_probe import probe
from sync.remotes.dav_xml import (
    CAL,
    CTAG,
    DAV,
    Multistatus,
    Row,
    Unreadable,
    calendar_bytes,
    multiget,
    path_of,
    propfind,
    sync_collection,
)
from sync.remotes.protocol import (
    Cursor,
    CursorKind,
    Listed,
    Listing,
    ListingTime,
    Quirks,
    Resource,
    WriteOutcome,
    Written,
    as_long_as_may_be,
)
from sync.remotes.statuses import refusal

ETAG = f"{DAV}getetag"
DATA = f"{CAL}calendar-data"
BUSY = frozenset({423, 500})
BUSY_WAITS = (0.1, 0.3)
INTERNAL = 500
OF_ALL = frozenset({401, 429, 502, 503, 504})
FORGOTTEN = frozenset({400, 403, 409, 410, 412})
MOST_PAGES = 250
MOST_REFUSED = 5
"""Items that the server does not hand out: with more of them it is the server that fails, not one item (SPEC C10)."""
PLAIN_NAME = re.compile(r"[a-z0-9-]{1,64}")
CALENDAR_TYPE = "text/calendar; charset=utf-8"
DEFAULT_QUIRKS = Quirks()


@dataclass(slots=True)
class _Pages:
    """What the pages of one answer have said so far; a later page knows better than an earlier one."""

    there: dict[str, Listed] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    odd: str = ""
    cut: bool = False

    def listing(self, cursor: Cursor | None, *, is_delta: bool, odd: str = "") -> Listing:
        because = odd or self.odd
        kept = cursor if not because else None
        return Listing(is_delta, not because, tuple(self.there.values()), tuple(self.gone), kept, because)


class CalDavRemote:
    """One collection. Up to `parallel` threads may share it. The session is the caller's, to be closed by the caller.

    `quirks` are those that `probe` found. `writes` False: the link only reads, and the probe leaves no trace. However
    many requests a write takes, together they take no longer than one may.
    """

    parallel = 4

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        session: GuardedSession,
        quirks: Quirks = DEFAULT_QUIRKS,
        writes: bool = True,
        pause: Callable[[float], None] = time.sleep,
        listing_time: ListingTime = as_long_as_may_be,
    ) -> None:
        self.quirks, self._writes, self._pause, self._listing_time = quirks, writes, pause, listing_time
        self._refused: set[str] = set()
        self._dav = Dav(url, credentials, session)
        self._origin = self._dav.where
        try:
            self._path = path_of(self._dav.path).rstrip("/") + "/"
        except Unreadable as error:
            raise RefusedAddress(self._origin, str(error)) from None

    def __repr__(self) -> str:
        return f"CalDavRemote({self._origin})"

    def probe(self) -> Quirks:
        """See `Remote.probe`. The remote goes on with what it found."""
        url = self._origin + self._path
        self.quirks = probe(self._with, self._dav, url, writes=self._writes, pause=self._pause)
        return self.quirks

    def is_at(self, url: str) -> bool:
        """Whether that address is this collection's."""
        return url.rstrip("/") == (self._origin + self._path).rstrip("/")

    def calendars(self) -> tuple[Found, ...]:
        """The calendars that this address leads to, where it is none itself (`dav_discover.calendars_of`)."""
        with self._dav.lasting(self._listing_time()):
            return calendars_of(self._dav, self._origin + self._path)

    def changes(self, cursor: Cursor | None) -> Listing:
        """See `Remote.changes`. Exactly one request where a sync-token says that nothing changed."""
        known = cursor if cursor is not None and cursor.kind is self.quirks.cursor_kind else None
        try:
            with self._dav.lasting(self._listing_time()):
                return self._by_token(known) if self.quirks.cursor_kind is CursorKind.TOKEN else self._by_listing(known)
        except SiteUnreadable as error:
            return Listing(is_delta=known is not None, is_whole=False, there=(), not_whole_because=error.reason)

    def fetch(self, hrefs: Collection[str]) -> tuple[Resource, ...]:
        """See `Remote.fetch`. One that is larger than may be read comes with empty bytes: it is there, unreadable."""
        paths = iter(dict.fromkeys(self._own(href) for href in hrefs))
        found: list[Resource] = []
        while batch := list(islice(paths, self.quirks.most_at_once)):
            found += self._batch(batch)
        return tuple(found)

    def create(self, href: str, body: bytes) -> Written:
        """See `Remote.create`. Where If-None-Match is not honoured, it is looked first: a stated race."""
        path = self._own(href)
        with self._dav.lasting(ONE_CALL):
            if not self.quirks.creates_guarded and self._version(path) is not None:
                return Written(WriteOutcome.CLASHED)
            return self._written(self._put(path, body, {"If-None-Match": "*"}))

    def update(self, href: str, body: bytes, etag: str | None) -> Written:
        """See `Remote.update`. A weak ETag, or one whose If-Match is not honoured, is compared first: a stated race."""
        path = self._own(href)
        with self._dav.lasting(ONE_CALL):
            early = self._moved_on(path, etag)
            return early or self._changed(self._put(path, body, _if_match(etag)), path)

    def delete(self, href: str, etag: str | None) -> Written:
        """See `Remote.delete`. Without an ETag it removes whatever is there."""
        path = self._own(href)
        with self._dav.lasting(ONE_CALL):
            early = self._moved_on(path, etag) if etag is not None else None
            return early or self._changed(self._write("DELETE", path, b"", _if_match(etag)), path)

    def href_for(self, uid: str) -> str:
        """See `Remote.href_for`. A UID may be anything; a name in lower case without `@` is safe on every server."""
        name = uid if PLAIN_NAME.fullmatch(uid) else hashlib.sha256(uid.encode()).hexdigest()[:40]
        return f"{self._path}{name}.ics"

    def _with(self, quirks: Quirks) -> "CalDavRemote":
        other = copy(self)
        other.quirks = quirks
        return other

    def _by_token(self, cursor: Cursor | None) -> Listing:
        pages, token, asked = _Pages(), cursor.value if cursor else "", set[str]()
        while token not in asked and len(asked) < MOST_PAGES:
            asked.add(token)
            answer = self._dav.ask_xml("REPORT", self._origin + self._path, sync_collection(token), 0)
            if not token and b"valid-sync-token" in answer.body:
                return self._by_listing(None)  # it says that it keeps tokens, and gives none
            if token and _is_forgotten(answer):
                # a page's token that was forgotten at once leaves a full listing unfinished
                return self._by_token(None) if cursor else pages.listing(None, is_delta=False, odd="token not taken")
            page = self._dav.rows_of(answer)
            self._sort_in(page, pages)
            if page.sync_token is None:
                return pages.listing(None, is_delta=cursor is not None, odd="no sync-token in the answer")
            token = page.sync_token
            if not pages.cut:
                return pages.listing(Cursor(CursorKind.TOKEN, token), is_delta=cursor is not None)
        return pages.listing(None, is_delta=cursor is not None, odd="paging does not end")

    def _by_listing(self, cursor: Cursor | None) -> Listing:
        """Everything that is there, unless the collection's tag says that nothing changed. The tag is read first, so
        that a change between the two requests is seen next time.
        """
        found = None
        if self.quirks.cursor_kind is CursorKind.TAG:
            tag = self._tag()
            found = Cursor(CursorKind.TAG, tag) if tag else None
            if found is not None and found == cursor:
                return Listing(is_delta=True, is_whole=True, there=(), cursor=found)
        body = propfind((f"{DAV}resourcetype", ETAG))
        page = self._dav.ask_for_rows("PROPFIND", self._origin + self._path, body, 1)
        pages = _Pages()
        seen_itself = self._sort_in(page, pages)
        pages.gone.clear()  # it was never said that these were there
        odd = "" if seen_itself else "the collection is missing in its own listing"
        if pages.cut:
            odd = "the listing was cut off"
        return pages.listing(found, is_delta=False, odd=odd)

    def _tag(self) -> str | None:
        page = self._dav.ask_for_rows("PROPFIND", self._origin + self._path, propfind((CTAG,)), 0)
        return next((tag for row in page.rows if (tag := row.text(CTAG))), None)

    def _sort_in(self, page: Multistatus, pages: _Pages) -> bool:
        """Add a page; whether the collection itself was in it with 200."""
        pages.cut, itself = False, False
        for row in page.rows:
            path = self._placed(row, pages)
            if path == self._path:
                itself = itself or row.status == 200
                pages.cut = pages.cut or row.status == 507
            elif path and row.status in {404, 410}:
                pages.there.pop(path, None)
                pages.gone[path] = None
            elif path and 200 <= row.status < 300:
                pages.gone.pop(path, None)
                pages.there[path] = Listed(path, row.text(ETAG))
            elif path:
                pages.odd = f"status {row.status} for an item"
        return itself

    def _placed(self, row: Row, pages: _Pages) -> str:
        """The path of a row in this collection; the collection's own; or nothing for a collection below it."""
        try:
            path = path_of(row.href, self._path)
        except Unreadable as error:
            pages.odd = str(error)
            return ""
        if path.rstrip("/") + "/" == self._path:
            return self._path
        if not path.startswith(self._path):
            pages.odd = "an item that lies elsewhere"
            return ""
        return "" if path.endswith("/") or f"{DAV}collection" in row.names(f"{DAV}resourcetype") else path

    def _batch(self, paths: list[str]) -> Iterator[Resource]:
        if self.quirks.most_at_once == 1:
            yield from self._one(paths[0])
            return
        try:
            page = self._dav.ask_for_rows("REPORT", self._origin + self._path, multiget(paths), None)
        except (TooLarge, SiteDown) as error:
            yield from self._halves(paths, error)
            return
        told = {path: row for row in page.rows if (path := self._placed(row, _Pages()))}
        for path in paths:
            row = told.get(path)
            if row is not None and (data := calendar_bytes(row.content(DATA))):
                yield Resource(path, row.text(ETAG), data)
            elif row is None or row.status not in {404, 410}:
                yield from self._one(path)  # left out without a word, or named without its content

    def _halves(self, paths: list[str], error: TooLarge | SiteDown) -> Iterator[Resource]:
        """The same in two, until it is clear which item is too large, or breaks the server (500, and nothing else)."""
        if isinstance(error, SiteDown) and error.status != INTERNAL:
            raise error
        half = (len(paths) + 1) // 2
        if half < len(paths):
            yield from self._batch(paths[:half])
            yield from self._batch(paths[half:])
        elif isinstance(error, TooLarge):
            yield Resource(paths[0], None, b"")
        else:
            yield from self._one(paths[0])

    def _one(self, path: str) -> Iterator[Resource]:
        try:
            answer = self._dav.ask("GET", self._origin + path)
        except TooLarge:
            yield Resource(path, None, b"")
            return
        if answer.status == 200:
            yield Resource(path, answer.headers.get("ETag"), answer.body)
        elif answer.status not in {404, 410}:
            yield self._not_handed_out(path, answer)

    def _not_handed_out(self, path: str, answer: Answer) -> Resource:
        """One bad item stops no other (SPEC C10); what concerns all of them is raised: log-in, patience, a proxy."""
        error = _told(answer)
        if answer.status in OF_ALL or isinstance(error, SiteThrottled):
            raise error
        self._refused.add(path)
        if len(self._refused) > MOST_REFUSED:
            raise error
        return Resource(path, None, b"", is_refused=True)

    def _put(self, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        return self._write("PUT", path, body, {"Content-Type": CALENDAR_TYPE, **headers})

    def _write(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        """Some servers take one write at a time and refuse, or fall over, the others: those are asked again."""
        for wait in BUSY_WAITS:
            answer = self._dav.ask(method, self._origin + path, body, headers)
            if answer.status not in BUSY:
                return answer
            self._pause(wait * (1 + random.random()))  # noqa: S311 - lets one of two go first
        return self._dav.ask(method, self._origin + path, body, headers)

    def _moved_on(self, path: str, etag: str | None) -> Written | None:
        """What is to be said at once where If-Match cannot be trusted to say it."""
        if etag is not None and not etag.startswith("W/") and self.quirks.updates_guarded:
            return None
        version = self._version(path)
        if version is None:
            return Written(WriteOutcome.GONE)
        if etag is not None and etag.removeprefix("W/") != version.removeprefix("W/"):
            return Written(WriteOutcome.CLASHED)
        return None

    def _version(self, path: str) -> str | None:
        """The ETag of what is there now, "" where it has none; None: nothing is there."""
        answer = self._dav.ask_xml("PROPFIND", self._origin + path, propfind((ETAG,)), 0)
        if answer.status in {404, 410}:
            return None
        rows = [row for row in self._dav.rows_of(answer).rows if row.status not in {404, 410}]
        return next((row.text(ETAG) or "" for row in rows), None)

    def _changed(self, answer: Answer, path: str) -> Written:
        """The outcome of an update or a deletion: 412 may mean that it changed or that it is gone."""
        if answer.status in {404, 410} or (answer.status == 412 and self._version(path) is None):
            return Written(WriteOutcome.GONE)
        return self._written(answer)

    def _written(self, answer: Answer) -> Written:
        if answer.status in {200, 201, 204}:
            etag = answer.headers.get("ETag")
            vouched = self.quirks.etag_on_write and etag is not None and not etag.startswith("W/")
            return Written(WriteOutcome.DONE, etag if vouched else None)
        if answer.status == 412 or (answer.status in {403, 409} and b"no-uid-conflict" in answer.body):
            return Written(WriteOutcome.CLASHED)
        raise _told(answer)

    def _own(self, href: str) -> str:
        """A path that lies in the collection and is not the collection. Raises SiteRefused before anything is sent."""
        try:
            path = path_of(href, self._path)
        except Unreadable:
            path = ""
        if not path.startswith(self._path) or path.endswith("/"):
            raise SiteRefused(self._origin, 400, "no item of this collection")
        return path


def _if_match(etag: str | None) -> dict[str, str]:
    """A weak ETag never matches (RFC 9110, 13.1.1), so it is not sent."""
    return {} if etag is None or etag.startswith("W/") else {"If-Match": etag}


def _is_forgotten(answer: Answer) -> bool:
    """The server has forgotten the token. A 412 to a question without conditions can mean nothing else."""
    return answer.status == 412 or (answer.status in FORGOTTEN and b"valid-sync-token" in answer.body)


def _told(answer: Answer) -> Exception:
    """A status that is 2xx or 3xx where neither makes sense is a refusal, too: nothing was proven to be done."""
    return refusal(where_of(answer.url), answer.status, answer.headers, answer.body)
