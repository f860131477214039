"""Links are made, changed, paused and ended; what opens them is sealed; a change here wakes them (SPEC C6, S5, X5)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select, text

from booking.actions import links
from booking.actions.vault import Sealed
from booking.reads.links import due_links, last_plan, link_by, links_of, runs_of, troubled_items
from booking.tables.bookings import AuditEntry
from booking.tables.links import CalendarLink, ItemLink
from booking.values.links import Choice, LinkAccess, LinkKind, LinkPolicy, LinkSettings, LinkStatus
from booking.values.refusals import NotFound, Refused
from sync import values as engine
from tests.builders import make_tools
from tests.sync.linked import OFFICE, World, world

SECRET = "canary-password-4417"
ADDRESS = "https://dav.example/halls/main/"
ACCESS = LinkAccess(ADDRESS, "hall", SECRET)


@pytest.fixture
def here(database_url: str) -> Iterator[World]:
    made = world(database_url)
    yield made
    made.database.close()


def wanted(here: World, **others: Any) -> LinkSettings:
    return replace(LinkSettings("Kalender", LinkKind.CALDAV, here.ids.hall, LinkPolicy.TWO_WAY), **others)


def make(here: World, settings: LinkSettings, access: LinkAccess = ACCESS) -> UUID | Refused:
    return here.write(
        lambda db: links.make_link(db, here.now, here.tools, here.ids.organisation_id, OFFICE, settings, access)
    )


def made(here: World, **others: Any) -> CalendarLink:
    public_id = make(here, wanted(here, **others))
    assert isinstance(public_id, UUID), public_id
    (row,) = here.rows(select(CalendarLink).where(CalendarLink.public_id == public_id))
    here.link_id = row.id
    assert isinstance(row, CalendarLink)
    return row


@pytest.mark.rule("C6")
def test_what_opens_a_calendar_is_sealed_bound_to_its_link_and_printed_nowhere(here: World) -> None:
    row = made(here)
    other = made(here, name="Anderer")
    assert links.open_access(here.tools, row.public_id, row.access_cipher, row.access_key_id) == ACCESS
    with pytest.raises(InvalidTag):
        links.open_access(here.tools, other.public_id, row.access_cipher, row.access_key_id)
    assert SECRET.encode() not in row.access_cipher
    assert SECRET not in repr(ACCESS)
    assert ADDRESS not in repr(ACCESS)
    told = here.rows(select(AuditEntry).where(AuditEntry.subject == "calendar_link"))
    assert told
    assert not [one for one in told if SECRET in str(one.before) + str(one.after)]
    assert Sealed(row.access_cipher, row.access_key_id).key_id == "k1"


@pytest.mark.rule("C6")
def test_of_an_ics_address_only_the_host_is_shown(here: World) -> None:
    settings = wanted(here, kind=LinkKind.ICS, policy=LinkPolicy.IMPORT_BUSY)
    assert isinstance(make(here, settings, LinkAccess(f"https://ics.example/private-{SECRET}/basic.ics")), UUID)
    (row,) = here.rows(select(CalendarLink))
    assert row.address == "https://ics.example"
    with here.database.read() as session:
        values = session.execute(text("SELECT * FROM calendar_link")).all()
    assert SECRET not in str(values)


@pytest.mark.parametrize(
    ("settings", "access", "at"),
    [
        ({"name": " "}, {}, "name"),
        ({"name": "x" * 201}, {}, "name"),
        ({"months_ahead": 25}, {}, "months_ahead"),
        ({"every_minutes": 0}, {}, "every_minutes"),
        ({"owners": {"TIME": "NOBODY"}}, {}, "owners"),
        ({"owners": {"PRICE": "LOCAL"}}, {}, "owners"),
        ({"limits": {"least": -1}}, {}, "least"),
        ({"limits": {"share": 1}}, {}, "limits"),
        ({"kind": LinkKind.ICS}, {}, "policy"),
        ({}, {"url": ""}, "url"),
        ({}, {"url": "ftp://dav.example/"}, "url"),
        ({}, {"url": "https://user:pass@dav.example/"}, "url"),
        ({}, {"url": "https://[broken/"}, "url"),
        ({}, {"password": "x" * 201}, "password"),
    ],
)
def test_what_cannot_be_a_link_is_refused_at_its_field(
    here: World, settings: dict[str, Any], access: dict[str, Any], at: str
) -> None:
    no = make(here, wanted(here, **settings), replace(ACCESS, **access))
    assert isinstance(no, Refused)
    assert [reason.at for reason in no.reasons] == [at]
    assert here.rows(select(CalendarLink)) == []


def test_a_room_of_another_house_cannot_be_linked(here: World) -> None:
    from tests.builders import build_house

    other = here.write(lambda db: build_house(db, slug="andere"))
    with pytest.raises(NotFound):
        make(here, wanted(here, room_id=other.hall))
    with here.database.read() as session, pytest.raises(NotFound):
        link_by(session, here.ids.organisation_id, uuid4())


@pytest.mark.rule("S5", "Y8")
def test_a_change_in_a_room_makes_its_links_due_with_the_same_transaction(here: World) -> None:
    row = made(here)
    left = made(here, name="links", room_id=here.ids.left)
    right = made(here, name="rechts", room_id=here.ids.right)

    def rest() -> None:
        def work(db: Any) -> None:
            for link in db.scalars(select(CalendarLink)):
                link.done, link.next_run_at = link.wanted, here.now + timedelta(hours=1)

        here.write(work)

    def due() -> set[int]:
        with here.database.read() as session:
            return set(due_links(session, here.now))

    rest()
    assert due() == set()
    here.book(3, room=here.ids.left)
    assert due() == {row.id, left.id}  # the whole hall is taken by its half
    rest()
    here.book(5)
    assert due() == {row.id, left.id, right.id}


def test_other_settings_are_looked_at_for_all_items_and_another_name_is_not(here: World) -> None:
    here.book(3)
    row = made(here)
    here.run()
    organisation_id = here.ids.organisation_id

    def change(**others: Any) -> Refused | None:
        settings = wanted(here, **others)
        return here.write(lambda db: links.change_link(db, here.now, organisation_id, OFFICE, row.id, settings))

    assert change(name="Neu") is None
    assert [one.base_revision is None for one in here.index()] == [False]
    assert here.link.cursor
    assert change(name="Neu", months_ahead=6) is None
    assert [one.base_revision is None for one in here.index()] == [True]
    assert not here.link.cursor
    no = change(room_id=here.ids.left)
    assert isinstance(no, Refused)
    assert no.codes == ("invalid",)
    (first, *_) = here.rows(select(AuditEntry).where(AuditEntry.action == "changed"))
    assert (first.before, first.after) == ({"name": "Kalender"}, {"name": "Neu"})


def test_a_link_without_anything_to_remove_ends_at_once(here: World) -> None:
    row = made(here, policy=LinkPolicy.IMPORT)
    here.write(lambda db: links.unlink(db, here.now, here.ids.organisation_id, OFFICE, row.id, removes=True))
    assert here.rows(select(CalendarLink)) == []


def test_other_credentials_bring_a_link_back_that_had_failed(here: World) -> None:
    row = made(here)

    def fail(db: Any) -> None:
        link = db.get_one(CalendarLink, row.id)
        link.state, link.failures, link.problem = LinkStatus.FAILED, 3, "auth"
        link.next_run_at = here.now + timedelta(hours=6)

    here.write(fail)
    access = replace(ACCESS, password="another")
    organisation_id = here.ids.organisation_id
    here.write(lambda db: links.change_link_access(db, here.now, here.tools, organisation_id, OFFICE, row.id, access))
    link = here.link
    assert (link.state, link.failures, link.problem, link.next_run_at) == (LinkStatus.ACTIVE, 0, "", here.now)
    assert links.open_access(make_tools(), link.public_id, link.access_cipher, link.access_key_id) == access


def test_a_page_reads_what_it_needs(here: World) -> None:
    here.book(3)
    made(here)
    ran = here.run()
    with here.database.read() as session:
        (line,) = links_of(session, here.ids.organisation_id)
        page = link_by(session, here.ids.organisation_id, line.public_id)
        (run,) = runs_of(session, line.link_id)
        plan = last_plan(session, line.link_id)
        troubled = troubled_items(session, line.link_id)
    assert (line.items, line.asked, line.room, line.address) == (1, 0, "Halle", ADDRESS)
    assert (page.quirks["product"], page.identity) == ("memory", "UID")
    assert (run.run_id, run.writes, run.counts) == (ran.run_id, 1, {"there": 1})
    assert plan is not None
    assert plan.plan_hash == run.plan_hash
    assert troubled == ()


def test_the_words_of_the_database_are_those_of_the_engine() -> None:
    assert {one.value for one in Choice} == {one.value for one in engine.Decision}
    assert {one.value for one in engine.Field} == links.FIELDS
    assert {one.value for one in engine.Owner} == links.OWNERS
    assert set(ItemLink.__table__.c.keys()) >= set(engine.ItemLink.__slots__)
