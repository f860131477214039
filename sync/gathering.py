"""Both sides as evidence: the listing and its content read outside of any transaction, ours in short reading ones.

With a delta only what it names, what waits, and what changed here is read (SPEC C6, C9, C10).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy.orm import Session

from booking.reads import link_evidence
from booking.reads.link_evidence import LinkFacts
from booking.tables.database import Database
from booking.values.links import LinkKind, LocalBooking, StoredItem
from booking.values.refusals import Refused
from ical.item import Item
from sync.content import first_of
from sync.many import Outcome, read_many
from sync.plan import to_fetch
from sync.remotes.protocol import Cursor, CursorKind, Listing, Remote, Resource
from sync.store import booking_item, import_item, item_link_of, link_of, own_uuid
from sync.values import ItemLink, Link, LocalEvidence, LocalItem, RemoteEvidence, RemoteItem

Reader = Callable[[Sequence[bytes], str], list[Outcome | None]]
T = TypeVar("T")

FETCH = 500
NOT_THERE = "it never ends"
SEVERAL = "more than one event"
NO_EVENT = "no event"
BROKEN = "parts of it cannot be read"


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
    """All that a plan is made of. `bodies` are those fetched, by address. `is_read`: all that was to be read was."""

    link: Link
    rows: tuple[ItemLink, ...]
    versions: Mapping[int, int]
    local: LocalEvidence
    remote: RemoteEvidence
    listing: Listing
    bodies: Mapping[str, bytes] = field(repr=False)
    is_read: bool


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
    ) -> None:
        self.database, self.facts, self.house, self.remote = database, facts, house, remote
        self.patience, self.reader = patience, reader
        self.bodies: dict[str, bytes] = {}
        self.is_read = True

    def gather(self, now: datetime, *, full: bool) -> Gathered:
        """Raises the errors of `outside.errors`."""
        listing = self.remote.changes(None if full else self._cursor())
        rows = self._read(lambda db: self._rows_listed(db, listing))
        there = self._fetched(listing, to_fetch([item_link_of(row) for row in rows.values()], listing))
        gone = frozenset(listing.gone) - there.keys()
        remote = RemoteEvidence(there, listing.is_delta, listing.is_whole, now, gone)
        link = link_of(self.facts, self.house.instance, self.house.busy_text)
        local, rows = self._read(lambda db: self._local(db, now, rows, there.values(), is_delta=listing.is_delta))
        return Gathered(
            link=link if listing.is_delta else replace(link, active=None),
            rows=tuple(item_link_of(row) for row in rows.values()),
            versions={row.id: row.version for row in rows.values() if row.id is not None},
            local=local,
            remote=remote,
            listing=listing,
            bodies=self.bodies,
            is_read=self.is_read,
        )

    def _read(self, work: Callable[[Session], T]) -> T:
        with self.database.read() as session:
            return work(session)

    def _cursor(self) -> Cursor | None:
        kind = self.facts.cursor_kind
        return Cursor(CursorKind(kind), self.facts.cursor) if kind else None

    def _rows_listed(self, session: Session, listing: Listing) -> dict[int | None, StoredItem]:
        if not listing.is_delta:
            return {row.id: row for row in link_evidence.all_rows(session, self.facts.link_id)}
        hrefs = [*(one.href for one in listing.there), *listing.gone]
        found = link_evidence.rows_by(session, self.facts.link_id, hrefs=hrefs)
        return {row.id: row for row in (*found, *link_evidence.waiting_rows(session, self.facts.link_id))}

    def _fetched(self, listing: Listing, wanted: Collection[str]) -> dict[str, RemoteItem]:
        """What is there, with the content of what was to be read. An address that is gone meanwhile is left out."""
        asked = dict.fromkeys(wanted)
        etags = {one.href: one.etag for one in listing.there}
        there = {one.href: RemoteItem(one.href, one.etag) for one in listing.there if one.href not in asked}
        hrefs = iter(asked)
        while batch := list(islice(hrefs, FETCH)):
            if self.patience():
                there |= {one.href: one for one in self.read(self.remote.fetch(batch))}
            else:  # named without its content, it is neither changed nor gone
                self.is_read = False
                there |= {href: RemoteItem(href, etags[href]) for href in batch if href in etags}
        if self.facts.kind is LinkKind.ICS:
            # named, but in no block of its own: it is there, whatever it says
            lost = (one for one in listing.there if one.href in asked and one.href not in there)
            there |= {one.href: RemoteItem(one.href, one.etag, None, NOT_THERE) for one in lost}
        return there

    def read(self, resources: Sequence[Resource]) -> list[RemoteItem]:
        """Resources as items, or with the problem that keeps them from being one."""
        self.bodies |= {one.href: one.body for one in resources}
        outcomes = self.reader([one.body for one in resources], self.house.zone) if resources else []
        pairs = list(zip(resources, outcomes, strict=True))
        self.is_read = self.is_read and all(outcome is not None for _, outcome in pairs)
        return [self._item(one, outcome) for one, outcome in pairs if outcome is not None]

    def _item(self, resource: Resource, outcome: Outcome) -> RemoteItem:
        item, problem = _item_of(outcome, is_writer=self.facts.policy.writes)
        if item is not None:
            item = self._without_dead_mark(item)
        return RemoteItem(resource.href, resource.etag, item, problem)

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
        rows: dict[int | None, StoredItem],
        there: Collection[RemoteItem],
        *,
        is_delta: bool,
    ) -> tuple[LocalEvidence, dict[int | None, StoredItem]]:
        fresh = _fresh(rows.values(), there)
        ended = self._ended(session, fresh)
        if not is_delta:
            bookings = link_evidence.bookings(session, self.facts)
            return self._evidence(session, bookings, None, frozenset(), ended), rows
        return self._delta(session, now, rows, fresh, ended)

    def _delta(
        self,
        session: Session,
        now: datetime,
        rows: dict[int | None, StoredItem],
        fresh: Collection[Item],
        ended: frozenset[str],
    ) -> tuple[LocalEvidence, dict[int | None, StoredItem]]:
        """What changed here, what new items there may be twins or copies of, and the rows of all that."""
        facts, instance = self.facts, self.house.instance
        changed, gone = link_evidence.touched(session, facts, now)
        uids = [uuid for item in fresh if (uuid := own_uuid(item.uid, instance))]
        starts = [first_of(item).start.instant for item in fresh] if facts.policy.imports else []
        alike = link_evidence.bookings_like(session, facts, uids, starts)
        ids = changed | gone | {one.item_id for one in alike}
        of_locals = link_evidence.rows_by(session, facts.link_id, locals_=ids)
        new = {one.item_id for one in alike} | changed
        linked = {row.local_id for row in of_locals}
        named = link_evidence.bookings(session, facts, new - {one for one in linked if one is not None})
        names = {item.uid for item in fresh} | {booking_item(facts, one, instance, "").uid for one in named}
        of_uids = link_evidence.rows_by(session, facts.link_id, uids=names)
        known = rows | {row.id: row for row in (*of_locals, *of_uids)}
        local_ids = {row.local_id for row in known.values() if row.local_id is not None} | new
        bookings = link_evidence.bookings(session, facts, {one for one in local_ids if one > 0})
        found = {one.item_id for one in bookings}
        missing = frozenset(one for one in local_ids if one > 0 and one not in found)
        evidence = self._evidence(session, bookings, {-one for one in local_ids if one < 0}, missing, ended)
        lost = frozenset(one for one in local_ids if one < 0 and one not in evidence.there)
        return replace(evidence, gone=evidence.gone | lost), known

    def _evidence(
        self,
        session: Session,
        bookings: Sequence[LocalBooking],
        import_ids: Collection[int] | None,
        gone: frozenset[int],
        ended: frozenset[str],
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
        for brought in link_evidence.imports(session, facts.link_id, import_ids):
            there[-brought.id] = import_item(brought, facts.link_id)
        return LocalEvidence(there, is_whole=import_ids is None, gone=gone, ended_uids=ended)

    def _ended(self, session: Session, fresh: Iterable[Item]) -> frozenset[str]:
        uids = {uuid: item.uid for item in fresh if (uuid := own_uuid(item.uid, self.house.instance))}
        found = link_evidence.ended_uids(session, self.facts.organisation_id, uids.keys())
        return frozenset(uids[uuid] for uuid in found)


def _fresh(rows: Iterable[StoredItem], there: Iterable[RemoteItem]) -> list[Item]:
    """Items at addresses that no row knows, and those that are only known: it may be time that more comes of them."""
    linked = {row.href for row in rows if row.local_id is not None}
    return [one.item for one in there if one.item is not None and one.href not in linked]


def _item_of(outcome: Outcome, *, is_writer: bool) -> tuple[Item | None, str]:
    """A link that writes takes an item whole or not at all; one that reads takes what can be read of it."""
    if isinstance(outcome, Refused):
        return None, outcome.codes[0]
    if len(outcome.items) > 1:
        return None, SEVERAL
    if not outcome.items:
        return None, outcome.problems[0].code.value if outcome.problems else NO_EVENT
    item = outcome.items[0]
    if is_writer and (not outcome.is_whole or item.uid in outcome.lost):
        return None, BROKEN
    return item, ""
