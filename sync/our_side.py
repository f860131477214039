"""What a plan does here: each item by itself, or many alike at once (SPEC C10).

Steps that only bring a new time, and those that only change rows of the index, are most of a first run. Where they
follow one another they share a few statements, without savepoints: on SQLite one doubles what an INSERT costs. If any
of them fails, their transaction is undone and the chunk is tried anew, each item alone, so that an item fails alone.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actions import link_runs
from booking.actions.link_runs import Turn
from booking.rules.link_dates import MOST_ROWS, PLENTY, at_first, coming, size, soonest
from booking.values.links import ImportedTime, StepState, StoredItem
from ical.item import Item
from sync.gathering import Gathered
from sync.groups import Group
from sync.local_steps import LocalSteps, lacking
from sync.settle import Done, settle
from sync.store import imported_time, stored_of
from sync.values import ItemLink, Kind, LinkState, Operation, Side
from sync.widening import NEAR

log = structlog.get_logger(__name__)

FAULTS = (ValueError, LookupError, IntegrityError)
APART = (*FAULTS, link_runs.RowsMovedError)
Given = Mapping[int, ImportedTime]


class OurSide:
    def __init__(self, turn: Turn, steps: LocalSteps) -> None:
        self.turn, self.steps = turn, steps

    def pieces(
        self, now: datetime, chunk: Sequence[Group], kept: int, units: int
    ) -> Iterator[tuple[list[Group], dict[int, ImportedTime]]]:
        """A chunk in as many pieces as its rows need transactions, in its order; each with what is to be stored of its
        new times, by position, worked out before its transaction begins. `kept`: how many dates the link keeps.
        """
        piece: list[Group] = []
        given: dict[int, ImportedTime] = {}
        rows = 0
        for group in chunk:
            position = group.steps[0][0]
            new = self._prepared(now, group, kept, units)
            more = _rows(group) if new is None else units * size(new.slots)
            if piece and rows + more > MOST_ROWS:
                yield piece, given
                piece, given, rows = [], {}, 0
            piece.append(group)
            rows += more
            if new is not None:
                given[position] = new
                kept += coming(new.slots, now)
        if piece:
            yield piece, given

    def _prepared(self, now: datetime, group: Group, kept: int, units: int) -> ImportedTime | None:
        step = group.steps[0][1]
        if not _is_new_time(group) or step.payload is None:
            return None
        try:
            return self._time_of(step.payload, now, kept, units)
        except (ValueError, LookupError):
            return None  # tried alone, it fails alone

    def _time_of(self, item: Item, now: datetime, kept: int, units: int) -> ImportedTime:
        """As many of its dates as one transaction takes, or the next ones only, where the link keeps many already."""
        most = min(at_first(kept), MOST_ROWS // max(1, units))
        if kept < PLENTY:
            return soonest(self.steps.time_of(item, now), now, most)
        until = min(now + NEAR, self.steps.facts.until)
        return soonest(imported_time(item, now, until, self.steps.zone), now, most)

    def act(
        self,
        session: Session,
        now: datetime,
        chunk: Sequence[Group],
        gathered: Gathered,
        given: Given,
        *,
        together: bool,
    ) -> list[Group]:
        """Our part of a chunk, rows and all where nothing is to be done there.

        `together`: with raises one of `APART` where not all could be done together; its transaction must not be kept.
        """
        tried: list[Group] = []
        for way, groups in itertools.groupby(chunk, key=lambda group: _way(group, given)):
            alike = list(groups)
            if together and (way == "new" or (way and len(alike) > 1)):
                tried += self._together(session, now, alike, gathered, given)
            else:
                tried += [self._alone(session, now, group, gathered) for group in alike]
        return tried

    def save(self, session: Session, rows: Sequence[ItemLink], gathered: Gathered) -> list[bool]:
        return link_runs.save_rows(session, self.turn, self._stored(rows, gathered))

    @staticmethod
    def _stored(rows: Sequence[ItemLink], gathered: Gathered) -> list[StoredItem]:
        versions = gathered.versions
        return [stored_of(row, versions.get(row.id or 0, 0)) for row in rows]

    def _together(
        self, session: Session, now: datetime, groups: Sequence[Group], gathered: Gathered, given: Given
    ) -> list[Group]:
        tried = [Group(group.steps) for group in groups]
        if _is_new_time(groups[0]):
            many = [given[group.steps[0][0]] for group in groups]
            for group, import_id in zip(tried, self.steps.bring(session, now, many), strict=True):
                group.done = Done(local_id=-import_id, revision=1)
        rows = []
        for group in tried:
            position, step = group.steps[0]
            assert step.after is not None  # noqa: S101 - the only step of an item has one
            after = lacking(step.after, given[position]) if position in given else step.after
            rows.append(settle(after or step.after, group.done))
            group.states[position] = (StepState.DONE, "")
        link_runs.save_all(session, self.turn, self._stored(rows, gathered))
        for group, row in zip(tried, rows, strict=True):
            self.steps.note_settled(session, now, group.steps[0][1].row, row)
        return tried

    def _alone(self, session: Session, now: datetime, group: Group, gathered: Gathered) -> Group:
        tried = Group(group.steps)
        part = session.begin_nested()
        try:
            for position, step in group.steps:
                if step is group.remote_step:
                    self.steps.note_conflicts(session, now, step, gathered.local)
                    break
                self._step(session, now, tried, position, step, gathered)
                if tried.is_skipped:
                    break
        except FAULTS as error:
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

    def _step(
        self, session: Session, now: datetime, group: Group, position: int, step: Operation, gathered: Gathered
    ) -> None:
        done = self.steps.act(session, now, step, group.done, gathered.local)
        if done is None:
            group.skip()
            return
        group.done = done.done
        if done.after is not None:
            row = settle(done.after, group.done)
            if not all(self.save(session, [row], gathered)):
                group.skip()
                return
            self.steps.note_settled(session, now, step.row, row)
        group.states[position] = (StepState.DONE, "")


def _way(group: Group, given: Given) -> str:
    """By which steps follow one another that can be done at once; nothing for those that cannot."""
    if _is_new_time(group):
        return "new" if group.steps[0][0] in given else ""
    step = group.steps[0][1]
    is_note = len(group.steps) == 1 and step.kind is Kind.NOTE and not step.conflicts and step.after is not None
    if not is_note:
        return ""
    return "new row" if step.row.id is None else "row"


def has_new_times(chunk: Sequence[Group]) -> bool:
    return any(_is_new_time(group) for group in chunk)


def _is_new_time(group: Group) -> bool:
    step = group.steps[0][1]
    return (
        len(group.steps) == 1
        and step.kind is Kind.CREATE
        and step.side is Side.LOCAL
        and step.after is not None
        and not step.conflicts
        and (step.row.local_id or 0) <= 0
        and step.row.state is not LinkState.CONFLICT
    )


def _rows(group: Group) -> int:
    """How many rows other steps of an item may cost at most, roughly: those of a series cost what its dates do."""
    ours = [step for _, step in group.steps if step.side is Side.LOCAL and step.is_write]
    versions = [one for step in ours for one in (step.payload, step.row.base) if one is not None]
    return MOST_ROWS // 4 if any(one.recurrence is not None for one in versions) else 0
