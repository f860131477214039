"""A link on servers with bad manners: whatever they do, both sides agree in the end, and nothing is doubled or lost."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.values.links import RunOutcome
from booking.values.states import OccupancyKind
from tests.fixtures.soak import SOAK
from tests.sync.acting import cancel, move, slot_of, uid_of
from tests.sync.linked import Killed, event, world
from tests.sync.remotes.dav_peer import DavPeer, Manners, dav_peer
from tests.sync.remotes.linked_remote import Linked, on_peer

HOUR = timedelta(hours=1)
BOUNDARIES = 9
MANNERS = {
    "tokens": Manners(),
    "pages of three with 507": Manners(page=3),
    "forgotten tokens are 412": Manners(forgotten=(412, True)),
    "tags only": Manners(has_sync=False),
    "neither tokens nor tags": Manners(has_sync=False, has_tag=False),
    "weak ETags": Manners(etags="weak"),
    "no ETags on write": Manners(etag_on_write=False),
    "lies about ETags": Manners(lies_about_etags=True),
    "rewrites what it is given": Manners(rewrites=True),
    "ignores If-None-Match": Manners(heeds_none_match=False),
    "ignores If-Match": Manners(heeds_match=False),
    "no multiget": Manners(has_multiget=False),
    "writes are seen later": Manners(visible_after=2),
    "names with other spellings": Manners(spells_hrefs="escaped", gzips=True),
}


@pytest.fixture(params=list(MANNERS))
def peer(request: pytest.FixtureRequest) -> Iterator[DavPeer]:
    with dav_peer(MANNERS[request.param]) as made:
        yield made


@pytest.fixture
def linked(sqlite_url: str, peer: DavPeer) -> Iterator[Linked]:
    made = on_peer(world(sqlite_url), peer)
    made.connect()
    yield made
    made.world.database.close()


def forget_tokens(peer: DavPeer) -> None:
    """All that were given out so far; not while it pages, where the tokens between pages are older ones."""
    if peer.manners.page is None:
        peer.first_revision = max(item.revision for item in peer.items.values()) + 1


@pytest.mark.rule("C6", "C10")
def test_both_sides_agree_after_changes_on_both_and_then_nothing_is_written(linked: Linked, peer: DavPeer) -> None:
    here = linked.world
    made, other = here.book(3), here.book(4)
    linked.put(event("x1", 6, 2, "Wartung"))
    linked.quiet()
    assert set(linked.theirs()) == {"x1", uid_of(here, made), uid_of(here, other)}
    assert len(here.taken(OccupancyKind.CLOSURE)) == 1
    forget_tokens(peer)
    linked.quiet()
    move(here, made, HOUR)
    cancel(here, other)
    linked.put(event("x1", 7, 2, "Wartung"))
    linked.put(event("x2", 8))
    linked.quiet()
    theirs = linked.theirs()
    assert set(theirs) == {"x1", "x2", uid_of(here, made)}
    master = theirs[uid_of(here, made)].master
    assert master is not None
    assert master.start.instant == slot_of(here, made).start
    assert {slot.start for slot in here.taken(OccupancyKind.CLOSURE)} == {here.now + timedelta(days=n) for n in (7, 8)}
    assert here.link.failures == 0


@pytest.mark.soak
@pytest.mark.rule("C10")
def test_killed_at_any_boundary_it_converges_without_a_second_copy(linked: Linked) -> None:
    here = linked.world
    linked.quiet()
    for after in range(BOUNDARIES) if SOAK else random.Random(5).sample(range(BOUNDARIES), 2):
        day = 3 + after * 3
        stays, ends = here.book(day), here.book(day + 1)
        linked.quiet()
        move(here, stays, HOUR)
        cancel(here, ends)
        new = here.book(day + 2)
        linked.put(event(f"x{after}", day + 2.2))
        here.kill_at = after
        try:
            linked.run()
        except Killed:
            here.now += timedelta(minutes=2)
        here.kill_at = None
        linked.quiet()
        theirs = linked.theirs()
        assert {uid_of(here, stays), uid_of(here, new), f"x{after}"} <= set(theirs)
        assert uid_of(here, ends) not in theirs
        assert len(here.imported()) == len([uid for uid in theirs if uid.startswith("x")])


@pytest.mark.rule("C8", "C9")
def test_a_server_that_pages_without_end_frees_no_time(sqlite_url: str) -> None:
    manners = Manners()
    with dav_peer(manners) as peer:
        linked = on_peer(world(sqlite_url), peer)
        linked.connect()
        for number in range(5):
            linked.put(event(f"x{number}", 3 + number))
        linked.quiet()
        taken = linked.world.taken(OccupancyKind.CLOSURE)
        assert len(taken) == 5
        manners.page, manners.endless_paging = 2, True
        linked.put(event("x9", 20))
        outcome, *_ = linked.run()
        assert outcome is not RunOutcome.DONE
        assert set(taken) <= set(linked.world.taken(OccupancyKind.CLOSURE))
        linked.world.database.close()
