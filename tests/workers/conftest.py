"""A house whose worker runs in this process: real database, real SMTP server, a clock that the test moves."""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from rq.timeouts import JobTimeoutException
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.messages import MailKind
from booking.actions.requests import Made
from booking.actions.reviews import Resting, decide_request
from booking.reads.house import House, read_house
from booking.tables.bookings import Booking
from booking.tables.outgoing import Message, Outbox
from booking.values.slot import Slot
from booking.values.states import BookingState, Verdict
from config.settings import read_settings
from platzwart.peers.ycbm import Page, YcbmPeer
from platzwart.rq_worker import JobLimit
from tests.builders import NOW, Ids, add_code, build_house, contact, request
from tests.fixtures.mail import SmtpSink
from tests.fixtures.processes import free_port
from workers.context import Context, build_context, clock
from workers.outbox import drain_once

if TYPE_CHECKING:
    from tests.workers.sites import Linked

OFFICE = Actor("Frau Office", None, "test")
QUARTER = timedelta(minutes=15)
MOST_ROUNDS = 50
SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz-tests"
DRAIN = """
from config.settings import settings_from_process
from workers.context import build_context
from workers.outbox import drain_once
context = build_context(settings_from_process())
while drain_once(context):
    pass
"""
CODE_KEY = "k1:" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Works:
    """The house, and what its worker works with."""

    context: Context
    ids: Ids
    sink: SmtpSink
    traveller: time_machine.Traveller
    given: dict[str, str] = field(default_factory=dict, repr=False)

    def write(self, action: Callable[[Session], object]) -> None:
        self.context.database.write(action)

    @property
    def house(self) -> House:
        with self.context.database.read() as session:
            return read_house(session, self.ids.organisation_id)

    def later(self, step: timedelta) -> None:
        self.traveller.shift(step)

    def drain(self) -> int:
        """Until nothing is due. Returns how many duties were claimed."""
        done = 0
        for _ in range(MOST_ROUNDS):
            found = drain_once(self.context)
            done += found
            if not found:
                return done
        pytest.fail("the outbox does not run dry")

    def request(self, slot: Slot, name: str = "Anna Müller") -> Made:
        made = self.context.database.write(
            lambda session: request(session, clock(), self.context.tools, self.ids, self.ids.hall, slot, contact(name))
        )
        assert isinstance(made, Made), made
        return made

    def code(self, text: str, slot: Slot) -> None:
        window = slot.widened(QUARTER, QUARTER)
        self.write(lambda session: add_code(session, clock(), self.context.tools, self.ids, text, window))

    def decide(self, booking_id: int, verdict: Verdict, reason: str = "") -> None:
        """Decide, and let the grace time pass."""
        house = self.house
        resting = self.context.database.write(
            lambda session: decide_request(session, clock(), house, booking_id, verdict, OFFICE, reason=reason)
        )
        assert isinstance(resting, Resting), resting
        self.later(house.grace + timedelta(seconds=1))

    def confirmed(self, slot: Slot, code: str = "482915", name: str = "Anna Müller") -> Made:
        """A request that was approved; its mails are not drained yet."""
        self.code(code, slot)
        made = self.request(slot, name)
        self.drain()
        self.sink.received.clear()
        self.decide(made.booking_id, Verdict.APPROVE)
        return made

    def state(self, booking_id: int) -> BookingState:
        with self.context.database.read() as session:
            return session.get_one(Booking, booking_id).state

    def message(self, booking_id: int, kind: MailKind) -> Message:
        with self.context.database.read() as session:
            query = select(Message).where(Message.booking_id == booking_id, Message.kind == kind.value)
            return session.scalars(query).one()

    def duties(self, topic: str, subject_id: int) -> list[Outbox]:
        with self.context.database.read() as session:
            query = select(Outbox).where(Outbox.topic == topic, Outbox.subject_id == subject_id)
            return list(session.scalars(query.order_by(Outbox.id)))

    def all_duties(self) -> list[Outbox]:
        with self.context.database.read() as session:
            return list(session.scalars(select(Outbox).order_by(Outbox.id)))


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=True) as travelling:
        yield travelling


def make_works(url: str, sink: SmtpSink, traveller: time_machine.Traveller, redis_url: str, **others: str) -> Works:
    given = {
        "DATABASE_URL": url,
        "REDIS_URL": redis_url,
        "BASE_URL": "http://localhost",
        "SECRET_KEY": SECRET_KEY,
        "CODE_KEY": CODE_KEY,
        "SMTP_URL": sink.url,
    }
    given |= others
    context = build_context(read_settings({f"PLATZWART_{name}": value for name, value in given.items()}))
    return Works(context, context.database.write(build_house), sink, traveller, given)


@pytest.fixture
def works(database_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller) -> Iterator[Works]:
    """On each engine. Redis is not there: nothing here needs it."""
    made = make_works(database_url, smtp_sink, traveller, "redis://127.0.0.1:1/0")
    yield made
    made.context.database.close()


@contextmanager
def link(url: str, sink: SmtpSink, traveller: time_machine.Traveller) -> "Iterator[Linked]":
    from tests.workers.sites import HALL, LEFT, Linked, connect

    pages = [Page(HALL, "Halle", "halle", tentative=True), Page(LEFT, "Halle links", "links")]
    with YcbmPeer(pages) as peer:
        allowed = {"ALLOW_PRIVATE_HOSTS": peer.netloc, "BASE_URL": f"http://127.0.0.1:{free_port()}"}
        works = make_works(url, sink, traveller, "redis://127.0.0.1:1/0", **allowed)
        yield Linked(works, peer, connect(works, peer))
        works.context.database.close()


@pytest.fixture
def linked(sqlite_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller) -> "Iterator[Linked]":
    """A house linked with a site; the hall's page there waits for the owner's word (tentative)."""
    with link(sqlite_url, smtp_sink, traveller) as made:
        yield made


@pytest.fixture
def linked_on_both(database_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller) -> "Iterator[Linked]":
    """As `linked`, once on each engine."""
    with link(database_url, smtp_sink, traveller) as made:
        yield made


@pytest.fixture
def hooks(linked: "Linked") -> "Iterator[str]":
    """The endpoint for webhooks on a socket; its address."""
    from tests.workers.sites import hooked

    with hooked(linked, int(linked.works.context.settings.base_url.rpartition(":")[2])) as url:
        yield url


def job_limit(seconds: int) -> AbstractContextManager[None]:
    """The limit that our workers set to a job."""
    limit: AbstractContextManager[None] = JobLimit(seconds, JobTimeoutException)  # type: ignore[no-untyped-call]  # RQ's
    return limit


def die_at(works: Works, point: str) -> None:
    """Drain in a process of its own, which is ended by SIGKILL at a named point (config/faults.py)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PLATZWART_")}
    for name, value in works.given.items():
        environment[f"PLATZWART_{name}"] = value
    code = f"import time_machine; time_machine.travel('{clock().isoformat()}').start()\n{DRAIN}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PLATZWART_FAULT": point},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, (point, done.stderr.decode())
