"""Requests: the time is blocked with the same transaction, findings are noted, mails are rows."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER
from booking.actions.endings import expire_requests
from booking.actions.requests import Made, make_external, make_request
from booking.actions.shifting import move_rental
from booking.reads.house import House, read_house
from booking.rules import moving
from booking.tables.bookings import AuditEntry, Booking, Occupancy
from booking.tables.calendars import CalendarItem
from booking.tables.database import Database
from booking.tables.outgoing import Message, Outbox
from booking.tables.people import Customer
from booking.values.codes import is_booking_code
from booking.values.refusals import Refused
from booking.values.states import BookingState, ItemStatus, Source
from tests.builders import NOW, Ids, ask, change_house, contact, make_tools, request, slot_in

TOOLS = make_tools()


def house_of(session: Session, ids: Ids) -> House:
    return read_house(session, ids.organisation_id)


@pytest.mark.rule("S5", "S4")
def test_a_requested_time_is_taken_with_the_same_transaction(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot))

    second = database.write(
        lambda session: make_request(session, NOW, TOOLS, house_of(session, ids), ask(ids.hall, slot, contact("B C")))
    )

    assert isinstance(second, Refused)
    assert second.codes == ("taken",)


@pytest.mark.rule("S5")
def test_the_whole_hall_blocks_its_halves_and_a_half_blocks_the_whole(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.left, slot))

    def ask_for(room_id: int) -> Made | Refused:
        return database.write(
            lambda session: make_request(
                session, NOW, TOOLS, house_of(session, ids), ask(room_id, slot, contact("B C"))
            )
        )

    whole = ask_for(ids.hall)
    right = ask_for(ids.right)

    assert isinstance(whole, Refused)
    assert isinstance(right, Made)


def test_a_request_that_fails_late_leaves_nothing_behind(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)

    def broken(session: Session) -> None:
        request(session, NOW, TOOLS, ids, ids.hall, slot)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(broken)

    with database.read() as session:
        assert session.scalars(select(Booking)).all() == []
        assert session.scalars(select(Occupancy)).all() == []
        assert session.scalars(select(Outbox)).all() == []


@pytest.mark.rule("S6", "S7")
def test_a_request_posts_an_acknowledgement_and_two_notices(database: Database, ids: Ids) -> None:
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 18, 20)))

    with database.read() as session:
        mails = session.scalars(select(Message).where(Message.booking_id == made.booking_id)).all()
        duties = session.scalars(select(Outbox).where(Outbox.topic == "mail")).all()
    assert {(mail.kind, mail.recipient) for mail in mails} == {
        ("acknowledgement", "anna.mueller@verein.example"),
        ("notice-office", "buero@kirche.example"),
        ("notice-desk", "theke@kirche.example"),
    }
    assert {duty.subject_id for duty in duties} == {mail.id for mail in mails}
    assert {duty.due_at for duty in duties} == {NOW}


@pytest.mark.rule("S13")
def test_the_booking_code_is_made_with_the_booking_and_checks_itself(database: Database, ids: Ids) -> None:
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 18, 20)))

    assert is_booking_code(made.code)
    with database.read() as session:
        assert session.get_one(Booking, made.booking_id).code == made.code


@pytest.mark.rule("S8")
def test_the_deadline_is_the_next_working_day_and_findings_are_noted_with_the_request(
    database: Database, ids: Ids
) -> None:
    slot = slot_in(3, 18, 20)
    spam = replace(ask(ids.hall, slot), purpose="Best casino https://casino.example and free credit http://x.example")

    made = database.write(lambda session: make_request(session, NOW, TOOLS, house_of(session, ids), spam))

    assert isinstance(made, Made)
    assert made.review_at.isoformat() == "2026-11-25T11:00:00+00:00"
    assert not made.short_notice
    with database.read() as session:
        noted = {finding["code"] for finding in session.get_one(Booking, made.booking_id).findings}
    assert {"link", "no-code"} <= noted


@pytest.mark.rule("S15")
def test_a_time_before_the_next_review_is_short_notice(database: Database, ids: Ids) -> None:
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(0, 18, 20)))

    assert made.short_notice


@pytest.mark.rule("S25")
def test_a_change_of_the_price_list_never_reprices_a_request(database: Database, ids: Ids) -> None:
    from booking.tables.houses import PriceRule

    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 18, 20)))

    def dearer(session: Session) -> None:
        session.scalars(select(PriceRule)).one().cents = 9900
        change_house(session, ids)

    database.write(dearer)
    with database.read() as session:
        booking = session.get_one(Booking, made.booking_id)
        assert (booking.price_cents, booking.price["lines"][0]["gross"]) == (10000, 10000)
    later = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(4, 18, 20)))
    assert later.price.gross == 19800


@pytest.mark.rule("S26")
def test_the_limits_on_open_requests_refuse_with_their_own_reasons(database: Database, ids: Ids) -> None:
    database.write(lambda session: change_house(session, ids, open_per_contact=1, open_per_address=1, open_per_room=1))
    first = replace(ask(ids.hall, slot_in(3, 8, 9)), made_from=b"block")
    database.write(lambda session: make_request(session, NOW, TOOLS, house_of(session, ids), first))

    again = replace(ask(ids.hall, slot_in(4, 8, 9)), made_from=b"block")
    refused = database.write(lambda session: make_request(session, NOW, TOOLS, house_of(session, ids), again))

    assert isinstance(refused, Refused)
    assert refused.codes == ("contact-limit", "address-limit", "room-limit")


@pytest.mark.rule("S26")
def test_an_unreviewed_request_expires_at_its_start_and_its_time_is_free(database: Database, ids: Ids) -> None:
    slot = slot_in(0, 18, 20)
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot))

    before = database.write(lambda s: expire_requests(s, slot.start - timedelta(seconds=1), house_of(s, ids)))
    at_start = database.write(lambda s: expire_requests(s, slot.start, house_of(s, ids)))
    again = database.write(lambda s: expire_requests(s, slot.start, house_of(s, ids)))

    assert (before, at_start, again) == (0, 1, 0)
    with database.read() as session:
        assert session.get_one(Booking, made.booking_id).state is BookingState.EXPIRED
        assert session.scalars(select(Occupancy)).all() == []
        assert "expired" in session.scalars(select(Message.kind)).all()
        assert session.scalars(select(CalendarItem.status)).one() is ItemStatus.CANCELLED


@pytest.mark.rule("S26")
def test_with_the_mail_check_an_unverified_request_is_free_again_after_thirty_minutes(
    database: Database, ids: Ids
) -> None:
    database.write(lambda session: change_house(session, ids, mail_check=True))
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 18, 20)))
    half_hour = NOW + timedelta(minutes=30)

    in_time = database.write(lambda s: expire_requests(s, half_hour, house_of(s, ids)))
    late = database.write(lambda s: expire_requests(s, half_hour + timedelta(seconds=1), house_of(s, ids)))

    assert (in_time, late) == (0, 1)
    with database.read() as session:
        kinds = session.scalars(select(Message.kind).where(Message.booking_id == made.booking_id)).all()
    assert "mail-check" in kinds
    assert "acknowledgement" not in kinds


def test_what_a_stranger_types_under_a_known_address_never_changes_the_file(database: Database, ids: Ids) -> None:
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 8, 9)))
    stranger = replace(contact(), name="Somebody Else", street="Elsewhere 1")
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 10, 11), stranger))
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot_in(3, 12, 13)))

    with database.read() as session:
        names = session.scalars(select(Customer.name).order_by(Customer.id)).all()
    assert names == ["Anna Müller", "Somebody Else"]


@pytest.mark.rule("Y1")
def test_an_external_booking_on_a_taken_time_stands_beside_it_and_shows_the_clash(database: Database, ids: Ids) -> None:
    slot = slot_in(3, 18, 20)
    database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, slot))
    external = replace(ask(ids.hall, slot, contact("Other Club")), source=Source.YCBM)

    made = database.write(lambda session: make_external(session, NOW, TOOLS, house_of(session, ids), external))

    assert "clash" in {finding.code for finding in made.findings}
    with database.read() as session:
        rows = session.scalars(select(Occupancy).where(Occupancy.source_id == made.booking_id)).all()
    assert {row.exclusive for row in rows} == {False}


@pytest.mark.rule("S27")
def test_a_move_of_an_unconfirmed_request_moves_its_time_in_place(database: Database, ids: Ids) -> None:
    old, new = slot_in(3, 18, 20), slot_in(3, 19, 21)
    made = database.write(lambda session: request(session, NOW, TOOLS, ids, ids.hall, old))

    def move(session: Session) -> object:
        house = house_of(session, ids)
        return move_rental(session, NOW, TOOLS, house, made.booking_id, new, moving.Actor.CUSTOMER, CUSTOMER)

    moved = database.write(move)

    assert not isinstance(moved, Refused)
    with database.read() as session:
        taken = {(row.starts_at, row.ends_at) for row in session.scalars(select(Occupancy))}
        item = session.scalars(select(CalendarItem)).one()
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert taken == {(new.start, new.end)}
    assert (item.starts_at, item.ends_at, item.sequence) == (new.start, new.end, 1)
    assert list(actions) == ["requested", "moved"]
