"""The reading of one foreign calendar in a process of its own, which may die of it (SPEC C12).

Started by `sync.reading`, with the limits as arguments. Standard input is one line of JSON, {"zone": …}, and the body;
standard output one JSON object, either the reading or {"refused": code, "values": {…}}. A process that is killed by
its limits answers nothing. Imports little, since it is started for each file.
"""

import gc
import json
import os
import resource
import sys
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from booking.values.refusals import Reason, Refused
from ical.canon import canon, digest, item_told
from ical.problems import Code, Problem
from ical.reading import Reading, read

MOST_ANSWER = 64 * 1024 * 1024


def main() -> None:
    """Read standard input, write the answer. Arguments, the last two: seconds of CPU, bytes of memory over the base."""
    limit(int(sys.argv[-2]), int(sys.argv[-1]))
    gc.disable()  # it lives shorter than a collection is worth; the memory is limited
    try:
        answer = _answer()
    except MemoryError:
        answer = b'{"refused":"calendar-too-much-memory","values":{}}'
    sys.stdout.buffer.write(answer)
    sys.stdout.flush()
    os._exit(0)  # without tidying up what is gone in any case


def limit(seconds: int, memory: int, most_seconds: int = 0) -> None:
    """Limit this process for good: CPU, memory over what it has now, no files, no core.

    `allow` may move the limit of CPU up to `most_seconds`.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, max(seconds, most_seconds) + 1))
    base = _size()
    resource.setrlimit(resource.RLIMIT_AS, (base + memory, base + memory))


def allow(seconds: int) -> None:
    """So many more seconds of CPU from now on, rounded up."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CPU, (min(int(used.ru_utime + used.ru_stime) + 1 + seconds, most - 1), most))


def _size() -> int:
    """The address space in use; nothing where the system does not tell, and all of the limit is for the reading."""
    try:
        with open("/proc/self/statm", encoding="ascii") as pages:  # noqa: PTH123 - pathlib costs its import
            return int(pages.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _answer() -> bytes:
    head = json.loads(sys.stdin.buffer.readline())
    outcome = read(sys.stdin.buffer.read(), head["zone"])
    if isinstance(outcome, Refused):
        reason = outcome.reasons[0]
        return json.dumps({"refused": reason.code, "values": reason.values}).encode()
    answer = json.dumps(answer_of(outcome), separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    return answer if len(answer) <= MOST_ANSWER else b'{"refused":"calendar-too-big","values":{}}'


def answer_of(reading: Reading) -> dict[str, Any]:
    """A reading as values for JSON."""
    return {
        "items": [[canon(item), digest(item)] for item in reading.items],
        "problems": [[problem.code, problem.uid, problem.line, problem.found] for problem in reading.problems],
        "is_whole": reading.is_whole,
        "zones": dict(reading.zones),
        "lost": sorted(reading.lost),
        "further": reading.further,
        "events": reading.events,
        "name": reading.name,
        "zone": reading.zone,
        "method": reading.method,
        "refresh": reading.refresh.total_seconds() if reading.refresh else None,
    }


def outcome_of(answer: Mapping[str, Any]) -> Reading | Refused:
    """The reading or the refusal that an answer tells. Raises ValueError, KeyError, TypeError where it is none."""
    if "refused" in answer:
        return Refused((Reason(answer["refused"], None, answer["values"]),))
    problems = [Problem(Code(code), uid, line, found) for code, uid, line, found in answer["problems"]]
    return Reading(
        items=tuple([item_told(text, its_digest) for text, its_digest in answer["items"]]),
        problems=tuple(problems),
        is_whole=answer["is_whole"],
        zones=MappingProxyType(answer["zones"]),
        lost=frozenset(answer["lost"]),
        further=answer["further"],
        events=answer["events"],
        name=answer["name"],
        zone=answer["zone"],
        method=answer["method"],
        refresh=timedelta(seconds=answer["refresh"]) if answer["refresh"] is not None else None,
    )
