"""Requests that end by the clock: all of them, in their order, and with the mail that was promised (SPEC S26)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from booking.actions import endings
from booking.actions.endings import expire_requests
from booking.actions.messages import MailKind
from booking.reads.house import read_house
from booking.tables.bookings import Booking, Decision
from booking.tables.database import Database
from booking.tables.outgoing import Message
from booking.values.states import BookingState, DecisionState, Verdict
from tests.builders import NOW, Ids, build_house, change_house, contact, make_tools, request, slot_in

TOOLS = make_tools()
LATE = NOW + timedelta(minutes=31)
MANY = {"open_per_contact": 1000, "open_per_room": 1000, "open_per_address": 1000}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    made = database.write(build_house)
    database.write(lambda session: change_house(session, made, mail_check=True, **MANY))
    return made


def asked(database: Database, ids: Ids, days: int, first: int, now: datetime = NOW) -> int:
    slot = slot_in(days, first, first + 1)
    who = contact(f"Gast {days} {first}")
    return database.write(lambda session: request(session, now, TOOLS, ids, ids.hall, slot, who)).booking_id


def expired(database: Database, ids: Ids, now: datetime) -> int:
    return database.write(lambda session: expire_requests(session, now, read_house(session, ids.organisation_id)))


def state_of(database: Database, booking_id: int) -> BookingState:
    with database.read() as session:
        return session.get_one(Booking, booking_id).state


def verify(database: Database, *booking_ids: int) -> None:
    verified = update(Booking).where(Booking.id.in_(booking_ids)).values(verified_at=NOW)
    database.write(lambda session: session.execute(verified))


@pytest.mark.rule("S26")
def test_verified_requests_do_not_keep_others_from_ending(
    database: Database, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "_UNVERIFIED", endings._UNVERIFIED.limit(2))
    verify(database, *[asked(database, ids, 20, hour) for hour in range(8, 12)])
    unverified = asked(database, ids, 30, 10)
    assert expired(database, ids, LATE) == 1
    assert state_of(database, unverified) is BookingState.EXPIRED


@pytest.mark.rule("S26")
def test_what_waits_longest_ends_first(database: Database, ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "_UNVERIFIED", endings._UNVERIFIED.limit(1))
    monkeypatch.setattr(endings, "_BEGUN", endings._BEGUN.limit(1))
    later, earlier = asked(database, ids, 20, 10, NOW + timedelta(minutes=1)), asked(database, ids, 21, 10)
    assert expired(database, ids, LATE + timedelta(minutes=1)) == 1
    assert (state_of(database, earlier), state_of(database, later)) == (BookingState.EXPIRED, BookingState.REQUESTED)
    second, first = asked(database, ids, 3, 10), asked(database, ids, 2, 10)
    verify(database, later, second, first)
    assert expired(database, ids, slot_in(5, 8, 9).start) == 1
    assert (state_of(database, first), state_of(database, second)) == (BookingState.EXPIRED, BookingState.REQUESTED)


@pytest.mark.rule("S26", "S8")
def test_a_decision_that_rests_takes_nobodys_turn(
    database: Database, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endings, "_BEGUN", endings._BEGUN.limit(1))
    resting, waiting = asked(database, ids, 2, 10), asked(database, ids, 3, 10)
    verify(database, resting, waiting)
    decision = Decision(
        organisation_id=ids.organisation_id,
        booking_id=resting,
        verdict=Verdict.REJECT,
        reason="x",
        state=DecisionState.PENDING,
        decided_at=NOW,
        final_at=NOW + timedelta(days=9),
    )
    database.write(lambda session: session.add(decision))
    assert expired(database, ids, slot_in(4, 8, 9).start) == 1
    assert (state_of(database, resting), state_of(database, waiting)) == (BookingState.REQUESTED, BookingState.EXPIRED)


@pytest.mark.rule("S26")
@pytest.mark.parametrize(("is_verified", "mails"), [(False, 0), (True, 1)])
def test_who_did_not_answer_the_mail_check_gets_no_more_mail(
    database: Database, ids: Ids, *, is_verified: bool, mails: int
) -> None:
    """The check said so; and the omission is not the house's."""
    booking_id = asked(database, ids, 2, 10)
    if is_verified:
        verify(database, booking_id)
    assert expired(database, ids, slot_in(2, 10, 11).start) == 1
    with database.read() as session:
        query = select(Message).where(Message.kind == MailKind.EXPIRED.value, Message.booking_id == booking_id)
        assert len(session.scalars(query).all()) == mails
        assert session.get_one(Booking, booking_id).end_reason == ("not-reviewed" if is_verified else "unverified")


@pytest.mark.rule("S26")
def test_looking_for_them_reads_no_whole_table(database: Database) -> None:
    ran: list[tuple[str, Any]] = []
    with database.read() as session:
        connection = session.connection()
        is_postgresql = connection.dialect.name == "postgresql"
        if is_postgresql:
            session.execute(text("SET LOCAL enable_seqscan = off"))

        @event.listens_for(connection, "before_cursor_execute")
        def remember(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
            ran.append((statement, given))

        for query, index in ((endings._UNVERIFIED, "ix_booking_unverified"), (endings._BEGUN, "ix_booking_open")):
            session.execute(query, {"organisation_id": 1, "now": NOW})
            statement, given = ran[-1]
            explain = "EXPLAIN" if is_postgresql else "EXPLAIN QUERY PLAN"
            plan = connection.exec_driver_sql(f"{explain} {statement}", given).fetchall()
            assert index in str(plan), plan
