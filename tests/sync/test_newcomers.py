"""Items that are only known, and what a run says of them that had no time to read them (SPEC C9, C14)."""

from collections.abc import Iterator

import pytest

from booking.values.links import LinkPolicy, RunOutcome
from sync.plan import plan
from sync.runner import run_link
from sync.values import ItemLink, Link, LinkState, LocalEvidence, RemoteEvidence, RemoteItem, Side
from tests.sync.linked import World, event, world
from tests.sync.simulator import HOST, NOW

NOTHING = LocalEvidence({}, is_whole=False)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def test_what_could_never_be_read_and_changed_unread_is_left_to_the_next_run() -> None:
    row = ItemLink(1, None, "/calendar/a", "", Side.REMOTE, base_etag='"1"', state=LinkState.QUARANTINED, problem="x")
    there = RemoteEvidence({row.href: RemoteItem(row.href, '"2"')}, is_delta=True, is_whole=True, read_at=NOW)
    assert plan(Link(1, HOST, LinkPolicy.IMPORT), [row], NOTHING, there, NOW).is_empty


@pytest.mark.rule("C9", "C14")
def test_what_was_free_and_changed_unread_is_read_by_the_next_run(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its new version is not taken for the one that is known: else its time would never be taken."""
    here.connect(LinkPolicy.IMPORT_BUSY)
    here.put(event("x1", 4, is_busy=False))
    here.settle()
    here.put(event("x1", 4))
    with monkeypatch.context() as patched:
        patched.setattr("sync.run_time.READING", 0.0)  # no time at all is left for reading
        ran = run_link(here.engine, here.link_id)
    assert ran is not None
    assert ran.outcome is RunOutcome.PARTIAL
    assert here.run().outcome is RunOutcome.DONE
    assert [one.uid for one in here.imported()] == ["x1"]
