"""The supervisor's end of the nursery: orders go out, children arrive that are the supervisor's own.

`up` starts the nursery before it has read its own settings, so that one imports while the other furnishes the house.

Linux only; elsewhere, where forking a process that has loaded so much is no safe thing to do, every child is started
by its command.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.settings import PREFIX
from platzwart.children import GATE_VARIABLE, Watched

PROGRAM = Path(__file__).with_name("nursery.py")
PR_SET_CHILD_SUBREAPER = 36
AVAILABLE = sys.platform == "linux"
ROOM = "-" * 200  # a child's command line is written over the nursery's


@dataclass(slots=True)
class Born:
    """A child that the nursery forked, with what `subprocess.Popen` would offer."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self._note(os.WNOHANG)
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self._note(0)
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _note(self, options: int) -> None:
        pid, status = os.waitpid(self.pid, options)
        if pid:
            self.returncode = os.waitstatus_to_exitcode(status)


def begin(modules: Iterable[str]) -> "Births | None":
    """A nursery that imports these at once; None where nothing is forked."""
    return Births(modules) if AVAILABLE else None


class Births:
    """One nursery, which begins by importing `modules`, and who was asked of it. Use it from the main thread."""

    def __init__(self, modules: Iterable[str]) -> None:
        self._modules = tuple(modules)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._asked: dict[int, Watched] = {}
        self._orders = 0
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)
        self._open()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def readable(self) -> tuple[int, ...]:
        """What to wait for, besides signals."""
        return (self._control.fileno(),) if self._control is not None else ()

    def ask(self, watched: Watched, environment: Mapping[str, str], gate: int | None) -> None:
        """Order a child; it comes with a later `arrivals`. A nursery that is gone is replaced."""
        assert watched.child.fork is not None  # noqa: S101 - narrows the type; whoever asks has looked
        if self._control is None:
            self._open()
        self._orders += 1
        self._asked[self._orders] = watched
        files = (*watched.child.fds, *(() if gate is None else (gate,)))
        self._send(
            {
                "order": self._orders,
                "arguments": watched.child.fork.arguments,
                "modules": watched.child.fork.modules,
                "environment": {**environment, **({} if gate is None else {GATE_VARIABLE: str(gate)})},
                "place": environment.get(PREFIX + "DATA_DIR", ""),
                "files": files,
            },
            files,
        )
        watched.asked()

    def load(self, modules: Iterable[str]) -> None:
        """Let it import these too while nobody asks for a child: this nursery, and one that takes its place."""
        more = tuple(modules)
        self._modules += more
        self._send({"later": more})

    def arrivals(self, seconds: float = 0) -> None:
        """Hand over the children that were born, and give back the orders of a nursery that is gone."""
        while self._control is not None and select.select([self._control], [], [], seconds)[0]:
            try:
                message = self._control.recv(4096)
            except OSError:
                message = b""
            if not message:
                self._bury()
                return
            answer = json.loads(message)
            watched = self._asked.pop(answer["order"])
            watched.born(Born(answer["pid"]) if answer["pid"] else None)

    def close(self) -> None:
        """End the nursery; who was born until now is handed over."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        while self._control is not None:
            self.arrivals(1)

    def _open(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-P", str(PROGRAM), str(theirs.fileno()), ROOM),
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,
            )
        self._send({"later": self._modules})

    def _send(self, order: Mapping[str, object], files: Sequence[int] = ()) -> None:
        """What cannot be sent to a nursery that is gone is noticed when its answers are read."""
        with suppress(OSError):
            if self._control is not None:
                socket.send_fds(self._control, [json.dumps(order).encode()], files)

    def _bury(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
        lost, self._asked = self._asked, {}
        for watched in lost.values():
            watched.born(None)


def reap_strangers(known: set[int]) -> None:
    """Orphans come to the process that adopts: take note of the end of all that are none of the known."""
    with suppress(ChildProcessError):
        while found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if found.si_pid in known:
                return
            os.waitpid(found.si_pid, 0)
