"""Much that is new is read, planned and stored in parts, while the server works on the rest (SPEC C6, C10, C12).

However it is divided, what it comes to is what one plan of all of it would have come to.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from booking.actions.links import rebuild_link
from booking.values.links import LinkPolicy, RunMode, RunOutcome, StepState
from outside.errors import Unreachable
from sync.joining import joined
from sync.plan import plan
from sync.remotes.protocol import Resource
from sync.runner import run_link
from sync.values import (
    Counts,
    Hold,
    ItemLink,
    Kind,
    Link,
    LocalEvidence,
    LocalItem,
    Operation,
    Plan,
    Reason,
    RemoteEvidence,
    Side,
)
from tests.sync.acting import uid_of
from tests.sync.linked import OFFICE, World, event, world
from tests.sync.simulator import HOST, NOW, item

PART = 4
MANY = 3 * PART + 1


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.gathering.FETCH", PART)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    made.remote.parallel = 2
    yield made
    made.database.close()


def fill(here: World, count: int = MANY) -> None:
    for number in range(count):
        here.put(event(f"x{number:03}", 5 + number))


def at_the_last_part(here: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Before the server hands out what is named last, whenever it is asked for that."""
    fetch = here.remote.fetch

    def fetched(hrefs: Collection[str]) -> tuple[Resource, ...]:
        if here.remote.href_for(f"x{MANY - 1:03}") in hrefs:
            act()
        return fetch(hrefs)

    monkeypatch.setattr(here.remote, "fetch", fetched)


def planned(here: World) -> int:
    """How many plans have been made since the visits were cleared."""
    return here.visited.count("sync.planned")


@pytest.mark.rule("C6", "C10")
@pytest.mark.parametrize("deltas", [True, False])
@pytest.mark.parametrize("is_linked_before", [True, False])
def test_much_that_is_new_comes_in_parts_and_comes_to_the_same(
    here: World, deltas: bool, is_linked_before: bool
) -> None:
    here.remote.manners.deltas = deltas
    here.connect(LinkPolicy.TWO_WAY)
    mine = here.book(3)
    if is_linked_before and deltas:
        here.settle()
    fill(here)
    here.visited.clear()
    ran = here.run()
    assert ran.outcome is RunOutcome.DONE
    assert planned(here) == 4
    assert ran.plan is not None
    assert ran.plan.counts.here == ran.applied.here == MANY
    assert sorted(one.uid for one in here.imported()) == [f"x{number:03}" for number in range(MANY)]
    assert sorted(here.theirs()) == sorted([uid_of(here, mine), *(f"x{number:03}" for number in range(MANY))])
    steps = here.steps(ran.run_id)
    assert len({one.position for one in steps}) == len(steps) == MANY + (not is_linked_before or not deltas)
    assert {one.state for one in steps} == {StepState.DONE}
    here.assert_quiet(requests=None)


def test_a_part_is_stored_while_the_server_still_works_on_another(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last answer does not come before the first part is stored: whoever waits for all of it waits for ever."""
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    is_stored = threading.Event()

    def wait() -> None:
        assert is_stored.wait(30)

    at_the_last_part(here, monkeypatch, wait)
    engine = replace(here.engine, point=lambda name: is_stored.set() if name == "sync.stored" else None)
    ran = run_link(engine, here.link_id)
    assert ran is not None
    assert ran.outcome is RunOutcome.DONE
    assert len(here.imported()) == MANY


@pytest.mark.rule("C8")
def test_what_a_person_is_to_look_at_is_one_plan(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    shown = here.run(RunMode.PLAN)
    assert shown.plan is not None
    assert planned(here) == 1
    assert len(shown.plan.operations) == MANY
    here.visited.clear()
    applied = here.run(shown=shown.plan.hash)
    assert (planned(here), applied.applied.here) == (1, MANY)


@pytest.mark.rule("C11")
def test_ours_that_lies_in_a_later_part_is_found_again_and_not_written_twice(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    mine = here.book(3)
    here.settle()
    uid = uid_of(here, mine)
    body = here.remote.bodies[here.their_href(uid)]
    here.delete_theirs(uid)
    fill(here)
    here.remote.edit("/calendar/zz.ics", body)  # somebody moved it to another address
    here.write(lambda db: rebuild_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    here.visited.clear()
    here.run()
    assert planned(here) == 4
    assert list(here.remote.bodies).count("/calendar/zz.ics") == 1
    assert sorted(here.theirs()) == sorted([uid, *(f"x{number:03}" for number in range(MANY))])
    (row,) = [row for row in here.index() if row.uid == uid]
    assert (row.href, row.state) == ("/calendar/zz.ics", "ACTIVE")
    here.assert_quiet(requests=None)


@pytest.mark.rule("C11")
def test_while_something_new_is_unread_nothing_new_is_written_there() -> None:
    """It may be what we are about to write, under an address that we do not know."""
    link = Link(1, HOST, LinkPolicy.TWO_WAY)
    mine = LocalEvidence({1: LocalItem(1, f"a@{HOST}", 1, item(f"a@{HOST}"))}, is_whole=True)
    there = RemoteEvidence({}, is_delta=False, is_whole=True, read_at=NOW)
    read = plan(link, (), mine, there, NOW)
    assert [(one.kind, one.side) for one in read.operations] == [(Kind.CREATE, Side.REMOTE)]
    assert plan(link, (), mine, replace(there, is_read=False), NOW).is_empty


def test_one_uid_at_two_addresses_in_different_parts_is_one_time(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    here.put(event("x001", 90), "/calendar/zz.ics")
    here.visited.clear()
    here.run()
    assert planned(here) == 4
    assert len(here.imported()) == MANY
    (double,) = [row for row in here.index() if row.href == "/calendar/zz.ics"]
    assert (double.local_id, double.problem) == (None, Reason.IGNORED_DOUBLE)
    here.assert_quiet(requests=None)


@pytest.mark.rule("C10")
@pytest.mark.parametrize("after", range(3, 24, 4))
def test_killed_between_the_parts_the_next_run_goes_on(here: World, after: int) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    here.book(3)
    fill(here)
    assert here.killed_run(after)
    assert here.run().outcome is RunOutcome.DONE
    assert len(here.imported()) == MANY
    assert len(here.theirs()) == MANY + 1
    here.assert_quiet(requests=None)


@pytest.mark.rule("C9", "C12")
def test_a_server_that_fails_in_a_later_part_takes_nothing_back(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    here.run(RunMode.PLAN)  # so that what it can is known

    def fail() -> NoReturn:
        raise Unreachable("https://dav.example", "nothing came")

    at_the_last_part(here, monkeypatch, fail)
    assert here.run().outcome is RunOutcome.FAILED
    assert len(here.imported()) == 3 * PART
    monkeypatch.undo()
    assert here.run().outcome is RunOutcome.DONE
    assert len(here.imported()) == MANY


@pytest.mark.rule("C10")
def test_the_writes_of_an_hour_are_counted_over_all_parts(here: World) -> None:
    here.connect(LinkPolicy.IMPORT, limits={"writes_per_hour": PART + 2})
    fill(here)
    ran = here.run()
    assert (ran.outcome, ran.applied.here) == (RunOutcome.PARTIAL, PART + 2)
    assert ran.plan is not None
    assert ran.plan.counts.postponed == MANY - PART - 2
    here.now += timedelta(hours=1, minutes=1)
    assert here.run().applied.here == PART + 2


def test_plans_are_joined_with_each_held_step_once() -> None:
    row = ItemLink(None, None, "/calendar/x.ics", "x", Side.REMOTE)
    step = Operation(Kind.CREATE, Side.LOCAL, Reason.NEW_THERE, row, row)
    held = replace(step, kind=Kind.DELETE, deletes=True)
    first = Plan((step,), (held,), Hold.SOON, counts=Counts(here=1, held=1))
    second = Plan((step, step), (held,), Hold.SOON, counts=Counts(here=2, held=1))
    made = joined([first, second])
    assert (len(made.operations), made.held, made.hold) == (3, (held,), Hold.SOON)
    assert made.counts == Counts(here=3, held=1)
    assert joined([first]) is first
