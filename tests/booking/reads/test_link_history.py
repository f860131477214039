"""The last runs of each link, for its line of bars (SPEC C8, C15)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from booking.reads.link_history import LAST_RUNS, last_runs
from booking.tables.links import SyncRun
from booking.values.links import LinkPolicy, RunMode, RunOutcome
from tests.builders import NOW
from tests.sync.linked import World, world

MINUTE = timedelta(minutes=1)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def add_runs(here: World, count: int, outcome: RunOutcome = RunOutcome.DONE) -> None:
    rows = [
        {
            "organisation_id": here.ids.organisation_id,
            "link_id": here.link_id,
            "mode": RunMode.NORMAL,
            "outcome": outcome,
            "owner": "w",
            "fence": number,
            "seen": 0,
            "started_at": NOW + number // 2 * MINUTE,  # two share a moment
        }
        for number in range(count)
    ]
    here.write(lambda db: db.execute(insert(SyncRun), rows))


@pytest.mark.rule("C8")
def test_each_link_has_its_own_last_runs_the_oldest_first(here: World) -> None:
    for count in (0, 3, 2 * LAST_RUNS + 1):
        here.connect(LinkPolicy.IMPORT, name=f"Kalender {count}")
        if count:
            add_runs(here, count)
    with here.database.read() as session:
        found = last_runs(session, here.ids.organisation_id)
        assert last_runs(session, here.ids.organisation_id + 1) == {}
    assert [len(runs) for runs in found.values()] == [3, LAST_RUNS]
    for runs in found.values():
        assert [run.run_id for run in runs] == sorted(run.run_id for run in runs)
    assert found[here.link_id][-1].started_at == NOW + LAST_RUNS * MINUTE


def test_of_many_runs_only_the_last_are_looked_at(sqlite_url: str) -> None:
    """By index, link by link, as the engine itself explains it."""
    here = world(sqlite_url)
    asked: list[tuple[str, Any]] = []
    with here.database.read() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        last_runs(session, here.ids.organisation_id)
        ((statement, parameters),) = asked
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    plan = " | ".join(row[-1] for row in rows)
    assert "SCAN sync_run" not in plan, plan
    assert plan.count("USING INDEX ix_sync_run_link (link_id=? AND started_at>?)") == 1, plan
    assert plan.count("USING COVERING INDEX ix_sync_run_link (link_id=?)") == 1, plan
    here.database.close()
