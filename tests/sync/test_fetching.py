"""Fetching side by side while what came is read: it keeps its lease, its time and its promises (SPEC C6, C10, C12)."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.actions.link_runs import LEASE
from booking.values.links import LinkPolicy, RunMode, RunOutcome
from sync import fetching
from sync.fetching import Brought, brought
from sync.many import Outcome
from sync.remotes.memory import MemoryRemote
from sync.remotes.protocol import Resource
from sync.runner import run_link
from sync.values import RemoteItem
from tests.sync.linked import World, event, read_here, world

BATCHES = [[f"/calendar/{batch}-{number}" for number in range(40)] for batch in range(3)]


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


class Slow(MemoryRemote):
    """Takes `each` seconds for an item, and holds whatever is asked for."""

    def __init__(self, each: float = 0.0, parallel: int = 1) -> None:
        super().__init__()
        self.each, self.parallel = each, parallel
        self.asked: list[int] = []

    def fetch(self, hrefs: Collection[str]) -> tuple[Resource, ...]:
        self.asked.append(len(hrefs))
        time.sleep(self.each * len(hrefs))
        return tuple(Resource(href, '"1"', b"") for href in hrefs)


def read(resources: Sequence[Resource]) -> list[RemoteItem]:
    return [RemoteItem(one.href, one.etag) for one in resources]


def hrefs(parts: Sequence[Brought]) -> list[str]:
    return [one.href for part in parts for one in part.items]


def test_a_quick_server_is_asked_for_each_batch_at_once() -> None:
    remote = Slow()
    parts = list(brought(remote, BATCHES, read, lambda: True))
    assert hrefs(parts) == [href for batch in BATCHES for href in batch]
    assert remote.asked == [40, 40, 40]
    assert not any(part.unread for part in parts)


@pytest.mark.rule("C12")
def test_what_came_in_time_is_kept_and_the_rest_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that hands out one item at a time would else be read for minutes, and all of it thrown away."""
    monkeypatch.setattr(fetching, "PIECE", 10)
    monkeypatch.setattr(fetching, "SLOW", 0.02)
    remote = Slow(each=0.005)
    left = iter([True, True, False])
    first, *others = brought(remote, BATCHES, read, lambda: next(left, False))
    assert remote.asked[:2] == [10, 2]
    assert [*hrefs([first]), *first.unread] == BATCHES[0]
    assert len(first.unread) == len(BATCHES[0]) - sum(remote.asked) > 0
    assert [(list(one.items), one.unread) for one in others] == [([], BATCHES[1]), ([], BATCHES[2])]


@pytest.mark.rule("C10", "C12")
def test_a_call_that_takes_longer_than_the_lease_does_not_cost_it(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.connect(LinkPolicy.IMPORT)
    here.put(event("x1", 4))
    here.run(RunMode.PLAN)
    monkeypatch.setattr(fetching, "RENEWED", 0.05)

    def hook(moment: str, method: str) -> None:
        if (moment, method) == ("before", "fetch"):
            for _ in range(3):
                time.sleep(0.5)
                here.now += LEASE - timedelta(seconds=10)

    here.remote.hook = hook
    ran = here.run()
    assert (ran.outcome, len(here.imported())) == (RunOutcome.DONE, 1)


@pytest.mark.rule("C10", "C12")
def test_reading_that_takes_longer_than_the_lease_does_not_cost_it(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.connect(LinkPolicy.IMPORT)
    here.put(event("x1", 4))
    monkeypatch.setattr(fetching, "RENEWED", 0.05)

    def slowly(bodies: Sequence[bytes], zone: str) -> list[Outcome | None]:
        for _ in range(3 if bodies else 0):
            time.sleep(0.5)
            here.now += LEASE - timedelta(seconds=10)
        return read_here(bodies, zone)

    ran = run_link(replace(here.engine, reader=slowly), here.link_id)
    assert ran is not None
    assert (ran.outcome, len(here.imported())) == (RunOutcome.DONE, 1)


def test_once_it_is_closed_nothing_more_is_fetched_or_read() -> None:
    remote = Slow(each=0.001, parallel=2)
    done = []

    def slowly(resources: Sequence[Resource]) -> list[RemoteItem]:
        done.append(len(resources))
        time.sleep(0.1)
        return read(resources)

    parts = brought(remote, BATCHES * 10, slowly, lambda: True)
    next(parts)
    time.sleep(0.3)
    parts.close()
    assert len(done) < 10  # of thirty
    asked = len(remote.asked)
    time.sleep(0.2)
    assert len(remote.asked) == asked


def test_patience_that_raises_ends_it() -> None:
    """The lease is another's: nothing of what was meant is done any more."""

    def lost() -> bool:
        raise LookupError

    remote = Slow()
    with pytest.raises(LookupError):
        list(brought(remote, BATCHES, read, lost))
    assert remote.asked == []
