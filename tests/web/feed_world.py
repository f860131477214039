"""What the tests of the feeds' gate share: a house with feeds, a caller without HTTP, two gates."""

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from wsgiref.validate import validator

import pytest
from icalendar import Calendar

from booking.actions.calendar_items import ItemFacts, record
from booking.actions.feeds import make_feed
from booking.reads.feeds import FeedInfo
from booking.tables.database import Database
from booking.values.feeds import FeedChoices
from booking.values.states import SubjectKind, Variant
from tests.feed_house import KEY, NOW, House, book, build_house
from web.hot_feeds import FeedGate


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def elsewhere(_environ: dict[str, Any], start: Any) -> list[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"flask"]


def ask(
    gate: FeedGate, token: str, *, method: str = "GET", address: str = "192.0.2.1", path: str = "", **headers: str
) -> Answer:
    """One request, checked against the WSGI specification on both sides."""
    told: list[Any] = []
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path or f"/feeds/{token}.ics",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": address,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }

    def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        told[:] = [status, headers]
        return lambda _data: None

    def handed_on(environ: Any, start: Any) -> list[bytes]:
        found = gate(environ, start)
        assert isinstance(found, list), "granian would ask for it piece by piece"
        return found

    result: Any = validator(handed_on)(environ, start)
    body = b"".join(result)
    result.close()
    assert len(dict(told[1])) == len(told[1])
    return Answer(int(told[0][:3]), dict(told[1]), body)


@dataclass(slots=True)
class World:
    database: Database
    house: House
    gate: FeedGate
    now: datetime = NOW

    def record(self, facts: ItemFacts) -> ItemFacts:
        self.database.write(lambda session: record(session, self.now, facts))
        return facts

    def booked(self, room_id: int, **values: Any) -> ItemFacts:
        return self.record(self.database.write(lambda session: book(session, self.house, room_id, **values)))

    def feed(
        self,
        kind: SubjectKind = SubjectKind.OFFICE,
        target_id: int | None = None,
        variant: Variant = Variant.FULL,
        **values: Any,
    ) -> tuple[FeedInfo, str]:
        target = self.house.organisation_id if target_id is None else target_id
        made = self.database.write(
            lambda session: make_feed(
                session,
                self.now,
                KEY,
                organisation_id=self.house.organisation_id,
                kind=kind,
                target_id=target,
                name="Kalender",
                choices=FeedChoices(variant, **values),
            )
        )
        assert isinstance(made, tuple)
        return made

    def another_gate(self, database: Database | None = None) -> FeedGate:
        return FeedGate(elsewhere, database or self.database, now=lambda: self.now)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = Database(database_url)
    house = database.write(build_house)
    found = World(database, house, FeedGate(elsewhere, database))
    found.gate._now = lambda: found.now
    yield found
    found.gate.close()
    database.close()


@pytest.fixture
def other(world: World, database_url: str) -> Iterator[FeedGate]:
    """The gate of another process: it hears of no commit, it has to ask."""
    database = Database(database_url)
    gate = world.another_gate(database)
    gate.drop = lambda _subject_ids: None  # type: ignore[method-assign]  # as in a process that commits nothing
    yield gate
    gate.close()
    database.close()


def events(answer: Answer) -> list[Any]:
    assert answer.status == 200
    return list(Calendar.from_ical(answer.body).walk("VEVENT"))


def within_a_second(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.02)
    return False
