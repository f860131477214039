"""From a webhook's POST to the start of the job that follows it, through the real web process, Valkey and worker.

`python -m bench.jobs`. The job's first command takes its own mark out of Redis, which MONITOR shows.
Goal: p50 8 ms.
"""

import queue
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from bench.house import CODE_KEY, SECRET_KEY, Site, ended, exchange, furnish, web
from booking.tables.connections import BlockWay, Connection
from booking.tables.database import Database
from booking.values.identity import new_uuid
from booking.values.tokens import hash_token
from config.jobs import READ_HOOKS
from outside.ycbm_templates import SECRET_HEADER
from platzwart.embedded import engine_command
from tests.fixtures.servers import wait_until

POSTS, WARM_UP, PAUSE = 100, 10, 0.25  # longer apart than webhooks are drawn together
SECRET = "hook-secret-of-the-bench-0190"  # noqa: S105 - of this bench alone
PATIENCE = 10.0


def run(console: Console) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp") as made:
        folder = Path(made)
        site = furnish(f"sqlite:///{folder}/bench.db")
        path, valkey = _connect(site), folder / "valkey.sock"
        redis_url = f"unix://{valkey}"
        with ended(subprocess.Popen(engine_command(folder, valkey), start_new_session=True)):
            wait_until(valkey.exists, what="Valkey")
            with web(site.url, redis_url) as port, ended(_worker(site.url, redis_url)):
                times = _measure(port, path, valkey)
    table = Table(title=f"webhook POST to job start, {len(times)} posts")
    for column in ("p50", "p99", "worst"):
        table.add_column(column, justify="right")
    cuts = statistics.quantiles(times, n=100)
    table.add_row(*(f"{spent * 1000:.1f} ms" for spent in (statistics.median(times), cuts[98], max(times))))
    console.print(table)


def _measure(port: int, path: str, valkey: Path) -> list[float]:
    starts: queue.Queue[float] = queue.Queue()
    threading.Thread(target=_watch, args=(valkey, starts), daemon=True).start()
    body = b'{"event": "made"}'
    post = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{SECRET_HEADER}: {SECRET}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    time.sleep(3)  # the worker loads
    found = []
    for _ in range(WARM_UP + POSTS):
        while not starts.empty():
            starts.get()
        begun = time.perf_counter()
        statuses, _spent = exchange(port, [post])
        assert statuses == [202], statuses
        found.append(starts.get(timeout=PATIENCE) - begun)
        time.sleep(PAUSE)
    return found[WARM_UP:]


def _watch(valkey: Path, starts: "queue.Queue[float]") -> None:
    """When the job's first command was seen. A client library would take its time over each command before it."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as line:  # the server goes away at the end
        line.connect(str(valkey))
        line.sendall(b"MONITOR\r\n")
        seen = b""
        while got := line.recv(65_536):
            now = time.perf_counter()
            *commands, seen = (seen + got).split(b"\r\n")
            if any(b'"DEL"' in command and READ_HOOKS.encode() in command for command in commands):
                starts.put(now)


def _connect(site: Site) -> str:
    """A connection whose webhook is accepted; the path to post to."""
    public_id = new_uuid(site.now)

    def work(session: Session) -> None:
        session.add(
            Connection(
                organisation_id=site.ids.organisation_id,
                public_id=public_id,
                name="Bench",
                base_url="https://127.0.0.1:1/v1",
                account_id="acc",
                api_key_cipher=b"",
                api_key_id="",
                hook_secret_hash=hash_token(SECRET),
                block_way=BlockWay.NONE,
                next_poll_at=site.now.replace(year=site.now.year + 1),
            )
        )

    database = Database(site.url)
    database.write(work)
    database.close()
    return f"/hooks/ycbm/{public_id}"


def _worker(url: str, redis_url: str) -> "subprocess.Popen[bytes]":
    given = {
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "BASE_URL": "http://127.0.0.1",
        "SECRET_KEY": SECRET_KEY,
        "CODE_KEY": CODE_KEY,
        "SMTP_URL": "smtp://127.0.0.1:1",
        "LOG_LEVEL": "ERROR",
    }
    environment = {"PATH": "/usr/bin:/bin"} | {f"PLATZWART_{name}": value for name, value in given.items()}
    command = [sys.executable, "-P", "-m", "platzwart", "worker", "sites"]
    return subprocess.Popen(command, env=environment, start_new_session=True)


if __name__ == "__main__":
    run(Console())
