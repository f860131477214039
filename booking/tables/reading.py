"""Sessions that only read, and the connections that wait for the next of them (docs/decisions/0008).

Prepared statements need no more than a connection. SQLAlchemy's way to fetch one from its pool, to begin and to end
takes longer than what most requests read; so a connection rests here for a moment before the pool has it back.
"""

import time
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from booking.tables.prepared import CONNECTION, FAILED, fetched

REST_SECONDS = 1.0  # longer than that nothing is taken as it is: the pool asks whether it lives


class Lines:
    """Connections between two readers, the one used last first. At most `most` rest; safe for threads."""

    def __init__(self, engine: Engine, most: int) -> None:
        self.engine = engine
        self._most = most
        self._resting: list[tuple[Connection, float]] = []
        self.is_sqlite = engine.dialect.name == "sqlite"

    def take(self) -> Connection:
        try:
            line, since = self._resting.pop()
        except IndexError:
            return self.engine.connect()
        if time.monotonic() - since < REST_SECONDS:
            return line
        line.close()
        self.close()  # those beneath have rested for longer
        return self.engine.connect()

    def give_back(self, line: Connection) -> None:
        """The pool has at once what anything went wrong on: it knows what to do about it."""
        if line.invalidated or line.info.pop(FAILED, False) or len(self._resting) >= self._most:
            line.close()
        elif self.is_sqlite and not _is_ended(line):
            line.invalidate()
            line.close()
        else:
            self._resting.append((line, time.monotonic()))

    def __len__(self) -> int:
        return len(self._resting)

    def close(self) -> None:
        """Hand all that rest to the pool."""
        with suppress(IndexError):  # others may be at it as well
            while True:
                self._resting.pop()[0].close()


def _is_ended(line: Connection) -> bool:
    """End what was begun on it, if anything was."""
    try:
        line.connection.rollback()
    except line.dialect.loaded_dbapi.Error:
        return False
    return True


class Reading(Session):
    """A session on one connection that cannot write.

    Prepared statements begin on it by themselves; what else is asked follows on the same one.
    """

    def __init__(self, lines: Lines) -> None:
        super().__init__(lines.engine, expire_on_commit=False, autoflush=False)
        self._lines = lines
        self._line: Connection | None = None

    def prepared_connection(self) -> Connection:
        """For `booking.tables.prepared`."""
        if self._line is None:
            self._line = self._lines.take()
            if self._lines.is_sqlite:
                fetched(self._line, "BEGIN")
        return self._line

    def get_bind(self, *_given: Any, **_named: Any) -> Connection:
        return self.prepared_connection()

    def close(self) -> None:
        if self.in_transaction():
            super().close()
        line, self._line = self._line, None
        self.info.pop(CONNECTION, None)  # it is somebody else's from now on
        if line is not None:
            self._lines.give_back(line)
