"""What the measurements share: a house in a database, the web process as `up` starts it, clients on raw sockets."""

import base64
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from booking.actions.accounts import make_api_token
from booking.actions.audit import SYSTEM
from booking.reads.house import House, read_house
from booking.tables.database import Database
from booking.tables.houses import Room
from booking.tables.migrate import migrate
from booking.values.states import Role
from tests.builders import Ids, build_house, change_house
from tests.fixtures.servers import start_postgres

UNLIMITED = 10**6
SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz-bench"  # noqa: S105 - of this bench alone
CODE_KEY = "k1:" + base64.b64encode(bytes(range(32))).decode()
SHORT = "/tmp"  # noqa: S108 - on the disk, and short enough for a unix socket


@dataclass(frozen=True, slots=True)
class Site:
    """A house in a migrated database and a token of its API."""

    url: str
    ids: Ids
    house: House
    token: str
    now: datetime


def furnish(url: str) -> Site:
    migrate(url)
    database, now = Database(url), datetime.now(UTC)
    try:
        ids = database.write(lambda session: build_house(session, now))
        limits = dict.fromkeys(("open_per_contact", "open_per_address", "open_per_room"), UNLIMITED)
        database.write(lambda session: session.execute(update(Room).values(door_id=None)))
        database.write(lambda session: change_house(session, ids, **limits))
        token = database.write(
            lambda session: make_api_token(session, now, ids.organisation_id, SYSTEM, "bench", Role.ADMIN)[1]
        )
        with database.read() as session:
            house = read_house(session, ids.organisation_id)
    finally:
        database.close()
    return Site(url, ids, house, token, now)


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """A durable database on each engine, on the disk: SQLite with synchronous=FULL, PostgreSQL with fsync."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=SHORT) as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "pg").mkdir()
        server, process = start_postgres(folder / "pg", durable=True)
        server.run("CREATE DATABASE bench")
        try:
            yield {"SQLite": f"sqlite:///{folder}/bench.db", "PostgreSQL": server.url("bench")}
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


@contextmanager
def web(url: str, redis_url: str = "redis://127.0.0.1:1/0") -> Iterator[int]:
    """The web process as `platzwart up` runs it: granian, two processes, four threads each. Yields its port."""
    port = free_port()
    command, environment = web_command(url, port, redis_url)
    with ended(subprocess.Popen(command, env=environment, start_new_session=True)) as process:
        wait_for(port, process)
        yield port


def web_command(url: str, port: int, redis_url: str = "redis://127.0.0.1:1/0") -> tuple[list[str], dict[str, str]]:
    """The command of the web process, and its environment."""
    given = {
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": SECRET_KEY,
        "CODE_KEY": CODE_KEY,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "PORT": str(port),
        "LOG_LEVEL": "ERROR",
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLATZWART_")}
    environment = clean | {f"PLATZWART_{name}": value for name, value in given.items()}
    return [sys.executable, "-P", "-m", "platzwart", "web"], environment


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """A process that leads a group of its own, ended with all of the group."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(port: int, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, process.args
        with suppress(OSError):
            if exchange(port, [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], 5)[0] == [200]:
                return
        time.sleep(0.01)
    raise TimeoutError(process.args)


def exchange(port: int, requests: Sequence[bytes], seconds: float = 30) -> tuple[list[int], float]:
    """One connection for each request, all open before the first is sent. Statuses, and the time until the last."""
    lines = [socket.create_connection(("127.0.0.1", port), seconds) for _ in requests]
    poll, waiting = select.poll(), {line.fileno(): index for index, line in enumerate(lines)}
    for line in lines:
        poll.register(line, select.POLLIN)
    statuses, answers = [0] * len(lines), [b""] * len(lines)
    begun = time.perf_counter()
    for line, request in zip(lines, requests, strict=True):
        line.sendall(request)
    while waiting and time.perf_counter() - begun < seconds:
        for descriptor, _ in poll.poll(1000):
            index = waiting[descriptor]
            answers[index] += lines[index].recv(65_536)
            if is_whole(answers[index]):
                statuses[index] = int(answers[index][9:12])
                poll.unregister(descriptor)
                del waiting[descriptor]
    spent = time.perf_counter() - begun
    for line in lines:
        line.close()
    return statuses, spent


def is_whole(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return bool(found) and len(body) >= length


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
