"""Statements that PostgreSQL itself keeps prepared, run on libpq: psycopg's cursor takes as long again as the server.

Values and rows pass through psycopg's own adaptation, errors come out as its own, and a transaction is begun where it
would begin one (docs/decisions/0008). What is run on a connection for the first time goes by the cursor still.

A connection with `prepare_threshold` None is needed: else psycopg prepares too, and with a rollback drops everybody's.
"""

import re
from collections.abc import Sequence
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

MOST = 100  # on one connection
TEXT = 0
_PLACE = re.compile(r"%(?:\((\w+)\)s|%)")
_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """Text with `%(name)s` as the server has it, with `$1`; and the names in the order of their numbers."""
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return "%" if found[1] is None else f"${names.setdefault(found[1], len(names) + 1)}"

    return _PLACE.sub(place, sql).encode(), tuple(names)


class Kept:
    """What one connection has prepared: of those used last, at most `MOST`."""

    def __init__(self, driver: "Connection[Any]") -> None:
        self._driver, self._line, self._adapt = driver, driver.pgconn, Transformer(driver)
        self._names: dict[bytes, bytes | None] = {}
        self._made = 0

    def is_known(self, sql: bytes) -> bool:
        """Whether it was asked for before; from now on it was."""
        if sql in self._names:
            return True
        if len(self._names) >= MOST:
            self._forget_one()
        self._names[sql] = None
        return False

    def run(self, sql: bytes, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows; none where the statement returns none. Raises psycopg's errors."""
        line = self._line
        if line.transaction_status == TransactionStatus.IDLE and not self._driver.autocommit:
            _checked(line, line.exec_(b"BEGIN"))
        name = self._names.pop(sql) or self._prepare(sql)
        self._names[sql] = name  # the last now
        given = self._adapt.dump_sequence(values, [PyFormat.TEXT] * len(values))
        found = _checked(line, line.exec_prepared(name, given, None, TEXT))  # type: ignore[arg-type]  # None is NULL
        if found.status != ExecStatus.TUPLES_OK:
            return []
        self._adapt.set_pgresult(found)
        return self._adapt.load_rows(0, found.ntuples, tuple)

    def _prepare(self, sql: bytes) -> bytes:
        name = b"platzwart_%d" % self._made
        self._made += 1
        _checked(self._line, self._line.prepare(name, sql))
        return name

    def _forget_one(self) -> None:
        name = self._names.pop(next(iter(self._names)))
        if name is not None:
            _checked(self._line, self._line.exec_(b"DEALLOCATE " + name))


def _checked(line: PGconn, result: PGresult) -> PGresult:
    if result.status in _GOOD:
        return result
    if line.status != ConnStatus.OK:
        raise OperationalError(line.get_error_message())
    raise error_from_result(result)
