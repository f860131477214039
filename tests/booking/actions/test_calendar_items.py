"""Revisions tell which items changed: who follows them misses nothing, whatever is written at the same time."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from booking.actions.calendar_items import ItemFacts, record, record_all, touch
from booking.reads import agenda
from booking.tables.calendars import CalendarItem, FeedSubject
from booking.tables.database import Database
from booking.values.states import SubjectKind
from tests.feed_house import NOW, House, book, build_house, confirmed

WRITERS, CHANGES = 4, 12


@pytest.fixture
def house(database: Database) -> House:
    return database.write(build_house)


def booked(database: Database, house: House, count: int) -> list[ItemFacts]:
    made = [database.write(lambda session: book(session, house, house.club)) for _ in range(count)]
    database.write(lambda session: record_all(session, NOW, made))
    return made


def office_revision(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(FeedSubject.revision).where(FeedSubject.kind == SubjectKind.OFFICE)) or 0


def changed(database: Database, house: House, revision: int) -> set[int]:
    """The bookings whose items changed after a revision."""
    with database.read() as session:
        found = agenda.changed_after(session, house.organisation_id, revision)
        return set(session.scalars(select(CalendarItem.booking_id).where(CalendarItem.id.in_(found))))  # type: ignore[arg-type]  # each has one


@pytest.mark.rule("C2")
def test_what_changed_after_a_revision_is_told_and_nothing_else(database: Database, house: House) -> None:
    one, two, three = booked(database, house, 3)
    assert changed(database, house, 0) == {one.booking_id, two.booking_id, three.booking_id}
    before = office_revision(database)
    assert changed(database, house, before) == set()
    database.write(lambda session: record(session, NOW, confirmed(two)))
    between = office_revision(database)
    database.write(lambda session: record(session, NOW, confirmed(two)))  # equal already
    database.write(lambda session: touch(session, NOW, house.organisation_id, three.booking_id))
    assert changed(database, house, before) == {two.booking_id, three.booking_id}
    assert changed(database, house, between) == {three.booking_id}
    assert changed(database, house, office_revision(database)) == set()


def test_houses_count_for_themselves(database: Database, house: House) -> None:
    other = database.write(lambda session: build_house(session, "neben"))
    booked(database, house, 3)
    (theirs,) = booked(database, other, 1)
    assert changed(database, other, 0) == {theirs.booking_id}
    assert changed(database, other, 1) == set()


@pytest.mark.rule("C2")
def test_who_follows_the_revisions_while_others_write_knows_all_in_the_end(database: Database, house: House) -> None:
    facts = booked(database, house, WRITERS * 2)
    known: dict[int, int] = {}
    seen = 0

    def follow() -> None:
        nonlocal seen
        revision = office_revision(database)
        with database.read() as session:
            found = agenda.changed_after(session, house.organisation_id, seen)
            rows = session.execute(select(CalendarItem.id, CalendarItem.sequence).where(CalendarItem.id.in_(found)))
            known.update(rows.all())
        seen = revision

    def write(number: int) -> None:
        mine = facts[number::WRITERS]
        for at in range(CHANGES):
            some = [replace(one, title=f"Anders {at}") for one in mine[: 1 + at % 2]]
            database.write(lambda session, some=some: record_all(session, NOW, some))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        follow()
    for thread in threads:
        thread.join()
    follow()
    with database.read() as session:
        there = dict(session.execute(select(CalendarItem.id, CalendarItem.sequence)).all())
        total = session.scalar(select(func.sum(CalendarItem.sequence)))
    assert known == there
    assert total == WRITERS * (CHANGES + CHANGES // 2)
