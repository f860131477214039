"""Killed at any boundary, with a server of any manners: the same end as without (SPEC C10)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from booking.values.links import LinkPolicy
from ical.item import Item
from sync.content import content_key
from sync.remotes.memory import Etags, Manners, MemoryRemote
from sync.settle import LONGEST_WAIT, TRIES, failed
from sync.values import ItemLink, Kind, LinkState, Reason, Side
from tests.sync.simulator import HOST, NOW, Killed, Runner, changed, item, moved, runner

pytestmark = pytest.mark.rule("C10")

OURS, THEIRS = f"a@{HOST}", "b"
HOUR = timedelta(hours=1)


def agreed(manners: Manners | None = None, *, protected: bool = False) -> Runner:
    """One item of each side and one more, known to both."""
    world = runner(LinkPolicy.TWO_WAY, remote=MemoryRemote(manners))
    world.store.add(item(OURS, description="Notes"), is_protected=protected)
    world.store.add(item(f"c@{HOST}"))
    world.edit_there(item(THEIRS))
    world.run(full=True)
    world.run(full=True)
    return world


def _theirs(world: Runner, uid: str) -> Item:
    return next(one for one in world.their_items() if one.uid == uid)


def create_here(world: Runner) -> None:
    world.store.add(item(f"d@{HOST}"))


def create_there(world: Runner) -> None:
    world.edit_there(item("e"))


def update_here(world: Runner) -> None:
    world.store.change(1, moved(world.store.items[1].item, HOUR))


def update_there(world: Runner) -> None:
    world.edit_there(moved(_theirs(world, THEIRS), HOUR))


def update_both(world: Runner) -> None:
    update_here(world)
    world.edit_there(changed(_theirs(world, OURS), summary="Renamed"))


def delete_here(world: Runner) -> None:
    world.store.end(1)


def delete_there(world: Runner) -> None:
    world.delete_there(THEIRS)


EDITS = (create_here, create_there, update_here, update_there, update_both, delete_here, delete_there)


def picture(world: Runner) -> tuple[object, ...]:
    """All that matters in the end."""
    ours = sorted((one.uid, repr(content_key(one.item))) for one in world.store.items.values())
    theirs = sorted((one.uid, repr(content_key(one))) for one in world.their_items())
    rows = sorted((row.uid, row.state, row.local_id is None) for row in world.rows.values())
    return ours, theirs, rows, len(world.cases)


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("etags", [Etags.STRONG, Etags.NONE])
def test_killed_at_any_boundary_it_ends_the_same(edit: Callable[[Runner], None], etags: Etags, protected: bool) -> None:
    whole = agreed(Manners(etags=etags), protected=protected)
    edit(whole)
    whole.run()
    whole.run()
    for boundary in range(40):
        world = agreed(Manners(etags=etags), protected=protected)
        edit(world)
        reached = world.killed_run(boundary)
        world.run()
        assert world.look()[0].is_empty, boundary
        assert picture(world) == picture(whole), boundary
        if not reached:
            assert boundary > 1
            return
    pytest.fail("more boundaries than expected")


def test_killed_while_the_network_answers_it_ends_the_same() -> None:
    """The write went through and nobody heard of it."""
    for method in ("create", "update", "delete"):
        for edit in EDITS:
            whole, world = agreed(), agreed()
            edit(whole)
            edit(world)
            whole.run()

            def die(moment: str, called: str, method: str = method) -> None:
                if (moment, called) == ("after", method):
                    raise Killed

            world.remote.hook = die
            with suppress(Killed):
                world.run()
            world.remote.hook = lambda _moment, _method: None
            world.run()
            assert world.look()[0].is_empty
            assert picture(world) == picture(whole), (method, edit)


def _lossy(one: Item) -> Item:
    return changed(one, description="", summary=one.master.summary.upper()) if one.master else one


@pytest.mark.parametrize("etag_on_write", [True, False])
@pytest.mark.parametrize("etags", Etags)
@pytest.mark.parametrize("lossy", [False, True])
def test_the_echo_of_a_server_that_rewrites_is_no_change(etags: Etags, lossy: bool, etag_on_write: bool) -> None:
    world = runner(remote=MemoryRemote(Manners(etags=etags, etag_on_write=etag_on_write)))
    world.remote.manners.rewrite = world.codec.rewriting(_lossy if lossy else lambda one: replace(one, sequence=9))
    world.store.add(item(OURS, description="Notes"))
    world.run()
    for _ in range(3):
        world.store.change(1, moved(world.store.items[1].item, HOUR))
        world.run()
        writes = world.remote.writes
        for full in (False, True):
            made = world.run(full=full)
            assert not made.counts.there
            assert not made.counts.here
        assert world.remote.writes == writes
    ours = world.store.items[1].item.master
    assert ours is not None
    assert (ours.summary, ours.description) == ("Training", "Notes")


def test_an_edit_between_our_write_and_our_reading_back_is_found() -> None:
    world = agreed(Manners(etag_on_write=False))
    world.store.change(1, changed(world.store.items[1].item, summary="Renamed"))

    def edit(moment: str, called: str) -> None:
        if (moment, called) == ("after", "update"):
            world.remote.hook = lambda _moment, _method: None
            world.edit_there(moved(_theirs(world, OURS), HOUR))

    world.remote.hook = edit
    world.run()
    world.run()
    ours = world.store.items[1].item
    assert ours.master is not None
    assert (ours.master.summary, ours.master.start.wall.hour) == ("Renamed", 10)
    assert world.look()[0].is_empty


def test_a_write_under_an_old_etag_is_refused_and_merged_by_the_next_run() -> None:
    world = agreed()
    update_here(world)
    made, _ = world.look()
    world.edit_there(changed(_theirs(world, OURS), summary="Renamed"))
    world.apply(made)
    assert world.undone == 1
    world.run()
    ours = world.store.items[1].item
    assert ours.master is not None
    assert (ours.master.summary, ours.master.start.wall.hour) == ("Renamed", 10)


def test_one_item_that_fails_waits_and_the_others_go_on() -> None:
    world = agreed()
    update_here(world)
    update_there(world)
    create_here(world)
    world.broken = {world.row(OURS).href}
    world.run()
    assert _theirs(world, f"d@{HOST}")
    assert world.store.items[3].item.master == _theirs(world, THEIRS).master
    row = world.row(OURS)
    assert (row.error_count, row.problem) == (1, "broken")
    assert row.next_try is not None
    assert world.run().counts.rests == 1
    world.broken = set()
    world.now = row.next_try
    world.run()
    assert _theirs(world, OURS).master == world.store.items[1].item.master
    assert (world.row(OURS).error_count, world.row(OURS).next_try) == (0, None)


def test_what_their_side_changed_while_the_item_failed_is_not_lost_with_the_cursor() -> None:
    world = agreed()
    world.edit_there(moved(_theirs(world, THEIRS), HOUR))
    world.broken = {world.row(THEIRS).href}
    world.run()
    world.run()
    world.broken = set()
    world.now += timedelta(days=1)
    world.run()
    assert world.store.items[3].item.master == _theirs(world, THEIRS).master


def test_what_keeps_failing_is_quarantined_and_still_tried() -> None:
    world = agreed()
    update_here(world)
    world.broken = {world.row(OURS).href}
    for _ in range(TRIES):
        world.run()
        world.now += timedelta(days=1)
    assert world.row(OURS).state is LinkState.QUARANTINED
    world.broken = set()
    world.run()
    assert world.row(OURS).state is LinkState.ACTIVE
    assert _theirs(world, OURS).master == world.store.items[1].item.master


def test_a_forgotten_cursor_leads_to_a_listing_and_to_no_write() -> None:
    world = agreed()
    world.remote.forget()
    made, listing = world.look()
    assert not listing.is_delta
    assert made.is_empty
    world.delete_there(THEIRS)
    world.remote.forget()
    assert [one.reason for one in world.run().operations] == [Reason.MISSED]


@pytest.mark.parametrize("lag", [1, 2])
def test_a_listing_that_lags_behind_brings_no_copy_and_no_loop(lag: int) -> None:
    world = agreed()
    for _ in range(lag):
        world.look(full=True)
    world.remote.manners.lag = lag
    for edit in (update_here, create_here, delete_here):
        edit(world)
        world.run(full=True)
        writes = world.remote.writes
        for _ in range(lag + 2):
            world.now += timedelta(minutes=5)
            world.run(full=True)
        assert world.remote.writes == writes, edit
        assert world.look(full=True)[0].is_empty
        if edit is create_here:
            assert _theirs(world, f"d@{HOST}")


def test_a_server_that_guards_no_creation_gets_no_second_copy() -> None:
    world = runner(remote=MemoryRemote(Manners(guards=False)))
    world.store.add(item(OURS))
    made, _ = world.look()
    world.edit_there(item(OURS, summary="Somebody was faster"))
    world.apply(made)
    assert _theirs(world, OURS).master == item(OURS, summary="Somebody was faster").master
    assert not [one for one in made.operations if one.kind is not Kind.CREATE or one.side is not Side.REMOTE]


def test_waits_grow_are_spread_and_heed_what_the_server_asks_for() -> None:
    row = ItemLink(1, 1, "/a", "a", Side.LOCAL)
    waits = []
    for _ in range(14):
        row = failed(row, NOW, "refused", 1)
        waits.append((row.next_try or NOW) - NOW)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(minutes=2), LONGEST_WAIT)
    assert failed(row, NOW, "refused", 0).next_try == NOW + LONGEST_WAIT / 2
    assert failed(row, NOW, "busy", 0, timedelta(days=1)).next_try == NOW + timedelta(days=1)
