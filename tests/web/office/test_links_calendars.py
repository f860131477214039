"""A link whose address is that of an account: which calendar it is for is chosen on its page (SPEC C6)."""

import html
from typing import Any

import pytest
from sqlalchemy import select

from booking.actions.links import open_access
from booking.tables.link_wishes import LinkWish
from booking.tables.links import CalendarLink
from booking.values.links import LinkAccess, LinkProblem
from booking.values.states import Role
from tests.neighbours import add_neighbour, log_in_at
from tests.web.conftest import Site
from tests.web.office.linked import HOME, PASSWORD, Linked, world_of

ACCOUNT = "https://dav.example/u/"
FOUND = [{"name": "Saal <groß>", "url": f"{ACCOUNT}hall/"}, {"name": "Büro", "url": f"{ACCOUNT}office/"}]


@pytest.fixture
def linked(site: Site) -> Linked:
    return Linked(site, site.logged_in(Role.ADMIN), world_of(site))


def found_several(linked: Linked, **changes: Any) -> str:
    """A link as a run leaves it that met an account; the path of its page."""
    path = linked.make(url=ACCOUNT, **changes)

    def note(db: Any) -> None:
        link = db.scalars(select(CalendarLink)).one()
        link.quirks, link.problem = {"calendars": FOUND}, LinkProblem.ACCOUNT.value
        for wish in db.scalars(select(LinkWish)):
            wish.done_at = linked.site.now

    linked.site.database.write(note)
    return path


def access_of(linked: Linked) -> LinkAccess:
    with linked.site.database.read() as db:
        link = db.scalars(select(CalendarLink)).one()
        return open_access(linked.world.tools, link.public_id, link.access_cipher, link.access_key_id)


@pytest.mark.rule("C6", "X8")
def test_the_calendars_are_shown_by_name_and_one_is_taken_with_the_password_that_was_given(linked: Linked) -> None:
    path = found_several(linked, preview="yes")
    page = linked.get(path)
    assert "Das ist die Adresse eines Kontos" in html.unescape(page)
    assert "Saal &lt;groß&gt;" in page
    assert page.count('name="calendar"') == len(FOUND)
    before = linked.world.rows(select(LinkWish))
    answer = linked.post(f"{path}/calendar", {"calendar": FOUND[1]["url"]}, of=path)
    assert (answer.status_code, answer.location) == (302, path)
    assert access_of(linked) == LinkAccess(FOUND[1]["url"], "kirche", PASSWORD)
    assert len(linked.world.rows(select(LinkWish))) == len(before) + 1  # it rests, and its plan is made anew
    assert 'name="calendar"' not in linked.get(path)


@pytest.mark.rule("C6", "C12")
@pytest.mark.parametrize("chosen", ["", "https://evil.example/", f"{ACCOUNT}other/"])
def test_nothing_but_what_was_found_can_be_chosen(linked: Linked, chosen: str) -> None:
    path = found_several(linked)
    linked.post(f"{path}/calendar", {"calendar": chosen}, of=path)
    assert access_of(linked).url == ACCOUNT
    assert "Bitte wählen Sie" in linked.get(path)


@pytest.mark.rule("R1")
def test_a_neighbour_and_the_office_choose_nothing(linked: Linked) -> None:
    path = found_several(linked)
    stranger = log_in_at(linked.site, add_neighbour(linked.site))
    answers = [
        visitor.post(f"{path}/calendar", {"calendar": FOUND[0]["url"]}, of="/office/")
        for visitor in (linked.site.logged_in(Role.OFFICE), stranger)
    ]
    assert {answer.status_code for answer in answers} <= {403, 404}
    assert access_of(linked).url == ACCOUNT


@pytest.mark.rule("C6")
def test_a_program_is_told_the_calendars_and_takes_one_by_its_address(linked: Linked) -> None:
    path = found_several(linked).replace(HOME, "/calendar-links")
    program = linked.site.api(Role.ADMIN)
    told = program.get(path).get_json()
    assert (told["problem"], told["calendars"]) == ("account", FOUND)
    assert program.call("PATCH", path, {"url": FOUND[0]["url"]}).status_code == 200
    assert program.get(path).get_json()["calendars"] == []
    assert access_of(linked).password == PASSWORD
