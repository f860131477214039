"""One loop in one thread that keeps a family of processes alive and ends it in order.

Every child leads a process group of its own, so that Ctrl-C reaches the supervisor alone and the order below holds:
front, workers, tick, outside, engine. A stage is asked to stop when the one before it has ended, or after
`STEP_SECONDS`; whoever is left after the grace time is killed with its group; the engine goes last.
"""

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from platzwart.births import Births, reap_strangers
from platzwart.children import UNUSABLE, Child, Stage, Start, Watched, failures_after, pause_before_restart

GRACE_SECONDS = 10.0
STEP_SECONDS = 3.0
ENGINE_SECONDS = 3.0
LOOK_SECONDS = 0.02
HOLD_BACK_SECONDS = 2.0  # leaves the processors to the web until it is ready, or is late
IDLE_SECONDS = 5.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = logging.getLogger(__name__)


class Supervisor:
    """Runs `children` until a stop signal or until one of them shows that going on is useless.

    `ready` is asked often, once the preparation has succeeded; the first yes calls `announce`. Children with a `fork`
    come from the nursery of `births`, where it is given; with readiness it imports `later` too. Use it from the main
    thread: signals and lifelines belong to it.
    """

    def __init__(
        self,
        children: Sequence[Child],
        environment: Mapping[str, str],
        ready: Callable[[], bool],
        announce: Callable[[], None],
        grace: float = GRACE_SECONDS,
        births: Births | None = None,
        later: Sequence[str] = (),
    ) -> None:
        self._family = [Watched(child) for child in children]
        self._environment = environment
        self._ready, self._announce, self._grace = ready, announce, grace
        self._announced = False
        self._prepared = not any(child.once for child in children)
        self._gate: tuple[int, int] | None = None
        self._births, self._later = births, later
        self._wake: tuple[int, int] = (-1, -1)
        self._stop_asked: list[float] = []
        self._exit_code: int | None = None

    def run(self) -> int:
        """Start all, keep them running, stop all. Returns the exit code: 0 after a stop signal."""
        with self._signals():
            self._gate = None if self._prepared else os.pipe()
            self._start_with(*([*Start] if self._prepared else [Start.AT_ONCE, Start.GATED]))
            try:
                while self._going_on():
                    self._sleep(self._patience())
                    self._look_after()
                    self._look_for_readiness()
            finally:
                self._stop_all()
                self._open_gate()
        return self._exit_code or 0

    def _going_on(self) -> bool:
        return not self._stop_asked and self._exit_code is None

    def _start_with(self, *starts: Start, after: float = 0.0) -> None:
        for watched in self._family:
            if watched.child.start in starts and watched.process is None and not watched.is_expected:
                watched.due_at = time.monotonic() + after

    def _look_after(self) -> None:
        if self._births is not None:
            self._births.arrivals()
        for watched in self._family:
            code = watched.ended()
            if code is not None:
                self._ended(watched, code)
        for watched in self._family:
            if watched.due_at is not None and watched.due_at <= time.monotonic() and self._going_on():
                self._launch(watched)
        self._reap_strangers()

    def _launch(self, watched: Watched) -> None:
        gate = self._gate[0] if self._gate else None
        if self._births is None or watched.child.fork is None:
            watched.launch(self._environment, gate)
        else:
            self._births.ask(watched, self._environment, gate if watched.child.start is Start.GATED else None)

    def _reap_strangers(self) -> None:
        if self._births is not None:
            known = {watched.process.pid for watched in self._family if watched.process is not None}
            reap_strangers(known | {self._births.pid or 0})

    def _ended(self, watched: Watched, code: int) -> None:
        name = watched.child.name
        if watched.child.once and code == 0:
            self._prepared = True
            self._open_gate()
            self._start_with(Start.PREPARED, after=HOLD_BACK_SECONDS)
        elif watched.child.once or code == UNUSABLE:
            log.error("%s cannot go on (exit %d)", name, code)
            self._exit_code = UNUSABLE if code == UNUSABLE else 1
        else:
            now = time.monotonic()
            watched.failures = failures_after(now - watched.started_at, watched.failures)
            pause = pause_before_restart(watched.failures)
            watched.due_at = now + pause
            log.warning("%s ended (exit %d); starting it again in %.1f s", name, code, pause)

    def _look_for_readiness(self) -> None:
        if self._prepared and not self._announced and self._going_on() and self._ready():
            self._announced = True
            self._start_with(Start.PREPARED)
            if self._births is not None:
                self._births.load(self._later)
            self._announce()

    def _open_gate(self) -> None:
        if self._gate is not None:
            for end in self._gate:
                os.close(end)
            self._gate = None

    def _patience(self) -> float:
        if self._prepared and not self._announced:
            return LOOK_SECONDS
        due = [watched.due_at - time.monotonic() for watched in self._family if watched.due_at is not None]
        return max(0.0, min([IDLE_SECONDS, *due]))

    def _stop_all(self) -> None:
        deadline = time.monotonic() + self._grace
        if self._births is not None:
            self._births.close()
        front = [watched for watched in self._family if watched.child.stage is not Stage.ENGINE]
        for stage in sorted({watched.child.stage for watched in front}):
            members = [watched for watched in front if watched.child.stage is stage]
            self._ask(members)
            self._wait_for(members, min(deadline, time.monotonic() + STEP_SECONDS))
        self._wait_for(front, deadline)
        self._kill(front)
        engines = [watched for watched in self._family if watched.child.stage is Stage.ENGINE]
        self._ask(engines)
        self._wait_for(engines, time.monotonic() + ENGINE_SECONDS)
        self._kill(engines)

    @staticmethod
    def _ask(members: Iterable[Watched]) -> None:
        for watched in members:
            watched.ask_to_stop()

    def _wait_for(self, members: Sequence[Watched], deadline: float) -> None:
        while any(watched.running for watched in members) and not self._told_again():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._sleep(min(left, IDLE_SECONDS))

    @staticmethod
    def _kill(members: Iterable[Watched]) -> None:
        for watched in members:
            if watched.running:
                log.warning("%s did not stop in time and is killed", watched.child.name)
            watched.kill_group()

    def _told_again(self) -> bool:
        """A second Ctrl-C, more than a second after the first, ends the waiting."""
        return len(self._stop_asked) > 1 and self._stop_asked[-1] - self._stop_asked[0] > 1

    def _sleep(self, seconds: float) -> None:
        """Wait until a signal (also the end of a child), a birth, or the time is up."""
        sources = [self._wake[0], *(self._births.readable() if self._births is not None else ())]
        if self._wake[0] in select.select(sources, [], [], seconds)[0]:
            os.read(self._wake[0], 4096)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_asked.append(time.monotonic())

    @contextmanager
    def _signals(self) -> Iterator[None]:
        self._wake = os.pipe()
        for end in self._wake:
            os.set_blocking(end, False)
        before = signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        handlers = {number: signal.signal(number, self._on_stop) for number in STOP_SIGNALS}
        handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
            for end in self._wake:
                os.close(end)
