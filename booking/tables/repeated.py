"""One statement for many rows of values, repeated by the driver itself (executemany): docs/decisions/0010.

SQLAlchemy binds each value of each row anew, which costs more than the database does. Values pass through the same
types, a column at a time. Nothing in a session is brought up to date by it; what was added to one is written first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Dialect, Executable, Table, bindparam
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler

from booking.tables.prepared import Process


@dataclass(frozen=True, slots=True)
class _Form:
    """The statement as one dialect has it: for each of its values, in its order, where it is in a row, and its type."""

    sql: str
    names: tuple[str, ...]
    places: tuple[int, ...]
    process: tuple[Process, ...]
    is_positional: bool


class Repeated:
    """A statement that returns no rows, whose values are `bindparam`s with these names, in the order of a row."""

    def __init__(self, statement: Executable, names: Sequence[str]) -> None:
        self._statement, self._names = statement, tuple(names)
        self._forms: dict[str, _Form] = {}

    def run(self, session: Session, rows: Sequence[Sequence[Any]]) -> int:
        """How many rows of the table were touched by all of it. Raises what SQLAlchemy would raise."""
        if not rows:
            return 0
        session.flush()
        connection = session.connection()
        form = self._forms.get(connection.dialect.name)
        if form is None:
            form = self._forms[connection.dialect.name] = self._form(connection.dialect)
        columns = list(zip(*rows, strict=True))
        bound = [_bound(process, columns[place]) for place, process in zip(form.places, form.process, strict=True)]
        values: list[Any] = list(zip(*bound, strict=True))
        if not form.is_positional:
            values = [dict(zip(form.names, row, strict=True)) for row in values]
        return connection.exec_driver_sql(form.sql, values).rowcount

    def _form(self, dialect: Dialect) -> _Form:
        compiled = cast("SQLCompiler", self._statement.compile(dialect=dialect))  # type: ignore[attr-defined]  # all have it
        types = {name: bind.type for bind, name in compiled.bind_names.items()}
        names = tuple(compiled.positiontup or compiled.bind_names.values())
        if unknown := set(names) - set(self._names):
            raise KeyError(*sorted(unknown))
        return _Form(
            str(compiled),
            names,
            tuple(self._names.index(name) for name in names),
            tuple(types[name].dialect_impl(dialect).bind_processor(dialect) for name in names),
            dialect.positional,
        )


def _bound(process: Process, column: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as the driver takes them. Most columns repeat few of them."""
    if process is None:
        return column
    try:
        made = {value: process(value) for value in set(column)}
    except TypeError:  # lists and mappings, often empty
        empty: dict[type, Any] = {}
        return [process(value) if value else _once(empty, process, value) for value in column]
    return [made[value] for value in column]


def _once(made: dict[type, Any], process: Callable[[Any], Any], value: Any) -> Any:
    if type(value) not in made:
        made[type(value)] = process(value)
    return made[type(value)]


def insert_of(table: Any, names: Sequence[str]) -> Repeated:
    """New rows with values for these columns: all that have a default are among them, else it raises KeyError."""
    made = cast("Table", table)
    return Repeated(
        made.insert().inline().values({name: bindparam(name, type_=made.c[name].type) for name in names}), names
    )
