"""Many alike at once: the same as one by one, and one that fails still fails alone (SPEC C10, C14)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from booking.tables.bookings import CaseFile
from booking.tables.links import ItemLink
from booking.values.links import LinkPolicy, RunOutcome, StepState
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from sync.runner import run_link
from tests.builders import NOW
from tests.sync.linked import World, event, world

MANY = 12
HOUR = timedelta(hours=1)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def put_many(here: World) -> None:
    for number in range(MANY):
        here.put(event(f"x{number}", 5 + number))


def slots() -> list[Slot]:
    starts = [NOW + timedelta(days=5 + number) for number in range(MANY)]
    return [Slot(start, start + HOUR) for start in starts]


@pytest.mark.rule("C6", "C8")
def test_a_first_run_brings_everything_and_records_each_step(here: World) -> None:
    here.connect(LinkPolicy.IMPORT)
    put_many(here)
    ran = here.settle()
    assert ran.applied.here == MANY
    assert here.taken(OccupancyKind.EXTERNAL) == slots()
    assert [(row.uid, -(row.local_id or 0), row.base_revision, row.version) for row in here.index()] == [
        (one.uid, one.id, one.revision, 1) for one in sorted(here.imported(), key=lambda one: one.uid)
    ]
    assert {row.base for row in here.index()} == {one.content for one in here.imported()}
    steps = here.steps(ran.run_id)
    assert [(one.state, one.done_at) for one in steps] == [(StepState.DONE, here.now)] * MANY
    assert {one.theirs["starts_at"] for one in steps} == {slot.start.isoformat() for slot in slots()}


@pytest.mark.rule("C10")
def test_of_many_at_once_the_one_that_cannot_be_stored_costs_only_itself(here: World) -> None:
    """Another row gets its address between plan and deed."""
    here.connect(LinkPolicy.IMPORT)
    put_many(here)
    href = here.remote.href_for("x3")

    def meddle(name: str) -> None:
        if name == "sync.planned" and not here.index():
            row = {"organisation_id": 1, "link_id": here.link_id, "href": href, "uid": "x3", "origin": "REMOTE"}
            here.write(lambda db: db.execute(insert(ItemLink).values(**row, state="ACTIVE")))

    ran = run_link(replace(here.engine, point=meddle), here.link_id)
    assert ran is not None
    assert (ran.applied.here, ran.applied.undone) == (MANY - 1, 1)
    assert ran.outcome is RunOutcome.PARTIAL
    assert {one.uid for one in here.imported()} == {f"x{number}" for number in range(MANY) if number != 3}
    assert len(here.taken(OccupancyKind.EXTERNAL)) == MANY - 1
    states = Counter(step.state for step in here.steps(ran.run_id))
    assert states == {StepState.DONE: MANY - 1, StepState.SKIPPED: 1}


@pytest.mark.rule("C14")
def test_each_of_many_that_meets_a_booking_opens_its_case(here: World) -> None:
    for days in (5, 8):
        here.book(days)
    here.connect(LinkPolicy.IMPORT)
    put_many(here)
    here.put(event("long", 4, hours=24 * 5))
    here.run()
    found = here.rows(select(CaseFile).where(CaseFile.closed_at.is_(None), CaseFile.kind == "link-clash"))
    brought = {one.uid: one.id for one in here.imported()}
    about = {tuple(one.dedup_key.removeprefix("link-clash-").split("-")) for one in found}
    assert {int(import_id) for import_id, _ in about} == {brought["x0"], brought["x3"], brought["long"]}
    assert len(about) == 4
    assert {one.facts["starts_at"] for one in found} == {(NOW + timedelta(days=days)).isoformat() for days in (4, 5, 8)}
    assert len(here.taken(OccupancyKind.BOOKING)) == 2
