"""`platzwart web` by itself: what a stop of the whole group looks like, as terminals and systemd send it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.family import STANDINS
from tests.fixtures.processes import free_port, get, is_alive
from tests.fixtures.servers import wait_until
from tests.web.conftest import make_settings

ROUNDS = 4


class Web:
    """A web process with a stand-in for the application, which leads a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self._log = free_port(), folder / "log"
        settings = make_settings(f"sqlite:///{folder}/x.db")
        given = {
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "BASE_URL": settings.base_url,
            "SECRET_KEY": settings.secret_key,
            "CODE_KEY_FILE": str(folder / "code.key"),
            "SMTP_URL": settings.smtp_url,
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
        }
        (folder / "code.key").write_text("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PLATZWART_")}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "platzwart", "web", "--app", "standin_app:application"],
                env=clean
                | {f"PLATZWART_{name}": value for name, value in given.items()}
                | {"PYTHONPATH": str(STANDINS)},
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: get(self.port)[0] == 200, 30, "the web process")

    @property
    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    made = Web(tmp_path)
    yield made
    if made.process.poll() is None:
        os.killpg(made.process.pid, signal.SIGKILL)
        made.process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_that_reaches_the_whole_group_is_no_error(web: Web, number: signal.Signals) -> None:
    os.killpg(web.process.pid, number)
    assert web.process.wait(15) == 0
    assert web.log == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT] * ROUNDS)
def test_workers_may_notice_the_stop_before_their_server_does(web: Web, number: signal.Signals) -> None:
    """The server is not given the processor until its workers have ended, or sleep on as it would not let them."""
    workers = web.workers
    os.kill(web.process.pid, signal.SIGSTOP)
    os.killpg(web.process.pid, number)
    latest = time.monotonic() + 1
    while any(is_alive(worker) for worker in workers) and time.monotonic() < latest:
        time.sleep(0.01)
    os.kill(web.process.pid, signal.SIGCONT)
    assert web.process.wait(15) == 0
    assert web.log == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ends_alone_is_logged_and_replaced(web: Web, number: signal.Signals) -> None:
    worker = int(get(web.port)[1])
    os.kill(worker, number)
    wait_until(lambda: not is_alive(worker), 10)
    wait_until(lambda: "Unexpected exit from worker" in web.log, 5)
    wait_until(lambda: get(web.port)[0] == 200, 10)
    os.killpg(web.process.pid, signal.SIGTERM)
    assert web.process.wait(15) == 0
    assert web.log.count("Unexpected") == 1


def test_each_worker_stays_on_a_core_of_its_own_and_so_does_the_one_that_replaces_it(web: Web) -> None:
    all_cores = os.sched_getaffinity(0)

    def cores() -> list[set[int]]:
        return [os.sched_getaffinity(worker) for worker in web.workers]

    if len(all_cores) < 2:
        assert cores() == [all_cores, all_cores]
        return
    wait_until(lambda: [len(one) for one in cores()] == [1, 1], 10)
    before = cores()
    assert before[0] != before[1]
    for worker in web.workers:
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda gone=worker: gone not in web.workers and len(web.workers) == 2, 10)
        wait_until(lambda: sorted(map(sorted, cores())) == sorted(map(sorted, before)), 10)


def test_no_request_carries_the_settings(web: Web) -> None:
    """The environment of a worker is copied by granian into what WSGI hands to each request, secrets and all."""
    _, names = get(web.port, "/given")
    assert b"PATH" in names.splitlines()
    assert b"PLATZWART_" not in names


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux alone has it")
def test_no_thread_of_a_worker_interrupts_another_by_waking(web: Web) -> None:
    threads = [int(path.name) for worker in web.workers for path in Path(f"/proc/{worker}/task").iterdir()]
    assert len(threads) > 2 * len(web.workers)
    assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}
