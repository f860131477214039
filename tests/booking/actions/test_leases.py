"""A lease belongs to one owner at a time, and its fence tells every turn apart."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from booking.actions.leases import hold_lease
from booking.tables.database import Database
from tests.builders import NOW

MINUTE = timedelta(minutes=1)
AT_ONCE = 8


def hold(
    database: Database, owner: str, at: datetime = NOW, length: timedelta = MINUTE, name: str = "job"
) -> int | None:
    return database.write(lambda session: hold_lease(session, at, name, owner, length))


def test_who_has_it_keeps_the_fence_and_nobody_else_gets_it(database: Database) -> None:
    assert hold(database, "a") == 1
    assert hold(database, "a", NOW + MINUTE / 2) == 1
    assert hold(database, "b", NOW + MINUTE) is None, "renewed meanwhile"
    assert hold(database, "b", NOW, name="another") == 1


@pytest.mark.parametrize("next_owner", ["a", "b"])
def test_after_its_end_the_fence_has_grown_whoever_takes_it(database: Database, next_owner: str) -> None:
    assert hold(database, "a") == 1
    assert hold(database, "b", NOW + MINUTE - timedelta(microseconds=1)) is None
    assert hold(database, next_owner, NOW + MINUTE) == 2


def test_one_that_is_given_back_is_free_at_once(database: Database) -> None:
    assert hold(database, "a") == 1
    assert hold(database, "a", NOW + MINUTE / 2, timedelta(0)) == 1
    assert hold(database, "b", NOW + MINUTE / 2) == 2
    assert hold(database, "a", NOW + MINUTE / 2) is None


def test_of_many_at_once_one_has_it(database: Database) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for turn in range(1, 6):
            at = NOW + turn * MINUTE
            fences = list(threads.map(lambda owner, at=at: hold(database, f"{at}-{owner}", at), range(AT_ONCE)))
            assert [fence for fence in fences if fence is not None] == [turn]
