"""Foreign calendars are read in a child process with limits, killed whole when it passes them (SPEC C9, C12).

What the parent does with a foreign body is linear in its bytes: limits, cut into blocks, compare digests. Only what
changed since the last time goes to the child, so that a poll costs what changed.

Codes of a refusal, beside those of `ical.limits` and calendar-none: calendar-too-slow, calendar-too-much-memory,
calendar-reader-failed (with `exit`).
"""

import json
import os
import signal
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import ical
from booking.values.refusals import Reason, Refused, refused
from ical.blocks import Block, Blocks, selection, split
from ical.child import outcome_of
from ical.limits import LIMITS, Limits
from ical.problems import OF_THE_FILE, Problem
from ical.reading import Reading, of_the_file, read_blocks

_PROGRAM = "import sys; sys.path += sys.argv[1:-2]; from ical.child import main; main()"
_SMALL_HEAD = 64 * 1024
_NOTHING_KNOWN: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one reading may cost: seconds of CPU and by the clock, bytes of memory over those of an empty process."""

    cpu: int = 5
    wall: float = 10.0
    memory: int = 200 * 1024 * 1024


ALLOWANCE = Allowance()


@dataclass(frozen=True, slots=True)
class Poll:
    """A file, of which only what was not known was read. `digests` has each UID of the file, known or not.

    A UID that is in neither `digests` nor `reading.lost` is not in the file, if `reading.is_complete`.
    """

    reading: Reading
    digests: Mapping[str, str]


def read_foreign(
    body: bytes,
    zone: str,
    known: Collection[str] = _NOTHING_KNOWN,
    limits: Limits = LIMITS,
    allowance: Allowance = ALLOWANCE,
) -> Poll | Refused:
    """Read a foreign file into the calendar whose zone is *zone*, an Olson name; never raises for what is in the body.

    *known* are the digests of blocks that need not be read again. Lines in problems are those of the body.
    """
    blocks = split(body, limits)
    if isinstance(blocks, Refused):
        return blocks
    known = known if isinstance(known, (set, frozenset)) else frozenset(known)
    chosen = [block for block in blocks.events if block.digest not in known]
    digests = MappingProxyType({block.uid: block.digest for block in blocks.events})
    if not chosen and len(blocks.head) <= _SMALL_HEAD:
        return Poll(read_blocks(blocks, (), zone, limits), digests)
    outcome = in_child(selection(blocks, chosen), zone, allowance)
    if isinstance(outcome, Refused):
        return outcome
    return Poll(_of_the_body(outcome, blocks, chosen, limits), digests)


def in_child(body: bytes, zone: str, allowance: Allowance = ALLOWANCE) -> Reading | Refused:
    """Read a body in a child process. Its default limits are those of `ical.limits`.

    Raises OSError where no process can be started.
    """
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, *child_paths(), str(allowance.cpu), str(allowance.memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback would carry what is in the body
        cwd="/",
        env={},
        start_new_session=True,
    )
    with child:
        try:
            answer, _ = child.communicate(json.dumps({"zone": zone}).encode() + b"\n" + body, timeout=allowance.wall)
        except subprocess.TimeoutExpired:
            return refused("calendar-too-slow")
        finally:
            if child.returncode is None:
                os.killpg(child.pid, signal.SIGKILL)
    return outcome_of_child(child.returncode, answer)


def outcome_of_child(code: int, answer: bytes) -> Reading | Refused:
    """What a child found, by how it ended and what it answered."""
    if code == -signal.SIGXCPU:
        return refused("calendar-too-slow")
    if code == -signal.SIGKILL:  # not by us: the system ran out of memory
        return refused("calendar-too-much-memory")
    if code:
        return _failed(code)
    try:
        return outcome_of(answer)
    except (ValueError, KeyError, TypeError):
        return _failed(code)


def _failed(code: int) -> Refused:
    return Refused((Reason("calendar-reader-failed", None, {"exit": code}),))


def child_paths() -> list[str]:
    """Where modules are found: the child starts without looking for them itself, which halves the time it takes."""
    ours = str(Path(ical.__file__).parents[1])
    return list(dict.fromkeys([ours, *(path for path in sys.path if Path(path).is_absolute())]))


def _of_the_body(reading: Reading, blocks: Blocks, chosen: list[Block], limits: Limits) -> Reading:
    """The reading of a selection as one of the whole body: its lines, its own problems, and whether it is whole."""
    starts, places = _layout(blocks, chosen)
    ours = of_the_file(blocks)
    theirs = [problem for problem in reading.problems if problem.code not in OF_THE_FILE]
    problems = [*ours, *(_placed(problem, starts, places, blocks) for problem in theirs)]
    return replace(
        reading,
        problems=tuple(problems[: limits.problems]),
        further=reading.further + max(0, len(problems) - limits.problems),
        is_whole=blocks.is_whole,
        lost=reading.lost | {problem.uid for problem in ours if problem.is_loss},
    )


def _layout(blocks: Blocks, chosen: list[Block]) -> tuple[list[int], list[int]]:
    """For each event of a selection its first line there, from 1, and where it is in the unfolded body."""
    line = selection(blocks, ()).count(b"\n")  # that of the END, in whose place the first event comes
    starts: list[int] = []
    places: list[int] = []
    for block in chosen:
        for start, piece in zip(block.starts, block.pieces, strict=True):
            starts.append(line)
            places.append(start)
            line += piece.count(b"\n") + 1
    return starts, places


def _placed(problem: Problem, starts: list[int], places: list[int], blocks: Blocks) -> Problem:
    index = bisect_right(starts, problem.line) - 1
    if not problem.line or index < 0:
        return problem
    return replace(problem, line=blocks.lines.number(places[index], problem.line - starts[index]))
