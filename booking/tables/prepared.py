"""Statements of the hot paths: compiled once for each database, run on the driver's own cursor (docs/decisions/0008).

SQLAlchemy's way costs each run several times what SQLite takes for it. Values pass through the same types either way;
errors come out as SQLAlchemy's own, without the values. What such a statement reads are plain rows: none enters a
session, and nothing in a session is brought up to date by one that writes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn, cast

from sqlalchemy import Connection, Dialect, Executable, Insert, Table, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

if TYPE_CHECKING:
    from booking.tables.on_server import Kept

Row = tuple[Any, ...]
Given = Mapping[str, Any]
Process = Callable[[Any], Any] | None
MOST_ROWS = 50  # of one INSERT
MOST_SHAPES = 100
CONNECTION = "prepared_connection"  # of a session
KEPT = "prepared_on_server"  # of a connection
FAILED = "prepared_failed"  # of a connection: the last to use it met an error
CURSOR = "prepared_cursor"  # of a connection: to make one takes psycopg as long as to run it


class Prepared:
    """A statement whose values are `bindparam`s, those of an IN `expanding`, and constants.

    Where databases differ, hand over what makes the statement for a dialect's name.
    """

    def __init__(self, made: Executable | Callable[[str], Executable]) -> None:
        self._made = made
        self._forms: dict[str, _Form] = {}

    def all(self, session: Session, given: Given) -> list[Row]:
        """All rows; none where the statement returns none. What was added to the session is written first."""
        form, connection = self._ready(session)
        return form.read(form.run(connection, given))

    def unread(self, session: Session, given: Given) -> "Unread":
        """All rows as the driver gave them."""
        form, connection = self._ready(session)
        return Unread(tuple(form.run(connection, given)), form)

    def first(self, session: Session, given: Given) -> Row | None:
        return next(iter(self.all(session, given)), None)

    def scalars(self, session: Session, given: Given) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.all(session, given)]

    def scalar(self, session: Session, given: Given) -> Any:
        """The first column of the first row; None without one."""
        row = self.first(session, given)
        return None if row is None else row[0]

    def _ready(self, session: Session) -> "tuple[_Form, Connection]":
        session.flush()
        connection = _connection_of(session)
        form = self._forms.get(connection.dialect.name)
        if form is None:
            form = self._forms[connection.dialect.name] = self._form(connection.dialect)
        return form, connection

    def _form(self, dialect: Dialect) -> "_Form":
        return _Form(self._made if isinstance(self._made, Executable) else self._made(dialect.name), dialect)


class PreparedRows:
    """An INSERT of any number of rows with values for these columns.

    `finished` adds what follows the values: ON CONFLICT, RETURNING.
    """

    def __init__(
        self, table: Any, columns: Sequence[str], finished: Callable[[Any], Any] = lambda insert: insert.inline()
    ) -> None:
        self._table = cast("Table", table)  # what `__table__` of our classes is
        self._columns = tuple(columns)
        self._finished = finished
        self._sizes: dict[int, tuple[Prepared, list[list[tuple[str, str]]]]] = {}

    def insert(self, session: Session, rows: Sequence[Given]) -> list[Row]:
        """Write the rows, and return what RETURNING says, in any order. Raises KeyError where a value is missing."""
        parts = (rows[first : first + MOST_ROWS] for first in range(0, len(rows), MOST_ROWS))
        return list(chain.from_iterable(self._insert(session, part) for part in parts))

    def _insert(self, session: Session, rows: Sequence[Given]) -> list[Row]:
        size = len(rows)
        if size not in self._sizes:
            names = [[(_name(column, at), column) for column in self._columns] for at in range(size)]
            self._sizes[size] = Prepared(partial(self._statement, size)), names
        statement, names = self._sizes[size]
        given = {name: row[column] for row, own in zip(rows, names, strict=True) for name, column in own}
        return statement.all(session, given)

    def _statement(self, size: int, dialect: str) -> Executable:
        insert: Insert = insert_in(dialect, self._table)
        rows = [
            {name: bindparam(_name(name, at), type_=self._table.c[name].type) for name in self._columns}
            for at in range(size)
        ]
        return cast("Executable", self._finished(insert.values(rows if size > 1 else rows[0])))


def insert_in(dialect: str, table: Any) -> Any:
    """An INSERT that knows ON CONFLICT, as the dialect of this name has it; the other one is not loaded."""
    return import_module(f"sqlalchemy.dialects.{dialect}").insert(table)


@dataclass(frozen=True, slots=True)
class Unread:
    """Rows of one statement on one database: equal where the driver gave the same ones in the same order."""

    rows: tuple[Row, ...]
    _form: "_Form" = field(repr=False)

    def read(self) -> list[Row]:
        return self._form.read(self.rows)


def _connection_of(session: Session) -> Connection:
    """What `session.connection()` says, which takes its time over it."""
    known: Connection | None = session.info.get(CONNECTION)
    if known is None or known.closed:
        found = getattr(session, "prepared_connection", session.connection)
        known = session.info[CONNECTION] = found()
    return known


def _name(column: str, at: int) -> str:
    return f"{column}__{at}"


@dataclass(frozen=True, slots=True)
class _Shape:
    """A statement for lists of these lengths: its text, its values in the driver's order, the names of each list's."""

    sql: str
    names: tuple[str, ...]
    process: tuple[Process, ...]
    parts: Mapping[str, Sequence[str]]
    numbered: bytes  # the text as PostgreSQL itself has it


class _Form:
    """A statement as one dialect has it."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled = cast("SQLCompiler", statement.compile(dialect=dialect))  # type: ignore[attr-defined]  # all have it
        binds = {name: bind for bind, name in self._compiled.bind_names.items()}
        self._fixed = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
        self._lists = tuple(name for name, bind in binds.items() if bind.expanding)
        self._bound = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in binds.items()}
        columns = getattr(statement, "exported_columns", ())
        self._read = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._is_plain = not any(self._read)
        self._shapes: dict[tuple[int, ...], _Shape] = {}

    def run(self, connection: Connection, given: Given) -> list[Row]:
        values = {**self._fixed, **given}
        shape = self._shape(values)
        for name, parts in shape.parts.items():
            values.update(zip(parts, values[name], strict=True))
        bound = [
            values[name] if process is None else process(values[name])
            for name, process in zip(shape.names, shape.process, strict=True)
        ]
        if self._dialect.positional:
            return fetched(connection, shape.sql, bound, is_read=bool(self._read))
        kept = connection.info.get(KEPT) or _kept(connection)
        try:
            if kept.is_known(shape.numbered):
                return kept.run(shape.numbered, bound)
        except connection.dialect.loaded_dbapi.Error as error:
            _raise(connection, shape.sql, error)
        return fetched(connection, shape.sql, dict(zip(shape.names, bound, strict=True)), is_read=bool(self._read))

    def read(self, rows: Iterable[Row]) -> list[Row]:
        """The values of rows as their types say."""
        read = self._read
        if self._is_plain:
            return list(rows)
        return [
            tuple([value if process is None else process(value) for value, process in zip(row, read, strict=True)])
            for row in rows
        ]

    def _shape(self, values: Given) -> _Shape:
        lengths = tuple([len(values[name]) for name in self._lists])
        shape = self._shapes.get(lengths)
        if shape is None:
            if len(self._shapes) >= MOST_SHAPES:
                self._shapes.clear()
            shape = self._shapes[lengths] = self._made_for(values)
        return shape

    def _made_for(self, values: Given) -> _Shape:
        state = self._compiled.construct_expanded_state(dict(values))
        owner = {part: name for name, parts in state.parameter_expansion.items() for part in parts}
        if self._dialect.positional:
            sql, names = b"", tuple(cast("Iterable[str]", state.positiontup))
        else:
            sql, names = _on_server().numbered(state.statement)
        return _Shape(
            state.statement,
            names,
            tuple(self._bound[owner.get(name, name)] for name in names),
            {name: tuple(parts) for name, parts in state.parameter_expansion.items()},
            sql,
        )


def _kept(connection: Connection) -> "Kept":
    kept: Kept = _on_server().Kept(connection.connection.driver_connection)
    connection.info[KEPT] = kept
    return kept


def _on_server() -> Any:
    """Loaded where there is PostgreSQL; else its driver would be loaded for nothing."""
    return import_module("booking.tables.on_server")


def fetched(connection: Connection, sql: str, bound: Any = (), *, is_read: bool = False) -> list[Row]:
    """Run text with its values in the driver's form on the driver's own cursor. Raises what SQLAlchemy would raise."""
    cursor = connection.info.get(CURSOR)
    if cursor is None:
        cursor = connection.info[CURSOR] = connection.connection.cursor()
    try:
        cursor.execute(sql, bound)
        return cast("list[Row]", cursor.fetchall()) if is_read else []
    except connection.dialect.loaded_dbapi.Error as error:
        _raise(connection, sql, error)


def _raise(connection: Connection, sql: str, error: Exception) -> NoReturn:
    """The driver's error as SQLAlchemy's. That a connection was lost is noticed by the rollback, which follows."""
    dialect = connection.dialect
    connection.info[FAILED] = True
    raise DBAPIError.instance(
        sql, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, dialect=dialect
    ) from error
