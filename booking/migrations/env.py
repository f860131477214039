"""How Alembic runs here: in code (`booking.tables.migrate`), never by an ini file.

SQLite: foreign keys are off before BEGIN, so that batch operations may rebuild tables, and checked before the commit
(DESIGN rule 9). An advisory or file lock lets only one process migrate at a time.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import context
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url

from booking.tables.migrate import engine_url
from booking.tables.registry import metadata

MIGRATION_LOCK = 7_265_511


@contextmanager
def alone(url: str) -> Iterator[None]:
    """On SQLite one migrating process at a time; PostgreSQL waits for an advisory lock inside the transaction."""
    database = make_url(url).database
    if make_url(url).get_backend_name() != "sqlite" or not database:
        yield
        return
    with Path(f"{database}.migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"foreign keys are broken after migrating: {broken[:5]}")


def run() -> None:
    url = engine_url(context.config.attributes["url"])
    with alone(url):
        engine = create_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA journal_mode=WAL"))
            event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=OFF"))
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            context.configure(connection=connection, target_metadata=metadata, render_as_batch=False)
            context.run_migrations()
            check_foreign_keys(connection)
        engine.dispose()


run()
