"""What PostgreSQL keeps prepared gives what the driver's cursor gives: values, rows, errors, transactions."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam, literal, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actions import occupy
from booking.tables import on_server
from booking.tables.database import Database
from booking.tables.houses import Room
from booking.tables.on_server import Kept, numbered
from booking.tables.outgoing import Message
from booking.tables.prepared import KEPT, Prepared
from booking.tables.rows import write_rows
from booking.values.refusals import Overlap
from booking.values.states import MessageState, OccupancyKind
from tests.booking.tables.test_prepared import mail
from tests.builders import NOW, Ids, build_house, slot_in

_TABLE = Message.__table__.c
_READ = Prepared(
    select(_TABLE.public_id, _TABLE.state, _TABLE.facts, _TABLE.made_at, _TABLE.sent_at, _TABLE.frozen, literal("%"))
    .where(_TABLE.recipient == bindparam("who"), _TABLE.recipient_name.like("%\x3a name"))
    .order_by(_TABLE.id)
)
_ROOM = Prepared(select(Room.id).where(Room.id == bindparam("id")))


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Database]:
    opened = Database(postgresql_url, pool_size=1)
    yield opened
    opened.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


def kept(session: Session) -> Kept:
    found: Kept = session.connection().info[KEPT]
    return found


def prepared_there(session: Session) -> int:
    return session.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'platzwart%'")) or 0


def test_places_get_numbers_and_a_name_that_comes_twice_has_one() -> None:
    sql, names = numbered("SELECT 1 %% 2, %(b)s::INT WHERE x = %(a)s AND y LIKE '%%' || %(b)s")
    assert (sql, names) == (b"SELECT 1 % 2, $1::INT WHERE x = $2 AND y LIKE '%' || $1", ("b", "a"))


def test_the_first_time_and_all_others_give_the_same(database: Database, ids: Ids) -> None:
    def write(session: Session) -> None:
        for who in ("a@x", "b@x", "c@x"):
            others: dict[str, Any] = {"sent_at": NOW, "frozen": b"\0\xff\\"} if who == "c@x" else {}
            write_rows(session, Message, [mail(ids, who, facts={"ü": [1, None, "%"]}, **others)])
        assert prepared_there(session) == 1, "the same INSERT, from the second time on"

    database.write(write)
    with database.read() as session:
        found = {who: [_READ.all(session, {"who": who}) for _ in range(3)] for who in ("a@x", "c@x", "nobody")}
        assert prepared_there(session) == 1
    assert all(each == again[0] for again in found.values() for each in again)
    assert [row[1:] for row in found["a@x"][0]] == [(MessageState.QUEUED, {"ü": [1, None, "%"]}, NOW, None, None, "%")]
    assert [row[4:] for row in found["c@x"][0]] == [(NOW, b"\0\xff\\", "%")]
    assert found["nobody"] == [[], [], []]


def test_a_transaction_begins_with_it_and_is_rolled_back_whole(database: Database, ids: Ids) -> None:
    for _ in range(2):
        database.write(lambda session: write_rows(session, Message, [mail(ids, "kept@x")]))

    def work(session: Session) -> None:
        write_rows(session, Message, [mail(ids, "gone@x")])
        assert prepared_there(session) == 1
        raise LookupError

    with pytest.raises(LookupError):
        database.write(work)
    with database.read() as session:
        assert session.scalars(select(Message.recipient).order_by(Message.id)).all() == ["kept@x", "kept@x"]


def test_errors_are_those_of_the_driver_and_leave_the_connection_usable(database: Database, ids: Ids) -> None:
    twice = mail(ids, "secret@x")
    database.write(lambda session: write_rows(session, Message, [twice]))
    for _ in range(3):
        with pytest.raises(IntegrityError) as failed:
            database.write(lambda session: write_rows(session, Message, [twice]))
        assert "secret@x" not in str(failed.value)
    slot = slot_in(2, 10, 12)
    for taker in range(1, 4):

        def take(session: Session, taker: int = taker) -> None:
            occupy.occupy(session, ids.organisation_id, [1], slot, OccupancyKind.BOOKING, taker, exclusive=True)

        if taker == 1:
            database.write(take)
        else:
            with pytest.raises(Overlap):
                database.write(take)


def test_no_more_are_kept_than_it_may_and_the_one_used_last_stays(
    database: Database, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_server, "MOST", 3)
    others = [Prepared(select(Room.id.label(f"id_{n}")).where(Room.id > bindparam("id"))) for n in range(6)]
    with database.read() as session:
        for other in others:
            for _ in range(2):
                assert _ROOM.scalar(session, {"id": ids.left}) == ids.left
                other.all(session, {"id": ids.left})
        assert prepared_there(session) == 3
        assert any(name for sql, name in kept(session)._names.items() if b"room.id = " in sql)


def test_a_number_of_any_size_fits_where_a_small_one_was_first(database: Database, ids: Ids) -> None:
    """A statement is prepared with the types that it names, not with those of its first values."""
    with database.read() as session:
        for number in (1, 2, ids.left, 2**15, 2**31, 2**62):
            assert _ROOM.scalar(session, {"id": number}) == (
                number if number in {ids.left, ids.right, ids.hall} else None
            )


def test_what_failed_to_be_prepared_is_tried_anew(database: Database, ids: Ids) -> None:
    """Within a transaction that failed already nothing can be prepared; the next one is not told so."""
    later = Prepared(select(Room.id).where(Room.id == bindparam("id"), Room.id < 10**9))

    def fail(session: Session) -> None:
        assert later.scalar(session, {"id": ids.left}) == ids.left
        with pytest.raises(IntegrityError):
            session.execute(text("INSERT INTO room DEFAULT VALUES"))
        with pytest.raises(Exception, match="aborted"):
            later.scalar(session, {"id": ids.left})
        session.rollback()

    database.write(fail)
    for _ in range(3):
        assert database.write(lambda session: later.scalar(session, {"id": ids.left})) == ids.left
