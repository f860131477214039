"""Many small foreign bodies read in few child processes: starting one costs more than reading a hundred (SPEC C12).

A body that takes its child down costs itself alone: those before it were answered, those after it have another child.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice

from booking.values.refusals import Refused
from ical.reading import Reading
from sync.reading import ALLOWANCE, Allowance, child_paths, outcome_of_child

MOST_BODIES = 500
MOST_BYTES = 8_000_000
MOST_DEATHS = 5
"""So many children of one call may die; what is left then is read another time."""

_PROGRAM = "import sys; sys.path += sys.argv[1:-2]; from ical.child_many import main; main()"

Outcome = Reading | Refused


class ManyBodies:
    """Reads bodies. By itself each call has children of its own, which end with it.

    Threads may share it; they wait for one another where they share a child.
    """

    def __call__(self, bodies: Sequence[bytes], zone: str, allowance: Allowance = ALLOWANCE) -> list[Outcome | None]:
        """Each body as `sync.reading.in_child` reads one; None where there was no more patience to read it."""
        with self.kept(allowance) as reader:
            return reader(bodies, zone)

    @contextmanager
    def kept(self, allowance: Allowance = ALLOWANCE) -> Iterator["KeptReader"]:
        """The same for several calls with one child; a call without bodies has it begin to start."""
        reader = KeptReader(allowance)
        try:
            yield reader
        finally:
            reader.close()


class KeptReader:
    """As `ManyBodies`, as long as it is not closed."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __call__(self, bodies: Sequence[bytes], zone: str) -> list[Outcome | None]:
        with self._lock:
            if not bodies:
                self._started()
            return [one for chunk in _chunks(bodies) for one in self._read(chunk, zone)]

    def close(self) -> None:
        if self._child is not None:
            _stop(self._child)
            self._forget()

    def _forget(self) -> int:
        """How it ended."""
        child, self._child = self._child, None
        assert child is not None  # noqa: S101 - whoever asks had one
        with child:
            return child.wait()

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._child is not None and self._child.poll() is not None:  # by no body's doing
            self._forget()
        if self._child is None:
            allowed = (str(self._allowance.cpu), str(self._allowance.memory))
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, *child_paths(), *allowed],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback would carry what is in the bodies
                cwd="/",
                env={},
                start_new_session=True,
            )
        return self._child

    def _read(self, bodies: Sequence[bytes], zone: str) -> list[Outcome | None]:
        """A child that dies may have read more than it answered; so the next one answers each body at once."""
        found: list[Outcome | None] = []
        deaths, at_once = 0, len(bodies) == 1
        while len(found) < len(bodies):
            if deaths >= MOST_DEATHS:
                return found + [None] * (len(bodies) - len(found))
            answers, code = self._ask(bodies[len(found) :], zone, at_once=at_once)
            found += [outcome_of_child(0, answer) for answer in answers]
            if len(found) < len(bodies) and not at_once:
                at_once = True
            elif len(found) < len(bodies):
                deaths += 1
                # the one it died of is first in the next child, so that others' work is not held against it
                found += [] if answers else [outcome_of_child(code or 1, b"")]
        return found

    def _ask(self, bodies: Sequence[bytes], zone: str, *, at_once: bool) -> tuple[list[bytes], int]:
        """The answers that came, and how the child ended where some are missing."""
        child = self._started()
        assert child.stdin is not None  # noqa: S101 - as it was started
        assert child.stdout is not None  # noqa: S101
        asked = {"zone": zone, "sizes": [len(body) for body in bodies], "at_once": at_once}
        head = json.dumps(asked).encode() + b"\n"
        late: list[int] = []
        writer = threading.Thread(target=_write, args=(child.stdin.fileno(), head + b"".join(bodies)), daemon=True)
        watch = threading.Timer(self._allowance.wall, lambda: late.append(_stop(child)))
        writer.start()
        watch.start()
        answers = [line[:-1] for line in islice(child.stdout, len(bodies)) if line.endswith(b"\n")]
        watch.cancel()
        watch.join()
        writer.join()
        if len(answers) == len(bodies) and not late:
            return answers, 0
        code = self._forget()
        return answers, -signal.SIGXCPU if late else code


read_many = ManyBodies()


def _write(pipe: int, what: bytes) -> None:
    """A child that died reads no more; that is told by what it answered."""
    left = memoryview(what)
    with suppress(BrokenPipeError):
        while left:
            left = left[os.write(pipe, left) :]


def _stop(child: "subprocess.Popen[bytes]") -> int:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    return child.pid


def _chunks(bodies: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for end, body in enumerate(bodies):
        if end > start and (end - start >= MOST_BODIES or size + len(body) > MOST_BYTES):
            yield bodies[start:end]
            start, size = end, 0
        size += len(body)
    if start < len(bodies):
        yield bodies[start:]
