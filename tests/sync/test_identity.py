"""Who is who: unstable feeds, our own items on a way around, collisions, and a link table that was lost (C10, C11)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking.values.links import LinkPolicy
from ical.item import Item
from sync.content import same
from sync.identity import is_own_address, is_own_calendar
from sync.remotes.memory import Etags, Manners, MemoryRemote
from sync.values import Decision, Field, Identity, ItemLink, Kind, Link, LinkState, Owner, Plan, Reason, Side
from tests.sync.simulator import HOST, NOW, ROOMY, Codec, Runner, Store, changed, item, moved, runner

HOUR = timedelta(hours=1)


def feed(count: int, prefix: str, *, title: str = "Item") -> list[Item]:
    return [item(f"{prefix}{number}", ROOMY + number * HOUR, f"{title} {number}") for number in range(count)]


def publish(world: Runner, items: list[Item]) -> None:
    """An ICS feed: all of it anew, an address for each UID."""
    for href in list(world.remote.bodies):
        world.remote.remove(href)
    for one in items:
        world.edit_there(one, world.remote.href_for(one.uid))


def subscribed(items: list[Item], policy: LinkPolicy = LinkPolicy.IMPORT) -> Runner:
    world = runner(policy, remote=MemoryRemote(Manners(deltas=False)))
    publish(world, items)
    world.run()
    return world


# -- UIDs that do not hold


@pytest.mark.rule("C9", "C10")
def test_a_feed_with_new_uids_each_time_is_known_again_by_its_content() -> None:
    world = subscribed(feed(10, "a"))
    before = dict(world.store.items)
    for generation in ("b", "c", "d"):
        publish(world, feed(10, generation))
        made = world.run()
        assert made.identity is Identity.FINGERPRINT
        assert not made.counts.here
        world.now += timedelta(hours=1)
        assert world.run().is_empty
    assert world.store.items == before


def test_an_unstable_feed_still_brings_what_is_new_and_loses_what_is_gone() -> None:
    world = subscribed(feed(10, "a"))
    publish(world, [*feed(9, "b"), item("b99", timedelta(days=30), "Fresh")])
    made = world.run()
    assert (made.identity, made.counts.here) == (Identity.FINGERPRINT, 1)
    world.now += timedelta(minutes=15)
    publish(world, [*feed(9, "c"), item("c99", timedelta(days=30), "Fresh")])
    made = world.run()
    assert [one.kind for one in made.operations if one.is_write] == [Kind.DELETE]
    assert len(world.store.items) == 10


def test_equal_items_of_an_unstable_feed_stay_as_many_as_they_are() -> None:
    twins = [item(f"a{number}", ROOMY, "Twin") for number in range(4)]
    world = subscribed(twins)
    publish(world, [replace(one, uid=f"b{one.uid}") for one in twins])
    world.run()
    assert len(world.store.items) == 4
    publish(world, [replace(one, uid=f"c{one.uid}") for one in twins[:3]])
    world.run()
    world.now += timedelta(minutes=15)
    world.run()
    assert len(world.store.items) == 3


@pytest.mark.parametrize("same_title", [False, True])
def test_the_summary_alone_is_no_identity(same_title: bool) -> None:
    world = subscribed([item(f"a{number}", ROOMY + number * HOUR, "Reserved") for number in range(6)])
    title = "Reserved" if same_title else "Closed"
    publish(world, [item(f"b{number}", timedelta(days=40) + number * HOUR, title) for number in range(6)])
    made = world.run()
    assert made.identity is Identity.UID
    assert made.counts.here == 6


@pytest.mark.parametrize(("renewed", "identity"), [(5, Identity.UID), (6, Identity.FINGERPRINT)])
def test_up_to_half_of_the_uids_may_change_by_themselves(renewed: int, identity: Identity) -> None:
    world = subscribed(feed(10, "a"))
    publish(world, [*feed(10, "b")[:renewed], *feed(10, "a")[renewed:]])
    assert world.run().identity is identity


@pytest.mark.parametrize(("kept", "identity"), [(7, Identity.UID), (8, Identity.FINGERPRINT)])
def test_four_fifths_of_the_content_must_be_what_it_was(kept: int, identity: Identity) -> None:
    world = subscribed(feed(10, "a"))
    publish(world, [*feed(10, "b")[:kept], *feed(10, "b", title="Other")[kept:]])
    assert world.run().identity is identity


@pytest.mark.rule("C10")
def test_an_item_that_lies_at_another_address_is_the_same_item() -> None:
    world = runner(LinkPolicy.TWO_WAY)
    href = world.edit_there(item("x"))
    world.run()
    world.remote.remove(href)
    world.edit_there(moved(item("x"), HOUR), "/calendar/elsewhere.ics")
    made = world.run()
    assert [(one.kind, one.side) for one in made.operations] == [(Kind.UPDATE, Side.LOCAL)]
    assert world.row("x").href == "/calendar/elsewhere.ics"
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C10")
def test_a_uid_that_lies_there_twice_is_one_item_here() -> None:
    world = runner(LinkPolicy.TWO_WAY)
    world.edit_there(item("x"), "/calendar/1.ics")
    world.edit_there(item("x", summary="Copy"), "/calendar/2.ics")
    world.run(full=True)
    assert world.store.uids == ["x"]
    assert world.look(full=True)[0].is_empty
    world.remote.remove("/calendar/1.ics")
    world.run(full=True)
    world.now += HOUR
    world.run(full=True)
    world.run(full=True)
    assert world.store.uids == ["x"]
    assert world.look(full=True)[0].is_empty


# -- adoption, collision, rebuild


@pytest.mark.rule("C11")
@pytest.mark.parametrize("etags", [Etags.STRONG, Etags.NONE])
@pytest.mark.parametrize("policy", LinkPolicy)
def test_a_lost_link_table_is_rebuilt_without_a_write(policy: LinkPolicy, etags: Etags) -> None:
    world = runner(policy, remote=MemoryRemote(Manners(etags=etags)), busy_text="Busy")
    for number in range(5):
        world.store.add(item(f"{number}@{HOST}", ROOMY + number * HOUR), is_protected=number < 2)
    for one in feed(5, "x"):
        world.edit_there(one)
    world.run(full=True)
    world.run(full=True)
    before = (dict(world.store.items), world.remote.bodies)
    world.rows, world.cursor = {}, None
    made = world.run(full=True)
    assert {one.kind for one in made.operations} <= {Kind.NOTE}
    assert (world.store.items, world.remote.bodies) == before
    assert world.look(full=True)[0].is_empty
    if policy is LinkPolicy.TWO_WAY:
        world.edit_there(changed(item("x1", ROOMY + HOUR, "Item 1"), summary="Renamed"))
        assert world.run().counts.here == 1  # and it works on


@pytest.mark.rule("C9", "C11")
def test_what_vanished_while_the_link_table_was_lost_counts_as_missing_first() -> None:
    world = subscribed(feed(10, "a"))
    world.rows = {}
    publish(world, feed(9, "a"))
    world.run()
    assert len(world.store.items) == 10
    world.now += timedelta(minutes=15)
    world.run()
    assert len(world.store.items) == 9
    assert world.run().is_empty


@pytest.mark.rule("C11")
def test_what_ended_here_while_the_link_table_was_lost_ends_there() -> None:
    world = runner(LinkPolicy.EXPORT)
    for number in range(8):
        world.store.add(item(f"{number}@{HOST}"))
    world.run()
    world.rows = {}
    world.store.end(1)
    world.edit_there(item(f"copied@{HOST}"))  # our host behind the @, but no record of ours knows it
    world.run(full=True)
    assert sorted(one.uid for one in world.their_items()) == [*(f"{n}@{HOST}" for n in range(1, 8)), f"copied@{HOST}"]
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C7", "C11")
@pytest.mark.parametrize(("owner", "holds"), [(Owner.EITHER_LOCAL, "Ours"), (Owner.EITHER_REMOTE, "Theirs")])
def test_rebuilding_over_a_difference_keeps_the_loser_for_review(owner: Owner, holds: str) -> None:
    world = runner(LinkPolicy.TWO_WAY, owners=dict.fromkeys(Field, owner))
    world.store.add(item(f"a@{HOST}", summary="Ours"))
    world.run()
    world.rows = {}
    world.edit_there(changed(world.their_items()[0], summary="Theirs"), world.remote.href_for(f"a@{HOST}"))
    world.run(full=True)
    titles = {one.master.summary for one in (world.store.items[1].item, world.their_items()[0]) if one.master}
    assert titles == {holds}
    [case] = world.cases.values()
    assert [(one.ours, one.theirs) for one in case.conflicts] == [("Ours", "Theirs")]
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C10", "C11")
def test_a_foreign_item_with_the_uid_of_ours_is_a_collision_and_nobody_s_item_is_overwritten() -> None:
    world = runner(LinkPolicy.TWO_WAY)
    world.store.add(item("meeting", summary="Ours"))
    world.edit_there(item("meeting", summary="Theirs"))
    made = world.run()
    assert [(one.kind, one.reason) for one in made.operations] == [(Kind.PROPOSE, Reason.COLLISION)]
    assert world.look(full=True)[0].is_empty
    assert world.row("meeting").state is LinkState.CONFLICT
    world.decide("meeting", decision=Decision.KEEP_OURS)
    world.run()
    assert same(world.their_items()[0], item("meeting", summary="Ours"))
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C11")
def test_the_same_content_under_the_same_uid_is_adopted() -> None:
    world = runner(LinkPolicy.TWO_WAY)
    world.store.add(item("meeting"))
    world.edit_there(item("meeting"))
    made = world.run()
    assert [(one.kind, one.reason) for one in made.operations] == [(Kind.NOTE, Reason.ADOPTED)]
    assert world.look()[0].is_empty


# -- ways around


def two_links(policy_a: LinkPolicy, policy_b: LinkPolicy) -> tuple[Runner, Runner]:
    """One house, two calendars."""
    store, codec = Store(), Codec()
    links = (Link(1, HOST, policy_a), Link(2, HOST, policy_b))
    one, other = (Runner(link, store, MemoryRemote(), codec) for link in links)
    return one, other


def rounds(*worlds: Runner, between: object = None, times: int = 6) -> list[Plan]:
    made = []
    for _ in range(times):
        for world in worlds:
            made.append(world.run(full=True))
            world.now += timedelta(minutes=20)
            if callable(between):
                between()
    return made


@pytest.mark.rule("C10")
def test_two_calendars_through_us_settle() -> None:
    one, other = two_links(LinkPolicy.TWO_WAY, LinkPolicy.TWO_WAY)
    one.store.add(item(f"a@{HOST}"))
    one.edit_there(item("x", timedelta(days=11), "From one"))
    other.edit_there(item("y", timedelta(days=12), "From the other"))
    rounds(one, other, times=3)
    assert sorted(one.store.uids) == [f"a@{HOST}", "x", "y"]
    assert len(one.their_items()) == len(other.their_items()) == 3
    assert all(made.is_empty for made in rounds(one, other, times=2))
    other.edit_there(moved(next(i for i in other.their_items() if i.uid == "x"), HOUR))
    rounds(one, other, times=3)
    assert len({repr(i.master) for w in (one, other) for i in w.their_items() if i.uid == "x"}) == 1
    assert all(made.is_empty for made in rounds(one, other, times=2))


@pytest.mark.rule("C10")
@pytest.mark.parametrize("keeps_uid", [True, False])
@pytest.mark.parametrize("keeps_mark", [True, False])
def test_a_service_that_copies_between_two_of_our_calendars_makes_no_ring(keeps_uid: bool, keeps_mark: bool) -> None:
    one, other = two_links(LinkPolicy.TWO_WAY, LinkPolicy.TWO_WAY)
    one.store.add(item(f"a@{HOST}", timedelta(days=20), "Training"))
    one.edit_there(item("x", timedelta(days=11), "From one"))
    known: set[tuple[int, str]] = set()

    def copy() -> None:
        for source, target in ((one, other), (other, one)):
            present = {repr(i.master) for i in target.their_items()}
            for found in source.their_items():
                if repr(found.master) in present or (source.link.id, found.uid) in known:
                    continue
                uid = found.uid if keeps_uid else f"copy-{target.link.id}-{found.uid}"
                target.edit_there(replace(found, uid=uid, origin=found.origin if keeps_mark else None))
                known.add((target.link.id, uid))

    rounds(one, other, between=copy, times=8)
    assert len(one.their_items()) <= 4
    assert len(one.store.items) <= 3
    assert all(made.is_empty for made in rounds(one, other, between=copy, times=2))


@pytest.mark.rule("C10")
def test_a_copy_that_comes_back_under_another_name_is_not_imported() -> None:
    one, other = two_links(LinkPolicy.EXPORT, LinkPolicy.IMPORT_BUSY)
    one.store.add(item(f"a@{HOST}"))
    one.run()
    other.edit_there(item("copy-of-a"))
    made = other.run()
    assert [one.reason for one in made.operations] == [Reason.IGNORED_COPY]
    assert other.look(full=True)[0].is_empty
    one.store.end(1)
    other.run(full=True)
    assert other.store.uids == ["copy-of-a"]  # with ours gone it is time of its own


@pytest.mark.rule("C10")
@pytest.mark.parametrize("policy", [LinkPolicy.IMPORT, LinkPolicy.IMPORT_BUSY])
def test_our_own_feed_brings_nothing_in_and_its_end_takes_nothing_away(policy: LinkPolicy) -> None:
    world = runner(policy, remote=MemoryRemote(Manners(deltas=False)))
    for number in range(6):
        world.store.add(item(f"{number}@{HOST}"), is_protected=number % 2 == 0)
    publish(world, [item(f"{number}@{HOST}") for number in range(9)])
    made = world.run()
    assert {one.reason for one in made.operations} == {Reason.IGNORED_OWN}
    assert world.run().is_empty
    publish(world, [item(f"{number}@{HOST}") for number in range(2)])
    for _ in range(4):
        world.now += timedelta(minutes=20)
        world.run()
    assert len(world.store.items) == 6


@pytest.mark.rule("C10")
@pytest.mark.parametrize("origin", [f"{HOST}/2", f"{HOST}/99"])
def test_what_we_wrote_through_another_link_is_never_imported(origin: str) -> None:
    world = runner(LinkPolicy.TWO_WAY)
    world.edit_there(item("x"))
    world.edit_there(replace(item("y", timedelta(days=12)), origin=origin))
    made = world.run()
    assert world.store.uids == ["x"]
    assert Reason.IGNORED_OWN in {one.reason for one in made.operations}
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C10")
def test_two_links_into_one_calendar_do_not_write_over_each_other() -> None:
    one, other = two_links(LinkPolicy.EXPORT, LinkPolicy.EXPORT_BUSY)
    other.remote = one.remote
    one.store.add(item(f"a@{HOST}"))
    one.run(full=True)
    made = other.run(full=True)
    assert [(step.kind, step.reason) for step in made.operations] == [(Kind.NOTE, Reason.IGNORED_OWN)]
    assert all(made.is_empty for made in rounds(one, other, times=2))
    assert one.remote.writes == 1


def test_the_mark_of_another_house_is_no_mark_of_ours() -> None:
    world = runner(LinkPolicy.TWO_WAY)
    world.edit_there(replace(item("y"), origin=f"not-{HOST}/1"))
    world.run()
    assert world.store.uids == ["y"]


@pytest.mark.rule("C10")
@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://hall.example/feeds/abc.ics", True),
        ("webcal://HALL.example./feeds/abc.ics", True),
        ("http://hall.example:80/feeds/abc.ics", True),
        ("https://hall.example:443/%66eeds/abc.ics", True),
        ("https://hall.example", True),
        ("https://hall.example:8443/feeds/abc.ics", False),
        ("https://other.example/hall.example/abc.ics", False),
        ("https://hall.example.evil.example/feeds/abc.ics", False),
        ("https://shared.example/hall/feeds/abc.ics", True),
        ("https://shared.example/%68all/feeds/abc.ics", True),
        ("https://shared.example/x/../hall/./feeds/abc.ics", True),
        ("https://shared.example//hall//feeds/abc.ics", True),
        ("https://shared.example/hall", True),
        ("https://shared.example/hall/../other/abc.ics", False),
        ("https://shared.example/hallway/feeds/abc.ics", False),
    ],
)
def test_our_own_addresses_are_refused_however_they_are_written(url: str, is_own: bool) -> None:
    assert is_own_address(url, ["https://hall.example/", "https://shared.example/hall"]) is is_own


@pytest.mark.rule("C10")
def test_a_calendar_that_is_mostly_ours_is_refused_for_import_under_whatever_name() -> None:
    ours, theirs = [item(f"{n}@{HOST}") for n in range(3)], [item(f"x{n}") for n in range(4)]
    link = Link(1, HOST, LinkPolicy.IMPORT_BUSY)
    assert is_own_calendar(link, ours + theirs[:3])
    assert not is_own_calendar(link, ours + theirs)
    assert not is_own_calendar(link, [])
    assert not is_own_calendar(Link(1, HOST, LinkPolicy.TWO_WAY), ours)


def test_a_row_without_content_is_no_hindrance() -> None:
    world = runner(LinkPolicy.IMPORT)
    world.rows[1] = ItemLink(1, None, "/calendar/old.ics", "old", Side.REMOTE, problem="no calendar")
    world.edit_there(item("x"))
    world.now = NOW
    world.run(full=True)
    assert world.store.uids == ["x"]


@pytest.mark.rule("C10")
@pytest.mark.parametrize("url", ["https://example.com:99999/", "https://[::1", "https://example.com:x/"])
def test_an_address_that_cannot_be_read_is_not_ours(url: str) -> None:
    assert not is_own_address(url, ("https://example.com",))
