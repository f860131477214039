"""Cancelling and moving rentals: codes are revoked, the old time stays until the new one is confirmed."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER, Actor
from booking.actions.endings import cancel_rental
from booking.actions.requests import Made, make_request
from booking.actions.reviews import (
    Resting,
    decide_request,
    settle_decision,
)
from booking.actions.shifting import move_rental
from booking.reads.house import House, read_house
from booking.rules import moving
from booking.tables.bookings import Booking, Occupancy
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice, Message
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState, Verdict
from tests.builders import NOW, Ids, add_code, ask, contact, make_tools, request, slot_in

TOOLS = make_tools()
OFFICE = Actor("Frau Office", None, "test")
GRACE = timedelta(seconds=60)
QUARTER = timedelta(minutes=15)


def house_of(session: Session, ids: Ids) -> House:
    return read_house(session, ids.organisation_id)


def with_code(database: Database, ids: Ids, slot: Slot, text: str) -> None:
    window = slot.widened(QUARTER, QUARTER)
    database.write(lambda session: add_code(session, NOW, TOOLS, ids, text, window))


def requested(database: Database, ids: Ids, slot: Slot, code: str | None = "482915") -> Made:
    if code:
        with_code(database, ids, slot, code)
    return database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot))


def decide(database: Database, ids: Ids, made: Made, verdict: Verdict, reason: str = "") -> Resting | Refused:
    return database.write(
        lambda s: decide_request(s, NOW, house_of(s, ids), made.booking_id, verdict, OFFICE, reason=reason)
    )


def settle(database: Database, ids: Ids, resting: Resting | Refused) -> bool:
    assert isinstance(resting, Resting)
    return database.write(lambda s: settle_decision(s, resting.final_at, house_of(s, ids), resting.decision_id))


def state_of(database: Database, made: Made) -> BookingState:
    with database.read() as session:
        return session.get_one(Booking, made.booking_id).state


def kinds_of(database: Database, made: Made) -> set[str]:
    with database.read() as session:
        query = select(Message.kind).where(Message.booking_id == made.booking_id, Message.state != "superseded")
        return set(session.scalars(query))


@pytest.mark.rule("S22", "S27")
def test_cancelling_a_confirmed_rental_revokes_its_code_and_takes_back_the_unsent_mail(
    database: Database, ids: Ids
) -> None:
    slot = slot_in(20, 18, 20)
    made = requested(database, ids, slot)
    settle(database, ids, decide(database, ids, made, Verdict.APPROVE))

    cost = database.write(
        lambda s: cancel_rental(s, NOW, house_of(s, ids), made.booking_id, moving.Actor.CUSTOMER, CUSTOMER)
    )

    assert not isinstance(cost, Refused)
    assert cost.free
    assert state_of(database, made) is BookingState.CANCELLED
    assert kinds_of(database, made) >= {"cancellation"}
    assert "confirmation" not in kinds_of(database, made)
    with database.read() as session:
        assert session.scalars(select(DoorCode.state)).one() is CodeState.RETIRED
        assert session.scalars(select(Occupancy)).all() == []
    again = database.write(lambda s: request(s, NOW, TOOLS, ids, ids.hall, slot, contact("B C")))
    assert "no-code" in {finding.code for finding in again.findings}


@pytest.mark.rule("S27")
def test_a_customers_move_of_a_confirmed_rental_keeps_the_old_time_until_the_new_one_is_confirmed(
    database: Database, ids: Ids
) -> None:
    old, new = slot_in(20, 18, 20), slot_in(20, 19, 21)
    made = requested(database, ids, old)
    settle(database, ids, decide(database, ids, made, Verdict.APPROVE))
    with_code(database, ids, new, "519274")

    moved = database.write(
        lambda s: move_rental(s, NOW, TOOLS, house_of(s, ids), made.booking_id, new, moving.Actor.CUSTOMER, CUSTOMER)
    )

    assert isinstance(moved, Made)
    assert state_of(database, made) is BookingState.CONFIRMED
    other = contact("B C")
    for slot in (slot_in(20, 18, 19), slot_in(20, 20, 21)):
        wish = ask(ids.hall, slot, other)
        assert isinstance(database.write(lambda s, w=wish: make_request(s, NOW, TOOLS, house_of(s, ids), w)), Refused)

    settle(database, ids, decide(database, ids, moved, Verdict.APPROVE))

    assert state_of(database, made) is BookingState.CANCELLED
    assert state_of(database, moved) is BookingState.CONFIRMED
    with database.read() as session:
        taken = {(row.starts_at, row.ends_at) for row in session.scalars(select(Occupancy))}
        invoices = session.scalars(select(Invoice.number)).all()
        codes = dict(list(session.execute(select(DoorCode.booking_id, DoorCode.state))))
    assert taken == {(new.start, new.end)}
    assert invoices == ["2026-00001"]
    assert codes == {made.booking_id: CodeState.RETIRED, moved.booking_id: CodeState.ISSUED}


@pytest.mark.rule("S27")
def test_a_rejected_move_leaves_the_confirmed_rental_as_it_was(database: Database, ids: Ids) -> None:
    old, new = slot_in(20, 18, 20), slot_in(20, 19, 21)
    made = requested(database, ids, old)
    settle(database, ids, decide(database, ids, made, Verdict.APPROVE))
    moved = database.write(
        lambda s: move_rental(s, NOW, TOOLS, house_of(s, ids), made.booking_id, new, moving.Actor.CUSTOMER, CUSTOMER)
    )
    assert isinstance(moved, Made)

    settle(database, ids, decide(database, ids, moved, Verdict.REJECT, "not then"))

    assert state_of(database, made) is BookingState.CONFIRMED
    with database.read() as session:
        assert {(row.starts_at, row.ends_at) for row in session.scalars(select(Occupancy))} == {(old.start, old.end)}


@pytest.mark.rule("S22", "S12")
def test_a_move_by_the_office_before_the_one_mail_went_out_sends_one_mail_with_the_invoice(
    database: Database, ids: Ids
) -> None:
    old, new = slot_in(20, 18, 20), slot_in(21, 18, 20)
    made = requested(database, ids, old)
    settle(database, ids, decide(database, ids, made, Verdict.APPROVE))
    with_code(database, ids, new, "519274")

    database.write(
        lambda s: move_rental(s, NOW, TOOLS, house_of(s, ids), made.booking_id, new, moving.Actor.OFFICE, OFFICE)
    )

    with database.read() as session:
        open_mails = session.scalars(
            select(Message).where(Message.booking_id == made.booking_id, Message.kind == "confirmation")
        ).all()
        codes = {code.starts_at: code.state for code in session.scalars(select(DoorCode))}
    assert [(mail.state, "invoice_id" in mail.facts) for mail in open_mails] == [("superseded", True), ("queued", True)]
    assert list(codes.values()) == [CodeState.RETIRED, CodeState.ISSUED]
