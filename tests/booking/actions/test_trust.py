"""Whom automatic approval trusts, and what it and the desk see of a clash (SPEC S8, S16), on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER
from booking.actions.cases import open_case
from booking.actions.desk import look_at
from booking.actions.occupy import occupy
from booking.actions.requests import Ask, Made, make_request
from booking.actions.reviews import Resting, approve_again_if_trusted, approve_if_trusted
from booking.actions.shifting import move_rental
from booking.actions.verifying import verify_address
from booking.reads.doors import desk_reach
from booking.reads.house import House, read_house
from booking.rules import moving
from booking.tables.bookings import Booking, Decision
from booking.tables.database import Database
from booking.tables.people import Customer
from booking.values.findings import Contact
from booking.values.refusals import Refused
from booking.values.states import BookingState, OccupancyKind
from tests.builders import NOW, Ids, add_code, ask, build_house, change_house, contact, make_tools, request, slot_in

TOOLS = make_tools()
QUARTER = timedelta(minutes=15)
EVENING = slot_in(3, 18, 20)
ANNA = contact()
STRANGER = contact("Karl Fremd", email=ANNA.email, phone="+49 151 23456789", street="Irgendwo 1")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def ids(database: Database) -> Ids:
    return database.write(build_house)


@pytest.fixture
def kept(database: Database, ids: Ids) -> int:
    """Anna kept a booking, and the house approves by itself after one."""
    past = NOW - timedelta(days=40)
    made = database.write(lambda s: request(s, past, TOOLS, ids, ids.hall, slot_in(-30, 18, 20)))

    def work(session: Session) -> None:
        session.get_one(Booking, made.booking_id).state = BookingState.CONFIRMED
        add_code(session, NOW, TOOLS, ids, "482915", EVENING.widened(QUARTER, QUARTER))
        change_house(session, ids, approve_after_kept=1)

    database.write(work)
    return made.booking_id


def house_of(session: Session, ids: Ids) -> House:
    return read_house(session, ids.organisation_id)


def wished(ids: Ids, who: Contact, *, is_proven: bool = False) -> Ask:
    return replace(ask(ids.hall, EVENING, who), is_proven=is_proven)


def asked(database: Database, ids: Ids, wish: Ask, now: datetime = NOW) -> tuple[Made, object]:
    """Make a request as the portal does; what automatic approval made of it."""

    def work(session: Session) -> tuple[Made, object]:
        house = house_of(session, ids)
        made = make_request(session, now, TOOLS, house, wish)
        assert isinstance(made, Made), made
        return made, approve_if_trusted(session, now, house, made)

    return database.write(work)


def codes_of(made: Made) -> list[str]:
    return [finding.code for finding in made.findings]


@pytest.mark.rule("S8")
@pytest.mark.usefixtures("kept")
def test_whoever_types_a_known_mail_address_is_not_trusted(database: Database, ids: Ids) -> None:
    made, decided = asked(database, ids, wished(ids, STRANGER))
    assert (codes_of(made), decided) == (["other-data"], None)


@pytest.mark.rule("S8")
@pytest.mark.usefixtures("kept")
def test_the_right_data_prove_no_address(database: Database, ids: Ids) -> None:
    made, decided = asked(database, ids, wished(ids, ANNA))
    assert (codes_of(made), decided) == ([], None)


@pytest.mark.rule("S8")
@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("who", [ANNA, STRANGER], ids=["same data", "other data"])
def test_who_came_by_the_link_of_a_mail_is_trusted(database: Database, ids: Ids, who: Contact) -> None:
    database.write(lambda s: change_house(s, ids, mail_check=True))
    made, decided = asked(database, ids, wished(ids, who, is_proven=True))
    assert codes_of(made) == []
    assert isinstance(decided, Resting)
    with database.read() as session:
        row = session.get_one(Booking, made.booking_id)
        assert (row.verify_by, row.verified_at) == (None, NOW), "the link answered the mail check already"


@pytest.mark.rule("S8", "S26")
@pytest.mark.usefixtures("kept")
def test_the_mail_check_takes_the_finding_back_and_earns_the_trust(database: Database, ids: Ids) -> None:
    database.write(lambda s: change_house(s, ids, mail_check=True))
    made, decided = asked(database, ids, wished(ids, STRANGER))
    assert (codes_of(made), decided) == (["other-data"], None)
    assert database.write(lambda s: verify_address(s, NOW, house_of(s, ids), made.booking_id)) is None
    with database.read() as session:
        assert session.get_one(Booking, made.booking_id).findings == []
        assert session.scalars(select(Decision.booking_id)).all() == [made.booking_id]


@pytest.mark.rule("S8", "S27")
@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("is_proven", "outcome"), [(False, type(None)), (True, Resting)])
def test_a_move_is_trusted_by_the_link_of_a_mail_and_not_by_the_page_after_the_form(
    database: Database, ids: Ids, *, is_proven: bool, outcome: type
) -> None:
    standing = database.write(lambda s: request(s, NOW, TOOLS, ids, ids.left, slot_in(20, 18, 20)))
    database.write(lambda s: setattr(s.get_one(Booking, standing.booking_id), "state", BookingState.CONFIRMED))

    def work(session: Session) -> object:
        house, who = house_of(session, ids), moving.Actor.CUSTOMER
        made = move_rental(session, NOW, TOOLS, house, standing.booking_id, EVENING, who, CUSTOMER, is_proven=is_proven)
        assert isinstance(made, Made), made
        return approve_if_trusted(session, NOW, house, made)

    assert isinstance(database.write(work), outcome)


def reported(session: Session, ids: Ids) -> None:
    """An external calendar reports, after the request, that it is busy then."""
    occupy(session, ids.organisation_id, ids.units, EVENING, OccupancyKind.EXTERNAL, 77, exclusive=False)


@pytest.mark.rule("S8", "S16")
def test_the_desk_sees_a_clash_that_was_reported_later(database: Database, ids: Ids) -> None:
    soon = slot_in(1, 10, 11)
    database.write(lambda s: add_code(s, NOW, TOOLS, ids, "482915", soon.widened(QUARTER, QUARTER)))
    made = database.write(lambda s: request(s, NOW, TOOLS, ids, ids.hall, soon))

    def seen() -> list[tuple[str, str]]:
        with database.read() as session:
            house = house_of(session, ids)
            hit = look_at(session, NOW, house, desk_reach(house, NOW.date()), made.booking_id)
        assert hit is not None
        return [(finding.code, str(finding.values.get("calendars"))) for finding in hit.findings]

    assert seen() == []
    external = OccupancyKind.EXTERNAL
    database.write(lambda s: occupy(s, ids.organisation_id, ids.units, soon, external, 77, exclusive=False))
    assert seen() == [("clash", "Halle")]
    site = {"site": "Halle bei YouCanBook.me"}
    database.write(lambda s: open_case(s, NOW, ids.organisation_id, "site-clash", "1", made.booking_id, site))
    assert seen() == [("clash", "Halle bei YouCanBook.me, Halle")]


@pytest.mark.rule("S8")
@pytest.mark.usefixtures("kept")
def test_nothing_is_approved_by_itself_into_a_clash(database: Database, ids: Ids) -> None:
    database.write(lambda s: change_house(s, ids, approve_after_kept=None))
    made, _ = asked(database, ids, wished(ids, ANNA, is_proven=True))
    database.write(lambda s: change_house(s, ids, approve_after_kept=1))
    database.write(lambda s: reported(s, ids))
    no = database.write(lambda s: approve_again_if_trusted(s, NOW, house_of(s, ids), made.booking_id))
    assert (no, isinstance(no, Refused)) == (None, False)
    with database.read() as session:
        assert session.scalars(select(Decision)).all() == []


@pytest.mark.rule("S4")
def test_a_known_customer_may_ask_for_advertising_later(database: Database, ids: Ids) -> None:
    asked(database, ids, ask(ids.hall, slot_in(5, 18, 20)))
    later = NOW + timedelta(hours=1)
    asked(database, ids, replace(ask(ids.hall, slot_in(6, 18, 20)), advertising=True), later)
    asked(database, ids, replace(ask(ids.hall, slot_in(7, 18, 20)), advertising=True), later + timedelta(hours=1))
    with database.read() as session:
        assert session.scalars(select(Customer.advertising_asked_at)).all() == [later]
