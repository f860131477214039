"""The house by program: branches, rooms and doors, scoped by role, refused with the reason at the member (SPEC X3)."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.tables.bookings import AuditEntry
from booking.values.states import Role
from tests.web.test_api import room_id, wish

if TYPE_CHECKING:
    from tests.web.conftest import Caller, Site

BRANCH = {"name": "Süd", "street": "Südring 1", "postcode": "50677", "city": "Köln", "zone": "Europe/Berlin"}


def first_id(program: "Caller", what: str) -> str:
    return str(program.get(f"/{what}").get_json()[what][0]["id"])


def cellar(program: "Caller", **others: Any) -> dict[str, Any]:
    return {"name": "Keller", "branch": first_id(program, "branches"), "price_list": "Preise"} | others


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


CALLS = [
    ("GET", "/branches"),
    ("POST", "/branches"),
    ("PATCH", "/branches/{id}"),
    ("DELETE", "/branches/{id}"),
    ("GET", "/rooms/{id}"),
    ("POST", "/rooms"),
    ("PATCH", "/rooms/{id}"),
    ("POST", "/rooms/{id}/archive"),
    ("POST", "/rooms/{id}/restore"),
    ("GET", "/doors"),
    ("POST", "/doors"),
    ("PATCH", "/doors/{id}"),
    ("DELETE", "/doors/{id}"),
]


@pytest.mark.rule("R1")
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[f"{method} {path}" for method, path in CALLS])
def test_the_plan_of_the_house_is_for_the_administration_alone(site: "Site", method: str, path: str) -> None:
    address = path.format(id=UUID(int=1))
    for role in (Role.OFFICE, Role.DESK):
        assert site.api(role).call(method, address, {}).status_code == 403, role
    assert site.api(Role.ADMIN).call(method, address, {}).status_code in {200, 404, 422}


def test_a_room_is_made_within_another_changed_archived_and_brought_back(site_on_both: "Site") -> None:
    site = site_on_both
    program = site.api(Role.ADMIN)
    made = program.post("/rooms", cellar(program, most_people=8), key="room-1")
    assert (made.status_code, made.get_json()["slug"], made.get_json()["inside"]) == (201, "keller", [])
    assert program.post("/rooms", cellar(program, most_people=8), key="room-1").get_json() == made.get_json()
    path = f"/rooms/{made.get_json()['id']}"
    door, left = first_id(program, "doors"), room_id(site)
    changed = program.call("PATCH", path, {"name": "Untergeschoss", "door": door, "inside": [left], "most_people": 9})
    assert changed.status_code == 200, changed.text
    assert changed.get_json() | made.get_json() | {"name": "Untergeschoss", "door": door, "inside": [left],
                                                  "most_people": 9} == changed.get_json()  # fmt: skip
    assert program.get(path).get_json() == changed.get_json()
    assert program.post(f"{path}/archive").get_json()["archived"] is True
    assert program.post(f"{path}/archive").status_code == 200
    assert "Untergeschoss" not in program.get("/rooms").text
    assert program.post(f"{path}/restore").get_json()["archived"] is False
    assert "Untergeschoss" in program.get("/rooms").text
    with site.database.read() as db:
        actors = set(db.scalars(select(AuditEntry.actor).where(AuditEntry.subject == "room")))
    assert actors == {"api:admin"}


@pytest.mark.rule("X8")
def test_a_change_of_which_one_part_is_refused_changes_nothing(site: "Site") -> None:
    """Place and terms are two actions: the first is taken back when the second is refused, and both say why."""
    program = site.api(Role.ADMIN)
    path = f"/rooms/{room_id(site)}"
    before = program.get(path).get_json()
    answer = program.call("PATCH", path, {"slug": "fein", "name": "Halle", "most_people": 5})
    assert (answer.status_code, reasons(answer)) == (409, {("name-taken", "name")})
    assert program.get(path).get_json() == before
    with site.database.read() as db:
        assert db.scalars(select(AuditEntry).where(AuditEntry.subject == "room")).all() == []


def test_what_is_booked_stands_against_it(site: "Site") -> None:
    assert site.api().post("/requests", wish(site)).status_code == 201
    program, left = site.api(Role.ADMIN), room_id(site)
    answer = program.post(f"/rooms/{left}/archive")
    assert (answer.status_code, reasons(answer)) == (409, {("room-in-use", None)})
    assert "1 Buchung" in answer.text
    made = program.post("/rooms", cellar(program)).get_json()["id"]
    answer = program.call("PATCH", f"/rooms/{left}", {"inside": [made]})
    assert (answer.status_code, reasons(answer)) == (409, {("parts-in-use", "inside")})
    branch = first_id(program, "branches")
    answer = program.call("PATCH", f"/branches/{branch}", {"zone": "Europe/Lisbon"})
    assert (answer.status_code, reasons(answer)) == (409, {("zone-in-use", "zone")})


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"name": "Halle"}, 409, ("name-taken", "name")),
        ({"slug": "halle"}, 409, ("slug-taken", "slug")),
        ({"slug": "Keller!"}, 422, ("bad-slug", "slug")),
        ({"price_list": "Fantasie"}, 422, ("no-such-price-list", "price_list")),
        ({"most_people": 0}, 422, ("invalid", "most_people")),
        ({"colour": "red"}, 422, ("invalid", "colour")),
    ],
)
def test_a_room_that_cannot_be_is_refused_at_its_member(
    site: "Site", change: dict[str, Any], status: int, expected: tuple[str, str]
) -> None:
    program = site.api(Role.ADMIN)
    answer = program.post("/rooms", cellar(program, **change))
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert expected in reasons(answer)


def test_branches_are_made_changed_and_removed_while_they_are_empty(site: "Site") -> None:
    program = site.api(Role.ADMIN)
    made = program.post("/branches", BRANCH)
    assert (made.status_code, made.get_json()["name"]) == (201, "Süd")
    path = f"/branches/{made.get_json()['id']}"
    assert program.call("PATCH", path, {"city": "Bonn"}).get_json() == made.get_json() | {"city": "Bonn"}
    assert reasons(program.post("/branches", BRANCH | {"zone": "Mars"})) == {
        ("name-taken", "name"),
        ("no-zone", "zone"),
    }
    assert program.call("DELETE", path).status_code == 204
    assert program.call("DELETE", path).status_code == 404
    used = program.call("DELETE", f"/branches/{first_id(program, 'branches')}")
    assert (used.status_code, reasons(used)) == (409, {("branch-in-use", None)})


@pytest.mark.rule("S23")
def test_doors_are_made_with_their_lock_and_rooms_and_never_tell_a_code(site: "Site") -> None:
    program = site.api(Role.ADMIN)
    left, branch = room_id(site), first_id(program, "branches")
    body = {
        "name": "Hintertür",
        "branch": branch,
        "rooms": [left],
        "length": 4,
        "alphabet": "123456",
        "no_leading_zero": False,
    }
    made = program.post("/doors", body)
    assert made.status_code == 201, made.text
    assert (made.get_json()["rooms"], made.get_json()["codes"]) == ([left], 0)
    path = f"/doors/{made.get_json()['id']}"
    changed = program.call("PATCH", path, {"rooms": [], "forbidden_prefixes": ["12"]})
    assert changed.get_json() == made.get_json() | {"rooms": [], "forbidden_prefixes": ["12"]}
    small = program.call("PATCH", path, {"length": 3})
    assert (small.status_code, reasons(small)) == (422, {("format-too-small", "length")})
    assert program.call("DELETE", path).status_code == 204
    used = program.call("DELETE", f"/doors/{first_id(program, 'doors')}")
    assert (used.status_code, reasons(used)) == (409, {("door-has-rooms", "rooms")})
