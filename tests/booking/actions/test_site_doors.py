"""What opens a booking site, and when it wants to be left alone."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.connections import Access, WithSecret, make_connection
from booking.actions.site_doors import close_for, closed_for, open_site
from booking.reads.connections import connection_of
from booking.tables.connections import Connection
from booking.tables.database import Database
from tests.builders import NOW, build_house, make_tools

SECOND = timedelta(seconds=1)


def made(session: Session) -> int:
    ids = build_house(session, NOW)
    access = Access("Halle", "acc-1", " key ", "https://site.example/v1/")
    found = make_connection(session, NOW, make_tools(), ids.organisation_id, Actor("Frau Owner", 1), access)
    assert isinstance(found, WithSecret)
    return connection_of(session, ids.organisation_id, found.public_id).connection_id


@pytest.mark.rule("Y4")
def test_a_pause_holds_until_its_end_and_a_shorter_one_takes_nothing_from_it(database_url: str) -> None:
    database = Database(database_url)
    connection_id = database.write(made)

    def left(now: datetime) -> int:
        with database.read() as session:
            return closed_for(session, now, connection_id)

    assert left(NOW) == 0
    database.write(lambda session: close_for(session, NOW, connection_id, 30))
    database.write(lambda session: close_for(session, NOW, connection_id, 5))
    moments = [NOW, NOW + 29.5 * SECOND, NOW + 30 * SECOND, NOW + 31 * SECOND]
    assert [left(moment) for moment in moments] == [30, 1, 0, 0]
    with database.read() as session:
        assert session.get_one(Connection, connection_id).next_poll_at == NOW + 30 * SECOND
    database.close()


@pytest.mark.rule("X1")
def test_a_key_is_opened_with_its_address_and_shows_in_no_text(database_url: str) -> None:
    database = Database(database_url)
    connection_id = database.write(made)
    with database.read() as session:
        door = open_site(make_tools().vault, session.get_one(Connection, connection_id))
    assert (door.base_url, door.account_id, door.api_key) == ("https://site.example/v1", "acc-1", "key")
    assert "key" not in repr(door).replace("api_key", "")
    database.close()
