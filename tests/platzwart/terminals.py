"""`platzwart sync` as somebody types it, for a house linked with a live calendar server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from booking.actions.links import change_link_access
from booking.values.links import LinkAccess, LinkPolicy
from config.settings import read_settings
from ical.item_writer import write_item
from platzwart.cli import main
from tests.builders import NOW
from tests.sync.linked import OFFICE, World, event, world
from tests.sync.remotes.live import LiveServer
from tests.workers.conftest import CODE_KEY, SECRET_KEY
from workers.context import build_context

NAME = "Kalender"
COLLECTION = "hall"
AHEAD = (datetime.now(UTC) - NOW).days + 1
"""Days from the moment that the builders know to today."""


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
        assert (
            self.server.ask(
                "PUT", f"{self.server.home}{COLLECTION}/{uid}.ics", body, **{"Content-Type": "text/calendar"}
            )
            == 201
        )


@contextmanager
def at_terminal(url: str, server: LiveServer, folder: Path, netloc: str = "") -> Iterator[Terminal]:
    """The house in this database; its link reaches the server at `netloc`, which may be somebody in between."""
    netloc = netloc or server.netloc
    given = {
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BASE_URL": "http://localhost",
        "SECRET_KEY": SECRET_KEY,
        "CODE_KEY": CODE_KEY,
        "SMTP_URL": "smtp://localhost:1",
        "DATA_DIR": str(folder),
        "ALLOW_PRIVATE_HOSTS": netloc,
        "LOG_LEVEL": "ERROR",
    }
    given = {f"PLATZWART_{name}": value for name, value in given.items()}
    server.make(COLLECTION)
    here = world(url, now=datetime.now(UTC))  # the command reads the clock of the machine
    here.tools = build_context(read_settings(given)).tools
    here.connect(LinkPolicy.TWO_WAY)
    access = LinkAccess(server.url(COLLECTION).replace(server.netloc, netloc), "u", "p")
    organisation_id = here.ids.organisation_id
    here.write(lambda db: change_link_access(db, here.now, here.tools, organisation_id, OFFICE, here.link_id, access))
    try:
        yield Terminal(here, server, given)
    finally:
        server.ask("DELETE", f"{server.home}{COLLECTION}/")
        here.database.close()
