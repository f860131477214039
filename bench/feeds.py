"""Feeds measured: ours beside nginx with static files, Radicale, Xandikos and pretix, and the first GET after a change.

`python -m bench.feeds`. All servers listen on loopback and are ended by the process that started them. Load comes from
wrk where it can be had, else from a small client of ours, which is then the bottleneck.
"""

import http.client
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import feed_peers, peers, pretix_peer
from bench.feed_peers import Target
from bench.house import web
from booking.actions.calendar_items import ItemFacts, record
from booking.actions.feeds import make_feed
from booking.tables.database import Database
from booking.tables.migrate import migrate
from booking.values.feeds import FeedChoices
from booking.values.states import SubjectKind, Variant
from tests.feed_house import KEY, NOW, House, book, build_house, fill
from web.feed_cache import SMALL as SMALLEST
from web.hot_feeds import FeedGate

SMALL = 1_000
SIZES = (SMALL, 10_000)
ROUNDS = 2
CONNECTIONS = 8
CHANGES = 15
TRIES, PACKING_SECONDS = 8, 3.0


@dataclass(frozen=True, slots=True)
class Way:
    """A way to ask: its name and the headers sent."""

    name: str
    headers: dict[str, str]


def run(console: Console) -> None:
    """Measure both sizes and print one table each. All files lie in memory where the machine has /dev/shm."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended then, too
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own is made in it
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="bench-feeds-", dir=memory) as folder:
            _measure(console, size, Path(folder))


def _measure(console: Console, size: int, folder: Path) -> None:
    url = f"sqlite:///{folder}/bench.db"
    migrate(url)
    database = Database(url)
    token, facts = database.write(lambda session: _set_up(session, size))
    body, changes = _changes(database, token, facts)
    with ExitStack() as servers:
        ours = servers.enter_context(_ours(url, token))
        targets, packed = [ours], _settled(ours)
        if nginx := peers.nginx():
            targets.append(servers.enter_context(feed_peers.nginx(nginx, folder, body, packed)))
        if size <= SMALL:
            targets.append(servers.enter_context(feed_peers.radicale(folder, body)))
            targets.append(servers.enter_context(feed_peers.xandikos(folder, body)))
            if place := pretix_peer.installed():
                targets.append(servers.enter_context(pretix_peer.pretix(place, folder, size)))
        table = Table(title=f"{size:,} events, {len(body):,} bytes, load from {_generator()}, requests/s")
        for column in ("server", "full", "gzip", "304", "full to nginx", "gzip to nginx", "304 to nginx"):
            table.add_column(column, justify="left" if column == "server" else "right")
        rates = {target.name: _rates(target) for target in targets}
        limit = rates.get("nginx")
        for name, found in rates.items():
            shares = [f"{rate / best:.2g}" for rate, best in zip(found, limit, strict=True)] if limit else ["-"] * 3
            table.add_row(name, *(f"{rate:,.{0 if rate >= 10 else 1}f}" for rate in found), *shares)
        console.print(table)
    wall, cpu = (statistics.median(each) * 1000 for each in zip(*changes, strict=True))
    console.print(f"first GET after one change: {wall:.0f} ms by the clock, {cpu:.0f} ms of CPU (median of {CHANGES})")
    database.close()


def _set_up(session: Any, size: int) -> tuple[str, ItemFacts]:
    house: House = build_house(session)
    fill(session, house, size - 1)
    facts = book(session, house, house.hall)
    record(session, NOW, facts)
    made = make_feed(
        session,
        NOW,
        KEY,
        organisation_id=house.organisation_id,
        kind=SubjectKind.OFFICE,
        target_id=house.organisation_id,
        name="Bench",
        choices=FeedChoices(Variant.FULL),
    )
    assert isinstance(made, tuple)
    return made[1], facts


def _changes(database: Database, token: str, facts: ItemFacts) -> tuple[bytes, list[tuple[float, float]]]:
    """The body, and the time of each first GET after a change in the committing process: by the clock, of CPU."""
    gate = FeedGate(lambda _environ, _start: (), database)
    environ = {"PATH_INFO": f"/feeds/{token}.ics", "REQUEST_METHOD": "GET", "REMOTE_ADDR": "127.0.0.1"}
    body = b"".join(gate(environ, lambda _status, _headers: None))
    spent = []
    for number in range(CHANGES):
        changed = replace(facts, title=f"Anders {number}")
        _record(database, changed)
        wall, cpu = time.perf_counter(), time.process_time()
        body = b"".join(gate(environ, lambda _status, _headers: None))
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert changed.title.encode() in body
    gate.close()
    return body, spent


def _record(database: Database, facts: ItemFacts) -> None:
    database.write(lambda session: record(session, datetime.now(UTC), facts))


def _rates(target: Target) -> tuple[float, ...]:
    """Requests per second for full, gzip and 304; the median of the rounds."""
    tag, _ = _asked(target, {})
    ways = (Way("full", {}), Way("gzip", {"Accept-Encoding": "gzip"}), Way("304", {"If-None-Match": tag}))
    rounds = [[_load(target, way) for way in ways] for _ in range(ROUNDS)]
    return tuple(statistics.median(each) for each in zip(*rounds, strict=True))


def _settled(target: Target) -> bytes:
    """The gzip body, once all processes have packed it as small as they will: they do while nobody asks."""
    for _ in range(TRIES):
        found = [_asked(target, {"Accept-Encoding": "gzip"}) for _ in range(CONNECTIONS)]
        if all(f'-g{SMALLEST}"' in tag for tag, _ in found):
            return found[0][1]
        time.sleep(PACKING_SECONDS)
    raise TimeoutError(target.name)


def _asked(target: Target, headers: dict[str, str]) -> tuple[str, bytes]:
    """Entity tag and body, over a connection of its own."""
    with closing(http.client.HTTPConnection("127.0.0.1", target.port, timeout=180)) as connection:
        connection.request("GET", target.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (target.name, answer.status)
        return answer.headers["ETag"] or '"none"', body


def _generator() -> str:
    return "wrk" if peers.wrk() else "our own client"


def _load(target: Target, way: Way) -> float:
    wrk = peers.wrk()
    if wrk is None:
        return _own_load(target, way)
    headers = [part for name, value in way.headers.items() for part in ("-H", f"{name}: {value}")]
    url = f"http://127.0.0.1:{target.port}{target.path}"
    command = [*wrk, "-t1", f"-c{target.connections}", f"-d{target.seconds}s", "--timeout", "10s", *headers, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=target.seconds + 30).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", told)
    assert found is not None, told
    assert "Non-2xx" not in told, told
    return float(found[1])


def _own_load(target: Target, way: Way) -> float:
    """Threads with one connection each that ask again and again until the time is over."""
    counts = [0] * target.connections
    begun = time.monotonic()

    def ask(index: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=30)
        while time.monotonic() - begun < target.seconds:
            connection.request("GET", target.path, headers=way.headers)
            connection.getresponse().read()
            counts[index] += 1
        connection.close()

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(target.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)


@contextmanager
def _ours(url: str, token: str) -> Iterator[Target]:
    """The web process as it is run, Flask behind the gate."""
    with web(url) as port:
        yield Target("platzwart", port, f"/feeds/{token}.ics")


if __name__ == "__main__":
    run(Console())
