"""A database of an earlier revision with data in it comes to the newest whole (DESIGN rule 9)."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from booking.reads.feeds import FoundFeed, find_feed
from booking.reads.house import read_house
from booking.tables.database import Database
from booking.tables.migrate import engine_url, is_at_head, migrate
from booking.values.feeds import FeedChoices
from booking.values.house import CancelStep
from booking.values.states import Variant
from booking.values.tokens import hash_token
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


BRANCH = "INSERT INTO branch (id, organisation_id, public_id, name, street, postcode, city, zone) VALUES (1, 7, '" + (
    "0" * 31 + "1', 'b', 's', 'p', 'c', 'Europe/Berlin')"
)
PRICES = "INSERT INTO price_list (id, organisation_id, name, vat_rate, minimum) VALUES (1, 7, 'p', 1900, 0)"
ROOM = """
INSERT INTO room (id, organisation_id, public_id, branch_id, price_list_id, slug, name, description, slot_minutes,
  grid_minutes, shortest_minutes, longest_minutes, buffer_before_minutes, buffer_after_minutes,
  tolerance_before_minutes, tolerance_after_minutes, notice_minutes, horizon_days, most_people, free_until_days,
  late_fee_percent, rank)
VALUES (:id, 7, :public_id, 1, 1, :slug, :slug, '', 60, 60, 60, 240, 0, 0, 15, 15, 0, 180, 30, :days, :percent, 0)
"""
SUBJECT = "INSERT INTO feed_subject (organisation_id, id, kind, target_id, revision) VALUES (7, 1, 'office', 7, 3)"
FEED = """
INSERT INTO feed (organisation_id, subject_id, public_id, name, token_hash, generation, variant, language,
  cancelled_shown, months_back, made_at)
VALUES (7, 1, :public_id, 'Büro', :token_hash, 0, 'full', 'de', :yes, 6, :now)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[str]:
    """The address of a database without any schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"pw_empty_{uuid4().hex}"
    server.run(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.rule("C1", "C3")
def test_a_feed_that_is_there_goes_on_as_it_was_and_shows_series_as_one(empty: str) -> None:
    """Revision 0015."""
    migrate(empty, "0014")
    engine = create_engine(engine_url(empty))
    values = {"public_id": "0" * 31 + "8", "token_hash": hash_token("alt"), "yes": True, "now": "2026-11-24T09:00:00Z"}
    with engine.begin() as connection:
        connection.execute(text(ORGANISATION), {"id": "0" * 31 + "7", "no": False})
        connection.execute(text(SUBJECT))
        connection.execute(text(FEED), values)
    engine.dispose()
    migrate(empty)
    database = Database(empty)
    with database.read() as session:
        found = find_feed(session, hash_token("alt"))
    database.close()
    assert isinstance(found, FoundFeed)
    assert found.choices == FeedChoices(Variant.FULL, months_back=6, series_expanded=False)


@pytest.mark.rule("S27")
def test_the_one_step_of_each_room_becomes_a_row_and_a_room_without_a_fee_has_none(empty: str) -> None:
    """Revision 0008."""
    migrate(empty, "0007")
    engine = create_engine(engine_url(empty))
    with engine.begin() as connection:
        connection.execute(text(ORGANISATION), {"id": "0" * 31 + "7", "no": False})
        connection.execute(text(BRANCH))
        connection.execute(text(PRICES))
        for number, (days, percent) in enumerate(((7, 50), (0, 100), (14, 0)), start=1):
            values = {"id": number, "public_id": "0" * 31 + f"{number}", "slug": f"r{number}"}
            connection.execute(text(ROOM), values | {"days": days, "percent": percent})
    engine.dispose()
    migrate(empty)
    database = Database(empty)
    with database.read() as session:
        rooms = read_house(session, 7).rooms
        assert [rooms[number].terms.cancel_steps for number in (1, 2, 3)] == [
            (CancelStep(7, 50),),
            (CancelStep(0, 100),),
            (),
        ]
        columns = {column["name"] for column in inspect(session.connection()).get_columns("room")}
        assert not columns & {"free_until_days", "late_fee_percent"}
    database.close()


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
