"""What the supervisor starts: the description of a child process, and one that runs."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol

from platzwart.lifeline import command_line

GATE_VARIABLE = "PLATZWART_GATE_FD"
STEADY_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
UNUSABLE = 2


class Stage(IntEnum):
    """Stop order: what takes in work stops first, what keeps the data stops last."""

    FRONT = 0
    WORKERS = 1
    TICK = 2
    OUTSIDE = 3
    ENGINE = 4


class Start(Enum):
    """When a child starts. GATED ones start at once, load, and wait until the preparation has succeeded."""

    AT_ONCE = "at once"
    GATED = "gated"
    PREPARED = "prepared"


@dataclass(frozen=True, slots=True)
class Fork:
    """A child that is `platzwart` with these arguments, and what it imports anyway."""

    arguments: tuple[str, ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep running; with `once` it is the preparation, which runs to its end and must succeed.

    With `fork` it comes from the nursery, where there is one; else by its command.
    """

    name: str
    command: tuple[str, ...]
    stage: Stage
    start: Start = Start.PREPARED
    once: bool = False
    fds: tuple[int, ...] = ()
    fork: Fork | None = None


class Process(Protocol):
    """As much of `subprocess.Popen` as a supervisor needs."""

    pid: int

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def send_signal(self, number: int, /) -> None: ...


@dataclass(slots=True)
class Watched:
    """A child as the supervisor sees it: `due_at` (monotonic seconds) says when it is to be started, if at all.

    `is_expected`: the nursery was asked for it.
    """

    child: Child
    process: Process | None = None
    started_at: float = 0.0
    failures: int = 0
    due_at: float | None = None
    is_expected: bool = False

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def launch(self, environment: Mapping[str, str], gate: int | None) -> None:
        """Start the process in a group of its own, on a lifeline to this process.

        Call it from the main thread: the kernel ties the lifeline to the thread that forks.
        """
        gated = self.child.start is Start.GATED and gate is not None
        fds = (*self.child.fds, gate) if gated and gate is not None else self.child.fds
        self.process = subprocess.Popen(
            command_line(os.getpid(), self.child.command),
            env={**environment, GATE_VARIABLE: str(gate)} if gated else dict(environment),
            stdin=subprocess.DEVNULL,
            pass_fds=fds,
            process_group=0,
        )
        self.started_at, self.due_at = time.monotonic(), None

    def asked(self) -> None:
        self.due_at, self.is_expected = None, True

    def born(self, process: Process | None) -> None:
        """What the nursery answered; without a process it is asked again after a while."""
        self.process, self.is_expected, self.started_at = process, False, time.monotonic()
        self.due_at = None if process is not None else self.started_at + FIRST_PAUSE

    def ask_to_stop(self) -> None:
        if self.process is not None and self.running:
            self.process.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """SIGKILL the process and whatever it left in its group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ended(self) -> int | None:
        """Exit code of a process that has just ended, once; its group is swept."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.kill_group()
        self.process = None
        return code


def pause_before_restart(failures: int) -> float:
    """Seconds to wait before a child that failed `failures` times in a row (1 or more) is started again."""
    return float(min(FIRST_PAUSE * 2.0 ** (min(failures, 16) - 1), LONGEST_PAUSE))


def failures_after(lived: float, failures: int) -> int:
    """Count of failures in a row after one more end; a child that lived for a while starts a new row."""
    return 1 if lived >= STEADY_SECONDS else failures + 1


def wait_for_gate(environment: Mapping[str, str]) -> None:
    """Block until the preparation has succeeded, where this process was started GATED. Read once."""
    if value := environment.get(GATE_VARIABLE):
        with os.fdopen(int(value), "rb") as gate:
            gate.read()
