"""A run that dies at any boundary: the next ones end in the state of one that did not die (SPEC C10)."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from booking.actions.leases import hold_lease
from booking.actions.link_runs import LEASE, lease_name
from booking.reads.links import due_links
from booking.tables.calendars import CalendarItem
from booking.tables.links import SyncRun
from booking.tables.outgoing import Lease
from booking.values.links import LinkPolicy, RunOutcome
from booking.values.slot import Slot
from booking.values.states import ItemStatus, OccupancyKind
from sync.runner import run_link
from tests.fixtures.soak import SOAK
from tests.sync.acting import cancel, move, uid_of
from tests.sync.linked import World, event, world

HOUR = timedelta(hours=1)
BOUNDARIES = 22


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def live_uids(here: World) -> set[str]:
    query = select(CalendarItem.uid).where(CalendarItem.status != ItemStatus.CANCELLED)
    return {f"{uid}@{here.house.host_id}" for uid in here.rows(query)}


def assert_agreed(here: World) -> None:
    """Each booking of ours lies there once, each time of theirs takes the room once, and nothing else does."""
    theirs = here.theirs()
    ours = live_uids(here)
    assert {uid for uid in theirs if uid.endswith(here.house.host_id)} == ours
    foreign = {uid: one for uid, one in theirs.items() if uid not in ours}
    assert sorted(one.uid for one in here.imported()) == sorted(foreign)
    wanted = {Slot(one.master.start.instant, one.master.end.instant) for one in foreign.values() if one.master}
    assert set(here.taken(OccupancyKind.CLOSURE)) == wanted
    booked = here.rows(select(CalendarItem).where(CalendarItem.status != ItemStatus.CANCELLED))
    for item in booked:
        master = theirs[f"{item.uid}@{here.house.host_id}"].master
        assert master is not None
        assert (master.start.instant, master.end.instant) == (item.starts_at, item.ends_at)
    live = [row.uid for row in here.index() if row.state != "TOMBSTONE"]
    assert sorted(live) == sorted(theirs)


def edit_everything(here: World, number: int) -> None:
    """On both sides something is new, something is moved, something ends; what stays is there before."""

    def at(hour: int) -> float:
        return 3 + number * 3 + hour / 24

    stays, ends = here.book(at(0)), here.book(at(2))
    for hour, name in ((3, "stays"), (4, "moves"), (6, "ends")):
        here.put(event(f"{name}-{number}", at(hour)))
    here.run()
    here.book(at(7))
    move(here, stays, HOUR)
    cancel(here, ends)
    here.put(event(f"new-{number}", at(8)))
    here.move_theirs(f"moves-{number}", HOUR)
    here.delete_theirs(f"ends-{number}")


@pytest.mark.soak
@pytest.mark.rule("C10")
@pytest.mark.parametrize("deltas", [True, False])
def test_killed_at_any_boundary_it_converges_with_nothing_twice_and_nothing_lost(here: World, deltas: bool) -> None:
    here.remote.manners.deltas = deltas
    here.connect(LinkPolicy.TWO_WAY, limits={"least": 1000, "soon_count": 1000})
    names: set[str] = set()
    for after in range(BOUNDARIES) if SOAK else random.Random(20261122).sample(range(BOUNDARIES), 5):
        edit_everything(here, after)
        here.visited.clear()
        assert here.killed_run(after), "there are fewer boundaries than that"
        names.add(here.visited[-1])
        for _ in range(3):  # what is missing in listings without changes takes two of them
            assert here.run().outcome is RunOutcome.DONE
            here.now += timedelta(minutes=16)
        here.assert_quiet(requests=None)
        assert_agreed(here)
    if SOAK:
        assert {"sync.planned", "sync.begun", "sync.wrote", "sync.read-back", "sync.stored", "sync.applied"} <= names
    assert here.cases() == {}


def test_the_boundaries_of_a_run_are_those_that_are_tried(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY, limits={"least": 1000, "soon_count": 1000})
    edit_everything(here, 0)
    here.visited.clear()
    here.run()
    assert len(here.visited) == BOUNDARIES


@pytest.mark.rule("C10")
def test_a_run_that_lost_its_lease_writes_nothing_more(here: World) -> None:
    """Another run took over while this one was at the server: its rows and its cursor are not stored."""
    here.book(3)
    here.connect(LinkPolicy.EXPORT)
    stolen = []

    def steal(name: str) -> None:
        if name == "sync.wrote" and not stolen:
            here.write(lambda db: db.execute(update(Lease).values(until=here.now)))
            fence = here.write(lambda db: hold_lease(db, here.now, lease_name(here.link_id), "another", LEASE))
            stolen.append(fence)

    here.remote.hook = lambda moment, method: steal("sync.wrote" if (moment, method) == ("after", "create") else "")
    ran = here.run()
    assert stolen
    assert ran.outcome is RunOutcome.LOST
    assert here.index() == []
    assert here.link.last_run_at is None
    here.now += 2 * LEASE
    here.remote.hook = lambda _moment, _method: None
    here.settle()
    assert len(here.theirs()) == 1
    outcomes = [one.outcome for one in here.runs()]
    assert outcomes[0] is RunOutcome.LOST


@pytest.mark.rule("C10")
def test_two_runs_never_work_at_once(here: World) -> None:
    here.book(3)
    here.connect(LinkPolicy.EXPORT)
    inner = []

    def again(moment: str, method: str) -> None:
        if (moment, method) == ("after", "changes"):
            inner.append(run_link(here.engine, here.link_id))

    here.remote.hook = again
    assert here.run().outcome is RunOutcome.DONE
    assert inner == [None]
    assert len(here.rows(select(SyncRun))) == 1


@pytest.mark.rule("C10")
def test_a_change_of_theirs_between_plan_and_write_is_never_overwritten(here: World) -> None:
    made = here.book(3)
    here.connect(LinkPolicy.TWO_WAY)
    here.settle()
    uid = uid_of(here, made)
    move(here, made, HOUR)
    edited = []

    def meddle(moment: str, method: str) -> None:
        if (moment, method) == ("before", "update") and not edited:
            edited.append(uid)
            here.edit_theirs(uid, url="https://example.org/notes")

    here.remote.hook = meddle
    ran = here.run()
    assert (ran.outcome, ran.applied.undone) == (RunOutcome.PARTIAL, 1)
    assert here.theirs()[uid].master.url == "https://example.org/notes"  # type: ignore[union-attr]
    here.settle()
    assert here.theirs()[uid].master.start.instant == here.rows(select(CalendarItem.starts_at))[0]  # type: ignore[union-attr]


@pytest.mark.rule("C10")
def test_what_changes_here_during_a_run_is_not_missed(here: World) -> None:
    made = here.book(3)
    here.connect(LinkPolicy.EXPORT)
    moved = []

    def meddle(moment: str, method: str) -> None:
        if (moment, method) == ("after", "create") and not moved:
            moved.append(made)
            move(here, made, HOUR)

    here.remote.hook = meddle
    here.run()
    assert _is_due(here)  # at once, not in ten minutes
    here.run()
    here.assert_quiet()
    assert_agreed(here)


@pytest.mark.rule("C10")
@pytest.mark.parametrize(("before", "runs"), [(50, 1), (25, 2), (1, 2)])
def test_fifty_wake_ups_in_a_second_lead_to_two_runs_at_most(here: World, before: int, runs: int) -> None:
    """Those that come while a run is at the server are seen by the next one, all at once."""
    here.connect(LinkPolicy.EXPORT)
    here.settle()
    left = list(range(50))

    def book(number: int) -> None:
        for _ in range(number):
            day, hour = divmod(left.pop(), 5)
            here.book(3 + day + hour / 24)

    here.remote.hook = lambda moment, method: book(len(left)) if (moment, method) == ("after", "changes") else None
    book(before)
    done = 0
    while _is_due(here):
        assert here.run().outcome is RunOutcome.DONE
        done += 1
    assert (done, len(here.theirs())) == (runs, 50)


def _is_due(here: World) -> bool:
    with here.database.read() as session:
        return here.link_id in due_links(session, here.now)
