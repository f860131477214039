"""How a run divides its time, and holds its lease: listing, reading, then doing what comes of it (SPEC C12)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

LISTING, READING = 0.4, 0.6
"""Of the time of a run: until when it lists, and until when it reads at all."""
JUST_TAKEN = 3.0


@dataclass(frozen=True, slots=True)
class RunTime:
    """`seconds` in all, from now on. `hold_on` renews the lease, or raises where it is another's; none of the pieces
    that are asked for here may outlast it.
    """

    seconds: float
    hold_on: Callable[[], object]
    begin: float = field(default_factory=time.monotonic)

    def is_left(self) -> bool:
        return self._left(1) > 0

    def patience(self) -> bool:
        """Before each piece of reading: the lease is renewed, and time is kept for doing what comes of it."""
        self.hold_on()
        return self._left(READING) > 0

    def listing(self) -> float:
        """Before each listing, for how many seconds it may go on: time is kept for reading what it names, so that each
        run comes further than the one before it. A lease that was just taken is as good as a renewed one.
        """
        if time.monotonic() - self.begin > JUST_TAKEN:
            self.hold_on()
        return self._left(LISTING)

    def _left(self, part: float) -> float:
        return self.begin + part * self.seconds - time.monotonic()
