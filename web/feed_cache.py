"""Bodies of feeds in memory: fragments kept by item and sequence, gzip kept with the body, all of it bounded in bytes.

Everything here can be lost at any time; the database has the truth (docs/feeds.md).
"""

import re
import threading
import zlib
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session

from booking.reads import agenda
from booking.reads.agenda import CodeLines
from booking.reads.code_texts import Opener
from booking.reads.feeds import FoundFeed
from booking.tables.database import Database
from booking.values.agenda import AgendaEntry
from booking.values.states import SubjectKind, Variant
from ical.event import render_event
from ical.feed import FEED_END, FeedHead, content_type, digest, etag, feed_opening, feed_order, zones_of
from ical.fragment import FeedOptions, options_of
from ical.window import shown_from, shown_until
from web.feed_words import code_given, code_line

K = TypeVar("K")
V = TypeVar("V")
Headers = list[tuple[str, str]]

FAST, SMALL = 1, 9
FEW = 100  # items that are put in their places one by one
HELD_BYTES = 1_000  # an item's values beside its fragment, about
WHOLE_AFTER = timedelta(minutes=5)  # from then on all items are compared again, whatever the office's revision says
_COMMON: Headers = [
    ("Cache-Control", "private, no-cache"),
    ("Vary", "Accept-Encoding"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Shelf(Generic[K, V]):
    """A dictionary bounded by the bytes that its values are said to take; what was put longest ago goes first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.taken = 0

    def get(self, key: K) -> V | None:
        found = self._items.get(key)
        return found[0] if found is not None else None

    def put(self, key: K, value: V, size: int) -> None:
        with self._lock:
            self._remove(key)
            self._items[key] = (value, size)
            self.taken += size
            while self.taken > self._limit and len(self._items) > 1:
                self._remove(next(iter(self._items)))

    def drop(self, key: K) -> None:
        with self._lock:
            self._remove(key)

    def items(self) -> list[tuple[K, V]]:
        with self._lock:
            return [(key, value) for key, (value, _) in self._items.items()]

    def values(self) -> list[V]:
        return [value for _, value in self.items()]

    def _remove(self, key: K) -> None:
        found = self._items.pop(key, None)
        if found is not None:
            self.taken -= found[1]


@dataclass(frozen=True, slots=True)
class Form:
    """One representation of a body, with the headers of its 200."""

    level: int
    headers: Headers
    data: bytes


class Body:
    """A rendered feed, and the entity tag of its bytes. Its forms (plain, gzip) carry strong tags of their own; any of
    them answers 304.
    """

    def __init__(self, data: bytes, tag: str, modified: datetime, valid_until: datetime | None) -> None:
        self.valid_until = valid_until
        self.modified = modified.replace(microsecond=0)
        self._modified_text = format_datetime(self.modified.astimezone(UTC), usegmt=True)
        self.tag = tag
        self.plain = Form(0, self._headers(self.tag, data), data)
        self._packed: Form | None = None
        self._packing = threading.Lock()
        tags = (self.tag, self._tag_of(FAST), self._tag_of(SMALL))
        self._unchanged = {form: self._answer_304(tag) for tag in tags for form in (tag, f"W/{tag}")}

    @property
    def size(self) -> int:
        return len(self.plain.data) + (len(self._packed.data) if self._packed else 0)

    @property
    def level(self) -> int:
        """0 until somebody asked for gzip, then how strongly it is packed."""
        return self._packed.level if self._packed else 0

    def packed(self) -> Form:
        """The gzip form; packed quickly by the first who asks."""
        return self._packed or self.pack(FAST)

    def pack(self, level: int) -> Form:
        """Make the gzip form at a level, unless it is there at that level or better."""
        with self._packing:
            if self._packed is None or self._packed.level < level:
                data = zlib.compress(self.plain.data, level, wbits=31)
                headers = [("Content-Encoding", "gzip"), *self._headers(self._tag_of(level), data)]
                self._packed = Form(level, headers, data)
            return self._packed

    def unchanged(self, none_match: str | None, modified_since: str | None) -> Headers | None:
        """The headers of a 304, or None where the client has to get the body (RFC 9110 section 13.2.2).

        A date counts only where it is exactly our Last-Modified: after a restore, earlier would be wrong.
        """
        if none_match is not None:
            return self._unchanged.get(none_match) or self._matches(none_match)
        if modified_since is not None and _is_instant(modified_since, self.modified):
            return self._unchanged[self.tag]
        return None

    def _matches(self, none_match: str) -> Headers | None:
        if none_match.strip() == "*":
            return self._unchanged[self.tag]
        known = (self._unchanged.get(tag) for tag in _TAG.findall(none_match))
        return next((headers for headers in known if headers is not None), None)

    def _tag_of(self, level: int) -> str:
        return f'{self.tag[:-1]}-g{level}"'

    def _answer_304(self, tag: str) -> Headers:
        return [("ETag", tag), ("Last-Modified", self._modified_text), *_COMMON]

    def _headers(self, tag: str, data: bytes) -> Headers:
        return [
            ("Content-Type", content_type()),
            ("Content-Length", str(len(data))),
            ("ETag", tag),
            ("Last-Modified", self._modified_text),
            *_COMMON,
        ]


def _is_instant(text: str, instant: datetime) -> bool:
    try:
        given = parsedate_to_datetime(text)
    except ValueError:
        return False
    return given.tzinfo is not None and given == instant


@lru_cache(maxsize=256)
def gzip_wanted(accept: str) -> bool:
    """Whether an Accept-Encoding lets us send gzip and does not like identity better (RFC 9110 section 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        weights["gzip" if coding == "x-gzip" else coding] = _weight(parameters)
    gzip = weights.get("gzip", weights.get("*", 0.0))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


@dataclass(frozen=True, slots=True)
class Held:
    """One item as a calendar holds it: its fragment, and all that joining needs to know of the entry.

    It is shown from `since` until `until`. From `turns` on, `then` is held in its place; `ends` is until when it is
    shown as it is. A fragment with a door code is kept here alone, in memory.
    """

    order: tuple[Any, ...]
    fragment: bytes = field(repr=False)
    zones: frozenset[str]
    until: datetime | None
    modified: datetime
    turns: datetime | None = None
    then: "Held | None" = None
    since: datetime | None = None
    ends: datetime | None = field(init=False)
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest(self.fragment))
        object.__setattr__(self, "ends", min(filter(None, (self.until, self.turns)), default=None))

    def at(self, now: datetime) -> "Held":
        held = self
        while held.then is not None and held.turns is not None and held.turns <= now:
            held = held.then
        return held


class Calendar:
    """The fragments of one subject in one variant and language, as of a revision. All were compared at `whole_at`."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.revision: tuple[int, int] | None = None
        self.whole_at: datetime | None = None
        self.held: dict[int, Held] = {}
        self.sequences: dict[int, int] = {}
        self.ordered: list[Held] = []
        self.size = HELD_BYTES

    def seen(self, feed: FoundFeed, now: datetime) -> int | None:
        """The revision after which changes of the house's items say all that is new here; None: compare the whole.

        Only the office's calendar shows all items; rooms and doors that come to share an item change nothing in it.
        """
        if feed.whose.kind is not SubjectKind.OFFICE or self.revision is None or self.whole_at is None:
            return None
        revision, epoch = self.revision
        is_sure = (
            epoch == feed.epoch and revision <= feed.revision and self.whole_at <= now < self.whole_at + WHOLE_AFTER
        )
        return revision if is_sure else None

    def begun_by(self, limit: datetime) -> list[int]:
        """The items that begin then or before."""
        if not self.ordered or self.ordered[0].order[0] > limit:
            return []
        return [item_id for item_id, held in self.held.items() if held.order[0] <= limit]

    def change(self, new: dict[int, Held], gone: Collection[int]) -> None:
        """Put these items in the place of what was held of them, and leave others out. Many are sorted as a whole."""
        old = [self.held[item_id] for item_id in (*new, *gone) if item_id in self.held]
        held = self.held | new
        for item_id in gone:
            del held[item_id]
            self.sequences.pop(item_id, None)
        if len(old) + len(new) > FEW:
            ordered = sorted(held.values(), key=_order)
        else:
            ordered = list(self.ordered)
            for one in old:
                del ordered[bisect_left(ordered, one.order, key=_order)]
            for one in new.values():
                insort(ordered, one, key=_order)
        self.held, self.ordered = held, ordered
        self.size += sum(map(_size, new.values())) - sum(map(_size, old))


class Calendars:
    """Bodies of feeds from the database, by way of fragments: what did not change is neither read nor rendered again.

    `rendered` counts the events rendered by this process. `base_url` is where the office's pages are; empty: no links.
    `vault` opens door codes for customers' own calendars; None: never (SPEC C4).
    """

    def __init__(
        self,
        database: Database,
        limit: int,
        *,
        base_url: str = "",
        vault: Opener | None = None,
    ) -> None:
        self._database = database
        self._page = f"{base_url}/office/bookings/" if base_url else ""
        self._vault = vault
        self._shelf: Shelf[tuple[Any, ...], Calendar] = Shelf(limit)
        self._lock = threading.Lock()
        self.rendered = 0

    def body(self, feed: FoundFeed, now: datetime) -> Body:
        """The body of a feed whose revision was read before: items may be newer than it, never older."""
        key = (feed.subject_id, feed.choices)
        with self._lock:
            calendar = self._shelf.get(key) or Calendar()
            self._shelf.put(key, calendar, calendar.size)
        with calendar.lock:
            if calendar.revision != (feed.revision, feed.epoch):
                self._refresh(calendar, feed, now)
                self._shelf.put(key, calendar, calendar.size)
            return _join(calendar.ordered, self._head(feed), feed.changed_at, now)

    def _refresh(self, calendar: Calendar, feed: FoundFeed, now: datetime) -> None:
        """Read what changed and render that. None of it is kept where anything fails."""
        since = now - timedelta(days=31 * feed.choices.months_back)
        given, codes = code_given(feed.choices.language), self._codes(feed)
        seen = calendar.seen(feed, now)
        with self._database.read() as session:
            if not calendar.held:
                read = agenda.everything(session, feed.whose, since, given, self._page, codes)
                gone: AbstractSet[int] = frozenset()
            else:
                changed, gone = _changed(session, calendar, feed, since, seen)
                read = agenda.entries(session, feed.whose, changed, given, self._page, codes)
                gone |= changed - read.keys()
        options = options_of(feed.choices)
        rendered = {item_id: _rendered(entry, options, feed.host_id) for item_id, (_, entry) in read.items()}
        self.rendered += len(rendered)
        calendar.change(rendered, gone & calendar.held.keys())
        calendar.sequences.update((item_id, sequence) for item_id, (sequence, _) in read.items())
        calendar.revision = (feed.revision, feed.epoch)
        calendar.whole_at = now if seen is None else calendar.whole_at

    def _codes(self, feed: FoundFeed) -> CodeLines | None:
        """Only a customer's own calendar that shows all: whoever else has an address has it from the house (C4)."""
        if self._vault is None or feed.whose.kind is not SubjectKind.CUSTOMER:
            return None
        if feed.choices.variant is not Variant.FULL:
            return None
        return CodeLines(self._vault, code_line(feed.choices.language))

    def _head(self, feed: FoundFeed) -> FeedHead:
        return FeedHead(feed.name, feed.house, feed.colour, feed.host_id, feed.zone)


_order = attrgetter("order")


def _rendered(entry: AgendaEntry, options: FeedOptions, host_id: str) -> Held:
    until = shown_until(entry, options.window)
    return Held(
        order=feed_order(entry),
        fragment=render_event(entry, options.variant, options.language, host_id, options.alarm),
        zones=zones_of((entry,)),
        until=until,
        modified=entry.last_modified,
        turns=entry.until,
        then=_rendered(entry.then, options, host_id) if entry.then is not None else None,
        since=shown_from(entry, options.window) if until is not None else None,
    )


def _size(held: Held) -> int:
    return len(held.fragment) + HELD_BYTES


def _changed(
    session: Session, calendar: Calendar, feed: FoundFeed, since: datetime, seen: int | None
) -> tuple[AbstractSet[int], AbstractSet[int]]:
    """The items to read again, and those that have left: by the changes after a revision, or by all stamps."""
    if seen is not None:
        limit = agenda.begins_after(since)
        changed = agenda.changed_after(session, feed.whose.organisation_id, seen)
        past = frozenset(item_id for item_id, start in changed.items() if start <= limit)
        return changed.keys() - past, past.union(calendar.begun_by(limit))
    stamps, known = agenda.stamps(session, feed.whose, since), calendar.sequences
    new = frozenset(item_id for item_id, sequence in stamps.items() if known.get(item_id) != sequence)
    return new, frozenset(calendar.held.keys() - stamps.keys())


def _join(ordered: list[Held], head: FeedHead, changed_at: datetime, now: datetime) -> Body:
    """Last-Modified: the last change of any item or of the head, or when last an item came or left by itself."""
    standing = [held if held.then is None else held.at(now) for held in ordered]
    begun = [held for held in standing if held.since is None or held.since <= now]
    shown = [held for held in begun if held.until is not None and now < held.until]
    came = (held.since for held in begun if held.since is not None)
    left = (held.until for held in begun if held.until is not None and held.until <= now)
    coming = (held.since for held in standing if held.since is not None and now < held.since)
    opening = feed_opening(head, frozenset[str]().union(*set(map(attrgetter("zones"), shown))))
    data = b"".join((opening, *map(attrgetter("fragment"), shown), FEED_END))
    tag = etag(chain((digest(opening),), map(attrgetter("digest"), shown)))
    modified = max(chain((changed_at,), came, left, map(attrgetter("modified"), standing)))
    return Body(data, tag, modified, min(chain(map(attrgetter("ends"), shown), coming), default=None))
