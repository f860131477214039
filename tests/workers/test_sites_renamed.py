"""A site that gives what is moved there a new address: ours is followed to it, and not taken for a stranger's."""

from typing import Any

import pytest

from booking.actions.rentals import SITES
from booking.values.states import Verdict
from outside.ycbm import YcbmClient
from tests.workers.site_life import (
    CANCELLED,
    CONFIRMED,
    OTHER,
    REQUESTED,
    SLOT,
    block,
    confirmed,
    move_here,
    moving_renames,
    rows,
    settle,
    site_cases,
)
from tests.workers.sites import HALL, LEFT, Linked


@pytest.mark.rule("Y6", "Y8")
def test_a_block_that_we_moved_is_ours_at_its_new_address_and_is_removed_there(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = linked.works.request(SLOT)
    linked.works.drain()
    moving_renames(monkeypatch)
    move_here(linked, made.booking_id, OTHER)
    settle(linked)
    assert (linked.blocks(HALL), linked.bookings(), linked.cases()) == ([OTHER], [(REQUESTED, OTHER)], [])
    assert {row.remote_id for row in rows(linked)} == {block(linked), block(linked, LEFT)}
    linked.works.decide(made.booking_id, Verdict.REJECT, "no")
    settle(linked)
    assert (linked.blocks(HALL), linked.cases(), linked.waiting()) == ([], [], [])


@pytest.mark.rule("Y6")
def test_a_customers_booking_that_we_moved_is_the_same_at_its_new_address(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = confirmed(linked)
    booking_id = linked.here(before).id
    linked.works.code("159371", OTHER)
    moving_renames(monkeypatch)
    move_here(linked, booking_id, OTHER)
    settle(linked)
    (there,) = (one for one in linked.peer.bookings if not one["cancelled"] and one["profileId"] == HALL)
    assert there["id"] != before
    assert linked.here(str(there["id"])).id == booking_id
    assert (linked.bookings(), site_cases(linked)) == ([(CONFIRMED, OTHER)], [])
    linked.peer.cancel(str(there["id"]))
    settle(linked)
    assert [state for state, _ in linked.bookings()] == [CANCELLED]


@pytest.mark.rule("Y5", "Y6")
def test_a_new_address_that_was_read_before_its_answer_came_frees_no_time_and_ends(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can tell then that both are one booking: a person sees two."""
    booking_id = linked.here(confirmed(linked)).id
    linked.works.code("159371", OTHER)
    moving_renames(monkeypatch)
    real = YcbmClient.reschedule

    def reschedule(client: YcbmClient, *given: Any) -> Any:
        moved = real(client, *given)
        linked.poll()
        return moved

    monkeypatch.setattr(YcbmClient, "reschedule", reschedule)
    move_here(linked, booking_id, OTHER)
    settle(linked)
    assert (CONFIRMED, OTHER) in linked.bookings()
    assert OTHER in linked.taken()
    assert "site-double" in site_cases(linked)
    assert SITES not in {duty.topic for duty in linked.waiting()}
