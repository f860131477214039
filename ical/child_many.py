"""The reading of many small foreign bodies, one after the other, in one process with limits (SPEC C12).

Started by `sync.many`. Standard input is any number of batches: one line of JSON, {"zone": …, "sizes": […], "at_once":
…}, and the bodies one behind the other. Standard output is one line for each body, as `ical.child` answers. With
`at_once` each comes as soon as it was read: a process that is killed by its limits has answered for all bodies before
the one it died of. Else they come some at a time, which takes both sides less. The limit of CPU is that of one batch.
"""

import gc
import json
import os
import sys

from ical.child import allow, answer_of, limit
from ical.properties import Collector
from ical.reading import read

TOO_MUCH_MEMORY = b'{"refused":"calendar-too-much-memory","values":{}}'
MOST_BATCHES = 1_000


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
            if head["at_once"]:
                sys.stdout.flush()
        sys.stdout.flush()
    os._exit(0)


def _answer(body: bytes, zone: str, collector: Collector) -> bytes:
    try:
        return answer_of(read(body, zone, collector=collector))
    except MemoryError:
        return TOO_MUCH_MEMORY
