"""Nudges that are made before they are needed: each is a job of its own, and none is older than it may be."""

import time
from collections.abc import Iterator
from types import ModuleType

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from config.jobs import DRAIN_OUTBOX, QUICK, READ_HOOKS, SITES, clear_nudge, queue_for
from tests.fixtures.servers import Valkey, wait_until
from tests.web.conftest import make_settings
from web import context
from web.context import Nudger, Wake, WebContext


@pytest.fixture
def nudger(sqlite_url: str, valkey: Valkey) -> Iterator[Nudger]:
    made = WebContext(make_settings(sqlite_url, REDIS_URL=valkey.url))
    yield made.nudger
    made.close()


def waiting(valkey: Valkey, queue: str) -> list[str]:
    with valkey.client() as redis:
        found: list[str] = Queue(queue, connection=redis, serializer=JSONSerializer).job_ids
    return found


def test_each_nudge_is_a_job_of_its_own_that_a_worker_can_read(nudger: Nudger, valkey: Valkey) -> None:
    for number in range(1, 4):
        nudger(Wake.HOOKS)
        wait_until(lambda: len(waiting(valkey, SITES)) == number, what="the job")  # noqa: B023 - asked at once
        with valkey.client() as redis:
            clear_nudge(redis, READ_HOOKS)
    ids = waiting(valkey, SITES)
    assert len(set(ids)) == 3
    with valkey.client() as redis:
        jobs = [queue_for(READ_HOOKS, redis).fetch_job(job_id) for job_id in ids]
    assert {job.func_name if job else None for job in jobs} == {READ_HOOKS}


def test_a_nudge_that_somebody_just_gave_leaves_no_job_behind(nudger: Nudger, valkey: Valkey) -> None:
    nudger(Wake.HOOKS)
    wait_until(lambda: len(waiting(valkey, SITES)) == 1, what="the job")
    with valkey.client() as redis:
        redis.persist(f"platzwart:nudged:{READ_HOOKS}:")
        redis.set(f"platzwart:nudged:{READ_HOOKS}:", 1)
    nudger(Wake.HOOKS)
    nudger(Wake.OUTBOX)
    wait_until(lambda: len(waiting(valkey, QUICK)) == 1, what="the job")
    assert len(waiting(valkey, SITES)) == 1
    with valkey.client() as redis:
        assert len(redis.keys("rq:job:*")) == 2
        assert redis.exists(f"platzwart:nudged:{DRAIN_OUTBOX}:") in {0, 1}


def test_what_was_made_before_is_made_anew_while_nobody_asks(
    nudger: Nudger, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "FLUSH_SECONDS", 0.05)
    nudger(Wake.HOOKS)
    wait_until(lambda: Wake.HOOKS in nudger._asking, what="the next nudge")
    first = nudger._asking[Wake.HOOKS]
    wait_until(lambda: nudger._asking.get(Wake.HOOKS) is not first, what="a fresh one")
    assert len(waiting(valkey, SITES)) == 1


def test_what_was_made_before_is_kept_while_others_were_faster_and_sent_but_once(
    nudger: Nudger, valkey: Valkey
) -> None:
    nudger(Wake.HOOKS)
    wait_until(lambda: Wake.HOOKS in nudger._asking, what="the next nudge")
    made = nudger._asking[Wake.HOOKS]
    with valkey.client() as redis:
        redis.set(f"platzwart:nudged:{READ_HOOKS}:", 1)
    for _ in range(2):
        nudger(Wake.HOOKS)
        nudger(Wake.OUTBOX)
        wait_until(lambda: len(waiting(valkey, QUICK)) == 1, what="the job after it")
        with valkey.client() as redis:
            redis.delete(f"rq:queue:{QUICK}", f"platzwart:nudged:{DRAIN_OUTBOX}:")
        assert nudger._asking[Wake.HOOKS] is made
    with valkey.client() as redis:
        clear_nudge(redis, READ_HOOKS)
    nudger(Wake.HOOKS)
    wait_until(lambda: len(waiting(valkey, SITES)) == 2, what="the job")
    wait_until(lambda: nudger._asking.get(Wake.HOOKS) not in {None, made}, what="the next nudge")
    assert len(set(waiting(valkey, SITES))) == 2


def test_a_burst_shares_few_nudges(nudger: Nudger, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Wake] = []
    give = nudger._nudge

    def noted(jobs: ModuleType, wake: Wake) -> None:
        given.append(wake)
        give(jobs, wake)

    monkeypatch.setattr(nudger, "_nudge", noted)
    monkeypatch.setattr(context, "NUDGE_PAUSE", 0.1)
    for _ in range(20):
        nudger(Wake.OUTBOX)
        time.sleep(0.005)
    wait_until(nudger._waiting.empty, what="the nudger")
    assert len(given) <= 5
    assert waiting(valkey, QUICK)


def test_valkey_that_comes_back_is_told_again(sqlite_url: str, valkey: Valkey) -> None:
    valkey.kill()
    made = WebContext(make_settings(sqlite_url, REDIS_URL=valkey.url))
    try:
        made.nudger(Wake.HOOKS)
        wait_until(made.nudger._waiting.empty, what="the nudger")
        valkey.start()
        made.nudger(Wake.HOOKS)
        wait_until(lambda: len(waiting(valkey, SITES)) == 1, what="the job")
    finally:
        made.close()
        if valkey.process is None:
            valkey.start()
