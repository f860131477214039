"""Our side, their side and an applier between them, with faults at any boundary. Only `sync.plan` decides."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from booking.values.links import LinkPolicy
from ical.item import Details, Item, Moment, Recurrence, Status
from sync.content import content_key, incoming
from sync.plan import plan, to_fetch
from sync.remotes.memory import MemoryRemote
from sync.remotes.protocol import Cursor, Listing, WriteOutcome, Written
from sync.settle import Done, failed, settle
from sync.values import (
    Field,
    ItemLink,
    Kind,
    Link,
    LinkState,
    LocalEvidence,
    LocalItem,
    Operation,
    Plan,
    Reason,
    RemoteEvidence,
    RemoteItem,
    Side,
)

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOST = "hall.example"
ROOMY = timedelta(days=10)
"""Past the 48 h in which deletions are counted apart."""


def moment(at: datetime, zone: str = "Europe/Berlin") -> Moment:
    wall = at.replace(tzinfo=None) + timedelta(hours=1)
    return Moment(wall, zone, at)


def details(starts_in: timedelta = ROOMY, hours: float = 1, summary: str = "Training", **more: object) -> Details:
    start = NOW + starts_in
    made = Details(moment(start), moment(start + timedelta(hours=hours)), summary)
    return replace(made, **more)  # type: ignore[arg-type] # the tests name fields of Details


def item(uid: str = "u1", starts_in: timedelta = ROOMY, summary: str = "Training", **more: object) -> Item:
    return Item(uid, details(starts_in, summary=summary, **more))


def series(uid: str = "s1", rule: str = "FREQ=WEEKLY;UNTIL=20270601T000000Z", **more: object) -> Item:
    made = Item(uid, details(), Recurrence(rule))
    return replace(made, **more)  # type: ignore[arg-type] # the tests name fields of Item


def changed(one: Item, **more: object) -> Item:
    assert one.master is not None
    return replace(one, master=replace(one.master, **more))  # type: ignore[arg-type] # fields of Details


def moved(one: Item, by: timedelta) -> Item:
    assert one.master is not None
    ends = (one.master.start, one.master.end)
    start, end = (replace(end, wall=end.wall + by, instant=end.instant + by) for end in ends)
    return changed(one, start=start, end=end)


def cancelled(one: Item) -> Item:
    return changed(one, status=Status.CANCELLED)


class Codec:
    """Bytes for items without iCalendar: what is tested here is deciding."""

    def __init__(self) -> None:
        self._items: dict[bytes, Item] = {}

    def write(self, one: Item) -> bytes:
        body = repr((one.uid, one.origin, one.sequence, content_key(one))).encode()
        self._items[body] = one
        return body

    def read(self, body: bytes) -> Item | None:
        """None: nobody can read that. What follows a NUL is how the server likes to write it."""
        return self._items.get(body.partition(b"\0")[0])

    def rewriting(self, change: Callable[[Item], Item]) -> Callable[[bytes], bytes]:
        def rewrite(body: bytes) -> bytes:
            found = self.read(body)
            return body if found is None else self.write(change(found)) + b"\0rewritten"

        return rewrite


class Killed(BaseException):
    pass


@dataclass
class Store:
    """Our bookings and imports, with UIDs that are never used twice by live items."""

    items: dict[int, LocalItem] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    written: dict[int, set[int]] = field(default_factory=dict)
    ids: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def add(self, one: Item, *, is_protected: bool = False, came_from: int | None = None) -> int:
        assert one.uid not in self.uids, f"two live copies of {one.uid} here"
        id_ = self.ids()
        fixed: frozenset[Field] = frozenset()
        self.items[id_] = LocalItem(id_, one.uid, 1, one, is_protected, fixed, came_from)
        return id_

    def change(self, id_: int, one: Item) -> int:
        old = self.items[id_]
        self.items[id_] = replace(old, item=one, revision=old.revision + 1)
        return old.revision + 1

    def end(self, id_: int) -> None:
        self.ended.add(self.items.pop(id_).uid)

    @property
    def uids(self) -> list[str]:
        return [one.uid for one in self.items.values()]

    def evidence(self) -> LocalEvidence:
        there = {id_: replace(one, written_to=frozenset(self.written.get(id_, ()))) for id_, one in self.items.items()}
        return LocalEvidence(there, is_whole=True, ended_uids=frozenset(self.ended))


@dataclass
class Runner:
    """One link at work. `kill_in`: the n-th boundary from now on is the last (None: none).

    `cases` holds one question for each item, renewed where it is asked again, and each conflict that was logged.
    """

    link: Link
    store: Store
    remote: MemoryRemote
    codec: Codec
    now: datetime = NOW
    rows: dict[int, ItemLink] = field(default_factory=dict)
    cursor: Cursor | None = None
    cases: dict[str, Operation] = field(default_factory=dict)
    kill_in: int | None = None
    broken: set[str] = field(default_factory=set)
    erased: list[LocalItem] = field(default_factory=list)
    ids: Callable[[], int] = field(default_factory=lambda: count(1).__next__)
    undone: int = 0
    lagged: bool = False
    erased_too_soon: list[str] = field(default_factory=list)

    def boundary(self) -> None:
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                raise Killed

    def look(self, *, full: bool = False) -> tuple[Plan, Listing]:
        """Read both sides and plan; nothing is written."""
        listing = self.remote.changes(None if full else self.cursor)
        wanted = set(to_fetch(self.rows.values(), listing))
        read = {one.href: one for one in self.remote.fetch(wanted)}
        there = {one.href: RemoteItem(one.href, one.etag) for one in listing.there if one.href not in wanted}
        for href, one in read.items():
            found = self.codec.read(one.body)
            problem = "" if found else "no calendar"
            there[href] = RemoteItem(href, one.etag, found, problem)
        evidence = RemoteEvidence(
            there, listing.is_delta, listing.is_whole, self.now, frozenset(listing.gone) - there.keys()
        )
        rows = list(self.rows.values())
        return plan(self.link, rows, self.store.evidence(), evidence, self.now), listing

    def run(self, *, full: bool = False) -> Plan:
        made, listing = self.look(full=full)
        self.undone = len(made.postponed)
        self.apply(made)
        if not self.undone:
            self.cursor = listing.cursor
        self.link = replace(self.link, identity=made.identity)
        return made

    def killed_run(self, after: int) -> bool:
        """Run up to a boundary; True where it was reached."""
        self.kill_in = after
        try:
            self.run()
        except Killed:
            return True
        finally:
            self.kill_in = None
        return False

    def settle_down(self, runs: int = 2, *, step: timedelta = timedelta(minutes=20)) -> Plan:
        """So many quiet runs, then one more, whose plan is the answer."""
        for _ in range(runs):
            self.run(full=True)
            self.now += step
        return self.look(full=True)[0]

    def decide(self, uid: str, **changes: object) -> None:
        for id_, row in self.rows.items():
            if row.uid == uid and row.state is not LinkState.TOMBSTONE:
                self.rows[id_] = replace(row, **changes)  # type: ignore[arg-type] # fields of ItemLink

    def apply(self, made: Plan) -> None:
        done: dict[int, Done] = {}
        skipped: set[int] = set()
        for one in made.operations:
            self.boundary()
            key = id(one.row)
            if key in skipped:
                continue
            if one.row.href in self.broken:
                self._save(failed(one.row, self.now, "broken", 0.5))
                skipped.add(key)
            elif not self._step(one, done):
                skipped.add(key)
                self.undone += 1

    def _step(self, one: Operation, done: dict[int, Done]) -> bool:
        so_far = done.get(id(one.row), Done())
        if one.conflicts or one.kind is Kind.PROPOSE:
            self.cases[one.row.uid if one.kind is Kind.PROPOSE else one.key] = one
        if one.is_write:
            act = self._act_here if one.side is Side.LOCAL else self._act_there
            found = act(one, so_far)
            if found is None:
                return False
            so_far = done[id(one.row)] = found
        if one.after is not None:
            self._save(settle(one.after, so_far))
        return True

    def _act_here(self, one: Operation, so_far: Done) -> Done | None:
        row = one.row
        if one.kind is Kind.CREATE:
            assert one.payload is not None
            id_ = self.store.add(one.payload, came_from=self.link.id)
            return replace(so_far, local_id=id_, revision=1)
        assert row.local_id is not None
        if self.store.items[row.local_id].revision != one.expected_revision:
            return None
        if one.kind is Kind.DELETE:
            gone = self.store.items[row.local_id]
            if one.reason is not Reason.DECIDED:
                self.erased.append(gone)
                stands = [other.uid for other in self.their_items() if incoming(self.link, other)]
                self.erased_too_soon += [uid for uid in stands if uid == one.row.uid]
            self.store.end(row.local_id)
            return so_far
        assert one.payload is not None
        return replace(so_far, revision=self.store.change(row.local_id, one.payload))

    def _act_there(self, one: Operation, so_far: Done) -> Done | None:
        href = one.row.href or self.remote.href_for(one.row.uid)
        if not self.remote.probe().updates_guarded and not self._stands(one, href):
            return None
        written = self._write(one, href)
        self.boundary()
        if one.kind is Kind.DELETE:
            return replace(so_far, href=href) if written.outcome is not WriteOutcome.CLASHED else None
        if written.outcome is not WriteOutcome.DONE:
            return None
        if one.row.local_id is not None:
            self.store.written.setdefault(one.row.local_id, set()).add(self.link.id)
        back = self.remote.fetch([href])
        self.boundary()
        if not back:
            return None
        is_proven = written.etag is not None and written.etag == back[0].etag
        read = self.codec.read(back[0].body)
        return replace(so_far, href=href, etag=back[0].etag, read_back=read, is_proven=is_proven)

    def _write(self, one: Operation, href: str) -> Written:
        if one.kind is Kind.DELETE:
            return self.remote.delete(href, one.expected_etag)
        assert one.payload is not None
        body = self.codec.write(replace(one.payload, uid=one.row.uid))
        if one.kind is Kind.CREATE:
            return self.remote.create(href, body)
        return self.remote.update(href, body, one.expected_etag)

    def _stands(self, one: Operation, href: str) -> bool:
        """Where the server guards nothing: does it still hold what the plan saw?"""
        found = self.remote.fetch([href])
        if one.kind is Kind.CREATE:
            return not found
        read = self.codec.read(found[0].body) if found else None
        return not found or (
            read is not None and one.theirs is not None and content_key(read) == content_key(one.theirs)
        )

    def _save(self, row: ItemLink) -> None:
        self.boundary()
        id_ = row.id or self.ids()
        self.rows[id_] = replace(row, id=id_)

    def their_items(self) -> list[Item]:
        return [found for body in self.remote.bodies.values() if (found := self.codec.read(body))]

    def edit_there(self, one: Item, href: str | None = None) -> str:
        href = href or next((row.href for row in self.rows.values() if row.uid == one.uid and row.href), None)
        href = href or self.remote.href_for(one.uid)
        self.remote.edit(href, self.codec.write(one))
        return href

    def delete_there(self, uid: str) -> None:
        for href, body in list(self.remote.bodies.items()):
            found = self.codec.read(body)
            if found and found.uid == uid:
                self.remote.remove(href)

    def row(self, uid: str) -> ItemLink:
        return next(one for one in self.rows.values() if one.uid == uid)


def runner(policy: LinkPolicy = LinkPolicy.TWO_WAY, *, remote: MemoryRemote | None = None, **link: object) -> Runner:
    made = Link(1, HOST, policy)
    made = replace(made, **link)  # type: ignore[arg-type] # the tests name fields of Link
    return Runner(made, Store(), remote or MemoryRemote(), Codec())
