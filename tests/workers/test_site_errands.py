"""What leaves and comes through the remote of a site (decision 0011)."""

from dataclasses import replace

import pytest

from booking.values.states import Verdict
from platzwart.peers.ycbm import OWNER
from sync.remotes.protocol import Cursor, Listing
from sync.remotes.ycbm import YcbmRemote
from tests.workers.site_life import (
    CANCELLED,
    LONG_ENOUGH,
    OTHER,
    REQUESTED,
    SLOT,
    THIRD,
    block,
    move_here,
    rows,
    settle,
    site_cases,
    taken_in,
)
from tests.workers.sites import HALL, LEFT, Linked


@pytest.mark.rule("C9")
def test_of_a_listing_that_is_not_whole_what_was_told_counts_and_what_is_missing_does_not(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = taken_in(linked)
    linked.peer.vanish(lost)
    real = YcbmRemote.changes

    def cut(remote: YcbmRemote, cursor: Cursor | None) -> Listing:
        return replace(real(remote, cursor), is_whole=False, not_whole_because="cut")

    monkeypatch.setattr(YcbmRemote, "changes", cut)
    linked.book(OTHER)
    for _ in range(3):
        assert not linked.poll()
        linked.works.later(LONG_ENOUGH)
    assert linked.bookings() == [(REQUESTED, SLOT), (REQUESTED, OTHER)]
    assert {row.missing_since for row in rows(linked)} == {None}
    assert (linked.connection().last_error, linked.cases()) == ("SiteIncomplete", [])


@pytest.mark.rule("Y6")
def test_a_time_that_was_cancelled_and_booked_anew_between_two_polls_is_no_double_booking(linked: Linked) -> None:
    linked.peer.cancel(taken_in(linked))
    linked.book(SLOT, LNAME="Second")
    assert linked.poll()
    assert [state for state, _ in linked.bookings()] == [CANCELLED, REQUESTED]
    assert (linked.taken(), site_cases(linked)) == ([SLOT], [])


@pytest.mark.rule("Y8", "S9")
def test_a_block_that_we_moved_is_removed_with_its_booking(linked: Linked) -> None:
    made = linked.works.request(SLOT)
    linked.works.drain()
    move_here(linked, made.booking_id, THIRD)
    linked.works.drain()
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([THIRD], [THIRD])
    linked.works.decide(made.booking_id, Verdict.REJECT, "The hall is closed.")
    linked.works.drain()
    assert linked.peer.bookings == []


@pytest.mark.rule("Y8")
def test_a_block_that_was_cancelled_there_is_not_moved_but_asked_about(linked: Linked) -> None:
    made = linked.works.request(SLOT)
    linked.works.drain()
    gone = block(linked)
    linked.peer.cancel(gone, by=OWNER)
    move_here(linked, made.booking_id, THIRD)
    linked.works.drain()
    there = linked.there(gone)
    assert (there["cancelled"], there["startRescheduledFrom"]) == (True, None)
    assert [row.cancelled for row in rows(linked) if row.remote_id == gone] == [False], "nobody has read it yet"
    settle(linked)
    assert site_cases(linked) == ["site-block-gone"]
    assert (linked.blocks(HALL), linked.blocks(LEFT)) == ([], [THIRD])
