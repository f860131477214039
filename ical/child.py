"""The reading of one foreign calendar in a process of its own, which may die of it (SPEC C12).

Started by `sync.reading`, with the limits as arguments. Standard input is one line of JSON, {"zone": …}, and the body;
standard output one JSON object, either the reading or {"refused": code, "values": {…}}. Behind that of a reading comes
the canonical text of each of its items, each after a tab, which no JSON holds: so it is neither written nor read twice.
A process that is killed by its limits answers nothing. Imports little, since it is started for each file.
"""

import gc
import json
import os
import resource
import sys
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from booking.values.refusals import Reason, Refused
from ical.canon import canon, digest, item_told
from ical.problems import Code, Problem
from ical.reading import Reading, read

MOST_ANSWER = 64 * 1024 * 1024
_NOTHING: tuple[Any, ...] = (), True, {}, [], 0, "", "", "", None
_NAMES = ("problems", "is_whole", "zones", "lost", "further", "name", "zone", "method", "refresh")
_USUAL = dict(zip(_NAMES, _NOTHING, strict=True))
_encoded = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_decoded = json.JSONDecoder().decode


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
    return answer_of(read(sys.stdin.buffer.read(), head["zone"]))


def answer_of(outcome: Reading | Refused) -> bytes:
    """A reading or a refusal as one line, without its end. What is as usual is left out."""
    if isinstance(outcome, Refused):
        reason = outcome.reasons[0]
        return _encoded({"refused": reason.code, "values": reason.values}).encode(errors="replace")
    found = {
        "problems": [[problem.code, problem.uid, problem.line, problem.found] for problem in outcome.problems] or (),
        "is_whole": outcome.is_whole,
        "zones": dict(outcome.zones),
        "lost": sorted(outcome.lost),
        "further": outcome.further,
        "name": outcome.name,
        "zone": outcome.zone,
        "method": outcome.method,
        "refresh": outcome.refresh.total_seconds() if outcome.refresh else None,
    }
    told: dict[str, Any] = {name: value for name, value in found.items() if value != _USUAL[name]}
    told["events"] = outcome.events
    told["items"] = [digest(item) for item in outcome.items]
    answer = "\t".join([_encoded(told), *[canon(item) for item in outcome.items]]).encode(errors="replace")
    return answer if len(answer) <= MOST_ANSWER else b'{"refused":"calendar-too-big","values":{}}'


def outcome_of(answer: bytes) -> Reading | Refused:
    """The reading or the refusal that an answer tells. Raises ValueError, KeyError, TypeError where it is none."""
    told, *texts = answer.decode().split("\t")
    found = _decoded(told)
    if "refused" in found:
        return Refused((Reason(found["refused"], None, found["values"]),))
    found = _USUAL | found
    refresh = found["refresh"]
    return Reading(
        items=tuple([item_told(text, known) for text, known in zip(texts, found["items"], strict=True)]),
        problems=tuple([Problem(Code(code), uid, line, what) for code, uid, line, what in found["problems"]]),
        is_whole=found["is_whole"],
        zones=MappingProxyType(found["zones"]),
        lost=frozenset(found["lost"]),
        further=found["further"],
        events=found["events"],
        name=found["name"],
        zone=found["zone"],
        method=found["method"],
        refresh=timedelta(seconds=refresh) if refresh is not None else None,
    )
