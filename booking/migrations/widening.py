"""A column of named values learns new ones: its CHECK allows more, and nothing else changes."""

import re

from alembic import op
from sqlalchemy import Connection, text


def widen(table: str, constraint: str, column: str, values: tuple[str, ...]) -> None:
    """Allow these values, the old ones among them, in the column that the constraint names.

    SQLite cannot change a constraint: the table is made anew from its own definition with that one list exchanged,
    filled, and gets its indexes and triggers back, as its documentation asks (foreign keys are off and checked at the
    end; see env.py). Raises LookupError where the constraint is not found.
    """
    connection = op.get_bind()
    names = ", ".join(f"'{value}'" for value in values)
    allowed = f"{column} IN ({names})"
    if connection.dialect.name == "sqlite":
        _rebuild(connection, table, constraint, allowed)
    else:
        named = op.f(constraint)
        op.drop_constraint(named, table, type_="check")
        op.create_check_constraint(named, table, allowed)


def _rebuild(connection: Connection, table: str, constraint: str, allowed: str) -> None:
    found = connection.execute(text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :name"), {"name": table})
    made = [(kind, sql) for kind, sql in found if sql is not None]  # indexes of constraints have none
    (definition,) = (sql for kind, sql in made if kind == "table")
    check = re.compile(rf"(CONSTRAINT {constraint} CHECK \()[^()]* IN \([^()]*\)(\))")
    changed, times = check.subn(lambda match: match[1] + allowed + match[2], definition)
    if times != 1:
        raise LookupError(constraint)
    anew = f"{table}_anew"
    connection.exec_driver_sql(re.sub(rf'^CREATE TABLE "?{table}"?', f"CREATE TABLE {anew}", changed))
    connection.exec_driver_sql(f"INSERT INTO {anew} SELECT * FROM {table}")  # noqa: S608 - names of our own tables
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE {anew} RENAME TO {table}")
    for kind, sql in made:
        if kind != "table":
            connection.exec_driver_sql(sql)
