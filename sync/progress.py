"""How far a run has come, told to whoever waits for it."""

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    READ = "read"
    APPLY = "apply"


Progress = Callable[[Stage, int, int], None]
"""Stage, how many items more, out of how many. Called by one thread at a time, not always the same."""


def untold(_stage: Stage, _more: int, _total: int) -> None:
    """Nobody waits."""
