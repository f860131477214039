"""A time that a link brought changes and ends only as the plan saw it (SPEC C10, C14)."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from booking.actions.link_imports import change_import, end_import, lock_room
from booking.values.links import ImportedTime, LinkPolicy
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from tests.builders import slot_in
from tests.sync.linked import World, event, world

ELSEWHERE = slot_in(9, 8, 9)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    made.connect(LinkPolicy.IMPORT)
    made.put(event("x1", 4))
    made.settle()
    yield made
    made.database.close()


def change(here: World, revision: int) -> int | None:
    (row,) = here.imported()
    given = ImportedTime(row.uid, row.content, row.summary, (ELSEWHERE,), row.until)

    def work(session: Session) -> int | None:
        link, units = lock_room(session, here.link_id)
        return change_import(session, here.now, link, units, row.id, given, revision)

    return here.write(work)


def end(here: World, revision: int) -> bool:
    (row,) = here.imported()

    def work(session: Session) -> bool:
        link, _ = lock_room(session, here.link_id)
        return end_import(session, here.now, link, row.id, revision)

    return here.write(work)


def taken(here: World) -> list[Slot]:
    return here.taken(OccupancyKind.EXTERNAL)


@pytest.mark.rule("C10", "C14")
def test_a_time_is_changed_and_ended_only_at_the_revision_that_was_seen(here: World) -> None:
    before = taken(here)
    assert change(here, 4_711) is None
    assert not end(here, 4_711)
    assert taken(here) == before
    revision = here.imported()[0].revision
    changed = change(here, revision)
    assert changed == revision + 1
    assert taken(here) == [ELSEWHERE]
    assert not end(here, revision)
    assert taken(here) == [ELSEWHERE]
    assert end(here, changed)
    assert (taken(here), here.imported()) == ([], [])
