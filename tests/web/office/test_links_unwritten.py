"""What a linked calendar does not take, as the office sees it: badge, entry, runs, case (SPEC C10, C15)."""

import html
from datetime import timedelta

import pytest

from booking.actions.link_alarms import announce_silent_links
from booking.reads.house import read_house
from booking.values.links import LinkPolicy
from booking.values.states import Role
from sync.remotes.memory import MemoryRemote
from tests.sync.acting import uid_of
from tests.sync.test_unwritten import Refusing, refusing
from tests.web.conftest import Site
from tests.web.office.linked import HOME, Linked, world_of


@pytest.fixture
def linked(site_on_both: Site) -> Linked:
    return Linked(site_on_both, site_on_both.logged_in(Role.ADMIN), world_of(site_on_both))


def page_of(linked: Linked, path: str) -> str:
    return html.unescape(linked.get(path))


def stuck(linked: Linked) -> tuple[str, str, Refusing]:
    """A link whose server takes no new entry; its page, the UID of a booking that waits, and the server."""
    path = linked.connect(LinkPolicy.EXPORT)
    linked.world.run()
    made = linked.world.book(5)
    server = refusing(linked.world, "down")
    linked.world.run()
    return path, uid_of(linked.world, made), server


@pytest.mark.rule("C8", "C10")
def test_a_new_booking_that_is_not_taken_is_told_by_title_day_and_time_and_why(linked: Linked) -> None:
    path, uid, _ = stuck(linked)
    page = page_of(linked, path)
    assert "Funktioniert, aber 1 Eintrag ließ sich nicht schreiben" in page
    assert "Der Kalender nimmt nicht alles an" in page
    assert "ließ sich dort nicht eintragen: sein Server meldet einen eigenen Fehler oder ist voll" in page
    assert uid not in page
    assert "SiteDown" not in page
    assert "unwritten-" not in page
    assert "Die letzten 2 Läufe: 1 gescheitert" in page
    assert "Nicht alles geschrieben" in page
    (item,) = [one for one in page.split("<tr") if "ließ sich dort nicht eintragen" in one and "rowheader" in one]
    assert "2026" in item
    listed = page_of(linked, HOME)
    assert "Funktioniert, aber 1 Eintrag" in listed
    assert "Funktioniert</span>" not in listed


@pytest.mark.rule("C15")
def test_the_case_of_what_is_not_taken_names_it_and_leads_to_the_link(linked: Linked) -> None:
    path, uid, server = stuck(linked)
    world = linked.world
    world.now += timedelta(hours=1)
    world.run()
    with world.database.read() as db:
        here = read_house(db, world.ids.organisation_id)
    assert world.write(lambda db: announce_silent_links(db, world.now, here)) == 1
    page = page_of(linked, path)
    assert "Ein verknüpfter Kalender nimmt unsere Buchungen nicht an" in page
    case = next(one.partition('"')[0] for one in page.split('href="') if one.startswith("/office/cases/"))
    told = page_of(linked, case)
    assert "2026" in told.partition("Offen seit")[0]
    assert "sein Server meldet einen eigenen Fehler oder ist voll" in told
    assert uid not in told
    assert path in told
    server.end()
    world.now += timedelta(hours=1)
    world.run()
    assert "nicht schreiben" not in page_of(linked, path)
    assert world.cases() == {}


@pytest.mark.rule("C8")
def test_what_cannot_be_read_counts_as_resting_and_is_told_without_its_code(linked: Linked) -> None:
    path = linked.connect(LinkPolicy.TWO_WAY)
    world = linked.world
    assert isinstance(world.remote, MemoryRemote)
    world.remote.edit(world.remote.href_for("odd"), b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n")
    world.run()
    assert world.line.resting == 1
    page = page_of(linked, path)
    assert "Eintrag ohne Titel" in page
    assert "QUARANTINED" not in page
