"""Connections that rest between two readers: shared by nobody, up to date, and never kept after an error."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import bindparam, column, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from booking.tables import reading
from booking.tables.database import Database
from booking.tables.houses import Organisation, Room
from booking.tables.prepared import CONNECTION, Prepared
from tests.builders import Ids

_NAME = Prepared(select(Organisation.__table__.c.name).where(Organisation.__table__.c.id == bindparam("id")))
_BROKEN = Prepared(select(column("nowhere")).where(text("1 = :id")).select_from(Room))
AT_ONCE = 4


def by_prepared(session: Session, ids: Ids) -> str:
    return str(_NAME.scalar(session, {"id": ids.organisation_id}))


def by_sqlalchemy(session: Session, ids: Ids) -> str:
    return session.get_one(Organisation, ids.organisation_id).name


WAYS = pytest.mark.parametrize("ask", [by_prepared, by_sqlalchemy])


def driver_of(session: Session) -> Any:
    return session.connection().connection.driver_connection


def rename(database: Database, ids: Ids, name: str) -> None:
    change = update(Organisation).where(Organisation.id == ids.organisation_id).values(name=name)
    database.write(lambda session: session.execute(change))


@WAYS
def test_the_next_reader_has_the_same_connection_and_sees_what_was_written_meanwhile(
    database: Database, ids: Ids, ask: Any
) -> None:
    drivers = set()
    for name in ("a", "b", "c"):
        rename(database, ids, name)
        with database.read() as session:
            assert ask(session, ids) == name
            drivers.add(id(driver_of(session)))
    assert len(drivers) == 1
    assert len(database._lines) == 1


@WAYS
def test_a_resting_connection_has_no_transaction_open(database: Database, ids: Ids, ask: Any) -> None:
    with database.read() as session:
        ask(session, ids)
        driver = driver_of(session)
    if database.is_sqlite:
        assert not driver.in_transaction
    else:
        assert driver.info.transaction_status.name == "IDLE"


@WAYS
def test_readers_at_the_same_time_have_connections_of_their_own(database: Database, ids: Ids, ask: Any) -> None:
    together = threading.Barrier(AT_ONCE)

    def read(_number: int) -> int:
        with database.read() as session:
            ask(session, ids)
            together.wait(10)
            mine = id(driver_of(session))
            together.wait(10)
            return mine

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(3):
            assert len(set(threads.map(read, range(AT_ONCE)))) == AT_ONCE
    assert len(database._lines) == AT_ONCE


@WAYS
def test_a_reader_that_is_used_again_after_its_end_takes_another_connection(
    database: Database, ids: Ids, ask: Any
) -> None:
    first = database.read()
    ask(first, ids)
    first.close()
    with database.read() as second:
        ask(second, ids)
        ask(first, ids)
        used, others = (one.info.get(CONNECTION) or one.connection() for one in (first, second))
        assert used is not others
    first.close()


def test_threads_may_hand_back_what_rests_at_the_same_time(database: Database, ids: Ids) -> None:
    lines = database._lines
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(50):
            taken = [lines.take() for _ in range(AT_ONCE)]
            for line in taken:
                lines.give_back(line)
            list(threads.map(lambda _number: lines.close(), range(AT_ONCE)))
            assert len(lines) == 0
    with database.read() as session:
        assert by_prepared(session, ids)


def test_what_met_an_error_is_the_pool_s_to_judge(database: Database, ids: Ids) -> None:
    with pytest.raises(DBAPIError), database.read() as session:
        _BROKEN.all(session, {"id": 1})
    assert len(database._lines) == 0
    with database.read() as session:
        assert by_prepared(session, ids)


def test_who_rested_for_too_long_goes_back_to_the_pool_with_all_beneath(
    database: Database, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.read() as one, database.read() as other:
        assert by_prepared(one, ids) == by_prepared(other, ids)
    assert len(database._lines) == 2
    monkeypatch.setattr(reading, "REST_SECONDS", 0.0)
    with database.read() as session:
        by_prepared(session, ids)
        assert len(database._lines) == 0
        assert database._readers.pool.checkedout() == 1  # type: ignore[attr-defined]


def test_more_than_rest_are_closed(database: Database, ids: Ids) -> None:
    most = database._lines._most
    sessions = [database.read() for _ in range(most + 2)]
    for session in sessions:
        by_prepared(session, ids)
    for session in sessions:
        session.close()
    assert len(database._lines) == most
    database.close()
    assert len(database._lines) == 0
