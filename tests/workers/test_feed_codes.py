"""The tick lets door codes appear in customers' own feeds, and counts that they went (SPEC C4)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.actions import settings
from booking.reads.agenda import CodeLines, Whose, everything
from booking.tables.bookings import Booking
from booking.values.agenda import AgendaEntry
from booking.values.states import SubjectKind
from tests.builders import slot_in
from tests.workers.conftest import OFFICE, Works
from workers.context import clock
from workers.tick import Tick

SLOT = slot_in(3, 18, 20)


def entry_of(works: Works) -> AgendaEntry:
    """The booking as its customer's own feed holds it."""
    lines = CodeLines(works.context.tools.vault, lambda text, _window, _zone: f"Code {text}")
    with works.context.database.read() as session:
        customer_id = session.scalars(select(Booking.customer_id)).one()
        whose = Whose(works.ids.organisation_id, SubjectKind.CUSTOMER, customer_id)
        ((_, entry),) = everything(session, whose, clock() - timedelta(days=30), codes=lines).values()
    return entry


@pytest.mark.rule("C4", "C2")
def test_a_tick_makes_a_code_appear_and_counts_that_it_went(works: Works) -> None:
    works.confirmed(SLOT, "482915")
    works.drain()
    works.write(
        lambda db: settings.change_house(db, clock(), works.ids.organisation_id, OFFICE, {"feed_code_hours": 24})
    )
    tick, before = Tick(works.context), entry_of(works)
    assert tick.step(clock())
    assert entry_of(works) == before
    works.traveller.move_to(SLOT.start - timedelta(hours=24))
    assert "482915" not in entry_of(works).details
    assert tick.step(clock())
    near = entry_of(works)
    assert (near.details, near.until) == (f"{before.details}\nCode 482915", SLOT.end)
    assert (near.sequence, near.last_modified > before.last_modified) == (before.sequence + 1, True)
    works.traveller.move_to(SLOT.end)
    assert tick.step(clock())
    assert entry_of(works) == near.then
    assert tick.step(clock())
    assert entry_of(works) == near.then
