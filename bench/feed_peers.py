"""Servers that feeds are measured beside, each on loopback and ended by who started it."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dulwich import porcelain

from bench.house import ended, free_port

AUTHOR = b"bench <bench@localhost>"


@dataclass(frozen=True, slots=True)
class Target:
    """A server and the path of its feed. A slow one is asked over few connections or for longer, else no answer comes
    in time.
    """

    name: str
    port: int
    path: str
    connections: int = 8
    seconds: int = 3


@contextmanager
def nginx(program: list[str], folder: Path, body: bytes, packed: bytes) -> Iterator[Target]:
    """Two processes that send two files."""
    port, root = free_port(), folder / "nginx"
    (root / "html").mkdir(parents=True)
    (root / "html" / "feed.ics").write_bytes(body)
    (root / "html" / "feed.ics.gz").write_bytes(packed)
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
    with running(command, port):
        yield Target("nginx", port, "/feed.ics")


@contextmanager
def radicale(folder: Path, body: bytes) -> Iterator[Target]:
    """One process as it is shipped, with the events laid into its folder."""
    port, root = free_port(), folder / "radicale"
    items = root / "collection-root" / "bench" / "feed"
    items.mkdir(parents=True)
    (items / ".Radicale.props").write_text('{"tag": "VCALENDAR"}', encoding="utf-8")
    _lay(items, body)
    (root / "rights").write_text("[all]\nuser: .*\ncollection: .*\npermissions: RrWw\n", encoding="utf-8")
    (root / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = none\n[web]\ntype = none\n"
        f"[rights]\ntype = from_file\nfile = {root}/rights\n[logging]\nlevel = error\n"
        f"[storage]\nfilesystem_folder = {root}\n",
        encoding="utf-8",
    )
    with running([sys.executable, "-m", "radicale", "--config", str(root / "config")], port):
        yield Target("radicale", port, "/bench/feed/", connections=1)


@contextmanager
def xandikos(folder: Path, body: bytes) -> Iterator[Target]:
    """One process as it is shipped, with the events in one commit of its calendar."""
    port, root = free_port(), folder / "xandikos"
    options = ["serve", "-d", str(root), "--defaults", "--current-user-principal=/user/", "--no-detect-systemd"]
    command = [sys.executable, "-m", "xandikos", *options, "-l", "127.0.0.1", "-p", str(port)]
    with running([*command, "--state-dir", str(folder / "xandikos-state")], port):
        place = root / "user" / "calendars" / "calendar"
        paths = _lay(place, body)
        porcelain.add(str(place), paths=[str(path) for path in paths])
        porcelain.commit(str(place), message=b"bench", author=AUTHOR, committer=AUTHOR)
        yield Target("xandikos", port, "/user/calendars/calendar/?export", connections=1)


def _lay(folder: Path, body: bytes) -> list[Path]:
    """Each event in a file of its own."""
    paths = []
    for number, block in enumerate(re.findall(rb"BEGIN:VEVENT.*?END:VEVENT\r\n", body, re.DOTALL)):
        path = folder / f"{number}.ics"
        path.write_bytes(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bench//EN\r\n" + block + b"END:VCALENDAR\r\n")
        paths.append(path)
    return paths


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A server in a process group of its own, up when its port answers, ended with all its children."""
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    with ended(started) as process:
        _wait_for(port, process)
        yield


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, process.args
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise TimeoutError(process.args)
