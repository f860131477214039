"""What guards a plan guards the plans of parts, too, and a run that is cut short says what it did (SPEC C8 to C11)."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.actions.links import rebuild_link
from booking.values.links import LinkPolicy, RunMode, RunOutcome
from ical.item import Status
from outside.errors import Unreachable
from sync.progress import Stage
from sync.runner import run_link
from sync.values import Counts, Hold
from tests.sync.acting import cancel
from tests.sync.linked import OFFICE, World, event, world

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


def fill(here: World) -> None:
    for number in range(MANY):
        here.put(event(f"x{number:03}", 5 + number))


def lose_index(here: World) -> None:
    here.write(lambda db: rebuild_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))


@pytest.mark.rule("C9")
@pytest.mark.parametrize("ended", [5, 8])
def test_deletions_of_all_parts_are_counted_together(here: World, ended: int) -> None:
    """A few in each part are as many as all of them are."""
    here.connect(LinkPolicy.TWO_WAY)
    made = [here.book(20 + day) for day in range(12)]
    here.settle()
    for one in made[:ended]:
        cancel(here, one)
    lose_index(here)
    here.visited.clear()
    ran = here.run()
    assert here.visited.count("sync.planned") == 3
    assert ran.plan is not None
    is_held = ended > 5
    assert (ran.plan.hold, len(ran.plan.held)) == ((Hold.SHARE, ended) if is_held else (None, 0))
    assert len(here.theirs()) == (12 if is_held else 12 - ended)
    assert ("link-held" in here.cases()) is is_held
    here.assert_quiet(requests=None) if not is_held else here.run()
    assert len(here.theirs()) == (12 if is_held else 12 - ended)


@pytest.mark.rule("C11")
def test_what_the_link_brought_is_found_again_as_it_stands(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    here.settle()
    before = [(one.id, one.uid, one.revision) for one in here.imported()]
    lose_index(here)
    assert here.run().applied.here == 0
    assert [(one.id, one.uid, one.revision) for one in here.imported()] == before


@pytest.mark.rule("C9", "C11")
@pytest.mark.parametrize("is_cancelled", [True, False])
def test_what_ended_there_while_the_index_was_lost_is_freed_in_time(here: World, is_cancelled: bool) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    here.settle()
    lose_index(here)
    if is_cancelled:
        here.edit_theirs("x002", status=Status.CANCELLED)
    else:
        here.delete_theirs("x002")
    for _ in range(3):
        here.run()
        here.now += timedelta(minutes=16)
    assert sorted(one.uid for one in here.imported()) == [f"x{one:03}" for one in range(MANY) if one != 2]


@pytest.mark.rule("C8", "C12")
def test_a_run_whose_time_is_over_between_parts_is_no_failure(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    here.run(RunMode.PLAN)

    def point(name: str) -> None:
        if name == "sync.stored":
            time.sleep(1.6)

    ran = run_link(replace(here.engine, seconds=1.5, point=point), here.link_id)
    assert ran is not None
    assert (ran.outcome, ran.problem, ran.applied.here) == (RunOutcome.PARTIAL, "", PART)
    assert (here.link.failures, here.link.cursor) == (0, "")
    assert here.run().outcome is RunOutcome.DONE
    assert len(here.imported()) == MANY


@pytest.mark.rule("C8", "C10")
def test_a_run_that_fails_in_a_later_part_tells_what_it_wrote(here: World) -> None:
    """The writes of an hour are counted by what runs say of themselves."""
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    here.run(RunMode.PLAN)
    asked = []

    def hook(moment: str, method: str) -> None:
        if (moment, method) == ("before", "fetch"):
            asked.append(method)
            if len(asked) == 4:
                raise Unreachable("https://dav.example", "nothing came")

    here.remote.hook = hook
    ran = here.run()
    written = len(here.imported())
    assert (ran.outcome, ran.applied.here) == (RunOutcome.FAILED, written)
    last = here.runs()[-1]
    assert (last.writes, last.counts) == (written, {"here": written})
    assert written > 0


def test_what_cannot_be_read_is_counted_once(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    here.remote.edit("/calendar/a.ics", b"no calendar")
    fill(here)
    ran = here.run()
    assert ran.plan is not None
    assert ran.plan.counts == Counts(here=MANY, notes=1)


def test_who_waits_is_told_of_one_stage_by_one_thread(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    fill(here)
    told: list[tuple[Stage, int, int]] = []
    run_link(replace(here.engine, progress=lambda *one: told.append(one)), here.link_id)
    assert {stage for stage, _, _ in told} == {Stage.APPLY}
    assert sum(more for _, more, _ in told) == MANY
    assert {total for _, _, total in told} == {MANY}
