"""Items that a server will not take stop no others (SPEC C10)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.values.links import LinkPolicy, RunOutcome
from booking.values.states import OccupancyKind
from outside.errors import SiteRefused
from sync.remotes.protocol import Written
from sync.their_side import MOST_FAILURES
from sync.values import REFUSED
from tests.sync.acting import move, uid_of
from tests.sync.linked import World, event, world
from tests.sync.remotes.dav_peer import dav_peer
from tests.sync.remotes.linked_remote import on_peer


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


@pytest.mark.rule("C10")
def test_new_items_that_a_server_refuses_stop_no_others(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.connect(LinkPolicy.EXPORT)
    for day in range(MOST_FAILURES + 3):
        here.book(3 + day)
    create, refused = here.remote.create, list[str]()

    def choosy(href: str, body: bytes) -> Written:
        if href in refused or len(refused) < MOST_FAILURES:
            refused.append(href)
            raise SiteRefused("https://dav.example", 415)
        return create(href, body)

    monkeypatch.setattr(here.remote, "create", choosy)
    for _ in range(20):
        here.run()
    assert len(here.theirs()) == 3
    assert len(set(refused)) == MOST_FAILURES


@pytest.mark.rule("C9", "C10")
@pytest.mark.parametrize("status", [403, 500])
def test_one_item_that_is_not_handed_out_stops_no_other_and_is_asked_for_again(here: World, status: int) -> None:
    with dav_peer() as peer:
        linked = on_peer(here, peer)
        linked.connect(LinkPolicy.TWO_WAY)
        linked.put(event("x1", 4))
        linked.put(event("x2", 5))
        mine = here.book(6)
        peer.manners = replace(peer.manners, refuses={"x1.ics": status})
        assert linked.run()[0] is RunOutcome.DONE
        assert [one.uid for one in here.imported()] == ["x2"]
        assert uid_of(here, mine) in linked.theirs()
        (row,) = [row for row in here.index() if row.problem]
        assert (row.href[-6:], row.problem, row.error_count) == ("x1.ics", REFUSED, 1)
        assert row.next_try is not None
        for _ in range(8):  # longer and longer apart, shown after some tries, and never given up
            here.now += timedelta(hours=7)
            assert linked.run()[0] is RunOutcome.DONE
        (row,) = [row for row in here.index() if row.problem]
        assert (row.state, row.error_count) == ("QUARANTINED", 9)
        peer.manners = replace(peer.manners, refuses={})
        here.now += timedelta(hours=7)
        assert linked.run()[0] is RunOutcome.DONE
        assert sorted(one.uid for one in here.imported()) == ["x1", "x2"]
        assert not [row for row in here.index() if row.problem]
        linked.quiet()


@pytest.mark.rule("C9", "C10")
def test_a_known_item_whose_new_version_is_not_handed_out_stays_as_it_was_known(here: World) -> None:
    with dav_peer() as peer:
        linked = on_peer(here, peer)
        linked.connect(LinkPolicy.TWO_WAY)
        linked.put(event("x1", 4))
        linked.quiet()
        taken = here.taken(OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE)
        linked.put(event("x1", 8))
        peer.manners = replace(peer.manners, refuses={"x1.ics": 500})
        assert linked.run()[:3] == (RunOutcome.DONE, 0, 0)
        assert here.taken(OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE) == taken
        peer.manners = replace(peer.manners, refuses={})
        here.now += timedelta(minutes=5)
        assert linked.run()[:2] == (RunOutcome.DONE, 1)
        assert here.taken(OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE) != taken


@pytest.mark.rule("C10")
def test_nothing_is_written_over_what_cannot_be_read(here: World) -> None:
    """What others added to it would be lost."""
    with dav_peer() as peer:
        linked = on_peer(here, peer)
        linked.connect(LinkPolicy.EXPORT)
        made = here.book(5)
        linked.quiet()
        before = dict(peer.seen())
        (name,) = before
        move(here, made, timedelta(hours=1))
        peer.manners = replace(peer.manners, refuses={name: 403})
        assert linked.run()[2] == 0
        assert peer.seen() == before
        peer.manners = replace(peer.manners, refuses={})
        here.now += timedelta(minutes=5)
        assert linked.run()[2] == 1
        linked.quiet()
