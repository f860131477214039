"""Prepared statements give what SQLAlchemy gives: values, rows, errors, transactions; and hot connections that died."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, column, func, select, table, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from booking.actions import occupy
from booking.reads.house import read_house
from booking.tables import database as database_module
from booking.tables import reading as reading_module
from booking.tables.bookings import AuditEntry, Occupancy
from booking.tables.database import Database
from booking.tables.houses import Room
from booking.tables.outgoing import Message
from booking.tables.prepared import MOST_ROWS, MOST_SHAPES, Prepared, PreparedRows
from booking.tables.rows import write_rows
from booking.values.identity import new_uuid
from booking.values.refusals import DatabaseBusy, Overlap
from booking.values.states import MessageState, OccupancyKind
from tests.builders import NOW, Ids, build_house, slot_in

_TABLE = Message.__table__.c
_READ = Prepared(
    select(_TABLE.public_id, _TABLE.state, _TABLE.facts, _TABLE.made_at, _TABLE.sent_at, _TABLE.frozen)
    .where(_TABLE.recipient.in_(bindparam("who", expanding=True)), _TABLE.made_at <= bindparam("at"))
    .order_by(_TABLE.id)
)
_ROOMS = Prepared(select(Room.id, Room.door_id).where(Room.id.in_(bindparam("ids", expanding=True))).order_by(Room.id))


def mail(ids: Ids, who: str, **others: Any) -> dict[str, Any]:
    public_id = new_uuid(NOW)
    given = {
        "organisation_id": ids.organisation_id,
        "public_id": public_id,
        "kind": "notice-office",
        "state": MessageState.QUEUED,
        "recipient_name": "Änne 100 % \x3a name",
        "recipient": who,
        "language": "de",
        "message_id": f"<{public_id}@x>",
        "made_at": NOW,
    }
    return given | others


def test_values_come_back_as_sqlalchemy_reads_them(database: Database, ids: Ids) -> None:
    early = datetime(999, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    rows = [
        mail(ids, "a@x", facts={"ü": [1, None]}, sent_at=early),
        mail(ids, "b@x", state=MessageState.DEAD, frozen=b"\0\xff"),
    ]
    made = database.write(lambda session: write_rows(session, Message, rows, known_by="public_id"))
    with database.read() as session:
        found = _READ.all(session, {"who": ["a@x", "b@x"], "at": NOW})
        ours = session.scalars(select(Message).where(Message.recipient.in_(["a@x", "b@x"])).order_by(Message.id)).all()
        assert found == [(m.public_id, m.state, m.facts, m.made_at, m.sent_at, m.frozen) for m in ours]
    assert [row[:3] for row in found] == [
        (rows[0]["public_id"], MessageState.QUEUED, {"ü": [1, None]}),
        (rows[1]["public_id"], MessageState.DEAD, {}),
    ]
    assert found[0][4] == early
    assert [type(value) for value in found[0][1:2]] == [MessageState]
    assert made == {m.public_id: m.id for m in ours}


def test_a_list_may_have_any_length(database: Database, ids: Ids) -> None:
    with database.read() as session:
        for wanted in ([], [ids.left], [ids.left, ids.right], [ids.right, ids.left, 10**6]):
            found = _ROOMS.scalars(session, {"ids": wanted})
            assert found == sorted({ids.left, ids.right} & set(wanted))
        for size in range(MOST_SHAPES + 2):
            assert _ROOMS.first(session, {"ids": [10**6] * size}) is None
        assert _ROOMS.scalar(session, {"ids": [ids.right]}) == ids.right
        assert all(len(form._shapes) <= MOST_SHAPES for form in _ROOMS._forms.values())


def test_many_rows_go_in_parts(database: Database, ids: Ids) -> None:
    many = [mail(ids, f"{number}@x") for number in range(2 * MOST_ROWS + 1)]
    made = database.write(lambda session: write_rows(session, Message, many, known_by="public_id"))
    with database.read() as session:
        stored = {row.public_id: row.recipient for row in session.scalars(select(Message))}
    assert stored == {row["public_id"]: row["recipient"] for row in many}
    assert len(set(made.values())) == len(many)
    assert database.write(lambda session: write_rows(session, Message, [])) == {}


def test_what_was_added_before_is_written_first(database: Database, ids: Ids) -> None:
    def work(session: Session) -> Any:
        session.get_one(Room, ids.left).door_id = None
        return _ROOMS.all(session, {"ids": [ids.left]})

    assert database.write(work) == [(ids.left, None)]


def test_a_missing_value_and_an_unknown_column_are_named(database: Database, ids: Ids) -> None:
    with database.read() as session, pytest.raises(KeyError, match="ids"):
        _ROOMS.all(session, {})
    wrong = mail(ids, "a@x") | {"recipent": "b@x"}
    with pytest.raises(KeyError, match="recipent"):
        database.write(lambda session: write_rows(session, Message, [wrong]))
    rows = PreparedRows(Message.__table__, ("recipient",))
    with pytest.raises(KeyError, match="recipient"):
        database.write(lambda session: rows.insert(session, [{"kind": "x"}]))


def test_errors_are_sqlalchemys_and_tell_no_values(database: Database, ids: Ids) -> None:
    row = mail(ids, "geheim@verein.example")
    database.write(lambda session: write_rows(session, Message, [row]))
    with pytest.raises(IntegrityError) as caught:
        database.write(lambda session: write_rows(session, Message, [row]))
    assert "geheim" not in str(caught.value).partition("DETAIL")[0]
    assert "INSERT INTO message" in str(caught.value)


def test_an_overlap_is_told_as_one(database: Database, ids: Ids) -> None:
    def work(session: Session) -> None:
        slot = slot_in(3, 9, 10)
        occupy.occupy(session, ids.organisation_id, ids.units[:1], slot, OccupancyKind.BOOKING, 1, exclusive=True)

    database.write(work)
    with pytest.raises(Overlap):
        database.write(work)
    with database.read() as session:
        assert len(session.scalars(select(Occupancy)).all()) == 1


def test_a_session_that_goes_on_after_its_commit_reads_on(database: Database, ids: Ids) -> None:
    with database.read() as session:
        before = read_house(session, ids.organisation_id)
        session.commit()
        assert read_house(session, ids.organisation_id) == before
        session.rollback()
        assert _ROOMS.scalar(session, {"ids": [ids.left]}) == ids.left


@pytest.mark.parametrize("prepared_first", [True, False])
def test_a_reader_sees_one_moment_whoever_asks_first(database: Database, ids: Ids, prepared_first: bool) -> None:
    """On SQLite; on PostgreSQL each statement has its own view, as READ COMMITTED says."""

    def prepared(session: Session) -> Any:
        return _ROOMS.all(session, {"ids": [ids.left]})

    def plain(session: Session) -> Any:
        query = select(Room.id, Room.door_id).where(Room.id == ids.left)
        return [tuple(row) for row in session.execute(query)]

    ways = [prepared, plain] if prepared_first else [plain, prepared]
    with database.read() as session:
        before = ways[0](session)
        database.write(lambda writing: writing.execute(update(Room).values(door_id=None)))
        seen = [way(session) for way in (*reversed(ways), *ways)]
        after = [(ids.left, None)]
        assert before != after
        assert seen == [before if database.is_sqlite else after] * 4
        session.rollback()
        assert [way(session) for way in ways] == [after] * 2
    assert in_use(database) == 0
    with database.read() as session:
        assert [way(session) for way in ways] == [after] * 2
        session.close()
        assert [way(session) for way in ways] == [after] * 2
    assert in_use(database) == 0


def test_a_reader_cannot_write_by_a_prepared_statement(database: Database, ids: Ids) -> None:
    forbidden = Prepared(update(Room).values(door_id=None).where(Room.id == bindparam("room")))
    with database.read() as session, pytest.raises(Exception, match=r"readonly|read-only"):
        forbidden.all(session, {"room": ids.left})


def test_what_failed_is_rolled_back_with_its_rows(database: Database, ids: Ids) -> None:
    def work(session: Session) -> None:
        write_rows(session, Message, [mail(ids, "a@x")])
        raise DatabaseBusy

    before = database.write(lambda session: session.scalars(select(AuditEntry.id)).all())
    with pytest.raises(DatabaseBusy):
        database.write(work)
    with database.read() as session:
        assert session.scalars(select(Message)).all() == []
        assert session.scalars(select(AuditEntry.id)).all() == before


@pytest.mark.parametrize("idle", [False, True])
def test_connections_that_the_server_ended_are_replaced(
    postgresql_url: str, idle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an idle while before anybody notices; else with the first error, which is one."""
    database = Database(postgresql_url)
    ids = database.write(build_house)
    _ask(database, ids)
    _end_all(database)
    if idle:
        for module in (database_module, reading_module):
            monkeypatch.setattr(module, "REST_SECONDS", 0.05)
        time.sleep(0.1)
    else:
        for ask in (_ask, _change):
            with pytest.raises(OperationalError):
                ask(database, ids)
    _ask(database, ids)
    _change(database, ids)
    database.close()


def in_use(database: Database) -> int:
    """Connections that readers have: neither in the pool nor resting."""
    return database._readers.pool.checkedout() - len(database._lines)  # type: ignore[attr-defined]


def _ask(database: Database, ids: Ids) -> None:
    with database.read() as session:
        assert _ROOMS.scalar(session, {"ids": [ids.left]}) == ids.left


def _change(database: Database, ids: Ids) -> None:
    database.write(lambda session: write_rows(session, Message, [mail(ids, "a@x")]))


def _end_all(database: Database) -> None:
    """By a connection of its own, so that those in the pools lie there used a moment ago."""
    other = Database(database.url.render_as_string(hide_password=False))
    others = text("pid <> pg_backend_pid() AND datname = current_database()")
    query = select(func.pg_terminate_backend(column("pid"))).select_from(table("pg_stat_activity")).where(others)
    other.write(lambda session: session.execute(query).all())
    other.close()
