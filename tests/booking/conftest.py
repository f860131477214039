"""A database and a house in it, for whoever needs no more."""

from collections.abc import Iterator

import pytest

from booking.tables.database import Database
from tests.builders import Ids, build_house


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)
