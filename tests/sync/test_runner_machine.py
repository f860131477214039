"""Two editors at random through all of it: database, planner, codec, a server of any manners, kills (SPEC C10)."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.tables.bookings import Booking, CaseFile
from booking.tables.calendars import CalendarItem
from booking.values.links import Choice, LinkPolicy
from booking.values.states import BookingState, ItemStatus, OccupancyKind
from ical.item import Item, Status
from sync.remotes.memory import Etags, Manners, MemoryRemote
from tests.fixtures.soak import scale
from tests.sync.acting import cancel, decide, move, slot_of
from tests.sync.linked import Killed, World, event, world

HOUR = timedelta(hours=1)
STEPS = 25
QUIET = timedelta(hours=7)
ALONE = {"least": 1000, "soon_count": 1000}


class Editors:
    def __init__(self, here: World, dice: random.Random) -> None:
        self.here, self.dice, self.number, self.made = here, dice, 0, []  # type: ignore[var-annotated] # of Made

    def act(self) -> None:
        acts: list[Callable[[], None]] = [
            self.book,
            self.move_ours,
            self.end_ours,
            self.add_theirs,
            self.move_theirs,
            self.cancel_theirs,
            self.delete_theirs,
            self.run,
            self.run,
            self.kill,
            self.decide,
            self.here.remote.forget,
        ]
        self.dice.choice(acts)()

    def _day(self) -> float:
        self.number += 1
        return 2.0 + self.number

    def book(self) -> None:
        self.made.append(self.here.book(self._day()))

    def _ours(self) -> list:  # type: ignore[type-arg] # of Made
        query = select(Booking.id).where(Booking.state == BookingState.REQUESTED)
        alive = set(self.here.rows(query))
        return [made for made in self.made if made.booking_id in alive]

    def move_ours(self) -> None:
        if ours := self._ours():
            made, by = self.dice.choice(ours), self.dice.choice([HOUR, -HOUR])
            is_open = 7 <= (slot_of(self.here, made).start + by).hour <= 17  # UTC
            move(self.here, made, by if is_open else -by)

    def end_ours(self) -> None:
        if ours := self._ours():
            cancel(self.here, self.dice.choice(ours))

    def _theirs(self) -> Item | None:
        found = sorted(self.here.theirs().values(), key=lambda one: one.uid)
        return self.dice.choice(found) if found else None

    def add_theirs(self) -> None:
        day = self._day()
        self.here.put(event(f"x{self.number}", day))

    def move_theirs(self) -> None:
        if one := self._theirs():
            self.here.move_theirs(one.uid, self.dice.choice([HOUR, -HOUR]))

    def cancel_theirs(self) -> None:
        if one := self._theirs():
            self.here.edit_theirs(one.uid, status=Status.CANCELLED)

    def delete_theirs(self) -> None:
        if one := self._theirs():
            self.here.delete_theirs(one.uid)

    def run(self) -> None:
        self.here.run()
        self.here.now += timedelta(minutes=self.dice.choice([1, 16]))

    def kill(self) -> None:
        self.here.kill_at = self.dice.randrange(20)
        try:
            self.here.run()
        except Killed:
            self.here.now += timedelta(minutes=2)
        finally:
            self.here.kill_at = None

    def decide(self) -> None:
        query = select(CaseFile.facts).where(CaseFile.closed_at.is_(None), CaseFile.kind.like("link-%"))
        uids = sorted({facts["uid"] for facts in self.here.rows(query) if "uid" in facts})
        if uids:
            decide(self.here, self.dice.choice(uids), self.dice.choice(list(Choice)))


def assert_agreed(here: World, policy: LinkPolicy) -> None:
    host = here.house.host_id
    theirs = here.theirs()
    brought = {one.uid for one in here.imported()}
    asked = {row.uid for row in here.index() if row.state == "CONFLICT"}
    live = here.rows(select(CalendarItem).where(CalendarItem.status != ItemStatus.CANCELLED))
    ours = {f"{item.uid}@{host}": item for item in live}
    if policy.writes:
        assert ours.keys() - asked <= theirs.keys()
        assert {uid for uid in theirs if uid.endswith(host)} - asked <= ours.keys() | _cancelled(theirs) | brought
        for uid in ours.keys() & theirs.keys() - asked:
            master = theirs[uid].master
            assert master is not None
            assert (master.start.instant, master.end.instant) == (ours[uid].starts_at, ours[uid].ends_at)
    if policy.imports:
        foreign = {uid for uid in theirs if not uid.endswith(host)} - _cancelled(theirs)
        # what ended here while it was changed there keeps its time
        assert brought - foreign <= {uid for uid in theirs if uid.endswith(host)}
        assert foreign <= brought
        taken = here.taken(OccupancyKind.EXTERNAL, OccupancyKind.CLOSURE)
        assert {slot.start for slot in taken} == {theirs[uid].master.start.instant for uid in brought}  # type: ignore[union-attr]


def _cancelled(theirs: dict[str, Item]) -> set[str]:
    return {uid for uid, one in theirs.items() if one.master and one.master.status is Status.CANCELLED}


@pytest.mark.soak
@pytest.mark.rule("C7", "C9", "C10")
@pytest.mark.parametrize("seed", range(scale(120)))
def test_whatever_two_editors_do_it_ends_in_agreement(sqlite_url: str, seed: int) -> None:
    dice = random.Random(seed)
    manners = Manners(
        etags=dice.choice(list(Etags)),
        etag_on_write=dice.random() < 0.5,
        guards=dice.random() < 0.7,
        deltas=dice.random() < 0.6,
    )
    policy = dice.choice([LinkPolicy.TWO_WAY, LinkPolicy.TWO_WAY, *LinkPolicy])
    here = world(sqlite_url, MemoryRemote(manners))
    here.connect(policy, limits=ALONE)
    editors = Editors(here, dice)
    for _ in range(STEPS):
        editors.act()
        alive = here.rows(select(Booking).where(Booking.state == BookingState.REQUESTED))
        assert len(alive) == len(here.taken(OccupancyKind.BOOKING))
    for _ in range(3):
        here.now += QUIET
        here.run()
    here.now += timedelta(seconds=1)
    before = here.remote.writes
    last = here.run()
    assert (last.applied.here, last.applied.there, here.remote.writes) == (0, 0, before)
    if not _is_emptied(here):
        assert_agreed(here, policy)
    here.database.close()


def _is_emptied(here: World) -> bool:
    """An empty calendar where something was frees nothing: that waits for a person."""
    return here.line.held > 0
