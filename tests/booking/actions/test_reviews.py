"""The review: a decision rests, can be undone, then is final; two reviewers never both win."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER, Actor
from booking.actions.desk import Afterwards, mark_afterwards
from booking.actions.endings import cancel_rental, let_go
from booking.actions.requests import Made, make_external, make_request
from booking.actions.reviews import (
    Resting,
    approve_if_trusted,
    bill_rental,
    decide_request,
    settle_decision,
    undo_decision,
)
from booking.reads.house import House, read_house
from booking.rules import moving
from booking.tables.bookings import Booking, Decision, Occupancy
from booking.tables.calendars import CalendarItem
from booking.tables.connections import Connection, RemoteBooking
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice, Message, Outbox
from booking.tables.people import Customer
from booking.values.identity import new_uuid
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState, ItemStatus, OccupancyKind, Source, Verdict
from tests.builders import NOW, Ids, add_code, ask, change_house, contact, make_tools, request, slot_in

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


@pytest.mark.rule("S8", "S11", "S12")
def test_an_approval_rests_then_confirms_with_code_invoice_and_one_mail(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(3, 18, 20))

    resting = decide(database, ids, made, Verdict.APPROVE)

    assert isinstance(resting, Resting)
    assert (resting.final_at, resting.is_final) == (NOW + GRACE, False)
    assert state_of(database, made) is BookingState.REQUESTED
    assert "confirmation" not in kinds_of(database, made)
    early = database.write(
        lambda s: settle_decision(
            s, resting.final_at - timedelta(microseconds=1), house_of(s, ids), resting.decision_id
        )
    )
    assert not early

    assert settle(database, ids, resting)
    assert not settle(database, ids, resting)

    assert state_of(database, made) is BookingState.CONFIRMED
    with database.read() as session:
        code = session.scalars(select(DoorCode)).one()
        invoice = session.scalars(select(Invoice)).one()
        item = session.scalars(select(CalendarItem)).one()
        mails = session.scalars(select(Message).where(Message.kind == "confirmation")).all()
    assert (code.state, code.booking_id) == (CodeState.ISSUED, made.booking_id)
    assert (invoice.number, invoice.total_cents, invoice.data["reference"]) == ("2026-00001", 10000, made.code)
    assert (item.status, item.sequence) == (ItemStatus.CONFIRMED, 1)
    assert [mail.facts["invoice_id"] for mail in mails] == [invoice.id]


@pytest.mark.rule("S8")
def test_undo_restores_all_and_is_refused_once_the_decision_is_final(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(3, 18, 20))
    resting = decide(database, ids, made, Verdict.APPROVE)

    last_moment = NOW + GRACE - timedelta(microseconds=1)
    undone = database.write(lambda s: undo_decision(s, last_moment, house_of(s, ids), made.booking_id, OFFICE))

    assert undone is None
    assert not settle(database, ids, resting)
    with database.read() as session:
        assert session.scalars(select(DoorCode.state)).one() is CodeState.FREE
        assert session.scalars(select(Outbox.done_at).where(Outbox.topic == "decision.settle")).one() is not None
    assert state_of(database, made) is BookingState.REQUESTED

    second = decide(database, ids, made, Verdict.REJECT, "doubtful")
    assert isinstance(second, Resting)
    late = database.write(lambda s: undo_decision(s, second.final_at, house_of(s, ids), made.booking_id, OFFICE))
    assert isinstance(late, Refused)


@pytest.mark.rule("S9", "S10")
def test_a_rejection_names_its_reason_frees_the_time_and_tells_the_customer(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)
    made = requested(database, ids, slot)

    without_reason = decide(database, ids, made, Verdict.REJECT, "  ")
    assert isinstance(without_reason, Refused)
    resting = decide(database, ids, made, Verdict.REJECT, "No such club")
    held = database.write(lambda s: make_request(s, NOW, TOOLS, house_of(s, ids), ask(ids.hall, slot, contact("B C"))))
    assert isinstance(held, Refused)
    settle(database, ids, resting)

    assert state_of(database, made) is BookingState.REJECTED
    with database.read() as session:
        mail = session.scalars(select(Message).where(Message.kind == "rejection")).one()
        item = session.scalars(select(CalendarItem)).one()
    assert mail.facts["reason"] == "No such club"
    assert item.status is ItemStatus.CANCELLED
    free = database.write(lambda s: make_request(s, NOW, TOOLS, house_of(s, ids), ask(ids.hall, slot, contact("B C"))))
    assert isinstance(free, Made)


@pytest.mark.rule("S9", "S10")
def test_a_rejected_external_booking_stays_held_until_it_is_cancelled_there(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)
    external = replace(ask(ids.hall, slot), source=Source.YCBM)
    made = database.write(lambda s: make_external(s, NOW, TOOLS, house_of(s, ids), external))
    database.write(lambda s: link_remote(s, ids, made, slot))

    settle(database, ids, decide(database, ids, made, Verdict.REJECT, "No such club"))

    wish = ask(ids.hall, slot, contact("B C"))
    stuck = database.write(lambda s: make_request(s, NOW, TOOLS, house_of(s, ids), wish))
    assert isinstance(stuck, Refused)
    with database.read() as session:
        assert set(session.scalars(select(Occupancy.kind))) == {OccupancyKind.HELD}
        assert "sites" in session.scalars(select(Outbox.topic)).all()
    database.write(lambda s: let_go(s, NOW, house_of(s, ids), made.booking_id))
    assert isinstance(database.write(lambda s: make_request(s, NOW, TOOLS, house_of(s, ids), wish)), Made)


def link_remote(session: Session, ids: Ids, made: Made, slot: Slot) -> None:
    """Pretend that the booking came from a site."""
    from booking.tables.connections import ConnectionRoom

    connection = Connection(
        organisation_id=ids.organisation_id,
        public_id=new_uuid(NOW),
        name="Site",
        base_url="https://site.example",
        account_id="a",
        api_key_cipher=b"",
        api_key_id="k1",
        hook_secret_hash=b"",
        next_poll_at=NOW,
    )
    session.add(connection)
    session.flush()
    session.add(
        ConnectionRoom(
            connection_id=connection.id, profile_id="p", room_id=ids.hall, organisation_id=ids.organisation_id
        )
    )
    session.add(
        RemoteBooking(
            organisation_id=ids.organisation_id,
            connection_id=connection.id,
            remote_id="r1",
            booking_id=made.booking_id,
            starts_at=slot.start,
            ends_at=slot.end,
            seen_at=NOW,
        )
    )


@pytest.mark.rule("S8")
def test_approval_without_a_door_code_left_is_refused(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(3, 18, 20), code=None)

    verdict = decide(database, ids, made, Verdict.APPROVE)

    assert isinstance(verdict, Refused)
    assert verdict.codes == ("no-code",)


@pytest.mark.rule("S8")
def test_of_two_clashing_external_bookings_only_one_can_be_approved(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)
    with_code(database, ids, slot, "482915")
    with_code(database, ids, slot, "519274")
    made = [
        database.write(
            lambda s, name=name: make_external(
                s, NOW, TOOLS, house_of(s, ids), replace(ask(ids.hall, slot, contact(name)), source=Source.YCBM)
            )
        )
        for name in ("First Club", "Second Club")
    ]

    first, second = (decide(database, ids, one, Verdict.APPROVE) for one in reversed(made))

    assert isinstance(second, Refused) or isinstance(first, Refused)
    assert [isinstance(one, Resting) for one in (first, second)].count(True) == 1


@pytest.mark.rule("S17", "S18")
def test_a_code_given_out_by_the_desk_is_billed_on_the_next_working_day(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(0, 18, 20))

    resting = database.write(
        lambda s: decide_request(s, NOW, house_of(s, ids), made.booking_id, Verdict.APPROVE, OFFICE, by_desk=True)
    )

    assert isinstance(resting, Resting)
    assert resting.is_final
    assert state_of(database, made) is BookingState.CONFIRMED
    assert "confirmation" not in kinds_of(database, made)
    with database.read() as session:
        assert session.scalars(select(Invoice)).all() == []
        due = session.scalars(select(Outbox.due_at).where(Outbox.topic == "booking.bill")).one()
    assert due.isoformat() == "2026-11-25T08:00:00+00:00"

    database.write(lambda s: bill_rental(s, due, house_of(s, ids), made.booking_id))
    database.write(lambda s: bill_rental(s, due, house_of(s, ids), made.booking_id))
    with database.read() as session:
        assert len(session.scalars(select(Invoice)).all()) == 1


@pytest.mark.rule("S18")
def test_what_was_waived_is_not_billed_even_by_a_worker_that_had_taken_the_duty(database: Database, ids: Ids) -> None:
    slot = slot_in(0, 18, 20)
    made = requested(database, ids, slot)
    database.write(
        lambda s: decide_request(s, NOW, house_of(s, ids), made.booking_id, Verdict.APPROVE, OFFICE, by_desk=True)
    )
    waived = database.write(
        lambda s: mark_afterwards(
            s, slot.start, house_of(s, ids), made.booking_id, Afterwards.WAIVE, "Light was out", OFFICE
        )
    )

    billed = database.write(lambda s: bill_rental(s, slot.end, house_of(s, ids), made.booking_id))

    assert (waived, billed) == (None, False)
    with database.read() as session:
        assert session.scalars(select(Invoice)).all() == []
    assert "confirmation" not in kinds_of(database, made)


@pytest.mark.rule("S8")
def test_a_trusted_customer_is_approved_by_itself_where_the_operator_switched_it_on(
    database: Database, ids: Ids
) -> None:
    past = NOW - timedelta(days=40)
    kept = database.write(lambda s: request(s, past, TOOLS, ids, ids.hall, slot_in(-30, 18, 20)))
    database.write(lambda s: setattr(s.get_one(Booking, kept.booking_id), "state", BookingState.CONFIRMED))
    with_code(database, ids, slot_in(3, 18, 20), "482915")
    wish = replace(ask(ids.hall, slot_in(3, 18, 20)), is_proven=True)
    made = database.write(lambda s: make_request(s, NOW, TOOLS, house_of(s, ids), wish))
    assert isinstance(made, Made)

    off = database.write(lambda s: approve_if_trusted(s, NOW, house_of(s, ids), made))
    database.write(lambda s: change_house(s, ids, approve_after_kept=1))
    on = database.write(lambda s: approve_if_trusted(s, NOW, house_of(s, ids), made))

    assert off is None
    assert isinstance(on, Resting)


@pytest.mark.rule("S19")
def test_a_standing_discount_is_a_line_of_its_own_on_the_invoice(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(3, 18, 20))

    def discount(session: Session) -> None:
        customer = session.scalars(select(Customer)).one()
        customer.discount_percent, customer.discount_note = 10, "Dauerbucher"

    database.write(discount)
    settle(database, ids, decide(database, ids, made, Verdict.APPROVE))

    with database.read() as session:
        data = session.scalars(select(Invoice.data)).one()
    assert [(line["text"], line["amount"]["net"] + line["amount"]["vat"]) for line in data["lines"]] == [
        ("Stunde", 10000),
        ("Dauerbucher", -1000),
    ]
    assert data["gross"] == 9000


@pytest.mark.rule("S8", "S15")
def test_on_short_notice_a_decision_is_final_at_once(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(0, 18, 20))

    resting = decide(database, ids, made, Verdict.APPROVE)

    assert isinstance(resting, Resting)
    assert resting.is_final
    assert "confirmation" in kinds_of(database, made)


def test_an_open_decision_ends_with_the_rental_that_the_customer_cancels(database: Database, ids: Ids) -> None:
    made = requested(database, ids, slot_in(3, 18, 20))
    resting = decide(database, ids, made, Verdict.APPROVE)
    database.write(lambda s: cancel_rental(s, NOW, house_of(s, ids), made.booking_id, moving.Actor.CUSTOMER, CUSTOMER))

    assert not settle(database, ids, resting)
    assert state_of(database, made) is BookingState.CANCELLED
    with database.read() as session:
        assert session.scalars(select(Decision.state)).one() == "undone"
        assert session.scalars(select(DoorCode.state)).one() is CodeState.FREE
