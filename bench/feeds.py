"""Feeds measured: ours under granian beside nginx with a static file and Radicale, and the first GET after a change.

`python -m bench.feeds`. All servers listen on loopback and are ended by the process that started them. Load comes from
wrk where it can be had, else from a small client of ours, which is then the bottleneck.
"""

import gzip
import http.client
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import peers
from bench.house import web
from booking.actions.calendar_items import ItemFacts, record
from booking.actions.feeds import make_feed
from booking.tables.database import Database
from booking.tables.migrate import migrate
from booking.values.states import SubjectKind, Variant
from tests.feed_house import KEY, NOW, House, book, build_house, fill
from web.hot_feeds import FeedGate

SIZES = (1_000, 10_000)
SECONDS = 3
ROUNDS = 2
CONNECTIONS = 8
CHANGES = 15


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the path of its feed. A slow one is asked over one connection, else no answer comes in time."""

    name: str
    port: int
    path: str
    connections: int = CONNECTIONS


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
        targets = [servers.enter_context(_ours(url, token))]
        if nginx := peers.nginx():
            targets.append(servers.enter_context(_nginx(nginx, folder, body)))
        if size <= 1_000:
            targets.append(servers.enter_context(_radicale(folder, body)))
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
        variant=Variant.FULL,
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
    tag = _tag(target)
    ways = (Way("full", {}), Way("gzip", {"Accept-Encoding": "gzip"}), Way("304", {"If-None-Match": tag}))
    rounds = [[_load(target, way) for way in ways] for _ in range(ROUNDS)]
    return tuple(statistics.median(each) for each in zip(*rounds, strict=True))


def _tag(target: Target) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=180)
    for headers in ({"Accept-Encoding": "gzip"}, {}):
        connection.request("GET", target.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (target.name, answer.status)
    connection.close()
    return answer.headers["ETag"] or '"none"'


def _generator() -> str:
    return "wrk" if peers.wrk() else "our own client"


def _load(target: Target, way: Way) -> float:
    wrk = peers.wrk()
    if wrk is None:
        return _own_load(target, way)
    headers = [part for name, value in way.headers.items() for part in ("-H", f"{name}: {value}")]
    url = f"http://127.0.0.1:{target.port}{target.path}"
    command = [*wrk, "-t1", f"-c{target.connections}", f"-d{SECONDS}s", "--timeout", "10s", *headers, url]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS + 30).stdout
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
        while time.monotonic() - begun < SECONDS:
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


@contextmanager
def _nginx(program: list[str], folder: Path, body: bytes) -> Iterator[Target]:
    """Two processes that send a file, packed beforehand."""
    port, root = _free_port(), folder / "nginx"
    (root / "html").mkdir(parents=True)
    (root / "html" / "feed.ics").write_bytes(body)
    (root / "html" / "feed.ics.gz").write_bytes(gzip.compress(body, 9, mtime=0))
    for path in (root, root / "html", folder):
        path.chmod(0o755)
    temporary = "".join(
        f"{kind}_temp_path {root}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (root / "nginx.conf").write_text(
        f"worker_processes 2; daemon off; pid {root}/pid; error_log stderr error;"
        f"events {{ worker_connections 256; }} http {{ access_log off; sendfile on; gzip_static on; {temporary}"
        f"keepalive_requests 10000000; default_type text/calendar;"
        f"server {{ listen 127.0.0.1:{port}; root {root}/html; }} }}",
        encoding="utf-8",
    )
    command = [*program, "-p", str(root), "-c", str(root / "nginx.conf"), "-e", "stderr"]
    with _running(command, port):
        yield Target("nginx", port, "/feed.ics")


@contextmanager
def _radicale(folder: Path, body: bytes) -> Iterator[Target]:
    """One process as it is shipped, with the events laid into its folder."""
    port, root = _free_port(), folder / "radicale"
    items = root / "collection-root" / "bench" / "feed"
    items.mkdir(parents=True)
    (items / ".Radicale.props").write_text('{"tag": "VCALENDAR"}', encoding="utf-8")
    for number, block in enumerate(re.findall(rb"BEGIN:VEVENT.*?END:VEVENT\r\n", body, re.DOTALL)):
        whole = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n" + block + b"END:VCALENDAR\r\n"
        (items / f"{number}.ics").write_bytes(whole)
    (root / "rights").write_text("[all]\nuser: .*\ncollection: .*\npermissions: RrWw\n", encoding="utf-8")
    (root / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = none\n[web]\ntype = none\n"
        f"[rights]\ntype = from_file\nfile = {root}/rights\n[logging]\nlevel = error\n"
        f"[storage]\nfilesystem_folder = {root}\n",
        encoding="utf-8",
    )
    with _running([sys.executable, "-m", "radicale", "--config", str(root / "config")], port):
        yield Target("radicale", port, "/bench/feed/", connections=1)


@contextmanager
def _running(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """A server in a process group of its own, up when its port answers, ended with all its children."""
    process = subprocess.Popen(command, env=os.environ | environment, start_new_session=True)
    try:
        _wait_for(port, process)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.args
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(process.args)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    run(Console())
