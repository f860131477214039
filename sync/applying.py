"""A plan, applied: intents first, then our side and theirs, then the rows, some items at a time (SPEC C8, C10).

The order for each item is the one of `sync.settle`. Several items share the transactions and the reading back: our part
of some items in one transaction, what is to be written there in parallel, one reading of it, one transaction for their
rows. Killed anywhere in between, the next plan finds by looking what was done.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from booking.actions import link_runs
from booking.actions.link_runs import Turn
from booking.reads.link_dates import dates_kept
from booking.tables.database import Database
from booking.values.links import StepState
from outside.errors import OutsideError
from sync.gathering import Gathered, Gatherer
from sync.groups import Group, groups_of
from sync.local_steps import LocalSteps
from sync.our_side import APART, Given, OurSide, has_new_times
from sync.progress import Progress, Stage, untold
from sync.remotes.protocol import Quirks
from sync.their_side import TheirSide
from sync.values import Plan, Side
from sync.widening import breathe

log = structlog.get_logger(__name__)

MOST_WRITES = 50
MOST_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: `undone` steps are for the next plan, since somebody was faster or the time was over. `unwritten`:
    so many of those that failed are not taken there.
    """

    here: int = 0
    there: int = 0
    failed: int = 0
    undone: int = 0
    unwritten: int = 0


class Applier:
    def __init__(
        self,
        database: Database,
        turn: Turn,
        clock: Callable[[], datetime],
        point: Callable[[str], None],
        gatherer: Gatherer,
        quirks: Quirks,
        local: LocalSteps,
        progress: Progress = untold,
    ) -> None:
        self.progress = progress
        self.database, self.turn, self.clock, self.point, self.local = database, turn, clock, point, local
        self.ours = OurSide(turn, local)
        self.theirs = TheirSide(turn.link_id, clock, point, gatherer, quirks)
        self.until = clock()
        self.applied = Applied()

    def apply(self, plan: Plan, gathered: Gathered, has_time: Callable[[], bool], first: int = 0) -> Applied:
        """What was done by all calls so far. `first`: the position of the plan's first step in the run.

        Raises LostLeaseError, and an error of `outside.errors` where the server as a whole fails.
        """
        groups = list(groups_of(plan.operations, first))
        for chunk in _chunks(groups):
            if not has_time():
                self._leave(chunk)
                continue
            self._apply(chunk, gathered)
            self.progress(Stage.APPLY, len(chunk), gathered.of or len(groups))
        return self.applied

    def _apply(self, chunk: Sequence[Group], gathered: Gathered) -> None:
        kept, units = self._kept() if has_new_times(chunk) else (0, 0)
        for number, (piece, given) in enumerate(self.ours.pieces(self.clock(), chunk, kept, units)):
            if number:
                breathe()
            self._apply_piece(piece, given, gathered)

    def _kept(self) -> tuple[int, int]:
        """How many dates to come the link keeps, and on how many units."""
        with self.database.read() as session:
            return dates_kept(session, self.turn.link_id, self.clock())

    def _apply_piece(self, chunk: Sequence[Group], given: Given, gathered: Gathered) -> None:
        self._ours(chunk, given, gathered)
        self.point("sync.begun")
        theirs = [group for group in chunk if group.remote_step and not group.is_skipped]
        stopped: OutsideError | None = None
        if theirs:
            stopped = self.theirs.write(theirs, gathered, self.until)
        self._store(chunk, gathered)
        self.point("sync.stored")
        if stopped is not None:
            raise stopped

    def _ours(self, chunk: Sequence[Group], given: Given, gathered: Gathered) -> None:
        """What is done here alone is done and recorded in one transaction; nothing of it is ever only begun."""
        now = self.clock()
        going = [one for one in chunk if one.remote_step]
        begun = {position: (StepState.BEGUN, "") for one in going for position, step in one.steps if step.is_write}

        def work(session: Session, *, together: bool) -> tuple[datetime, list[Group]]:
            until = link_runs.hold_on(session, now, self.turn)
            link_runs.mark_steps(session, now, self.turn, begun)
            tried = self.ours.act(session, now, chunk, gathered, given, together=together)
            done = [one.states for one in tried if not one.remote_step and one.row is None]
            link_runs.mark_steps(session, now, self.turn, _joined(done))
            return until, tried

        try:
            self.until, worked = self.database.write(lambda db: work(db, together=True))
        except APART as error:
            log.warning("steps are tried one by one", link=self.turn.link_id, error=type(error).__name__)
            self.until, worked = self.database.write(lambda db: work(db, together=False))
        for group, done in zip(chunk, worked, strict=True):  # only what was committed counts
            group.done, group.is_skipped, group.states, group.row = done.done, done.is_skipped, done.states, done.row

    def _store(self, chunk: Sequence[Group], gathered: Gathered) -> None:
        now = self.clock()
        open_ = [group for group in chunk if group.remote_step or group.row is not None]

        def work(session: Session) -> list[dict[int, tuple[StepState, str]]]:
            link_runs.hold_on(session, now, self.turn)
            waiting = [(group, group.row) for group in open_ if group.row is not None]
            saved = self.ours.save(session, [row for _, row in waiting], gathered) if waiting else []
            lost = {id(group) for (group, _), is_saved in zip(waiting, saved, strict=True) if not is_saved}
            for group, row in waiting:
                if id(group) not in lost:
                    self.local.note_settled(session, now, group.steps[-1][1].row, row)
            states = [group.skipped if id(group) in lost else group.states for group in open_]
            link_runs.mark_steps(session, now, self.turn, _joined(states))
            return states

        if open_:
            for group, states in zip(open_, self.database.write(work), strict=True):
                group.states = states
        for group in chunk:
            self._count(group)

    def _count(self, group: Group) -> None:
        here = there = 0
        for position, step in group.steps:
            if step.is_write and group.states.get(position, (None, ""))[0] is StepState.DONE:
                here += step.side is Side.LOCAL
                there += step.side is Side.REMOTE
        ends = {state for state, _ in group.states.values()}
        self.applied = Applied(
            self.applied.here + here,
            self.applied.there + there,
            self.applied.failed + (StepState.FAILED in ends),
            self.applied.undone + (StepState.SKIPPED in ends),
            self.applied.unwritten + group.is_unwritten,
        )

    def _leave(self, chunk: Sequence[Group]) -> None:
        """No time is left: the next run plans anew."""
        self.applied = replace(self.applied, undone=self.applied.undone + len(chunk))


def _joined(states: Sequence[Mapping[int, tuple[StepState, str]]]) -> dict[int, tuple[StepState, str]]:
    return dict(itertools.chain(*(one.items() for one in states)))


def _chunks(groups: Iterable[Group]) -> Iterator[list[Group]]:
    chunk: list[Group] = []
    writes = 0
    for group in groups:
        chunk.append(group)
        writes += group.remote_step is not None
        if writes >= MOST_WRITES or len(chunk) >= MOST_ITEMS:
            yield chunk
            chunk, writes = [], 0
    if chunk:
        yield chunk
