"""The steps of one item while a plan is applied: what became of each, and of its row."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from booking.values.links import StepState
from sync.settle import Done, failed
from sync.values import ItemLink, Operation, Side


@dataclass(slots=True)
class Group:
    """The steps of one item with their positions in the plan. `row`: what is to be stored of it now; `remote_step`: the
    last one, where it writes there.
    """

    steps: list[tuple[int, Operation]]
    done: Done = field(default_factory=Done)
    row: ItemLink | None = None
    is_skipped: bool = False
    states: dict[int, tuple[StepState, str]] = field(default_factory=dict)
    remote_step: Operation | None = field(init=False)

    def __post_init__(self) -> None:
        last = self.steps[-1][1]
        self.remote_step = last if last.side is Side.REMOTE and last.is_write else None

    @property
    def skipped(self) -> dict[int, tuple[StepState, str]]:
        return {position: (StepState.SKIPPED, "") for position, _ in self.steps}

    def skip(self) -> None:
        self.is_skipped, self.row = True, None
        for position, _ in self.steps:
            self.states.setdefault(position, (StepState.SKIPPED, ""))

    def fail(self, now: datetime, problem: str, wait: timedelta | None = None) -> None:
        """It costs this item alone: its row waits, unless it was new and nothing is known of it yet."""
        step = self.steps[-1][1]
        self.is_skipped = True
        is_new_there = step.row.id is None and step.side is Side.REMOTE
        self.row = None if is_new_there else failed(step.row, now, problem, random.random(), wait)  # noqa: S311 - jitter
        for position, _ in self.steps:
            self.states[position] = (StepState.FAILED, problem)


def groups_of(operations: Sequence[Operation], first: int = 0) -> Iterator[Group]:
    """The steps of an item stand together; they share its row. `first`: the position of the first step."""
    numbered = enumerate(operations, first)
    for _, steps in itertools.groupby(numbered, key=lambda one: id(one[1].row)):
        yield Group(list(steps))
