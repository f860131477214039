"""What is written there stands under a condition, and nothing is begun that could outlast the lease (SPEC C9, C10)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.actions.link_runs import LEASE
from booking.values.links import LinkPolicy, RunOutcome
from outside.errors import SiteRefused
from sync.remotes.memory import Etags, Manners, MemoryRemote
from sync.their_side import MARGIN, MOST_FAILURES
from tests.sync.acting import cancel, move, uid_of
from tests.sync.linked import World, event, world

HOUR = timedelta(hours=1)
UNGUARDED = {
    "no guards": Manners(guards=False),
    "weak ETags": Manners(etags=Etags.WEAK),
    "no ETags": Manners(etags=Etags.NONE),
}


@pytest.fixture(params=list(UNGUARDED))
def unguarded(sqlite_url: str, request: pytest.FixtureRequest) -> Iterator[World]:
    made = world(sqlite_url, MemoryRemote(UNGUARDED[request.param]))
    yield made
    made.database.close()


def when_it_begins(here: World, meddle: object) -> None:
    """Somebody else is at it between the plan and the write."""
    before = here.point
    done: list[str] = []

    def point(name: str) -> None:
        if name == "sync.begun" and not done:
            done.append(name)
            meddle()  # type: ignore[operator] # a function
        before(name)

    here.point = point  # type: ignore[method-assign] # for this world alone


@pytest.mark.rule("C10")
@pytest.mark.parametrize("way", ["update", "delete"])
def test_where_a_server_guards_nothing_it_is_looked_before_what_stands_there_is_written_over(
    unguarded: World, way: str
) -> None:
    here = unguarded
    made = here.book(3)
    here.connect(LinkPolicy.TWO_WAY)
    here.run()
    uid = uid_of(here, made)
    (move(here, made, HOUR) if way == "update" else cancel(here, made))
    when_it_begins(here, lambda: here.edit_theirs(uid, url="https://example.org/notes"))
    ran = here.run()
    assert (ran.outcome, ran.applied.there, ran.applied.undone) == (RunOutcome.PARTIAL, 0, 1)
    assert here.theirs()[uid].master.url == "https://example.org/notes"  # type: ignore[union-attr]


@pytest.mark.rule("C10")
def test_where_a_server_guards_nothing_what_was_put_at_an_address_meanwhile_is_not_written_over(
    sqlite_url: str,
) -> None:
    here = world(sqlite_url, MemoryRemote(Manners(guards=False)))
    made = here.book(3)
    here.connect(LinkPolicy.EXPORT)
    foreign = event(uid_of(here, made), 3, summary="Theirs")
    when_it_begins(here, lambda: here.put(foreign))
    ran = here.run()
    assert (ran.applied.there, ran.applied.undone) == (0, 1)
    assert [one.master.summary for one in here.theirs().values() if one.master] == ["Theirs"]
    here.database.close()


@pytest.mark.rule("C10")
def test_no_write_is_begun_that_could_outlast_the_lease(sqlite_url: str) -> None:
    """Another worker may have the link by then, and would write the same."""
    here = world(sqlite_url)
    for day in (3, 4, 5):
        here.book(day)
    here.connect(LinkPolicy.EXPORT)
    slow: list[str] = []

    def take_long(moment: str, method: str) -> None:
        if (moment, method) == ("before", "create"):
            slow.append(method)
            here.now += LEASE - MARGIN + timedelta(seconds=1)

    here.remote.hook = take_long
    ran = here.run()
    assert len(slow) == 1
    assert (ran.outcome, ran.applied.there, ran.applied.undone) == (RunOutcome.PARTIAL, 1, 2)
    here.remote.hook = lambda _moment, _method: None
    here.settle()
    assert len(here.theirs()) == 3
    here.database.close()


@pytest.mark.rule("C10", "C12")
def test_a_server_that_refuses_one_item_after_the_other_is_left_alone_for_this_run(sqlite_url: str) -> None:
    here = world(sqlite_url)
    for number in range(9):
        here.book(3 + number)
    here.connect(LinkPolicy.EXPORT)
    asked: list[str] = []

    def refuse(moment: str, method: str) -> None:
        if (moment, method) == ("before", "create"):
            asked.append(method)
            raise SiteRefused("https://dav.example:443", 422)

    here.remote.hook = refuse
    ran = here.run()
    assert (len(asked), ran.outcome, ran.problem) == (MOST_FAILURES, RunOutcome.FAILED, "refused")
    here.remote.hook = lambda _moment, _method: None
    here.now += timedelta(hours=1)
    here.run()
    here.assert_quiet()
    assert len(here.theirs()) == 9
    here.database.close()
