"""Whose calendar holds what, on both databases, and by which indexes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from booking.actions.calendar_items import ItemFacts, record, touch
from booking.actions.feeds import make_feed
from booking.reads.agenda import CodeLines, Whose, changed_after, entries, everything, items_of, stamps
from booking.reads.feed_codes import turning
from booking.reads.feeds import find_feed
from booking.rules.feed_codes import FeedTerms
from booking.tables.database import Database
from booking.tables.doors import DoorCode
from booking.tables.houses import Organisation
from booking.values.agenda import AgendaEntry
from booking.values.feeds import FeedChoices
from booking.values.states import CodeState, SubjectKind, Variant
from booking.values.tokens import hash_token
from tests.builders import make_tools
from tests.feed_house import KEY, NOW, House, book, build_house, confirmed, fill

LONG_AGO = NOW - timedelta(days=90)


@dataclass(frozen=True, slots=True)
class World:
    database: Database
    house: House

    def record(self, facts: ItemFacts) -> ItemFacts:
        self.database.write(lambda session: record(session, NOW, facts))
        return facts

    def booked(self, room_id: int, **values: Any) -> ItemFacts:
        return self.record(self.database.write(lambda session: book(session, self.house, room_id, **values)))

    def whose(self, kind: SubjectKind, target_id: int | None = None) -> Whose:
        organisation_id = self.house.organisation_id
        return Whose(organisation_id, kind, organisation_id if target_id is None else target_id)

    def read(self, whose: Whose) -> tuple[AgendaEntry, ...]:
        with self.database.read() as session:
            return items_of(session, whose, LONG_AGO, "Code ausgegeben")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = Database(database_url)
    yield World(database, database.write(build_house))
    database.close()


@pytest.mark.rule("C1")
def test_each_subject_has_its_own_items_and_no_others(world: World) -> None:
    house = world.house
    hall = world.booked(house.hall, title="Halle", customer_id=house.customer)
    world.booked(house.left, title="Links", customer_id=house.other_customer, start=NOW + timedelta(days=4))
    world.booked(house.club, title="Club", customer_id=house.customer, start=NOW + timedelta(days=5))
    titles = {
        (kind, target): [entry.title for entry in world.read(world.whose(kind, target))]
        for kind, target in (
            (SubjectKind.OFFICE, None),
            (SubjectKind.CUSTOMER, house.customer),
            (SubjectKind.CUSTOMER, house.other_customer),
            (SubjectKind.ROOM, house.hall),
            (SubjectKind.ROOM, house.right),
            (SubjectKind.ROOM, house.club),
            (SubjectKind.BOOKING, hall.booking_id),
        )
    }
    assert list(titles.values()) == [
        ["Halle", "Links", "Club"],
        ["Halle", "Club"],
        ["Links"],
        ["Halle", ""],
        [""],
        ["Club"],
        ["Halle"],
    ]


@pytest.mark.rule("C4")
def test_what_a_neighbouring_room_takes_is_busy_and_nothing_else(world: World) -> None:
    world.booked(world.house.left, title="geheim", party="geheim")
    (entry,) = world.read(world.whose(SubjectKind.ROOM, world.house.hall))
    assert (entry.title, entry.party, entry.room, entry.location, entry.details) == ("", "", "", "", "")
    assert entry.created_at == entry.last_modified


def give_code(session: Session, facts: ItemFacts, door_id: int) -> None:
    session.add(
        DoorCode(
            organisation_id=facts.organisation_id,
            public_id=uuid4(),
            door_id=door_id,
            starts_at=facts.slot.start,
            ends_at=facts.slot.end,
            state=CodeState.ISSUED,
            booking_id=facts.booking_id,
            cipher=b"4711",
            key_id="k",
            code_hmac=b"h",
        )
    )
    session.flush()
    touch(session, NOW, facts.organisation_id, facts.booking_id)


@pytest.mark.rule("C1")
def test_the_desk_sees_name_room_and_whether_a_code_was_given_for_rooms_with_a_door(world: World) -> None:
    with_code = world.booked(world.house.hall, party="Anna", title="Training")
    world.booked(world.house.hall, party="Boris", start=NOW + timedelta(days=4))
    world.booked(world.house.club, party="Clara")
    world.database.write(lambda session: give_code(session, with_code, 1))
    shown = [
        (entry.title, entry.room, entry.details, entry.location, entry.party)
        for entry in world.read(world.whose(SubjectKind.DESK))
    ]
    assert shown == [("Anna", "Halle", "Code ausgegeben", "", ""), ("Boris", "Halle", "", "", "")]
    assert "4711" not in str(shown)


@pytest.mark.rule("C1")
def test_no_subject_reaches_into_another_organisation(world: World) -> None:
    foreign = world.database.write(lambda session: build_house(session, "fremd"))

    def canary(session: Session) -> ItemFacts:
        facts = book(session, foreign, foreign.hall, title="Kanarienvogel")
        record(session, NOW, facts)
        return facts

    facts = world.database.write(canary)
    for kind, target_id in (
        (SubjectKind.ROOM, foreign.hall),
        (SubjectKind.CUSTOMER, foreign.customer),
        (SubjectKind.OFFICE, foreign.organisation_id),
        (SubjectKind.DESK, foreign.organisation_id),
        (SubjectKind.BOOKING, facts.booking_id),
    ):
        assert world.read(world.whose(kind, target_id)) == ()
        assert len(world.read(Whose(foreign.organisation_id, kind, target_id))) == 1
    with world.database.read() as session:
        office = world.whose(SubjectKind.OFFICE)
        assert entries(session, office, range(1, 50)) == {}


def test_the_window_takes_what_ends_after_it_begins(world: World) -> None:
    day = timedelta(days=1)
    for title, start in (
        ("too old", LONG_AGO - timedelta(hours=1)),
        ("reaches in", LONG_AGO - timedelta(minutes=59)),
        ("far ahead", NOW + 900 * day),
    ):
        world.booked(world.house.hall, title=title, start=start)
    assert [entry.title for entry in world.read(world.whose(SubjectKind.OFFICE))] == ["reaches in", "far ahead"]


@pytest.mark.rule("C2")
def test_stamps_tell_exactly_what_changed_and_a_restore_counts_as_newer(world: World) -> None:
    facts = world.booked(world.house.hall)
    world.database.write(lambda session: fill(session, world.house, 1_200))
    office = world.whose(SubjectKind.OFFICE)
    with world.database.read() as session:
        before = stamps(session, office, LONG_AGO)
    world.record(confirmed(facts))
    with world.database.read() as session:
        after = stamps(session, office, LONG_AGO)
        changed = {item_id for item_id in after if before[item_id] != after[item_id]}
        assert len(changed) == 1
        assert len(entries(session, office, after)) == 1_201
        everyone = everything(session, office, LONG_AGO)
        assert {item_id: sequence for item_id, (sequence, _) in everyone.items()} == after
    world.database.write(lambda session: session.execute(update(Organisation).values(epoch=7)))
    with world.database.read() as session:
        restored = stamps(session, office, LONG_AGO)
        read = entries(session, office, changed)
    assert restored == {item_id: sequence + 7 for item_id, sequence in after.items()}
    assert {entry.sequence for _, entry in read.values()} == {8}


def test_an_entry_carries_all_that_was_recorded(world: World) -> None:
    facts = world.booked(world.house.hall)
    (entry,) = world.read(world.whose(SubjectKind.BOOKING, facts.booking_id))
    shown = replace(facts, title=entry.title, party=entry.party, details=entry.details, location=entry.location)
    assert shown == facts
    assert (entry.slot, entry.zone, entry.status, entry.room) == (facts.slot, facts.zone, facts.status, facts.room)


CLOCKED = ("ix_calendar_item_start", "ix_calendar_item_end", "ix_calendar_item_change", "ix_door_code_end")
CODES = CodeLines(make_tools().vault, lambda text, _window, _zone: text)


def plans(session: Session, statement: str, parameters: Any) -> list[str]:
    connection = session.connection()
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row[-1] for row in rows]


def test_every_query_of_a_feed_uses_an_index(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    house = database.write(build_house)
    made = database.write(
        lambda session: make_feed(
            session,
            NOW,
            KEY,
            organisation_id=house.organisation_id,
            kind=SubjectKind.OFFICE,
            target_id=house.organisation_id,
            name="x",
            choices=FeedChoices(Variant.FULL),
        )
    )
    assert isinstance(made, tuple)
    asked: list[tuple[str, Any]] = []
    with database.read() as session:
        engine = session.get_bind()
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append((args[2], args[3])))
        find_feed(session, hash_token(made[1]))
        assert len([statement for statement, _ in asked if statement.startswith("SELECT")]) == 1
        for kind, target_id in (
            (SubjectKind.ROOM, house.hall),
            (SubjectKind.CUSTOMER, house.customer),
            (SubjectKind.OFFICE, house.organisation_id),
            (SubjectKind.DESK, house.organisation_id),
            (SubjectKind.BOOKING, 1),
        ):
            stamps(session, Whose(house.organisation_id, kind, target_id), LONG_AGO)
            everything(session, Whose(house.organisation_id, kind, target_id), LONG_AGO)
        everything(session, Whose(house.organisation_id, SubjectKind.CUSTOMER, house.customer), LONG_AGO, codes=CODES)
        changed_after(session, house.organisation_id, 1)
        turning(session, NOW, house.organisation_id, FeedTerms(24, 3, NOW - timedelta(minutes=1)))
        steps = [step for statement, parameters in list(asked)[1:] for step in plans(session, statement, parameters)]
        assert session.scalar(text("SELECT 1")) == 1
    scans = [step for step in steps if step.startswith("SCAN") and "CONSTANT ROW" not in step]
    assert [
        step
        for step in scans
        if any(table in step for table in ("calendar_item", "feed", "door_code", "revoked_token"))
    ] == []
    used = " ".join(steps)
    assert [name for name in CLOCKED if name not in used] == []
    database.close()
