"""A database of an earlier revision with data in it comes to the newest whole (DESIGN rule 9)."""

from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from booking.reads.house import read_house
from booking.tables.database import Database
from booking.tables.migrate import engine_url, is_at_head, migrate
from tests.builders import build_house

BEFORE = "0001"
ORGANISATION = """
INSERT INTO organisation (id, public_id, slug, epoch, settings_revision, name, legal_name, street, postcode, city,
  country, email, language, currency, zone, brand, iban, payee, payment_days, review_by, mail_at, grace_seconds,
  desk_days, digest_at, holidays_close_rooms, code_after_payment, mail_check, open_per_contact, open_per_address,
  open_per_room, thresholds)
VALUES (7, :id, 'alt', 0, 0, 'Alt', 'Alt', 's', 'p', 'c', 'DE', 'e', 'de', 'EUR', 'Europe/Berlin', '#000000', 'i', 'p',
  14, '12:00:00.000000', '09:00:00.000000', 60, 3, '07:00:00.000000', :no, :no, :no, 5, 10, 200, '{}')
"""
ENTRY = """
INSERT INTO audit_entry (at, actor, origin, subject, subject_id, action, before, after, organisation_id)
VALUES ('2026-11-24T09:00:00.000000Z', 'a', '', 'room', 1, 'made', '{}', '{}', 7)
"""


@pytest.fixture
def old(sqlite_url: str, tmp_path: Any) -> str:
    """A database at the first revision, with an organisation and an entry of its log."""
    url = f"sqlite:///{tmp_path}/old.db"
    migrate(url, BEFORE)
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(text(ORGANISATION), {"id": "0" * 31 + "7", "no": False})
        connection.execute(text(ENTRY))
    engine.dispose()
    return url


def catalogue(url: str) -> dict[str, set[str]]:
    """Columns, indexes and triggers, as the engine knows them."""
    engine = create_engine(engine_url(url))
    with engine.connect() as connection:
        found = inspect(connection)
        tables = [name for name in found.get_table_names() if name != "alembic_version"]
        columns = {f"{table}.{column['name']}" for table in tables for column in found.get_columns(table)}
        indexes = {f"{table}: {index['name']}" for table in tables for index in found.get_indexes(table)}
        triggers = set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
    engine.dispose()
    return {"columns": columns, "indexes": indexes, "triggers": triggers}


def test_a_database_with_data_is_upgraded_and_has_what_a_new_one_has(old: str, sqlite_url: str) -> None:
    triggers = catalogue(old)["triggers"]
    assert triggers
    migrate(old)
    assert catalogue(old) == catalogue(sqlite_url)
    assert catalogue(old)["triggers"] == triggers
    database = Database(old)
    with database.read() as session:
        assert is_at_head(session)
        assert session.execute(text("SELECT count(*) FROM audit_entry")).scalar() == 1
    ids = database.write(lambda db: build_house(db, slug="neu"))
    with database.read() as session:
        assert len(read_house(session, ids.organisation_id).rooms) == 3
    with pytest.raises(DBAPIError, match="insert-only"):
        database.write(lambda db: db.execute(text("DELETE FROM audit_entry")))
    database.close()
