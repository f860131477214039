"""A calendar published at an address (https, webcal) as a remote that is only read: SPEC C6, C9.

One resource stands for all events of one UID. Only a 200 with a calendar from its first line to its last proves what
is not in it; anything else is a listing that is not whole, with the reason.
"""

import hashlib
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from string import ascii_letters, digits
from urllib.parse import quote

import requests

from booking.values.refusals import Refused
from ical.blocks import Block, Blocks, selection, split
from ical.limits import LIMITS as CALENDAR_LIMITS
from outside.errors import SiteRefused, SiteUnreadable
from outside.http import GuardedSession, Limits, guarded_session
from sync.remotes.credentials import Credentials, auth_of
from sync.remotes.dav import where_of
from sync.remotes.protocol import (
    Cursor,
    CursorKind,
    Listed,
    Listing,
    ListingTime,
    Quirks,
    Resource,
    Written,
    as_long_as_may_be,
)
from sync.remotes.statuses import refusal

LIMITS = Limits(body=CALENDAR_LIMITS.octets, seconds=10.0, longest=60.0)
WEBCAL = re.compile(r"(webcals?|feed):(//)?", re.IGNORECASE)
LONGEST_NAME = 200
PLAIN = f"{ascii_letters}{digits}@._-".encode()
PLAIN_UID = re.compile(rf"[A-Za-z0-9@._-]{{1,{LONGEST_NAME}}}")
_listed = partial(tuple.__new__, Listed)  # a third of the time that the named tuple's own takes
PRODUCT_LENGTH = 80
NO_BYTES, WEB_PAGE, BREAKS_OFF = "no bytes", "a web page", "cut off before its end"


def ics_session(allow_private: frozenset[str], limits: Limits = LIMITS) -> GuardedSession:
    """A guarded session for what `ical.limits` takes; the caller closes it."""
    return guarded_session(allow_private, limits)


def https_of(url: str) -> str:
    """The address to fetch for what somebody pasted: webcal is a name for https that opens a calendar program."""
    text = url.strip()
    return WEBCAL.sub("https://", text, count=1) if WEBCAL.match(text) else text


def href_of(uid: str) -> str:
    """The name of the resource of a UID: itself where it can be, else a digest of it."""
    if PLAIN_UID.fullmatch(uid):
        return uid
    name = quote(uid, safe="@")
    return name if len(name) <= LONGEST_NAME else f"sha256:{hashlib.sha256(uid.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Mark:
    """What is remembered of the body read last: what its server said of it, and what it was."""

    etag: str = ""
    modified: str = ""
    digest: str = ""

    def cursor(self) -> Cursor:
        return Cursor(CursorKind.TAG, json.dumps([self.etag, self.modified, self.digest]))


class IcsRemote:
    """One address. For one thread. The session is the caller's, to be closed by the caller. `on_news` is called as soon
    as it is certain that something of it will have to be read.

    The address is often its own password, so it is in no error and no repr.
    """

    parallel = 1

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        session: GuardedSession,
        listing_time: ListingTime = as_long_as_may_be,
    ) -> None:
        self._listing_time = listing_time
        self.on_news: Callable[[], None] = _do_nothing
        self._url, self._auth, self._session = https_of(url), auth_of(credentials), session
        self._origin = where_of(self._url)
        self._blocks: dict[str, Block] = {}
        self._read: Blocks | None = None

    def __repr__(self) -> str:
        return f"IcsRemote({self._origin})"

    def probe(self) -> Quirks:
        """Read it once, and once more to see whether it answers 304. Raises SiteUnreadable where it is no calendar."""
        first = self._get({})
        listing = self._listing(first, _Mark())
        if not listing.is_whole:
            raise SiteUnreadable(self._origin, listing.not_whole_because)
        again = self._get(_conditions(_mark_of(first)))
        product = "".join(letter for letter in first.headers.get("Server", "") if letter.isprintable())
        kind = CursorKind.TAG if again.status_code == 304 else CursorKind.NONE
        return Quirks(kind, creates_guarded=False, updates_guarded=False, product=product[:PRODUCT_LENGTH])

    def changes(self, cursor: Cursor | None) -> Listing:
        """See `Remote.changes`. A delta is always empty here: this very state was read before."""
        known = _known(cursor)
        conditions = _conditions(known)
        answer = self._get(conditions)
        if answer.status_code == 304 and conditions:
            return Listing(is_delta=True, is_whole=True, there=(), cursor=cursor)
        return self._listing(answer, known)

    def fetch(self, hrefs: Collection[str]) -> tuple[Resource, ...]:
        """See `Remote.fetch`. From the body read last; without one it is read now. Lines are unfolded, ended by LF."""
        if self._read is None:
            self._listing(self._get({}), _Mark())
        if self._read is None:
            raise SiteUnreadable(self._origin, "no calendar at this address")
        wanted = ((href, self._blocks.get(href)) for href in dict.fromkeys(hrefs))
        return tuple(
            Resource(href, _etag(block), selection(self._read, [block])) for href, block in wanted if block is not None
        )

    def create(self, href: str, body: bytes) -> Written:  # noqa: ARG002 - as every remote has it
        """Raises SiteRefused, as `update` and `delete` do: an address can only be read."""
        raise self._refused()

    def update(self, href: str, body: bytes, etag: str | None) -> Written:  # noqa: ARG002 - as every remote has it
        raise self._refused()

    def delete(self, href: str, etag: str | None) -> Written:  # noqa: ARG002 - as every remote has it
        raise self._refused()

    def href_for(self, uid: str) -> str:
        """See `Remote.href_for`."""
        return href_of(uid)

    def _refused(self) -> SiteRefused:
        return SiteRefused(self._origin, 405, "a calendar address can only be read")

    def _get(self, conditions: dict[str, str]) -> requests.Response:
        accept = {"Accept": "text/calendar, text/plain;q=0.5, */*;q=0.1"}
        seconds = max(self._session.limits.seconds, self._listing_time())
        return self._session.request("GET", self._url, headers=accept | conditions, auth=self._auth, timeout=seconds)

    def _listing(self, answer: requests.Response, known: _Mark) -> Listing:
        if not 200 <= answer.status_code < 300:
            raise refusal(self._origin, answer.status_code, answer.headers, answer.content)
        mark = _mark_of(answer)
        if answer.status_code == 200 and mark.digest == known.digest:
            return Listing(is_delta=True, is_whole=True, there=(), cursor=mark.cursor())
        self.on_news()
        blocks, because = _judged(answer)
        if blocks is None:
            return Listing(is_delta=False, is_whole=False, there=(), not_whole_because=because)
        self._read = blocks
        self._blocks = dict(zip(hrefs_of([block.uid for block in blocks.events]), blocks.events, strict=True))
        # an event that never ends is there, whatever it says
        unread = dict.fromkeys([href_of(broken.uid) for broken in blocks.broken if broken.uid])
        there = [Listed(href, None) for href in unread if href not in self._blocks]
        there += [_listed((href, f'"{block.digest}"')) for href, block in self._blocks.items()]
        cursor = mark.cursor() if not because else None
        return Listing(False, not because, tuple(there), (), cursor, because)


def hrefs_of(uids: list[str]) -> list[str]:
    """`href_of` of each; all of them are looked at together, since nearly always each may stay as it is."""
    is_plain = all(uids) and max(map(len, uids), default=0) <= LONGEST_NAME
    is_plain = is_plain and not "".join(uids).encode(errors="replace").translate(None, PLAIN)
    return uids if is_plain else [href_of(uid) for uid in uids]


def _do_nothing() -> None:
    """Nobody asked to be told."""


def _judged(answer: requests.Response) -> tuple[Blocks | None, str]:
    """What can be read, and why it may not be all."""
    body = answer.content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not body:
        return None, NO_BYTES
    if body.startswith(b"<"):
        return None, WEB_PAGE
    blocks = split(body)
    if isinstance(blocks, Refused):
        return None, blocks.codes[0]
    return blocks, _doubt(answer, blocks)


def _doubt(answer: requests.Response, blocks: Blocks) -> str:
    if answer.status_code != 200:
        return f"status {answer.status_code}"
    if not blocks.is_whole:
        return BREAKS_OFF
    if any(not broken.uid for broken in blocks.broken):
        return "holds what belongs to no event"
    return ""


def _etag(block: Block) -> str:
    return f'"{block.digest}"'


def _mark_of(answer: requests.Response) -> _Mark:
    digest = hashlib.sha256(answer.content).hexdigest()
    return _Mark(answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""), digest)


def _known(cursor: Cursor | None) -> _Mark:
    """What a cursor of ours says; nothing where it is another's or spoilt."""
    if cursor is None or cursor.kind is not CursorKind.TAG:
        return _Mark()
    try:
        etag, modified, digest = json.loads(cursor.value)
    except (ValueError, TypeError):
        return _Mark()
    return _Mark(str(etag), str(modified), str(digest))


def _conditions(mark: _Mark) -> dict[str, str]:
    """A weak ETag is good enough here (RFC 9110, 13.1.2); the date is sent beside it for servers that know only it."""
    wanted = {"If-None-Match": mark.etag, "If-Modified-Since": mark.modified}
    return {name: value for name, value in wanted.items() if value and value.isprintable()}
