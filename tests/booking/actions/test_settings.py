"""Settings: each write checks, audits and bumps the revision in its own transaction (SPEC S14, S25, X5)."""

from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import rooms, settings, staff
from booking.actions.audit import Actor
from booking.reads.house import House, read_house
from booking.tables.bookings import AuditEntry
from booking.tables.database import Database
from booking.tables.houses import ClosingDay, HoursKind, Organisation, TermsKind
from booking.tables.people import Staff
from booking.values.findings import Threshold
from booking.values.house import Hours
from booking.values.money import BasisPoints, Cents
from booking.values.refusals import NotFound, Refused
from booking.values.states import Role, Weight
from tests.builders import NOW, Ids, build_house

OWNER = Actor("Frau Owner", 1, "10.0.0.1")
Write = Callable[[Session, Ids], object]


@pytest.fixture
def database(database_url: str) -> Any:
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


def revision(database: Database, ids: Ids) -> int:
    with database.read() as db:
        return db.scalars(select(Organisation.settings_revision).where(Organisation.id == ids.organisation_id)).one()


def house_of(database: Database, ids: Ids) -> House:
    with database.read() as db:
        return read_house(db, ids.organisation_id)


def entries(database: Database) -> list[AuditEntry]:
    with database.read() as db:
        return list(db.scalars(select(AuditEntry).order_by(AuditEntry.id)))


WRITES: dict[str, Write] = {
    "house": lambda db, ids: settings.change_house(
        db, NOW, ids.organisation_id, OWNER, {"desk_phone": "+49 221 9", "review_by": time(10)}
    ),
    "office hours": lambda db, ids: settings.set_work_hours(
        db, NOW, ids.organisation_id, OWNER, HoursKind.OFFICE, [Hours(0, time(8), time(12))]
    ),
    "opening hours": lambda db, ids: settings.set_opening_hours(
        db, NOW, ids.organisation_id, OWNER, ids.hall, None, [Hours(5, time(10), time(0))]
    ),
    "room": lambda db, ids: settings.change_room(
        db, NOW, ids.organisation_id, OWNER, ids.hall, {"buffer_after_minutes": 30}
    ),
    "archive": lambda db, ids: rooms.archive_room(db, NOW, ids.organisation_id, OWNER, ids.hall, archived=True),
    "season": lambda db, ids: settings.put_season(
        db,
        NOW,
        ids.organisation_id,
        OWNER,
        None,
        {"name": "Sommer", "first_day": date(2027, 5, 1), "last_day": date(2027, 9, 30)},
    ),
    "closing": lambda db, ids: settings.put_closing(
        db,
        NOW,
        ids.organisation_id,
        OWNER,
        None,
        {"first_day": date(2026, 12, 24), "last_day": date(2026, 12, 26), "reason": "Weihnachten"},
    ),
    "price list": lambda db, ids: settings.put_price_list(
        db, NOW, ids.organisation_id, OWNER, ids.price_list_id, {"minimum": Cents(1000)}
    ),
    "price rule": lambda db, ids: settings.put_price_rule(
        db,
        NOW,
        ids.organisation_id,
        OWNER,
        ids.price_list_id,
        None,
        {"name": "Abend", "cents": Cents(7000), "per_hour": True},
    ),
    "thresholds": lambda db, ids: settings.set_thresholds(
        db, NOW, ids.organisation_id, OWNER, {"early": Threshold(None, 7)}
    ),
    "terms": lambda db, ids: settings.publish_terms(
        db, NOW, ids.organisation_id, OWNER, TermsKind.TERMS, "de", "Neue Fassung"
    ),
}


@pytest.mark.rule("X5")
@pytest.mark.parametrize("name", WRITES)
def test_each_write_bumps_the_revision_and_is_audited_with_before_and_after(
    database: Database, ids: Ids, name: str
) -> None:
    before = revision(database, ids)
    done = database.write(lambda db: WRITES[name](db, ids))
    assert not isinstance(done, Refused)
    assert revision(database, ids) == before + 1
    (entry,) = entries(database)
    assert (entry.actor, entry.staff_id, entry.origin, entry.at) == ("Frau Owner", 1, "10.0.0.1", NOW)
    assert entry.after


@pytest.mark.parametrize("name", ["house", "office hours", "opening hours", "room", "archive", "price list"])
def test_whoever_changes_nothing_writes_nothing(database: Database, ids: Ids, name: str) -> None:
    database.write(lambda db: WRITES[name](db, ids))
    before = revision(database, ids)
    database.write(lambda db: WRITES[name](db, ids))
    assert revision(database, ids) == before
    assert len(entries(database)) == 1


@pytest.mark.rule("S14")
def test_hours_and_phones_reach_the_house(database: Database, ids: Ids) -> None:
    house_of(database, ids)  # what is read is remembered until the revision moves
    database.write(lambda db: WRITES["house"](db, ids))
    database.write(lambda db: WRITES["office hours"](db, ids))
    office = house_of(database, ids).office
    assert office.desk_phone == "+49 221 9"
    assert office.review_by == time(10)
    assert office.hours == (Hours(0, time(8), time(12)),)


@pytest.mark.rule("S25")
def test_a_price_reaches_the_rooms_of_its_list(database: Database, ids: Ids) -> None:
    database.write(lambda db: WRITES["price rule"](db, ids))
    assert {rule.name for rule in house_of(database, ids).room(ids.hall).prices.rules} == {"Stunde", "Abend"}


def test_thresholds_keep_only_what_differs(database: Database, ids: Ids) -> None:
    wanted = {"early": Threshold(None, 7), "late": Threshold(Weight.INFO, 23), "link": Threshold(Weight.STOP, 2)}
    database.write(lambda db: settings.set_thresholds(db, NOW, ids.organisation_id, OWNER, wanted))
    assert dict(house_of(database, ids).thresholds) == {
        "early": Threshold(None, 7),
        "link": Threshold(Weight.STOP, 2),
    }


@pytest.mark.rule("X9")
def test_a_new_version_of_a_text_leaves_the_former(database: Database, ids: Ids) -> None:
    def publish(text: str) -> object:
        return database.write(
            lambda db: settings.publish_terms(db, NOW, ids.organisation_id, OWNER, TermsKind.TERMS, "de", text)
        )

    assert [publish("eins"), publish("zwei")] == [1, 2]
    for text, code in (("zwei", "unchanged"), ("  ", "missing")):
        no = publish(text)
        assert isinstance(no, Refused)
        assert no.codes == (code,)


REFUSED: dict[str, tuple[Write, str, str | None]] = {
    "grace": (
        lambda db, ids: settings.change_house(db, NOW, ids.organisation_id, OWNER, {"grace_seconds": 601}),
        "out-of-range",
        "grace_seconds",
    ),
    "zone": (
        lambda db, ids: settings.change_house(db, NOW, ids.organisation_id, OWNER, {"zone": "Europe/Köln"}),
        "no-zone",
        "zone",
    ),
    "tax": (
        lambda db, ids: settings.change_house(db, NOW, ids.organisation_id, OWNER, {"vat_id": None}),
        "no-tax-number",
        "tax_number",
    ),
    "hours": (
        lambda db, ids: settings.set_work_hours(
            db,
            NOW,
            ids.organisation_id,
            OWNER,
            HoursKind.DESK,
            [Hours(2, time(8), time(12)), Hours(2, time(11), time(13))],
        ),
        "hours-overlap",
        "desk-2",
    ),
    "night": (
        lambda db, ids: settings.set_opening_hours(
            db,
            NOW,
            ids.organisation_id,
            OWNER,
            ids.hall,
            None,
            [Hours(2, time(20), time(2)), Hours(2, time(22), time(23))],
        ),
        "hours-overlap",
        "opening-2",
    ),
    "multiple": (
        lambda db, ids: settings.change_room(
            db, NOW, ids.organisation_id, OWNER, ids.hall, {"slot_minutes": 60, "longest_minutes": 90}
        ),
        "not-a-multiple-of-slot",
        "longest_minutes",
    ),
    "shortest": (
        lambda db, ids: settings.change_room(
            db, NOW, ids.organisation_id, OWNER, ids.hall, {"shortest_minutes": 300, "longest_minutes": 240}
        ),
        "longest-below-shortest",
        "longest_minutes",
    ),
    "season": (
        lambda db, ids: settings.put_season(
            db,
            NOW,
            ids.organisation_id,
            OWNER,
            None,
            {"name": "x", "first_day": date(2027, 2, 1), "last_day": date(2027, 1, 31)},
        ),
        "ends-before-begin",
        "last_day",
    ),
    "closing": (
        lambda db, ids: settings.put_closing(
            db,
            NOW,
            ids.organisation_id,
            OWNER,
            None,
            {
                "first_day": date(2027, 1, 1),
                "last_day": date(2027, 1, 1),
                "reason": "x",
                "closes_office": False,
                "closes_rooms": False,
            },
        ),
        "closes-nothing",
        "closes_rooms",
    ),
    "exemption": (
        lambda db, ids: settings.put_price_list(
            db, NOW, ids.organisation_id, OWNER, ids.price_list_id, {"vat_rate": BasisPoints(0)}
        ),
        "no-exemption-reason",
        "exemption",
    ),
    "negative": (
        lambda db, ids: settings.put_price_rule(
            db,
            NOW,
            ids.organisation_id,
            OWNER,
            ids.price_list_id,
            None,
            {"name": "x", "cents": Cents(-1), "per_hour": True},
        ),
        "out-of-range",
        "cents",
    ),
}


@pytest.mark.rule("X8")
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_field_and_writes_nothing(database: Database, ids: Ids, name: str) -> None:
    write, code, at = REFUSED[name]
    before = revision(database, ids)
    no = database.write(lambda db: write(db, ids))
    assert isinstance(no, Refused)
    assert (no.reasons[0].code, no.reasons[0].at) == (code, at)
    assert revision(database, ids) == before
    assert entries(database) == []


def test_a_season_in_use_stays_and_an_unused_one_goes(database: Database, ids: Ids) -> None:
    def use(db: Session) -> None:
        settings.set_opening_hours(
            db, NOW, ids.organisation_id, OWNER, ids.hall, ids.season_id, [Hours(0, time(8), time(9))]
        )

    database.write(use)
    no = database.write(lambda db: settings.remove_season(db, NOW, ids.organisation_id, OWNER, ids.season_id))
    assert isinstance(no, Refused)
    database.write(
        lambda db: settings.set_opening_hours(db, NOW, ids.organisation_id, OWNER, ids.hall, ids.season_id, [])
    )
    assert database.write(lambda db: settings.remove_season(db, NOW, ids.organisation_id, OWNER, ids.season_id)) is None
    assert house_of(database, ids).seasons == ()


@pytest.mark.rule("R1")
def test_nothing_of_another_organisation_can_be_changed(database: Database, ids: Ids) -> None:
    other = database.write(lambda db: build_house(db, slug="nachbar"))
    mine = ids.organisation_id
    theirs: list[Write] = [
        lambda db, _: settings.change_room(db, NOW, mine, OWNER, other.hall, {"most_people": 3}),
        lambda db, _: settings.change_room(db, NOW, mine, OWNER, ids.hall, {"door_id": other.door_id}),
        lambda db, _: settings.change_room(db, NOW, mine, OWNER, ids.hall, {"price_list_id": other.price_list_id}),
        lambda db, _: settings.set_opening_hours(db, NOW, mine, OWNER, ids.hall, other.season_id, []),
        lambda db, _: settings.put_season(
            db, NOW, mine, OWNER, other.season_id, {"first_day": date(2027, 1, 1), "last_day": date(2027, 1, 2)}
        ),
        lambda db, _: settings.put_closing(
            db,
            NOW,
            mine,
            OWNER,
            None,
            {"first_day": date(2027, 1, 1), "last_day": date(2027, 1, 1), "reason": "x", "room_id": other.hall},
        ),
        lambda db, _: settings.put_price_list(db, NOW, mine, OWNER, other.price_list_id, {"minimum": Cents(1)}),
        lambda db, _: settings.remove_season(db, NOW, mine, OWNER, other.season_id),
    ]
    for write in theirs:
        with pytest.raises(NotFound):
            database.write(lambda db, write=write: write(db, ids))
    with database.read() as db:
        assert db.scalars(select(ClosingDay)).all() == []


def test_a_column_that_is_no_setting_is_a_fault(database: Database, ids: Ids) -> None:
    with pytest.raises(ValueError, match="settings_revision"):
        database.write(lambda db: settings.change_house(db, NOW, ids.organisation_id, OWNER, {"settings_revision": 7}))


@pytest.mark.rule("R2")
@pytest.mark.parametrize(
    ("by", "who", "becomes", "code"),
    [
        (Role.ADMIN, "owner", Role.OFFICE, "only-owners"),
        (Role.ADMIN, "office", Role.OWNER, "only-owners"),
        (Role.OWNER, "owner", Role.OFFICE, "last-owner"),
        (Role.OWNER, "office", Role.ADMIN, None),
        (Role.ADMIN, "office", Role.ADMIN, None),
    ],
)
def test_owners_are_made_and_unmade_by_owners_only_and_one_is_left(
    database: Database, ids: Ids, by: Role, who: str, becomes: Role, code: str | None
) -> None:
    staff_id = ids.owner if who == "owner" else ids.office
    somebody = Actor("somebody", ids.desk)
    no = database.write(lambda db: staff.change_role(db, NOW, ids.organisation_id, somebody, by, staff_id, becomes))
    assert (no.codes if no else None) == ((code,) if code else None)
    with database.read() as db:
        assert (db.get_one(Staff, staff_id).role is becomes) is (code is None)


@pytest.mark.rule("R2")
def test_nobody_ends_their_own_account_and_the_last_owner_stays(database: Database, ids: Ids) -> None:
    def end(actor_id: int, staff_id: int) -> Refused | None:
        actor = Actor("somebody", actor_id)
        return database.write(
            lambda db: staff.set_disabled(db, NOW, ids.organisation_id, actor, Role.OWNER, staff_id, disabled=True)
        )

    for actor_id, staff_id, code in ((ids.owner, ids.owner, "yourself"), (ids.office, ids.owner, "last-owner")):
        no = end(actor_id, staff_id)
        assert no is not None
        assert no.codes == (code,)
    assert end(ids.owner, ids.office) is None
    with database.read() as db:
        assert db.get_one(Staff, ids.office).disabled_at == NOW
