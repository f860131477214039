"""`python -P nursery.py CONTROL …`: imports once what the processes of `up` need, and forks them.

It has one thread, opens neither database nor Redis, makes no engine and builds no application: what a fork inherits is
code. Orders come by the socket CONTROL, one JSON object each with the files that the child is to have; for each of
them the answer is `{"order": …, "pid": …}`, pid 0 where there was none to be had. Between orders it imports what comes
next.

A child is forked twice, so that its parent is the supervisor, which adopts orphans (`platzwart.births`): it sees the
child's end like any other's, and the nursery may die without anybody noticing. A child that nobody was told about ends
at once. Linux only.
"""

import ctypes
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from platzwart.lifeline import die_with

LARGEST_ORDER, MOST_FILES = 1 << 17, 8
ARGUMENTS_AT = 45  # of /proc/self/stat, counted behind the name: where the command line begins and ends


@dataclass(slots=True)
class Nursery:
    """`parent` is the supervisor, `modules` are what to import while there are no orders."""

    control: socket.socket
    parent: int
    modules: list[str] = field(default_factory=list)

    def run(self) -> dict[str, Any] | None:
        """Serve until the supervisor hangs up: None. In a child it returns the order that the child is to carry out."""
        while True:
            if not select.select([self.control], [], [], 0 if self.modules else None)[0]:
                load([self.modules.pop(0)])
                continue
            message, files, _, _ = socket.recv_fds(self.control, LARGEST_ORDER, MOST_FILES)
            if not message:
                return None
            order = json.loads(message)
            self.modules += order.get("later", ())
            if "place" in order:
                name_process("platzwart", "nursery", f"[{order['place']}]")
            if "order" in order and self._bear(order, files):
                return dict(order)
            for file in files:
                os.close(file)

    def _bear(self, order: dict[str, Any], files: list[int]) -> bool:
        """Fork a child for the supervisor. True in the child."""
        load(order["modules"])
        gc.freeze()
        told, tell = os.pipe()
        wait, go = os.pipe()
        middle = _fork()
        if middle == 0:
            child = _fork()
            if child == 0:
                for end in (told, tell, go):
                    os.close(end)
                self._leave(wait)
                place(files, order["files"])
                return True
            if child > 0:
                os.setpgid(child, child)
            os.write(tell, str(child).encode())
            os._exit(0)
        os.close(tell)
        os.close(wait)
        pid = int(os.read(told, 32) or -1)
        os.close(told)
        if middle > 0:
            os.waitpid(middle, 0)
        with suppress(OSError):  # the supervisor is gone; the child will not begin
            self.control.send(json.dumps({"order": order["order"], "pid": max(pid, 0)}).encode())
            if pid > 0:
                os.write(go, b"1")
        os.close(go)
        return False

    def _leave(self, wait: int) -> None:
        """What a newborn child does first: wait until the supervisor was told, then live on a lifeline to it."""
        if not os.read(wait, 1):
            os._exit(0)
        os.close(wait)
        self.control.close()
        die_with(self.parent, signal.SIGTERM)


def place(files: list[int], wanted: list[int]) -> None:
    """Give the files the numbers that they have in the supervisor, where the child is told about them by number."""
    aside = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, max(wanted) + 1) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(aside, wanted, strict=True):
        os.dup2(file, number, inheritable=False)
        os.close(file)


def _fork() -> int:
    """As `os.fork`; -1 where the system has no room for one more."""
    try:
        return os.fork()
    except OSError:
        return -1


def load(modules: Iterable[str]) -> None:
    """Import them. Who needs one that fails finds out for itself, and says so."""
    for module in modules:
        with suppress(Exception):
            import_module(module)


def name_process(*words: str) -> None:
    """What `ps` shows as the command line, as far as there is room where the first one stood."""
    with suppress(OSError, ValueError, IndexError):
        about = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        begin, end = (int(place) for place in about[ARGUMENTS_AT : ARGUMENTS_AT + 2])
        line = os.fsencode("\0".join(words))[: end - begin - 1]
        ctypes.memset(begin, 0, end - begin)
        ctypes.memmove(begin, line, len(line))


def main() -> None:
    parent = os.getppid()
    die_with(parent, signal.SIGKILL)
    gc.disable()  # what it loads stays; children collect for themselves
    control = socket.socket(fileno=int(sys.argv[1]))
    name_process("platzwart", "nursery")
    order = Nursery(control, parent).run()
    if order is None:
        return
    gc.enable()
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["platzwart", *order["arguments"]]
    name_process(*sys.argv, f"[{order['place']}]")
    from platzwart.cli import main as command

    command.main(args=order["arguments"], prog_name="platzwart")


if __name__ == "__main__":
    main()
