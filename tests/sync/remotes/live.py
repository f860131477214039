"""Radicale and Xandikos as they are installed, each a process of its own on loopback with its storage in a folder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.fixtures.processes import free_port
from tests.fixtures.servers import wait_until

RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[storage]
filesystem_folder = {folder}
[logging]
level = error
"""


@dataclass(frozen=True)
class LiveServer:
    """A running server; collections are made below `home`. Radicale wants some user, any will do."""

    port: int
    home: str

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, collection: str) -> str:
        return f"http://{self.netloc}{self.home}{collection}/"

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """A plain client beside ours: another program at the same calendar."""
        session = requests.Session()
        session.trust_env = False
        with session:
            url = f"http://{self.netloc}{path}"
            return session.request(method, url, data=body, headers=headers, auth=("u", "p"), timeout=240).status_code

    def make(self, collection: str) -> None:
        assert self.ask("MKCALENDAR", f"{self.home}{collection}/") == 201


@contextmanager
def radicale(folder: Path) -> Iterator[LiveServer]:
    port = free_port()
    config = folder / "config"
    config.write_text(RADICALE.format(port=port, folder=folder / "data"))
    with _running([sys.executable, "-m", "radicale", "--config", str(config)], folder, port):
        yield LiveServer(port, "/u/")


@contextmanager
def xandikos(folder: Path) -> Iterator[LiveServer]:
    port = free_port()
    data = folder / "data"
    options = ["serve", "-d", str(data), "--defaults", "--current-user-principal=/user/", "--no-detect-systemd"]
    listen = ["-l", "127.0.0.1", "-p", str(port), "--state-dir", str(folder / "state")]
    with _running([sys.executable, "-m", "xandikos", *options, *listen], folder, port):
        yield LiveServer(port, "/user/calendars/")


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            wait_until(lambda: _answers(process, port), what=command[2])
            yield
        finally:
            process.kill()  # nothing of it is needed any more
            process.wait(10)
            shutil.rmtree(folder / "data", ignore_errors=True)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    assert process.poll() is None, "the server ended"
    try:
        requests.options(f"http://127.0.0.1:{port}/", timeout=2)
    except requests.RequestException:
        return False
    return True
