"""Webhooks are hints and the API is the truth: whatever comes, in any order, the house ends up as the site is."""

import http.client
import random
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select, update

from booking.tables.bookings import AuditEntry, Booking, Occupancy
from booking.tables.connections import Connection, RemoteBooking
from booking.tables.outgoing import Message
from booking.values.slot import Slot
from booking.values.states import BookingState
from config.jobs import DRAIN_OUTBOX, DRAIN_SITES, POLL_CONNECTION, READ_HOOKS, queue_for
from outside.ycbm_templates import MOST_BYTES, SECRET_HEADER
from platzwart.peers.ycbm import Hook
from tests.builders import slot_in
from tests.fixtures.servers import Valkey
from tests.fixtures.soak import scale
from tests.workers.sites import SECRET, Linked, connect
from workers import ycbm
from workers.context import clock
from workers.tick import Tick
from workers.ycbm import read_some_hooks
from workers.ycbm_poll import POLL_EVERY, POLL_PAUSES

SLOT = slot_in(10, 18, 20)
SLOTS = [slot_in(day, 18, 20) for day in range(10, 20)]
MOST_WAIT = timedelta(minutes=15)


def post(url: str, body: bytes, secret: str | None) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request("POST", parts.path, body, {SECRET_HEADER: secret} if secret else {})
    status = connection.getresponse().status
    connection.close()
    return status


def counts(linked: Linked) -> dict[str, int]:
    """How much stands in the tables that a booking leaves its marks in."""
    with linked.works.context.database.read() as session:
        tables = (Booking, Occupancy, RemoteBooking, Message, AuditEntry)
        return {table.__tablename__: session.scalar(select(func.count(table.id))) or 0 for table in tables}


@pytest.mark.rule("Y1", "Y3", "S5")
@pytest.mark.usefixtures("hooks")
def test_a_booking_there_is_a_request_here_as_soon_as_its_webhook_came(linked: Linked) -> None:
    identity = linked.book(SLOT)
    assert linked.hear() == 1
    booking = linked.here(identity)
    assert (booking.state, booking.people, linked.taken()) == (BookingState.REQUESTED, 12, [SLOT])
    with linked.works.context.database.read() as session:
        assert session.scalars(select(RemoteBooking.ref)).one() == linked.there(identity)["ref"]
    linked.works.drain()
    receivers = sorted(mail.receivers[0] for mail in linked.works.sink.received)
    assert receivers == ["ada@booker.example", "buero@kirche.example", "theke@kirche.example"]


@pytest.mark.rule("Y4")
def test_what_webhooks_missed_is_found_by_the_poll(linked: Linked) -> None:
    identity = linked.book(SLOT)
    assert linked.hear() == 0
    assert linked.poll()
    assert (linked.here(identity).state, linked.taken()) == (BookingState.REQUESTED, [SLOT])


@pytest.mark.rule("Y4")
def test_the_next_poll_is_never_more_than_a_quarter_of_an_hour_away(linked: Linked) -> None:
    assert max(POLL_EVERY, *POLL_PAUSES) <= MOST_WAIT
    linked.peer.control({"failing": 10_000})
    for _ in range(8):
        assert not linked.poll()
        assert linked.connection().next_poll_at - clock() <= MOST_WAIT
    assert linked.connection().failures == 8
    linked.peer.control({"failing": 0})
    assert linked.poll()
    assert (linked.connection().failures, linked.connection().last_error) == (0, "")
    assert linked.connection().next_poll_at - clock() <= MOST_WAIT


def test_polls_that_piled_up_ask_the_site_once(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ycbm, "process_context", lambda: linked.works.context)
    linked.works.write(lambda s: s.execute(update(Connection).values(next_poll_at=clock())))
    for _ in range(5):
        ycbm.poll(linked.connection_id)
    assert len(linked.peer.requests) == 1


@pytest.mark.rule("Y3", "Y5")
def test_without_the_secret_nothing_is_stored(linked: Linked, hooks: str) -> None:
    body = b'{"ref": "X", "start": "2026-12-04T17:00:00+0000"}'
    assert [post(hooks, body, secret) for secret in (None, "", "wrong", SECRET[:-1])] == [401] * 4
    assert post(hooks.replace(hooks[-4:], "0000"), body, SECRET) == 401
    assert post(hooks, b"x" * (MOST_BYTES + 1), SECRET) == 413
    assert linked.outcomes() == []


@pytest.mark.rule("Y3")
@pytest.mark.parametrize("body", [b"", b"no json", b"\xff\xfe\x00", b'{"ref":', b"[" * 60_000, b"x" * MOST_BYTES])
def test_with_the_secret_anything_is_stored_and_leads_to_a_poll(linked: Linked, hooks: str, body: bytes) -> None:
    assert post(hooks, body, SECRET) == 202
    assert linked.hear() == 1
    assert linked.connection().next_poll_at <= clock()
    assert linked.bookings() == []


@pytest.mark.rule("Y5")
def test_a_quote_in_a_name_that_breaks_the_json_still_leads_to_the_booking(linked: Linked, hooks: str) -> None:
    mine = '{"who": "{FNAME}", "ref": "{REF}", "start": "{START-ISO-8601}"}'
    linked.peer.pusher.hooks = [Hook("made", hooks, mine, "POST", {SECRET_HEADER: SECRET})]
    linked.book(SLOT, FNAME='Ada "}{ \\')
    linked.hear()
    if linked.connection().next_poll_at <= clock():
        linked.poll()
    assert linked.bookings() == [(BookingState.REQUESTED, SLOT)]


@pytest.mark.rule("Y3", "Y5")
def test_what_a_webhook_claims_is_not_believed(linked: Linked) -> None:
    identity = linked.book(SLOT)
    linked.poll()
    there = linked.there(identity)
    for event in ("cancelled", "rescheduled", "no-show", "made"):
        linked.hook(b'{"event": "%s", "ref": "%s", "start": "2026-12-24T10:00:00Z", "cancelled": true}'
                    % (event.encode(), str(there["ref"]).encode()))  # fmt: skip
    linked.hook(b'{"event": "made", "ref": "NOBODY", "start": "2026-12-04T17:00:00Z"}')
    before = counts(linked)
    linked.hear()
    assert (linked.bookings(), counts(linked)) == ([(BookingState.REQUESTED, SLOT)], before)


@pytest.mark.rule("X4")
def test_a_webhook_that_cannot_be_followed_never_stops_the_others(linked: Linked) -> None:
    broken = connect(linked.works, linked.peer)
    linked.works.write(
        lambda s: s.execute(update(Connection).where(Connection.id == broken).values(api_key_cipher=b"nonsense" * 4))
    )
    identity = linked.book(SLOT)
    there = linked.there(identity)
    body = f'{{"ref": "{there["ref"]}", "start": "{SLOT.start.isoformat()}"}}'.encode()
    linked.hook(body, broken)
    linked.hook(body)
    linked.hear()
    assert linked.here(identity).state is BookingState.REQUESTED
    assert linked.outcomes()[0] == "failed"


@pytest.mark.rule("Y5", "Y6")
@pytest.mark.parametrize("seed", range(scale(40)))
def test_duplicates_in_any_order_and_replays_end_as_the_site_is(linked_on_both: Linked, seed: int) -> None:
    linked, chance = linked_on_both, random.Random(seed)
    bodies = _live(linked, chance)
    hints = bodies * 2
    chance.shuffle(hints)
    for body in hints:
        linked.hook(body)
        if chance.random() < 0.3:
            read_some_hooks(linked.works.context)
        if chance.random() < 0.1:
            linked.poll()
    linked.hear()
    assert _differences(linked) == []
    linked.works.drain()
    settled, standing, mails = counts(linked), linked.bookings(), len(linked.works.sink.received)
    for body in chance.sample(bodies, len(bodies)):
        linked.hook(body)
    linked.hear()
    linked.poll()
    linked.works.drain()
    assert (counts(linked), linked.bookings()) == (settled, standing)
    assert len(linked.works.sink.received) == mails


def _live(linked: Linked, chance: random.Random) -> list[bytes]:
    """A day on the site: people book, move, cancel. The webhooks of all that, kept back."""
    bodies: list[bytes] = []
    free = chance.sample(SLOTS, len(SLOTS))
    ids: list[str] = []

    def hint(identity: str, event: str) -> None:
        there = linked.there(identity)
        text = f'{{"event": "{event}", "ref": "{there["ref"]}", "start": "{there["startsAtUTC"]}"}}'
        bodies.append(text.encode())

    for _ in range(4):
        slot = free.pop()
        ids.append(linked.book(slot, FNAME=f"Ada {len(ids)}", EMAIL=f"ada{len(ids)}@booker.example"))
        hint(ids[-1], "made")
    steps: list[tuple[str, Slot | None]] = [(identity, free.pop()) for identity in chance.sample(ids, 3)]
    steps += [(identity, None) for identity in chance.sample(ids, 2)]
    chance.shuffle(steps)
    for identity, to in steps:
        if to is None:
            linked.peer.cancel(identity)
        else:
            linked.peer.reschedule(identity, to.start, to.end)
        hint(identity, "rescheduled" if to else "cancelled")
        if chance.random() < 0.5:
            linked.poll()
    return bodies


def _differences(linked: Linked) -> list[str]:
    """What stands there against what stands here."""
    found = []
    ours = {(state, slot) for state, slot in linked.bookings()}
    for there in linked.peer.world.bookings.values():
        here = BookingState.CANCELLED if there.cancelled else BookingState.REQUESTED
        known = [state for state, slot in ours if (slot.start, slot.end) == (there.starts, there.ends)]
        if not there.cancelled and here not in known:
            found.append(f"{there.id} is not requested here at {there.starts}")
        if there.cancelled and BookingState.REQUESTED in known and _is_free_there(linked, there.starts):
            found.append(f"{there.id} is still requested here at {there.starts}")
    taken = sorted((one.starts, one.ends) for one in linked.peer.world.bookings.values() if not one.cancelled)
    if [(slot.start, slot.end) for slot in linked.taken()] != taken:
        found.append("other times are taken here")
    return found


def _is_free_there(linked: Linked, start: object) -> bool:
    return all(one.cancelled for one in linked.peer.world.bookings.values() if one.starts == start)


@pytest.mark.rule("Y4", "X4")
def test_the_tick_asks_for_what_is_due(linked: Linked, valkey: Valkey) -> None:
    context = replace(linked.works.context, redis=valkey.client())
    linked.works.write(lambda s: s.execute(update(Connection).values(next_poll_at=clock())))
    linked.hook(b"{}")
    linked.works.request(SLOT)
    assert Tick(context).step(clock())
    quick, sites, polls = (queue_for(job, context.redis) for job in (DRAIN_OUTBOX, READ_HOOKS, POLL_CONNECTION))
    assert [job.func_name for job in quick.jobs] == [DRAIN_OUTBOX]
    assert [job.func_name for job in sites.jobs] == [DRAIN_SITES, READ_HOOKS]
    assert [(job.func_name, job.args) for job in polls.jobs] == [(POLL_CONNECTION, [linked.connection_id])]
    context.redis.close()
