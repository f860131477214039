"""One run of a link: read both sides, plan, write down what is meant, do it, say when to look again (SPEC C6 to C11).

Level-triggered: a run means "make this link consistent". It holds the link's lease; each of its transactions makes sure
of that first. Whatever kills it, the next run plans anew from what lies on both sides.
"""

import gc
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import structlog
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Session

from booking.actions import link_runs, links
from booking.actions.link_runs import LostLeaseError, Turn
from booking.actions.tools import Tools
from booking.actions.vault import UnknownKeyError
from booking.reads import link_evidence
from booking.reads.house import read_house
from booking.reads.link_evidence import LinkFacts
from booking.reads.links import last_plan
from booking.tables.database import Database
from booking.values.clock import local_time
from booking.values.links import LinkProblem, LinkStatus, RunEnd, RunMode, RunOutcome, StepState
from config.faults import fault
from outside.errors import OutsideError
from sync import run_end
from sync.applying import Applied, Applier
from sync.finding import Finder, quirks_known
from sync.gathering import Gathered, Gatherer, House, Reader
from sync.identity import is_own_address, is_own_calendar
from sync.joining import joined
from sync.local_steps import LocalSteps
from sync.many import ManyBodies, read_many
from sync.plan import plan
from sync.progress import Progress, untold
from sync.remotes.opening import Meter, Opener, Place, open_remote
from sync.remotes.protocol import Quirks, Remote
from sync.run_end import OutOfTimeError, OwnCalendarError
from sync.run_time import RunTime
from sync.store import item_link_of, link_of, step_of, stored_of
from sync.unlinking import end_pieces, remove_ours, strays
from sync.values import DeletedBy, ItemLink, Kind, LinkState, Plan, Reason
from sync.widening import Widening

log = structlog.get_logger(__name__)

RUN_SECONDS = 80.0
YOUNG, OLDER = 100_000, 100
NIGHT = range(1, 5)
A_DAY = timedelta(hours=20)
TOO_LONG = timedelta(hours=30)
NOTHING_APPLIED = Applied()
BUSY = {"de": "Belegt", "en": "Busy"}


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs work with. `own_urls`: the addresses of this installation. `point` is called at each boundary."""

    database: Database
    tools: Tools
    allow_private: frozenset[str]
    own_urls: tuple[str, ...]
    clock: Callable[[], datetime]
    opener: Opener = open_remote
    reader: Reader = read_many
    point: Callable[[str], None] = fault
    seconds: float = RUN_SECONDS
    progress: Progress = untold


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to. `plan` is None where it did not come so far."""

    outcome: RunOutcome
    run_id: int
    plan: Plan | None = None
    applied: Applied = field(default_factory=Applied)
    problem: str = ""
    requests: int = 0


def run_link(engine: Engine, link_id: int, mode: RunMode = RunMode.NORMAL, *, shown: str | None = None) -> Ran | None:
    """Run a link once. None where somebody else runs it, or it is gone, or rests and no plan was `shown`.

    `shown`: do nothing unless the plan is the one with this hash; its held deletions are let go then (SPEC C8, C9).
    Each night the whole is listed right after what the server calls its changes; what these did not tell is counted.
    """
    with engine.database.read() as session:
        is_night = mode is RunMode.NORMAL and _is_night(session, engine.clock(), link_id)
    with _unhurried():
        ran = _run_once(engine, link_id, mode, shown)
        if is_night and ran is not None and ran.outcome is RunOutcome.DONE:
            again = _run_once(engine, link_id, RunMode.FULL, None, counts_drift=True)
            return again or ran
    return ran


@contextmanager
def _unhurried() -> Iterator[None]:
    """What a run makes are trees without cycles: to look through all of them for some, again and again while they grow,
    costs a large run a third of its time. A run ends within a minute or two, and what it left is looked through then.
    """
    before = gc.get_threshold()
    gc.set_threshold(YOUNG, OLDER, OLDER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _run_once(
    engine: Engine, link_id: int, mode: RunMode, shown: str | None, *, counts_drift: bool = False
) -> Ran | None:
    owner = f"run-{uuid4()}"
    begin = engine.clock()
    turn = engine.database.write(
        lambda db: link_runs.begin_run(db, begin, link_id, mode, owner, by_hash=shown is not None)
    )
    if turn is None:
        return None
    run = _Run(engine, turn, mode, shown)
    try:
        end, ran = run.work()
    except LostLeaseError:
        log.warning("a run lost its lease", link=link_id)
        return Ran(RunOutcome.LOST, turn.run_id)
    except (OutsideError, OutOfTimeError, OwnCalendarError, UnknownKeyError, InvalidTag) as error:
        end, ran = run.failed(error)
    except Exception as error:
        log.exception("a run failed", link=link_id)
        end, ran = run.failed(error)
    if counts_drift and ran.plan is not None:
        end = replace(end, drift=_drift(ran.plan))
        if end.drift:
            log.warning("a full listing told what changes did not", link=link_id, drift=end.drift)
    engine.point("sync.applied")
    _finish(engine, turn, end, unlinks=run.unlinks)
    return ran


def _finish(engine: Engine, turn: Turn, end: RunEnd, *, unlinks: bool) -> None:
    """`unlinks`: it was this run that removed what we wrote there; somebody may have ended the link since it began."""
    now, jitter = engine.clock(), random.random()  # noqa: S311 - spreads tries

    def work(session: Session) -> None:
        link_runs.hold_on(session, now, turn)
        if unlinks and end.outcome is RunOutcome.DONE and link_runs.is_unlinking(session, turn):
            links.drop_link(session, now, turn.link_id)
        else:
            link_runs.end_run(session, now, turn, end, jitter=jitter)

    try:
        engine.database.write(work)
    except LostLeaseError:
        log.warning("a run lost its lease at its end", link=turn.link_id)


def _is_night(session: Session, now: datetime, link_id: int) -> bool:
    """Whether the whole is to be listed: once a night, or as soon as can be where nights were missed."""
    row = link_evidence.last_full(session, link_id)
    if row is None or row[0] is None:
        return False  # the first listing is a full one anyway
    since = now - row[0]
    return since > TOO_LONG or (since > A_DAY and local_time(now, ZoneInfo(row[1])).hour in NIGHT)


def _drift(made: Plan) -> int:
    """What a delta should have told: writes, questions, and what is missing all of a sudden."""
    told = sum(one.is_write or one.kind is Kind.PROPOSE for one in (*made.operations, *made.held))
    return told + sum(one.reason is Reason.MISSED for one in made.operations)


class _Run:
    def __init__(self, engine: Engine, turn: Turn, mode: RunMode, shown: str | None) -> None:
        self.engine, self.turn, self.mode, self.shown = engine, turn, mode, shown
        self.meter = Meter()
        self.is_repeated = False
        self.applied = NOTHING_APPLIED
        self.unlinks = False
        self.finder = Finder(engine.database, turn, engine.tools, engine.clock)
        self.time = RunTime(engine.seconds, self._hold_on)

    def work(self) -> tuple[RunEnd, Ran]:
        engine, now = self.engine, self.engine.clock()
        with engine.database.read() as session:
            facts = link_evidence.link_facts(session, now, self.turn.link_id)
            house = _house(session, facts)
        self.unlinks = facts.state is LinkStatus.UNLINKING and self.mode is not RunMode.PLAN
        if self.unlinks and not facts.removes:
            return self._end(0)
        access = links.open_access(engine.tools, facts.public_id, facts.access_cipher, facts.access_key_id)
        if is_own_address(access.url, engine.own_urls):
            raise OwnCalendarError
        quirks = quirks_known(facts.quirks)
        place = Place(facts.kind, access, quirks, facts.policy.writes, engine.allow_private, self.time.listing)
        with engine.opener(place, self.meter) as remote:
            if quirks is None:
                quirks = self.finder.quirks(remote, access, facts)
            if quirks is None:
                return self.work()
            with _kept(engine.reader) as reader:
                if self.unlinks:
                    return self._unlink(facts, house, remote, reader)
                return self._reconcile(facts, house, remote, quirks, reader)

    def _reconcile(
        self, facts: LinkFacts, house: House, remote: Remote, quirks: Quirks, reader: Reader
    ) -> tuple[RunEnd, Ran]:
        engine, now = self.engine, self.engine.clock()
        gatherer = Gatherer(engine.database, facts, house, remote, self.time.patience, reader, engine.progress)
        local = LocalSteps(facts, house.zone)
        applier = Applier(
            engine.database, self.turn, engine.clock, engine.point, gatherer, quirks, local, engine.progress
        )
        is_full = self.mode is RunMode.FULL or (facts.whole_at is not None and facts.whole_at <= now)
        is_shown = self.mode is RunMode.PLAN or self.shown is not None  # as one plan, to a person
        plans: list[Plan] = []
        last: Gathered | None = None
        with closing(
            gatherer.gather(now, full=is_full, whole=self.mode is RunMode.FULL, in_parts=not is_shown)
        ) as parts:
            for gathered in parts:
                self._refuse_own(facts, gathered)
                if not self.time.is_left():
                    break
                made = self._plan(gathered, now, plans)
                steps_before = sum(len(one.operations) + len(one.held) for one in plans)
                self._write_down(made, steps_before)
                plans.append(made)
                engine.point("sync.planned")
                if self.mode is RunMode.PLAN or (self.shown is not None and made.hash != self.shown):
                    return self._ran(run_end.planned(made, self.applied, self.meter), made)
                self._apply(applier, made, gathered, steps_before)
                last = gathered
        if last is None:
            raise OutOfTimeError
        whole = joined(plans)
        is_full = self._widen(facts, house, len(whole.postponed) + self.applied.undone)
        is_read = last.is_read and not last.remote.is_part  # else the time was over before the last part
        end = run_end.done(whole, replace(last, is_read=is_read), self.applied, self.meter)
        if is_full and not end.problem:
            end = replace(end, problem=LinkProblem.TOO_MANY)
        return self._ran(end, whole, self.applied)

    def _apply(self, applier: Applier, made: Plan, gathered: Gathered, first: int) -> None:
        try:
            applier.apply(made, gathered, self.time.is_left, first)
        finally:
            self.applied = applier.applied  # whatever stops it, so much is done

    def _plan(self, gathered: Gathered, now: datetime, plans: list[Plan]) -> Plan:
        """The plan; where a person let go what was shown, the one without that hold, if it is the same otherwise."""
        link = gathered.link
        link = replace(link, written_last_hour=link.written_last_hour + self.applied.here + self.applied.there)
        carried = plans[-1].carried if plans else ()
        made = plan(link, gathered.rows, gathered.local, gathered.remote, now, carried)
        approved = made.approve(self.shown) if self.shown is not None else None
        if not approved:
            return made
        link = replace(link, approved=link.approved | approved)
        let_go = plan(link, gathered.rows, gathered.local, gathered.remote, now, carried)
        self.shown = let_go.hash  # the same steps, some of them no longer held
        return let_go

    def _refuse_own(self, facts: LinkFacts, gathered: Gathered) -> None:
        items = [one.item for one in gathered.remote.there.values() if one.item is not None]
        if gathered.is_first and not facts.policy.writes and len(items) > 1 and is_own_calendar(gathered.link, items):
            raise OwnCalendarError

    def _write_down(self, made: Plan, first: int) -> None:
        """Every step that writes or asks, before any of it begins; rows alone are no step to show. `first` is the
        position of the first one in the run.
        """
        steps = [step_of(one) for one in made.operations]
        steps += [step_of(one, StepState.HELD) for one in made.held]
        now = self.engine.clock()
        kept = {position: step for position, step in enumerate(steps, first) if step.kind != Kind.NOTE}
        if not kept or (not first and self._is_repeated(made)):
            return

        def work(session: Session) -> None:
            link_runs.hold_on(session, now, self.turn)
            link_runs.save_steps(session, self.turn, kept)

        self.engine.database.write(work)

    def _is_repeated(self, made: Plan) -> bool:
        """Nothing but what waits for a person, as it was shown before: one record of it is enough."""
        if any(one.kind is not Kind.NOTE for one in made.operations) or self.mode is RunMode.PLAN:
            return False
        with self.engine.database.read() as session:
            last = last_plan(session, self.turn.link_id)
        self.is_repeated = last is not None and last.plan_hash == made.hash
        return self.is_repeated

    def _widen(self, facts: LinkFacts, house: House, waiting: int) -> bool:
        """Whether the calendar holds more dates than may be kept."""
        if not facts.policy.imports:
            return False
        engine, is_left = self.engine, self.time.is_left
        return Widening(engine.database, self.turn, facts, house.zone, engine.clock, is_left, waiting).run()

    def _unlink(self, facts: LinkFacts, house: House, remote: Remote, reader: Reader) -> tuple[RunEnd, Ran]:
        with self.engine.database.read() as session:
            stored = link_evidence.all_rows(session, facts.link_id)
        rows = [item_link_of(row) for row in stored]
        versions = {row.id: row.version for row in stored}
        gatherer = Gatherer(self.engine.database, facts, house, remote, self.time.patience, reader)
        link = link_of(facts, house.instance, house.busy_text)
        rows += strays(remote, link, {row.href for row in rows}, gatherer.read, self.time.patience)

        def store(done: list[ItemLink]) -> None:
            now = self.engine.clock()
            ended = [replace(row, state=LinkState.TOMBSTONE, deleted_by=DeletedBy.LOCAL) for row in done]

            def work(session: Session) -> None:
                link_runs.hold_on(session, now, self.turn)
                link_runs.save_rows(session, self.turn, [stored_of(row, versions.get(row.id, 0)) for row in ended])

            self.engine.database.write(work)

        removed, left = remove_ours(remote, rows, store, self.time.is_left)
        return self._end(removed, left)

    def _end(self, removed: int, left: int = 0) -> tuple[RunEnd, Ran]:
        """What the link has here goes once nothing of ours is left there, as far as there is time."""
        is_left = left > 0 or not end_pieces(self.engine.database, self.turn, self.engine.clock, self.time.is_left)
        outcome = RunOutcome.PARTIAL if is_left else RunOutcome.DONE
        end = RunEnd(outcome, {"there": removed}, writes=removed, keeps_cursor=True, requests=self.meter.requests)
        return end, Ran(outcome, self.turn.run_id, applied=Applied(there=removed, undone=left))

    def _ran(self, end: RunEnd, made: Plan | None = None, applied: Applied = NOTHING_APPLIED) -> tuple[RunEnd, Ran]:
        if self.is_repeated:
            end = replace(end, plan_hash="")
        return end, Ran(end.outcome, self.turn.run_id, made, applied, end.problem, self.meter.requests)

    def failed(self, error: Exception) -> tuple[RunEnd, Ran]:
        return self._ran(run_end.failed(error, self.meter, self.applied), applied=self.applied)

    def _hold_on(self) -> None:
        now = self.engine.clock()
        self.engine.database.write(lambda db: link_runs.hold_on(db, now, self.turn))


def _kept(reader: Reader) -> AbstractContextManager[Reader]:
    """One child for all that is read in a run, where children read."""
    return reader.kept() if isinstance(reader, ManyBodies) else nullcontext(reader)


def _house(session: Session, facts: LinkFacts) -> House:
    house = read_house(session, facts.organisation_id)
    alive = link_evidence.link_ids(session, facts.organisation_id)
    zone = link_evidence.room_zone(session, facts.room_id)
    return House(house.host_id, zone, BUSY.get(house.language, BUSY["en"]), alive)
