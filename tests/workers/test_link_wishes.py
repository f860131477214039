"""Plans that people ask for, as a job makes them, apart from the runs that come by themselves (SPEC C8)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.actions.link_runs import begin_run
from booking.actions.link_wishes import ask_apply, ask_plan, settle_wish
from booking.actions.links import pause_link, unlink
from booking.reads.link_wishes import last_wish, open_wishes
from booking.tables.link_wishes import LinkWish
from booking.values.links import LinkStatus, RunMode, RunOutcome
from booking.values.refusals import NotFound, Refused
from config.jobs import SERVE_LINKS, queue_for
from sync.remotes.memory import MemoryRemote
from tests.builders import NOW, build_house
from tests.fixtures.servers import Valkey
from tests.sync.linked import OFFICE, World, world
from tests.workers.conftest import Works
from workers.context import clock
from workers.link_wishes import serve_all
from workers.tick import Tick


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    made.book(3)
    made.connect()
    made.write(lambda db: pause_link(db, made.now, made.ids.organisation_id, OFFICE, made.link_id))
    yield made
    made.database.close()


def ask(here: World) -> UUID:
    asked = here.write(lambda db: ask_plan(db, here.now, here.ids.organisation_id, here.link_id))
    assert isinstance(asked, UUID)
    return asked


def apply(here: World, plan: UUID, shown: str) -> UUID | Refused:
    mine = here.ids.organisation_id
    return here.write(lambda db: ask_apply(db, here.now, mine, OFFICE, here.link_id, plan, shown))


def plan_hash(here: World) -> str:
    with here.database.read() as session:
        wish = last_wish(session, here.link_id)
    assert wish is not None
    assert wish.run is not None
    return wish.run.plan_hash


@pytest.mark.rule("C8")
def test_a_link_that_rests_is_planned_and_does_what_was_shown_and_nothing_more(here: World) -> None:
    plan = ask(here)
    assert serve_all(here.engine) == 1
    assert here.remote.writes == 0
    assert isinstance(apply(here, plan, plan_hash(here)), UUID)
    assert serve_all(here.engine) == 1
    assert here.remote.writes == 1
    assert here.link.state is LinkStatus.PAUSED
    here.book(4)
    with here.database.read() as session:
        assert open_wishes(session) == ()
    turn = here.write(lambda db: begin_run(db, here.now, here.link_id, RunMode.NORMAL, "x"))
    assert turn is None, "it rests again"


@pytest.mark.rule("C8")
def test_while_a_plan_is_to_be_applied_no_full_run_slips_in(here: World) -> None:
    """At night the whole is listed after a run: not for a link that rests."""
    plan = ask(here)
    serve_all(here.engine)
    apply(here, plan, plan_hash(here))
    assert here.write(lambda db: begin_run(db, here.now, here.link_id, RunMode.FULL, "x")) is None


def test_a_link_that_is_run_just_now_is_served_by_the_next_job(here: World) -> None:
    ask(here)
    here.write(lambda db: begin_run(db, here.now, here.link_id, RunMode.PLAN, "another"))
    assert serve_all(here.engine) == 0
    here.now += timedelta(minutes=1)  # it died
    assert serve_all(here.engine) == 1
    assert [one.outcome for one in here.runs()] == [RunOutcome.LOST, RunOutcome.PLANNED]


@pytest.mark.rule("C8", "C10")
def test_killed_before_it_was_noted_a_plan_is_not_applied_twice(here: World) -> None:
    plan = ask(here)
    serve_all(here.engine)
    apply(here, plan, plan_hash(here))
    (wish,) = (one for one in here.rows(select(LinkWish)) if one.done_at is None)
    here.run(shown=wish.shown)  # and then the process ended
    assert here.remote.writes == 1
    assert serve_all(here.engine) == 1
    assert here.remote.writes == 1


def test_what_is_not_the_houses_or_ends_is_refused(here: World) -> None:
    plan = ask(here)
    other = here.write(lambda db: build_house(db, NOW, "nachbar"))
    with pytest.raises(NotFound):
        here.write(lambda db: ask_plan(db, here.now, other.organisation_id, here.link_id))
    too_early = apply(here, plan, "0" * 32)
    assert isinstance(too_early, Refused)
    assert too_early.codes == ("plan-not-ready",)
    mine = here.ids.organisation_id
    here.write(lambda db: unlink(db, here.now, mine, OFFICE, here.link_id, removes=True))
    for no in (apply(here, plan, ""), here.write(lambda db: ask_plan(db, here.now, mine, here.link_id))):
        assert isinstance(no, Refused)
        assert no.codes == ("unlinking",)
    here.write(lambda db: settle_wish(db, here.now, 4_711, 1))  # gone with its link: nothing happens


def test_old_plans_are_forgotten_when_a_new_one_is_asked_for(here: World) -> None:
    ask(here)
    serve_all(here.engine)
    here.now += timedelta(days=91)
    ask(here)
    assert len(here.rows(select(LinkWish))) == 1


def test_the_tick_finds_a_plan_whose_nudge_was_lost(works: Works, valkey: Valkey) -> None:
    here = World(works.context.database, MemoryRemote(), works.ids, clock())
    here.tools = works.context.tools
    here.connect()
    here.write(lambda db: pause_link(db, clock(), works.ids.organisation_id, OFFICE, here.link_id))
    context = replace(works.context, redis=valkey.client())
    assert Tick(context).step(clock())
    assert queue_for(SERVE_LINKS, context.redis).jobs == []
    ask(here)
    assert Tick(context).step(clock() + timedelta(minutes=1))
    assert [job.func_name for job in queue_for(SERVE_LINKS, context.redis).jobs] == [SERVE_LINKS]
    context.redis.close()
