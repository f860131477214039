"""What comes late, goes missing or is undone on a booking site never leads the house astray."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from booking.actions.connections import map_pages
from booking.actions.deciding_cases import Way
from booking.actions.endings import cancel_rental
from booking.actions.messages import MailKind
from booking.rules import moving
from booking.rules.sites import Step
from booking.tables.bookings import CaseFile
from booking.values.states import BookingState, OccupancyKind, Verdict
from platzwart.peers.ycbm import OWNER
from platzwart.peers.ycbm_world import World
from tests.workers.conftest import OFFICE
from tests.workers.site_life import (
    CANCELLED,
    CONFIRMED,
    LONG_ENOUGH,
    MINUTE,
    OTHER,
    REQUESTED,
    SLOT,
    THIRD,
    confirmed,
    decide,
    move_here,
    no_listing_has,
    rows,
    settle,
    site_cases,
    taken_in,
    while_listing,
)
from tests.workers.sites import Linked
from workers.context import clock
from workers.site_client import client_of
from workers.ycbm_reading import apply


@pytest.mark.rule("Y6")
def test_a_listing_that_is_older_than_our_move_does_not_undo_it(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, works = confirmed(linked), linked.works
    works.code("730164", OTHER)

    def move() -> None:
        move_here(linked, linked.here(identity).id, OTHER)
        works.drain()

    while_listing(monkeypatch, move)
    linked.poll()
    assert (linked.bookings(), site_cases(linked)) == ([(CONFIRMED, OTHER)], [])
    assert (linked.taken(), linked.taken(OccupancyKind.HELD)) == ([OTHER], [])


@pytest.mark.rule("Y6")
def test_a_listing_that_is_older_than_the_move_of_a_request_does_not_undo_it(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = taken_in(linked)

    def move() -> None:
        move_here(linked, linked.here(identity).id, OTHER)
        linked.works.drain()

    while_listing(monkeypatch, move)
    settle(linked)
    assert linked.bookings() == [(REQUESTED, OTHER)]
    assert linked.there(identity)["startsAtUTC"] == OTHER.start.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.rule("Y6", "Y5")
def test_a_listing_that_is_older_than_a_cancel_by_the_booker_brings_nothing_back(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = taken_in(linked)

    def cancel() -> None:
        there = linked.there(identity)
        linked.peer.cancel(identity)
        linked.hook(f'{{"ref": "{there["ref"]}", "start": "{there["startsAtUTC"]}"}}'.encode())
        linked.hear()

    while_listing(monkeypatch, cancel)
    linked.poll()
    assert (linked.bookings(), linked.taken()) == ([(CANCELLED, SLOT)], [])
    assert [row.cancelled for row in rows(linked) if row.remote_id == identity] == [True]


@pytest.mark.rule("Y5")
def test_an_answer_that_lags_behind_by_the_sites_own_stamp_is_asked_for_again(linked: Linked) -> None:
    identity, works = taken_in(linked), linked.works
    with works.context.database.read() as session:
        client = client_of(works.context, session, linked.connection_id)
    old = client.booking(identity)
    works.later(MINUTE)
    linked.peer.world.clock = lambda: clock().replace(microsecond=0)
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    told = client.booking(identity).updated_at
    assert told is not None
    stale = replace(old, updated_at=told - MINUTE)
    assert apply(works.context, linked.connection_id, stale, clock()) is Step.STALE
    assert linked.bookings() == [(REQUESTED, OTHER)]
    assert apply(works.context, linked.connection_id, stale, clock(), is_own=True) is Step.MOVE


@pytest.mark.rule("Y1", "Y6")
def test_a_booking_that_was_cancelled_and_stands_there_again_is_a_new_request(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.peer.cancel(identity)
    settle(linked, 1)
    linked.peer.world.restore(identity)
    settle(linked)
    assert [state for state, _ in linked.bookings()] == [CANCELLED, REQUESTED]
    assert (linked.taken(), linked.here(identity).state) == ([SLOT], REQUESTED)


@pytest.mark.rule("S10")
def test_a_time_that_the_office_freed_anyway_is_not_taken_by_the_dead_booking_again(linked: Linked) -> None:
    identity = taken_in(linked)
    booking_id = linked.here(identity).id
    linked.works.decide(booking_id, Verdict.REJECT, "Kein Platz für Feuerwerk.")
    linked.peer.control({"failing": 10_000})
    linked.works.drain()
    assert decide(linked, "cancel-stuck", Way.FREE) is None
    linked.peer.control({"failing": 0})
    settle(linked)
    assert (linked.works.state(booking_id), len(linked.bookings()), linked.taken()) == (BookingState.REJECTED, 1, [])
    assert linked.there(identity)["cancelled"] is False, "nothing more is tried there"
    linked.peer.cancel(identity, by=OWNER)
    settle(linked)
    linked.peer.world.restore(identity)
    settle(linked)
    assert linked.here(identity).state is REQUESTED, "once it was cancelled there, standing again is news"


@pytest.mark.rule("Y6")
def test_what_no_listing_tells_is_told_by_the_bookings_own_address(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = taken_in(linked)
    linked.peer.cancel(identity)
    no_listing_has(monkeypatch, lambda booking: booking.cancelled)
    linked.poll()
    assert (linked.bookings(), linked.taken(), linked.cases()) == ([(CANCELLED, SLOT)], [], [])


@pytest.mark.rule("C9")
def test_what_is_in_no_listing_but_stands_by_its_own_address_is_not_missing(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = taken_in(linked)
    no_listing_has(monkeypatch, lambda _booking: True)
    for _ in range(3):
        linked.poll()
        linked.works.later(LONG_ENOUGH)
    assert (linked.bookings(), linked.cases()) == ([(REQUESTED, SLOT)], [])
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    assert linked.bookings() == [(REQUESTED, OTHER)]


@pytest.mark.rule("Y6")
def test_a_case_about_what_vanished_is_over_when_it_stands_there_again(
    linked: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = taken_in(linked)
    kept = linked.peer.world.bookings.pop(identity)
    linked.poll()
    linked.works.later(LONG_ENOUGH)
    linked.poll()
    assert linked.cases() == ["site-vanished"]
    linked.peer.world.bookings[identity] = kept
    linked.poll()
    assert linked.cases() == []


@pytest.mark.rule("Y6")
def test_what_ended_here_and_vanished_there_holds_no_time(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = taken_in(linked)
    monkeypatch.setattr(World, "cancel", lambda *_given, **_more: (_ for _ in ()).throw(ValueError("no")))
    linked.works.decide(linked.here(identity).id, Verdict.REJECT, "Kein Platz für Feuerwerk.")
    linked.works.drain()
    assert (linked.taken(OccupancyKind.HELD), linked.cases()) == ([SLOT], ["cancel-stuck"])
    linked.peer.vanish(identity)
    linked.poll()
    linked.works.later(LONG_ENOUGH)
    linked.poll()
    assert (linked.taken(OccupancyKind.HELD), linked.cases()) == ([], [])
    assert [row.cancelled for row in rows(linked) if not row.ours] == [True]


@pytest.mark.rule("Y6")
def test_a_move_that_was_taken_back_there_leaves_no_case_and_holds_nothing(linked: Linked) -> None:
    identity = confirmed(linked)
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    assert (site_cases(linked), linked.taken(OccupancyKind.HELD)) == (["site-moved"], [OTHER])
    linked.peer.reschedule(identity, SLOT.start, SLOT.end)
    linked.poll()
    assert (site_cases(linked), linked.taken(), linked.taken(OccupancyKind.HELD)) == ([], [SLOT], [])


@pytest.mark.rule("Y6")
@pytest.mark.parametrize("by", ["booker", "office"])
def test_a_rental_that_ends_after_a_move_there_leaves_no_case_and_holds_nothing(linked: Linked, by: str) -> None:
    identity, works, house = confirmed(linked), linked.works, linked.works.house
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    booking_id = linked.here(identity).id
    if by == "booker":
        linked.peer.cancel(identity)
    else:
        works.write(lambda s: cancel_rental(s, clock(), house, booking_id, moving.Actor.OFFICE, OFFICE))
    settle(linked)
    assert linked.bookings() == [(CANCELLED, SLOT)]
    assert (linked.taken(), linked.taken(OccupancyKind.HELD), site_cases(linked)) == ([], [], [])


@pytest.mark.rule("Y6")
def test_a_move_here_settles_the_case_of_a_move_there(linked: Linked) -> None:
    identity = confirmed(linked)
    linked.peer.reschedule(identity, OTHER.start, OTHER.end)
    linked.poll()
    linked.works.code("730164", THIRD)
    move_here(linked, linked.here(identity).id, THIRD)
    linked.works.drain()
    assert (site_cases(linked), linked.taken(), linked.taken(OccupancyKind.HELD)) == ([], [THIRD], [])


@pytest.mark.rule("S9", "S10")
def test_a_rejection_reaches_a_booking_whose_page_stands_for_no_room_any_more(linked: Linked) -> None:
    identity, works = taken_in(linked), linked.works
    works.write(lambda s: map_pages(s, clock(), works.ids.organisation_id, OFFICE, linked.connection_id, {}))
    works.drain()
    works.decide(linked.here(identity).id, Verdict.REJECT, "Kein Platz für Feuerwerk.")
    works.drain()
    assert linked.there(identity)["cancelled"] is True
    assert (linked.taken(OccupancyKind.HELD), linked.cases()) == ([], [])


@pytest.mark.rule("Y6")
@pytest.mark.parametrize("kind", ["site-cancelled", "site-vanished"])
def test_the_customer_is_told_of_a_cancel_without_our_inner_words(linked: Linked, kind: str) -> None:
    identity, works = taken_in(linked), linked.works
    booking_id = linked.here(identity).id
    if kind == "site-cancelled":
        linked.peer.cancel(identity, by=OWNER)
    else:
        linked.peer.vanish(identity)
        linked.poll()
        works.later(LONG_ENOUGH)
    linked.poll()
    assert decide(linked, kind, Way.CANCEL) is None
    assert works.message(booking_id, MailKind.CANCELLATION).facts["reason"] == ""
    with works.context.database.read() as session:
        assert session.scalars(select(CaseFile.resolution)).one() == "cancel"


@pytest.mark.rule("Y6")
def test_the_customers_own_cancel_there_is_told_without_our_inner_words(linked: Linked) -> None:
    identity = taken_in(linked)
    linked.peer.cancel(identity)
    linked.poll()
    assert linked.works.message(linked.here(identity).id, MailKind.CANCELLATION).facts["reason"] == ""
