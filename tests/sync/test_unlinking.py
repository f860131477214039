"""The end of a link: what we wrote there is removed in batches that no lease is too short for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.actions.links import rebuild_link, unlink
from booking.tables.links import CalendarLink
from booking.values.links import LinkPolicy, RunOutcome
from outside.errors import SiteMissing, SiteRefused
from sync.remotes.memory import MemoryRemote
from sync.runner import run_link
from sync.unlinking import BATCH, remove_ours
from sync.values import ItemLink, Side
from tests.sync.linked import OFFICE, Killed, World, event, world

MANY = 2 * BATCH + 3


def rows_on(remote: MemoryRemote, number: int = MANY) -> list[ItemLink]:
    """Ours, and one that somebody else wrote."""
    made = [ItemLink(one, one, f"/{one}", f"uid-{one}", Side.LOCAL) for one in range(number)]
    for row in made:
        remote.edit(row.href, b"x")
    remote.edit("/theirs", b"x")
    return [*made, ItemLink(number, None, "/theirs", "theirs", Side.REMOTE)]


@pytest.mark.rule("C10")
@pytest.mark.parametrize(
    ("seconds", "sizes"), [(60.0, [BATCH, BATCH, 3]), (0.0, [1] * MANY)], ids=["a quick server", "a slow one"]
)
def test_what_was_removed_is_stored_before_the_lease_can_end(seconds: float, sizes: list[int]) -> None:
    remote, stored = MemoryRemote(), list[int]()
    done = remove_ours(remote, rows_on(remote), lambda rows: stored.append(len(rows)), lambda: True, seconds)
    assert (done, stored, list(remote.bodies)) == ((MANY, 0), sizes, ["/theirs"])


@pytest.mark.rule("C10")
def test_what_there_was_no_time_for_is_left_to_the_next_run_and_what_is_refused_to_itself() -> None:
    remote, stored = MemoryRemote(), list[int]()

    def refuse(moment: str, _method: str) -> None:
        if moment == "before" and remote.writes == 3:
            remote.writes += 1
            raise SiteRefused("", 423)

    remote.hook = refuse
    done = remove_ours(remote, rows_on(remote), lambda rows: stored.append(len(rows)), lambda: not stored)
    assert (done, stored, len(remote.bodies)) == ((BATCH, MANY - BATCH), [BATCH], MANY - BATCH + 2)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def end(here: World) -> None:
    here.write(lambda db: unlink(db, here.now, here.ids.organisation_id, OFFICE, here.link_id, removes=True))


def is_linked(here: World) -> bool:
    return bool(here.rows(select(CalendarLink.id)))


@pytest.mark.rule("C10", "X4")
@pytest.mark.parametrize("place", ["after create", "sync.wrote"])
def test_what_a_killed_run_wrote_and_no_row_knows_is_removed_too(here: World, place: str) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    here.put(event("x1", 9))
    here.run()
    here.book(3)

    def point(name: str) -> None:
        if name == place:
            raise Killed(name)

    here.remote.hook = lambda moment, method: point(f"{moment} {method}")
    with pytest.raises(Killed):
        run_link(replace(here.engine, point=point), here.link_id)
    here.remote.hook = lambda _moment, _method: None
    here.now += timedelta(minutes=2)
    assert len(here.theirs()) == 2
    end(here)
    here.run()
    assert list(here.theirs()) == ["x1"]
    assert not is_linked(here)


@pytest.mark.rule("C11")
def test_with_the_index_lost_ours_is_removed_and_a_copy_that_somebody_made_of_it_stays(here: World) -> None:
    here.connect(LinkPolicy.TWO_WAY)
    here.book(3)
    here.settle()
    (ours,) = here.theirs().values()
    here.put(replace(ours, uid="copy"))
    here.write(lambda db: rebuild_link(db, here.now, here.ids.organisation_id, OFFICE, here.link_id))
    end(here)
    here.run()
    assert list(here.theirs()) == ["copy"]
    assert not is_linked(here)


@pytest.mark.rule("C10")
def test_a_link_that_is_ended_while_it_runs_still_removes_what_it_wrote(here: World) -> None:
    """The run that is under way knows nothing of that, and its end is not the link's."""
    here.connect(LinkPolicy.EXPORT)
    here.book(3)
    run_link(replace(here.engine, point=lambda name: end(here) if name == "sync.planned" else None), here.link_id)
    assert len(here.theirs()) == 1
    assert is_linked(here)
    here.run()
    assert not here.theirs()
    assert not is_linked(here)


def test_a_calendar_that_is_gone_keeps_no_link(here: World) -> None:
    here.connect(LinkPolicy.EXPORT)
    here.settle()

    def hook(moment: str, method: str) -> None:
        if (moment, method) == ("before", "changes"):
            raise SiteMissing("https://dav.example", 404)

    here.remote.hook = hook
    end(here)
    assert here.run().outcome is RunOutcome.DONE
    assert not is_linked(here)
