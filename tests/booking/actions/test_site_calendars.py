"""Which calendar link can be the way of a booking page, and what ends a proof (SPEC Y8)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.actions import connections, links
from booking.actions.audit import Actor
from booking.actions.calendar_proofs import Asked, move_proof, write_test
from booking.actions.connections import Access, WithSecret
from booking.actions.settings import change_room
from booking.reads.connections import CalendarFacts, connection_of
from booking.reads.house import read_house
from booking.rules.calendar_proof import Move
from booking.tables.bookings import AuditEntry, CaseFile
from booking.tables.calendars import CalendarItem
from booking.tables.connections import BlockWay, Connection, Writer
from booking.tables.database import Database
from booking.tables.links import CalendarLink
from booking.tables.site_calendars import SiteCalendar
from booking.values.identity import new_uuid
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings
from booking.values.proofs import ProofPhase
from booking.values.refusals import NotFound, Refused
from booking.values.states import ItemStatus, Variant
from tests.builders import NOW, Ids, build_house, make_tools

OWNER = Actor("Frau Owner", 1)
ACCESS = Access("Halle", "acc-1", "key", "https://site.example/v1")
AT_DAV = LinkAccess("https://dav.example/hall/", "u", "p")


@dataclass
class Here:
    database: Database
    ids: Ids
    connection_id: int = 0
    public_id: UUID | None = None

    @property
    def mine(self) -> int:
        return self.ids.organisation_id

    def write(self, action: Any) -> Any:
        return self.database.write(action)

    def link(self, room: int | None = None, mine: int | None = None, **changes: Any) -> UUID:
        settings = LinkSettings("Kalender", LinkKind.CALDAV, room or self.ids.hall, LinkPolicy.EXPORT)
        wanted = replace(settings, **changes)
        made = self.write(lambda db: links.make_link(db, NOW, make_tools(), mine or self.mine, OWNER, wanted, AT_DAV))
        assert isinstance(made, UUID)
        return made

    def link_id(self, public_id: UUID) -> int:
        with self.database.read() as db:
            return db.scalars(select(CalendarLink.id).where(CalendarLink.public_id == public_id)).one()

    def choose(self, calendars: dict[str, UUID] | None, way: BlockWay = BlockWay.CALENDAR) -> Refused | None:
        choose, key = connections.choose_ways, self.connection_id
        found: Refused | None = self.write(
            lambda db: choose(db, NOW, self.mine, OWNER, key, writer=Writer.HERE, block_way=way, calendars=calendars)
        )
        return found

    def map(self, **pages: int) -> None:
        self.write(lambda db: connections.map_pages(db, NOW, self.mine, OWNER, self.connection_id, pages))

    def ask(self) -> Refused | None:
        found: Refused | None = self.write(
            lambda db: connections.ask_proof(db, NOW, self.mine, OWNER, self.connection_id)
        )
        return found

    def row(self, page: str = "hall") -> SiteCalendar:
        with self.database.read() as db:
            return db.scalars(select(SiteCalendar).where(SiteCalendar.profile_id == page)).one()

    def connection(self) -> Connection:
        with self.database.read() as db:
            return db.get_one(Connection, self.connection_id)

    def facts(self) -> dict[str, CalendarFacts]:
        assert self.public_id is not None
        with self.database.read() as db:
            return connection_of(db, self.mine, self.public_id).calendars

    def write_test(self, page: str = "hall") -> None:
        """As a worker does once the site has told what it offers."""
        with self.database.read() as db:
            room = read_house(db, self.mine).room(self.ids.hall)
        first = NOW + timedelta(days=15)
        asked = Asked("itt_1", frozenset(first + timedelta(hours=hour) for hour in range(8)))
        row_id = self.row(page).id
        assert self.write(lambda db: write_test(db, NOW, self.mine, row_id, room, asked))

    def prove(self, page: str = "hall") -> None:
        """All moves of a proof that goes well."""
        assert self.ask() is None
        self.write_test(page)
        steps = (ProofPhase.WRITTEN, ProofPhase.THERE, ProofPhase.WITHDRAWN, ProofPhase.PROVEN)
        for was, to in pairwise(steps):
            assert self.write(lambda db, was=was, to=to: move_proof(db, NOW, self.row(page).id, was, Move(to)))

    def item(self) -> CalendarItem:
        with self.database.read() as db:
            return db.scalars(select(CalendarItem).order_by(CalendarItem.id.desc()).limit(1)).one()

    def cases(self) -> list[tuple[str, str]]:
        with self.database.read() as db:
            found = db.scalars(select(CaseFile).where(CaseFile.closed_at.is_(None)))
            return [(one.kind, str(one.facts["fell"])) for one in found]


@pytest.fixture
def here(database_url: str) -> Iterator[Here]:
    database = Database(database_url)
    made = Here(database, database.write(build_house))
    found = database.write(lambda db: connections.make_connection(db, NOW, make_tools(), made.mine, OWNER, ACCESS))
    assert isinstance(found, WithSecret)
    made.public_id = found.public_id
    with database.read() as db:
        made.connection_id = db.scalars(select(Connection.id)).one()
    made.map(hall=made.ids.hall)
    yield made
    database.close()


def codes(no: Refused | None) -> list[tuple[str, str | None]]:
    assert no is not None
    return [(reason.code, reason.at) for reason in no.reasons]


@pytest.mark.rule("Y8")
def test_a_link_that_fits_is_taken_and_nothing_is_proven_by_that(here: Here) -> None:
    link = here.link()
    assert here.choose({"hall": link}) is None
    assert (here.connection().block_way, here.connection().proven_at) == (BlockWay.CALENDAR, None)
    (facts,) = here.facts().values()
    assert (facts.link_id, facts.phase, facts.proven_at) == (link, ProofPhase.NONE, None)


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"policy": LinkPolicy.IMPORT}, "link-only-reads"),
        ({"policy": LinkPolicy.IMPORT_BUSY}, "link-only-reads"),
        ({"requested": False}, "link-without-requests"),
        ({"months_ahead": 1}, "link-too-short"),
    ],
)
def test_a_link_that_would_not_write_all_that_is_taken_is_refused(
    here: Here, changes: dict[str, Any], code: str
) -> None:
    assert codes(here.choose({"hall": here.link(**changes)})) == [(code, "calendars")]
    assert here.connection().block_way is BlockWay.BOOKING


@pytest.mark.rule("Y8", "R1")
def test_no_link_of_another_room_or_another_house_and_none_that_rests_or_ends(here: Here) -> None:
    other = here.write(lambda db: build_house(db, slug="nachbar"))
    foreign = here.link(other.hall, other.organisation_id)
    rests, ends = here.link(), here.link()
    here.write(lambda db: links.pause_link(db, NOW, here.mine, OWNER, here.link_id(rests)))
    here.write(lambda db: links.unlink(db, NOW, here.mine, OWNER, here.link_id(ends), removes=True))
    for wrong, code in (
        (here.link(here.ids.left), "link-other-room"),
        (foreign, "no-such-link"),
        (new_uuid(NOW), "no-such-link"),
        (rests, "link-rests"),
        (ends, "link-ends"),
    ):
        assert codes(here.choose({"hall": wrong})) == [(code, "calendars")], code
    with here.database.read() as db:
        assert db.scalars(select(SiteCalendar)).all() == []


@pytest.mark.rule("Y8")
def test_each_page_needs_a_link_and_a_house_without_one_is_told_so(here: Here) -> None:
    assert codes(here.choose({})) == [("no-writing-link", "calendars")]
    hall = here.link()
    here.map(hall=here.ids.hall, left=here.ids.left)
    here.link(here.ids.left, policy=LinkPolicy.IMPORT)
    assert codes(here.choose({"hall": hall})) == [("no-writing-link", "calendars")]
    left = here.link(here.ids.left)
    assert codes(here.choose({"hall": hall})) == [("link-missing", "calendars")]
    assert here.choose({"hall": hall, "left": left}) is None
    assert len(here.facts()) == 2
    here.choose(None, BlockWay.NONE)
    here.map()
    assert codes(here.choose({"hall": hall})) == [("no-pages", "calendars")]


@pytest.mark.rule("Y8", "X5")
def test_a_proof_is_asked_for_by_somebody_and_its_moves_are_made_once(here: Here) -> None:
    here.choose({"hall": here.link()})
    here.prove()
    assert here.connection().proven_at == NOW
    row_id = here.row().id
    late = Move(ProofPhase.WITHDRAWN)
    assert not here.write(lambda db: move_proof(db, NOW, row_id, ProofPhase.THERE, late))
    with here.database.read() as db:
        noted = [(one.actor, one.action) for one in db.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert ("Frau Owner", "calendars-chosen") in noted
    assert ("Frau Owner", "proof-asked") in noted
    assert noted[-1][1] == "proof"


@pytest.mark.rule("Y8")
@pytest.mark.parametrize("removes", [True, False])
def test_a_link_that_ends_takes_the_proof_along_and_the_office_is_told(here: Here, *, removes: bool) -> None:
    link = here.link()
    here.choose({"hall": link})
    here.prove()
    link_id = here.link_id(link)
    here.write(lambda db: links.unlink(db, NOW, here.mine, OWNER, link_id, removes=removes))
    assert here.connection().proven_at is None
    assert here.cases() == [("site-unproven", "link-ends" if removes else "link-gone")]
    here.write(lambda db: links.drop_link(db, NOW, link_id)) if removes else None
    assert here.facts() == {}
    assert here.choose({"hall": here.link()}) is None
    assert here.cases() != []
    here.prove()
    assert here.cases() == [], "proven again"


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"policy": LinkPolicy.IMPORT}, "link-only-reads"),
        ({"policy": LinkPolicy.TWO_WAY}, "link-changed"),
        ({"requested": False}, "link-without-requests"),
        ({"months_ahead": 2}, "link-too-short"),
        ({"name": "Anders"}, ""),
        ({"variant": Variant.BUSY}, ""),
        ({"every_minutes": 5}, ""),
        ({"months_ahead": 24}, ""),
    ],
)
def test_other_settings_of_a_link_end_the_proof_where_they_touch_it(
    here: Here, changes: dict[str, Any], expected: str
) -> None:
    link = here.link()
    here.choose({"hall": link})
    here.prove()
    wanted = replace(LinkSettings("Kalender", LinkKind.CALDAV, here.ids.hall, LinkPolicy.EXPORT), **changes)
    no = here.write(lambda db: links.change_link(db, NOW, here.mine, OWNER, here.link_id(link), wanted))
    assert no is None
    assert here.cases() == ([("site-unproven", expected)] if expected else [])
    assert (here.connection().proven_at is None) is bool(expected)


@pytest.mark.rule("Y8")
@pytest.mark.parametrize(("days", "falls"), [(30, False), (1095, True)])
def test_a_room_that_can_be_booked_further_ahead_than_the_link_writes_ends_the_proof(
    here: Here, days: int, *, falls: bool
) -> None:
    here.choose({"hall": here.link()})
    here.prove()
    for room_id in (here.ids.left, here.ids.hall):
        assert here.cases() == []
        wanted = {"horizon_days": days}
        assert here.write(lambda db, id_=room_id: change_room(db, NOW, here.mine, OWNER, id_, wanted)) is None  # noqa: B023 - run at once
    assert here.cases() == ([("site-unproven", "link-too-short")] if falls else [])


@pytest.mark.rule("Y8")
def test_another_calendar_or_a_rest_ends_the_proof_and_another_password_does_not(here: Here) -> None:
    link = here.link()
    here.choose({"hall": link})
    here.prove()
    link_id = here.link_id(link)
    for access, falls in (
        (replace(AT_DAV, password="q"), False),
        (replace(AT_DAV, url="https://dav.example/x/"), True),
    ):
        here.write(
            lambda db, access=access: links.change_link_access(db, NOW, make_tools(), here.mine, OWNER, link_id, access)
        )
        assert (here.connection().proven_at is None) is falls
    assert here.cases() == [("site-unproven", "link-elsewhere")]
    here.prove()
    here.write(lambda db: links.pause_link(db, NOW, here.mine, OWNER, link_id))
    assert here.cases() == [("site-unproven", "link-rests")]
    assert codes(here.ask()) == [("link-rests", "calendars")]
    here.write(lambda db: links.resume_link(db, NOW, here.mine, OWNER, link_id))
    assert here.connection().proven_at is None, "it has to be proven anew"
    assert here.ask() is None


@pytest.mark.rule("Y8")
def test_where_nothing_was_proven_nobody_is_told_that_it_fell(here: Here) -> None:
    link = here.link()
    here.choose({"hall": link})
    here.write(lambda db: links.pause_link(db, NOW, here.mine, OWNER, here.link_id(link)))
    assert (here.cases(), here.row().problem) == ([], "link-rests")


@pytest.mark.rule("Y8")
@pytest.mark.parametrize("end", ["pause", "unlink", "way", "pages", "room", "access"])
def test_a_test_time_that_stands_is_taken_back_whatever_ends_its_proof(here: Here, end: str) -> None:
    link = here.link()
    here.choose({"hall": link})
    here.ask()
    here.write_test()
    assert here.item().status is ItemStatus.TENTATIVE
    with here.database.read() as db:
        before = db.scalars(select(CalendarLink.wanted)).one()
    link_id = here.link_id(link)
    other = Access("Halle", "acc-2", "key", ACCESS.base_url)
    endings = {
        "pause": lambda db: links.pause_link(db, NOW, here.mine, OWNER, link_id),
        "unlink": lambda db: links.unlink(db, NOW, here.mine, OWNER, link_id, removes=True),
        "way": lambda db: connections.choose_ways(
            db, NOW, here.mine, OWNER, here.connection_id, writer=Writer.HERE, block_way=BlockWay.BOOKING
        ),
        "pages": lambda db: connections.map_pages(db, NOW, here.mine, OWNER, here.connection_id, {}),
        "room": lambda db: connections.map_pages(
            db, NOW, here.mine, OWNER, here.connection_id, {"hall": here.ids.left}
        ),
        "access": lambda db: connections.change_access(
            db, NOW, make_tools(), here.mine, OWNER, here.connection_id, other
        ),
    }
    here.write(endings[end])
    assert here.item().status is ItemStatus.CANCELLED
    with here.database.read() as db:
        assert db.scalars(select(CalendarLink.wanted)).one() > before, "the link is woken to remove it there"
        assert not [one for one in db.scalars(select(SiteCalendar)) if one.phase.runs]


@pytest.mark.rule("Y8")
def test_another_account_has_to_be_proven_anew_and_a_page_that_comes_to_it_as_well(here: Here) -> None:
    link = here.link()
    here.choose({"hall": link})
    here.prove()
    named = Access("Anders", "acc-1", "", ACCESS.base_url)
    change = connections.change_access
    here.write(lambda db: change(db, NOW, make_tools(), here.mine, OWNER, here.connection_id, named))
    assert here.connection().proven_at == NOW
    here.map(hall=here.ids.hall, left=here.ids.left)
    assert here.connection().proven_at is None
    assert codes(here.ask()) == [("link-missing", "calendars")]
    here.map(hall=here.ids.hall)
    assert here.connection().proven_at == NOW, "what is proven of the page is still known"
    other = Access("Anders", "acc-1", "another key", ACCESS.base_url)
    here.write(lambda db: change(db, NOW, make_tools(), here.mine, OWNER, here.connection_id, other))
    assert (here.connection().proven_at, here.row().problem) == (None, "access-changed")


@pytest.mark.rule("Y8")
def test_a_connection_that_rests_is_not_proven(here: Here) -> None:
    here.choose({"hall": here.link()})
    here.write(lambda db: connections.pause(db, NOW, here.mine, OWNER, here.connection_id, paused=True))
    assert codes(here.ask()) == [("site-rests", "calendars")]


@pytest.mark.rule("R1")
def test_another_organisation_asks_for_no_proof(here: Here) -> None:
    other = here.write(lambda db: build_house(db, slug="nachbar")).organisation_id
    with pytest.raises(NotFound):
        here.write(lambda db: connections.ask_proof(db, NOW, other, OWNER, here.connection_id))
