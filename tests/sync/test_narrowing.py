"""A complete listing is held against a few columns of the index; what would give no step is neither loaded nor planned.

Whatever is left out, the plan is the one that all rows would give (SPEC C9, C10).
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from booking.reads import link_evidence
from booking.tables.links import CalendarLink, ImportedTime, ItemLink
from booking.values.links import Choice, LinkPolicy, RunMode
from sync.gathering import Gathered, Gatherer, House
from sync.narrowing import narrow
from sync.plan import plan
from sync.remotes.memory import Manners, MemoryRemote
from sync.remotes.protocol import Listed, Listing
from sync.values import Hold, Plan
from tests.builders import ZONE
from tests.fixtures.soak import scale
from tests.sync.acting import cancel, decide, uid_of
from tests.sync.linked import World, event, read_here, world
from tests.sync.test_runner_machine import ALONE, Editors

MANY = 24


@dataclass(frozen=True)
class Row:
    href: str
    etag: str | None = '"1"'
    waits: int = 0
    lives: int = 1
    is_theirs: int = 1


def listed(*hrefs: str, etag: str | None = '"1"') -> tuple[Listed, ...]:
    return tuple(Listed(href, etag) for href in hrefs)


def whole(there: tuple[Listed, ...]) -> Listing:
    return Listing(is_delta=False, is_whole=True, there=there)


def gathered(here: World, *, all_rows: bool) -> Gathered:
    with here.database.read() as session:
        facts = link_evidence.link_facts(session, here.now, here.link_id)
        alive = link_evidence.link_ids(session, facts.organisation_id)
    house = House(here.house.host_id, ZONE.key, "Belegt", alive)
    gatherer = Gatherer(here.database, facts, house, here.remote, lambda: True, read_here)
    return next(gatherer.gather(here.now, full=True, whole=all_rows))


def planned(here: World, found: Gathered) -> Plan:
    return plan(found.link, found.rows, found.local, found.remote, here.now)


def told(made: Plan) -> tuple[object, ...]:
    steps = [(one.key, one.kind, one.reason, one.after) for one in (*made.operations, *made.postponed)]
    held = sorted(one.key for one in made.held)
    return sorted(steps, key=repr), held, made.hold, made.identity, replace(made.counts, conflicts=0)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url, MemoryRemote(Manners(deltas=False)))
    made.connect(LinkPolicy.TWO_WAY, limits=ALONE)
    for number in range(MANY):
        made.put(event(f"x{number}", 5 + number))
    made.settle()
    yield made
    made.database.close()


def test_what_stands_as_it_was_agreed_on_is_neither_loaded_nor_read(here: World) -> None:
    here.edit_theirs("x3", summary="Anders")
    here.put(event("new", 40))
    found = gathered(here, all_rows=False)
    assert [row.uid for row in found.rows] == ["x3"]
    assert {one.uid for one in found.local.there.values()} == {"x3"}
    assert len(found.bodies) == 2
    assert found.remote.others == MANY - 1
    every = gathered(here, all_rows=True)
    assert (len(every.rows), len(every.local.there), every.remote.others) == (MANY, MANY, 0)
    assert told(planned(here, found)) == told(planned(here, every))


@pytest.mark.rule("C9")
def test_what_is_missing_is_counted_against_all_that_is_there(here: World) -> None:
    here.delete_theirs("x3")
    here.run()
    here.now += timedelta(minutes=16)
    for number in range(4, 9):
        here.delete_theirs(f"x{number}")
    found = gathered(here, all_rows=False)
    assert not found.is_all
    assert found.link.active == MANY
    assert told(planned(here, found)) == told(planned(here, gathered(here, all_rows=True)))


@pytest.mark.rule("C9")
def test_more_than_half_missing_is_judged_with_all_of_it(here: World) -> None:
    for number in range(MANY // 2 + 1):
        here.delete_theirs(f"x{number}")
    assert gathered(here, all_rows=False).is_all


@pytest.mark.rule("C9")
@pytest.mark.parametrize("is_known", [True, False])
def test_where_nothing_of_ours_is_left_what_lies_there_is_not_deleted(database_url: str, *, is_known: bool) -> None:
    """With its row, or found by its UID alone, since the run that wrote it died."""
    here = world(database_url, MemoryRemote(Manners(deltas=False)))
    here.connect(LinkPolicy.EXPORT, limits=ALONE)
    for number in range(MANY):
        here.put(event(f"x{number}", 5 + number))
    made = here.book(70)
    here.settle()
    if not is_known:
        here.write(lambda db: db.execute(delete(ItemLink).where(ItemLink.origin == "LOCAL")))
    cancel(here, made)
    found = gathered(here, all_rows=False)
    assert not found.is_all
    ended = planned(here, found)
    assert told(ended) == told(planned(here, gathered(here, all_rows=True)))
    assert (ended.hold, len(ended.held)) == (Hold.EMPTY, 1)
    here.database.close()


@pytest.mark.rule("C9")
def test_a_few_new_uids_do_not_make_a_feed_unstable(here: World) -> None:
    """Rows that were left out count: of those given, nearly all UIDs are new."""
    for number in range(4):
        item = here.theirs()[f"x{number}"]
        here.delete_theirs(item.uid)
        here.put(replace(item, uid=f"y{number}"))
    found = gathered(here, all_rows=False)
    assert not found.is_all
    made = planned(here, found)
    assert told(made) == told(planned(here, gathered(here, all_rows=True)))
    assert made.identity.value == "UID"


@pytest.mark.rule("C11")
def test_a_time_without_its_row_and_a_row_without_its_time_are_found(here: World) -> None:
    here.write(lambda db: db.execute(ItemLink.__table__.delete().where(ItemLink.uid == "x1")))  # type: ignore[attr-defined]
    here.write(lambda db: db.execute(update(ImportedTime).where(ImportedTime.uid == "x2").values(revision=9)))
    here.write(lambda db: db.execute(update(ImportedTime).where(ImportedTime.uid == "x4").values(ended_at=here.now)))
    found = gathered(here, all_rows=False)
    assert {row.uid for row in found.rows} == {"x2", "x4"}
    assert told(planned(here, found)) == told(planned(here, gathered(here, all_rows=True)))


def test_a_run_that_left_rows_out_is_no_full_one(here: World) -> None:
    """Each night all of it is looked at, whatever the days found."""
    first = here.link.last_full_at
    here.now += timedelta(hours=1)
    here.put(event("new", 40))
    here.run()
    assert here.link.last_full_at == first
    here.run(RunMode.FULL)
    assert here.link.last_full_at == here.now


@pytest.mark.soak
@pytest.mark.rule("C9", "C10")
@pytest.mark.parametrize("seed", range(scale(60)))
def test_rows_that_are_left_out_change_no_plan(sqlite_url: str, seed: int) -> None:
    dice = random.Random(seed)
    here = world(sqlite_url, MemoryRemote(Manners(deltas=False, etag_on_write=dice.random() < 0.5)))
    here.connect(dice.choice([LinkPolicy.TWO_WAY, *LinkPolicy]), limits=ALONE)
    for number in range(MANY):
        here.put(event(f"z{number}", 60 + number))
    editors = Editors(here, dice)
    narrowed = 0
    for _ in range(20):
        editors.act()
        found = gathered(here, all_rows=False)
        narrowed += not found.is_all
        assert told(planned(here, found)) == told(planned(here, gathered(here, all_rows=True)))
    assert narrowed > 2
    here.database.close()


def test_only_a_complete_listing_is_narrowed() -> None:
    rows = [Row(f"/{number}") for number in range(10)]
    there = listed(*(row.href for row in rows))
    assert narrow(whole(there), []) is None
    assert narrow(replace(whole(there), is_delta=True), rows) is None
    assert narrow(replace(whole(there), is_whole=False), rows) is None
    found = narrow(whole(there), rows)
    assert found is not None
    assert (found.hrefs, found.listed, found.others) == ((), (), 10)


def test_new_changed_missing_and_waiting_rows_are_asked_for() -> None:
    rows = [Row(f"/{number}") for number in range(10)] + [Row("/w", waits=1), Row("/dead", lives=0, is_theirs=0)]
    there = listed(*(f"/{number}" for number in range(2, 10)), "/w") + listed("/1", etag='"2"') + listed("/new")
    found = narrow(whole(there), rows)
    assert found is not None
    assert set(found.hrefs) == {"/0", "/1", "/w"}
    assert {one.href for one in found.listed} == {"/1", "/new", "/w"}
    assert found.others == 8
    unnamed = narrow(whole(listed("/5", etag=None) + there), rows)
    assert unnamed is not None
    assert "/5" in unnamed.hrefs


def assert_same_plan(here: World, *, steps: int) -> None:
    found = gathered(here, all_rows=False)
    assert not found.is_all
    made = planned(here, found)
    assert told(made) == told(planned(here, gathered(here, all_rows=True)))
    assert len(made.operations) == steps


@pytest.mark.rule("C7")
def test_a_decision_of_a_person_is_carried_out_though_nothing_changed(here: World) -> None:
    uid = uid_of(here, here.book(70))
    here.settle()
    here.move_theirs(uid, timedelta(hours=1))
    here.run()
    assert_same_plan(here, steps=0)
    decide(here, uid, Choice.KEEP_OURS)
    assert_same_plan(here, steps=1)


def test_a_second_resource_with_a_uid_that_is_known_stays_ignored(here: World) -> None:
    here.put(here.theirs()["x1"], "/calendar/again.ics")
    here.run()
    assert_same_plan(here, steps=0)
    here.remote.remove(here.remote.href_for("x1"))
    assert_same_plan(here, steps=1)


def test_a_booking_that_is_shown_again_is_written_again(here: World) -> None:
    """Its revision is the one that was agreed on before it was taken away there."""
    here.book(70)
    here.settle()
    for shown, steps in ((False, 1), (True, 1)):
        here.write(lambda db, to=shown: db.execute(update(CalendarLink).values(requested=to)))
        assert_same_plan(here, steps=steps)
        here.run()
