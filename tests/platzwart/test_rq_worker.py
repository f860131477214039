"""The workers with a real Valkey: one queue each, JSON, warm stop, deaths."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from redis.client import Pipeline
from rq import Queue
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException

from config.jobs import CALENDARS, JOBS, QUICK
from platzwart.cli import main
from platzwart.rq_worker import KINDS, JobLimit, QuickWorker, modules_of
from tests.fixtures.family import STANDINS
from tests.fixtures.processes import is_alive
from tests.fixtures.servers import Valkey, short_folder, wait_until

ROOT = Path(__file__).parents[2]
CODE = "import sys; from platzwart.rq_worker import run_worker as run; sys.exit(run(*sys.argv[1:], ['standin_jobs']))"


@dataclass(slots=True)
class Desk:
    """Workers and a note file that their jobs write."""

    valkey: Valkey
    notes: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def worker(self, queue: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", CODE, queue, self.valkey.url],
            env={**os.environ, "PYTHONPATH": str(STANDINS)},
            stderr=subprocess.DEVNULL,
        )
        self.started.append(process)
        return process

    def ask(self, queue: str, job: str, *arguments: object) -> None:
        with self.valkey.client() as client:
            Queue(queue, connection=client, serializer=JSONSerializer).enqueue(
                f"standin_jobs.{job}", str(self.notes), *arguments, result_ttl=0
            )

    def seen(self, what: str) -> list[int]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        return [int(pid) for name, pid in (line.split() for line in lines) if name == what]

    def wait_for(self, what: str) -> int:
        wait_until(lambda: bool(self.seen(what)), 15, what)
        return self.seen(what)[-1]


@pytest.fixture
def desk(valkey: Valkey, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(valkey, tmp_path / "notes")
    yield made
    for process in made.started:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(10)


def test_quick_jobs_run_in_the_worker_and_calendar_jobs_in_a_process_of_their_own(desk: Desk) -> None:
    quick, calendars = desk.worker(QUICK), desk.worker(CALENDARS)
    desk.ask(QUICK, "note", "quick")
    desk.ask(CALENDARS, "note", "calendars")
    assert desk.wait_for("quick") == quick.pid
    assert desk.wait_for("calendars") != calendars.pid


def test_a_worker_takes_from_its_own_queue_only(desk: Desk) -> None:
    desk.ask(CALENDARS, "note", "calendars")
    desk.ask(QUICK, "note", "quick")
    desk.worker(QUICK)
    desk.wait_for("quick")
    assert desk.seen("calendars") == []


@pytest.mark.parametrize("queue", list(KINDS))
def test_sigterm_lets_the_running_job_finish(desk: Desk, queue: str) -> None:
    worker = desk.worker(queue)
    desk.ask(queue, "slow", 1.5)
    desk.ask(queue, "note", "next")
    desk.wait_for("begun")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert len(desk.seen("finished")) == 1
    assert desk.seen("next") == []


@pytest.mark.parametrize("queue", list(KINDS))
def test_an_idle_worker_stops_at_once(desk: Desk, queue: str) -> None:
    worker = desk.worker(queue)
    desk.ask(queue, "note", "first")
    desk.wait_for("first")
    time.sleep(0.2)
    asked = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert time.monotonic() - asked < 2


def test_a_calendar_job_that_dies_does_not_take_its_worker_along(desk: Desk) -> None:
    worker = desk.worker(CALENDARS)
    desk.ask(CALENDARS, "die")
    desk.ask(CALENDARS, "note", "next")
    desk.wait_for("next")
    assert worker.poll() is None


def test_a_job_dies_with_its_worker(desk: Desk) -> None:
    worker = desk.worker(CALENDARS)
    desk.ask(CALENDARS, "slow", 20)
    job = desk.wait_for("begun")
    assert job != worker.pid
    worker.kill()
    worker.wait(5)
    wait_until(lambda: not is_alive(job), 3, "the end of the job")


@pytest.mark.parametrize("queue", list(KINDS))
def test_a_worker_goes_on_after_valkey_was_away(queue: str, tmp_path: Path) -> None:
    folder = short_folder("pw-vk-")
    valkey = Valkey(folder)
    valkey.start()
    desk = Desk(valkey, tmp_path / "notes")
    worker = desk.worker(queue)
    try:
        desk.ask(queue, "note", "before")
        desk.wait_for("before")
        valkey.kill()
        time.sleep(1)
        valkey.start()
        desk.ask(queue, "note", "after")
        wait_until(lambda: bool(desk.seen("after")) or worker.poll() is not None, 15, "the worker")
        if worker.poll() is not None:
            worker = desk.worker(queue)  # what the supervisor does
        desk.wait_for("after")
    finally:
        worker.kill()
        worker.wait(5)
        valkey.kill()
        subprocess.run(["rm", "-rf", str(folder)], check=True)  # noqa: S607


@pytest.mark.parametrize("queue", list(KINDS))
def test_a_heartbeat_is_one_trip_to_valkey(desk: Desk, queue: str) -> None:
    with desk.valkey.client() as client:
        worker = KINDS[queue]([Queue(queue, connection=client)], connection=client, prepare_for_work=False)
        client.config_resetstat()
        worker.heartbeat(40)
        assert client.ttl(worker.key) == 40
        asked = client.info("commandstats")
    assert {name: told["calls"] for name, told in asked.items() if name in {"cmdstat_exec", "cmdstat_hset"}} == {
        "cmdstat_exec": 1,
        "cmdstat_hset": 1,
    }


def test_the_beat_between_taking_a_job_and_its_start_is_left_out_once(desk: Desk) -> None:
    calls: list[str] = []

    class Noted(QuickWorker):
        def reorder_queues(self, reference_queue: Queue) -> None:
            calls.append("taken")
            super().reorder_queues(reference_queue)

        def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
            before = self.last_heartbeat
            super().heartbeat(timeout, pipeline)
            calls.append(f"{'with the start' if pipeline is not None else 'alone'}: {self.last_heartbeat != before}")

    with desk.valkey.client() as client:
        queue = Queue(QUICK, connection=client, serializer=JSONSerializer)
        queue.enqueue("builtins.len", "x", result_ttl=0)
        Noted([queue], connection=client, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")
    start = calls.index("taken")
    assert calls[start : start + 3] == ["taken", "alone: False", "with the start: True"]
    assert "alone: False" not in calls[:start] + calls[start + 2 :]


def test_a_worker_without_valkey_ends_and_says_so(tmp_path: Path) -> None:
    desk = Desk(Valkey(tmp_path), tmp_path / "notes")
    assert desk.worker(QUICK).wait(10) == 1


class Finalized:
    """Python drops what is raised while it is thrown away."""

    def __del__(self) -> None:
        time.sleep(10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_limit_that_was_lost_in_a_finalizer_ends_the_job_a_second_later() -> None:
    reached = []

    def job() -> None:
        Finalized()
        reached.append("after it")
        time.sleep(10)

    begun = time.monotonic()
    with pytest.raises(JobTimeoutException), JobLimit(1, JobTimeoutException):  # type: ignore[no-untyped-call]  # RQ's
        job()
    assert (reached, time.monotonic() - begun < 5) == (["after it"], True)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_each_worker_sets_its_jobs_that_limit() -> None:
    assert {kind.death_penalty_class for kind in KINDS.values()} == {JobLimit}


def test_every_job_belongs_to_a_queue_that_has_a_worker() -> None:
    assert set(JOBS.values()) <= set(KINDS)
    listed = [module for queue in KINDS for module in modules_of(queue)]
    assert {job.rpartition(".")[0] for job in JOBS} == set(listed)


def test_every_queue_has_its_worker_wherever_platzwart_is_run() -> None:
    """`up` is looked at in test_up.py."""
    (queue,) = main.commands["worker"].params
    assert isinstance(queue.type, click.Choice)
    assert set(queue.type.choices) == set(KINDS)
    compose = (ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8")
    units = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in KINDS:
        assert f"command: worker {name}\n" in compose
        assert f"| `platzwart worker {name}` |" in units
