"""Branches, rooms and doors by page: made, changed, taken out of use; nothing typed is lost (SPEC X8, R2)."""

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.reads.house_parts import door_lines
from booking.tables.bookings import AuditEntry
from booking.tables.doors import Door
from booking.tables.houses import Branch, Room
from booking.values.states import Role
from tests.neighbours import add_neighbour
from tests.web.office.conftest import Desk
from tests.web.office.test_settings_pages import HOME, house_of, room_path, save, shown_in

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

PAGES = ("/branches", "/branches/new", "/rooms/new", "/doors", "/doors/new", "/tokens", "/tokens/new", "/audit")
ADDRESS = {"name": "Süd", "street": "Südring 1", "postcode": "50677", "city": "Köln"}


def public(site: "Site", table: Any, identity: int) -> UUID:
    with site.database.read() as db:
        found: UUID = db.scalars(select(table.public_id).where(table.id == identity)).one()
        return found


def make_room(site: "Site", visitor: "Visitor", **changes: Any) -> Any:
    path = f"{HOME}/rooms/new"
    given = {"name": "Keller", "branch_id": str(site.ids.branch_id), "price_list_id": str(site.ids.price_list_id)}
    return visitor.post(path, shown_in(visitor.get(path).text) | given | changes, of=path)


@pytest.mark.rule("R2")
@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_for_the_administration_and_for_nobody_below(site: "Site", path: str) -> None:
    assert site.logged_in(Role.OWNER).get(HOME + path).status_code == 200
    assert site.logged_in(Role.ADMIN).get(HOME + path).status_code == 200
    for role in (Role.OFFICE, Role.DESK):
        assert site.logged_in(role).get(HOME + path).status_code == 403, role
    assert site.client().get(HOME + path).status_code == 302


@pytest.mark.rule("R1")
def test_no_change_of_the_house_is_made_by_the_office(site: "Site") -> None:
    visitor = site.logged_in(Role.OFFICE)
    door, branch = public(site, Door, site.ids.door_id), public(site, Branch, site.ids.branch_id)
    room = room_path(site).removeprefix(HOME)
    paths = ["/branches/new", f"/branches/{branch}", f"/branches/{branch}/remove", "/rooms/new", f"{room}/place",
             f"{room}/shift", f"{room}/archive", "/doors/new", f"/doors/{door}", f"/doors/{door}/remove",
             "/tokens/new", "/tokens/1/revoke"]  # fmt: skip
    for path in paths:
        assert visitor.post(HOME + path, ADDRESS, of="/office/").status_code == 403, path


def test_the_index_leads_to_every_page(site: "Site") -> None:
    text = site.logged_in(Role.ADMIN).get(HOME).text
    for page in ("branches", "rooms", "doors", "tokens", "audit"):
        assert f'href="{HOME}/{page}"' in text


def test_a_new_room_comes_with_its_address_and_leads_on_to_its_opening_hours(site: "Site") -> None:
    visitor = site.logged_in(Role.ADMIN)
    answer = make_room(site, visitor, name="Großer Keller", inside=str(site.ids.left))
    made = next(room for room in house_of(site).rooms.values() if room.name == "Großer Keller")
    assert (answer.status_code, answer.location) == (302, f"{HOME}/rooms/{made.public_id}/hours")
    assert made.slug == "grosser-keller"
    listed = visitor.get(f"{HOME}/rooms").text
    assert "Großer Keller" in listed
    assert re.search(r"Enthält</dt>\s*<dd>Halle links", listed)
    assert site.client().get(f"/rooms/{made.slug}").status_code == 200


@pytest.mark.rule("X8")
def test_a_refused_room_keeps_all_that_was_typed_and_says_why_at_the_field(site: "Site") -> None:
    visitor = site.logged_in(Role.ADMIN)
    answer = make_room(site, visitor, name="Halle", slug="Halle 2", inside=[str(site.ids.left), str(site.ids.right)])
    assert answer.status_code == 422
    shown = shown_in(answer.text)
    assert (shown["name"], shown["slug"], shown["branch_id"]) == ("Halle", "Halle 2", str(site.ids.branch_id))
    boxes = re.findall(r'name="inside" value="(\d+)"[^>]* checked', answer.text)
    assert boxes == [str(site.ids.left), str(site.ids.right)]
    assert re.search(r'id="name-error">.*?Diesen Namen gibt es schon', answer.text, re.DOTALL)
    assert re.search(r'id="slug-error">.*?Kleinbuchstaben', answer.text, re.DOTALL)
    assert len(house_of(site).rooms) == 3


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed"),
    [("name", " "), ("name", "x" * 81), ("most_people", "0"), ("most_people", "viele"), ("branch_id", "99"),
     ("price_list_id", ""), ("door_id", "99"), ("inside", "99"), ("inside", "x")],
)  # fmt: skip
def test_what_a_new_room_cannot_have_is_named_at_its_field(site: "Site", field: str, typed: str) -> None:
    answer = make_room(site, site.logged_in(Role.ADMIN), **{field: typed})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert len(house_of(site).rooms) == 3


def test_the_page_of_a_room_says_what_it_blocks_and_changes_its_parts(site: "Site") -> None:
    visitor, path = site.logged_in(Role.ADMIN), f"{room_path(site)}/place"
    text = visitor.get(path).text
    assert "Solange einer davon gebucht ist, ist der größere nicht buchbar, und umgekehrt." in text
    assert "Nie zur selben Zeit gebucht: Halle links, Halle rechts." in text
    assert save(visitor, path, slug="die-halle", inside=str(site.ids.left)).status_code == 302
    assert "Nie zur selben Zeit gebucht: Halle links." in visitor.get(path).text
    assert house_of(site).room(site.ids.hall).slug == "die-halle"
    again = save(visitor, path, inside=str(site.ids.left))
    assert again.status_code == 302
    with site.database.read() as db:
        assert len(db.scalars(select(AuditEntry).where(AuditEntry.subject == "room")).all()) == 2


def test_parts_are_refused_at_the_field_while_something_is_booked(desk: Desk) -> None:
    site = desk.site
    desk.ask(room=site.ids.hall)
    visitor, path = site.logged_in(Role.ADMIN), f"{room_path(site)}/place"
    answer = save(visitor, path, inside=str(site.ids.left))
    assert answer.status_code == 422
    assert re.search(r'id="inside-error">.*?1 Buchung steht noch an in: Halle\.', answer.text, re.DOTALL)
    assert '<a href="#inside">' in answer.text


def test_a_booked_room_is_not_taken_out_of_use_and_the_page_lists_what_is_to_come(desk: Desk) -> None:
    site = desk.site
    made = desk.ask(room=site.ids.hall)
    visitor, path = site.logged_in(Role.ADMIN), room_path(site)
    answer = visitor.post(f"{path}/archive", {"archived": "yes"}, of=path)
    assert answer.status_code == 422
    assert "steht noch 1 Buchung an" in answer.text
    assert f"/office/bookings/{made.public_id}" in answer.text
    assert not house_of(site).room(site.ids.hall).archived


def test_an_archived_room_comes_back(site: "Site") -> None:
    visitor, path = site.logged_in(Role.ADMIN), room_path(site)
    assert visitor.post(f"{path}/archive", {"archived": "yes"}, of=path).status_code == 302
    assert site.client().get("/rooms/halle").status_code == 404
    assert "Außer Gebrauch" in visitor.get(f"{HOME}/rooms").text
    assert visitor.post(f"{path}/archive", {}, of=path).status_code == 302
    assert site.client().get("/rooms/halle").status_code == 200


def test_rooms_are_moved_in_the_list(site: "Site") -> None:
    visitor, path = site.logged_in(Role.ADMIN), f"{HOME}/rooms"
    assert visitor.post(f"{room_path(site)}/shift", {"to": "down"}, of=path).status_code == 302
    names = re.findall(r'<h2 id="room-[^"]+">([^<]+)</h2>', visitor.get(path).text)
    assert names == ["Halle links", "Halle", "Halle rechts"]
    visitor.post(f"{room_path(site)}/shift", {"to": "up"}, of=path)
    assert [room.name for room in house_of(site).rooms.values()] == ["Halle", "Halle links", "Halle rechts"]


def test_a_branch_is_made_changed_and_removed(site: "Site") -> None:
    visitor, path = site.logged_in(Role.ADMIN), f"{HOME}/branches/new"
    assert save(visitor, path, **ADDRESS).status_code == 302
    with site.database.read() as db:
        south = db.scalars(select(Branch).where(Branch.name == "Süd")).one()
    assert south.zone == "Europe/Berlin"
    here = f"{HOME}/branches/{south.public_id}"
    assert save(visitor, here, city="Bonn").status_code == 302
    assert "50677 Bonn" in visitor.get(f"{HOME}/branches").text
    no = save(visitor, here, name="Mitte", street="")
    assert no.status_code == 422
    assert 'id="street-error"' in no.text
    assert save(visitor, here, name="Mitte").status_code == 422
    assert visitor.post(f"{here}/remove", of=here).status_code == 302
    assert visitor.get(here).status_code == 404
    used = f"{HOME}/branches/{public(site, Branch, site.ids.branch_id)}"
    visitor.post(f"{used}/remove", of=used)
    assert "kann nicht entfernt werden" in visitor.get(used).text


@pytest.mark.rule("S23")
def test_a_door_is_made_for_a_lock_and_given_to_rooms(site: "Site") -> None:
    visitor, path = site.logged_in(Role.ADMIN), f"{HOME}/doors/new"
    given = {"name": "Hintertür", "branch_id": str(site.ids.branch_id), "length": "4", "alphabet": "1 2 3 4 5 6",
             "forbidden_prefixes": "12, 3", "rooms": str(site.ids.right), "no_leading_zero": "-"}  # fmt: skip
    assert save(visitor, path, **given).status_code == 302
    with site.database.read() as db:
        front, back = door_lines(db, site.ids.organisation_id)
    assert (back.lock.length, back.lock.alphabet, back.lock.forbidden_prefixes, back.lock.no_leading_zero) == (
        4, "123456", ("12", "3"), False,
    )  # fmt: skip
    assert [name for _, name in back.rooms] == ["Halle rechts"]
    assert [name for _, name in front.rooms] == ["Halle", "Halle links"]
    here = f"{HOME}/doors/{back.public_id}"
    shown = shown_in(visitor.get(here).text)
    assert (shown["alphabet"], shown["forbidden_prefixes"]) == ("123456", "12, 3")
    assert visitor.post(f"{here}/remove", of=here).status_code == 302
    assert "Räume haben diese Tür: Halle rechts" in visitor.get(here).text
    assert save(visitor, here, rooms="-").status_code == 302  # no box ticked: no room has it any more
    assert visitor.post(f"{here}/remove", of=here).location == f"{HOME}/doors"
    assert house_of(site).room(site.ids.right).door_id is None


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed"),
    [("name", "Haupteingang"), ("name", ""), ("length", "2"), ("length", "3"), ("alphabet", "11"), ("alphabet", "ä1"),
     ("forbidden_prefixes", "x"), ("longest_run", "-1"), ("rooms", "99")],
)  # fmt: skip
def test_a_lock_that_cannot_be_is_named_at_its_field(site: "Site", field: str, typed: str) -> None:
    visitor, path = site.logged_in(Role.ADMIN), f"{HOME}/doors/new"
    given = {"name": "Hintertür", "branch_id": str(site.ids.branch_id)} | {field: typed}
    answer = save(visitor, path, **given)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    with site.database.read() as db:
        assert db.scalars(select(Door.name)).all() == ["Haupteingang"]


@pytest.mark.rule("R1")
def test_nothing_of_a_neighbour_opens(site: "Site") -> None:
    other = add_neighbour(site)
    visitor = site.logged_in(Role.OWNER)
    for table, identity, path in ((Branch, other.branch_id, "branches/{}"), (Door, other.door_id, "doors/{}"),
                                  (Room, other.left, "rooms/{}/place")):  # fmt: skip
        address = f"{HOME}/{path.format(public(site, table, identity))}"
        assert visitor.get(address).status_code == 404
        assert visitor.post(address, ADDRESS, of=HOME).status_code == 404
