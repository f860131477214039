"""A rental that the desk confirmed is waived, then charged after all: it is billed once (SPEC S18)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from booking.actions.audit import Actor
from booking.actions.desk import Afterwards, mark_afterwards
from booking.actions.reviews import BILL, bill_rental, decide_request
from booking.reads.house import House, read_house
from booking.tables.bookings import Booking, CaseFile
from booking.tables.database import Database
from booking.tables.outgoing import Invoice, Outbox
from booking.values.states import Verdict
from tests.builders import NOW, Ids, add_code, build_house, make_tools, request, slot_in

TOOLS = make_tools()
OFFICE = Actor("Frau Office", 2)
QUARTER = timedelta(minutes=15)
SLOT = slot_in(0, 18, 20)
NEXT_MORNING = "2026-11-25T08:00:00+00:00"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


@pytest.fixture
def by_desk(database: Database, ids: Ids) -> int:
    """A rental that the desk confirmed, and whose mail with the invoice waits for the next morning."""
    return confirmed(database, ids, by_desk=True)


def confirmed(database: Database, ids: Ids, *, by_desk: bool) -> int:
    database.write(lambda s: add_code(s, NOW, TOOLS, ids, "482915", SLOT.widened(QUARTER, QUARTER)))
    made = database.write(lambda s: request(s, NOW, TOOLS, ids, ids.hall, SLOT))
    house = replace(house_of(database, ids), grace=timedelta(0))
    database.write(lambda s: decide_request(s, NOW, house, made.booking_id, Verdict.APPROVE, OFFICE, by_desk=by_desk))
    return made.booking_id


def house_of(database: Database, ids: Ids) -> House:
    with database.read() as session:
        return read_house(session, ids.organisation_id)


def mark(database: Database, ids: Ids, booking_id: int, *marks: Afterwards) -> None:
    house = house_of(database, ids)
    for minute, what in enumerate(marks):
        at = SLOT.start + timedelta(minutes=minute)
        no = database.write(lambda s, w=what, a=at: mark_afterwards(s, a, house, booking_id, w, "Light", OFFICE))  # type: ignore[misc]
        assert no is None


def due(database: Database) -> list[str]:
    with database.read() as session:
        query = select(Outbox.due_at).where(Outbox.topic == BILL, Outbox.done_at.is_(None))
        return [moment.isoformat() for moment in session.scalars(query)]


def billed(database: Database, ids: Ids, booking_id: int, now: datetime) -> int:
    house = house_of(database, ids)
    database.write(lambda s: bill_rental(s, now, house, booking_id))
    with database.read() as session:
        return len(session.scalars(select(Invoice)).all())


@pytest.mark.rule("S18")
def test_what_was_waived_and_then_charged_is_billed(database: Database, ids: Ids, by_desk: int) -> None:
    mark(database, ids, by_desk, Afterwards.WAIVE)
    assert due(database) == []
    mark(database, ids, by_desk, Afterwards.CHARGE)
    assert due(database) == [NEXT_MORNING]
    assert billed(database, ids, by_desk, SLOT.end) == 1


@pytest.mark.rule("S18")
def test_the_last_word_counts_however_often_it_changes(database: Database, ids: Ids, by_desk: int) -> None:
    wave = (Afterwards.WAIVE, Afterwards.CHARGE)
    mark(database, ids, by_desk, *wave, *wave)
    assert due(database) == [NEXT_MORNING]
    mark(database, ids, by_desk, Afterwards.WAIVE)
    assert (due(database), billed(database, ids, by_desk, SLOT.end)) == ([], 0)


@pytest.mark.rule("S18")
def test_charging_what_was_never_waived_bills_it_once(database: Database, ids: Ids, by_desk: int) -> None:
    mark(database, ids, by_desk, Afterwards.CHARGE)
    assert due(database) == [NEXT_MORNING]


@pytest.mark.rule("S18")
def test_a_note_changes_nothing_about_what_is_waived(database: Database, ids: Ids, by_desk: int) -> None:
    mark(database, ids, by_desk, Afterwards.WAIVE, Afterwards.FOLLOW_UP)
    assert billed(database, ids, by_desk, SLOT.end) == 0


@pytest.mark.rule("S18")
def test_a_note_that_begins_like_a_waiver_is_none(database: Database, ids: Ids, by_desk: int) -> None:
    database.write(lambda s: s.execute(update(Booking).values(follow_up="waive: so he says")))
    assert billed(database, ids, by_desk, SLOT.end) == 1


@pytest.mark.rule("S18")
def test_what_was_billed_already_needs_no_second_invoice(database: Database, ids: Ids) -> None:
    booking_id = confirmed(database, ids, by_desk=False)
    mark(database, ids, booking_id, Afterwards.WAIVE)
    mark(database, ids, booking_id, Afterwards.CHARGE)
    with database.read() as session:
        (case,) = session.scalars(select(CaseFile).where(CaseFile.kind == "invoice-waived"))
    assert (case.resolution, due(database)) == ("charged", [])
