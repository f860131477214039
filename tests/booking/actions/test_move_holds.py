"""What a request to move holds of the old time and beside it, on both databases (SPEC S8, S27)."""

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions.requests import Made
from booking.actions.reviews import Resting
from booking.actions.shifting import Moved
from booking.rules import moving
from booking.tables.bookings import Decision, Occupancy
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, DecisionState, OccupancyKind
from tests.booking.actions.one_rental import GRACE, Site
from tests.builders import slot_in


@pytest.fixture
def site(database: Database) -> Site:
    return Site(database)


@pytest.mark.rule("S8", "S27")
def test_a_move_keeps_the_part_that_lies_in_the_old_time_when_the_office_moves_that_away(site: Site) -> None:
    old = site.confirmed(slot_in(10, 10, 12))
    wish = slot_in(10, 11, 13)
    waiting = site.move(old, wish)
    assert isinstance(site.move(old, slot_in(12, 10, 12), moving.Actor.OFFICE), Moved)

    assert site.held(waiting) == {(wish.start, wish.end)}
    site.settle(site.decide(waiting))
    assert site.booking(waiting).state is BookingState.CONFIRMED
    assert site.booking(old).state is BookingState.CANCELLED


@pytest.mark.rule("S27")
def test_a_rental_moved_within_what_a_request_for_it_wants_leaves_it_the_rest(site: Site) -> None:
    old = site.confirmed(slot_in(10, 10, 12))
    waiting = site.move(old, slot_in(10, 11, 14))
    assert isinstance(site.move(old, slot_in(10, 13, 14), moving.Actor.OFFICE), Refused)
    assert isinstance(site.move(old, slot_in(10, 11, 12), moving.Actor.OFFICE), Moved)
    rest = slot_in(10, 12, 14)
    assert site.held(waiting) == {(rest.start, rest.end)}


@pytest.mark.rule("S27")
def test_a_request_to_move_may_itself_be_moved_into_the_old_time(site: Site) -> None:
    old = site.confirmed(slot_in(10, 10, 12))
    waiting = site.move(old, slot_in(11, 10, 12))
    assert isinstance(site.move(waiting, slot_in(10, 11, 13)), Moved)
    site.settle(site.decide(waiting))
    wish = slot_in(10, 11, 13)
    assert site.held(waiting) == {(wish.start, wish.end)}


def intrude(site: Site, slot: Slot) -> None:
    """Somebody else has this time, and what the request holds is not all of its own: a hold that was lost."""
    units = site.ids.units

    def work(session: Session) -> None:
        for unit in units:
            session.add(
                Occupancy(
                    organisation_id=site.ids.organisation_id,
                    unit_id=unit,
                    starts_at=slot.start,
                    ends_at=slot.end,
                    kind=OccupancyKind.CLOSURE,
                    source_id=99,
                    exclusive=True,
                )
            )

    site.database.write(work)


def lose_hold(site: Site, made: Made) -> None:
    site.database.write(lambda s: s.execute(delete(Occupancy).where(Occupancy.source_id == made.booking_id)))


@pytest.mark.rule("S8", "S27")
def test_a_move_whose_time_another_has_cannot_be_approved(site: Site) -> None:
    waiting = site.move(site.confirmed(slot_in(10, 10, 12)), slot_in(11, 10, 12))
    lose_hold(site, waiting)
    intrude(site, slot_in(11, 11, 12))
    no = site.decide(waiting)
    assert isinstance(no, Refused)
    assert no.codes == ("not-exclusive",)


@pytest.mark.rule("S8")
def test_an_approval_whose_time_another_has_after_all_is_undone_and_becomes_a_case(site: Site) -> None:
    old = site.confirmed(slot_in(10, 10, 12))
    waiting = site.move(old, slot_in(11, 10, 12))
    resting = site.decide(waiting)
    lose_hold(site, waiting)
    intrude(site, slot_in(11, 11, 12))

    site.settle(resting)

    assert site.booking(waiting).state is BookingState.REQUESTED
    assert site.booking(old).state is BookingState.CONFIRMED
    assert site.cases() == {"approval-clash": {}}
    with site.database.read() as session:
        decision = session.scalars(select(Decision).where(Decision.booking_id == waiting.booking_id)).one()
        codes = session.scalars(select(DoorCode.state).where(DoorCode.booking_id == waiting.booking_id)).all()
    assert decision.state is DecisionState.UNDONE
    assert codes == []
    again = site.decide(waiting)
    assert isinstance(again, Refused)
    assert again.codes == ("not-exclusive",)


@pytest.mark.rule("S27")
def test_a_move_is_not_approved_once_the_old_time_has_begun_and_not_left_resting_into_it(site: Site) -> None:
    old = slot_in(1, 10, 11)
    waiting = site.move(site.confirmed(old), slot_in(5, 10, 11))
    no = site.decide(waiting, old.start)
    assert isinstance(no, Refused)
    assert no.codes == ("old-time-begun",)
    made = site.decide(waiting, old.start - GRACE / 2)
    assert isinstance(made, Resting)
    assert made.is_final
