"""A link reconciled beside vdirsyncer, both on the same Radicale: time, requests, bytes.

`python -m bench.reconcile`. The server's storage lies in memory; its request log tells from when to when it worked on
each request, and the time in which it worked on any is taken off. vdirsyncer keeps a folder of files where we keep a
database. What both have to do: read a calendar that others filled; look again; read ten of their changes and write ten
deletions of ours; write a calendar anew.
"""

import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import requests
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from bench import peers
from bench.house import ended, free_port
from booking.actions.calendar_items import ItemFacts, record_all
from booking.actions.links import change_link_access
from booking.tables.migrate import migrate
from booking.tables.people import Customer
from booking.values.identity import new_uuid
from booking.values.links import LinkAccess, LinkPolicy, RunOutcome
from ical.item_writer import write_item
from sync.many import read_many
from sync.remotes.opening import open_remote
from sync.runner import Engine, run_link
from tests.builders import NOW
from tests.feed_house import House, book, cancelled, confirmed
from tests.sync.linked import OFFICE, World, event, world

PULLED, PUSHED = (1_000, 5_000), 1_000
LOOKS = 3
FAR = 420
"""Days ahead: where others' events lie, so that none meets one of ours."""
PATIENCE = 900.0
UNLIMITED = {"least": 1_000, "soon_count": 1_000, "writes_per_hour": 100_000}
CHANGES = 10
LOG_LINE = re.compile(r"^([\d.]+) .* response status for .* in ([\d.]+) seconds(?: \S+ (\d+) bytes)?", re.MULTILINE)
RADICALE = """\
from radicale import log
from radicale.__main__ import run
log.LOGGER_FORMATS["verbose"] = "%(created).6f %(levelname)s %(message)s"
run()
"""
"""As `python -m radicale`, but its log tells parts of seconds."""
CONFIG = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[storage]
filesystem_folder = {folder}
[logging]
level = info
"""
VDIRSYNCER = """\
[general]
status_path = "{folder}/status/"
[pair bench]
a = "there"
b = "here"
collections = null
conflict_resolution = "a wins"
[storage there]
type = "caldav"
url = "{url}"
username = "u"
password = "p"
[storage here]
type = "filesystem"
path = "{folder}/events"
fileext = ".ics"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took: seconds by the clock, `alone` of them while the server worked on no request, by its log; seconds
    of processor of the program and its children; what it sent.
    """

    wall: float
    alone: float
    processor: float
    requests: int
    octets: int


@dataclass(frozen=True, slots=True)
class Served:
    """A request as the server logged it: seconds since 1970, bytes of the answer."""

    begun: float
    ended: float
    octets: int


@dataclass
class Server:
    """Radicale, with its log open at the place up to which it was read."""

    port: int
    folder: Path
    log: Path
    seen: int = 0

    def calendar(self, name: str) -> str:
        """Make one and return its address."""
        place = self._place(name)
        place.mkdir(parents=True)
        (place / ".Radicale.props").write_text('{"tag": "VCALENDAR"}', encoding="utf-8")
        return f"http://127.0.0.1:{self.port}/u/{name}/"

    def put(self, name: str, uid: str, days: float, summary: str = "Probe") -> None:
        """Somebody else's event, laid into the storage."""
        body = write_item(event(uid, days, summary=summary), NOW)
        (self._place(name) / f"{uid}.ics").write_bytes(body)

    def warm(self, name: str) -> None:
        """The server reads its files anew; nobody is to wait for that."""
        session = requests.Session()
        session.trust_env = False
        with session:
            found = session.get(f"http://127.0.0.1:{self.port}/u/{name}/", auth=("u", "p"), timeout=PATIENCE)
        assert found.status_code == 200

    def measured(self, work: Callable[[], object]) -> Cost:
        self._logged()
        processor, begun = _processor(), time.perf_counter()
        work()
        wall, processor = time.perf_counter() - begun, _processor() - processor
        served = self._logged()
        return Cost(wall, wall - busy(served), processor, len(served), sum(each.octets for each in served))

    def _place(self, name: str) -> Path:
        return self.folder / "collection-root" / "u" / name

    def _logged(self) -> list[Served]:
        time.sleep(0.05)  # the log is written right after the answer
        lines = self.log.read_text(encoding="utf-8")
        new, self.seen = lines[self.seen :], len(lines)
        told = [(float(at), float(seconds), octets) for at, seconds, octets in LOG_LINE.findall(new)]
        return [Served(at - seconds, at, int(octets or 0)) for at, seconds, octets in told]


def busy(served: Iterable[Served]) -> float:
    """Seconds in which at least one request was being worked on."""
    total, until = 0.0, 0.0
    for one in sorted(served, key=lambda one: one.begun):
        total += max(0.0, one.ended - max(one.begun, until))
        until = max(until, one.ended)
    return total


Scenario = Callable[[Server, "Ours | Theirs"], dict[str, Cost]]


class Ours:
    """A link of a house, its database on SQLite."""

    def __init__(self, folder: Path, server: Server, name: str) -> None:
        url = f"sqlite:///{folder}/bench.db"
        migrate(url)
        self.world: World = world(url)
        self.facts = list[ItemFacts]()
        self.world.connect(LinkPolicy.TWO_WAY, limits=UNLIMITED, months_ahead=24)
        here, access = self.world, LinkAccess(server.calendar(name), "u", "p")
        here.write(
            lambda db: change_link_access(
                db, here.now, here.tools, here.ids.organisation_id, OFFICE, here.link_id, access
            )
        )
        allowed = frozenset({f"127.0.0.1:{server.port}"})
        self.engine: Engine = replace(
            here.engine, opener=open_remote, reader=read_many, allow_private=allowed, seconds=PATIENCE
        )

    def sync(self) -> None:
        ran = run_link(self.engine, self.world.link_id)
        assert ran is not None
        assert ran.outcome is RunOutcome.DONE, (ran.outcome, ran.problem, ran.applied)

    def make(self, count: int) -> None:
        """Confirmed bookings, as their items stand in calendars."""
        here, ids, facts = self.world, self.world.ids, self.facts

        def work(session: Session) -> None:
            customer = Customer(
                organisation_id=ids.organisation_id,
                public_id=new_uuid(NOW),
                name="Probe",
                email="probe@example.org",
                phone="1",
                street="Domplatz 1",
                postcode="50667",
                city="Köln",
                created_at=NOW,
            )
            session.add(customer)
            session.flush()
            house = House(ids.organisation_id, ids.hall, ids.hall, ids.hall, ids.hall, customer.id, customer.id)
            for number in range(count):
                start = NOW + timedelta(hours=2 * number + 50)
                facts.append(confirmed(book(session, house, ids.hall, start=start)))
            record_all(session, NOW, facts)

        here.write(work)

    def drop(self) -> None:
        """All that was made here is cancelled."""
        ended = [cancelled(one, NOW) for one in self.facts]
        self.world.write(lambda db: record_all(db, NOW, ended))


class Theirs:
    """vdirsyncer between the calendar and a folder of files."""

    def __init__(self, program: peers.Command, folder: Path, server: Server, name: str) -> None:
        self.events, self.made = folder / "events", list[Path]()
        self.events.mkdir()
        config = folder / "vdirsyncer.conf"
        config.write_text(VDIRSYNCER.format(folder=folder, url=server.calendar(name)), encoding="utf-8")
        self.program = [*program, "-v", "WARNING", "-c", str(config)]
        self._run("discover")

    def sync(self) -> None:
        self._run("sync")

    def make(self, count: int) -> None:
        for number in range(count):
            at = 50 / 24 + number / 12
            path = self.events / f"made-{number}.ics"
            path.write_bytes(write_item(event(f"made-{number}", at, location="Domplatz 1, Köln"), NOW))
            self.made.append(path)

    def drop(self) -> None:
        for path in self.made:
            path.unlink()

    def starts(self) -> Cost:
        """What a start alone takes."""
        processor, begun = _processor(), time.perf_counter()
        self._run("--version")
        wall = time.perf_counter() - begun
        return Cost(wall, wall, _processor() - processor, 0, 0)

    def _run(self, what: str) -> None:
        subprocess.run([*self.program, what], check=True, timeout=PATIENCE, stdout=subprocess.DEVNULL)


def run(console: Console) -> None:
    """One table for each size, and one for a calendar that is written anew."""
    program = peers.vdirsyncer()
    for size in PULLED:
        _measure(console, program, f"a calendar of {size:,} events", lambda server, one, n=size: _pulls(server, one, n))
    _measure(console, program, f"{PUSHED:,} events into an empty calendar", _pushes)


def _measure(console: Console, program: peers.Command | None, title: str, scenario: Scenario) -> None:
    table = Table(title=title)
    for column in ("what", "program", "seconds", "without the server's", "own processor s", "requests", "kB down"):
        table.add_column(column, justify="left" if column in {"what", "program"} else "right")
    with _radicale() as (server, folder):
        (folder / "ours").mkdir()
        costs = {"platzwart": scenario(server, Ours(folder / "ours", server, "platzwart"))}
        if program is not None:
            (folder / "theirs").mkdir()
            theirs = Theirs(program, folder / "theirs", server, "vdirsyncer")
            start = theirs.starts()
            found = scenario(server, theirs)
            costs["vdirsyncer"] = {what: _without(cost, start) for what, cost in found.items()}
    for what in costs["platzwart"]:
        for name, found in costs.items():
            table.add_row(what, name, *_told(found[what]))
    console.print(table)
    if program is not None:
        console.print(f"vdirsyncer's start is taken off: {start.wall:.2f} s, {start.processor:.2f} s of processor")


def _pulls(server: Server, one: Ours | Theirs, size: int) -> dict[str, Cost]:
    name = "platzwart" if isinstance(one, Ours) else "vdirsyncer"
    one.sync()
    for number in range(size):
        server.put(name, f"x{number}", FAR + number / 24)
    server.warm(name)
    first = server.measured(one.sync)
    looks = _looks(server, one)
    one.make(CHANGES)
    one.sync()
    one.sync()  # and to hear of our own writes
    for number in range(CHANGES):
        server.put(name, f"x{number}", FAR + number / 24, "Anders")
    one.drop()
    changed = server.measured(one.sync)
    return {"read all": first, "look again": looks, f"{CHANGES} changes there, {CHANGES} deletions here": changed}


def _pushes(server: Server, one: Ours | Theirs) -> dict[str, Cost]:
    one.sync()
    one.make(PUSHED)
    first = server.measured(one.sync)
    one.sync()
    return {"write all": first, "look again": _looks(server, one)}


def _looks(server: Server, one: Ours | Theirs) -> Cost:
    """The median of some."""
    one.sync()
    found = [server.measured(one.sync) for _ in range(LOOKS)]
    return sorted(found, key=lambda cost: cost.wall)[LOOKS // 2]


def _without(cost: Cost, start: Cost) -> Cost:
    return replace(
        cost,
        wall=cost.wall - start.wall,
        alone=cost.alone - start.wall,
        processor=cost.processor - start.processor,
    )


def _told(cost: Cost) -> tuple[str, ...]:
    seconds = (f"{each:.2f}" for each in (cost.wall, cost.alone, cost.processor))
    return (*seconds, f"{cost.requests:,}", f"{cost.octets / 1000:,.1f}")


def _processor() -> float:
    """Seconds of our own and of children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def _radicale() -> Iterator[tuple[Server, Path]]:
    """One process as it is shipped, in a folder that lies in memory where the machine has /dev/shm."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(prefix="bench-reconcile-", dir=memory) as made:
        folder, port = Path(made), free_port()
        (folder / "config").write_text(CONFIG.format(port=port, folder=folder / "storage"), encoding="utf-8")
        command = [sys.executable, "-c", RADICALE, "--config", str(folder / "config")]
        with (folder / "log").open("wb") as log:
            started = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            with ended(started):
                server = Server(port, folder / "storage", folder / "log")
                _wait(started, server)
                yield server, folder


def _wait(process: "subprocess.Popen[bytes]", server: Server) -> None:
    for _ in range(400):
        assert process.poll() is None, server.log.read_text(encoding="utf-8")
        with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(process.args)


if __name__ == "__main__":
    run(Console())
