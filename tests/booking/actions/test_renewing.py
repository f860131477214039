"""An unreviewed request that gets another time is a request like a new one: judged, dated and told anew (SPEC S27)."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER, Actor
from booking.actions.requests import Made
from booking.actions.shifting import Moved, move_rental
from booking.actions.verifying import verify_address
from booking.reads.house import House, read_house
from booking.rules import moving
from booking.tables.bookings import Booking, Decision
from booking.tables.database import Database
from booking.tables.outgoing import Message
from booking.values.slot import Slot
from booking.values.states import BookingState, MessageState
from tests.builders import NOW, Ids, add_code, change_house, make_tools, request, slot_in

TOOLS = make_tools()
OFFICE = Actor("Frau Office", None, "test")
OLD, NEW = slot_in(9, 18, 20), slot_in(10, 18, 21)
SOON = slot_in(0, 19, 20)
LATER = NOW + timedelta(hours=1)


def house_of(session: Session, ids: Ids) -> House:
    return read_house(session, ids.organisation_id)


def requested(database: Database, ids: Ids, slot: Slot = OLD) -> Made:
    return database.write(lambda s: request(s, NOW, TOOLS, ids, ids.hall, slot))


def move(
    database: Database,
    ids: Ids,
    made: Made,
    to: Slot,
    who: moving.Actor = moving.Actor.CUSTOMER,
    *,
    is_proven: bool = False,
) -> None:
    actor = OFFICE if who is moving.Actor.OFFICE else CUSTOMER
    moved = database.write(
        lambda s: move_rental(s, LATER, TOOLS, house_of(s, ids), made.booking_id, to, who, actor, is_proven=is_proven)
    )
    assert isinstance(moved, Moved), moved


def all_sent(database: Database) -> None:
    database.write(lambda s: s.execute(update(Message).values(state=MessageState.SENT)))


def waiting(database: Database) -> list[tuple[str, dict[str, object]]]:
    with database.read() as session:
        query = select(Message.kind, Message.facts).where(Message.state == MessageState.QUEUED).order_by(Message.kind)
        return [(kind, facts) for kind, facts in session.execute(query)]


def booking(database: Database, made: Made) -> Booking:
    with database.read() as session:
        return session.get_one(Booking, made.booking_id)


BEFORE = {"before": {"starts_at": OLD.start.isoformat(), "ends_at": OLD.end.isoformat()}}


@pytest.mark.rule("S27", "S8", "S15")
def test_deadline_short_notice_price_and_findings_are_those_of_the_new_time(database: Database, ids: Ids) -> None:
    made = requested(database, ids)
    assert not booking(database, made).short_notice
    database.write(lambda s: s.execute(update(Booking).values(review_at=NOW, findings=[])))

    move(database, ids, made, SOON)

    row = booking(database, made)
    assert (row.short_notice, row.review_at, row.price_cents) == (True, made.review_at, 5000)
    assert "no-code" in {finding["code"] for finding in row.findings}


@pytest.mark.rule("S27", "S6", "S7")
@pytest.mark.parametrize(
    ("who", "told"),
    [
        (moving.Actor.CUSTOMER, ["acknowledgement", "notice-desk", "notice-office"]),
        (moving.Actor.OFFICE, ["acknowledgement", "notice-desk"]),
    ],
)
def test_customer_office_and_desk_are_told_of_the_new_time(
    database: Database, ids: Ids, who: moving.Actor, told: list[str]
) -> None:
    made = requested(database, ids)
    all_sent(database)
    move(database, ids, made, NEW, who)
    assert waiting(database) == [(kind, BEFORE) for kind in told]


def test_who_never_heard_of_the_old_time_hears_of_the_new_one_alone(database: Database, ids: Ids) -> None:
    made = requested(database, ids)
    move(database, ids, made, NEW, moving.Actor.OFFICE)
    assert waiting(database) == [(kind, {}) for kind in ("acknowledgement", "notice-desk", "notice-office")]
    all_sent(database)
    move(database, ids, made, SOON)
    move(database, ids, made, OLD)
    before = {"before": {"starts_at": NEW.start.isoformat(), "ends_at": NEW.end.isoformat()}}
    assert waiting(database) == [(kind, before) for kind in ("acknowledgement", "notice-desk", "notice-office")]


def test_who_knows_just_the_time_that_it_is_moved_back_to_gets_no_mail(database: Database, ids: Ids) -> None:
    made = requested(database, ids)
    all_sent(database)
    move(database, ids, made, NEW)
    move(database, ids, made, OLD)
    assert waiting(database) == []


@pytest.mark.rule("S26")
def test_a_move_before_the_mail_check_asks_for_it_again_and_holds_no_longer(database: Database, ids: Ids) -> None:
    database.write(lambda s: change_house(s, ids, mail_check=True))
    made = requested(database, ids)
    held_until = booking(database, made).verify_by
    all_sent(database)
    move(database, ids, made, NEW)
    assert [kind for kind, _ in waiting(database)] == ["mail-check", "notice-desk", "notice-office"]
    assert booking(database, made).verify_by == held_until


@pytest.fixture
def codes(database: Database, ids: Ids) -> None:
    window = OLD.widened(timedelta(minutes=15), timedelta(minutes=15))
    database.write(lambda s: add_code(s, NOW, TOOLS, ids, "482915", window))


def keep_one(database: Database, ids: Ids) -> None:
    """A rental of the past that was kept, and a house that approves such a customer by itself."""
    past = NOW - timedelta(days=40)
    kept = database.write(lambda s: request(s, past, TOOLS, ids, ids.hall, slot_in(-30, 18, 20)))

    def work(session: Session) -> None:
        row = session.get_one(Booking, kept.booking_id)
        row.state, row.verify_by = BookingState.CONFIRMED, None
        change_house(session, ids, approve_after_kept=1, mail_check=True)

    database.write(work)


@pytest.mark.rule("S8")
def test_a_trusted_customers_request_is_approved_once_its_new_time_has_a_code(
    database: Database, ids: Ids, codes: None
) -> None:
    keep_one(database, ids)
    database.write(lambda s: change_house(s, ids, mail_check=False))
    made = requested(database, ids, NEW)
    assert decided(database) == []
    move(database, ids, made, OLD)
    assert decided(database) == [], "whoever filled in the form moved it; nothing proves the address"
    move(database, ids, made, NEW)
    move(database, ids, made, OLD, is_proven=True)
    assert decided(database) == [made.booking_id]


def decided(database: Database) -> list[int]:
    with database.read() as session:
        return list(session.scalars(select(Decision.booking_id)))


@pytest.mark.rule("S8", "S26")
def test_a_trusted_customer_is_approved_as_soon_as_the_address_is_verified(
    database: Database, ids: Ids, codes: None
) -> None:
    keep_one(database, ids)
    made = requested(database, ids)
    assert database.write(lambda s: verify_address(s, NOW, house_of(s, ids), made.booking_id)) is None
    assert decided(database) == [made.booking_id]


@pytest.mark.rule("S8")
def test_a_stranger_is_not_approved_by_verifying_the_address(database: Database, ids: Ids, codes: None) -> None:
    database.write(lambda s: change_house(s, ids, approve_after_kept=1, mail_check=True))
    made = requested(database, ids)
    assert database.write(lambda s: verify_address(s, NOW, house_of(s, ids), made.booking_id)) is None
    assert decided(database) == []
