"""A plan, applied: intents first, then our side and theirs, then the rows, some items at a time (SPEC C8, C10).

The order for each item is the one of `sync.settle`. Several items share the transactions and the reading back: our part
of some items in one transaction, what is to be written there in parallel, one reading of it, one transaction for their
rows. Killed anywhere in between, the next plan finds by looking what was done.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actions import link_runs
from booking.actions.link_runs import Turn
from booking.tables.database import Database
from booking.values.links import StepState
from ical.item_writer import write_item
from outside.errors import OutsideError, SiteThrottled, Unreachable
from sync.content import same
from sync.gathering import Gathered, Gatherer
from sync.local_steps import LocalSteps
from sync.remotes.protocol import Quirks, Remote, Resource, WriteOutcome, Written
from sync.settle import Done, failed, settle
from sync.store import stored_of
from sync.values import ItemLink, Kind, Operation, Plan, Side

log = structlog.get_logger(__name__)

MOST_WRITES = 50
MOST_ITEMS = 200
MOST_FAILURES = 5
"""In a row: then it is the server that fails, not one item."""
MARGIN = timedelta(seconds=12)
"""Longer than one call may take: no call is begun that could outlast the lease."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done: `undone` steps are for the next plan, since somebody was faster or the time was over."""

    here: int = 0
    there: int = 0
    failed: int = 0
    undone: int = 0


@dataclass(slots=True)
class Group:
    """The steps of one item with their positions in the plan. `row`: what is to be stored of it now."""

    steps: list[tuple[int, Operation]]
    done: Done = field(default_factory=Done)
    row: ItemLink | None = None
    is_skipped: bool = False
    states: dict[int, tuple[StepState, str]] = field(default_factory=dict)

    @property
    def remote_step(self) -> Operation | None:
        last = self.steps[-1][1]
        return last if last.is_write and last.side is Side.REMOTE else None

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
    ) -> None:
        self.database, self.turn, self.clock, self.point = database, turn, clock, point
        self.gatherer, self.quirks, self.local = gatherer, quirks, local
        self.remote: Remote = gatherer.remote
        self.until = clock()
        self.failures = 0
        self.applied = Applied()

    def apply(self, plan: Plan, gathered: Gathered, has_time: Callable[[], bool]) -> Applied:
        """Raises LostLeaseError, and an error of `outside.errors` where the server as a whole fails."""
        for chunk in _chunks(_groups(plan.operations)):
            if not has_time():
                self._leave(chunk)
                continue
            self._apply(chunk, gathered)
        return self.applied

    def _apply(self, chunk: Sequence[Group], gathered: Gathered) -> None:
        self._ours(chunk, gathered)
        self.point("sync.begun")
        theirs = [group for group in chunk if group.remote_step and not group.is_skipped]
        stopped: OutsideError | None = None
        if theirs:
            stopped = self._theirs(theirs, gathered)
        self._store(chunk, gathered)
        self.point("sync.stored")
        if stopped is not None:
            raise stopped

    def _ours(self, chunk: Sequence[Group], gathered: Gathered) -> None:
        now = self.clock()

        def work(session: Session) -> tuple[datetime, list[Group]]:
            until = link_runs.hold_on(session, now, self.turn)
            begun = {position: (StepState.BEGUN, "") for one in chunk for position, step in one.steps if step.is_write}
            link_runs.mark_steps(session, now, self.turn, begun)
            return until, [self._one_of_ours(session, now, one, gathered) for one in chunk]

        self.until, worked = self.database.write(work)
        for group, done in zip(chunk, worked, strict=True):  # only what was committed counts
            group.done, group.is_skipped, group.states, group.row = done.done, done.is_skipped, done.states, done.row

    def _one_of_ours(self, session: Session, now: datetime, group: Group, gathered: Gathered) -> Group:
        """Our part of one item, row and all where nothing is to be done there; it fails alone."""
        tried = Group(group.steps)
        part = session.begin_nested()
        try:
            for position, step in group.steps:
                if step is group.remote_step:
                    self.local.note_conflicts(session, now, step, gathered.local)
                    break
                self._local_step(session, now, tried, position, step, gathered)
                if tried.is_skipped:
                    break
        except (ValueError, LookupError, IntegrityError) as error:
            log.warning("a step failed", link=self.turn.link_id, error=type(error).__name__)
            part.rollback()
            tried = Group(group.steps)
            tried.fail(now, type(error).__name__)
            return tried
        if tried.is_skipped:
            part.rollback()
            tried.states = group.skipped
        else:
            part.commit()
        return tried

    def _local_step(
        self, session: Session, now: datetime, group: Group, position: int, step: Operation, gathered: Gathered
    ) -> None:
        done = self.local.act(session, now, step, group.done, gathered.local)
        if done is None:
            group.skip()
            return
        group.done = done.done
        if done.after is not None:
            row = settle(done.after, group.done)
            if not all(self._save(session, [row], gathered)):
                group.skip()
                return
            self.local.note_settled(session, now, step.row, row)
        group.states[position] = (StepState.DONE, "")

    def _save(self, session: Session, rows: Sequence[ItemLink], gathered: Gathered) -> list[bool]:
        versions = gathered.versions
        stored = [stored_of(row, versions.get(row.id, 0) if row.id is not None else 0) for row in rows]
        return link_runs.save_rows(session, self.turn, stored)

    def _theirs(self, groups: Sequence[Group], gathered: Gathered) -> OutsideError | None:
        """Write, read back, settle. Returns what stopped it, so that what was done is stored first."""
        stopped: list[OutsideError] = []
        previous = self._previous(groups, gathered)

        def work(group: Group) -> Written | None:
            return self._write(group, previous, stopped)

        if self.remote.parallel > 1 and len(groups) > 1:
            with ThreadPoolExecutor(self.remote.parallel) as pool:
                written = list(pool.map(work, groups))
        else:
            written = [work(group) for group in groups]
        self._read_back([(group, one) for group, one in zip(groups, written, strict=True) if one is not None])
        return stopped[0] if stopped else None

    def _previous(self, groups: Sequence[Group], gathered: Gathered) -> Mapping[str, bytes]:
        """What lies at the addresses that are written over: what others had added to it stays."""
        updates = [step.row.href for group in groups if (step := group.remote_step) and step.kind is Kind.UPDATE]
        missing = [href for href in updates if href not in gathered.bodies]
        fetched = self.remote.fetch(missing) if missing else ()
        return {**gathered.bodies, **{one.href: one.body for one in fetched}}

    def _write(self, group: Group, previous: Mapping[str, bytes], stopped: list[OutsideError]) -> Written | None:
        """None where it was not done."""
        if stopped or self.clock() + MARGIN > self.until:
            group.skip()
            return None
        try:
            written = self._call(group, previous)
        except (SiteThrottled, Unreachable) as error:
            stopped.append(error)
            group.skip()
            return None
        except OutsideError as error:
            self._note_failure(group, error, stopped)
            return None
        except (ValueError, LookupError) as error:  # what cannot be written down
            group.fail(self.clock(), type(error).__name__)
            return None
        self.failures = 0
        if written is None:
            group.skip()
        self.point("sync.wrote")
        return written

    def _note_failure(self, group: Group, error: OutsideError, stopped: list[OutsideError]) -> None:
        log.warning("an item could not be written", link=self.turn.link_id, error=type(error).__name__)
        wait = timedelta(seconds=error.retry_after) if error.retry_after else None
        group.fail(self.clock(), type(error).__name__, wait)
        self.failures += 1
        if self.failures >= MOST_FAILURES:
            stopped.append(error)

    def _call(self, group: Group, previous: Mapping[str, bytes]) -> Written | None:
        """None where somebody was faster: nothing is stored, and the next plan looks again."""
        step = group.steps[-1][1]
        href = step.row.href or self.remote.href_for(step.row.uid)
        if not self._is_guarded(step) and not self._stands(step, href):
            return None
        if step.kind is Kind.DELETE:
            written = self.remote.delete(href, step.expected_etag)
            return None if written.outcome is WriteOutcome.CLASHED else written
        assert step.payload is not None  # noqa: S101 - creations and changes have one
        item = replace(step.payload, uid=step.row.uid)
        if step.kind is Kind.CREATE:
            written = self.remote.create(href, write_item(item, self.clock()))
        else:
            body = write_item(item, self.clock(), previous.get(href))
            written = self.remote.update(href, body, step.expected_etag)
        return written if written.outcome is WriteOutcome.DONE else None

    def _is_guarded(self, step: Operation) -> bool:
        if step.kind is Kind.CREATE:
            return self.quirks.creates_guarded
        etag = step.expected_etag
        return self.quirks.updates_guarded and etag is not None and not etag.startswith("W/")

    def _stands(self, step: Operation, href: str) -> bool:
        """Where the server guards nothing: does it still hold what the plan saw? A stated race."""
        found = self.remote.fetch([href])
        if step.kind is Kind.CREATE or not found:
            return not found if step.kind is Kind.CREATE else step.kind is Kind.DELETE
        (read,) = self.gatherer.read(found) or (None,)
        return read is not None and step.theirs is not None and same(read.item, step.theirs)

    def _read_back(self, written: Sequence[tuple[Group, Written]]) -> None:
        wanted: dict[str, tuple[Group, Written]] = {}
        for group, one in written:
            step = group.steps[-1][1]
            href = step.row.href or self.remote.href_for(step.row.uid)
            group.done = replace(group.done, href=href)
            if step.kind is Kind.DELETE:
                self._settle(group, step)
            elif one.etag is not None and self.quirks.etag_on_write and not self.quirks.rewrites:
                group.done = replace(group.done, etag=one.etag)
                self._settle(group, step)
            else:
                wanted[href] = (group, one)
        found = {one.href: one for one in self._fetch_again(list(wanted))} if wanted else {}
        items = {one.href: one for one in self.gatherer.read(list(found.values()))}
        self.point("sync.read-back")
        for href, (group, one) in wanted.items():
            read = items.get(href)
            if read is None or read.item is None:
                group.skip()
                continue
            is_proven = one.etag is not None and one.etag == read.etag
            group.done = replace(group.done, etag=read.etag, read_back=read.item, is_proven=is_proven)
            self._settle(group, group.steps[-1][1])

    def _fetch_again(self, hrefs: list[str]) -> Sequence[Resource]:
        try:
            return self.remote.fetch(hrefs)
        except OutsideError as error:
            log.warning("what was written could not be read", link=self.turn.link_id, error=type(error).__name__)
            return ()

    @staticmethod
    def _settle(group: Group, step: Operation) -> None:
        assert step.after is not None  # noqa: S101 - the last step of an item has one
        group.row = settle(step.after, group.done)
        group.states[group.steps[-1][0]] = (StepState.DONE, "")

    def _store(self, chunk: Sequence[Group], gathered: Gathered) -> None:
        now = self.clock()

        def work(session: Session) -> list[dict[int, tuple[StepState, str]]]:
            link_runs.hold_on(session, now, self.turn)
            waiting = [(group, group.row) for group in chunk if group.row is not None]
            saved = self._save(session, [row for _, row in waiting], gathered) if waiting else []
            lost = {id(group) for (group, _), is_saved in zip(waiting, saved, strict=True) if not is_saved}
            for group, row in waiting:
                if id(group) not in lost:
                    self.local.note_settled(session, now, group.steps[-1][1].row, row)
            states = [group.skipped if id(group) in lost else group.states for group in chunk]
            link_runs.mark_steps(session, now, self.turn, dict(itertools.chain(*(one.items() for one in states))))
            return states

        for group, states in zip(chunk, self.database.write(work), strict=True):
            self._count(group, states)

    def _count(self, group: Group, states: Mapping[int, tuple[StepState, str]]) -> None:
        here = there = 0
        for position, step in group.steps:
            if step.is_write and states.get(position, (None, ""))[0] is StepState.DONE:
                here += step.side is Side.LOCAL
                there += step.side is Side.REMOTE
        ends = {state for state, _ in states.values()}
        self.applied = Applied(
            self.applied.here + here,
            self.applied.there + there,
            self.applied.failed + (StepState.FAILED in ends),
            self.applied.undone + (StepState.SKIPPED in ends),
        )

    def _leave(self, chunk: Sequence[Group]) -> None:
        """No time is left: the next run plans anew."""
        self.applied = replace(self.applied, undone=self.applied.undone + len(chunk))


def _groups(operations: Sequence[Operation]) -> Iterator[Group]:
    """The steps of an item stand together; they share its row."""
    numbered = enumerate(operations)
    for _, steps in itertools.groupby(numbered, key=lambda one: id(one[1].row)):
        yield Group(list(steps))


def _chunks(groups: Iterator[Group]) -> Iterator[list[Group]]:
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
