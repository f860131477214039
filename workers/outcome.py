"""What became of a duty: done, failed for now, or given up because trying again cannot help."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Done:
    pass


@dataclass(frozen=True, slots=True)
class Failed:
    """Try again later; `wait` where the other side named a time. `error` holds nothing secret."""

    error: str
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """It is somebody else's turn; not a try. `why` is what people read of it meanwhile."""

    wait: timedelta
    why: str = ""


@dataclass(frozen=True, slots=True)
class GaveUp:
    error: str


Outcome = Done | Failed | Waiting | GaveUp


class LostTurnError(Exception):
    """Another worker has this by now: nothing more may be called or written for it."""
