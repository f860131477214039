"""Many small foreign bodies read in few child processes: starting one costs more than reading a hundred (SPEC C12).

A body that takes its child down costs itself alone: those before it were answered, those after it have another child.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

from booking.values.refusals import Refused
from ical.reading import Reading
from sync.reading import ALLOWANCE, Allowance, child_paths, outcome_of_child

MOST_BODIES = 400
MOST_BYTES = 8_000_000
MOST_DEATHS = 5
"""So many children of one call may die; what is left then is read another time."""

_PROGRAM = "import sys; sys.path += sys.argv[1:-2]; from ical.child_many import main; main()"

Outcome = Reading | Refused


def read_many(bodies: Sequence[bytes], zone: str, allowance: Allowance = ALLOWANCE) -> list[Outcome | None]:
    """Each body as `sync.reading.in_child` reads one; None where there was no more patience to read it."""
    found: list[Outcome | None] = []
    deaths = 0
    for chunk in _chunks(bodies):
        done: list[Outcome | None] = []
        while len(done) < len(chunk):
            if deaths >= MOST_DEATHS:
                done += [None] * (len(chunk) - len(done))
                break
            answers, code = _ask(chunk[len(done) :], zone, allowance)
            done += [outcome_of_child(0, answer) for answer in answers]
            if len(done) < len(chunk):
                deaths += 1
                # the one it died of is first in the next child, so that others' work is not held against it
                done += [] if answers else [outcome_of_child(code or 1, b"")]
        found += done
    return found


def _chunks(bodies: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for end, body in enumerate(bodies):
        if end > start and (end - start >= MOST_BODIES or size + len(body) > MOST_BYTES):
            yield bodies[start:end]
            start, size = end, 0
        size += len(body)
    if start < len(bodies):
        yield bodies[start:]


def _ask(bodies: Sequence[bytes], zone: str, allowance: Allowance) -> tuple[list[bytes], int]:
    """The answers that came, and how the child ended."""
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, *child_paths(), str(allowance.cpu), str(allowance.memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback would carry what is in the bodies
        cwd="/",
        env={},
        start_new_session=True,
    )
    head = json.dumps({"zone": zone, "sizes": [len(body) for body in bodies]}).encode() + b"\n"
    with child:
        try:
            answer, _ = child.communicate(head + b"".join(bodies), timeout=allowance.wall)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            answer, _ = child.communicate()
            return _lines(answer), -signal.SIGXCPU
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
    return _lines(answer), child.returncode


def _lines(answer: bytes) -> list[bytes]:
    """The answers that are whole."""
    return answer.split(b"\n")[:-1]
