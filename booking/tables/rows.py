"""New rows by a plain INSERT, at once: where many wait for one transaction, the unit of work costs three times that."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import inspect
from sqlalchemy.orm import Session, make_transient_to_detached

from booking.tables.base import Base
from booking.tables.prepared import PreparedRows

R = TypeVar("R", bound=Base)
Defaults = Mapping[str, Callable[[], Any]]


def write_row(session: Session, kind: type[R], values: Mapping[str, Any]) -> R:
    """Insert a row of these values now and return it as the session's own, as `add` and `flush` would.

    The constraints speak here. Columns without a value get their default, else NULL. Raises KeyError for a name that is
    no column.
    """
    statement, defaults = _insert(kind, "id")
    whole = {**_missing(defaults, values), **values}
    ((row_id, _),) = statement.insert(session, [whole])
    row = cast("R", inspect(kind).class_manager.new_instance())
    row.__dict__.update(whole, id=row_id)
    make_transient_to_detached(row)
    session.add(row)
    return row


def write_rows(
    session: Session, kind: type[Base], rows: Sequence[Mapping[str, Any]], *, known_by: str = "id"
) -> dict[Any, int]:
    """Insert rows of which nobody needs an object: the id of each by its value of the unique column *known_by*.

    Columns without a value get their default, else NULL. Raises KeyError for a name that is no column.
    """
    statement, defaults = _insert(kind, known_by)
    whole = [{**_missing(defaults, row), **row} for row in rows]
    return {known: row_id for row_id, known in statement.insert(session, whole)}


def _missing(defaults: Defaults, row: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := row.keys() - defaults.keys():
        raise KeyError(*sorted(unknown))
    return {name: made() for name, made in defaults.items() if name not in row}


@cache
def _insert(kind: type[Any], known_by: str) -> tuple[PreparedRows, Defaults]:
    """The statement, and for every column but the id what makes its default."""
    table = kind.__table__
    columns = {prop.key: prop.columns[0] for prop in inspect(kind).column_attrs if prop.key != "id"}
    statement = PreparedRows(
        table, tuple(columns), lambda insert: insert.returning(table.c.id, table.c[known_by].label("known"))
    )
    return statement, {name: _default(column) for name, column in columns.items()}


def _default(column: Any) -> Callable[[], Any]:
    default = column.default
    if default is None:
        return lambda: None
    return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)
