"""A whole installation with its demonstration, as `make run` starts it, for tests and pictures to walk through."""

import fcntl
import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests
from icalendar import Calendar

from tests.fixtures.family import Installation
from tests.fixtures.processes import family_of, free_port
from tests.fixtures.servers import short_folder

T = TypeVar("T")

ZONE = ZoneInfo("Europe/Berlin")
START_SECONDS, STOP_SECONDS = 120, 20
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as a feed shows it; `text` is all that is said about it."""

    uid: str
    start: datetime
    status: str
    sequence: int
    text: str


@dataclass(frozen=True, slots=True)
class Demo:
    """A running installation. Times of answers are aware; `facts` is its `demo.json`."""

    installation: Installation
    facts: dict[str, Any]

    @property
    def base(self) -> str:
        url: str = self.facts["base_url"]
        return url

    @property
    def peer_url(self) -> str:
        url: str = self.facts["hooks"]["ycbm"]["peer_url"]
        return url

    def mails(self, to: str, subject: str = "") -> list[dict[str, Any]]:
        """What the sink holds for an address, in the order in which it came."""
        kept = requests.get(self.facts["mail_url"] + "mails.json", timeout=10).json()
        return [mail for mail in reversed(kept) if to in mail["envelope_to"] and subject in mail["subject"]]

    def attachment(self, mail: dict[str, Any], name: str) -> bytes:
        part = next(part for part in mail["attachments"] if part["name"] == name)
        return requests.get(self.facts["mail_url"].rstrip("/") + part["url"], timeout=10).content

    def events(self, feed: str) -> list[Shown]:
        """The events of a feed, by its name in `demo.json`, as its subscribers get them now."""
        answer = requests.get(self.facts["feeds"][feed], timeout=10)
        answer.raise_for_status()
        return [_shown(event) for event in Calendar.from_ical(answer.content).walk("VEVENT")]

    def event_at(self, feed: str, start: datetime) -> Shown | None:
        return next((event for event in self.events(feed) if event.start == start), None)

    def free(self, room: str, day: date) -> list[datetime]:
        """The starts that the API offers for one hour on a local day."""
        first = datetime(day.year, day.month, day.day, tzinfo=ZONE)
        answer = requests.get(
            f"{self.base}/api/v1/rooms/{self.facts['rooms'][room]}/free",
            params={"from": first.isoformat(), "to": (first + timedelta(days=1)).isoformat(), "minutes": "60"},
            headers={"Authorization": f"Bearer {self.facts['api_token']}"},
            timeout=10,
        )
        answer.raise_for_status()
        return [datetime.fromisoformat(one["start"]) for one in answer.json()["free"]]

    def at_the_peer(self, start: datetime) -> list[dict[str, Any]]:
        """What stands at the booking site at that start, blocks of ours and cancelled bookings among it."""
        wanted = start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        kept = requests.get(self.peer_url + "/_control", timeout=10).json()["bookings"]
        return [booking for booking in kept if booking["startsAtUTC"] == wanted]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def set_up(self, *statements: str, values: Sequence[object] = ()) -> None:
        """Change settings below the pages, by the rules of SQLite here: one writer, who holds the lock file."""
        lock = self._database.with_name(self._database.name + ".write.lock")
        with lock.open("a") as held, closing(sqlite3.connect(self._database, timeout=30)) as connection:
            fcntl.flock(held, fcntl.LOCK_EX)
            with connection:
                for statement in statements:
                    connection.execute(statement, values)
                connection.execute("UPDATE organisation SET settings_revision = settings_revision + 1")

    @property
    def _database(self) -> Path:
        return self.installation.data / "platzwart.db"


def _shown(event: Any) -> Shown:
    text = "\n".join(str(event.get(name, "")) for name in ("SUMMARY", "DESCRIPTION", "LOCATION"))
    return Shown(str(event["UID"]), event["DTSTART"].dt, str(event["STATUS"]), int(event["SEQUENCE"]), text)


@contextmanager
def running_demo() -> Iterator[Demo]:
    """Start everything in a folder of its own; nothing of it is left afterwards."""
    folder = short_folder("pw-browser-")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PLATZWART_")}
    installation = Installation(folder / "data", free_port(), clean)
    process = installation.start("--demo", app=None)
    try:
        installation.ready(process, START_SECONDS)
        yield Demo(installation, json.loads((installation.data / "demo.json").read_text(encoding="utf-8")))
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(Exception):
            process.wait(STOP_SECONDS)
        for pid in family_of(installation.mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)  # a socket may vanish while we walk


def eventually(ask: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """The first answer that is something. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.03)
    return answer
