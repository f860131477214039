"""A way of blocking is used once it is proven, and then for everything that is taken (SPEC Y8)."""

import pytest
from sqlalchemy.orm import Session

from booking.actions.connections import note_proof, pause
from booking.actions.endings import cancel_rental
from booking.actions.shifting import Moved, move_rental
from booking.actions.site_proof import plan_test_block
from booking.rules import moving
from booking.tables.connections import Connection
from booking.values.states import BookingState
from tests.builders import slot_in
from tests.workers.conftest import OFFICE
from tests.workers.sites import HALL, LEFT, Linked
from workers.context import clock

SLOT, OTHER = slot_in(10, 18, 20), slot_in(11, 18, 20)


def prove(linked: Linked, *, proven: bool) -> None:
    def work(session: Session) -> None:
        connection = session.get_one(Connection, linked.connection_id)
        if proven:
            slot = slot_in(40, 10, 11)
            organisation_id = linked.works.ids.organisation_id
            tools = linked.works.context.tools
            test = plan_test_block(session, clock(), tools, organisation_id, connection.id, HALL, slot)
            note_proof(session, clock(), organisation_id, OFFICE, connection.id, test_id=test.row_id, removed=True)
        else:
            connection.proven_at = None

    linked.works.write(work)


@pytest.mark.rule("Y8")
def test_nothing_is_blocked_there_until_the_way_is_proven_and_then_all_that_is_taken(linked: Linked) -> None:
    prove(linked, proven=False)
    linked.works.request(SLOT)
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT), linked.waiting()) == ([], [], [])
    prove(linked, proven=True)
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])


@pytest.mark.rule("Y8")
def test_what_was_blocked_before_the_proof_was_lost_is_left_when_moved_and_removed_when_it_ends(
    linked: Linked,
) -> None:
    works, house = linked.works, linked.works.house
    made = works.request(SLOT)
    works.drain()
    prove(linked, proven=False)
    works.write(
        lambda s: move_rental(
            s, clock(), works.context.tools, house, made.booking_id, OTHER, moving.Actor.OFFICE, OFFICE
        )
    )
    works.drain()
    assert linked.blocks(HALL) == [SLOT]
    works.write(lambda s: cancel_rental(s, clock(), house, made.booking_id, moving.Actor.OFFICE, OFFICE))
    works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([], [])


@pytest.mark.rule("Y8", "C14")
def test_until_the_way_is_proven_a_time_that_both_sides_took_is_a_case(linked: Linked) -> None:
    prove(linked, proven=False)
    linked.works.request(SLOT)
    linked.works.drain()
    identity = linked.book(SLOT)
    for _ in range(2):
        assert linked.poll()
        linked.works.drain()
    assert (linked.cases(), linked.here(identity).state) == (["site-double"], BookingState.REQUESTED)


@pytest.mark.rule("Y8")
def test_a_booking_that_moves_to_another_room_takes_its_blocks_along(linked: Linked) -> None:
    works, house = linked.works, linked.works.house
    made = works.request(SLOT)
    works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])
    moved = works.context.database.write(
        lambda s: move_rental(
            s,
            clock(),
            works.context.tools,
            house,
            made.booking_id,
            OTHER,
            moving.Actor.OFFICE,
            OFFICE,
            room_id=works.ids.right,
        )
    )
    assert isinstance(moved, Moved), moved
    works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([OTHER], [])


@pytest.mark.rule("Y8", "S5")
def test_what_was_taken_while_a_connection_rested_is_blocked_when_it_works_again(linked: Linked) -> None:
    organisation_id = linked.works.ids.organisation_id

    def rest(*, paused: bool) -> None:
        linked.works.write(lambda s: pause(s, clock(), organisation_id, OFFICE, linked.connection_id, paused=paused))

    rest(paused=True)
    linked.works.request(SLOT)
    linked.works.drain()
    assert linked.blocks(HALL) == []
    rest(paused=False)
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([SLOT], [SLOT])
