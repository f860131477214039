"""Branches, rooms and doors are made and changed: what is booked keeps its place, and every change is in the log."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.actions import branches, house_doors, requests, rooms, settings
from booking.actions.audit import Actor
from booking.actions.codes import reserve
from booking.actions.endings import cancel_rental
from booking.reads.house import read_house
from booking.reads.house_parts import branch_lines, coming, count_coming, door_lines
from booking.rules.doorcodes import FreeCode
from booking.rules.moving import Actor as Who
from booking.tables.bookings import AuditEntry
from booking.tables.database import Database
from booking.tables.doors import Door, DoorCode
from booking.tables.houses import Branch, Organisation, Room
from booking.values.refusals import NotFound, Refused
from booking.values.slot import Slot
from tests.builders import NOW, Ids, add_code, ask, build_house, make_tools, request, slot_in

OWNER = Actor("Frau Owner", 1, "10.0.0.1")
TOOLS = make_tools()
PLACE = {"name": "Süd", "street": "Südring 1", "postcode": "50677", "city": "Köln", "zone": "Europe/Berlin"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


def last_entry(database: Database) -> AuditEntry:
    with database.read() as db:
        return db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()


def revision(database: Database, ids: Ids) -> int:
    with database.read() as db:
        return db.scalars(select(Organisation.settings_revision).where(Organisation.id == ids.organisation_id)).one()


def codes_of(no: object) -> tuple[tuple[str, str | None], ...]:
    assert isinstance(no, Refused), no
    return tuple((reason.code, reason.at) for reason in no.reasons)


def make_room(database: Database, ids: Ids, **wanted: Any) -> UUID | Refused:
    given = {
        "name": "Keller",
        "branch_id": ids.branch_id,
        "price_list_id": ids.price_list_id,
        "most_people": 20,
    } | wanted
    return database.write(lambda db: rooms.add_room(db, NOW, ids.organisation_id, OWNER, given))


def place(database: Database, ids: Ids, room_id: int, **wanted: Any) -> Refused | None:
    return database.write(lambda db: rooms.place_room(db, NOW, ids.organisation_id, OWNER, room_id, wanted))


def room_id_of(database: Database, public_id: UUID | Refused) -> int:
    assert isinstance(public_id, UUID), public_id
    with database.read() as db:
        return db.scalars(select(Room.id).where(Room.public_id == public_id)).one()


def is_free(database: Database, ids: Ids, room_id: int) -> bool:
    """Whether the room could be requested at the time of `book`; nothing is kept."""
    with database.read() as db:
        house = read_house(db, ids.organisation_id)
        return not isinstance(requests.look(db, NOW, house, house.room(room_id), slot_in(5, 10, 12)), Refused)


def book(database: Database, ids: Ids, room_id: int) -> int:
    made = database.write(lambda db: request(db, NOW, TOOLS, ids, room_id, slot_in(5, 10, 12)))
    return made.booking_id


def open_all_day(database: Database, ids: Ids, room_id: int) -> None:
    with database.read() as db:
        hours = list(read_house(db, ids.organisation_id).room(ids.hall).hours)
    database.write(lambda db: settings.set_opening_hours(db, NOW, ids.organisation_id, OWNER, room_id, None, hours))


@pytest.mark.rule("X5")
def test_a_new_room_is_known_at_once_and_the_log_says_who_made_it(database: Database, ids: Ids) -> None:
    before = revision(database, ids)
    room_id = room_id_of(database, make_room(database, ids))
    with database.read() as db:
        facts = read_house(db, ids.organisation_id).room(room_id)
    assert (facts.name, facts.slug, facts.terms.most_people, len(facts.unit_ids)) == ("Keller", "keller", 20, 1)
    assert revision(database, ids) == before + 1
    told = last_entry(database)
    assert (told.actor, told.origin, told.subject, told.subject_id, told.action) == (
        "Frau Owner", "10.0.0.1", "room", room_id, "made",
    )  # fmt: skip
    assert told.after["name"] == "Keller"


@pytest.mark.rule("S5")
def test_a_room_made_of_others_and_its_parts_block_each_other(database: Database, ids: Ids) -> None:
    keller = room_id_of(database, make_room(database, ids))
    both = room_id_of(database, make_room(database, ids, name="Alles", inside=(ids.left, keller)))
    for room_id in (keller, both):
        open_all_day(database, ids, room_id)
    assert is_free(database, ids, both)
    book(database, ids, keller)
    assert not is_free(database, ids, both)
    assert is_free(database, ids, ids.left)


@pytest.mark.rule("S5")
def test_a_room_that_comes_to_a_larger_one_is_blocked_by_it_from_then_on(database: Database, ids: Ids) -> None:
    keller = room_id_of(database, make_room(database, ids))
    open_all_day(database, ids, keller)
    assert place(database, ids, ids.hall, inside=(ids.left, ids.right, keller)) is None
    book(database, ids, ids.hall)
    assert not is_free(database, ids, keller)
    assert last_entry(database).action == "requested"


@pytest.mark.rule("X5")
def test_the_log_names_what_a_room_held_before_and_after(database: Database, ids: Ids) -> None:
    assert place(database, ids, ids.hall, inside=(ids.left,)) is None
    told = last_entry(database)
    assert (told.before, told.after) == ({"parts": ["Halle links", "Halle rechts"]}, {"parts": ["Halle links"]})


@pytest.mark.rule("S5")
def test_what_a_room_is_made_of_stays_while_something_is_booked_in_it(database: Database, ids: Ids) -> None:
    """Times that are taken stand on the units of then: a new part would be free in the middle of a booking."""
    keller = room_id_of(database, make_room(database, ids))
    booking_id = book(database, ids, ids.hall)
    no = place(database, ids, ids.hall, inside=(ids.left, ids.right, keller))
    assert codes_of(no) == (("parts-in-use", "inside"),)
    assert no is not None
    assert no.reasons[0].values == {"count": 1, "rooms": "Halle"}
    assert place(database, ids, ids.hall, inside=(ids.left, ids.right), slug="die-halle") is None
    with database.read() as db:
        house = read_house(db, ids.organisation_id)
    database.write(lambda db: cancel_rental(db, NOW, house, booking_id, Who.OFFICE, OWNER, reason="", waive_fee=True))
    assert place(database, ids, ids.hall, inside=(ids.left, ids.right, keller)) is None


@pytest.mark.rule("S5")
def test_a_booking_in_what_holds_the_room_keeps_the_parts_too(database: Database, ids: Ids) -> None:
    """The whole hall holds the left half; were a part added to the half alone, the hall's booking would miss it."""
    keller = room_id_of(database, make_room(database, ids))
    book(database, ids, ids.hall)
    no = place(database, ids, ids.left, inside=(keller,))
    assert codes_of(no) == (("parts-in-use", "inside"),)


@pytest.mark.rule("X8")
def test_a_room_is_refused_with_all_reasons_at_their_fields(database: Database, ids: Ids) -> None:
    before = revision(database, ids)
    no = make_room(database, ids, name="Halle", slug="Halle!", most_people=0)
    assert codes_of(no) == (("name-taken", "name"), ("bad-slug", "slug"), ("out-of-range", "most_people"))
    assert codes_of(make_room(database, ids, slug="halle")) == (("slug-taken", "slug"),)
    assert codes_of(place(database, ids, ids.left, inside=(ids.hall,))) == (("inside-itself", "inside"),)
    assert codes_of(place(database, ids, ids.left, slug="halle")) == (("slug-taken", "slug"),)
    assert revision(database, ids) == before


def test_a_room_in_another_branch_is_no_part(database: Database, ids: Ids) -> None:
    south = add_branch(database, ids)
    assert codes_of(make_room(database, ids, branch_id=south, inside=(ids.left,))) == (("other-branch", "inside"),)
    assert place(database, ids, ids.left, branch_id=south) is None
    assert codes_of(make_room(database, ids, inside=(ids.left,))) == (("other-branch", "inside"),)


def test_a_room_with_bookings_is_not_archived_and_afterwards_takes_no_requests(database: Database, ids: Ids) -> None:
    def archive(archived: bool) -> Refused | None:
        return database.write(
            lambda db: rooms.archive_room(db, NOW, ids.organisation_id, OWNER, ids.left, archived=archived)
        )

    booking_id = book(database, ids, ids.left)
    no = archive(True)
    assert codes_of(no) == (("room-in-use", None),)
    assert no is not None
    assert no.reasons[0].values == {"count": 1}
    with database.read() as db:
        house = read_house(db, ids.organisation_id)
        assert [one.booking_id for one in coming(db, NOW, ids.organisation_id, [ids.left])] == [booking_id]
        assert count_coming(db, slot_in(5, 10, 12).end, ids.organisation_id, [ids.left]) == 0
    database.write(lambda db: cancel_rental(db, NOW, house, booking_id, Who.OFFICE, OWNER, reason="", waive_fee=True))
    assert archive(True) is None
    with database.read() as db:
        house = read_house(db, ids.organisation_id)
    wish = ask(ids.left, slot_in(5, 10, 12))
    refused = database.write(lambda db: requests.make_request(db, NOW, TOOLS, house, wish))
    assert codes_of(refused) == (("room-archived", None),)
    assert archive(False) is None
    assert is_free(database, ids, ids.left)


def test_rooms_stand_in_the_order_that_was_chosen(database: Database, ids: Ids) -> None:
    def order() -> list[str]:
        with database.read() as db:
            return [room.name for room in read_house(db, ids.organisation_id).rooms.values()]

    def shift(room_id: int, steps: int) -> None:
        database.write(lambda db: rooms.shift_room(db, NOW, ids.organisation_id, OWNER, room_id, steps=steps))

    assert order() == ["Halle", "Halle links", "Halle rechts"]
    shift(ids.right, -1)
    assert order() == ["Halle", "Halle rechts", "Halle links"]
    shift(ids.hall, -1)
    shift(ids.left, 1)
    assert order() == ["Halle", "Halle rechts", "Halle links"]
    make_room(database, ids)
    assert order()[-1] == "Keller"


def add_branch(database: Database, ids: Ids, **wanted: str) -> int:
    made = database.write(lambda db: branches.add_branch(db, NOW, ids.organisation_id, OWNER, PLACE | wanted))
    assert isinstance(made, UUID), made
    with database.read() as db:
        return db.scalars(select(Branch.id).where(Branch.public_id == made)).one()


def change_branch(database: Database, ids: Ids, branch_id: int, **wanted: str) -> Refused | None:
    return database.write(lambda db: branches.change_branch(db, NOW, ids.organisation_id, OWNER, branch_id, wanted))


@pytest.mark.rule("X5")
def test_a_branch_is_made_renamed_and_removed_with_before_and_after(database: Database, ids: Ids) -> None:
    south = add_branch(database, ids)
    assert change_branch(database, ids, south, name="Südstadt", street="Südring 2") is None
    told = last_entry(database)
    assert (told.before, told.after) == (
        {"name": "Süd", "street": "Südring 1"},
        {"name": "Südstadt", "street": "Südring 2"},
    )
    assert database.write(lambda db: branches.remove_branch(db, NOW, ids.organisation_id, OWNER, south)) is None
    assert (last_entry(database).action, last_entry(database).before["name"]) == ("removed", "Südstadt")
    no = database.write(lambda db: branches.remove_branch(db, NOW, ids.organisation_id, OWNER, ids.branch_id))
    assert codes_of(no) == (("branch-in-use", None),)
    with database.read() as db:
        (line,) = branch_lines(db, ids.organisation_id)
    assert (line.rooms, line.doors) == (("Halle", "Halle links", "Halle rechts"), ("Haupteingang",))


def test_a_zone_stays_while_something_is_booked_under_it(database: Database, ids: Ids) -> None:
    book(database, ids, ids.left)
    assert codes_of(change_branch(database, ids, ids.branch_id, zone="Europe/Lisbon")) == (("zone-in-use", "zone"),)
    assert codes_of(change_branch(database, ids, ids.branch_id, zone="Europe/Köln"))[0] == ("no-zone", "zone")
    assert change_branch(database, ids, ids.branch_id, city="Bonn") is None
    lisbon = add_branch(database, ids, zone="Europe/Lisbon")
    assert codes_of(place(database, ids, ids.left, branch_id=lisbon)) == (("zone-in-use", "branch_id"),)
    assert codes_of(change_branch(database, ids, lisbon, name="Mitte")) == (("name-taken", "name"),)


def add_door(database: Database, ids: Ids, **wanted: Any) -> int:
    given = {"name": "Hintertür", "branch_id": ids.branch_id} | wanted
    made = database.write(lambda db: house_doors.add_door(db, NOW, ids.organisation_id, OWNER, given))
    assert isinstance(made, UUID), made
    with database.read() as db:
        return db.scalars(select(Door.id).where(Door.public_id == made)).one()


def change_door(database: Database, ids: Ids, door_id: int, **wanted: Any) -> Refused | None:
    return database.write(lambda db: house_doors.change_door(db, NOW, ids.organisation_id, OWNER, door_id, wanted))


def remove_door(database: Database, ids: Ids, door_id: int) -> Refused | None:
    return database.write(lambda db: house_doors.remove_door(db, NOW, ids.organisation_id, OWNER, door_id))


def reserve_for(db: Session, ids: Ids, booking_id: int, code: DoorCode) -> None:
    window = Slot(code.starts_at, code.ends_at)
    reserve(db, [FreeCode(code.id, code.code_hmac, window)], booking_id)
    db.flush()


@pytest.mark.rule("S23")
def test_a_door_has_the_form_of_code_that_its_lock_takes_and_rooms_behind_it(database: Database, ids: Ids) -> None:
    door_id = add_door(database, ids, length=4, alphabet="123456", rooms=(ids.right,), no_leading_zero=False)
    with database.read() as db:
        front, back = door_lines(db, ids.organisation_id)
    assert (back.door_id, back.lock.length, back.lock.alphabet, back.rooms) == (
        door_id, 4, "123456", ((ids.right, "Halle rechts"),),
    )  # fmt: skip
    assert [name for _, name in front.rooms] == ["Halle", "Halle links"]
    assert change_door(database, ids, door_id, forbidden_prefixes=("12",), rooms=()) is None
    with database.read() as db:
        front, back = door_lines(db, ids.organisation_id)
    assert (back.lock.forbidden_prefixes, back.lock.length, back.rooms) == (("12",), 4, ())
    told = database_entry(database, "door", "changed")
    assert (told.before["lock_format"]["forbidden_prefixes"], told.after["lock_format"]["forbidden_prefixes"]) == (
        [], ["12"],
    )  # fmt: skip


def database_entry(database: Database, subject: str, action: str) -> AuditEntry:
    with database.read() as db:
        query = select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.action == action)
        return db.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).one()


@pytest.mark.rule("S11")
def test_a_room_keeps_its_door_while_a_booking_has_a_code_of_it(database: Database, ids: Ids) -> None:
    """The customer's mail names the door of the code: behind another door it would open nothing."""
    other = add_door(database, ids)
    slot = slot_in(5, 10, 12)

    def booked(db: Session) -> None:
        made = request(db, NOW, TOOLS, ids, ids.left, slot)
        reserve_for(db, ids, made.booking_id, add_code(db, NOW, TOOLS, ids, "4711", slot))

    database.write(booked)
    assert codes_of(change_door(database, ids, other, rooms=(ids.left,))) == (("door-in-use", "rooms"),)
    assert codes_of(change_door(database, ids, ids.door_id, rooms=(ids.hall,))) == (("door-in-use", "rooms"),)
    no = database.write(
        lambda db: settings.change_room(db, NOW, ids.organisation_id, OWNER, ids.left, {"door_id": other})
    )
    assert codes_of(no) == (("door-in-use", "door_id"),)
    assert change_door(database, ids, other, rooms=(ids.right,)) is None


def test_a_door_goes_with_its_free_codes_and_stays_once_a_code_was_given_out(database: Database, ids: Ids) -> None:
    assert codes_of(remove_door(database, ids, ids.door_id)) == (("door-has-rooms", "rooms"),)
    slot = slot_in(5, 10, 12)
    free = database.write(lambda db: add_code(db, NOW, TOOLS, ids, "4711", slot).id)
    made = database.write(lambda db: request(db, NOW, TOOLS, ids, ids.left, slot))

    def give(db: Session) -> None:
        reserve_for(db, ids, made.booking_id, db.get_one(DoorCode, free))

    def clear(db: Session) -> None:
        for room in db.scalars(select(Room)):
            room.door_id = None

    database.write(clear)
    other = add_door(database, ids)
    assert remove_door(database, ids, other) is None
    database.write(give)
    no = remove_door(database, ids, ids.door_id)
    assert codes_of(no) == (("codes-given", None),)
    database.write(lambda db: db.delete(db.get_one(DoorCode, free)))
    database.write(lambda db: add_code(db, NOW, TOOLS, ids, "4712", slot).id)
    assert remove_door(database, ids, ids.door_id) is None
    with database.read() as db:
        assert db.scalar(select(func.count(DoorCode.id))) == 0


@pytest.mark.rule("R1")
def test_nothing_of_another_organisation_is_reached(database: Database, ids: Ids) -> None:
    other = database.write(lambda db: build_house(db, slug="nachbar"))
    calls: list[Callable[[], object]] = [
        lambda: make_room(database, ids, branch_id=other.branch_id),
        lambda: make_room(database, ids, price_list_id=other.price_list_id),
        lambda: make_room(database, ids, door_id=other.door_id),
        lambda: make_room(database, ids, inside=(other.left,)),
        lambda: place(database, ids, other.left, slug="x"),
        lambda: place(database, ids, ids.hall, inside=(ids.left, other.left)),
        lambda: place(database, ids, ids.hall, branch_id=other.branch_id),
        lambda: change_branch(database, ids, other.branch_id, name="x"),
        lambda: add_door(database, ids, branch_id=other.branch_id),
        lambda: add_door(database, ids, rooms=(other.left,)),
        lambda: change_door(database, ids, other.door_id, name="x"),
        lambda: change_door(database, ids, ids.door_id, rooms=(other.left,)),
        lambda: remove_door(database, ids, other.door_id),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    with database.read() as db:
        assert db.scalars(select(AuditEntry)).all() == []
