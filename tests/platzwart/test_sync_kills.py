"""SIGKILL at every boundary of a step, for each kind of step and each live server: the next runs end alike (SPEC C10).

planned     nothing of the step is begun            begun      its intent is stored, nothing was sent
unsent      the request is on its way, the server has not got it
sent        the server has done it, its answer never comes
wrote       the answer came        read-back   what lies there was read        stored, applied   all is noted
"""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from sqlalchemy import update

from booking.tables.outgoing import Lease
from tests.fixtures.soak import SOAK
from tests.platzwart.terminals import AHEAD, NAME, Terminal, at_terminal
from tests.sync.acting import cancel, move, slot_of, uid_of
from tests.sync.remotes.linked_remote import items_of
from tests.sync.remotes.live import LiveServer, radicale, xandikos

POINTS = ("planned", "begun", "unsent", "sent", "wrote", "read-back", "stored", "applied")
NETWORK = ("unsent", "sent")
KINDS = ("create", "update", "delete")
SERVERS = {"radicale": radicale, "xandikos": xandikos}
MATRIX = [(server, kind, point) for server in SERVERS for kind in KINDS for point in POINTS]
SOME = random.Random(20261123).sample(MATRIX, 5)
PATIENCE = 60
PER_HOP = {"connection", "content-encoding", "content-length", "transfer-encoding", "date", "server"}


class Between:
    """Hands on requests. With `kill_at` it ends the client when a write comes by: before or after the server has it."""

    def __init__(self, server: LiveServer) -> None:
        self.server, self.kill_at = server, ""
        self.client: subprocess.Popen[bytes] | None = None
        self.netloc = ""

    def ends_client(self, method: str, moment: str) -> bool:
        if self.kill_at != moment or method not in {"PUT", "DELETE"} or self.client is None:
            return False
        os.kill(self.client.pid, signal.SIGKILL)
        self.client.wait(PATIENCE)
        return True

    @contextmanager
    def listening(self) -> Iterator[None]:
        between = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def hand_on(self) -> None:
                self.close_connection = True
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if between.ends_client(self.command, "unsent"):
                    return
                headers = {name: text for name, text in self.headers.items() if name.lower() not in PER_HOP}
                url = f"http://{between.server.netloc}{self.path}"
                answer = requests.request(self.command, url, headers=headers, data=body, timeout=PATIENCE)
                if between.ends_client(self.command, "sent"):
                    return
                self.send_response(answer.status_code)
                for name, text in answer.headers.items():
                    if name.lower() not in PER_HOP:
                        self.send_header(name, text)
                self.send_header("Content-Length", str(len(answer.content)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND", "REPORT"):
            setattr(Handler, f"do_{method}", Handler.hand_on)
        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
            self.netloc = f"127.0.0.1:{listener.server_port}"
            thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield
            finally:
                listener.shutdown()
                thread.join()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, LiveServer]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(run(tmp_path_factory.mktemp(name))) for name, run in SERVERS.items()}


def killed(terminal: Terminal, between: Between, point: str) -> None:
    """Apply what is planned, in a process that the system ends there."""
    shown = terminal.ask("plan", NAME)["hash"]
    named = {} if point in NETWORK else {"PLATZWART_FAULT": f"sync.{point}:1"}
    between.client = subprocess.Popen(
        [sys.executable, "-m", "platzwart", "sync", "apply", NAME, "--hash", shown],
        env={"PATH": os.environ["PATH"], **terminal.given, **named},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    between.kill_at = point if point in NETWORK else ""
    try:
        assert between.client.wait(PATIENCE) == -signal.SIGKILL
    finally:
        between.kill_at, between.client = "", None


def theirs(terminal: Terminal) -> dict[str, datetime]:
    """What lies on the server by UID, each once, with its start."""
    hrefs = [row.href for row in terminal.world.index()]
    url = f"http://{terminal.server.netloc}"
    found = [requests.get(f"{url}{href}", auth=("u", "p"), timeout=PATIENCE) for href in hrefs]
    bodies = [one.content for one in found if one.status_code == 200]
    starts = {uid: one.master.start.instant for uid, one in items_of(bodies).items() if one.master}
    listing = requests.request(
        "PROPFIND", terminal.server.url("hall"), auth=("u", "p"), headers={"Depth": "1"}, timeout=PATIENCE
    )
    assert listing.text.count(".ics</") == len(starts)  # none beside those that the index knows
    return starts


@pytest.mark.soak
@pytest.mark.rule("C10")
@pytest.mark.parametrize(("name", "kind", "point"), MATRIX if SOAK else SOME)
def test_killed_in_the_middle_of_a_step_the_next_run_ends_as_if_nothing_had_happened(
    sqlite_url: str, servers: dict[str, LiveServer], tmp_path: Path, name: str, kind: str, point: str
) -> None:
    between = Between(servers[name])
    with between.listening(), at_terminal(sqlite_url, servers[name], tmp_path, between.netloc) as terminal:
        here = terminal.world
        stays = here.book(AHEAD + 5)
        ends = here.book(AHEAD + 6)
        terminal.put("x1", 8)
        terminal.call("apply", NAME, "--yes")
        made = [stays, ends]
        if kind == "create":
            made.append(here.book(AHEAD + 7))
        elif kind == "update":
            move(here, stays, timedelta(hours=1))
        else:
            cancel(here, ends)
            made.remove(ends)
        killed(terminal, between, point)
        here.write(lambda db: db.execute(update(Lease).values(until=datetime.now(UTC))))
        for _ in range(2):
            terminal.call("apply", NAME, "--yes")
        assert terminal.ask("plan", NAME)["steps"] == []
        there = theirs(terminal)
        assert {uid: there[uid] for uid in there if uid != "x1"} == {
            uid_of(here, one): slot_of(here, one).start for one in made
        }
        assert [one.uid for one in here.imported()] == ["x1"]
        assert here.cases() == {}


def test_the_matrix_is_whole() -> None:
    assert len(set(MATRIX)) == len(POINTS) * len(KINDS) * len(SERVERS) == 48
