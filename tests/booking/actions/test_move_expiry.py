"""A wish for another time that nobody reviewed ends by the clock, and the booking stays as it was (SPEC S26, S27)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from booking.actions import endings
from booking.actions.endings import expire_requests
from booking.actions.messages import MailKind
from booking.tables.bookings import Occupancy
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Message
from booking.values.states import BookingState, CodeState
from tests.booking.actions.one_rental import Site
from tests.builders import NOW, slot_in

SECOND = timedelta(seconds=1)
EARLY, LATE = slot_in(3, 10, 12), slot_in(10, 10, 12)


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    database = Database(database_url)
    yield Site(database)
    database.close()


def tick(site: Site, now: datetime) -> int:
    return site.database.write(lambda s: expire_requests(s, now, site.house(s)))


def held_by(site: Site, booking_id: int) -> list[tuple[datetime, datetime]]:
    with site.database.read() as session:
        query = select(Occupancy.starts_at, Occupancy.ends_at).where(Occupancy.source_id == booking_id)
        return sorted({(row.starts_at, row.ends_at) for row in session.execute(query)})


@pytest.mark.rule("S26", "S27")
@pytest.mark.parametrize(("old_time", "new_time"), [(EARLY, LATE), (LATE, EARLY)])
def test_it_expires_when_the_first_of_both_times_begins_and_the_booking_is_untouched(
    site: Site, old_time: Any, new_time: Any
) -> None:
    old = site.confirmed(old_time)
    wish = site.move(old, new_time)
    before = held_by(site, old.booking_id)
    assert tick(site, EARLY.start - SECOND) == 0
    assert tick(site, EARLY.start) == 1
    assert tick(site, EARLY.start) == 0
    assert (site.booking(wish).state, site.booking(wish).end_reason) == (BookingState.EXPIRED, "move-not-reviewed")
    kept = site.booking(old)
    assert (kept.state, kept.price_cents, kept.ended_at) == (BookingState.CONFIRMED, 10000, None)
    assert held_by(site, old.booking_id) == before == [(old_time.start, old_time.end)]
    assert held_by(site, wish.booking_id) == []
    with site.database.read() as session:
        assert session.scalars(select(DoorCode.state).where(DoorCode.booking_id == old.booking_id)).all() == [
            CodeState.ISSUED
        ]
        mails = session.scalars(select(Message).where(Message.kind == MailKind.EXPIRED.value)).all()
    assert [mail.booking_id for mail in mails] == [wish.booking_id]


@pytest.mark.rule("S26")
def test_the_office_sees_its_omission_as_a_case_and_not_that_of_who_answered_no_mail_check(site: Site) -> None:
    waiting = site.ask(slot_in(3, 10, 12))
    tick(site, waiting.slot.start)
    assert site.cases() == {"not-reviewed": {"review_at": site.booking(waiting).review_at.isoformat()}}


@pytest.mark.rule("S26", "S8")
def test_a_wish_that_was_decided_in_time_does_not_expire(site: Site) -> None:
    old = site.confirmed(LATE)
    wish = site.move(old, EARLY)
    site.settle(site.decide(wish))
    assert tick(site, EARLY.start) == 0
    assert (site.booking(old).state, site.booking(wish).state) == (BookingState.CANCELLED, BookingState.CONFIRMED)


@pytest.mark.rule("S26")
def test_looking_for_them_reads_no_whole_table(site: Site) -> None:
    ran: list[tuple[str, Any]] = []
    with site.database.read() as session:
        connection = session.connection()
        is_postgresql = connection.dialect.name == "postgresql"
        if is_postgresql:
            session.execute(text("SET LOCAL enable_seqscan = off"))

        @event.listens_for(connection, "before_cursor_execute")
        def remember(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
            ran.append((statement, given))

        session.execute(endings._OLD_BEGUN, {"organisation_id": 1, "now": NOW})
        statement, given = ran[-1]
        explain = "EXPLAIN" if is_postgresql else "EXPLAIN QUERY PLAN"
        plan = connection.exec_driver_sql(f"{explain} {statement}", given).fetchall()
        assert "ix_booking_open" in str(plan), plan
