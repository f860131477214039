"""A time taken here stands in the calendar that the booking site reads: chosen, proven, and what prevents it (SPEC Y8).

The calendar is a real one, written by the link's own runs and read by the stand-in for YouCanBook.me.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.calendar_proofs import PROOFS, move_proof
from booking.actions.links import pause_link, resume_link, unlink
from booking.reads.agenda import Whose, items_of, stamps
from booking.rules.calendar_proof import Move
from booking.tables.connections import BlockWay
from booking.tables.outgoing import Outbox
from booking.values.proofs import ProofPhase
from booking.values.states import ItemStatus, SubjectKind
from tests.builders import slot_in
from tests.fixtures.mail import SmtpSink
from tests.sync.remotes.live import LiveServer, radicale
from tests.workers.calendar_ways import LAG, OFFICE, Ways, slot_of, ways
from tests.workers.conftest import die_at
from tests.workers.sites import HALL, LEFT
from tests.workers.test_sites_proof import prove
from workers.context import clock
from workers.links import run_due
from workers.outbox import drain_once

SLOT = slot_in(10, 12, 14)
LONG = timedelta(minutes=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@pytest.fixture
def house(
    sqlite_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller, server: LiveServer
) -> Iterator[Ways]:
    with ways(sqlite_url, smtp_sink, traveller, server) as found:
        found.only_hall()
        yield found


@pytest.fixture
def house_on_both(
    database_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller, server: LiveServer
) -> Iterator[Ways]:
    """As `house`, once on each engine."""
    with ways(database_url, smtp_sink, traveller, server) as found:
        found.only_hall()
        yield found


@pytest.mark.rule("Y8")
def test_the_site_stops_offering_the_test_time_and_offers_it_again_so_the_way_is_proven(house_on_both: Ways) -> None:
    house = house_on_both
    link = house.link("hall", house.works.ids.hall)
    assert house.choose(hall=link) is None
    assert house.ask() is None
    house.turn()
    row = house.row()
    assert row.phase is ProofPhase.WRITTEN
    slot = slot_of(row)
    assert slot.start >= clock() + timedelta(days=14)
    house.turn()
    assert not house.offers(slot.start)
    row = house.finish()
    assert (row.phase, row.problem) == (ProofPhase.PROVEN, "")
    assert house.connection().proven_at is not None
    assert house.offers(slot.start)
    assert house.entries("hall") == []
    assert [item.status for item in house.items()] == [ItemStatus.CANCELLED]
    house.works.request(SLOT)
    house.turn()
    assert not house.offers(SLOT.start)
    assert house.peer.bookings == []


@pytest.mark.rule("Y8")
def test_a_site_that_reads_another_calendar_is_not_proven_and_the_test_time_goes(house: Ways) -> None:
    """The negative control: everything works but what is to be proven."""
    assert house.choose(hall=house.link("other", house.works.ids.hall)) is None
    house.ask()
    row = house.finish(step=LONG)
    assert (row.phase, row.problem) == (ProofPhase.FAILED, "still-offered")
    assert house.connection().proven_at is None
    house.turn()
    assert house.entries("other") == []


@pytest.mark.rule("Y8", "C14")
def test_until_the_way_is_proven_what_both_sides_took_is_a_case(house: Ways) -> None:
    house.choose(hall=house.link("other", house.works.ids.hall))
    house.works.request(SLOT)
    house.turn()
    house.linked.book(SLOT)
    assert house.linked.poll()
    assert list(house.cases()) == ["site-double"]


@pytest.mark.rule("Y8")
def test_a_site_that_offers_nothing_at_all_proves_nothing(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    house.turn()
    page = house.peer.world.pages[HALL]
    house.peer.world.pages[HALL] = replace(page, closes=page.opens)
    assert house.finish(step=LONG).problem == "nothing-offered"


@pytest.mark.rule("Y8")
def test_without_another_free_hour_on_the_page_there_is_nothing_to_try(house: Ways) -> None:
    page = house.peer.world.pages[HALL]
    house.peer.world.pages[HALL] = replace(page, closes=page.opens)
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    assert house.finish().problem == "no-hour"
    assert house.items() == []


@pytest.mark.rule("Y8")
def test_a_site_that_is_late_has_five_minutes_for_each_step_and_no_more(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    for late, expected in ((120, ProofPhase.PROVEN), (400, ProofPhase.FAILED)):
        house.peer.control({"calendar_lag": 1e9})
        house.ask()
        house.turn()
        began = clock()
        while house.row().phase.runs:
            if clock() - began >= timedelta(seconds=late):
                house.peer.control({"calendar_lag": LAG})
            house.turn()
            house.works.later(timedelta(seconds=20))
        row = house.row()
        assert row.phase is expected, late
    assert row.problem == "still-offered"
    assert house.connection().proven_at is None, "a proof that fails takes the former one along"
    assert house.entries("hall") == []


@pytest.mark.rule("Y8")
def test_a_time_that_is_not_offered_again_is_not_proven(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    for _ in range(20):
        house.turn()
        if house.row().phase is ProofPhase.WITHDRAWN:
            break
        house.works.later(timedelta(seconds=5))
    house.peer.control({"calendar_lag": 1e9})
    assert house.finish(step=LONG).problem == "not-offered-again"


@pytest.mark.rule("Y8")
def test_a_time_that_a_customer_took_meanwhile_is_no_proof_and_said_so(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    house.turn()
    slot = slot_of(house.row())
    house.works.request(slot)
    assert house.finish().problem == "disturbed"
    assert len(house.entries("hall")) == 1, "the customer's stays"


@pytest.mark.rule("Y8")
def test_a_run_that_fails_ends_the_proof_at_once_and_the_next_leaves_nothing(house: Ways) -> None:
    link = house.link("hall", house.works.ids.hall)
    house.turn()
    house.choose(hall=link)
    page = house.peer.world.pages[HALL]
    house.peer.world.pages[HALL] = replace(page, calendar=house.server.url("left"))
    house.server.ask("DELETE", f"{house.server.home}hall/")
    house.ask()
    began = clock()
    row = house.finish()
    assert (row.problem, row.detail) == ("link-failed", "gone")
    assert clock() - began < timedelta(minutes=1)
    house.server.make("hall")
    house.works.later(timedelta(hours=7))
    house.turn()
    assert house.entries("hall") == []


@pytest.mark.rule("Y8")
def test_a_link_that_does_not_run_ends_the_proof_at_its_deadline_and_writes_nothing_later(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    assert house.finish(runs=False, step=LONG).problem == "link-slow"
    house.turn()
    assert house.entries("hall") == []


@pytest.mark.rule("Y8")
def test_a_link_that_is_paused_meanwhile_ends_the_proof_and_removes_the_test_time_when_it_goes_on(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    for _ in range(2):
        house.turn()
    assert len(house.entries("hall")) == 1
    link_id = house.link_ids["hall"]
    house.works.write(lambda db: pause_link(db, clock(), house.mine, OFFICE, link_id))
    assert house.finish().problem == "link-rests"
    house.works.write(lambda db: resume_link(db, clock(), house.mine, OFFICE, link_id))
    house.turn()
    assert house.entries("hall") == []


@pytest.mark.rule("Y8")
def test_a_site_that_is_away_is_asked_again_and_one_that_refuses_is_not(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    house.peer.control({"failing": 3})
    assert house.finish(step=timedelta(seconds=20)).phase is ProofPhase.PROVEN
    house.peer.control({"failing": 1000})
    house.ask()
    row = house.finish(step=LONG)
    assert (row.problem, row.detail) == ("site-failed", "SiteDown")
    house.peer.control({"failing": 0})
    house.peer.world.api_key = "another"
    house.ask()
    began = clock()
    row = house.finish()
    assert (row.problem, row.detail) == ("site-failed", "SiteDenied")
    assert clock() - began < timedelta(seconds=10)


@pytest.mark.rule("Y8", "X4")
@pytest.mark.parametrize("point", ["proof.written", "proof.there", "proof.withdrawn", "proof.proven"])
def test_a_worker_killed_anywhere_leaves_a_proof_that_the_next_one_ends(house: Ways, point: str) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    phases = ("proof.written", "proof.there", "proof.withdrawn", "proof.proven")
    for _ in range(phases.index(point)):
        before = house.row().phase
        while house.row().phase is before:
            house.works.later(timedelta(seconds=5))
            drain_once(house.works.context)
        run_due(house.works.context, house.link_ids["hall"])
        house.works.later(timedelta(seconds=5))
    die_at(house.works, point)
    row = house.row()
    assert f"proof.{row.phase.value}" == point
    house.works.later(timedelta(seconds=25))
    assert house.finish().phase is ProofPhase.PROVEN
    assert (house.entries("hall"), len(house.items())) == ([], 1)


@pytest.mark.rule("Y8", "X4")
def test_a_proof_over_which_workers_die_again_and_again_is_ended_and_its_test_time_goes(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    for _ in range(2):
        house.turn()
    assert len(house.entries("hall")) == 1

    def die(session: Session) -> None:
        for duty in session.scalars(select(Outbox).where(Outbox.topic == PROOFS)):
            duty.attempts = outbox.TRIES

    house.works.write(die)
    assert house.finish().problem == "gave-up"
    house.turn()
    assert house.entries("hall") == []


@pytest.mark.rule("Y8")
def test_two_proofs_at_once_are_one(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    house.turn()
    first = house.row()
    assert house.ask() is None
    house.turn()
    again = house.row()
    assert (again.item_id, len(house.items())) == (first.item_id, 1)
    assert house.finish().phase is ProofPhase.PROVEN


@pytest.mark.rule("Y8")
def test_two_workers_at_one_proof_make_each_move_once(house: Ways) -> None:
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.ask()
    house.turn()
    row = house.row()
    tries = [
        house.works.context.database.write(
            lambda db: move_proof(db, clock(), row.id, ProofPhase.WRITTEN, Move(ProofPhase.THERE))
        )
        for _ in range(2)
    ]
    assert tries == [True, False]


@pytest.mark.rule("Y8")
def test_all_pages_have_to_be_proven_each_by_its_own_calendar(
    sqlite_url: str, smtp_sink: SmtpSink, traveller: time_machine.Traveller, server: LiveServer
) -> None:
    with ways(sqlite_url, smtp_sink, traveller, server) as house:
        ids = house.works.ids
        hall, wrong = house.link("hall", ids.hall), house.link("other", ids.left)
        assert house.choose(hall=hall, left=wrong) is None
        house.ask()
        hall_row = house.finish()
        while house.row(LEFT).phase.runs:
            house.turn()
            house.works.later(LONG)
        left_row = house.row(LEFT)
        assert (hall_row.phase, left_row.problem) == (ProofPhase.PROVEN, "still-offered")
        assert slot_of(hall_row).start != slot_of(left_row).start, "two test times of a house keep apart"
        assert house.connection().proven_at is None
        assert house.choose(hall=hall, left=house.link("left", ids.left)) is None
        assert house.row().phase is ProofPhase.PROVEN, "what stayed stays proven"
        house.ask()
        house.finish()
        while house.row(LEFT).phase.runs:
            house.turn()
            house.works.later(timedelta(seconds=2))
        assert house.connection().proven_at is not None


@pytest.mark.rule("Y8")
def test_the_test_time_goes_through_no_other_link_and_into_no_feed(house: Ways) -> None:
    house.link("other", house.works.ids.hall)
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.works.request(SLOT)
    house.ask()
    for _ in range(2):
        house.turn()
    assert (len(house.entries("hall")), len(house.entries("other"))) == (2, 1)
    whose = Whose(house.mine, SubjectKind.OFFICE, house.mine)
    with house.works.context.database.read() as session:
        assert [entry.slot for entry in items_of(session, whose, clock())] == [SLOT]
        assert len(stamps(session, whose, clock())) == 1


@pytest.mark.rule("Y8")
def test_with_the_calendar_no_block_is_booked_there_and_with_blocks_again_they_are(house: Ways) -> None:
    house.works.request(SLOT)
    house.works.drain()
    assert house.linked.blocks(HALL) == [SLOT]
    house.choose(hall=house.link("hall", house.works.ids.hall))
    house.works.drain()
    assert house.linked.blocks(HALL) == []
    house.ask()
    assert house.finish().phase is ProofPhase.PROVEN
    other = slot_in(11, 12, 14)
    house.works.request(other)
    house.turn()
    house.works.drain()
    assert (house.linked.blocks(HALL), house.offers(other.start)) == ([], False)
    assert house.choose(BlockWay.BOOKING) is None
    house.works.drain()
    assert house.linked.blocks(HALL) == [], "another way is not proven yet"
    house.works.write(lambda db: unlink(db, clock(), house.mine, OFFICE, house.link_ids["hall"], removes=True))
    house.turn()
    assert house.offers(other.start), "the site has looked at the calendar again"
    prove(house.linked, proven=True)
    house.works.drain()
    assert house.linked.blocks(HALL) == [SLOT, other]
