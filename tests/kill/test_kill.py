"""SIGKILL at any moment, Redis wiped: nothing acknowledged is lost, and a repeated mail is the same (SPEC X4)."""

import logging
import os
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.rentals import load_rental
from booking.tables.bookings import Booking
from booking.tables.outgoing import Message
from booking.values.slot import Slot
from booking.values.states import BookingState, MessageState
from tests.fixtures.mail import Received
from tests.fixtures.servers import wait_until
from tests.fixtures.soak import scale
from tests.kill.conftest import Running
from tests.workers.test_outbox import packed, text_of

KILLS, WIPES = scale(200), scale(20)
SEED = 12
VICTIMS = {
    "web": ("platzwart", " web "),
    "worker": ("worker", "quick"),
    "sites": ("worker", "sites"),
    "calendars": ("worker", "calendars"),
    "tick": ("platzwart", " tick "),
    "valkey": ("valkey",),
}
POINTS = ("outbox.claimed", "mail.frozen", "mail.delivered", "outbox.done")
RESUMED_SECONDS = 30.0
PATIENCE_SECONDS = 360.0  # a mail at which four workers died waits for five minutes
MAILS_OF_A_REQUEST = 3  # to the customer, the office and the desk

log = logging.getLogger(__name__)


@dataclass
class Client:
    """Somebody who books all the time, and repeats under the same key until an answer comes."""

    running: Running
    made: dict[str, tuple[str, Slot]] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    stop: threading.Event = field(default_factory=threading.Event)
    odd: list[str] = field(default_factory=list)

    def work(self) -> None:
        for number, slot in enumerate(self.running.codes):
            if self.stop.is_set():
                return
            self._book(number, slot)
            self.stop.wait(0.15)

    def _book(self, number: int, slot: Slot) -> None:
        answer = self._until_answered("/requests", slot, f"Kundin {number}", f"book {number}")
        if answer is None:
            return
        self.made[answer["id"]] = (answer["code"], slot)
        if number % 2:
            return
        path = f"/requests/{answer['id']}/approve"
        for _ in self._tries(path):
            status, _body = self.running.post(path, {})
            if status in {200, 409}:  # 409: an earlier call did it, whose answer was lost
                self.approved.add(answer["id"])
                return
            self._note(path, status)

    def _until_answered(self, path: str, slot: Slot, name: str, key: str) -> dict[str, str] | None:
        for _ in self._tries(path):
            status, body = self.running.ask(slot, name, key)
            if status == 201:
                return body
            self._note(path, status)
            if self.stop.is_set() and status == 0:
                return None
        return None

    def _tries(self, path: str) -> Iterator[None]:
        """Again and again, for longer than the supervisor ever waits before it starts a process again."""
        given_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < given_up:
            yield
            time.sleep(0.1)
        self.odd.append(f"{path}: never answered")

    def _note(self, path: str, status: int) -> None:
        """A broken connection and 503 are what a client is told to expect."""
        if status not in {0, 503}:
            self.odd.append(f"{path}: {status}")


def kill_one(running: Running, chance: random.Random) -> str:
    """A second worker at a named point, else one of the family at random. Returns whom; empty: nobody was there."""
    if chance.random() < 0.3:
        point = f"{chance.choice(POINTS)}:{chance.randint(1, 3)}"
        return point if running.die_at(point) else ""
    name = chance.choice(list(VICTIMS))
    members = running.installation.members(*VICTIMS[name])
    if not members:
        return ""
    running.kill(chance.choice(members))
    return name


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.rule("X4")
def test_no_kill_loses_a_booking_or_a_mail_and_repeats_are_the_same(running: Running) -> None:
    chance, client = random.Random(SEED), Client(running)
    thread = threading.Thread(target=client.work)
    thread.start()
    killed: list[str] = []
    wiped = 0
    while len(killed) < KILLS:
        time.sleep(chance.uniform(0.1, 0.8))
        if whom := kill_one(running, chance):
            killed.append(whom)
        if wiped < WIPES and len(killed) * WIPES >= wiped * KILLS:
            wiped += wipe_surely(running)
    client.stop.set()
    thread.join(2 * PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert running.process.poll() is None, "the supervisor lives"
    running.wait_done(60)
    assert (wiped, client.odd) == (WIPES, [])
    assert len(client.made) > KILLS // 4
    assert_nothing_is_lost(running, client)
    assert_repeats_are_the_same(running, len(killed))


def wipe_surely(running: Running) -> int:
    """Wait until Redis answers again, then empty it."""
    deadline = time.monotonic() + 20
    while not _wiped(running):
        assert time.monotonic() < deadline, running.installation.output[-2000:]
        time.sleep(0.05)
    return 1


def _wiped(running: Running) -> bool:
    try:
        with running.redis() as client:
            return bool(client.flushall())
    except RedisError:
        return False


def assert_nothing_is_lost(running: Running, client: Client) -> None:
    with running.database.read() as session:
        bookings = {str(b.public_id): b for b in session.scalars(select(Booking))}
        messages = session.scalars(select(Message)).all()
    lost = {made for made, (code, _) in client.made.items() if made not in bookings or bookings[made].code != code}
    assert lost == set()
    assert {bookings[one].state for one in client.approved} <= {BookingState.CONFIRMED}
    assert {message.state for message in messages} == {MessageState.SENT}
    delivered = {mail.message["Message-ID"] for mail in running.sink.received}
    assert {message.message_id for message in messages} - delivered == set()
    acknowledged = {m.booking_id for m in messages if m.kind == "acknowledgement"}
    confirmed = {m.booking_id for m in messages if m.kind == "confirmation"}
    assert {bookings[made].id for made in client.made} <= acknowledged
    assert {bookings[made].id for made in client.approved} <= confirmed


def assert_repeats_are_the_same(running: Running, kills: int) -> None:
    copies = defaultdict(list)
    for mail in running.sink.received:
        copies[mail.message["Message-ID"]].append(mail.content)
    assert [identity for identity, found in copies.items() if len(set(found)) > 1] == []
    assert sum(len(found) - 1 for found in copies.values()) <= kills
    with running.database.read() as session:
        query = select(Message.message_id, Booking.id).join(Booking, Booking.id == Message.booking_id)
        confirmations = dict(session.execute(query.where(Message.kind == "confirmation")).all())
        slots = _slots(running, session)
    for mail in running.sink.received:
        booking_id = confirmations.get(mail.message["Message-ID"])
        if booking_id is not None:
            assert running.codes[slots[booking_id]] in packed(text_of(mail.message))


def _slots(running: Running, session: Session) -> dict[int, Slot]:
    ids = session.scalars(select(Booking.id)).all()
    return {one: load_rental(session, running.ids.organisation_id, one).slot for one in ids}


@pytest.mark.rule("X4")
def test_the_work_of_a_dead_worker_is_resumed_within_thirty_seconds(running: Running) -> None:
    """It dies with the duties claimed, and Redis is wiped; the other worker learns of them by the tick alone."""
    (worker,) = running.installation.members("worker", "quick")
    os.kill(worker, signal.SIGSTOP)
    try:
        status, _ = running.ask(next(iter(running.codes)), "Anna Müller")
        assert status == 201
        assert running.die_at("outbox.claimed:1")
        died = time.monotonic()
        wipe_surely(running)
    finally:
        os.kill(worker, signal.SIGCONT)
    wait_until(lambda: len(told_of_bookings(running)) >= MAILS_OF_A_REQUEST, RESUMED_SECONDS, "its mails")
    resumed = time.monotonic() - died
    log.info("resumed after %.1f s", resumed)
    running.wait_done(10)
    assert len(told_of_bookings(running)) == MAILS_OF_A_REQUEST


@pytest.mark.rule("X4")
def test_without_any_redis_a_request_is_acknowledged_and_its_mails_follow_later(running: Running) -> None:
    """Stopped for good, Redis answers nobody: bookings go on, and what they cause is done once it is back."""
    (engine,) = running.installation.members("valkey")
    os.kill(engine, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        status, _ = running.ask(next(iter(running.codes)), "Anna Müller")
        assert (status, time.monotonic() - begun < 5) == (201, True)
    finally:
        os.kill(engine, signal.SIGCONT)
    wait_until(lambda: len(told_of_bookings(running)) >= MAILS_OF_A_REQUEST, RESUMED_SECONDS, "its mails")


def told_of_bookings(running: Running) -> list[Received]:
    """What was delivered because of a booking; the desk's digest may come at any time of day."""
    with running.database.read() as session:
        ours = set(session.scalars(select(Message.message_id).where(Message.booking_id.is_not(None))))
    return [mail for mail in running.sink.received if mail.message["Message-ID"] in ours]
