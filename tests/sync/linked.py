"""A house with a link to a calendar in memory: real database, real planner, real iCalendar bytes, a clock to turn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.links import make_link
from booking.actions.requests import Made
from booking.reads.house import House, read_house
from booking.reads.links import LinkLine, links_of
from booking.tables.bookings import CaseFile, Occupancy
from booking.tables.database import Database
from booking.tables.links import CalendarLink, ImportedTime, ItemLink, PlanOp, SyncRun
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings, RunMode, RunOutcome
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from ical.item import Details, Item
from ical.item_writer import write_item
from ical.moments import in_zone
from ical.reading import Reading, read
from sync.many import Outcome
from sync.remotes.memory import MemoryRemote
from sync.remotes.opening import Meter, Place
from sync.remotes.protocol import Remote
from sync.runner import Engine, Ran, run_link
from tests.builders import NOW, ZONE, Ids, build_house, contact, make_tools, request

OFFICE = Actor("Frau Office", None, "test")
T = TypeVar("T")


class Killed(BaseException):
    """The process ends here."""


def read_here(bodies: Sequence[bytes], zone: str) -> list[Outcome | None]:
    """As `sync.many` reads, without a child: what is read here is our own."""
    return [read(body, zone) for body in bodies]


@dataclass
class World:
    """`kill_at`: the n-th boundary from now on is the last. `visited` counts them by name."""

    database: Database
    remote: MemoryRemote
    ids: Ids
    now: datetime = NOW
    link_id: int = 0
    public_id: UUID | None = None
    kill_at: int | None = None
    visited: list[str] = field(default_factory=list)
    seconds: float = 60.0
    guests: int = 0

    def __post_init__(self) -> None:
        self.tools = make_tools()
        self.remote.hook = lambda moment, method: self.point(f"{moment} {method}")

    @property
    def engine(self) -> Engine:
        return Engine(
            database=self.database,
            tools=self.tools,
            allow_private=frozenset(),
            own_urls=("https://hall.example",),
            clock=self.clock,
            opener=self._open,
            reader=read_here,
            point=self.point,
            seconds=self.seconds,
        )

    @contextmanager
    def _open(self, _place: Place, meter: Meter) -> Iterator[Remote]:
        before = self.remote.hook

        def counting(moment: str, method: str) -> None:
            meter.requests += moment == "before"
            before(moment, method)

        self.remote.hook = counting
        try:
            yield self.remote
        finally:
            self.remote.hook = before

    def clock(self) -> datetime:
        return self.now

    def point(self, name: str) -> None:
        self.visited.append(name)
        if self.kill_at is not None:
            self.kill_at -= 1
            if self.kill_at < 0:
                raise Killed(name)

    def write(self, action: Callable[[Session], T]) -> T:
        return self.database.write(action)

    def rows(self, query: Any) -> list[Any]:
        with self.database.read() as session:
            return list(session.scalars(query))

    @property
    def house(self) -> House:
        with self.database.read() as session:
            return read_house(session, self.ids.organisation_id)

    @property
    def link(self) -> CalendarLink:
        with self.database.read() as session:
            return session.get_one(CalendarLink, self.link_id)

    @property
    def line(self) -> LinkLine:
        with self.database.read() as session:
            return next(one for one in links_of(session) if one.link_id == self.link_id)

    def connect(self, policy: LinkPolicy = LinkPolicy.TWO_WAY, **more: Any) -> None:
        wanted = replace(LinkSettings("Kalender", LinkKind.CALDAV, self.ids.hall, policy), **more)
        access = LinkAccess("https://dav.example/hall/", "u", "geheim")
        made = self.write(
            lambda db: make_link(db, self.now, self.tools, self.ids.organisation_id, OFFICE, wanted, access)
        )
        assert isinstance(made, UUID), made
        self.public_id = made
        (self.link_id,) = self.rows(select(CalendarLink.id).where(CalendarLink.public_id == made))

    def book(self, days: float, hours: float = 1, room: int | None = None) -> Made:
        start = NOW + timedelta(days=days)
        slot = Slot(start, start + timedelta(hours=hours))
        self.guests += 1
        who = contact(f"Gast {self.guests}")
        made = self.write(lambda db: request(db, self.now, self.tools, self.ids, room or self.ids.hall, slot, who))
        assert isinstance(made, Made), made
        return made

    def run(self, mode: RunMode = RunMode.NORMAL, *, shown: str | None = None) -> Ran:
        ran = run_link(self.engine, self.link_id, mode, shown=shown)
        assert ran is not None
        return ran

    def settle(self) -> Ran:
        """Run, and again; the second run wrote nothing (SPEC C10)."""
        first = self.run()
        assert first.outcome is RunOutcome.DONE, first
        self.assert_quiet()
        return first

    def assert_quiet(self, requests: int | None = 1) -> None:
        before = self.remote.writes
        ran = self.run()
        assert (ran.outcome, ran.applied.here, ran.applied.there) == (RunOutcome.DONE, 0, 0), ran
        assert ran.plan is not None
        assert not ran.plan.operations, [(one.kind, one.side, one.reason) for one in ran.plan.operations]
        assert self.remote.writes == before
        if requests is not None:
            assert ran.requests == requests

    def killed_run(self, after: int) -> bool:
        """Run up to a boundary, in a process that dies there: its lease runs out before the next run."""
        self.kill_at = after
        try:
            self.run()
        except Killed:
            self.now += timedelta(minutes=2)
            return True
        finally:
            self.kill_at = None
        return False

    def theirs(self) -> dict[str, Item]:
        found: dict[str, Item] = {}
        for body in self.remote.bodies.values():
            reading = read(body, ZONE.key)
            assert isinstance(reading, Reading)
            for one in reading.items:
                assert one.uid not in found, "two live copies of one UID"
                found[one.uid] = one
        return found

    def put(self, item: Item, href: str | None = None) -> str:
        """Somebody else's program writes an item."""
        where = href or self.remote.href_for(item.uid)
        self.remote.edit(where, write_item(item, self.now))
        return where

    def their_href(self, uid: str) -> str:
        for href, body in self.remote.bodies.items():
            reading = read(body, ZONE.key)
            if isinstance(reading, Reading) and any(one.uid == uid for one in reading.items):
                return href
        raise LookupError(uid)

    def edit_theirs(self, uid: str, **changes: Any) -> None:
        item = self.theirs()[uid]
        assert item.master is not None
        changed = replace(item, master=replace(item.master, **changes), sequence=item.sequence + 1)
        self.put(changed, self.their_href(uid))

    def move_theirs(self, uid: str, by: timedelta) -> None:
        master = self.theirs()[uid].master
        assert master is not None
        start, end = (in_zone(at.instant + by, at.zone) for at in (master.start, master.end))
        self.edit_theirs(uid, start=start, end=end)

    def delete_theirs(self, uid: str) -> None:
        self.remote.remove(self.their_href(uid))

    def cases(self) -> dict[str, dict[str, Any]]:
        """The open cases by kind."""
        found = self.rows(select(CaseFile).where(CaseFile.closed_at.is_(None)).order_by(CaseFile.id))
        assert len({(one.kind, one.dedup_key) for one in found}) == len(found)
        return {one.kind: one.facts for one in found}

    def index(self) -> list[ItemLink]:
        return self.rows(select(ItemLink).where(ItemLink.link_id == self.link_id).order_by(ItemLink.id))

    def imported(self) -> list[ImportedTime]:
        return self.rows(select(ImportedTime).where(ImportedTime.ended_at.is_(None)).order_by(ImportedTime.id))

    def taken(self, *kinds: OccupancyKind) -> list[Slot]:
        """Times that are taken by these kinds, each once though the room has two units."""
        found = self.rows(select(Occupancy).where(Occupancy.kind.in_(kinds)).order_by(Occupancy.starts_at))
        return list(dict.fromkeys(Slot(one.starts_at, one.ends_at) for one in found))

    def runs(self) -> list[SyncRun]:
        return self.rows(select(SyncRun).where(SyncRun.link_id == self.link_id).order_by(SyncRun.id))

    def steps(self, run_id: int) -> list[PlanOp]:
        return self.rows(select(PlanOp).where(PlanOp.run_id == run_id).order_by(PlanOp.position))


def world(url: str, remote: MemoryRemote | None = None, now: datetime = NOW) -> World:
    database = Database(url)
    return World(database, remote or MemoryRemote(), database.write(lambda db: build_house(db, now)), now)


def event(uid: str, days: float, hours: float = 1, summary: str = "Probe", **more: Any) -> Item:
    """Somebody's event, so many days after the beginning of the tests."""
    start = NOW + timedelta(days=days)
    times = (in_zone(start, ZONE.key), in_zone(start + timedelta(hours=hours), ZONE.key))
    return Item(uid, Details(*times, summary=summary, **more))
