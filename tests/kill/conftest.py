"""A whole installation as `platzwart up` runs it, on SQLite, with a small house in it and a mail server of the test."""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text
from sqlalchemy.orm import Session

from booking.actions.accounts import make_api_token
from booking.actions.audit import SYSTEM
from booking.reads.house import read_house
from booking.tables.database import Database
from booking.values.slot import Slot
from booking.values.states import Role
from config.settings import Settings, read_settings
from platzwart import embedded
from platzwart.embedded import Choice
from tests.builders import Ids, add_code, build_house, change_house, slot_in
from tests.fixtures.family import Installation
from tests.fixtures.mail import SmtpSink
from tests.fixtures.soak import scale
from tests.races.conftest import wish
from workers.context import Context, build_context

QUARTER = timedelta(minutes=15)
OPEN_HOURS = range(8, 22)
DAYS = scale(80)
UNLIMITED = 10**6
DRAIN = """
import time
from config.settings import settings_from_process
from workers.context import build_context
from workers.outbox import drain_once
context, until = build_context(settings_from_process()), time.monotonic() + 4
while time.monotonic() < until:
    drain_once(context) or time.sleep(0.02)
"""


@dataclass
class Running:
    """The installation, the way to its data, and what a client of it needs."""

    installation: Installation
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    sink: SmtpSink
    context: Context
    ids: Ids
    room: str
    token: str = field(repr=False)
    codes: dict[Slot, str] = field(default_factory=dict, repr=False)

    @property
    def database(self) -> Database:
        return self.context.database

    @property
    def settings(self) -> Settings:
        return self.context.settings

    def redis(self) -> Redis:
        return Redis.from_url(self.settings.redis_url)

    def post(self, path: str, body: object, key: str | None = None) -> tuple[int, dict[str, Any]]:
        """Status and body; status 0 where the connection broke, so that nobody knows what became of it."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        with closing(http.client.HTTPConnection("127.0.0.1", self.installation.port, timeout=10)) as connection:
            try:
                connection.request("POST", f"/api/v1{path}", json.dumps(body), headers)
                answer = connection.getresponse()
                return answer.status, json.loads(answer.read() or b"{}")
            except (OSError, http.client.HTTPException, ValueError):
                return 0, {}

    def ask(self, slot: Slot, name: str, key: str | None = None) -> tuple[int, dict[str, Any]]:
        return self.post("/requests", wish(self.room, slot, name), key)  # type: ignore[arg-type]  # an id as text

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def die_at(self, point: str) -> bool:
        """A second worker beside the supervised one dies by SIGKILL at a named point. False: it never came by."""
        done = subprocess.run(
            [sys.executable, "-c", DRAIN],
            env=self.environment | {"PLATZWART_FAULT": point},
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        return done.returncode == -signal.SIGKILL

    def undone(self) -> list[str]:
        with self.database.read() as session:
            rows = session.execute(text("SELECT topic, subject_id, last_error FROM outbox WHERE done_at IS NULL"))
            return [str(tuple(row)) for row in rows]

    def wait_done(self, seconds: float) -> float:
        """Until the outbox is empty; how long it took. Fails after `seconds`."""
        begun = time.monotonic()
        while left := self.undone():
            assert time.monotonic() - begun < seconds, (left, self.installation.output[-3000:])
            time.sleep(0.1)
        return time.monotonic() - begun


def environment_of(installation: Installation) -> dict[str, str]:
    """What its processes were told: what `up` finds in a data folder that stands."""
    choice = Choice(installation.data, None, installation.port)
    return dict(embedded.furnish(installation.environment, choice, installation.data).environment)


def furnish(session: Session, context: Context, now: datetime) -> tuple[Ids, str, str, dict[Slot, str]]:
    """A house where a decision is final at once, and where every hour of the next weeks has a door code."""
    ids = build_house(session, now)
    limits = dict.fromkeys(("open_per_contact", "open_per_address", "open_per_room"), UNLIMITED)
    change_house(session, ids, grace_seconds=0, **limits)
    chance = random.Random(7)
    texts = iter(chance.sample(range(100_000, 1_000_000), DAYS * len(OPEN_HOURS)))
    codes = {slot_in(day, hour, hour + 1, now): str(next(texts)) for day in range(2, 2 + DAYS) for hour in OPEN_HOURS}
    for slot, code in codes.items():
        add_code(session, now, context.tools, ids, code, slot.widened(QUARTER, QUARTER))
    token = make_api_token(session, now, ids.organisation_id, SYSTEM, "kill", Role.ADMIN)[1]
    room = read_house(session, ids.organisation_id).room(ids.left)
    return ids, str(room.public_id), token, codes


@pytest.fixture
def running(installation: Installation, smtp_sink: SmtpSink) -> Iterator[Running]:
    installation.environment["PLATZWART_SMTP_URL"] = smtp_sink.url
    process = installation.start(app=None)
    installation.ready(process, 90)
    _wait_for_worker(installation)
    environment = environment_of(installation)
    context = build_context(read_settings(environment))
    now = datetime.now(UTC)
    ids, room, token, codes = context.database.write(lambda session: furnish(session, context, now))
    yield Running(installation, process, environment, smtp_sink, context, ids, room, token, codes)
    context.database.close()
    context.redis.close()


def _wait_for_worker(installation: Installation) -> None:
    deadline = time.monotonic() + 30
    while not installation.members("worker", "quick"):
        assert time.monotonic() < deadline, installation.output
        time.sleep(0.05)
