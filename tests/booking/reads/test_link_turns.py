"""Links that work wait for no other that hangs (SPEC C12)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import update

from booking.actions.leases import hold_lease
from booking.actions.link_runs import LEASE, lease_name
from booking.reads.link_turns import links_in_turn
from booking.tables.links import CalendarLink
from booking.values.links import LinkPolicy, LinkStatus
from config.jobs import RUN_LINK, SERVE_LINKS, nudge, queue_for
from tests.fixtures.servers import Valkey
from tests.sync.linked import World, world

MINUTE = timedelta(minutes=1)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def link(here: World, due: int, **more: Any) -> int:
    """A link that has been due for so many minutes."""
    here.connect(LinkPolicy.IMPORT)
    values = {"next_run_at": here.now - due * MINUTE, "last_run_at": here.now, "last_success_at": here.now, **more}
    query = update(CalendarLink).where(CalendarLink.id == here.link_id).values(values)
    here.write(lambda db: db.execute(query))
    return here.link_id


def in_turn(here: World) -> list[int]:
    with here.database.read() as session:
        return links_in_turn(session, here.now)


def begin(here: World, link_id: int) -> None:
    here.write(lambda db: hold_lease(db, here.now, lease_name(link_id), "a run", LEASE))


@pytest.mark.rule("C12")
def test_all_that_work_are_run_and_one_at_a_time_of_those_that_do_not(here: World) -> None:
    failing = link(here, 9, failures=3)
    hanging = link(here, 8, last_success_at=None)
    works, new = link(here, 1), link(here, 5, last_run_at=None, last_success_at=None)
    link(here, -1)  # not due
    link(here, 7, state=LinkStatus.PAUSED)
    assert in_turn(here) == [new, works, failing]
    begin(here, failing)
    assert in_turn(here) == [new, works]
    begin(here, new)
    assert in_turn(here) == [works]
    here.now += LEASE + timedelta(seconds=1)  # the run is over, or its process is
    assert in_turn(here) == [new, works, failing]
    here.write(lambda db: db.execute(update(CalendarLink).where(CalendarLink.id == failing).values(failures=0)))
    assert in_turn(here) == [failing, new, works, hanging]


def test_what_a_person_waits_for_stands_before_what_comes_by_itself(valkey: Valkey) -> None:
    redis: Redis = valkey.client()
    for job, ids in ((RUN_LINK, (1,)), (RUN_LINK, (2,)), (SERVE_LINKS, ())):
        assert nudge(redis, job, *ids)
    assert [job.func_name for job in queue_for(RUN_LINK, redis).jobs] == [SERVE_LINKS, RUN_LINK, RUN_LINK]
    redis.close()
