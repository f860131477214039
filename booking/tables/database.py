"""Engines and units of work. Two kinds of session: `read` (never writes) and `write` (one action, one transaction).

DESIGN rule 1. On SQLite a write takes an exclusive lock on a file beside the database before BEGIN IMMEDIATE, so that
writers of several processes wait in a line instead of failing; readers use connections that cannot write at all.
On PostgreSQL a write that lost a race inside the database (40001, 40P01) is run again as a whole.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from booking.tables.prepared import fetched
from booking.tables.reading import REST_SECONDS, Lines, Reading
from booking.values.refusals import DatabaseBusy, Overlap

T = TypeVar("T")

LOCK_SECONDS = 5.0
TRIES = 5
RETURNED = "returned"
_OVERLAP_MARKS = ("occupancy_overlap", "ex_occupancy_overlap")
_RETRY_STATES = frozenset({"40001", "40P01"})
_BUSY_STATES = frozenset({"55P03", "57014"})


class FileLock:
    """An exclusive flock that one thread of one process holds; waits at most `LOCK_SECONDS`, then DatabaseBusy."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        deadline = time.monotonic() + LOCK_SECONDS
        if not self._threads.acquire(timeout=LOCK_SECONDS):
            raise DatabaseBusy
        try:
            descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                self._wait(descriptor, deadline)
                yield
            finally:
                os.close(descriptor)
        finally:
            self._threads.release()

    @staticmethod
    def _wait(descriptor: int, deadline: float) -> None:
        pause = 0.0002
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DatabaseBusy from None
                time.sleep(pause)
                pause = min(pause * 1.5, 0.002)
            else:
                return


class Database:
    """The way to the data for one process. Build one at the edge and pass it on."""

    def __init__(self, url: str, *, pool_size: int = 4) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._readers = _engine(self.url, pool_size, writes=False)
        self._lines = Lines(self._readers, pool_size)
        self._writers = _engine(self.url, pool_size, writes=True)
        self._lock = FileLock(Path(f"{self.url.database}.write.lock")) if self.is_sqlite else None

    def read(self) -> Reading:
        """A session that can only read, for `with`. It is closed, not rolled back: what was read stays readable."""
        return Reading(self._lines)

    def write(self, work: Callable[[Session], T]) -> T:
        """Run one action in one transaction and commit it; leaving by an error rolls back.

        Raises Overlap where the database refused a second exclusive time, DatabaseBusy where the lock was not had.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                with self._turn(), Session(self._writers, expire_on_commit=False) as session:
                    result = work(session)
                    session.commit()
                    return result
            except DBAPIError as error:
                if not (tries_left and _state(error) in _RETRY_STATES):
                    raise _translated(error) from error
        raise DatabaseBusy

    def close(self) -> None:
        self._lines.close()
        self._readers.dispose()
        self._writers.dispose()

    def _turn(self) -> AbstractContextManager[None]:
        return self._lock.held() if self._lock else nullcontext()


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def is_overlap(error: DBAPIError) -> bool:
    """Whether the database refused a second exclusive time, for who goes on within the transaction."""
    return isinstance(error, IntegrityError) and any(mark in str(error.orig) for mark in _OVERLAP_MARKS)


def _translated(error: DBAPIError) -> Exception:
    text = str(error.orig)
    if is_overlap(error):
        return Overlap(text.splitlines()[0])
    if _state(error) in _BUSY_STATES or (isinstance(error, OperationalError) and "database is locked" in text):
        return DatabaseBusy(text.splitlines()[0])
    return error


def _engine(url: Any, pool_size: int, *, writes: bool) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_use_lifo=True,  # the one that was used last has its pages and statements at hand
            connect_args={"isolation_level": None},
        )
        event.listen(engine, "connect", _set_up_sqlite(writes=writes))
        event.listen(engine, "begin", _begin_sqlite(writes=writes))
        return engine
    options = "-c lock_timeout=4000 -c statement_timeout=30000 -c timezone=UTC"
    if not writes:
        options += " -c default_transaction_read_only=on"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_use_lifo=True,
        # psycopg prepares nothing by itself: with each rollback it would forget our statements too (`tables.on_server`)
        connect_args={"options": options, "prepare_threshold": None},
        # READ COMMITTED gives each statement its own view anyway; so two trips to the server are saved
        **({} if writes else {"isolation_level": "AUTOCOMMIT"}),
    )
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _asked_whether_alive(engine.dialect))
    return engine


def _note_return(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info[RETURNED] = time.monotonic()


def _asked_whether_alive(dialect: Dialect) -> Callable[[Any, ConnectionPoolEntry, Any], None]:
    """A server that was started again has forgotten our connections; one that was just used is taken as it is."""

    def ask(connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        returned = record.info.get(RETURNED)
        if returned is None or time.monotonic() - returned < REST_SECONDS:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return ask


def _set_up_sqlite(*, writes: bool) -> Callable[[Any, Any], None]:
    def set_up(connection: Any, _record: Any) -> None:
        for pragma in (
            "busy_timeout=5000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-16000",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return set_up


def _begin_sqlite(*, writes: bool) -> Callable[[Any], None]:
    def begin(connection: Any) -> None:
        if not connection.connection.driver_connection.in_transaction:
            fetched(connection, "BEGIN IMMEDIATE" if writes else "BEGIN")

    return begin
