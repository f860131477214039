"""Every cell of the decision table, by policy: what is done, and that nothing is left to do once it is done.

L is our side, R theirs; + creates, ~ changes, - deletes, ? asks a person, n notes in the row, . does nothing.
Here: renamed; there: moved by two hours.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking.values.links import LinkPolicy
from sync.content import same
from sync.remotes.memory import Manners, MemoryRemote
from sync.values import Field, Kind, LinkState, Operation, Owner, Plan, Side
from tests.sync.simulator import HOST, Runner, changed, item, moved, runner

pytestmark = pytest.mark.rule("C6", "C7", "C9", "C10")

HERE = ("same", "changed", "gone")
THERE = ("same", "changed", "missing", "waiting", "lost", "gone", "unreadable")
"""missing: not in one complete listing; waiting: nor 10 minutes later; lost: nor 20 minutes later; gone: said so."""

Case = tuple[LinkPolicy, Owner]
# Rows: here same, changed, gone. Columns: THERE. A second notation after a slash where ours is confirmed or paid.
OURS = """
    .     R~     n  .  R+    R+    n
    R~    R~     n  .  R+    R+    n
    R-    R-     n  .  n     n     n
"""
TABLES: dict[Case, str] = {
    (LinkPolicy.EXPORT, Owner.EITHER_LOCAL): OURS,
    (LinkPolicy.EXPORT_BUSY, Owner.EITHER_LOCAL): OURS.replace("R~    R~     n  .  R+", "n     R~     n  .  R+"),
    (LinkPolicy.IMPORT, Owner.EITHER_LOCAL): """
        .       L~/?   n  .  L-/?  L-/?  n
        L~/?    L~/?   n  .  L-/?  L-/?  n
        L+      L+     n  .  n     n     n
    """,
    (LinkPolicy.TWO_WAY, Owner.EITHER_LOCAL): """
        .       L~/?       n  .  L-/?  L-/?  n
        R~      L~R~/?R~   n  .  ?     ?     n
        R-      L+         n  .  n     n     n
    """,
    (LinkPolicy.TWO_WAY, Owner.LOCAL): OURS,
    (LinkPolicy.TWO_WAY, Owner.REMOTE): """
        .       L~/?   n  .  L-/?  L-/?  n
        L~/?    L~/?   n  .  L-/?  L-/?  n
        L+      L+     n  .  n     n     n
    """,
}
TABLES[LinkPolicy.IMPORT_BUSY, Owner.EITHER_LOCAL] = TABLES[LinkPolicy.IMPORT, Owner.EITHER_LOCAL]
TABLES[LinkPolicy.TWO_WAY, Owner.EITHER_REMOTE] = TABLES[LinkPolicy.TWO_WAY, Owner.EITHER_LOCAL]


def _cells() -> list[tuple[Case, str, str, bool, str]]:
    found = []
    for case, table in TABLES.items():
        for here, line in zip(HERE, table.split("\n")[1:-1], strict=True):
            for there, wanted in zip(THERE, line.split(), strict=True):
                plain, _, protected = wanted.partition("/")
                found += [(case, here, there, False, plain), (case, here, there, True, protected or plain)]
    return found


def notation(operations: tuple[Operation, ...]) -> str:
    return "".join(_sign(one) for one in operations) or "."


def _sign(one: Operation) -> str:
    if one.kind in {Kind.PROPOSE, Kind.NOTE}:
        return "?" if one.kind is Kind.PROPOSE else "n"
    side = "L" if one.side is Side.LOCAL else "R"
    return side + {Kind.CREATE: "+", Kind.UPDATE: "~", Kind.DELETE: "-"}[one.kind]


def agreed(case: Case, *, deltas: bool, protected: bool = False) -> tuple[Runner, str]:
    """Two items on both sides, agreed; the second stands by, so that no listing is ever empty."""
    policy, owner = case
    remote = MemoryRemote(Manners(deltas=deltas))
    world = runner(policy, remote=remote, owners=dict.fromkeys(Field, owner), busy_text="Busy")
    is_ours = policy.writes
    uids = [f"{name}@{HOST}" if is_ours else name for name in ("a", "b")]
    for uid in uids:
        if is_ours:
            world.store.add(item(uid))
        else:
            world.edit_there(item(uid))
    world.run()
    assert world.look(full=True)[0].is_empty
    one = world.store.items[1]
    world.store.items[1] = replace(one, is_protected=protected)
    return world, uids[0]


def stand(world: Runner, uid: str, here: str, there: str) -> Plan:
    """Bring the item into the cell; the plan that comes next."""
    theirs = next(one for one in world.their_items() if one.uid == uid)
    if here == "changed":
        world.store.change(1, changed(world.store.items[1].item, summary="Renamed"))
    if here == "gone":
        world.store.end(1)
    if there == "changed":
        world.edit_there(moved(theirs, timedelta(hours=2)))
    elif there == "unreadable":
        world.remote.edit(world.row(uid).href, b"what is this")
    elif there != "same":
        world.delete_there(uid)
    minutes = {"missing": (), "waiting": (0, 10), "lost": (0, 20)}.get(there, ())
    for wait in minutes[1:]:
        world.run(full=True)
        world.now += timedelta(minutes=wait)
    return world.look()[0]


@pytest.mark.parametrize(("case", "here", "there", "protected", "wanted"), _cells())
def test_each_cell_does_what_the_policy_says_and_then_rests(
    case: Case, here: str, there: str, protected: bool, wanted: str
) -> None:
    world, uid = agreed(case, deltas=there == "gone", protected=protected)
    made = stand(world, uid, here, there)
    assert notation(made.operations) == wanted, made.operations
    assert not made.held
    world.run()
    assert world.look()[0].is_empty
    assert world.look(full=True)[0].is_empty
    assert not [one for one in world.erased if one.is_protected]


@pytest.mark.parametrize("case", TABLES, ids=str)
@pytest.mark.parametrize("there", ["same", "changed"])
@pytest.mark.parametrize("here", ["same", "changed"])
def test_where_both_stand_they_end_equal_as_far_as_the_policy_shares(case: Case, here: str, there: str) -> None:
    world, uid = agreed(case, deltas=True)
    stand(world, uid, here, there)
    world.run()
    ours, theirs = world.store.items[1].item, next(one for one in world.their_items() if one.uid == uid)
    assert ours.master is not None
    assert theirs.master is not None
    assert ours.master.start == theirs.master.start
    if "BUSY" in case[0]:
        assert not same(ours, theirs)
        assert (theirs if case[0] is LinkPolicy.EXPORT_BUSY else ours).master.summary == "Busy"  # type: ignore[union-attr]
    else:
        assert same(ours, theirs)


def test_a_merge_writes_what_each_side_lacks_and_nothing_else() -> None:
    world, uid = agreed((LinkPolicy.TWO_WAY, Owner.EITHER_LOCAL), deltas=True)
    made = stand(world, uid, "changed", "changed")
    assert [one.conflicts for one in made.operations] == [(), ()]
    world.run()
    ours = world.store.items[1].item.master
    assert ours is not None
    assert (ours.summary, ours.start.wall.hour) == ("Renamed", 11)


@pytest.mark.rule("C13", "C14")
@pytest.mark.parametrize("there", ["changed", "lost", "gone"])
def test_what_is_confirmed_keeps_its_time_while_a_person_is_asked(there: str) -> None:
    world, uid = agreed((LinkPolicy.TWO_WAY, Owner.EITHER_LOCAL), deltas=there == "gone", protected=True)
    before = world.store.items[1].item
    stand(world, uid, "same", there)
    world.run()
    assert world.store.items[1].item is before
    assert world.row(uid).state is LinkState.CONFLICT
    [case] = world.cases.values()
    assert case.ours is before
    assert case.theirs is not None
    for _ in range(3):
        world.now += timedelta(hours=1)
        assert world.look(full=True)[0].is_empty
    assert len(world.cases) == 1


@pytest.mark.rule("C9")
def test_a_listing_that_is_not_whole_frees_nothing_however_often() -> None:
    world, uid = agreed((LinkPolicy.IMPORT_BUSY, Owner.EITHER_LOCAL), deltas=False)
    world.remote.manners.cut_at = 1
    kept = len(world.store.items)
    for _ in range(5):
        made = world.run(full=True)
        assert made.is_empty, uid
        world.now += timedelta(minutes=20)
    assert len(world.store.items) == kept


@pytest.mark.rule("C9")
def test_a_missing_item_that_comes_back_was_never_gone() -> None:
    world, uid = agreed((LinkPolicy.IMPORT, Owner.EITHER_LOCAL), deltas=False)
    theirs = next(one for one in world.their_items() if one.uid == uid)
    world.delete_there(uid)
    world.run()
    assert world.row(uid).state is LinkState.MISSING
    world.now += timedelta(minutes=14, seconds=59)
    assert world.run().is_empty
    world.edit_there(theirs)
    world.now += timedelta(hours=1)
    world.run()
    assert (world.row(uid).state, world.row(uid).missing_since) == (LinkState.ACTIVE, None)
    assert len(world.store.items) == 2
    world.delete_there(uid)
    world.now += timedelta(hours=1)
    assert not world.run().counts.here  # it counts from the start again
