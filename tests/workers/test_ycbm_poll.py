"""Polls: asked for in time, never against the site's word, and one booking that fails costs itself only."""

import logging
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actions import hooks, outbox
from booking.actions.connections import note_proof, pause
from booking.actions.leases import hold_lease
from booking.actions.messages import MailKind
from booking.actions.rentals import SITES
from booking.actions.site_proof import PlannedBlock, note_test_block, plan_test_block
from booking.tables.bookings import CaseFile
from booking.tables.connections import HookDelivery, RemoteBooking
from booking.tables.outgoing import Message, Outbox
from booking.values.slot import Slot
from booking.values.states import BookingState, Verdict
from outside.errors import SiteUnreadable
from outside.ycbm import YcbmClient
from outside.ycbm_values import RemoteBooking as Standing
from platzwart.peers.ycbm_world import World
from sync.remotes.protocol import Listing
from sync.remotes.ycbm import YcbmRemote
from tests.builders import slot_in
from tests.workers.conftest import OFFICE
from tests.workers.site_life import LONG_ENOUGH, MINUTE, OTHER, SLOT, THIRD, rows, settle, site_cases, taken_in
from tests.workers.sites import HALL, Linked
from workers.context import clock
from workers.site_client import client_of
from workers.tick import SETTLING, Tick, clean
from workers.ycbm_poll import MOST_FAILURES, POLL_EVERY, RENEW_AFTER

BERLIN = ZoneInfo("Europe/Berlin")
SLOTS = [slot_in(day, 18, 20) for day in range(10, 16)]


def throttle(linked: Linked, seconds: int) -> None:
    linked.peer.control({"rate": [1, seconds]})
    linked.poll()
    linked.poll()


@pytest.mark.rule("Y4")
def test_a_poll_waits_as_long_as_the_site_asked_for_and_no_webhook_shortens_it(linked: Linked) -> None:
    throttle(linked, 3000)
    asked = len(linked.peer.requests)
    for _ in range(3):
        linked.hook(b"junk")
        linked.hook(b'{"ref": "X", "start": "2026-12-04T17:00:00Z"}')
        linked.hear()
        linked.works.later(10 * MINUTE)
        assert linked.connection().next_poll_at > clock()
        assert not linked.poll()
    assert len(linked.peer.requests) == asked, "nobody calls before the time that was named"
    linked.works.later(30 * MINUTE)
    assert linked.connection().next_poll_at <= clock()
    linked.peer.control({"rate": None})
    assert linked.poll()


def test_what_a_poll_was_told_to_wait_for_holds_for_errands_as_well(linked: Linked) -> None:
    throttle(linked, 3000)
    asked = len(linked.peer.requests)
    linked.works.request(SLOT)
    linked.works.drain()
    linked.works.write(lambda s: outbox.hasten(s, clock(), linked.works.ids.organisation_id, SITES))
    linked.works.drain()
    assert (len(linked.peer.requests), linked.blocks(HALL)) == (asked, [])


def test_a_webhook_leaves_the_pause_after_a_failure(linked: Linked) -> None:
    linked.peer.control({"failing": 10_000})
    linked.poll()
    after = linked.connection().next_poll_at
    linked.hook(b"junk")
    linked.hear()
    assert linked.connection().next_poll_at == after


@pytest.mark.rule("X4", "Y6")
def test_a_booking_that_cannot_be_read_stops_no_other(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = linked.book(SLOT), linked.book(OTHER)
    linked.poll()
    for identity in (broken, other):
        linked.peer.vanish(identity)
    real = YcbmClient.booking

    def read(client: YcbmClient, identity: str) -> Standing:
        if identity == broken:
            raise SiteUnreadable("https://site.example", "no JSON")
        return real(client, identity)

    monkeypatch.setattr(YcbmClient, "booking", read)
    assert linked.poll()
    linked.works.later(LONG_ENOUGH)
    assert linked.poll()
    with linked.works.context.database.read() as session:
        about = session.scalars(select(CaseFile.booking_id).where(CaseFile.kind == "site-vanished")).all()
    assert about == [linked.here(other).id]
    assert linked.connection().failures == 0


@pytest.mark.rule("C9")
def test_a_site_that_fails_for_one_booking_after_the_other_is_left_alone(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [linked.book(slot) for slot in SLOTS]
    linked.poll()
    for identity in ids:
        linked.peer.vanish(identity)
    asked: list[str] = []

    def read(_client: YcbmClient, identity: str) -> Standing:
        asked.append(identity)
        raise SiteUnreadable("https://site.example", "no JSON")

    monkeypatch.setattr(YcbmClient, "booking", read)
    assert not linked.poll()
    assert (len(asked), linked.connection().last_error, linked.cases()) == (MOST_FAILURES, "SiteUnreadable", [])


@pytest.mark.rule("Y3")
def test_a_connection_that_rests_is_read_by_no_webhook_and_catches_up(linked: Linked) -> None:
    organisation_id = linked.works.ids.organisation_id

    def rest(*, paused: bool) -> None:
        linked.works.write(lambda s: pause(s, clock(), organisation_id, OFFICE, linked.connection_id, paused=paused))

    rest(paused=True)
    there = linked.there(linked.book(SLOT))
    linked.hook(f'{{"ref": "{there["ref"]}", "start": "{there["startsAtUTC"]}"}}'.encode())
    linked.hear()
    assert (linked.bookings(), linked.outcomes(), linked.peer.requests) == ([], ["resting"], [])
    rest(paused=False)
    assert linked.connection().next_poll_at <= clock()
    linked.poll()
    assert linked.taken() == [SLOT]


@pytest.mark.rule("S10")
def test_a_stuck_cancel_has_one_duty_however_often_it_is_tried(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    identity, works = taken_in(linked), linked.works

    def no(*_given: object, **_more: object) -> None:
        raise ValueError("no")

    with monkeypatch.context() as patched:
        patched.setattr(World, "cancel", no)
        works.decide(linked.here(identity).id, Verdict.REJECT, "Kein Platz für Feuerwerk.")
        settle(linked, 24)
        assert len(linked.waiting()) == 1
    works.later(timedelta(hours=9))
    settle(linked, 1)
    assert (linked.there(identity)["cancelled"], linked.waiting(), linked.cases()) == (True, [], [])


def test_a_long_poll_keeps_its_turn(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [linked.book(slot) for slot in SLOTS]
    linked.poll()
    for identity in ids:
        linked.peer.vanish(identity)
    real, others = YcbmClient.booking, []

    def read(client: YcbmClient, identity: str) -> Standing:
        linked.works.later(RENEW_AFTER + timedelta(seconds=20))
        context = linked.works.context
        name = f"poll-{linked.connection_id}"
        others.append(context.database.write(lambda s: hold_lease(s, clock(), name, "other", timedelta(0))))
        return real(client, identity)

    monkeypatch.setattr(YcbmClient, "booking", read)
    assert linked.poll()
    assert others == [None] * len(SLOTS)


def test_a_poll_that_lost_its_turn_stops_and_counts_no_failure(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    linked.peer.vanish(taken_in(linked))
    linked.book(OTHER)
    before, real = linked.connection(), YcbmRemote.changes

    def slow(remote: YcbmRemote, cursor: None) -> Listing:
        found = real(remote, cursor)
        linked.works.later(3 * MINUTE)
        hold = {"name": f"poll-{linked.connection_id}", "owner": "other", "length": MINUTE}
        linked.works.write(lambda s: hold_lease(s, clock(), **hold))  # type: ignore[arg-type]  # three kinds in one dict
        return found

    monkeypatch.setattr(YcbmRemote, "changes", slow)
    assert not linked.poll()
    after = linked.connection()
    assert (after.failures, after.polled_at, len(linked.bookings())) == (0, before.polled_at, 1)


def plan_test(linked: Linked, slot: Slot) -> PlannedBlock:
    works = linked.works
    return works.context.database.write(
        lambda s: plan_test_block(
            s, clock(), works.context.tools, works.ids.organisation_id, linked.connection_id, HALL, slot
        )
    )


def client(linked: Linked) -> YcbmClient:
    with linked.works.context.database.read() as session:
        return client_of(linked.works.context, session, linked.connection_id)


@pytest.mark.rule("Y8")
def test_a_test_time_is_no_request_whoever_reads_it_first(linked: Linked) -> None:
    works = linked.works
    test = plan_test(linked, SLOT)
    standing = client(linked).create_block(HALL, SLOT, BERLIN, "Test", test.mark)
    there = linked.there(standing.id)
    linked.hook(f'{{"ref": "{there["ref"]}", "start": "{there["startsAtUTC"]}"}}'.encode())
    linked.hear()

    def finish(session: Session) -> None:
        organisation_id = works.ids.organisation_id
        note_test_block(session, organisation_id, test.row_id, standing.id)
        given = {"test_id": test.row_id, "removed": True}
        note_proof(session, clock(), organisation_id, OFFICE, linked.connection_id, **given)  # type: ignore[arg-type]

    works.write(finish)
    assert (linked.bookings(), [row.remote_id for row in rows(linked)]) == ([], [standing.id])
    linked.book(OTHER, PLATZWART=test.mark)
    linked.poll()
    assert [slot for _, slot in linked.bookings()] == [OTHER], "its mark is good for it alone"


@pytest.mark.rule("Y8", "X4")
def test_a_test_time_whose_proof_died_is_removed_by_the_next_poll(linked: Linked) -> None:
    test = plan_test(linked, SLOT)
    identity = client(linked).create_block(HALL, SLOT, BERLIN, "Test", test.mark).id
    linked.works.later(MINUTE)
    settle(linked, 2)
    assert (linked.bookings(), linked.blocks(HALL)) == ([], [])
    assert [(row.remote_id, row.cancelled) for row in rows(linked)] == [(identity, True)]
    plan_test(linked, THIRD)
    for _ in range(3):
        linked.works.later(LONG_ENOUGH)
        linked.poll()
    assert ([row.cancelled for row in rows(linked)], linked.cases()) == ([True, True], []), "it never came to stand"


def alarms(linked: Linked) -> int:
    with linked.works.context.database.read() as session:
        kind = Message.kind == MailKind.SITE_SILENT.value
        return session.scalar(select(func.count(Message.id)).where(kind)) or 0


@pytest.mark.rule("C15")
def test_a_connection_that_is_silent_for_too_long_alarms_the_office_once(linked: Linked) -> None:
    works, tick = linked.works, Tick(linked.works.context)
    logging.getLogger("config.jobs").setLevel(logging.ERROR)
    linked.poll()
    tick.step(clock())
    works.later(SETTLING)
    linked.poll()
    linked.peer.control({"failing": 10_000})
    for minutes, expected in ((29, 0), (2, 1), (60, 1)):
        works.later(minutes * MINUTE)
        linked.poll()
        for _ in range(2):
            tick.step(clock())
        assert (linked.cases().count("site-silent"), alarms(linked)) == (expected, expected), minutes
    works.drain()
    assert [mail.receivers for mail in works.sink.received if "YouCanBook.me" in str(mail.message["Subject"])] == [
        ("buero@kirche.example",)
    ]
    linked.peer.control({"failing": 0})
    linked.poll()
    tick.step(clock())
    assert site_cases(linked) == []
    linked.peer.control({"failing": 10_000})
    works.later(31 * MINUTE)
    tick.step(clock())
    assert (site_cases(linked), alarms(linked)) == (["site-silent"], 2), "the next silence is a new one"


@pytest.mark.rule("C15")
def test_a_house_that_was_stopped_or_lets_a_connection_rest_alarms_nobody(linked: Linked) -> None:
    works, organisation_id = linked.works, linked.works.ids.organisation_id
    linked.poll()
    works.later(timedelta(hours=9))
    tick = Tick(works.context)
    tick.step(clock())
    linked.poll()
    works.write(lambda s: pause(s, clock(), organisation_id, OFFICE, linked.connection_id, paused=True))
    works.later(timedelta(hours=9))
    tick.step(clock())
    works.write(lambda s: pause(s, clock(), organisation_id, OFFICE, linked.connection_id, paused=False))
    tick.step(clock())
    assert (site_cases(linked), alarms(linked)) == ([], 0)


def test_webhooks_and_done_duties_are_kept_for_their_time_only(linked: Linked) -> None:
    linked.hook(b'{"name": "Anna Geheim"}')
    linked.works.request(SLOT)
    linked.works.drain()

    def left() -> tuple[int, int]:
        with linked.works.context.database.read() as session:
            hook = session.scalar(select(func.count(HookDelivery.id))) or 0
            return hook, session.scalar(select(func.count(Outbox.id))) or 0

    _, duties = left()
    later = clock() + hooks.KEPT + MINUTE
    linked.works.write(lambda s: clean(s, later))
    assert left() == (1, duties), "what was not followed yet is kept"
    linked.hear()
    linked.works.write(lambda s: clean(s, clock() + hooks.KEPT - MINUTE))
    assert left() == (1, duties)
    linked.works.write(lambda s: clean(s, later))
    assert left() == (0, duties)
    linked.works.write(lambda s: clean(s, clock() + outbox.KEPT + MINUTE))
    assert left() == (0, 0)
    with linked.works.context.database.read() as session:
        assert session.scalars(select(RemoteBooking.ours)).all() == [True, True]
    assert [state for state, _ in linked.bookings()] == [BookingState.REQUESTED]
    assert POLL_EVERY < LONG_ENOUGH
