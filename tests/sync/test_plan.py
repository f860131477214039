"""The plan as a whole: tombstones, decisions, its hash, what it costs, and that the touched links are enough."""

import ast
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import sync
from booking.values.links import LinkPolicy
from ical.item import Item, Status
from sync.cells import TABLE
from sync.content import same
from sync.facts import Here, There
from sync.plan import plan
from sync.values import (
    Decision,
    DeletedBy,
    Field,
    ItemLink,
    Kind,
    Link,
    LinkState,
    LocalEvidence,
    LocalItem,
    Owner,
    Reason,
    RemoteEvidence,
    RemoteItem,
    Side,
)
from tests.sync.simulator import HOST, NOW, ROOMY, Runner, cancelled, changed, item, moved, runner

HOUR = timedelta(hours=1)
PURE = ("values", "content", "facts", "cells", "newcomers", "identity", "guards", "merge", "plan", "settle", "copying")
PURE += ("narrowing",)


def linked(uid: str = "x", policy: LinkPolicy = LinkPolicy.TWO_WAY, *, protected: bool = False) -> Runner:
    world = runner(policy)
    world.edit_there(item(uid))
    world.edit_there(item("zz"))
    world.run()
    world.store.items[1] = replace(world.store.items[1], is_protected=protected)
    return world


def their(world: Runner, uid: str = "x") -> Item | None:
    return next((one for one in world.their_items() if one.uid == uid), None)


# -- tombstones


@pytest.mark.rule("C7", "C10")
def test_what_ended_here_and_there_stays_ended_when_an_old_version_is_put_back() -> None:
    world = linked()
    old = their(world)
    assert old is not None
    world.store.end(1)
    world.run()
    assert their(world) is None
    world.edit_there(old)
    world.run()
    assert "x" not in world.store.uids
    assert their(world) is not None  # what a person puts there is not deleted again
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C7", "C10")
@pytest.mark.parametrize(("sequence", "lives"), [(3, True), (4, True), (2, False)])
def test_a_new_version_of_what_ended_lives_again(sequence: int, lives: bool) -> None:
    world = runner(LinkPolicy.TWO_WAY)
    world.edit_there(replace(item("x"), sequence=3))
    world.edit_there(item("zz"))
    world.run()
    world.delete_there("x")
    world.run()
    assert world.row("x").state is LinkState.TOMBSTONE
    world.edit_there(replace(item("x", summary="Again"), sequence=sequence), "/calendar/other.ics")
    world.run()
    assert ("x" in world.store.uids) is lives
    assert world.look(full=True)[0].is_empty
    if lives:
        world.edit_there(replace(item("x", summary="Once more"), sequence=5), "/calendar/other.ics")
        assert world.run().counts.here == 1


@pytest.mark.rule("C10")
def test_what_ended_here_and_lives_here_again_is_sent_again() -> None:
    world = runner(LinkPolicy.EXPORT)
    world.store.add(item(f"a@{HOST}"))
    world.store.add(item(f"b@{HOST}"))
    world.run()
    ended = world.store.items[1]
    world.store.end(1)
    world.run()
    assert len(world.their_items()) == 1
    world.store.items[1] = ended
    world.run()
    assert len(world.their_items()) == 2
    assert world.row(f"a@{HOST}").state is LinkState.ACTIVE
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C9")
def test_what_aged_out_and_is_moved_into_the_future_here_is_sent_again() -> None:
    world = runner(LinkPolicy.EXPORT)
    world.store.add(item(f"a@{HOST}"))
    world.store.add(item(f"b@{HOST}", timedelta(days=90)))
    world.run()
    world.now += timedelta(days=20)
    world.delete_there(f"a@{HOST}")
    world.run()
    assert world.row(f"a@{HOST}").deleted_by is DeletedBy.AGE
    world.store.change(1, moved(world.store.items[1].item, timedelta(days=60)))
    world.run()
    assert len(world.their_items()) == 2
    assert world.look(full=True)[0].is_empty


# -- decisions


@pytest.mark.rule("C9", "C13")
@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("edit", ["move", "cancel", "delete"])
def test_a_person_decides_and_both_sides_follow(edit: str, decision: Decision) -> None:
    world = linked(protected=True)
    before = world.store.items[1].item
    if edit == "delete":
        world.delete_there("x")
    else:
        theirs = their(world)
        assert theirs is not None
        world.edit_there(moved(theirs, HOUR) if edit == "move" else cancelled(theirs))
    world.run()
    assert world.row("x").state is LinkState.CONFLICT
    assert world.store.items[1].item is before
    world.decide("x", decision=decision)
    world.run()
    assert world.look(full=True)[0].is_empty
    theirs = their(world)
    if decision is Decision.KEEP_OURS:
        assert theirs is not None
        assert same(theirs, before)
        assert same(world.store.items[1].item, before)
    elif edit == "move":
        assert same(world.store.items[1].item, theirs)
        assert not same(before, theirs)
    else:
        assert 1 not in world.store.items
    assert world.row("x").state is (
        LinkState.TOMBSTONE if (edit, decision) == ("delete", Decision.TAKE_THEIRS) else LinkState.ACTIVE
    )
    assert world.row("x").decision is None


@pytest.mark.rule("C13")
def test_a_proposal_that_the_office_follows_by_itself_is_settled_without_a_write() -> None:
    world = linked(protected=True)
    theirs = their(world)
    assert theirs is not None
    world.edit_there(moved(theirs, HOUR))
    world.run()
    writes = world.remote.writes
    world.store.change(1, moved(theirs, HOUR))
    world.run()
    assert (world.row("x").state, world.remote.writes) == (LinkState.ACTIVE, writes)
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C7", "C13")
def test_what_changes_here_while_a_proposal_waits_is_sent_and_the_proposal_stands() -> None:
    world = linked(protected=True)
    theirs = their(world)
    assert theirs is not None
    world.edit_there(moved(theirs, HOUR))
    world.run()
    world.store.change(1, changed(world.store.items[1].item, summary="Renamed"))
    world.run()
    assert same(their(world), changed(moved(theirs, HOUR), summary="Renamed"))
    assert same(world.store.items[1].item, changed(theirs, summary="Renamed"))
    assert world.row("x").state is LinkState.CONFLICT
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C13")
def test_a_new_closure_made_there_comes_in_and_a_cancelled_one_goes() -> None:
    world = linked()
    world.edit_there(item("closed", timedelta(days=3), "Closed"))
    world.run()
    assert "closed" in world.store.uids
    world.edit_there(cancelled(item("closed", timedelta(days=3), "Closed")))
    world.run()
    assert "closed" not in world.store.uids
    world.edit_there(item("closed", timedelta(days=4), "Closed after all"))
    world.run()
    assert "closed" in world.store.uids
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C13")
def test_texts_made_from_our_own_data_are_put_back() -> None:
    world = linked(protected=True)
    texts = frozenset({Field.SUMMARY, Field.DESCRIPTION})
    world.store.items[1] = replace(world.store.items[1], fixed=texts)
    theirs = their(world)
    assert theirs is not None
    world.edit_there(changed(theirs, summary="Mine"))
    made = world.run()
    assert [(one.kind, one.side, one.reason) for one in made.operations] == [
        (Kind.UPDATE, Side.REMOTE, Reason.OVERRULED)
    ]
    assert same(their(world), world.store.items[1].item)


@pytest.mark.rule("C6", "C14")
def test_import_busy_takes_busy_times_and_nothing_else() -> None:
    world = runner(LinkPolicy.IMPORT_BUSY, busy_text="Busy")
    world.edit_there(item("busy", summary="Doctor", location="Clinic", url="https://x", description="Private"))
    world.edit_there(item("free", is_busy=False))
    world.edit_there(item("cancelled", status=Status.CANCELLED))
    world.edit_there(item("tentative", status=Status.TENTATIVE))
    world.run()
    assert sorted(world.store.uids) == ["busy", "tentative"]
    ours = world.store.items[1].item.master
    assert ours is not None
    assert (ours.summary, ours.location, ours.url, ours.description) == ("Busy", "", "", "")
    world.edit_there(item("free"))
    world.edit_there(item("busy", is_busy=False))
    world.run()
    assert sorted(world.store.uids) == ["free", "tentative"]
    assert world.look(full=True)[0].is_empty


@pytest.mark.rule("C6")
def test_export_busy_lets_out_times_and_nothing_else() -> None:
    world = runner(LinkPolicy.EXPORT_BUSY, busy_text="Busy")
    world.store.add(item(f"a@{HOST}", summary="FC Secret", location="Hall", description="Code", url="https://x"))
    world.run()
    [theirs] = world.their_items()
    assert theirs.master is not None
    assert (theirs.master.summary, theirs.master.location, theirs.master.description) == ("Busy", "", "")
    assert (theirs.master.url, theirs.origin) == ("", f"{HOST}/1")


# -- hash, cost, delta


@pytest.mark.rule("C8")
def test_the_hash_speaks_of_what_would_be_done_and_not_of_the_moment() -> None:
    def made(summary: str, wait: timedelta) -> str:
        world = linked()
        world.store.change(1, changed(world.store.items[1].item, summary=summary))
        world.now += wait
        return world.look()[0].hash

    assert made("A", timedelta()) == made("A", HOUR)
    assert made("A", timedelta()) != made("B", timedelta())


def test_the_table_has_an_answer_for_each_way_to_stand() -> None:
    decided = {(here, there) for here in Here for there in There if here is not Here.NONE}
    elsewhere = {(here, there) for here, there in decided if there in {There.UNREADABLE, There.UNREAD}}
    assert set(TABLE) == decided - elsewhere


@pytest.mark.rule("C7", "C9")
def test_the_touched_links_are_enough() -> None:
    """Given only what was touched, and how many there are, the plan is the one made from all."""
    world = runner(LinkPolicy.TWO_WAY, active=60)
    for number in range(60):
        world.edit_there(item(f"x{number}", ROOMY + number * HOUR, f"Item {number}"))
    world.run()
    for number in range(10):
        world.delete_there(f"x{number}")
    for number in range(10, 15):
        world.edit_there(moved(item(f"x{number}", ROOMY + number * HOUR, f"Item {number}"), HOUR))
    world.store.change(20, changed(world.store.items[20].item, summary="Renamed"))
    world.store.end(21)
    local, listing = world.store.evidence(), world.remote.changes(world.cursor)
    read = {one.href: one for one in world.remote.fetch([one.href for one in listing.there])}
    there = {href: RemoteItem(href, one.etag, world.codec.read(one.body)) for href, one in read.items()}
    remote = RemoteEvidence(there, is_delta=True, is_whole=True, read_at=world.now, gone=frozenset(listing.gone))
    touched_ids = {20, 21}
    rows = [
        row
        for row in world.rows.values()
        if row.href in there or row.href in remote.gone or row.local_id in touched_ids
    ]
    ids = {row.local_id for row in rows}
    few = LocalEvidence(
        {id_: one for id_, one in local.there.items() if id_ in ids}, is_whole=False, gone=frozenset({21})
    )
    whole = plan(world.link, list(world.rows.values()), local, remote, world.now)
    part = plan(world.link, rows, few, remote, world.now)
    assert len(rows) == 17
    assert [one.key for one in part.operations] == [one.key for one in whole.operations]
    assert (len(part.operations), part.hash) == (17, whole.hash)


def many(count: int) -> tuple[Link, list[ItemLink], LocalEvidence, RemoteEvidence]:
    items = [item(f"x{number}", ROOMY + number * HOUR) for number in range(count)]
    rows = [ItemLink(n, n, f"/c/{n}.ics", one.uid, Side.REMOTE, one, None, 1, f'"{n}"') for n, one in enumerate(items)]
    local = {n: LocalItem(n, one.uid, 1, one) for n, one in enumerate(items)}
    there = {row.href: RemoteItem(row.href, row.base_etag) for row in rows}
    remote = RemoteEvidence(there, is_delta=False, is_whole=True, read_at=NOW)
    return Link(1, HOST, LinkPolicy.TWO_WAY), rows, LocalEvidence(local, is_whole=True), remote


def fastest(link: Link, rows: Iterable[ItemLink], local: LocalEvidence, remote: RemoteEvidence) -> float:
    rows, times = list(rows), []
    for _ in range(7):
        start = time.process_time()
        plan(link, rows, local, remote, NOW)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.rule("C10")
def test_five_thousand_unchanged_items_cost_at_most_50_ms() -> None:
    evidence = many(5_000)
    assert plan(*evidence, NOW).is_empty
    assert fastest(*evidence) <= 0.05


def test_a_change_of_ten_costs_what_ten_cost() -> None:
    link, rows, local, _ = many(5_000)
    few = rows[:10]
    delta = RemoteEvidence(
        {row.href: RemoteItem(row.href, '"new"', changed(row.base or item(), summary="New")) for row in few},
        is_delta=True,
        is_whole=True,
        read_at=NOW,
    )
    there = {n: one for n, one in local.there.items() if n < 10}
    small = LocalEvidence(there, is_whole=False)
    assert plan(replace(link, active=5_000), few, small, delta, NOW).counts.here == 10
    assert fastest(replace(link, active=5_000), few, small, delta) <= 0.01


def test_the_heart_is_pure() -> None:
    """No database, no web, no network, no clock of its own, and none of the other rooms but codec and values."""
    allowed = {"booking", "ical", "sync", "collections", "contextlib", "dataclasses", "datetime", "enum", "hashlib"}
    allowed |= {"re", "types", "typing", "unicodedata", "urllib", "itertools", "functools", "operator", "posixpath"}
    root = Path(str(sync.__path__[0]))
    for name in PURE:
        tree = ast.parse((root / f"{name}.py").read_text())
        found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        found |= {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
        assert {one.partition(".")[0] for one in found} <= allowed, name
        assert all(one.startswith("booking.values.") for one in found if one.partition(".")[0] == "booking"), name
        ours = {one for one in found if one.startswith("sync.")}
        assert ours <= {f"sync.{one}" for one in PURE} | {"sync.remotes.protocol"}, name
        assert "now()" not in (root / f"{name}.py").read_text(), name


def test_policy_and_owner_decide_who_may_change_what() -> None:
    for policy in LinkPolicy:
        owner = Link(1, HOST, policy, {Field.TIME: Owner.EITHER_REMOTE}).owner(Field.TIME)
        wanted = {LinkPolicy.TWO_WAY: Owner.EITHER_REMOTE}
        assert owner is wanted.get(policy, Owner.LOCAL if policy.writes else Owner.REMOTE)
