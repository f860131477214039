"""Links with external calendars as pages, the API and the command line show them (SPEC C6, C8, C9)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from booking.reads.link_evidence import SETTLED
from booking.reads.link_unwritten import is_unwritten
from booking.tables.calendars import CalendarItem
from booking.tables.houses import Room
from booking.tables.links import CalendarLink, ImportedTime, ItemLink, PlanOp, SyncRun
from booking.tables.outgoing import Lease
from booking.values.links import AWAKE, LinkKind, LinkPolicy, LinkStatus, RunMode, RunOutcome, StepState
from booking.values.refusals import NotFound
from booking.values.states import Variant

MOST_RUNS = 50
MOST_STEPS = 500
MOST_ITEMS = 200
_RESTS = or_(ItemLink.next_try.is_not(None), ItemLink.state == "QUARANTINED")


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link in a list. `items`: how many are live; `asked`, `held`, `resting`: how many of them wait for a person to
    decide, as deletions, or for a later try; `unwritten`: how many of these are not taken there. `is_due`: something
    changed since the last run.
    """

    link_id: int
    organisation_id: int
    public_id: UUID
    name: str
    kind: LinkKind
    policy: LinkPolicy
    room_id: int
    room: str
    address: str
    state: LinkStatus
    problem: str
    detail: str
    failures: int
    last_run_at: datetime | None
    last_success_at: datetime | None
    next_run_at: datetime
    is_due: bool
    items: int = 0
    asked: int = 0
    held: int = 0
    resting: int = 0
    unwritten: int = 0
    imported: int = 0


@dataclass(frozen=True, slots=True)
class LinkPage:
    """One link with what its operator chose and what its server can (empty until it was probed)."""

    line: LinkLine
    variant: Variant
    requested: bool
    owners: dict[str, Any]
    limits: dict[str, Any]
    months_back: int
    months_ahead: int
    every_minutes: int
    identity: str
    quirks: dict[str, Any]
    made_at: datetime
    last_full_at: datetime | None
    whole_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunLine:
    run_id: int
    mode: RunMode
    outcome: RunOutcome
    started_at: datetime
    ended_at: datetime | None
    counts: dict[str, Any]
    writes: int
    drift: int
    plan_hash: str
    hold: str
    requests: int
    octets: int
    problem: str
    detail: str


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step; `ours`, `theirs` hold summary, starts_at, ends_at, status, rule where they are known."""

    position: int
    kind: str
    side: str
    reason: str
    key: str
    uid: str
    href: str
    state: StepState
    problem: str
    ours: dict[str, Any]
    theirs: dict[str, Any]
    conflicts: list[Any]
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class ItemLine:
    """An item of a link that is not simply in agreement. Title and time are those of ours where there is one; `content`
    is the canonical JSON of theirs as it was agreed on, or else of ours; None: never read, never written.
    """

    item_id: int
    uid: str
    href: str
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    content: str | None
    state: str
    held: str | None
    decision: str | None
    missing_since: datetime | None
    error_count: int
    next_try: datetime | None
    problem: str


def due_links(session: Session, now: datetime) -> list[int]:
    """Links whose next run is due and that nobody runs."""
    its_lease = literal("calendar-link-").concat(cast(CalendarLink.id, String))
    runs = exists().where(Lease.name == its_lease, Lease.until > now)
    query = select(CalendarLink.id).where(CalendarLink.state.in_(AWAKE), CalendarLink.next_run_at <= now, ~runs)
    return list(session.scalars(query.order_by(CalendarLink.next_run_at)))


def links_of(session: Session, organisation_id: int | None = None) -> tuple[LinkLine, ...]:
    """The links of an organisation, or of all, by name."""
    query = _links()
    if organisation_id is not None:
        query = query.where(CalendarLink.organisation_id == organisation_id)
    rows = session.execute(query.order_by(CalendarLink.organisation_id, CalendarLink.name, CalendarLink.id)).all()
    counted = _counted(session, [link.id for link, _ in rows])
    return tuple(_line(link, room, counted.get(link.id, {})) for link, room in rows)


def link_by(session: Session, organisation_id: int, public_id: UUID) -> LinkPage:
    """Raises NotFound where the organisation has no such link."""
    query = _links().where(CalendarLink.organisation_id == organisation_id, CalendarLink.public_id == public_id)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("calendar link", public_id)
    link, room = found
    line = _line(link, room, _counted(session, [link.id]).get(link.id, {}))
    return LinkPage(
        line=line,
        variant=link.variant,
        requested=link.requested,
        owners=link.owners,
        limits=link.limits,
        months_back=link.months_back,
        months_ahead=link.months_ahead,
        every_minutes=link.every_minutes,
        identity=link.identity,
        quirks=link.quirks,
        made_at=link.made_at,
        last_full_at=link.last_full_at,
        whole_at=link.whole_at,
    )


def link_of(session: Session, organisation_id: int, link_id: int) -> LinkLine | None:
    """A link by its key, uncounted; None where the organisation has it no more."""
    query = _links().where(CalendarLink.organisation_id == organisation_id, CalendarLink.id == link_id)
    found = session.execute(query).one_or_none()
    return None if found is None else _line(found[0], found[1], {})


def runs_of(session: Session, link_id: int, limit: int = MOST_RUNS) -> tuple[RunLine, ...]:
    """The last runs, the newest first."""
    query = select(SyncRun).where(SyncRun.link_id == link_id).order_by(SyncRun.id.desc()).limit(limit)
    return tuple(run_of(row) for row in session.scalars(query))


def run_by(session: Session, link_id: int, run_id: int) -> RunLine:
    """Raises NotFound where the link has no such run."""
    row = session.scalar(select(SyncRun).where(SyncRun.link_id == link_id, SyncRun.id == run_id))
    if row is None:
        raise NotFound("run", run_id)
    return run_of(row)


def last_plan(session: Session, link_id: int) -> RunLine | None:
    """The last run that came as far as a plan."""
    query = select(SyncRun).where(SyncRun.link_id == link_id, SyncRun.plan_hash != "").order_by(SyncRun.id.desc())
    row = session.scalar(query.limit(1))
    return None if row is None else run_of(row)


def steps_of(
    session: Session, run_id: int, *, state: StepState | None = None, after: int = -1, limit: int = MOST_STEPS
) -> tuple[StepLine, ...]:
    """The steps of a run in their order, `after` a position; those of one state where one is given."""
    query = select(PlanOp).where(PlanOp.run_id == run_id, PlanOp.position > after)
    if state is not None:
        query = query.where(PlanOp.state == state)
    rows = session.scalars(query.order_by(PlanOp.position).limit(limit))
    return tuple(_step(row) for row in rows)


def _step(row: PlanOp) -> StepLine:
    """What was deleted on one side stands there no more: the version of before is that of the other side."""
    told = {name: getattr(row, name) for name in StepLine.__slots__}
    ends = row.kind == "DELETE" and row.reason != "CANCELLED_THERE"
    asks = row.kind == "PROPOSE" and row.reason in {"GONE_THERE", "CHANGED_AND_GONE"}
    if ends or asks:
        told["ours" if row.side == "REMOTE" else "theirs"] = {}
    return StepLine(**told)


def held_of(session: Session, link_id: int) -> tuple[RunLine, tuple[StepLine, ...]] | None:
    """The deletions that wait for a person, with the plan to whose hash a decision is bound; None where none waits."""
    waits = select(ItemLink.id).where(ItemLink.link_id == link_id, ItemLink.held.is_not(None)).limit(1)
    if session.scalar(waits) is None:
        return None  # decided since; a run that has nothing to show leaves no plan of its own
    run = last_plan(session, link_id)
    held = steps_of(session, run.run_id, state=StepState.HELD) if run else ()
    return (run, held) if run and held else None


def troubled_items(session: Session, link_id: int, limit: int = MOST_ITEMS) -> tuple[ItemLine, ...]:
    """Items that wait: for a person, for proof that they are gone, or for a later try."""
    query = (
        select(ItemLink, CalendarItem, ImportedTime)
        .outerjoin(CalendarItem, CalendarItem.id == ItemLink.local_id)
        .outerjoin(ImportedTime, ImportedTime.id == -ItemLink.local_id)
        .where(ItemLink.link_id == link_id)
        .where(or_(ItemLink.state.not_in(SETTLED), ItemLink.held.is_not(None), _RESTS))
        .order_by(ItemLink.id)
        .limit(limit)
    )
    return tuple(_item(*found) for found in session.execute(query))


def _item(row: ItemLink, ours: CalendarItem | None, brought: ImportedTime | None) -> ItemLine:
    same = ("uid", "href", "state", "held", "decision", "missing_since", "error_count", "next_try", "problem")
    return ItemLine(
        item_id=row.id,
        title=ours.title if ours else brought.summary if brought else "",
        starts_at=ours.starts_at if ours else None,
        ends_at=ours.ends_at if ours else None,
        content=row.base_remote or row.base,
        **{name: getattr(row, name) for name in same},
    )


def _links() -> Select[CalendarLink, str]:
    return select(CalendarLink, Room.name).join(Room, Room.id == CalendarLink.room_id)


def _counted(session: Session, link_ids: list[int]) -> dict[int, dict[str, int]]:
    live = ItemLink.state != "TOMBSTONE"
    counts = {
        "items": func.count().filter(live),
        "asked": func.count().filter(ItemLink.state == "CONFLICT"),
        "held": func.count().filter(ItemLink.held.is_not(None)),
        "resting": func.count().filter(_RESTS),
        "unwritten": func.count().filter(is_unwritten()),
    }
    query = select(ItemLink.link_id, *counts.values()).where(ItemLink.link_id.in_(link_ids)).group_by(ItemLink.link_id)
    found = {row[0]: dict(zip(counts, row[1:], strict=True)) for row in session.execute(query)}
    brought = select(ImportedTime.link_id, func.count()).where(ImportedTime.link_id.in_(link_ids))
    brought = brought.where(ImportedTime.ended_at.is_(None))
    for link_id, count in session.execute(brought.group_by(ImportedTime.link_id)):
        found.setdefault(link_id, {})["imported"] = count
    return found


def _line(link: CalendarLink, room: str, counted: dict[str, int]) -> LinkLine:
    return LinkLine(
        link_id=link.id,
        organisation_id=link.organisation_id,
        public_id=link.public_id,
        name=link.name,
        kind=link.kind,
        policy=link.policy,
        room_id=link.room_id,
        room=room,
        address=link.address,
        state=link.state,
        problem=link.problem,
        detail=link.detail,
        failures=link.failures,
        last_run_at=link.last_run_at,
        last_success_at=link.last_success_at,
        next_run_at=link.next_run_at,
        is_due=link.wanted > link.done,
        **counted,
    )


def run_of(row: SyncRun) -> RunLine:
    names = [name for name in RunLine.__slots__ if name != "run_id"]
    return RunLine(run_id=row.id, **{name: getattr(row, name) for name in names})
