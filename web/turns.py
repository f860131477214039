"""Who wants to write the same thing takes turns within the process, before a transaction is begun.

The database's own locks decide; they would let each of them begin, wait, look and give up. Who waited here looks
again without a lock, and mostly finds that somebody was faster (docs/decisions/0008).
"""

import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LONGEST = 4.0  # after that the database decides, which gives up by itself


@dataclass(slots=True)
class _Line:
    lock: threading.Lock = field(default_factory=threading.Lock)
    people: int = 0


class Turns:
    """One line for each thing, as long as somebody stands in it."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._lines: dict[Hashable, _Line] = {}
        self._guard = threading.Lock()

    @contextmanager
    def held(self, thing: Hashable) -> Iterator[bool]:
        """One at a time, or whoever waited for too long. Yields whether there was anybody to wait for."""
        with self._guard:
            line = self._lines.setdefault(thing, _Line())
            line.people += 1
        waited = not line.lock.acquire(blocking=False)
        has_turn = not waited or line.lock.acquire(timeout=self._longest)
        try:
            yield waited
        finally:
            if has_turn:
                line.lock.release()
            with self._guard:
                line.people -= 1
                if line.people == 0:
                    del self._lines[thing]

    def __len__(self) -> int:
        return len(self._lines)
