"""A booking site that hangs or is down: it holds up neither the mails nor the hints of other sites."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import update

from booking.actions.rentals import SITES
from booking.tables.connections import Connection
from config.jobs import DRAIN_OUTBOX, DRAIN_SITES, JOBS, POLL_CONNECTION, READ_HOOKS, queue_for
from tests.builders import slot_in
from tests.fixtures.servers import Valkey
from tests.workers.conftest import job_limit
from tests.workers.sites import HALL, Linked, connect
from workers import outbox, ycbm
from workers.context import clock
from workers.ycbm import Run, read_some_hooks

SLOT = slot_in(10, 18, 20)
HINT = b'{"ref": "R%d", "start": "2026-12-04T17:00:00Z"}'


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def hang(linked: Linked, silent: socket.socket) -> None:
    """From now on the site takes connections and answers nothing."""
    where = f"127.0.0.1:{silent.getsockname()[1]}"
    works = linked.works
    settings = replace(works.context.settings, allow_private_hosts=frozenset({where, linked.peer.netloc}))
    works.context = replace(works.context, settings=settings)
    values = {"base_url": f"http://{where}/v1"}
    works.write(lambda s: s.execute(update(Connection).where(Connection.id == linked.connection_id).values(values)))


def test_no_job_that_asks_a_site_shares_a_worker_with_mails() -> None:
    assert {JOBS[job] for job in (DRAIN_SITES, READ_HOOKS, POLL_CONNECTION)}.isdisjoint({JOBS[DRAIN_OUTBOX]})


@pytest.mark.rule("S5", "X4")
def test_mails_go_out_while_a_site_hangs_and_its_own_worker_is_woken(
    linked: Linked, silent: socket.socket, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang(linked, silent)
    linked.works.context = replace(linked.works.context, redis=valkey.client())
    linked.works.request(SLOT)
    monkeypatch.setattr(outbox, "process_context", lambda: linked.works.context)
    outbox.drain()
    assert len(linked.works.sink.received) == 3
    silent.settimeout(0)
    with pytest.raises(BlockingIOError):
        silent.accept()
    assert [duty.topic for duty in linked.waiting()] == [SITES]
    assert [job.func_name for job in queue_for(DRAIN_SITES, linked.works.context.redis).jobs] == [DRAIN_SITES]
    linked.works.context.redis.close()


@pytest.mark.rule("S5")
def test_the_worker_of_the_sites_does_what_the_other_leaves(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    linked.works.request(SLOT)
    monkeypatch.setattr(outbox, "process_context", lambda: linked.works.context)
    outbox.drain_sites()
    assert (linked.blocks(HALL), linked.works.sink.received) == ([SLOT], [])


@pytest.mark.rule("Y4", "Y5")
def test_a_site_that_is_down_is_asked_once_in_a_run_and_polled_later(linked: Linked) -> None:
    linked.peer.control({"failing": 1000})
    for number in range(30):
        linked.hook(HINT % number)
    run = Run()
    while read_some_hooks(linked.works.context, run):
        pass
    assert len(linked.peer.requests) == 1
    assert linked.outcomes() == ["failed"] + ["away"] * 29
    assert linked.connection().next_poll_at <= clock()


def test_a_site_that_is_down_does_not_keep_another_from_being_read(linked: Linked) -> None:
    """The second connection leads to the same stand-in, which is back by then."""
    other = connect(linked.works, linked.peer)
    identity = linked.book(SLOT)
    hint = f'{{"ref": "{linked.there(identity)["ref"]}", "start": "{SLOT.start.isoformat()}"}}'.encode()
    linked.peer.control({"failing": 1})
    linked.hook(HINT % 1)
    linked.hook(hint, other)
    read_some_hooks(linked.works.context, Run())
    assert linked.taken() == [SLOT]


def test_a_run_ends_with_its_time_and_what_is_left_is_read_by_the_next(linked: Linked) -> None:
    for number in range(3):
        linked.hook(HINT % number)
    read_some_hooks(linked.works.context, Run(until=time.monotonic()))
    assert (linked.outcomes(), linked.peer.requests) == ([""] * 3, [])
    read_some_hooks(linked.works.context)
    assert "" not in linked.outcomes()


def test_a_job_whose_time_is_over_ends_and_its_hint_is_read_again(linked: Linked, silent: socket.socket) -> None:
    hang(linked, silent)
    linked.hook(HINT % 1)
    with pytest.raises(JobTimeoutException), job_limit(1):
        read_some_hooks(linked.works.context)
    assert linked.outcomes() == [""]
    linked.works.later(timedelta(minutes=1))
    assert read_some_hooks(linked.works.context, Run(away={linked.connection_id})) == 1
    assert linked.outcomes() == ["away"]


def test_a_read_hook_job_has_an_end(linked: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ycbm, "process_context", lambda: linked.works.context)
    monkeypatch.setattr(ycbm, "LONGEST_SECONDS", 0.0)
    linked.hook(HINT % 1)
    ycbm.read_hooks()
    assert linked.outcomes() == [""]
