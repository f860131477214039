"""What happens between this house and a booking site, step by step, for tests."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.actions.deciding_cases import Way, decide_case
from booking.actions.shifting import Moved, move_rental
from booking.rules import moving
from booking.tables.bookings import CaseFile
from booking.tables.connections import RemoteBooking
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, Verdict
from platzwart.peers.ycbm_world import World
from sync.remotes.protocol import Listing
from sync.remotes.ycbm import YcbmRemote
from tests.builders import slot_in
from tests.workers.conftest import OFFICE
from tests.workers.sites import HALL, Linked
from workers.context import clock

SLOT, OTHER, THIRD = slot_in(10, 18, 20), slot_in(11, 18, 20), slot_in(12, 18, 20)
MINUTE = timedelta(minutes=1)
LONG_ENOUGH = timedelta(minutes=16)
REQUESTED, CONFIRMED, CANCELLED = BookingState.REQUESTED, BookingState.CONFIRMED, BookingState.CANCELLED


def taken_in(linked: Linked) -> str:
    identity = linked.book(SLOT)
    assert linked.poll()
    linked.works.drain()
    return identity


def confirmed(linked: Linked) -> str:
    identity = taken_in(linked)
    linked.works.code("482915", SLOT)
    linked.works.decide(linked.here(identity).id, Verdict.APPROVE)
    linked.works.drain()
    assert linked.here(identity).state is CONFIRMED
    return identity


def move_here(linked: Linked, booking_id: int, to: Slot) -> None:
    works, house = linked.works, linked.works.house
    moved = works.context.database.write(
        lambda s: move_rental(s, clock(), works.context.tools, house, booking_id, to, moving.Actor.OFFICE, OFFICE)
    )
    assert isinstance(moved, Moved), moved


def decide(linked: Linked, kind: str, way: Way) -> Refused | None:
    works, house = linked.works, linked.works.house
    with works.context.database.read() as session:
        case_id = session.scalars(select(CaseFile.id).where(CaseFile.kind == kind, CaseFile.closed_at.is_(None))).one()
    return works.context.database.write(
        lambda s: decide_case(s, clock(), works.context.tools, house, case_id, way, OFFICE)
    )


def settle(linked: Linked, rounds: int = 3) -> None:
    """Polls and errands, as they would run for a while."""
    for _ in range(rounds):
        linked.poll()
        linked.works.drain()
        linked.works.later(6 * MINUTE)


def block(linked: Linked, page: str = HALL) -> str:
    return next(one.id for one in linked.peer.world.in_order([page]) if one.holds and one.answers.get("PLATZWART"))


def rows(linked: Linked) -> list[RemoteBooking]:
    with linked.works.context.database.read() as session:
        return list(session.scalars(select(RemoteBooking).order_by(RemoteBooking.id)))


def site_cases(linked: Linked) -> list[str]:
    return [kind for kind in linked.cases() if kind.startswith(("site-", "cancel-"))]


def while_listing(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Let something happen between the answer of the next listing and its being applied."""
    real = YcbmRemote.changes

    def slow(remote: YcbmRemote, *given: Any) -> Listing:
        found = real(remote, *given)
        monkeypatch.setattr(YcbmRemote, "changes", real)
        meanwhile()
        return found

    monkeypatch.setattr(YcbmRemote, "changes", slow)


def no_listing_has(monkeypatch: pytest.MonkeyPatch, left_out: Callable[[Any], bool]) -> None:
    real = World.in_order
    monkeypatch.setattr(World, "in_order", lambda world, pages=(): [b for b in real(world, pages) if not left_out(b)])


def moving_renames(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a booking that is moved there lies at a new address, to which the old one leads."""
    move, find, now_at = World.move, World.booking, dict[str, str]()

    def renamed(world: World, *given: Any) -> Any:
        booking = move(world, *given)
        former, booking.id = booking.id, f"bkg_moved_{len(now_at)}"
        now_at[former] = booking.id
        world.bookings[booking.id] = world.bookings.pop(former)
        return booking

    def found(world: World, identity: str) -> Any:
        while identity in now_at:
            identity = now_at[identity]
        return find(world, identity)

    monkeypatch.setattr(World, "move", renamed)
    monkeypatch.setattr(World, "booking", found)
