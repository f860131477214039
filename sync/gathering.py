"""Both sides as evidence: the listing and its content read outside of any transaction, ours in short reading ones.

With a delta only what it names, what waits, and what changed here is read; of a complete listing what differs from the
index, too (`sync.narrowing`; SPEC C6, C9, C10). Where much is new and nothing else, it is taken in parts, each as a
delta that names some of it: what was read is planned and stored while the server works on the rest.
"""

import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy.orm import Session

from booking.reads import link_evidence
from booking.reads.link_evidence import LinkFacts
from booking.reads.link_marks import has_brought, is_bare, marks_of, revived
from booking.tables.database import Database
from booking.values.links import LinkKind, LocalBooking, StoredItem
from ical.canon import item_of
from ical.item import Item
from sync import foreign_item
from sync.content import first_of
from sync.fetching import Brought, brought
from sync.many import Outcome, read_many
from sync.narrowing import narrow
from sync.newcomers import settling
from sync.plan import to_fetch
from sync.progress import Progress, Stage, untold
from sync.remotes.ics import IcsRemote
from sync.remotes.protocol import Cursor, CursorKind, Listed, Listing, Remote, Resource
from sync.store import booking_item, import_item, item_link_of, link_of, own_uuid
from sync.values import REFUSED, Identity, ItemLink, Link, LocalEvidence, LocalItem, RemoteEvidence, RemoteItem

Reader = Callable[[Sequence[bytes], str], list[Outcome | None]]
T = TypeVar("T")

FETCH = 500


@dataclass(frozen=True, slots=True)
class House:
    """What of the house matters to a link: what its marks begin with, its zone, and what stands for a busy time.

    `links`: ids of all its links, by which the mark of one that is no more is known.
    """

    instance: str
    zone: str
    busy_text: str
    links: frozenset[int]


@dataclass(frozen=True, slots=True)
class Gathered:
    """All that a plan is made of. `bodies` are those fetched, by address. `is_read`: all that was to be read was.

    `is_all`: all rows of the link were looked at. `is_first`: it has none yet. `of`: how many items there are in all
    where these are a part of them, else 0.
    """

    link: Link
    rows: tuple[ItemLink, ...]
    versions: Mapping[int, int]
    local: LocalEvidence
    remote: RemoteEvidence
    listing: Listing
    bodies: Mapping[str, bytes] = field(repr=False)
    is_read: bool
    is_all: bool
    is_first: bool
    of: int = 0


Rows = dict[int | None, StoredItem]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The rows to look at, what of the listing to look at, what was brought astray, how much stands beside it.

    `is_all`: these are all rows.
    """

    rows: Rows
    listed: tuple[Listed, ...]
    is_all: bool
    astray: frozenset[int] = frozenset()
    others: int = 0


class Gatherer:
    """Gathers once. `patience` is asked before each piece of work there; False: the time for reading is over, and what
    is left is read by the next run.
    """

    def __init__(
        self,
        database: Database,
        facts: LinkFacts,
        house: House,
        remote: Remote,
        patience: Callable[[], bool],
        reader: Reader = read_many,
        progress: Progress = untold,
    ) -> None:
        self.database, self.facts, self.house, self.remote = database, facts, house, remote
        self.patience, self.reader, self.progress = patience, reader, progress
        self.bodies: dict[str, bytes] = {}
        self.is_read = True
        self.unread: set[str] = set()
        self._turns = threading.Lock()

    def gather(
        self, now: datetime, *, full: bool, whole: bool = False, in_parts: bool = False
    ) -> Generator[Gathered, None, None]:
        """`full`: all is listed, whatever the cursor says; `whole`: and all rows are held against it. `in_parts`: much
        that is new may come in several; nothing of it is fetched any more once the generator is closed.

        Raises the errors of `outside.errors`.
        """
        facts = self.facts
        if isinstance(self.remote, IcsRemote):
            self.remote.on_news = self._get_ready
        listing = self.remote.changes(None if full else self._cursor())
        if listing.there and (listing.is_delta or facts.last_full_at is None):
            self._get_ready()
        asked = self._read(lambda db: self._asked(db, listing, whole=whole))
        seen = replace(listing, there=asked.listed)
        wanted = to_fetch([item_link_of(row) for row in asked.rows.values()], seen)
        if in_parts and self._is_divided(listing, asked, wanted):
            yield from self._parts(now, listing, asked, wanted)
        else:
            there = self._fetched(seen, wanted)
            yield self._gathered(now, self._with_lost(listing, wanted, there), asked, there)

    def _gathered(
        self, now: datetime, listing: Listing, asked: _Asked, there: Mapping[str, RemoteItem], *, is_last: bool = True
    ) -> Gathered:
        is_delta, looks = listing.is_delta, is_last  # at what changed here
        local, rows = self._read(lambda db: self._local(db, now, asked, there, is_delta=is_delta, looks=looks))
        late = _as_listed(listing, [row for row_id, row in rows.items() if row_id not in asked.rows])
        gone = frozenset(listing.gone) - there.keys()
        remote = RemoteEvidence(
            *({**there, **late}, is_delta, listing.is_whole, now, gone),
            others=asked.others - len(late),
            is_read=self.is_read and is_last,
            is_part=not is_last,
        )
        link = link_of(self.facts, self.house.instance, self.house.busy_text)
        return Gathered(
            link=replace(link, active=None) if asked.is_all else link,
            rows=tuple(item_link_of(row) for row in rows.values()),
            versions={row.id: row.version for row in rows.values() if row.id is not None},
            local=local,
            remote=remote,
            listing=listing,
            bodies=self.bodies,
            is_read=self.is_read,
            is_all=asked.is_all,
            is_first=asked.is_all and not rows,
        )

    def _get_ready(self) -> None:
        """Something will have to be read; what reads starts meanwhile."""
        self.reader((), self.house.zone)

    def _read(self, work: Callable[[Session], T]) -> T:
        with self.database.read() as session:
            return work(session)

    def _cursor(self) -> Cursor | None:
        kind = self.facts.cursor_kind
        return Cursor(CursorKind(kind), self.facts.cursor) if kind else None

    def _asked(self, session: Session, listing: Listing, *, whole: bool) -> _Asked:
        facts = self.facts
        if listing.is_delta:
            hrefs = [*(one.href for one in listing.there), *listing.gone]
            found = link_evidence.rows_by(session, facts.link_id, hrefs=hrefs) if hrefs else []
            return _Asked(
                _by_id(found, link_evidence.waiting_rows(session, facts.link_id)), listing.there, is_all=False
            )
        narrowed = marks = None
        if not whole and facts.identity == Identity.UID:
            marks = marks_of(session, facts.link_id, settling(facts.policy))
            narrowed = narrow(listing, marks.rows)
        if narrowed is None or marks is None:
            return _Asked(_by_id(link_evidence.all_rows(session, facts.link_id)), listing.there, is_all=True)
        rows = link_evidence.rows_by(session, facts.link_id, hrefs=narrowed.hrefs)
        return _Asked(_by_id(rows), narrowed.listed, is_all=False, astray=marks.astray, others=narrowed.others)

    def _is_divided(self, listing: Listing, asked: _Asked, wanted: Collection[str]) -> bool:
        """Of all that is named nothing is known, and one part can be fetched while another is written. A link that has
        lost its rows and not what it brought needs one look at all: what is there no more is told by that alone.
        """
        if self.remote.parallel == 1 or len(wanted) <= FETCH or asked.rows or listing.gone or not listing.is_whole:
            return False
        is_first = asked.is_all and not self._read(lambda db: has_brought(db, self.facts.link_id))
        return listing.is_delta or is_first

    def _parts(
        self, now: datetime, listing: Listing, asked: _Asked, wanted: Sequence[str]
    ) -> Generator[Gathered, None, None]:
        """Until all is read nothing new of ours is looked at: it may lie there under an address that comes later."""
        batches, etags = _batches(wanted), dict(listing.there)
        with closing(self._brought(batches, untold)) as parts:  # how much of it is stored is told
            for batch, part in zip(batches, parts, strict=True):
                delta = replace(listing, is_delta=True, there=tuple(Listed(href, etags[href]) for href in batch))
                there, is_last = self._named(part, etags), batch is batches[-1]
                found = self._gathered(now, delta, self._known(delta), there, is_last=is_last)
                is_first = asked.is_all and batch is batches[0]
                yield replace(found, listing=listing, is_all=asked.is_all, is_first=is_first, of=len(wanted))

    def _known(self, delta: Listing) -> _Asked:
        return self._read(lambda db: self._asked(db, delta, whole=False))

    def _fetched(self, listing: Listing, wanted: Collection[str]) -> dict[str, RemoteItem]:
        """What is there, with the content of what was to be read. An address that is gone meanwhile is left out."""
        asked = dict.fromkeys(wanted)
        etags = dict(listing.there)
        there = {one.href: RemoteItem(one.href, one.etag) for one in listing.there if one.href not in asked}
        batches = _batches(asked)
        with closing(self._brought(batches, self.progress)) as parts:
            for part in parts:
                there |= self._named(part, etags)
        if self.facts.kind is LinkKind.ICS:
            # named, but in no block of its own: it is there, whatever it says
            lost = (one for one in listing.there if one.href in asked and one.href not in there)
            there |= {one.href: RemoteItem(one.href, one.etag, None, foreign_item.NOT_THERE) for one in lost}
        return there

    def _with_lost(self, listing: Listing, wanted: Iterable[str], there: Mapping[str, RemoteItem]) -> Listing:
        """What waits was asked for by its address, whatever a delta names: that it is not there is said of it alone. An
        earlier delta may have named it gone, when its row had to rest. A calendar at an address is only read whole.
        """
        if not listing.is_delta or self.facts.kind is LinkKind.ICS:
            return listing
        known = self.unread.union(there, listing.gone, (one.href for one in listing.there))
        return replace(listing, gone=(*listing.gone, *(href for href in wanted if href not in known)))

    def _named(self, part: Brought, etags: Mapping[str, str | None]) -> dict[str, RemoteItem]:
        """Of what was named without its content is known neither that it changed nor that it is gone."""
        if part.unread:
            self.is_read = False
            self.unread.update(part.unread)
        unread = {href: RemoteItem(href, etags[href]) for href in part.unread if href in etags}
        return {one.href: one for one in part.items} | unread

    def _brought(self, batches: Sequence[Sequence[str]], progress: Progress) -> Generator[Brought, None, None]:
        total = sum(map(len, batches))

        def read(resources: Sequence[Resource]) -> list[RemoteItem]:
            items = self.read(resources)
            progress(Stage.READ, len(resources), total)
            return items

        return brought(self.remote, batches, read, self.patience)

    def read(self, resources: Sequence[Resource]) -> list[RemoteItem]:
        """Resources as items, or with the problem that keeps them from being one. Threads take turns."""
        handed_out = [one for one in resources if not one.is_refused]
        outcomes = self.reader([one.body for one in handed_out], self.house.zone) if handed_out else []
        pairs = list(zip(handed_out, outcomes, strict=True))
        with self._turns:
            self.bodies |= {one.href: one.body for one in handed_out}
            if any(outcome is None for _, outcome in pairs):
                self.is_read = False  # and never True again: another thread may have said so
        refused = [RemoteItem(one.href, one.etag, None, REFUSED) for one in resources if one.is_refused]
        return refused + [self._item(one, outcome) for one, outcome in pairs]

    def _item(self, resource: Resource, outcome: Outcome | None) -> RemoteItem:
        if outcome is None:  # it is there, and nobody knows what it says
            return RemoteItem(resource.href, resource.etag)
        read = foreign_item.item_of(outcome, is_writer=self.facts.policy.writes)
        item = None if read.item is None else self._without_dead_mark(read.item)
        return RemoteItem(resource.href, resource.etag, item, read.problem, read.lacks)

    def _without_dead_mark(self, item: Item) -> Item:
        """The mark of a link that is no more says nothing of a way around: the item is this link's to find again."""
        instance, _, number = (item.origin or "").partition("/")
        if instance != self.house.instance or not number.isdecimal() or int(number) in self.house.links:
            return item
        return replace(item, origin=f"{instance}/{self.facts.link_id}")

    def _local(
        self,
        session: Session,
        now: datetime,
        asked: _Asked,
        there: Mapping[str, RemoteItem],
        *,
        is_delta: bool,
        looks: bool,
    ) -> tuple[LocalEvidence, Rows]:
        fresh = _fresh(asked.rows.values(), there.values())
        ended = self._ended(session, fresh)
        if asked.is_all:
            evidence = self._evidence(session, link_evidence.bookings(session, self.facts), None)
            return replace(evidence, ended_uids=ended), asked.rows
        changed, gone = link_evidence.touched(session, self.facts, now) if looks else (set(), set())
        if not is_delta:
            changed |= revived(session, self.facts) | {-one for one in asked.astray}
            fresh += _only_known(asked.rows.values(), there)
        evidence, rows = self._touched(session, asked.rows, fresh, changed, gone)
        may_be_bare = not is_delta and not evidence.there
        return replace(evidence, ended_uids=ended, is_bare=may_be_bare and is_bare(session, self.facts)), rows

    def _touched(
        self, session: Session, rows: Rows, fresh: Collection[Item], changed: set[int], ended: set[int]
    ) -> tuple[LocalEvidence, Rows]:
        """What changed here, what new items there may be twins or copies of, and the rows of all that."""
        facts, instance = self.facts, self.house.instance
        uids = [uuid for item in fresh if (uuid := own_uuid(item.uid, instance))]
        starts = [first_of(item).start.instant for item in fresh] if facts.policy.imports else []
        alike = {one.item_id for one in link_evidence.bookings_like(session, facts, uids, starts)}
        of_locals = link_evidence.rows_by(session, facts.link_id, locals_=changed | ended | alike)
        new = (alike | changed) - {row.local_id for row in of_locals if row.local_id is not None}
        named = self._evidence(session, *self._live(session, new))
        names = {item.uid for item in fresh} | {one.uid for one in named.there.values()}
        known = rows | _by_id(of_locals, link_evidence.rows_by(session, facts.link_id, uids=names))
        local_ids = {row.local_id for row in known.values() if row.local_id is not None} | alike | changed
        evidence = self._evidence(session, *self._live(session, local_ids))
        return replace(evidence, gone=frozenset(local_ids - evidence.there.keys())), known

    def _live(self, session: Session, local_ids: Collection[int]) -> tuple[list[LocalBooking], set[int]]:
        """The bookings among these that are live, and ids of times that may have been brought."""
        bookings = link_evidence.bookings(session, self.facts, {one for one in local_ids if one > 0})
        return bookings, {-one for one in local_ids if one < 0}

    def _evidence(
        self, session: Session, bookings: Sequence[LocalBooking], import_ids: Collection[int] | None
    ) -> LocalEvidence:
        facts, house = self.facts, self.house
        elsewhere: dict[int, set[int]] = {}
        if facts.policy.imports:
            ids = [one.item_id for one in bookings]
            elsewhere = link_evidence.written_elsewhere(session, facts.link_id, ids)
        there: dict[int, LocalItem] = {}
        for one in bookings:
            written = elsewhere.get(one.item_id, set())
            there[one.item_id] = booking_item(facts, one, house.instance, house.busy_text, written)
        for time in link_evidence.imports(session, facts.link_id, import_ids):
            there[-time.id] = import_item(time, facts.link_id)
        return LocalEvidence(there, is_whole=import_ids is None)

    def _ended(self, session: Session, fresh: Iterable[Item]) -> frozenset[str]:
        uids = {uuid: item.uid for item in fresh if (uuid := own_uuid(item.uid, self.house.instance))}
        found = link_evidence.ended_uids(session, self.facts.organisation_id, uids.keys())
        return frozenset(uids[uuid] for uuid in found)


def _batches(hrefs: Iterable[str]) -> list[tuple[str, ...]]:
    left = iter(hrefs)
    return list(iter(lambda: tuple(islice(left, FETCH)), ()))


def _by_id(*many: Iterable[StoredItem]) -> Rows:
    return {row.id: row for rows in many for row in rows}


def _as_listed(listing: Listing, rows: Sequence[StoredItem]) -> dict[str, RemoteItem]:
    """What the listing says of rows that were found to matter only after it was read: nothing there has changed."""
    hrefs = {row.href for row in rows}
    return {one.href: RemoteItem(one.href, one.etag) for one in listing.there if one.href in hrefs} if hrefs else {}


def _only_known(rows: Iterable[StoredItem], there: Mapping[str, RemoteItem]) -> list[Item]:
    """Items to which nothing of ours belongs, and which stand there as they were known."""
    known = [row for row in rows if row.local_id is None and row.href in there and there[row.href].item is None]
    return [item_of(text) for row in known if (text := row.base_remote or row.base)]


def _fresh(rows: Iterable[StoredItem], there: Iterable[RemoteItem]) -> list[Item]:
    """Items at addresses that no row knows, and those that are only known: it may be time that more comes of them."""
    linked = {row.href for row in rows if row.local_id is not None}
    return [one.item for one in there if one.item is not None and one.href not in linked]
