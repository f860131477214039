"""The database keeps the rules by itself: overlaps, insert-only ledgers, tenants, readers that cannot write."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from booking.tables.bookings import AuditEntry, Occupancy
from booking.tables.database import Database
from booking.tables.houses import RoomUnit
from booking.tables.migrate import is_at_head
from booking.tables.registry import metadata
from booking.values.refusals import Overlap
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from tests.builders import NOW, Ids, build_house

BASE = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def span(first: int, last: int) -> Slot:
    return Slot(BASE + first * HOUR, BASE + last * HOUR)


def take(session: Session, ids: Ids, slot: Slot, *, exclusive: bool = True) -> Occupancy:
    row = Occupancy(
        organisation_id=ids.organisation_id,
        unit_id=ids.units[0],
        starts_at=slot.start,
        ends_at=slot.end,
        kind=OccupancyKind.BOOKING,
        source_id=1,
        exclusive=exclusive,
    )
    session.add(row)
    session.flush()
    return row


@pytest.mark.rule("S5")
@pytest.mark.parametrize(
    ("other", "clash"),
    [
        (span(-2, 0), False),
        (span(-2, 1), True),
        (span(0, 4), True),
        (span(1, 2), True),
        (span(-1, 5), True),
        (span(3, 6), True),
        (span(4, 6), False),
    ],
    ids=["right before", "reaches in", "the same", "inside", "around", "reaches out", "right after"],
)
def test_the_database_itself_refuses_exactly_the_overlapping_exclusive_times(
    database: Database, ids: Ids, other: Slot, *, clash: bool
) -> None:
    database.write(lambda session: take(session, ids, span(0, 4)))

    if clash:
        with pytest.raises(Overlap):
            database.write(lambda session: take(session, ids, other))
    else:
        database.write(lambda session: take(session, ids, other))


def test_a_row_that_is_not_exclusive_stands_beside_others_until_it_claims_its_time(
    database: Database, ids: Ids
) -> None:
    database.write(lambda session: take(session, ids, span(0, 4)))
    beside = database.write(lambda session: take(session, ids, span(1, 2), exclusive=False))

    def claim(session: Session) -> None:
        session.get_one(Occupancy, beside.id).exclusive = True
        session.flush()

    with pytest.raises(Overlap):
        database.write(claim)


def test_instants_come_back_as_they_went_in_and_sort_as_time(database: Database, ids: Ids) -> None:
    moments = [BASE, BASE + timedelta(microseconds=1), BASE + timedelta(days=400)]
    for place, moment in enumerate(reversed(moments)):
        slot = Slot(moment, moment + timedelta(microseconds=1))
        database.write(lambda session, slot=slot, place=place: take(session, ids, slot, exclusive=place > 9))

    with database.read() as session:
        assert list(session.scalars(select(Occupancy.starts_at).order_by(Occupancy.starts_at))) == moments


def test_a_ledger_refuses_changes_by_session_and_by_statement(database: Database, ids: Ids) -> None:
    def note(session: Session) -> int:
        row = AuditEntry(
            organisation_id=ids.organisation_id, at=NOW, actor="a", subject="s", subject_id=1, action="made"
        )
        session.add(row)
        session.flush()
        return row.id

    entry = database.write(note)
    with pytest.raises(TypeError, match="insert-only"):
        database.write(lambda session: setattr(session.get_one(AuditEntry, entry), "action", "other"))
    for statement in ("UPDATE audit_entry SET action = 'other'", "DELETE FROM audit_entry"):
        with pytest.raises(DBAPIError, match="insert-only"):
            database.write(lambda session, statement=statement: session.execute(text(statement)))


def test_a_row_cannot_point_into_another_organisation(database: Database, ids: Ids) -> None:
    other = database.write(lambda session: build_house(session, slug="other"))

    def cross(session: Session) -> None:
        session.add(RoomUnit(organisation_id=ids.organisation_id, room_id=ids.left, unit_id=other.units[0]))

    with pytest.raises(IntegrityError):
        database.write(cross)


def test_a_reading_session_cannot_write(database: Database) -> None:
    with database.read() as session, pytest.raises(DBAPIError):
        session.execute(text("UPDATE organisation SET name = 'x'"))


def test_migrating_twice_and_by_several_at_once_ends_at_head(database_url: str) -> None:
    code = "import sys; from booking.tables.migrate import migrate; migrate(sys.argv[1])"
    running = [subprocess.Popen([sys.executable, "-c", code, database_url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]

    database = Database(database_url)
    with database.read() as session:
        assert is_at_head(session)
    database.close()


def test_the_migrated_schema_has_every_table_column_and_index_that_the_code_declares(database: Database) -> None:
    with database.read() as session:
        found = inspect(session.connection())
        missing = [
            f"{table.name}.{column.name}"
            for table in metadata.tables.values()
            for column in table.columns
            if column.name not in {known["name"] for known in found.get_columns(table.name)}
        ]
        lacking = [
            f"{table.name}: {index.name}"
            for table in metadata.tables.values()
            for index in table.indexes
            if index.name not in {known["name"] for known in found.get_indexes(table.name)}
        ]
        assert (missing, lacking) == ([], [])


def test_every_foreign_key_has_an_index_or_points_to_the_tenant_alone() -> None:
    """A delete or a join that walks a foreign key must not read a whole table."""
    small = {"organisation", "branch", "price_list", "season", "terms", "door", "staff", "connection", "room"}
    lacking = []
    for table in metadata.tables.values():
        leading = {next(iter(index.columns.keys())) for index in table.indexes}
        leading |= {next(iter(c.columns.keys())) for c in table.constraints if getattr(c, "columns", None)}
        for key in table.foreign_key_constraints:
            column = [name for name in key.column_keys if name != "organisation_id"]
            if column and key.referred_table.name not in small and column[0] not in leading:
                lacking.append(f"{table.name}.{column[0]}")
    assert lacking == []
