"""New rows by a plain INSERT, at once: where many wait for one transaction, the unit of work costs three times that."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import Insert, insert, inspect
from sqlalchemy.orm import Session, make_transient_to_detached

from booking.tables.base import Base


def write_row(session: Session, row: Base) -> None:
    """Insert a new row now and hand it to the session, as `add` and `flush` would; its id is known afterwards.

    The constraints speak here. Columns without a value get their default, else NULL.
    """
    session.flush()  # what was added before may be referred to
    statement, defaults = _insert(type(row))
    for name in defaults.keys() - row.__dict__.keys():
        row.__dict__[name] = defaults[name]()
    given = {name: row.__dict__[name] for name in defaults}
    (row.id,) = session.connection().execute(statement, given).inserted_primary_key  # type: ignore[attr-defined,misc]  # all our tables have an id
    make_transient_to_detached(row)
    session.add(row)


@cache
def _insert(kind: type[Any]) -> tuple[Insert, dict[str, Callable[[], Any]]]:
    """The statement, and for every column but the id what makes its default."""
    columns = {prop.key: prop.columns[0] for prop in inspect(kind).column_attrs if prop.key != "id"}
    return insert(kind.__table__), {name: _default(column) for name, column in columns.items()}


def _default(column: Any) -> Callable[[], Any]:
    default = column.default
    if default is None:
        return lambda: None
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)
