"""The reading of many small foreign bodies, one after the other, in one process with limits (SPEC C12).

Started by `sync.many`. Standard input is any number of batches: one line of JSON, {"zone": …, "sizes": […]}, and the
bodies one behind the other. Standard output is one JSON object and a line feed for each body, as `ical.child` answers,
as soon as it was read: a process that is killed by its limits has answered for all bodies before the one it died of.
The limit of CPU is that of one batch.
"""

import gc
import json
import os
import sys

from booking.values.refusals import Refused
from ical.child import MOST_ANSWER, allow, answer_of, limit
from ical.properties import Collector
from ical.reading import read

TOO_MUCH_MEMORY = b'{"refused":"calendar-too-much-memory","values":{}}'
MOST_BATCHES = 1_000
TOO_BIG = b'{"refused":"calendar-too-big","values":{}}'


def main() -> None:
    """Read standard input, write the answers. Arguments as those of `ical.child`."""
    seconds = int(sys.argv[-2])
    limit(seconds, int(sys.argv[-1]), most_seconds=MOST_BATCHES * seconds)
    gc.disable()
    collector = Collector()
    while line := sys.stdin.buffer.readline():
        head = json.loads(line)
        allow(seconds)
        for size in head["sizes"]:
            sys.stdout.buffer.write(_answer(sys.stdin.buffer.read(size), head["zone"], collector) + b"\n")
            sys.stdout.flush()
    os._exit(0)


def _answer(body: bytes, zone: str, collector: Collector) -> bytes:
    try:
        outcome = read(body, zone, collector=collector)
        if isinstance(outcome, Refused):
            reason = outcome.reasons[0]
            return json.dumps({"refused": reason.code, "values": reason.values}).encode()
        answer = json.dumps(answer_of(outcome), separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    except MemoryError:
        return TOO_MUCH_MEMORY
    return answer if len(answer) <= MOST_ANSWER else TOO_BIG
