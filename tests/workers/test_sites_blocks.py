"""Our blocks on a booking site: known by a mark that nobody else can make, and kept where they belong (SPEC Y8)."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from booking.actions.deciding_cases import Way
from booking.tables.bookings import Booking, CaseFile
from booking.tables.connections import Connection, RemoteBooking
from booking.values.marks import block_mark
from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import OWNER
from tests.workers.site_life import (
    LONG_ENOUGH,
    OTHER,
    REQUESTED,
    SLOT,
    THIRD,
    block,
    decide,
    rows,
    settle,
)
from tests.workers.sites import HALL, LEFT, Linked
from workers.context import clock
from workers.site_client import client_of


@pytest.mark.rule("Y8", "Y1")
def test_what_anybody_can_type_hides_no_booking(linked: Linked) -> None:
    made = linked.works.request(SLOT)
    linked.works.drain()
    with linked.works.context.database.read() as session:
        public_id = session.get_one(Booking, made.booking_id).public_id
    linked.book(OTHER, FNAME=f"PLATZWART {public_id}", LNAME="")
    linked.book(THIRD, PLATZWART=f"{public_id.hex}.{'0' * 32}")
    settle(linked)
    assert linked.taken() == [SLOT, OTHER, THIRD]
    assert (linked.blocks(HALL)[0], linked.blocks(LEFT)) == (SLOT, [SLOT, OTHER, THIRD])


@pytest.mark.rule("Y8", "Y1")
def test_the_mark_of_a_block_of_ours_hides_nothing_at_another_time_or_on_another_page(linked: Linked) -> None:
    linked.works.request(SLOT)
    linked.works.drain()
    mark = linked.peer.world.booking(block(linked)).answers["PLATZWART"]
    linked.book(OTHER, HALL, PLATZWART=mark)
    linked.peer.cancel(block(linked, LEFT), by=OWNER)
    linked.book(SLOT, LEFT, PLATZWART=mark)
    linked.poll()
    assert sorted(slot for _, slot in linked.bookings()) == [SLOT, SLOT, OTHER]


@pytest.mark.rule("Y8")
def test_a_block_that_was_cancelled_there_is_written_again_when_the_office_says_so(linked: Linked) -> None:
    linked.works.request(SLOT)
    linked.works.drain()
    linked.peer.cancel(block(linked), by=OWNER)
    linked.poll()
    assert decide(linked, "site-block-gone", Way.AGAIN) is None
    settle(linked)
    assert (linked.blocks(HALL), linked.cases(), linked.waiting()) == ([SLOT], [], [])


@pytest.mark.rule("Y8", "Y5")
def test_a_block_that_is_read_before_its_own_answer_came_is_noted_once(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = YcbmClient.create_block

    def create(client: YcbmClient, *given: Any) -> Any:
        made = real(client, *given)
        linked.poll()
        return made

    monkeypatch.setattr(YcbmClient, "create_block", create)
    linked.works.request(SLOT)
    linked.works.drain()
    linked.works.drain()
    assert [(row.ours, row.cancelled) for row in rows(linked)] == [(True, False)] * 2
    assert (linked.bookings(), linked.blocks(HALL), linked.waiting()) == ([(REQUESTED, SLOT)], [SLOT], [])


@pytest.mark.rule("Y8")
@pytest.mark.parametrize("way", [Way.AGAIN, Way.SETTLED])
def test_a_block_that_vanished_there_is_a_case_about_the_block_and_not_the_booking(linked: Linked, way: Way) -> None:
    made = linked.works.request(SLOT)
    linked.works.drain()
    linked.peer.vanish(block(linked))
    linked.poll()
    linked.works.later(LONG_ENOUGH)
    linked.poll()
    assert linked.cases() == ["site-block-gone"]
    assert decide(linked, "site-block-gone", way) is None
    settle(linked)
    assert linked.works.state(made.booking_id) is REQUESTED
    assert (linked.blocks(HALL), linked.cases()) == ([SLOT] if way is Way.AGAIN else [], [])


@pytest.mark.rule("Y8")
def test_a_case_about_a_block_of_ours_never_cancels_the_customers_booking(linked: Linked) -> None:
    made = linked.works.request(SLOT)
    linked.works.drain()
    row = rows(linked)[0]
    linked.works.write(
        lambda s: s.add(
            CaseFile(
                organisation_id=linked.works.ids.organisation_id,
                kind="site-vanished",
                dedup_key=f"site-vanished-{row.id}",
                booking_id=made.booking_id,
                facts={},
                opened_at=clock(),
            )
        )
    )
    no = decide(linked, "site-vanished", Way.CANCEL)
    assert no is not None
    assert (no.codes, linked.works.state(made.booking_id)) == (("no-such-way",), REQUESTED)


@pytest.mark.rule("Y8")
def test_a_block_that_somebody_moved_there_is_put_back(linked: Linked) -> None:
    linked.works.request(SLOT)
    linked.works.drain()
    linked.peer.reschedule(block(linked), OTHER.start, OTHER.end)
    settle(linked)
    assert (linked.blocks(HALL), linked.bookings(), linked.cases()) == ([SLOT], [(REQUESTED, SLOT)], [])
    linked.poll()
    assert linked.works.drain() == 0, "and then it is left alone"


@pytest.mark.rule("Y8")
def test_a_block_that_was_put_where_its_time_is_taken_meanwhile_is_a_case(linked: Linked) -> None:
    linked.works.request(SLOT)
    linked.works.drain()
    linked.peer.reschedule(block(linked), OTHER.start, OTHER.end)
    linked.book(SLOT)
    settle(linked)
    assert set(linked.cases()) == {"site-clash", "site-double"}


@pytest.mark.rule("Y8")
def test_two_blocks_of_ours_for_one_time_become_one(linked: Linked) -> None:
    made, works = linked.works.request(SLOT), linked.works
    works.drain()
    with works.context.database.read() as session:
        client = client_of(works.context, session, linked.connection_id)
        site, booking = session.get_one(Connection, linked.connection_id), session.get_one(Booking, made.booking_id)
        mark = block_mark(works.context.tools.link_key, site.public_id, HALL, OTHER, booking.public_id)
    client.create_block(HALL, OTHER, works.house.zone, "Belegt", mark)  # by a worker that died, before a move
    settle(linked)
    assert (linked.blocks(HALL), linked.bookings()) == ([SLOT], [(REQUESTED, SLOT)])
    with works.context.database.read() as session:
        assert session.scalar(select(func.count(RemoteBooking.id)).where(RemoteBooking.cancelled.is_(False))) == 2


def test_a_mark_of_nobody_is_a_booking(linked: Linked) -> None:
    linked.book(SLOT, PLATZWART=f"{uuid4().hex}.{uuid4().hex}")
    linked.poll()
    assert linked.taken() == [SLOT]
