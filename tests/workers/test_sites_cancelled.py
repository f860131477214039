"""A cancel on the site costs what it cost when the booker cancelled there, however late it is read (SPEC S27, Y6)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.rules.sites import cancelled_since
from booking.tables.bookings import AuditEntry, Booking
from booking.values.states import BookingState, Verdict
from tests.builders import NOW, set_steps, slot_in
from tests.workers.sites import Linked
from workers.context import clock

SLOT = slot_in(10, 18, 20)
STEP = SLOT.start - timedelta(days=9)
"""From here on cancelling costs half."""
MINUTE = timedelta(minutes=1)


def until(linked: Linked, moment: datetime) -> None:
    linked.works.later(moment - clock())


def confirmed(linked: Linked) -> str:
    linked.works.write(lambda db: set_steps(db, linked.works.ids, (9, 50)))
    identity = linked.book(SLOT)
    linked.poll()
    linked.works.code("482915", SLOT)
    linked.works.decide(linked.here(identity).id, Verdict.APPROVE)
    linked.works.drain()
    assert linked.here(identity).state is BookingState.CONFIRMED
    return identity


def told(linked: Linked, booking: Booking) -> dict[str, Any]:
    with linked.works.context.database.read() as session:
        query = select(AuditEntry.after).where(AuditEntry.action == "cancelled", AuditEntry.subject_id == booking.id)
        return dict(session.scalars(query).one() or {})


@pytest.mark.rule("S27", "Y6")
@pytest.mark.parametrize(("cancelled", "costs"), [(-2 * MINUTE, False), (2 * MINUTE, True)])
def test_the_step_in_which_the_booker_cancelled_counts(linked: Linked, cancelled: timedelta, *, costs: bool) -> None:
    identity = confirmed(linked)
    until(linked, STEP + cancelled)
    linked.peer.cancel(identity)
    until(linked, STEP + 10 * MINUTE)
    linked.poll()
    booking = linked.here(identity)
    after = told(linked, booking)
    assert booking.state is BookingState.CANCELLED
    assert after["fee_cents"] == (booking.price_cents // 2 if costs else 0)
    assert after["since"] == (STEP + cancelled).isoformat()
    assert booking.price_cents > 0


@pytest.mark.rule("S27", "Y6")
def test_a_stamp_from_before_the_booking_was_last_seen_living_is_not_believed(linked: Linked) -> None:
    identity = confirmed(linked)
    until(linked, STEP + 5 * MINUTE)
    linked.poll()
    linked.peer.cancel(identity)
    linked.peer.world.booking(identity).cancelled_at = NOW
    until(linked, STEP + 10 * MINUTE)
    linked.poll()
    assert told(linked, linked.here(identity))["fee_cents"] > 0


def test_a_cancel_counts_between_the_last_sign_of_life_and_now() -> None:
    alive, now = NOW, NOW + 10 * MINUTE
    assert cancelled_since(None, alive, now) == now
    assert cancelled_since(alive + MINUTE, alive, now) == alive + MINUTE
    assert cancelled_since(alive - MINUTE, alive, now) == alive
    assert cancelled_since(now + MINUTE, alive, now) == now
