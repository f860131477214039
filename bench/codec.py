"""iCalendar written, read, polled and expanded, beside the libraries that others use.

`python -m bench.codec`. Each figure is the best of some tries of one process, in processor time: what others do on the
machine meanwhile says nothing of the code. The others run in a Python, or a node, of their own.
"""

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

from dateutil.rrule import rrulestr
from rich.console import Console
from rich.table import Table

from bench import peers
from booking.actions.links import change_link_access
from booking.tables.migrate import migrate
from booking.values.agenda import AgendaEntry
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, RunOutcome
from booking.values.slot import Slot
from booking.values.states import Variant
from ical.expansion import Caps, expand
from ical.feed import render_feed
from ical.item import Details, Item, Recurrence
from ical.moments import in_zone
from ical.reading import Reading, read
from sync.many import read_many
from sync.remotes.opening import open_remote
from sync.runner import Engine, run_link
from tests import reader_setup
from tests.ical.conftest import ENTRY
from tests.ical.series_builders import HEAD
from tests.sync.linked import OFFICE, world

EVENTS = 10_000
SLOWER = 1_000
TRIES = 3
YEARS = 2
CHANGED = 10
UNLIMITED = {"writes_per_hour": 100_000}
FIRST = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)
BERLIN = "Europe/Berlin"
RULES = {"daily": "FREQ=DAILY", "weekly on two days": "FREQ=WEEKLY;BYDAY=MO,TH"}
OTHERS = Path(__file__).with_name("codec_others.py")
NODE = Path(__file__).with_name("codec_node.mjs")


def run(console: Console) -> None:
    """A table for writing and reading, one for the poll of an address, one for rules."""
    entries = [_entry(number) for number in range(EVENTS)]
    body = render_feed(HEAD, entries, Variant.FULL, "de")
    small = render_feed(HEAD, entries[:SLOWER], Variant.FULL, "de")
    others = _others(small)
    _rates(console, entries, body, others)
    _expansion(console, others)
    _poll(console, entries)


def _entry(number: int) -> AgendaEntry:
    start = FIRST + number * timedelta(hours=2)
    return replace(ENTRY, uid=UUID(int=number + 1), slot=Slot(start, start + timedelta(hours=1)))


def _rates(console: Console, entries: list[AgendaEntry], body: bytes, others: dict[str, float]) -> None:
    table = Table(title=f"{len(entries):,} single events ({len(body):,} bytes), others {SLOWER:,} of them; events/s")
    for column in ("library", "write", "read"):
        table.add_column(column, justify="left" if column == "library" else "right")
    write = len(entries) / _best(lambda: render_feed(HEAD, entries, Variant.FULL, "de"))
    table.add_row("platzwart", f"{write:,.0f}", f"{len(entries) / _best(lambda: _read(body)):,.0f}")
    for name in ("icalendar", "ical", "ical.js"):
        table.add_row(name, *(_rate(SLOWER, others.get(f"{name} {what}")) for what in ("write", "read")))
    console.print(table)


def _expansion(console: Console, others: dict[str, float]) -> None:
    window = Slot(FIRST, FIRST + timedelta(days=365 * YEARS))
    table = Table(title=f"rules over {YEARS} years, occurrences/s")
    for column in ("rule", "platzwart", "dateutil", "recurring-ical-events"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for name, rule in RULES.items():
        item = _series(rule)
        ours = expand(item, window, BERLIN, Caps()).occurrences
        assert len(ours) == len(_by_dateutil(rule)), len(ours)
        spent = _best(lambda item=item: [expand(item, window, BERLIN, Caps()) for _ in range(20)])
        slow = _best(lambda rule=rule: _by_dateutil(rule))
        count = len(ours)
        rates = (20 * count / spent, count / slow)
        table.add_row(name, *(f"{rate:,.0f}" for rate in rates), _rate(count, others.get(f"expand {rule}")))
    console.print(table)


def _by_dateutil(rule: str) -> list[datetime]:
    """By the wall, without zones, which is less than ours do."""
    last = FIRST + timedelta(days=365 * YEARS, seconds=-1)
    return list(
        rrulestr(rule, dtstart=FIRST.replace(tzinfo=None)).between(
            FIRST.replace(tzinfo=None), last.replace(tzinfo=None), inc=True
        )
    )


def _series(rule: str) -> Item:
    start, end = (in_zone(at, BERLIN) for at in (FIRST, FIRST + timedelta(hours=1)))
    return Item("series@example.org", Details(start, end, summary="Probe"), Recurrence(rule))


def _poll(console: Console, entries: list[AgendaEntry]) -> None:
    """A link to an address: nothing changed, then ten of all events."""
    with tempfile.TemporaryDirectory(prefix="bench-codec-") as folder, _address() as (port, publish):
        engine, link_id = _linked(Path(folder), port)
        # the link looks two years ahead, so the events lie denser than they would elsewhere
        near = [replace(one, slot=_near(number)) for number, one in enumerate(entries)]
        publish(render_feed(HEAD, near, Variant.FULL, "de"))
        first = _run(engine, link_id)
        same = min(_run(engine, link_id) for _ in range(TRIES))
        spent = []
        for turn in range(TRIES):
            changed = [replace(one, title=f"Anders {turn}") for one in near[:CHANGED]]
            publish(render_feed(HEAD, [*changed, *near[CHANGED:]], Variant.FULL, "de"))
            spent.append(_run(engine, link_id))
    console.print(
        f"an address of {len(entries):,} events: first {first:.2f} s, nothing changed {same:.3f} s, "
        f"{CHANGED} changed {min(spent):.3f} s (whole run of the link by the clock)"
    )


def _near(number: int) -> Slot:
    start = datetime(2027, 2, 1, 6, 0, tzinfo=UTC) + number * timedelta(minutes=30)
    return Slot(start, start + timedelta(minutes=25))


def _linked(folder: Path, port: int) -> tuple[Engine, int]:
    url = f"sqlite:///{folder}/bench.db"
    migrate(url)
    here = world(url)
    here.connect(LinkPolicy.IMPORT_BUSY, kind=LinkKind.ICS, months_ahead=24, limits=UNLIMITED)
    access = LinkAccess(f"http://127.0.0.1:{port}/feed.ics")
    here.write(
        lambda db: change_link_access(db, here.now, here.tools, here.ids.organisation_id, OFFICE, here.link_id, access)
    )
    allowed = frozenset({f"127.0.0.1:{port}"})
    return replace(here.engine, opener=open_remote, reader=read_many, allow_private=allowed, seconds=900), here.link_id


def _run(engine: Engine, link_id: int) -> float:
    begun = time.perf_counter()
    ran = run_link(engine, link_id)
    assert ran is not None
    assert ran.outcome is RunOutcome.DONE, (ran.outcome, ran.problem, ran.applied)
    return time.perf_counter() - begun


@contextmanager
def _address() -> Iterator[tuple[int, Callable[[bytes], None]]]:
    """A server of one body, without conditions: the worst that an address can be."""
    published = [b""]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/calendar")
            self.send_header("Content-Length", str(len(published[0])))
            self.end_headers()
            self.wfile.write(published[0])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, lambda body: published.__setitem__(0, body)
    finally:
        server.shutdown()
        server.server_close()


def _others(body: bytes) -> dict[str, float]:
    """Seconds of each of the others for what it can, by name."""
    asked = json.dumps({"body": body.decode(), "tries": TRIES, "rules": list(RULES.values()), "years": YEARS})
    commands = []
    if python := peers.parsers():
        commands.append([*python, str(OTHERS)])
    if node := reader_setup.node_command():
        commands.append([node[0], str(NODE), node[2]])
    found: dict[str, float] = {}
    for command in commands:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, timeout=600)
        found |= json.loads(done.stdout)
    return found


def _read(body: bytes) -> Reading:
    found = read(body, BERLIN)
    assert isinstance(found, Reading)
    return found


def _best(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(TRIES):
        begun = time.process_time()
        work()
        spent.append(time.process_time() - begun)
    return min(spent)


def _rate(count: int, seconds: float | None) -> str:
    return f"{count / seconds:,.0f}" if seconds else "-"


if __name__ == "__main__":
    run(Console())
