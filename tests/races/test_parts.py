"""A room is made of other parts while somebody waits for its lock: who waited sees the new parts."""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from booking.actions.occupy import lock_units
from booking.tables.database import Database
from booking.tables.houses import RoomUnit
from tests.builders import Ids, build_house

WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.rule("S22")
def test_who_waits_for_the_lock_of_a_room_gets_the_parts_of_afterwards(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=4)
    ids: Ids = database.write(build_house)
    left, right = ids.units
    found: list[tuple[int, ...]] = []
    waiting = threading.Thread(
        target=lambda: found.append(
            database.write(lambda session: lock_units(session, ids.organisation_id, [ids.left])[ids.left])
        )
    )

    def enlarge(session: Session) -> None:
        lock_units(session, ids.organisation_id, [ids.left, ids.right])
        session.add(RoomUnit(organisation_id=ids.organisation_id, room_id=ids.left, unit_id=right))
        session.flush()
        waiting.start()
        deadline = time.monotonic() + 10
        while not session.scalar(text(WAITS)):
            assert time.monotonic() < deadline, "nobody waits"
            session.execute(text("SELECT pg_stat_clear_snapshot()"))
            time.sleep(0.02)

    database.write(enlarge)
    waiting.join(10)
    database.close()
    assert found == [(left, right)]
