"""A booking site and this house agree: what happens there arrives here, what is decided here is done there."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from booking.actions.endings import cancel_rental
from booking.actions.leases import hold_lease
from booking.actions.messages import MailKind
from booking.actions.rentals import SITES
from booking.actions.requests import make_request
from booking.actions.reviews import decide_request
from booking.actions.shifting import Moved, move_rental
from booking.rules import moving
from booking.tables.connections import Connection, Writer
from booking.tables.outgoing import Message
from booking.values.refusals import Refused
from booking.values.states import BookingState, OccupancyKind, Verdict
from platzwart.peers.ycbm import OWNER
from tests.builders import ask, contact, slot_in
from tests.workers.conftest import OFFICE, Works, die_at
from tests.workers.sites import HALL, LEFT, Linked
from workers.context import clock
from workers.sites import LEASE

SLOT, OTHER, THIRD = slot_in(10, 18, 20), slot_in(11, 18, 20), slot_in(12, 18, 20)
MINUTE = timedelta(minutes=1)
DOWN = {"failing": 10_000, "fail_status": 503}
UP = {"failing": 0}


def taken_in(linked: Linked) -> str:
    identity = linked.book(SLOT)
    assert linked.poll()
    return identity


def confirmed(linked: Linked) -> str:
    identity = taken_in(linked)
    linked.works.code("482915", SLOT)
    linked.works.decide(linked.here(identity).id, Verdict.APPROVE)
    linked.works.drain()
    assert linked.here(identity).state is BookingState.CONFIRMED
    return identity


def kinds(works: Works, booking_id: int) -> list[str]:
    with works.context.database.read() as session:
        return [m.kind for m in session.query(Message).filter_by(booking_id=booking_id).order_by(Message.id)]


@pytest.mark.rule("Y6")
def test_a_cancel_by_the_booker_there_cancels_here_and_frees_the_time(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.peer.cancel(identity)
    linked.poll()
    booking = linked.here(identity)
    assert (booking.state, linked.taken(), linked.cases()) == (BookingState.CANCELLED, [], [])
    assert kinds(linked.works, booking.id)[-1] == MailKind.CANCELLATION


@pytest.mark.rule("Y6")
def test_a_cancel_by_the_owner_there_is_a_case_and_keeps_the_time(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.peer.cancel(identity, by=OWNER)
    for _ in range(3):
        linked.poll()
    assert (linked.here(identity).state, linked.taken()) == (BookingState.REQUESTED, [SLOT])
    assert linked.cases() == ["site-cancelled"]


@pytest.mark.rule("Y6")
def test_what_vanished_is_a_case_after_two_complete_listings_and_keeps_the_time(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.peer.vanish(identity)
    linked.poll()
    linked.works.later(10 * MINUTE)
    linked.poll()
    assert linked.cases() == []
    linked.works.later(6 * MINUTE)
    linked.peer.control(DOWN)
    assert not linked.poll()
    assert linked.cases() == [], "a listing that failed proves nothing"
    linked.peer.control(UP)
    linked.poll()
    assert linked.cases() == ["site-vanished"]
    assert (linked.here(identity).state, linked.taken()) == (BookingState.REQUESTED, [SLOT])


@pytest.mark.rule("Y6")
def test_a_request_follows_a_reschedule_there(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    assert linked.bookings() == [(BookingState.REQUESTED, OTHER)]
    assert linked.taken() == [OTHER]
    moved = [kind for kind in kinds(linked.works, linked.here(identity).id) if kind == MailKind.ACKNOWLEDGEMENT]
    assert len(moved) == 2, "the one that had not gone out was taken back"


@pytest.mark.rule("Y6", "S8")
def test_a_decision_that_rests_is_taken_back_when_the_request_moves_there(linked: Linked) -> None:
    identity, works = taken_in(linked), linked.works
    works.code("482915", SLOT)
    booking_id = linked.here(identity).id
    works.write(lambda s: decide_request(s, clock(), works.house, booking_id, Verdict.APPROVE, OFFICE))
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    works.later(MINUTE + MINUTE)
    works.drain()
    assert linked.bookings() == [(BookingState.REQUESTED, OTHER)]


@pytest.mark.rule("Y6")
def test_a_confirmed_rental_that_was_moved_there_is_a_case_and_holds_both_times(linked: Linked) -> None:
    identity = confirmed(linked)
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    for _ in range(2):
        linked.poll()
        linked.works.drain()
    assert linked.bookings() == [(BookingState.CONFIRMED, SLOT)]
    assert (linked.taken(), linked.taken(OccupancyKind.HELD)) == ([SLOT], [OTHER])
    assert linked.cases() == ["site-moved"]


@pytest.mark.rule("Y6")
def test_a_move_here_is_a_reschedule_there(linked: Linked) -> None:
    identity = confirmed(linked)
    linked.works.code("730164", OTHER)
    house, works = linked.works.house, linked.works
    moved = works.context.database.write(
        lambda s: move_rental(
            s, clock(), works.context.tools, house, linked.here(identity).id, OTHER, moving.Actor.OFFICE, OFFICE
        )
    )
    assert isinstance(moved, Moved), moved
    works.drain()
    assert linked.there(identity)["startsAtUTC"] == OTHER.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    for _ in range(2):
        linked.poll()
        works.drain()
    assert (linked.bookings(), linked.cases()) == ([(BookingState.CONFIRMED, OTHER)], ["invoice-differs"])


@pytest.mark.rule("Y6")
def test_a_move_here_to_a_time_that_is_taken_there_is_a_case(linked: Linked) -> None:
    identity = confirmed(linked)
    linked.peer.pusher.drop = True
    linked.book(OTHER, FNAME="Unseen")
    linked.works.code("730164", OTHER)
    house, works = linked.works.house, linked.works
    works.write(
        lambda s: move_rental(
            s, clock(), works.context.tools, house, linked.here(identity).id, OTHER, moving.Actor.OFFICE, OFFICE
        )
    )
    works.drain()
    assert linked.cases() == ["invoice-differs", "site-clash"]


@pytest.mark.rule("S9", "Y9")
def test_a_rejection_here_is_a_rejected_and_cancelled_booking_there(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.works.decide(linked.here(identity).id, Verdict.REJECT, "Kein Platz für Feuerwerk.")
    linked.works.drain()
    there = linked.there(identity)
    assert (there["cancelled"], there["tentative"]) == (True, "REJECTED")
    assert (linked.taken(), linked.taken(OccupancyKind.HELD), linked.cases()) == ([], [], [])
    linked.poll()
    assert linked.bookings() == [(BookingState.REJECTED, SLOT)]


@pytest.mark.rule("Y9")
def test_a_confirmation_here_is_accepted_there(linked: Linked) -> None:
    assert linked.there(confirmed(linked))["tentative"] == "ACCEPTED"


@pytest.mark.rule("Y9")
@pytest.mark.parametrize("writer", list(Writer))
def test_only_one_side_writes_acknowledgement_and_cancellation(linked: Linked, writer: Writer) -> None:
    linked.works.write(
        lambda s: s.execute(update(Connection).where(Connection.id == linked.connection_id).values(writer=writer))
    )
    identity = taken_in(linked)
    linked.peer.cancel(identity)
    linked.poll()
    linked.works.drain()
    to_booker = [mail for mail in linked.works.sink.received if mail.receivers == ("ada@booker.example",)]
    assert len(to_booker) == (2 if writer is Writer.HERE else 0)
    assert len(linked.works.sink.received) - len(to_booker) == 2, "office and desk hear of it either way"


def stuck(linked: Linked) -> str:
    identity = taken_in(linked)
    linked.works.decide(linked.here(identity).id, Verdict.REJECT, "Kein Platz für Feuerwerk.")
    linked.peer.control(DOWN)
    linked.works.drain()
    return identity


@pytest.mark.rule("S10")
def test_a_stuck_cancel_keeps_the_time_and_the_office_sees_it(linked: Linked) -> None:
    identity = stuck(linked)
    works, house = linked.works, linked.works.house
    assert (linked.here(identity).state, linked.cases()) == (BookingState.REJECTED, ["cancel-stuck"])
    assert (linked.taken(), linked.taken(OccupancyKind.HELD)) == ([], [SLOT])
    wish = ask(works.ids.hall, SLOT, contact("Wer Anders"))
    no = works.context.database.write(lambda s: make_request(s, clock(), works.context.tools, house, wish))
    assert isinstance(no, Refused)
    assert "taken" in no.codes
    works.later(5 * MINUTE)
    works.drain()
    told = [mail for mail in works.sink.received if "Feuerwerk" not in str(mail.message) and _is_stuck(mail.message)]
    assert [mail.receivers for mail in told] == [("buero@kirche.example",)], "told once"
    linked.peer.control(UP)
    works.later(10 * MINUTE)
    works.drain()
    assert linked.there(identity)["cancelled"] is True
    assert (linked.taken(OccupancyKind.HELD), linked.cases()) == ([], [])
    assert works.request(SLOT, "Wer Anders").slot == SLOT


def _is_stuck(message: object) -> bool:
    return "YouCanBook.me" in str(message["Subject"])  # type: ignore[index]  # an e-mail


@pytest.mark.rule("S10")
def test_a_cancel_that_died_is_tried_again_by_each_poll(linked: Linked) -> None:
    identity = stuck(linked)
    for _ in range(12):
        linked.works.later(timedelta(hours=10))
        linked.works.drain()
    assert {duty.dead_at is not None for duty in linked.waiting()} == {True}
    linked.peer.control(UP)
    linked.works.write(
        lambda s: s.execute(update(Connection).where(Connection.id == linked.connection_id).values(failures=0))
    )
    linked.works.traveller.move_to(SLOT.start - timedelta(days=1))
    linked.poll()
    linked.works.drain()
    assert (linked.there(identity)["cancelled"], linked.cases()) == (True, [])


@pytest.mark.rule("S10")
def test_a_stuck_cancel_that_somebody_did_there_by_hand_closes_the_case(linked: Linked) -> None:
    identity = stuck(linked)
    linked.peer.control(UP)
    linked.peer.cancel(identity, by=OWNER)
    linked.poll()
    assert (linked.taken(OccupancyKind.HELD), linked.cases()) == ([], [])


@pytest.mark.rule("S5")
def test_what_waited_for_the_site_is_due_as_soon_as_it_answers_again(linked: Linked) -> None:
    linked.peer.control(DOWN)
    linked.works.request(SLOT)
    for _ in range(5):
        linked.works.drain()
        linked.works.later(20 * MINUTE)
    assert not linked.poll()
    linked.works.drain()
    linked.peer.control(UP)
    assert linked.poll()
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])


@pytest.mark.rule("Y8", "S5")
def test_a_time_taken_here_is_blocked_there_moved_and_removed(linked: Linked) -> None:
    works, house = linked.works, linked.works.house
    stranger = linked.book(THIRD, LEFT)
    made = works.request(SLOT)
    works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])
    works.write(
        lambda s: move_rental(
            s, clock(), works.context.tools, house, made.booking_id, OTHER, moving.Actor.OFFICE, OFFICE
        )
    )
    works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([OTHER], [OTHER])
    works.write(lambda s: cancel_rental(s, clock(), house, made.booking_id, moving.Actor.OFFICE, OFFICE))
    works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([], [])
    assert linked.there(stranger)["cancelled"] is False


@pytest.mark.rule("Y8")
def test_our_own_blocks_never_come_back_as_requests(linked: Linked) -> None:
    linked.works.request(SLOT)
    linked.works.drain()
    linked.poll()
    linked.works.drain()
    assert linked.bookings() == [(BookingState.REQUESTED, SLOT)]
    assert linked.waiting() == []


@pytest.mark.rule("Y8")
def test_a_block_that_somebody_removed_there_is_a_case(linked: Linked) -> None:
    linked.works.request(SLOT)
    linked.works.drain()
    block = next(one for one in linked.peer.world.in_order([HALL]))
    linked.peer.cancel(block.id, by=OWNER)
    linked.poll()
    assert linked.cases() == ["site-block-gone"]


@pytest.mark.rule("Y8")
def test_a_time_that_is_taken_there_meanwhile_is_a_case(linked: Linked) -> None:
    linked.book(SLOT, LEFT)
    linked.works.request(SLOT)
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [])
    assert linked.cases() == ["site-clash"]


@pytest.mark.rule("Y8", "X4")
def test_a_death_between_writing_a_block_and_noting_it_leads_to_no_second_block(linked: Linked) -> None:
    linked.works.request(SLOT)
    die_at(linked.works, "sites.done:1")
    linked.works.later(timedelta(seconds=21))
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])
    assert (linked.cases(), linked.waiting()) == ([], [])


@pytest.mark.rule("Y8", "X4")
def test_a_block_that_was_not_noted_is_known_by_its_mark_when_it_is_read(linked: Linked) -> None:
    linked.works.request(SLOT)
    die_at(linked.works, "sites.done:1")
    linked.poll()
    assert linked.bookings() == [(BookingState.REQUESTED, SLOT)]
    linked.works.later(timedelta(seconds=21))
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])


@pytest.mark.rule("X4")
def test_the_turn_of_a_dead_worker_is_waited_for_and_costs_no_try(linked: Linked) -> None:
    made = linked.works.request(SLOT)
    hold = {"name": f"sites-{made.booking_id}", "owner": "who died", "length": LEASE}
    linked.works.write(lambda s: hold_lease(s, clock(), **hold))  # type: ignore[arg-type]  # three kinds in one dict
    for _ in range(6):
        linked.works.drain()
        linked.works.later(timedelta(seconds=2.1))
    (duty,) = linked.works.duties(SITES, made.booking_id)
    assert (duty.attempts, duty.done_at, linked.blocks(HALL)) == (0, None, [])
    linked.works.later(LEASE)
    linked.works.drain()
    assert linked.blocks(HALL) == [SLOT]


@pytest.mark.rule("X4")
def test_a_worker_that_lost_its_turn_calls_nobody_any_more(linked: Linked) -> None:
    from booking.actions import outbox
    from workers.outcome import Waiting
    from workers.sites import reconcile_sites

    linked.works.request(SLOT)
    database = linked.works.context.database
    slow = next(d for d in database.write(lambda s: outbox.claim(s, clock(), 10)) if d.topic == SITES)
    linked.works.later(timedelta(seconds=21))
    database.write(lambda s: outbox.claim(s, clock(), 10))
    assert isinstance(reconcile_sites(linked.works.context, slow), Waiting)
    assert linked.peer.requests == []


def test_a_site_that_throttles_is_not_asked_before_its_time(linked: Linked) -> None:
    linked.peer.control({"rate": [1, 3600]})
    linked.works.request(SLOT)
    linked.works.drain()
    asked = len(linked.peer.requests)
    for _ in range(10):
        linked.works.later(MINUTE)
        linked.works.drain()
    assert len(linked.peer.requests) == asked
    assert [duty.dead_at for duty in linked.waiting()] == [None]
