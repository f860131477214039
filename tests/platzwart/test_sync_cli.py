"""`platzwart sync` against a live calendar server: what it prints, what it applies, how it ends (SPEC C8, C9, C11)."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from booking.actions.links import change_link_access
from booking.tables.outgoing import Lease
from booking.values.links import LinkAccess, LinkPolicy
from booking.values.states import OccupancyKind
from config.settings import read_settings
from ical.item_writer import write_item
from platzwart.cli import main
from tests.builders import NOW
from tests.fixtures.soak import SOAK
from tests.sync.acting import cancel, move, slot_of, uid_of
from tests.sync.linked import OFFICE, World, event, world
from tests.sync.remotes.live import LiveServer, radicale
from tests.workers.conftest import CODE_KEY, SECRET_KEY
from workers.context import build_context

NAME = "Kalender"
AHEAD = (datetime.now(UTC) - NOW).days + 1
"""Days from the moment that the builders know to today."""
POINTS = (
    "sync.planned:1",
    "sync.begun:1",
    "sync.wrote:1",
    "sync.wrote:3",
    "sync.read-back:1",
    "sync.stored:1",
    "sync.applied:1",
)


@dataclass
class Terminal:
    world: World
    server: LiveServer
    given: dict[str, str]

    def call(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, ["sync", *words], env=self.given)
        assert done.exit_code == code, (done.exit_code, done.output, done.exception)
        return done.stdout

    def ask(self, *words: str, code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.call(*words, "--json", code=code).splitlines()[-1]))

    def put(self, uid: str, days: float) -> None:
        body = write_item(event(uid, AHEAD + days), NOW)
        assert self.server.ask("PUT", f"/u/hall/{uid}.ics", body, **{"Content-Type": "text/calendar"}) == 201


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@pytest.fixture
def terminal(sqlite_url: str, server: LiveServer, tmp_path: Path) -> Iterator[Terminal]:
    given = {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BASE_URL": "http://localhost",
        "SECRET_KEY": SECRET_KEY,
        "CODE_KEY": CODE_KEY,
        "SMTP_URL": "smtp://localhost:1",
        "DATA_DIR": str(tmp_path),
        "ALLOW_PRIVATE_HOSTS": server.netloc,
        "LOG_LEVEL": "ERROR",
    }
    given = {f"PLATZWART_{name}": value for name, value in given.items()}
    server.make("hall")
    here = world(sqlite_url, now=datetime.now(UTC))  # the command reads the clock of the machine
    here.tools = build_context(read_settings(given)).tools
    here.connect(LinkPolicy.TWO_WAY)
    access = LinkAccess(server.url("hall"), "u", "p")
    organisation_id = here.ids.organisation_id
    here.write(lambda db: change_link_access(db, here.now, here.tools, organisation_id, OFFICE, here.link_id, access))
    yield Terminal(here, server, given)
    server.ask("DELETE", "/u/hall/")
    here.database.close()


@pytest.mark.rule("C8")
def test_a_plan_is_printed_and_applied_by_its_hash_alone(terminal: Terminal) -> None:
    here = terminal.world
    made = here.book(AHEAD + 5)
    terminal.put("x1", 6)
    told = terminal.ask("plan", NAME)
    assert {(one["kind"], one["side"], one["uid"]) for one in told["steps"]} == {
        ("CREATE", "REMOTE", uid_of(here, made)),
        ("CREATE", "LOCAL", "x1"),
    }
    assert here.taken(OccupancyKind.CLOSURE) == []
    assert terminal.ask("apply", NAME, "--hash", "0" * 32, code=3)["there"] == 0
    done = terminal.ask("apply", NAME, "--hash", told["hash"])
    assert (done["outcome"], done["here"], done["there"]) == ("DONE", 1, 1)
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    assert terminal.ask("plan", NAME)["steps"] == []
    (line,) = terminal.ask("list")["links"]
    assert (line["name"], line["items"], line["imported"], line["problem"]) == (NAME, 2, 1, "")
    assert "Kalender: Halle" in terminal.call("list")
    assert terminal.ask("probe", str(line["public_id"]))["quirks"]["cursor_kind"] == "TOKEN"


@pytest.mark.rule("C9", "C13")
def test_a_question_is_decided_and_held_deletions_go_by_the_hash_that_was_shown(terminal: Terminal) -> None:
    here = terminal.world
    made = here.book(AHEAD + 5)
    for number in range(8):
        terminal.put(f"x{number}", 6 + number)
    terminal.call("apply", NAME, "--yes")
    for number in range(7):
        assert terminal.server.ask("DELETE", f"/u/hall/x{number}.ics") == 200
    assert terminal.server.ask("DELETE", next(row.href for row in here.index() if row.origin == "LOCAL")) == 200
    told = terminal.ask("plan", NAME, code=1)
    assert (told["held"], told["hold"]) == (8, "SHARE")
    terminal.call("apply", NAME, "--yes", code=1)
    assert len(here.taken(OccupancyKind.CLOSURE)) == 8
    told = terminal.ask("plan", NAME, code=1)
    assert "held" in terminal.call("plan", NAME, code=1)
    assert terminal.ask("apply", NAME, "--hash", told["hash"])["here"] == 7
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    before = slot_of(here, made)
    assert terminal.ask("resolve", NAME, uid_of(here, made), "ours") == {"decided": True, "refused": []}
    assert terminal.ask("resolve", NAME, uid_of(here, made), "ours", code=1)["refused"] == ["case-closed"]
    assert terminal.ask("apply", NAME, "--yes")["there"] == 1
    assert slot_of(here, made) == before


@pytest.mark.rule("C9")
def test_what_was_deleted_there_in_bulk_is_written_again_by_the_hash_that_was_shown(terminal: Terminal) -> None:
    here = terminal.world
    made = [here.book(AHEAD + 5 + number) for number in range(8)]
    terminal.call("apply", NAME, "--yes")
    for row in here.index():
        assert terminal.server.ask("DELETE", row.href) == 200
    told = terminal.ask("plan", NAME, code=1)
    assert told["held"] == 8
    terminal.call("restore", NAME, "--hash", "0" * 32, code=3)
    done = terminal.ask("restore", NAME, "--hash", told["hash"])
    assert (done["there"], done["held"]) == (8, 0)
    assert {row.uid for row in here.index() if row.state == "ACTIVE"} == {uid_of(here, one) for one in made}
    assert terminal.ask("plan", NAME)["steps"] == []


@pytest.mark.rule("C11")
def test_an_index_that_was_lost_is_built_anew_and_nothing_is_written(terminal: Terminal) -> None:
    here = terminal.world
    here.book(AHEAD + 5)
    terminal.put("x1", 6)
    terminal.call("apply", NAME, "--yes")
    done = terminal.ask("rebuild", NAME, "--yes")
    assert (done["here"], done["there"], done["outcome"]) == (0, 0, "DONE")
    assert len(here.index()) == 2


def test_a_server_that_is_away_and_a_link_that_is_none_are_told_by_the_exit_code(terminal: Terminal) -> None:
    here = terminal.world
    access = LinkAccess(f"http://{terminal.server.netloc}/u/nothing/", "u", "p")
    organisation_id = here.ids.organisation_id
    here.write(lambda db: change_link_access(db, here.now, here.tools, organisation_id, OFFICE, here.link_id, access))
    assert terminal.ask("apply", NAME, "--hash", "0" * 32, code=1)["problem"] == "gone"
    terminal.call("plan", "no such link", code=2)
    assert here.link.failures == 1


@pytest.mark.soak
@pytest.mark.rule("C10")
@pytest.mark.parametrize("point", POINTS if SOAK else random.Random(5).sample(POINTS, 2))
def test_killed_by_the_system_at_any_point_the_next_run_ends_in_the_same_state(terminal: Terminal, point: str) -> None:
    here = terminal.world
    stays, ends = here.book(AHEAD + 5), here.book(AHEAD + 6)
    terminal.put("x1", 8)
    terminal.call("apply", NAME, "--yes")
    move(here, stays, timedelta(hours=1))
    cancel(here, ends)
    new = here.book(AHEAD + 7)
    terminal.put("x2", 9)
    killed = subprocess.run(
        [sys.executable, "-m", "platzwart", "sync", "apply", NAME, "--hash", terminal.ask("plan", NAME)["hash"]],
        env={"PATH": os.environ["PATH"], **terminal.given, "PLATZWART_FAULT": point},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    terminal.call("apply", NAME, "--yes", code=1)  # the lease is still the dead one's
    here.write(lambda db: db.execute(update(Lease).values(until=datetime.now(UTC))))
    for _ in range(2):
        terminal.call("apply", NAME, "--yes")
    assert terminal.ask("plan", NAME)["steps"] == []
    rows = {row.uid: row.state for row in here.index()}
    assert rows == {
        uid_of(here, stays): "ACTIVE",
        uid_of(here, ends): "TOMBSTONE",
        uid_of(here, new): "ACTIVE",
        "x1": "ACTIVE",
        "x2": "ACTIVE",
    }
    assert sorted(one.uid for one in here.imported()) == ["x1", "x2"]
