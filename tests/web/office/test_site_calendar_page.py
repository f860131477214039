"""The set-up page ties a booking page to a calendar link, asks for the proof and tells how far it is (SPEC Y8)."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.actions.audit import SYSTEM
from booking.actions.calendar_proofs import fail_proof
from booking.actions.links import make_link, pause_link
from booking.reads.house import read_house
from booking.tables.bookings import AuditEntry, CaseFile
from booking.tables.connections import BlockWay, Connection
from booking.tables.links import CalendarLink
from booking.tables.outgoing import Outbox
from booking.tables.site_calendars import SiteCalendar
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings
from booking.values.proofs import ProofPhase, ProofProblem
from booking.values.states import Role
from platzwart.peers.ycbm import Page, YcbmPeer
from tests.neighbours import add_neighbour, log_in_at
from tests.web.site_peer import given
from web.proof_words import CALENDAR_TEXTS, proof_words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.web.conftest import Site, Visitor

HOME = "/office/sites"


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with YcbmPeer([Page("prf_a", "Hall A", "hall-a")]) as stand_in:
        yield stand_in


@pytest.fixture
def site(sqlite_url: str, make_site: Callable[..., "Site"], peer: YcbmPeer) -> "Site":
    return make_site(sqlite_url, ALLOW_PRIVATE_HOSTS=peer.netloc)


@pytest.fixture
def owner(site: "Site") -> "Visitor":
    return site.logged_in(Role.OWNER)


@pytest.fixture
def path(site: "Site", owner: "Visitor", peer: YcbmPeer) -> str:
    """The page of a connection whose one page stands for the hall."""
    made = owner.post(f"{HOME}/new", given(peer), of=f"{HOME}/new")
    found = re.search(r'href="(/office/sites/[0-9a-f-]{36})"', made.text)
    assert found is not None
    with site.database.read() as db:
        hall = read_house(db, site.ids.organisation_id).room(site.ids.hall).public_id
    owner.post(f"{found[1]}/pages", {"page": ["prf_a"], "room": [str(hall)]}, of=found[1])
    return found[1]


def link(site: "Site", name: str = "Hallenkalender", room: int | None = None, mine: int | None = None) -> UUID:
    wanted = LinkSettings(name, LinkKind.CALDAV, room or site.ids.hall, LinkPolicy.EXPORT)
    access = LinkAccess("https://dav.example/hall/", "u", "geheimes Passwort")
    made = site.database.write(
        lambda db: make_link(db, site.now, site.context.tools, mine or site.ids.organisation_id, SYSTEM, wanted, access)
    )
    assert isinstance(made, UUID)
    return made


def choose(owner: "Visitor", path: str, of: UUID | str) -> int:
    form = {"writer": "here", "block_way": "calendar", "calendar_page": "prf_a", "calendar": str(of)}
    return owner.post(f"{path}/ways", form, of=path).status_code


def row(site: "Site") -> SiteCalendar:
    with site.database.read() as db:
        return db.scalars(select(SiteCalendar)).one()


@pytest.mark.rule("Y8")
def test_a_link_is_chosen_and_the_proof_is_asked_of_a_worker(site: "Site", owner: "Visitor", path: str) -> None:
    page = owner.get(path).text
    assert "Noch keine Kalenderverbindung schreibt unsere Buchungen" in page
    made = link(site)
    assert f'<option value="{made}">Hallenkalender</option>' in owner.get(path).text
    assert choose(owner, path, made) == 302
    page = owner.get(path).text
    assert f'<option value="{made}" selected>' in page
    assert "Noch nicht nachgewiesen: Was auf beiden Seiten gebucht wird, wird ein Fall." in page
    answer = owner.post(f"{path}/prove", of=path)
    assert answer.headers["Location"].endswith("#proof")
    page = owner.get(path).text
    assert 'data-refresh="asked"' in page
    assert "Es wird eine Stunde gesucht" in page
    assert 'action="' + f"{path}/prove" not in page, "one at a time"
    with site.database.read() as db:
        (duty,) = db.scalars(select(Outbox).where(Outbox.topic == "site-proofs"))
        noted = [one.action for one in db.scalars(select(AuditEntry).where(AuditEntry.subject == "connection"))]
    assert duty.subject_id == row(site).id
    assert {"calendars-chosen", "proof-asked"} <= set(noted)
    assert "geheimes Passwort" not in page


@pytest.mark.rule("Y8", "X8")
def test_what_cannot_be_the_way_is_refused_with_its_reason_and_what_was_chosen_stays(
    site: "Site", owner: "Visitor", path: str
) -> None:
    form = {"writer": "here", "block_way": "calendar", "calendar_page": "prf_a", "calendar": ""}
    nothing = owner.post(f"{path}/ways", form, of=path)
    assert nothing.status_code == 422
    assert "Keine Kalenderverbindung schreibt unsere Buchungen von" in nothing.text
    neighbour = add_neighbour(site)
    foreign = link(site, "Fremder", neighbour.hall, neighbour.organisation_id)
    rests = link(site, "Ruhend")
    with site.database.read() as db:
        link_id = db.scalars(select(CalendarLink.id).where(CalendarLink.public_id == rests)).one()
    site.database.write(lambda db: pause_link(db, site.now, site.ids.organisation_id, SYSTEM, link_id))
    left = link(site, "Links", site.ids.left)
    for wrong, text in (
        (foreign, "Bitte wählen Sie eine Ihrer Kalenderverbindungen."),
        ("kein Verweis", "Bitte wählen Sie für jede Seite eine Kalenderverbindung."),
        (rests, "Diese Kalenderverbindung ruht."),
        (left, "Diese Kalenderverbindung gehört zu einem anderen Raum."),
    ):
        answer = owner.post(f"{path}/ways", form | {"calendar": str(wrong)}, of=path)
        assert (answer.status_code, text in answer.text) == (422, True), text
        assert 'id="way-calendar" checked' in answer.text
        assert "Fremder" not in answer.text
    with site.database.read() as db:
        assert db.scalars(select(Connection.block_way)).one() is BlockWay.BOOKING


@pytest.mark.rule("Y8", "X1")
def test_what_prevented_the_proof_is_told_with_what_to_do(site: "Site", owner: "Visitor", path: str) -> None:
    choose(owner, path, link(site))

    def fail(db: "Session") -> None:
        fail_proof(db, site.now, db.scalars(select(SiteCalendar)).one(), ProofProblem.STILL_OFFERED)

    site.database.write(fail)
    page = owner.get(path).text
    assert "die Buchungsseite bot sie fünf Minuten lang trotzdem an" in page
    assert "welche Kalender sie auf belegte Zeiten prüft" in page
    with site.app.test_request_context("/"):
        told = [proof_words(problem, "gone") for problem in ProofProblem]
    assert not [what for what, advice in told if what in set(ProofProblem) or not advice]


@pytest.mark.rule("Y8")
def test_the_case_says_which_connection_is_blocked_no_more_and_why(site: "Site", owner: "Visitor", path: str) -> None:
    choose(owner, path, link(site))

    def prove(db: "Session") -> None:
        one = db.scalars(select(SiteCalendar)).one()
        one.phase, one.proven_at = ProofPhase.PROVEN, site.now
        db.scalars(select(Connection)).one().proven_at = site.now

    site.database.write(prove)
    assert "Gesperrt, freigegeben und wieder angeboten" in owner.get(path).text
    with site.database.read() as db:
        link_id = db.scalars(select(CalendarLink.id)).one()
    site.database.write(lambda db: pause_link(db, site.now, site.ids.organisation_id, SYSTEM, link_id))
    with site.database.read() as db:
        case_id = db.scalars(select(CaseFile.id).where(CaseFile.kind == "site-unproven")).one()
    page = owner.get(f"/office/cases/{case_id}").text
    assert "Hier belegte Zeiten sind auf der Buchungsseite vielleicht nicht mehr gesperrt" in page
    assert "Die Kalenderverbindung wurde angehalten." in page
    assert "Hallenkalender" in page


@pytest.mark.rule("Y8")
def test_who_goes_back_to_blocks_is_told_to_end_the_link(site: "Site", owner: "Visitor", path: str) -> None:
    choose(owner, path, link(site))
    answer = owner.post(f"{path}/ways", {"writer": "here", "block_way": "booking"}, of=path)
    assert answer.status_code == 302
    assert "Bitte beenden Sie die Kalenderverbindung mit allem" in owner.get(path).text
    with site.database.read() as db:
        assert db.scalars(select(SiteCalendar)).all() == []


@pytest.mark.rule("R1")
def test_neither_the_office_nor_a_neighbour_nor_a_form_without_a_token_gets_anywhere(
    site: "Site", owner: "Visitor", path: str
) -> None:
    made = link(site)
    choose(owner, path, made)
    neighbour = log_in_at(site, add_neighbour(site))
    form = {"writer": "here", "block_way": "calendar", "calendar_page": "prf_a", "calendar": str(made)}
    for way, data in (("ways", form), ("prove", {})):
        assert neighbour.post(f"{path}/{way}", data, of=HOME).status_code == 404
        assert site.logged_in(Role.OFFICE).post(f"{path}/{way}", data, of="/office").status_code == 403
        assert owner.client.post(f"{path}/{way}", data=data).status_code == 400
    assert row(site).phase is ProofPhase.NONE


def test_every_reason_has_a_text_of_its_own_in_both_languages(site: "Site") -> None:
    texts = []
    for language in ("de", "en"):
        with site.app.test_request_context("/", headers={"Accept-Language": language}):
            texts += [text({"room": "Halle"}) for text in CALENDAR_TEXTS.values()]
    assert len(set(texts)) == len(texts) == 2 * len(CALENDAR_TEXTS)
