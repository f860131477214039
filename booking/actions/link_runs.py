"""A run of a link in the database: its lease, its steps, its rows, its end (SPEC C8, C10).

Each transaction of a run holds the lease first and writes nothing once another run has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from booking.actions.cases import close_case, open_case
from booking.actions.leases import hold_lease
from booking.actions.link_alarms import note_all_written, note_link_heard
from booking.actions.link_imports import forget_ended
from booking.reads.link_unwritten import count_unwritten
from booking.reads.link_wishes import is_to_be_applied
from booking.tables.links import CalendarLink, ItemLink, PlanOp, SyncRun
from booking.tables.outgoing import Lease
from booking.tables.prepared import Prepared
from booking.tables.repeated import Repeated, insert_of
from booking.values.links import (
    AWAKE,
    LinkProblem,
    LinkStatus,
    RunEnd,
    RunMode,
    RunOutcome,
    Step,
    StepState,
    StoredItem,
)
from booking.values.refusals import PlatzwartError

LEASE = timedelta(seconds=45)
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60))
REST = timedelta(hours=6)
SOON = timedelta(seconds=2)
KEPT = timedelta(days=90)
QUIET_KEPT = timedelta(days=2)
CONFIRMED_AFTER = timedelta(minutes=15)
HELD = "link-held"
STOPS = frozenset({LinkProblem.AUTH, LinkProblem.GONE, LinkProblem.OWN_CALENDAR, LinkProblem.KEY, LinkProblem.ACCOUNT})


_ITEMS, _OPS = ItemLink.__table__.c, PlanOp.__table__.c
_ID, *_ITEM = StoredItem._fields
_INSERT = insert_of(ItemLink.__table__, ("organisation_id", "link_id", *_ITEM))
_UPDATE = Repeated(
    update(ItemLink)
    .where(
        _ITEMS.id == bindparam("its_id"),
        _ITEMS.link_id == bindparam("its_link"),
        _ITEMS.version == bindparam("its_version"),
    )
    .values({name: bindparam(name, type_=_ITEMS[name].type) for name in _ITEM}),
    (*_ITEM, "its_id", "its_link", "its_version"),
)
_STEPS = insert_of(PlanOp.__table__, ("organisation_id", "run_id", "done_at", "position", *Step._fields))


_is_unproven = and_(_ITEMS.deleted_by.is_(None), _ITEMS.state != "TOMBSTONE")
_NEXT = Prepared(
    select(func.min(_ITEMS.next_try), func.min(case((_is_unproven, _ITEMS.missing_since)))).where(
        _ITEMS.link_id == bindparam("link_id")
    )
)
_MARKED = ("its_run", "first", "last", "state", "problem", "done_at")
_MARK = Repeated(
    update(PlanOp)
    .where(_OPS.run_id == bindparam("its_run"), _OPS.position.between(bindparam("first"), bindparam("last")))
    .values({name: bindparam(name, type_=_OPS[name].type) for name in ("state", "problem", "done_at")}),
    _MARKED,
)


class LostLeaseError(PlatzwartError):
    """Another run has the link by now: this one may write nothing more."""

    def __init__(self, link_id: int) -> None:
        super().__init__(f"the lease of calendar link {link_id} is another's")
        self.link_id = link_id


class RowsMovedError(PlatzwartError):
    """Rows of the index are not at the versions that were read."""

    def __init__(self, link_id: int) -> None:
        super().__init__(f"rows of calendar link {link_id} were changed meanwhile")
        self.link_id = link_id


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to write for a link, as long as the fence is the lease's."""

    organisation_id: int
    link_id: int
    run_id: int
    owner: str
    fence: int


def lease_name(link_id: int) -> str:
    return f"calendar-link-{link_id}"


def begin_run(
    session: Session, now: datetime, link_id: int, mode: RunMode, owner: str, *, by_hash: bool = False
) -> Turn | None:
    """Take the lease and write the run down. None where somebody else has it, or the link is gone or rests. `by_hash`:
    the run does nothing but the plan that a person was shown.
    """
    fence = hold_lease(session, now, lease_name(link_id), owner, LEASE)
    if fence is None:
        return None
    link = session.get(CalendarLink, link_id, with_for_update=True)
    if link is None or not _may_run(session, link, mode, by_hash=by_hash):
        hold_lease(session, now, lease_name(link_id), owner, timedelta(0))
        return None
    session.execute(
        update(SyncRun)
        .where(SyncRun.link_id == link_id, SyncRun.outcome == RunOutcome.RUNNING)
        .values(outcome=RunOutcome.LOST, ended_at=now)
    )
    run = SyncRun(
        organisation_id=link.organisation_id,
        link_id=link_id,
        mode=mode,
        outcome=RunOutcome.RUNNING,
        owner=owner,
        fence=fence,
        seen=link.wanted,
        started_at=now,
    )
    session.add(run)
    session.flush()
    return Turn(link.organisation_id, link_id, run.id, owner, fence)


def _may_run(session: Session, link: CalendarLink, mode: RunMode, *, by_hash: bool) -> bool:
    """One that rests tells its plan, and does what a person asked for after seeing that (SPEC C8)."""
    if link.state in AWAKE or mode is RunMode.PLAN:
        return True
    return mode is RunMode.NORMAL and (by_hash or is_to_be_applied(session, link.id))


def hold_on(session: Session, now: datetime, turn: Turn) -> datetime:
    """Renew the lease; until when it holds. Raises LostLeaseError where it is another's."""
    if hold_lease(session, now, lease_name(turn.link_id), turn.owner, LEASE) != turn.fence:
        raise LostLeaseError(turn.link_id)
    return now + LEASE


def save_rows(session: Session, turn: Turn, rows: Sequence[StoredItem]) -> list[bool]:
    """Write rows of the index; a row that has no id is new. For each: False where somebody changed it meanwhile, or
    another row of the link has its address.

    Many are written at once; where that does not go through, each by itself tells which one it was.
    """
    if len(rows) > 1 and _written(session, turn, rows):
        return [True] * len(rows)
    return [_written(session, turn, [row]) for row in rows]


def save_all(session: Session, turn: Turn, rows: Sequence[StoredItem]) -> None:
    """Write rows of the index. Raises RowsMovedError where somebody changed one meanwhile, IntegrityError where another
    row of the link has the address of one: the transaction must not be kept then.
    """
    new = [row for row in rows if row.id is None]
    known = [row for row in rows if row.id is not None]
    _INSERT.run(session, [(turn.organisation_id, turn.link_id, *_values(row)) for row in new])
    were = [(*_values(row), row.id, turn.link_id, row.version) for row in known]
    if _UPDATE.run(session, were) != len(known):
        raise RowsMovedError(turn.link_id)


def _written(session: Session, turn: Turn, rows: Sequence[StoredItem]) -> bool:
    """All of them, or none."""
    part = session.begin_nested()
    try:
        save_all(session, turn, rows)
    except (IntegrityError, RowsMovedError):
        part.rollback()
        return False
    part.commit()
    return True


def _values(row: StoredItem) -> tuple[Any, ...]:
    _, version, *others = row
    return version + 1, *others


def save_steps(session: Session, turn: Turn, steps: Mapping[int, Step]) -> None:
    """Write down what is intended, before any of it begins: position → step."""
    common = (turn.organisation_id, turn.run_id, None)
    _STEPS.run(session, [(*common, position, *_plain(step)) for position, step in sorted(steps.items())])


def _plain(step: Step) -> tuple[Any, ...]:
    *others, ours, theirs, conflicts = step
    return *others, dict(ours), dict(theirs), [dict(one) for one in conflicts]


def mark_steps(session: Session, now: datetime, turn: Turn, states: Mapping[int, tuple[StepState, str]]) -> None:
    """Position → state and problem."""
    spans: list[list[Any]] = []
    for position, what in sorted(states.items()):
        if spans and spans[-1][1] == position - 1 and spans[-1][2] == what:
            spans[-1][1] = position
        else:
            spans.append([position, position, what])
    _MARK.run(
        session,
        [
            (turn.run_id, first, last, state, problem, now if state is StepState.DONE else None)
            for first, last, (state, problem) in spans
        ],
    )


def is_unlinking(session: Session, turn: Turn) -> bool:
    state = session.scalar(select(CalendarLink.state).where(CalendarLink.id == turn.link_id))
    return state is LinkStatus.UNLINKING


def note_quirks(session: Session, turn: Turn, quirks: dict[str, Any]) -> None:
    session.get_one(CalendarLink, turn.link_id, with_for_update=True).quirks = quirks


def end_run(session: Session, now: datetime, turn: Turn, end: RunEnd, *, jitter: float = 0.5) -> None:
    """Record how it ended, say when the next run is due, and give the lease back."""
    link = session.get_one(CalendarLink, turn.link_id, with_for_update=True)
    run = session.get_one(SyncRun, turn.run_id)
    run.outcome, run.ended_at, run.counts, run.drift = end.outcome, now, dict(end.counts), end.drift
    run.writes = end.writes
    run.plan_hash, run.hold, run.requests, run.octets = end.plan_hash, end.hold, end.requests, end.octets
    run.problem, run.detail = end.problem, end.detail[:200]
    if end.outcome is not RunOutcome.PLANNED:
        _note_in_link(session, now, link, run, end, jitter)
        _ask_about_held(session, now, link, end)
    session.execute(
        update(Lease)
        .where(Lease.name == lease_name(turn.link_id), Lease.fence == turn.fence, Lease.owner == turn.owner)
        .values(until=now)
    )


def _note_in_link(
    session: Session, now: datetime, link: CalendarLink, run: SyncRun, end: RunEnd, jitter: float
) -> None:
    link.last_run_at = now
    unwritten = count_unwritten(session, link.id)
    link.problem, link.detail = end.problem or (LinkProblem.UNWRITTEN if unwritten else ""), end.detail[:200]
    if end.identity is not None:
        link.identity = end.identity
    if end.is_settled:
        link.approved = []
    if end.is_settled and not end.keeps_cursor:
        link.cursor_kind, link.cursor = end.cursor or ("", "")
    match end.outcome:
        case RunOutcome.DONE:
            _note_success(session, now, link, run, end, is_whole=not unwritten)
        case RunOutcome.PARTIAL:
            link.failures, link.next_run_at = 0, now + (SOON if end.writes else PAUSES[0])
            if end.writes or end.counts.get("postponed"):
                link.watched_from = now  # much is to be done, and it goes on
        case _:
            _note_failure(now, link, end, jitter)


def _note_success(
    session: Session, now: datetime, link: CalendarLink, run: SyncRun, end: RunEnd, *, is_whole: bool
) -> None:
    """`is_whole`: else something of ours is not taken there. Then it was heard of, and has not succeeded (SPEC C15)."""
    link.done, link.failures, link.not_before = run.seen, 0, None
    if is_whole:
        link.last_success_at = now
    else:
        link.watched_from = now
    if end.was_full:
        link.last_full_at = now
    if link.state is LinkStatus.FAILED:
        link.state = LinkStatus.ACTIVE
    link.next_run_at = now + timedelta(minutes=link.every_minutes)
    next_try, link.whole_at = _next_times(session, link)
    if link.whole_at is not None:
        link.next_run_at = min(link.next_run_at, max(link.whole_at, now + PAUSES[0]))
    if next_try is not None:
        link.next_run_at = min(link.next_run_at, max(next_try, now + PAUSES[0]))
    if link.wanted > run.seen:
        link.next_run_at = now  # something changed meanwhile
    note_link_heard(session, now, link)
    if is_whole:
        note_all_written(session, now, link)


def _next_times(session: Session, link: CalendarLink) -> tuple[datetime | None, datetime | None]:
    """When the next item is tried again, and from when a second complete listing settles what is missing (SPEC C9)."""
    next_try, since = _NEXT.first(session, {"link_id": link.id}) or (None, None)
    return next_try, None if since is None else since + CONFIRMED_AFTER


def _note_failure(now: datetime, link: CalendarLink, end: RunEnd, jitter: float) -> None:
    """The next try comes after a growing pause with some chance in it, and never before the server asked for it."""
    pause = PAUSES[min(link.failures, len(PAUSES) - 1)] * (0.75 + jitter / 2)
    link.failures += 1
    if end.problem in STOPS:
        pause = REST if link.failures > 1 else pause
        if link.state is LinkStatus.ACTIVE:
            link.state = LinkStatus.FAILED
    if end.retry_after is not None:
        link.not_before = now + timedelta(seconds=end.retry_after)
    link.next_run_at = max(now + pause, link.not_before or now)


def _ask_about_held(session: Session, now: datetime, link: CalendarLink, end: RunEnd) -> None:
    """One case for all deletions of a link that wait for a person (SPEC C9); it closes by itself when none does."""
    count = end.counts.get("held", 0)
    if count and end.plan_hash:
        facts = {"site": link.name, "link_id": link.id, "count": count, "hold": end.hold, "plan": end.plan_hash}
        open_case(session, now, link.organisation_id, HELD, str(link.id), None, facts)
    elif not count and end.outcome is RunOutcome.DONE:
        close_case(session, now, link.organisation_id, HELD, str(link.id), resolution="nothing waits")


def forget_runs(session: Session, now: datetime) -> None:
    """Drop runs and ended times that nobody asks for any more; runs that did nothing go sooner."""
    old = SyncRun.started_at < now - KEPT
    quiet = (SyncRun.started_at < now - QUIET_KEPT) & ~SyncRun.id.in_(select(PlanOp.run_id).distinct())
    gone = select(SyncRun.id).where(old | (quiet & (SyncRun.problem == ""))).limit(1_000)
    found = list(session.scalars(gone))
    session.execute(delete(PlanOp).where(PlanOp.run_id.in_(found)))
    session.execute(delete(SyncRun).where(SyncRun.id.in_(found)))
    forget_ended(session, now - KEPT)
