"""Two editors at random, a server of any manners, faults at any boundary: it always ends in agreement."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from booking.values.links import LinkPolicy
from ical.item import Item
from sync.content import incoming, is_over, outgoing, same
from sync.remotes.memory import Etags, Manners, MemoryRemote
from sync.values import Decision, Field, LinkState, LocalItem, Owner, Reason, Side
from tests.fixtures.soak import scale
from tests.sync.simulator import HOST, Codec, Runner, cancelled, changed, item, moved, runner

pytestmark = [pytest.mark.soak, pytest.mark.rule("C7", "C9", "C10")]

ANY = st.integers(0, 99)
HOURS = st.sampled_from([timedelta(hours=-30), timedelta(hours=1), timedelta(hours=2), timedelta(days=3)])
QUIET = timedelta(hours=7)  # longer than any wait after a failure


def _lossy(one: Item) -> Item:
    return changed(one, description="", location=one.master.location.upper()) if one.master else one


def _as_it_is(one: Item) -> Item:
    return one


MANNERS = st.builds(
    Manners,
    etags=st.sampled_from(Etags),
    etag_on_write=st.booleans(),
    guards=st.sampled_from([True, True, False]),
    deltas=st.booleans(),
    lag=st.sampled_from([0, 0, 1]),
)


class Machine(RuleBasedStateMachine):
    """Protected items may go only by the hand of our own editor or by a person's decision."""

    world: Runner

    def __init__(self) -> None:
        super().__init__()
        self.names = count(1)
        self.started = False

    @initialize(policy=st.sampled_from(LinkPolicy), manners=MANNERS, lossy=st.booleans(), owner=st.sampled_from(Owner))
    def start(self, policy: LinkPolicy, manners: Manners, lossy: bool, owner: Owner) -> None:
        codec = Codec()
        manners.rewrite = codec.rewriting(_lossy if lossy else _as_it_is)
        self.world = runner(policy, remote=MemoryRemote(manners), owners=dict.fromkeys(Field, owner))
        self.world.codec = codec
        self.world.lagged = manners.lag > 0
        self.lossy, self.started = lossy, True
        for protected in (True, True, False):
            self.add_here(protected)
        self.add_there()
        self.add_there()
        self.world.run(full=True)
        self.world.run(full=True)

    # -- our editor

    @rule(protected=st.booleans())
    def add_here(self, protected: bool) -> None:
        name = next(self.names)
        made = item(f"{name}@{HOST}", timedelta(days=name), f"Ours {name}", description="Notes", location="Hall")
        self.world.store.add(made, is_protected=protected)

    @rule(which=ANY, by=HOURS)
    def move_here(self, which: int, by: timedelta) -> None:
        if one := self._ours(which):
            self.world.store.change(one.id, moved(one.item, by))

    @rule(which=ANY)
    def rename_here(self, which: int) -> None:
        if one := self._ours(which):
            self.world.store.change(one.id, changed(one.item, summary=f"Renamed {next(self.names)}"))

    @rule(which=ANY)
    def end_here(self, which: int) -> None:
        if one := self._ours(which):
            self.world.store.end(one.id)

    # -- their editor

    @rule()
    def add_there(self) -> None:
        name = next(self.names)
        self.world.edit_there(item(f"x{name}", timedelta(days=name), f"Theirs {name}", description="Notes"))

    @rule(which=ANY, by=HOURS)
    def move_there(self, which: int, by: timedelta) -> None:
        if one := self._theirs(which):
            self._edit(moved(one, by))

    @rule(which=ANY)
    def describe_there(self, which: int) -> None:
        if one := self._theirs(which):
            self._edit(changed(one, url=f"https://example.org/{next(self.names)}"))

    @rule(which=ANY)
    def cancel_there(self, which: int) -> None:
        if one := self._theirs(which):
            self._edit(cancelled(one))

    @rule(which=ANY)
    def delete_there(self, which: int) -> None:
        if one := self._theirs(which):
            self.world.delete_there(one.uid)

    @rule(which=ANY, by=HOURS, edit=st.sampled_from(["describe", "move", "cancel", "delete"]))
    def edit_on_both_sides(self, which: int, by: timedelta, edit: str) -> None:
        both = sorted({one.uid for one in self.world.their_items()} & set(self.world.store.uids))
        if not both:
            return
        uid = both[which % len(both)]
        ours = next(one for one in self.world.store.items.values() if one.uid == uid)
        theirs = next(one for one in self.world.their_items() if one.uid == uid)
        self.world.store.change(ours.id, moved(ours.item, by))
        match edit:
            case "describe":
                self._edit(changed(theirs, url=f"https://example.org/{next(self.names)}"))
            case "move":
                self._edit(moved(theirs, -by))
            case "cancel":
                self._edit(cancelled(theirs))
            case _:
                self.world.delete_there(uid)

    # -- the engine, well and badly

    @rule(full=st.booleans(), wait=st.sampled_from([1, 20, 90]))
    def run(self, full: bool, wait: int) -> None:
        self.world.run(full=full)
        self.world.now += timedelta(minutes=wait)

    @rule(after=st.integers(0, 12), which=ANY, by=HOURS, edit=st.sampled_from(["describe", "move", "delete"]))
    def killed(self, after: int, which: int, by: timedelta, edit: str) -> None:
        self.edit_on_both_sides(which, by, edit)
        self.world.killed_run(after)

    @rule(which=ANY)
    def one_is_broken(self, which: int) -> None:
        if one := self._theirs(which):
            self.world.broken = {self.world.remote.href_for(one.uid)}
            self.world.run()
            self.world.broken = set()

    @rule(cut=st.integers(0, 3))
    def cut_short(self, cut: int) -> None:
        """Listings that end early and say so prove nothing, however often they are read."""
        self.world.remote.manners.cut_at = cut
        for _ in range(2):
            self.world.run(full=True)
            self.world.now += timedelta(minutes=20)
        self.world.remote.manners.cut_at = None

    @rule()
    def forget_cursors(self) -> None:
        self.world.remote.forget()

    @rule(which=ANY, decision=st.sampled_from(Decision))
    @precondition(lambda self: self.started)
    def decide(self, which: int, decision: Decision) -> None:
        asked = [row for row in self.world.rows.values() if row.state is LinkState.CONFLICT]
        if asked:
            self.world.decide(asked[which % len(asked)].uid, decision=decision)

    @invariant()
    def nothing_protected_was_erased(self) -> None:
        if self.started:
            assert not [one for one in self.world.erased if one.is_protected]

    @invariant()
    def nothing_was_erased_that_stands_there(self) -> None:
        if self.started and not self.world.lagged:
            assert not self.world.erased_too_soon

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if self.started:
            assert max(Counter(one.uid for one in self.world.their_items()).values(), default=1) == 1
            assert max(Counter(self.world.store.uids).values(), default=1) == 1

    def teardown(self) -> None:
        if not self.started:
            return
        world = self.world
        world.remote.manners.lag = 0
        for _ in range(2):
            world.now += QUIET
            world.run(full=True)
        world.now += timedelta(seconds=1)
        third = world.look(full=True)[0]
        left = third.operations
        if world.remote.manners.etags is Etags.FLAKY:  # each listing brings new ETags: they are noted, no more
            left = tuple(one for one in left if one.reason is not Reason.SAME_CONTENT)
        assert not left, [(one.kind, one.side, one.reason, one.row.uid) for one in left]
        self._assert_agreed({one.row.uid for one in third.held})
        if world.remote.manners.deltas and world.remote.manners.etags in {Etags.STRONG, Etags.WEAK}:
            assert not world.look()[0].operations

    def _assert_agreed(self, held: set[str]) -> None:
        world, link = self.world, self.world.link
        theirs = {one.uid: one for one in world.their_items()}
        ours = {one.uid: one for one in world.store.items.values()}
        asked = {row.uid for row in world.rows.values() if row.state is LinkState.CONFLICT} | held
        if link.policy.writes:
            lost = [uid for uid, one in ours.items() if uid not in theirs and not is_over(one.item, world.now)]
            assert set(lost) <= asked, lost
        if link.policy.imports:
            wanted = {uid for uid, one in theirs.items() if self._is_wanted(one)}
            assert wanted <= ours.keys() | asked | self._tombs(), wanted - ours.keys()
        if not self.lossy:
            for uid in ours.keys() & theirs.keys() - asked - self._tombs():
                assert self._agree(ours[uid], theirs[uid]), uid

    def _agree(self, one: LocalItem, other: Item) -> bool:
        link = self.world.link
        if same(outgoing(link, one.item, Side.LOCAL), other):
            return True
        return same(incoming(link, other), one.item)

    def _is_wanted(self, one: Item) -> bool:
        is_ours = one.uid.endswith(f"@{HOST}")
        return not is_ours and not is_over(one, self.world.now) and incoming(self.world.link, one) is not None

    def _tombs(self) -> set[str]:
        return {row.uid for row in self.world.rows.values() if row.state is LinkState.TOMBSTONE}

    def _ours(self, which: int) -> LocalItem | None:
        found = sorted(self.world.store.items.values(), key=lambda one: one.id)
        return found[which % len(found)] if found else None

    def _theirs(self, which: int) -> Item | None:
        found = sorted(self.world.their_items(), key=lambda one: one.uid)
        return found[which % len(found)] if found else None

    def _edit(self, one: Item) -> None:
        hrefs = [href for href, body in self.world.remote.bodies.items() if self._uid(body) == one.uid]
        self.world.edit_there(replace(one, sequence=one.sequence + 1), hrefs[0])

    def _uid(self, body: bytes) -> str:
        found = self.world.codec.read(body)
        return found.uid if found else ""


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=scale(1_000),
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
