"""The steps of cancelling a room are kept as a whole, checked, audited and in effect at once (SPEC S27, X5)."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from booking.actions.audit import Actor
from booking.actions.settings import change_room
from booking.reads.house import read_house
from booking.reads.settings import room_values
from booking.tables.bookings import AuditEntry
from booking.tables.database import Database
from booking.tables.houses import CancelStep as Row
from booking.values.house import CancelStep
from booking.values.refusals import Refused
from tests.builders import NOW, Ids, build_house

OWNER = Actor("Frau Owner", 1, "10.0.0.1")
STEPS = (CancelStep(14, 30), CancelStep(7, 50), CancelStep(1, 100))


@pytest.fixture
def database(database_url: str) -> Any:
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


def keep(database: Database, ids: Ids, *steps: CancelStep, **others: Any) -> Refused | None:
    wanted = {"cancel_steps": steps} | others
    return database.write(lambda db: change_room(db, NOW, ids.organisation_id, OWNER, ids.hall, wanted))


def kept(database: Database, ids: Ids, room_id: int) -> tuple[CancelStep, ...]:
    with database.read() as db:
        room = read_house(db, ids.organisation_id).room(room_id)
        assert room_values(db, ids.organisation_id, room.public_id)["cancel_steps"] == room.terms.cancel_steps
        return room.terms.cancel_steps


def changes(database: Database) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    with database.read() as db:
        entries = db.scalars(select(AuditEntry).where(AuditEntry.subject == "room").order_by(AuditEntry.id))
        return [(entry.before, entry.after) for entry in entries]


@pytest.mark.rule("S27", "X5")
def test_steps_are_kept_in_their_order_for_that_room_alone_and_audited(database: Database, ids: Ids) -> None:
    assert keep(database, ids, *reversed(STEPS)) is None
    assert kept(database, ids, ids.hall) == STEPS
    assert kept(database, ids, ids.left) == ()
    assert keep(database, ids, *STEPS) is None  # as they are: nothing changed
    assert keep(database, ids) is None
    assert kept(database, ids, ids.hall) == ()
    told = {"cancel_steps": [{"days": one.days_before, "percent": one.fee_percent} for one in STEPS]}
    assert changes(database) == [({"cancel_steps": []}, told), (told, {"cancel_steps": []})]


@pytest.mark.rule("S27")
def test_a_wrong_step_changes_nothing_not_even_what_came_with_it(database: Database, ids: Ids) -> None:
    keep(database, ids, *STEPS)
    no = keep(database, ids, CancelStep(7, 50), CancelStep(3, 20), most_people=7)
    assert isinstance(no, Refused)
    assert [(reason.code, reason.at) for reason in no.reasons] == [("fee-falls", "cancel_steps.1.fee_percent")]
    assert kept(database, ids, ids.hall) == STEPS
    assert len(changes(database)) == 1


@pytest.mark.rule("S27")
@pytest.mark.parametrize("step", [(14, 40), (366, 40), (-1, 40), (3, 101), (3, -1)])
def test_the_database_holds_no_step_that_cannot_be(database: Database, ids: Ids, step: tuple[int, int]) -> None:
    keep(database, ids, *STEPS)
    row = {"organisation_id": ids.organisation_id, "room_id": ids.hall, "days_before": step[0], "fee_percent": step[1]}
    with pytest.raises(IntegrityError):
        database.write(lambda db: db.add(Row(**row)))
