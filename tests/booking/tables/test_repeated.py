"""Many rows by the driver itself: stored as SQLAlchemy stores them, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from booking.actions.link_runs import begin_run
from booking.tables.links import ItemLink, PlanOp
from booking.tables.repeated import Repeated, insert_of
from booking.values.links import RunMode, StepState
from tests.sync.linked import World, world

AT = datetime(2026, 11, 2, 8, 30, 1, 2, tzinfo=UTC)
NAMES = ("organisation_id", "link_id", "version", "href", "uid", "origin", "state", "next_try", "local_id")
COUNTS = ("miss_count", "flips", "error_count")
ITEMS = insert_of(ItemLink.__table__, (*NAMES, *COUNTS, "problem"))


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    made.connect()
    yield made
    made.database.close()


def row(here: World, number: int, at: datetime | None = None) -> tuple[object, ...]:
    return (1, here.link_id, 1, f"/{number}", f"u{number}", "REMOTE", "ACTIVE", at, -number, 0, 0, 0, "")


def test_rows_are_stored_as_the_toolkit_stores_them(here: World) -> None:
    turn = here.write(lambda db: begin_run(db, AT, here.link_id, RunMode.NORMAL, "test"))
    assert turn is not None
    texts = dict.fromkeys(("kind", "side", "reason", "key", "uid", "href"), "ü")
    values = [
        {"position": 0, "ours": {}, "theirs": {"a": [1, None, "ü"]}, "conflicts": [], "done_at": None},
        {"position": 1, "ours": {"x": 1}, "theirs": {}, "conflicts": [{"b": True}], "done_at": AT},
        {"position": 2, "ours": {}, "theirs": {}, "conflicts": [], "done_at": AT},
    ]
    state = {"organisation_id": 1, "run_id": turn.run_id, "state": StepState.BEGUN, "problem": ""}
    whole = [texts | state | one for one in values]
    names = tuple(whole[0])
    many = insert_of(PlanOp.__table__, names)
    assert here.write(lambda db: many.run(db, [tuple(one[name] for name in names) for one in whole])) == 3
    shifted = [one | {"position": int(str(one["position"])) + 10} for one in whole]
    here.write(lambda db: db.execute(insert(PlanOp), shifted))
    table = PlanOp.__table__.c
    stored = {
        found.position: found._asdict() | {"id": 0, "position": 0}
        for found in here.write(lambda db: db.execute(select(*table)).all())
    }
    assert [stored[number] for number in range(3)] == [stored[number + 10] for number in range(3)]
    assert (stored[1]["done_at"], stored[0]["theirs"], stored[0]["state"]) == (AT, values[0]["theirs"], StepState.BEGUN)


def test_the_rows_that_were_touched_are_counted(here: World) -> None:
    here.write(lambda db: ITEMS.run(db, [row(here, number, AT) for number in range(5)]))
    table = ItemLink.__table__.c
    later = Repeated(
        update(ItemLink)
        .where(table.href == bindparam("its_href"), table.version == bindparam("its_version"))
        .values(next_try=bindparam("next_try", type_=table.next_try.type)),
        ("next_try", "its_href", "its_version"),
    )
    given = [(AT + timedelta(hours=1), "/1", 1), (None, "/2", 1), (AT, "/3", 7), (AT, "/9", 1)]
    assert here.write(lambda db: later.run(db, given)) == 2
    assert {one.href: one.next_try for one in here.index()} == {
        "/0": AT,
        "/1": AT + timedelta(hours=1),
        "/2": None,
        "/3": AT,
        "/4": AT,
    }


def test_a_column_with_a_default_is_never_forgotten(here: World) -> None:
    with pytest.raises(KeyError, match="error_count"):
        here.write(lambda db: insert_of(ItemLink.__table__, NAMES).run(db, [row(here, 1)[: len(NAMES)]]))


def test_nothing_to_do_is_nothing_done(here: World) -> None:
    assert here.write(lambda db: ITEMS.run(db, [])) == 0


def test_the_constraints_speak_and_nothing_stays(here: World) -> None:
    with pytest.raises(IntegrityError):
        here.write(lambda db: ITEMS.run(db, [row(here, 1), row(here, 2), row(here, 1)]))
    assert here.index() == []
