"""The steps of one item while a plan is applied: what became of each, and of its row."""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from booking.values.links import UNWRITTEN_ITEM, StepState
from sync.copying import replace
from sync.settle import Done, failed
from sync.values import DeletedBy, ItemLink, LinkState, Operation, Side


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

    @property
    def is_unwritten(self) -> bool:
        """The other side does not take it."""
        return any(
            state is StepState.FAILED and problem.startswith(UNWRITTEN_ITEM) for state, problem in self.states.values()
        )

    def fail(self, now: datetime, problem: str) -> None:
        """It costs this item alone: its row waits, unless it was new there and nothing was tried yet."""
        row = self.steps[-1][1].row
        is_new_there = row.id is None and self.remote_step is not None
        self._failed(None if is_new_there else failed(row, now, problem, random.random()), problem)  # noqa: S311 - jitter

    def fail_there(self, now: datetime, reason: str, href: str, wait: timedelta | None = None) -> None:
        """The other side does not take it: its row waits and says why, also that of a new one, by `href`, where it was
        to lie. What does not lie there is kept as a tombstone until then, since nothing there may be missed or counted.
        """
        row, problem = self.steps[-1][1].row, f"{UNWRITTEN_ITEM}{reason}"
        waiting = failed(row, now, problem, random.random(), wait)  # noqa: S311 - jitter
        if row.id is None:
            waiting = replace(waiting, href=href, state=LinkState.TOMBSTONE, deleted_by=DeletedBy.LOCAL)
        elif row.state is LinkState.TOMBSTONE:
            waiting = replace(waiting, state=LinkState.TOMBSTONE)
        self._failed(waiting, problem)

    def _failed(self, row: ItemLink | None, problem: str) -> None:
        self.is_skipped, self.row = True, row
        for position, _ in self.steps:
            self.states[position] = (StepState.FAILED, problem)


def groups_of(operations: Sequence[Operation], first: int = 0) -> Iterator[Group]:
    """The steps of an item stand together; they share its row. `first`: the position of the first step."""
    numbered = enumerate(operations, first)
    for _, steps in itertools.groupby(numbered, key=lambda one: id(one[1].row)):
        yield Group(list(steps))
