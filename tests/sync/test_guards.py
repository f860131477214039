"""Deletions that no person makes wait for a person; so do items that go back and forth, and floods (SPEC C9, C10)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking.values.links import LinkPolicy
from sync.remotes.memory import Manners, MemoryRemote
from sync.values import Decision, Hold, Kind, Limits, LinkState, Plan, Reason, RemoteEvidence
from tests.sync.simulator import HOST, ROOMY, Runner, cancelled, changed, item, moved, runner, series

pytestmark = pytest.mark.rule("C9")

WAIT = timedelta(minutes=15)


def imported(count: int, policy: LinkPolicy = LinkPolicy.IMPORT, *, starts_in: timedelta = ROOMY) -> Runner:
    world = runner(policy, remote=MemoryRemote(Manners()))
    for number in range(count):
        world.edit_there(item(f"x{number:03}", starts_in + timedelta(hours=number), f"Item {number}"))
    world.run(full=True)
    assert len(world.store.items) == count
    return world


def lose(world: Runner, count: int, *, explicit: bool) -> Plan:
    """So many vanish; the plan once that is proven."""
    for uid in sorted(world.store.uids)[:count]:
        world.delete_there(uid)
    if not explicit:
        world.run(full=True)
        world.now += WAIT
    return world.run(full=not explicit)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("policy", [LinkPolicy.IMPORT, LinkPolicy.IMPORT_BUSY, LinkPolicy.TWO_WAY])
@pytest.mark.parametrize(("gone", "erased"), [(1, 1), (5, 5), (19, 19), (20, 20), (21, 0), (99, 0), (100, 0)])
def test_more_than_a_fifth_of_a_hundred_waits(gone: int, erased: int, policy: LinkPolicy, explicit: bool) -> None:
    world = imported(100, policy)
    made = lose(world, gone, explicit=explicit)
    assert len(world.store.items) == 100 - erased
    assert len(made.held) == gone - erased
    if made.held:
        is_empty = gone == 100 and not explicit
        assert made.hold is (Hold.EMPTY if is_empty else Hold.SHARE)


@pytest.mark.parametrize("gone", [21, 99, 100])
def test_what_is_held_stays_held_by_whatever_run_comes_next(gone: int) -> None:
    world = imported(100)
    lose(world, gone, explicit=True)
    for full in (False, True, False):
        world.now += timedelta(hours=1)
        made = world.run(full=full)
        assert made.is_empty
        assert len(made.held) == gone
        assert len(world.store.items) == 100
    assert {row.held for row in world.rows.values()} == {None, Hold.SHARE} - ({None} if gone == 100 else set())


def test_an_empty_listing_holds_even_the_only_item() -> None:
    for count in (1, 2, 5):
        world = imported(count)
        made = lose(world, count, explicit=False)
        assert made.hold is Hold.EMPTY
        assert len(world.store.items) == count
        world.run()  # a delta that names nothing is no new proof
        assert len(world.store.items) == count


def test_few_deletions_of_few_items_go_on() -> None:
    world = imported(6)
    lose(world, 5, explicit=False)
    assert len(world.store.items) == 1


@pytest.mark.parametrize(("gone", "hold"), [(5, None), (6, Hold.SOON)])
def test_more_than_five_within_two_days_wait(gone: int, hold: Hold | None) -> None:
    world = imported(40, starts_in=timedelta(hours=3))
    made = lose(world, gone, explicit=True)
    assert made.hold is hold
    assert len(world.store.items) == 40 - (0 if hold else gone)


def test_a_series_that_runs_counts_as_soon() -> None:
    world = runner(LinkPolicy.IMPORT)
    for number in range(40):
        early = series(f"x{number:03}") if number < 6 else item(f"x{number:03}")
        world.edit_there(moved(early, -timedelta(days=20)) if number < 6 else early)
    world.run()
    assert lose(world, 6, explicit=True).hold is Hold.SOON


def test_everything_else_still_happens_while_deletions_wait() -> None:
    world = imported(30)
    for uid in sorted(world.store.uids)[:20]:
        world.delete_there(uid)
    world.edit_there(item("new"))
    world.edit_there(moved(item("x029", ROOMY + timedelta(hours=29), "Item 29"), timedelta(hours=5)))
    made = world.run()
    assert (len(made.held), made.counts.here) == (20, 2)
    assert "new" in world.store.uids
    order = [one.kind for one in made.operations if one.is_write]
    assert order == [Kind.UPDATE, Kind.CREATE]


def test_deletions_come_after_creations_and_changes() -> None:
    world = imported(30)
    world.delete_there("x001")
    world.edit_there(item("y"))
    made = world.run()
    assert [one.kind for one in made.operations] == [Kind.CREATE, Kind.DELETE]


@pytest.mark.rule("C8", "C9")
def test_an_approval_holds_for_the_plan_that_was_shown_and_for_no_other() -> None:
    world = imported(100)
    shown = lose(world, 30, explicit=True)
    assert shown.approve("another hash") is None
    again = world.look()[0]
    approved = again.approve(again.hash)
    assert approved is not None
    world.delete_there("x050")
    assert world.look()[0].approve(again.hash) is None
    world.link = replace(world.link, approved=approved)
    assert world.killed_run(25)  # the approval outlives a crash half way
    assert len(world.store.items) > 70
    made = world.run()
    assert "x050" not in {one.row.uid for one in made.held}  # one deletion by itself is no mass
    assert len(world.store.items) == 69
    assert world.look(full=True)[0].is_empty


def test_an_approval_does_not_cover_a_version_that_nobody_saw() -> None:
    world = runner(LinkPolicy.EXPORT)
    for number in range(30):
        world.store.add(item(f"{number}@{HOST}", ROOMY + timedelta(hours=number)))
    world.run()
    for number in range(1, 21):
        world.store.end(number)
    world.run()
    made = world.look()[0]
    assert len(made.held) == 20
    world.link = replace(world.link, approved=made.approve(made.hash) or frozenset())
    world.edit_there(changed(world.codec.read(world.remote.bodies[world.row(f"0@{HOST}").href]) or item(), summary="!"))
    held = world.look()[0]
    assert len(held.operations) == 19
    assert [one.row.uid for one in held.held] == [f"0@{HOST}"]


def test_restoring_puts_held_items_back_there() -> None:
    world = imported(10, LinkPolicy.TWO_WAY)
    lose(world, 10, explicit=False)
    for uid in world.store.uids:
        world.decide(uid, decision=Decision.KEEP_OURS)
    world.run()
    assert len(world.their_items()) == len(world.store.items) == 10
    assert not world.look(full=True)[0].operations


def test_our_own_mass_deletion_waits_too() -> None:
    world = runner(LinkPolicy.EXPORT)
    for number in range(100):
        world.store.add(item(f"{number}@{HOST}", ROOMY + timedelta(hours=number)))
    world.run()
    kept = dict(world.store.items)
    world.store.items.clear()
    made = world.run()
    assert (made.hold, len(made.held)) == (Hold.EMPTY, 100)
    assert len(world.their_items()) == 100
    world.store.items.update(kept)  # the backup that was restored was an old one; here is the right one
    world.run()
    assert world.look()[0].is_empty
    assert not [row for row in world.rows.values() if row.held]


def test_deleted_confirmed_bookings_count_as_deletions_before_they_become_cases() -> None:
    world = imported(100, LinkPolicy.TWO_WAY)
    for id_, one in world.store.items.items():
        world.store.items[id_] = replace(one, is_protected=True)
    made = lose(world, 60, explicit=True)
    assert (len(made.held), world.cases) == (60, {})


def test_cancelling_there_is_a_deletion_and_is_remembered_while_it_waits() -> None:
    world = imported(100)
    for one in world.their_items()[:40]:
        world.edit_there(cancelled(one))
    assert len(world.run().held) == 40
    for full in (False, True):
        made = world.run(full=full)
        assert len(made.held) == 40
        assert made.is_empty
    assert len(world.store.items) == 100
    world.link = replace(world.link, approved=made.approve(made.hash) or frozenset())
    world.run()
    assert len(world.store.items) == 60
    assert world.look(full=True)[0].is_empty


def test_past_items_of_a_rolling_feed_age_out_and_are_no_deletions() -> None:
    world = imported(30, starts_in=timedelta(days=1))
    world.now += timedelta(days=40)
    for uid in list(world.store.uids):
        world.delete_there(uid)
    world.edit_there(item("next", timedelta(days=60)))
    world.run(full=True)
    world.now += WAIT
    made = world.run(full=True)
    assert {one.reason for one in made.operations} == {Reason.AGED}
    assert not made.held
    assert len(world.store.items) == 31
    assert world.look(full=True)[0].is_empty


def test_what_ages_out_here_stays_there() -> None:
    world = runner(LinkPolicy.EXPORT)
    world.store.add(item(f"a@{HOST}"))
    world.store.add(item(f"b@{HOST}", timedelta(days=60)))
    world.run()
    world.now += timedelta(days=30)
    world.store.end(1)
    world.run()
    assert len(world.their_items()) == 2
    assert world.look()[0].is_empty


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", b"BEGIN:VCAL"])
def test_a_body_that_cannot_be_read_changes_nothing(body: bytes) -> None:
    world = imported(3, LinkPolicy.TWO_WAY)
    world.store.change(2, changed(world.store.items[2].item, summary="Renamed"))
    world.remote.edit(world.row("x001").href, body)
    world.run()
    assert world.row("x001").state is LinkState.QUARANTINED
    for full in (True, False):
        world.now += timedelta(hours=1)
        assert not world.run(full=full).operations
    assert len(world.store.items) == 3
    assert world.remote.bodies[world.row("x001").href] == body  # not written over
    world.edit_there(moved(item("x001", ROOMY + timedelta(hours=1), "Item 1"), timedelta(hours=5)))
    world.run()
    both = {one.uid: one.master for one in world.their_items()}
    assert both["x001"] == world.store.items[2].item.master
    assert both["x001"] is not None
    assert both["x001"].summary == "Renamed"


def test_a_truncated_listing_that_hides_it_is_stopped_by_the_share() -> None:
    """Vdirsyncer loses 99 of 100 so; two listings that agree and lie alike still wait for a person."""
    world = imported(100)
    world.remote.manners.cut_at, world.remote.manners.admits_cut = 1, False
    for _ in range(4):
        world.run(full=True)
        world.now += timedelta(hours=1)
    assert len(world.store.items) == 100
    world.remote.manners.cut_at = None
    world.run(full=True)
    assert world.look(full=True)[0].is_empty
    assert {row.state for row in world.rows.values()} == {LinkState.ACTIVE}


@pytest.mark.rule("C10")
def test_an_item_that_goes_back_and_forth_rests_for_an_hour() -> None:
    """Somebody else's program puts its own version back each time."""
    world = runner(LinkPolicy.EXPORT)
    world.store.add(item(f"a@{HOST}"))
    world.store.add(item(f"b@{HOST}"))
    world.run()
    for number in range(10):
        world.edit_there(item(f"a@{HOST}", summary=f"Mine {number}"))
        world.run()
        world.now += timedelta(minutes=3)
    limit = Limits().flips
    assert world.remote.writes == 2 + limit
    assert world.row(f"a@{HOST}").state is LinkState.QUARANTINED
    world.store.change(2, item(f"b@{HOST}", summary="Renamed"))
    assert world.run().counts.there == 1  # the others go on
    world.now += timedelta(hours=1)
    world.run()
    assert world.look()[0].is_empty
    assert [one.master for one in world.their_items() if one.uid == f"a@{HOST}"] == [item().master]


@pytest.mark.rule("C10")
def test_one_way_work_is_never_taken_for_going_back_and_forth() -> None:
    world = imported(1, LinkPolicy.TWO_WAY)
    for number in range(20):
        if number % 2:
            world.edit_there(changed(world.their_items()[0], summary=f"Title {number}"))
        else:
            world.edit_there(moved(world.their_items()[0], timedelta(hours=1)))
        assert world.run().counts.here == 1
    assert world.row("x000").state is LinkState.ACTIVE


@pytest.mark.rule("C10")
def test_writes_beyond_the_hour_s_budget_wait_for_the_next() -> None:
    world = runner(LinkPolicy.EXPORT, limits=Limits(writes_per_hour=10), written_last_hour=4)
    for number in range(9):
        world.store.add(item(f"{number}@{HOST}"))
    made = world.run()
    assert (made.counts.there, len(made.postponed)) == (6, 3)
    assert world.cursor is None  # nothing is forgotten of what was read
    world.link = replace(world.link, written_last_hour=0)
    world.run()
    assert len(world.their_items()) == 9
    assert world.look()[0].is_empty


def test_absence_is_proven_only_by_listings_that_lie_far_enough_apart() -> None:
    world = imported(3)
    world.delete_there("x000")
    world.run(full=True)
    for minutes in (5, 5, 4):
        world.now += timedelta(minutes=minutes)
        assert world.run(full=True).is_empty
    assert world.look()[0].whole_at == world.now + timedelta(minutes=1)
    world.now += timedelta(minutes=1)
    world.run(full=True)
    assert len(world.store.items) == 2


def test_a_delta_proves_no_absence() -> None:
    there = RemoteEvidence({}, is_delta=True, is_whole=True, read_at=imported(1).now)
    assert not there.proves_absence
