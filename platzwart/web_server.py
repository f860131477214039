"""The web process: granian around a WSGI application, with the ways closed in which it loses a stop."""

import importlib
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.common import AbstractServer

from config.loading import loading
from config.logs import be_ready_to_log
from config.settings import PREFIX, Settings
from platzwart.lifeline import guard_forks
from platzwart.modules import PROBES

TARGET = "web.wsgi:application"
# Counts open connections, idle keep-alive ones too, so a small number would let 4 idle browsers block a process.
CONNECTIONS_PER_PROCESS = 1024
KILL_SECONDS = 8
REMIND_SECONDS = 0.2
GRANIAN = "_granian"
LATEST_STOP_SECONDS = 0.3
# Exit codes of who was asked to end. None is a worker that runs, or whose end another thread has just taken note of.
ASKED_TO = frozenset({None, 0, -signal.SIGTERM, -signal.SIGINT})
# Ignored by a process that has no handler for it, so that it may be sent at any time.
NUDGE = signal.SIGURG

log = logging.getLogger(__name__)


def serve(settings: Settings, target: str = TARGET, wait: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; requests in flight finish within `KILL_SECONDS`.

    `wait` is called after the heavy imports and before the first worker starts.
    """
    _empty_metrics(settings)
    with loading():
        for module in PROBES if target == TARGET else ():
            importlib.import_module(module)
    if wait is not None:
        wait()
    guard_forks(signal.SIGTERM)
    server = Granian(
        target,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        blocking_threads=settings.web_threads,
        backpressure=CONNECTIONS_PER_PROCESS,
        http=HTTPModes.http1,
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": {GRANIAN: {"handlers": [], "propagate": True}}},
        log_access=False,
        respawn_failed_workers=True,
        respawn_interval=0.1,
    )
    server.on_startup(lambda: _insist_on_stop(server, KILL_SECONDS))
    server.interrupt_children = failures = Failures(server)
    server.on_shutdown(lambda: failures.clear() if server.interrupt_signal else None)
    logging.getLogger(GRANIAN).addFilter(Unexpected(server))

    def begin() -> Any:
        _stay_on_one_core(server)
        _do_not_interrupt_each_other()
        application = load(target)
        _forget_settings()
        return application

    server.serve(target_loader=begin, wrap_loader=False)


def _stay_on_one_core(server: AbstractServer[Any]) -> None:
    """In a worker that was just forked, which knows of all others but not of itself: give each a core of its own.

    Python computes in one thread at a time. Threads that are spread only wake each other from core to core, which took
    a tenth of the processor time of a race and up to a quarter of its duration (docs/decisions/0008).
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    if server.workers <= len(cores):
        number = min(set(range(server.workers)) - {worker.idx for worker in server.wrks})
        # Counted from the server's own number, so that several servers on one machine do not all take the same cores.
        os.sched_setaffinity(0, {cores[(os.getppid() + number) % len(cores)]})


def _do_not_interrupt_each_other() -> None:
    """In a worker, before it has threads: who is woken waits until who woke it has done all that it can.

    Else the thread that speaks HTTP and those that answer change places at each request, which took a third of the
    processor time of an answer that says 304 (docs/measurements.md). Who computes has no less of the processor.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # where another policy was chosen for the process
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _forget_settings() -> None:
    """In a worker that has read them: granian copies the environment into what each request's handler is given."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]


def load(target: str) -> Any:
    """The object `module:name`, in a worker. granian's own loader would look into the working folder first."""
    signal.signal(NUDGE, lambda _number, _frame: None)
    module, _, name = target.partition(":")
    with loading():
        return getattr(importlib.import_module(module), name)


def _empty_metrics(settings: Settings) -> None:
    """Several processes count into one folder; counts of an earlier run would mix with ours."""
    if settings.metrics_dir is not None:
        shutil.rmtree(settings.metrics_dir, ignore_errors=True)
        settings.metrics_dir.mkdir(parents=True, mode=0o700)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.metrics_dir)


def _insist_on_stop(server: AbstractServer[Any], seconds: float) -> None:
    """Repeat a stop request, which can be lost in the server and in a worker; kill what is left after `seconds`.

    The server, while it starts a dead worker again, clears the event that carried it. A worker that gets its signal in
    the instant before it lies down to wait for one sleeps on: Python runs the handler when the wait is interrupted.
    `NUDGE` interrupts it; a second SIGTERM would not do, granian's worker stands still when it gets too many.

    granian's own kill timeout takes a worker that just ended for one that refuses: two of its threads wait for the same
    process, and the one that came second believes it alive until the first has noted the end.
    """

    def remind() -> None:
        be_ready_to_log()
        kill_at = time.monotonic() + seconds
        while True:
            server.main_loop_interrupt.set()
            number = NUDGE if time.monotonic() < kill_at else signal.SIGKILL
            for worker in tuple(server.wrks):
                if worker.inner.exitcode is None:
                    _send(worker.inner.pid, number)
            time.sleep(REMIND_SECONDS)

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not server.interrupt_signal:
            server.interrupt_signal = True
            server.main_loop_interrupt.set()
            threading.Thread(target=remind, name="remind", daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


class Failures(list[int]):
    """Workers that ended by themselves; for any of them granian would exit with 1. Once all stop, none of them did."""

    def __init__(self, server: AbstractServer[Any]) -> None:
        super().__init__()
        self._server = server

    def append(self, worker: int) -> None:
        if not self._server.interrupt_signal:
            super().append(worker)


class Unexpected(logging.Filter):
    """Passes by what granian logs of workers that ended, where all were asked to.

    A terminal and systemd send their signal to the whole group: workers then end before granian tells them to, and it
    takes that for a failure. The server may be a little later than they in noticing that the stop is its own, too. Make
    one in the main thread.
    """

    def __init__(self, server: AbstractServer[Any]) -> None:
        super().__init__()
        self._server = server
        self._main = threading.get_ident()
        signal.signal(NUDGE, lambda _number, _frame: None)

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.msg.startswith("Unexpected exit from worker") and self._all_stop())

    def _all_stop(self) -> bool:
        if not all(worker.inner.exitcode in ASKED_TO for worker in tuple(self._server.wrks)):
            return False
        latest = time.monotonic() + LATEST_STOP_SECONDS
        while not self._server.interrupt_signal and time.monotonic() < latest:
            signal.pthread_kill(self._main, NUDGE)  # another thread may have got the signal, which only it handles
            time.sleep(LATEST_STOP_SECONDS / 30)
        return bool(self._server.interrupt_signal)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        if number is signal.SIGKILL:
            log.warning("web worker %s did not stop in time and is killed", pid)
