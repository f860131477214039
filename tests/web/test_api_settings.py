"""The administration by program: log, staff, tokens, prices, days, feeds; nobody below it gets in (R1, R2, X5, X12)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.reads.house import read_house
from booking.tables.bookings import AuditEntry
from booking.tables.outgoing import IdempotencyKey
from booking.tables.people import Staff
from booking.values.states import Role
from tests.builders import build_house
from tests.web.conftest import PASSWORD, Caller
from tests.web.test_api import room_id, wish

if TYPE_CHECKING:
    from tests.web.conftest import Site

NEW = {"name": "Frau Neu", "email": "neu@kirche.example", "role": "office", "password": "ein langes Passwort"}
LIST = {"name": "Vereine", "vat_basis_points": 1900, "exemption": None, "minimum_cents": 0}
PRICE = {
    "name": "Abend",
    "cents": 6000,
    "per_hour": True,
    "weekdays": [0, 4],
    "from_time": "18:00",
    "to_time": "00:00",
    "season": None,
    "rank": 1,
}
SEASON = {"name": "Sommer", "first_day": "2027-04-01", "last_day": "2027-09-30"}
CLOSING = {
    "first_day": "2026-12-24",
    "last_day": "2026-12-26",
    "reason": "Weihnachten",
    "room": None,
    "closes_rooms": True,
    "closes_office": False,
}


@pytest.fixture
def program(site: "Site") -> Caller:
    return site.api(Role.ADMIN)


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


def member(program: Caller, role: str) -> str:
    found = next(one for one in program.get("/staff").get_json()["staff"] if one["role"] == role)
    return f"/staff/{found['id']}"


UNKNOWN = UUID(int=7)
CALLS = [
    ("GET", "/audit"),
    ("GET", "/staff"),
    ("POST", "/staff"),
    ("POST", f"/staff/{UNKNOWN}/role"),
    ("POST", f"/staff/{UNKNOWN}/password"),
    ("POST", f"/staff/{UNKNOWN}/disable"),
    ("POST", f"/staff/{UNKNOWN}/enable"),
    ("GET", "/roles"),
    ("GET", "/api-tokens"),
    ("POST", "/api-tokens"),
    ("DELETE", f"/api-tokens/{UNKNOWN}"),
    ("GET", "/price-lists"),
    ("POST", "/price-lists"),
    ("PUT", f"/price-lists/{UNKNOWN}"),
    ("POST", f"/price-lists/{UNKNOWN}/prices"),
    ("PUT", f"/price-lists/{UNKNOWN}/prices/{UNKNOWN}"),
    ("DELETE", f"/price-lists/{UNKNOWN}/prices/{UNKNOWN}"),
    ("GET", "/seasons"),
    ("POST", "/seasons"),
    ("PUT", f"/seasons/{UNKNOWN}"),
    ("DELETE", f"/seasons/{UNKNOWN}"),
    ("GET", "/closings"),
    ("POST", "/closings"),
    ("PUT", f"/closings/{UNKNOWN}"),
    ("DELETE", f"/closings/{UNKNOWN}"),
    ("GET", f"/rooms/{UNKNOWN}/hours"),
    ("PUT", f"/rooms/{UNKNOWN}/hours"),
    ("GET", "/work-hours"),
    ("PATCH", "/work-hours"),
]


@pytest.mark.rule("R1", "R2")
def test_the_administration_is_for_nobody_below_it(site: "Site", program: Caller) -> None:
    for role in (Role.OFFICE, Role.DESK):
        caller = site.api(role)
        assert {path: caller.call(method, path, {}).status_code for method, path in CALLS} == {
            path: 403 for _, path in CALLS
        }
    assert {program.call(method, path, {}).status_code for method, path in CALLS} <= {200, 404, 422}


@pytest.mark.rule("X5")
def test_the_log_is_read_page_by_page_and_tells_no_inner_key(site: "Site", program: Caller) -> None:
    made = site.api().post("/requests", wish(site, days=1)).get_json()
    site.now += timedelta(minutes=1)
    assert site.api().post("/desk/search", {"q": made["code"]}).status_code == 200
    assert program.call("PUT", f"/rooms/{room_id(site)}/hours", {"hours": []}).status_code == 200
    whole = program.get("/audit").get_json()["entries"]
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = program.get("/audit", query_string=query).get_json()
        seen += page["entries"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == whole
    assert len(whole) == len(set(map(str, whole))) > 4
    search = next(one for one in whole if one["action"] == "searched")
    assert (search["actor"], search["after"]) == ("api:office", {"by": "code", "found": 1})
    only = program.get("/audit", query_string={"actor": "api:office", "subject": "desk"}).get_json()["entries"]
    assert only == [search]
    stretch = {"from": (site.now + timedelta(hours=1)).isoformat(), "to": (site.now + timedelta(hours=2)).isoformat()}
    assert program.get("/audit", query_string=stretch).get_json()["entries"] == []
    assert reasons(program.get("/audit", query_string={"from": stretch["from"]})) == {("missing", "to")}


@pytest.mark.rule("X5")
def test_the_office_reads_the_log_of_one_booking_and_of_one_customer(site: "Site") -> None:
    caller = site.api()
    made = caller.post("/requests", wish(site)).get_json()
    other = caller.post("/requests", wish(site, days=4)).get_json()
    entries = caller.get(f"/bookings/{made['id']}/audit").get_json()["entries"]
    assert {one["record"]["id"] for one in entries} == {made["id"]} != {other["id"]}
    customer = caller.get("/customers").get_json()["customers"][0]["id"]
    assert caller.call("PUT", f"/customers/{customer}/discount", {"percent": 5, "note": "x"}).status_code == 200
    [entry] = caller.get(f"/customers/{customer}/audit").get_json()["entries"]
    assert (entry["action"], entry["after"]["percent"]) == ("discount", 5)
    assert site.api(Role.DESK).get(f"/bookings/{made['id']}/audit").status_code == 403
    neighbour = site.database.write(lambda db: build_house(db, slug="nachbar")).organisation_id
    assert site.api(organisation_id=neighbour).get(f"/bookings/{made['id']}/audit").status_code == 404
    assert site.api(Role.ADMIN, neighbour).get("/audit").get_json()["entries"][-1]["actor"] == "system"
    assert made["code"] not in site.api(Role.ADMIN, neighbour).get("/audit").text


@pytest.mark.rule("R2")
def test_staff_is_made_changed_and_let_go(site: "Site", program: Caller) -> None:
    made = program.post("/staff", NEW, key="new")
    assert made.status_code == 201, made.text
    assert program.post("/staff", NEW, key="new").get_json() == made.get_json()
    twice = program.post("/staff", NEW)
    assert (twice.status_code, reasons(twice)) == (409, {("email-taken", None)})
    path = f"/staff/{made.get_json()['id']}"
    assert site.client().log_in(NEW["email"], NEW["password"]).status_code == 302
    assert program.post(f"{path}/role", {"role": "desk"}).get_json()["role"] == "desk"
    assert program.post(f"{path}/password", {"password": "ein anderes Passwort"}).status_code == 200
    assert site.client().log_in(NEW["email"], NEW["password"]).status_code != 302
    assert program.post(f"{path}/disable").get_json()["disabled_at"] is not None
    assert site.client().log_in(NEW["email"], "ein anderes Passwort").status_code != 302
    assert program.post(f"{path}/enable").get_json()["disabled_at"] is None
    assert site.client().log_in(NEW["email"], "ein anderes Passwort").status_code == 302
    with site.database.read() as db:
        stored = str([one.body for one in db.scalars(select(IdempotencyKey))])
        stored += str([one.after for one in db.scalars(select(AuditEntry))])
    assert "Passwort" not in stored
    assert reasons(program.post("/staff", NEW | {"email": "b@c.de", "password": "kurz"})) == {("invalid", "password")}


@pytest.mark.rule("R2")
def test_the_administrations_token_makes_no_owner_and_touches_none(site: "Site", program: Caller) -> None:
    owner, office = member(program, "owner"), member(program, "office")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("/staff", NEW | {"role": "owner"}),
        (f"{office}/role", {"role": "owner"}),
        (f"{owner}/role", {"role": "office"}),
        (f"{owner}/password", {"password": PASSWORD}),
        (f"{owner}/disable", {}),
        ("/api-tokens", {"name": "x", "role": "owner"}),
    ]
    for path, body in calls:
        answer = program.post(path, body)
        assert (answer.status_code, reasons(answer)) == (422, {("only-owners", None)}), path
    last = site.api(Role.OWNER).post(f"{owner}/disable")
    assert (last.status_code, reasons(last)) == (409, {("last-owner", None)})
    with site.database.read() as db:
        assert [one.role for one in db.scalars(select(Staff).where(Staff.role == Role.OWNER))] == [Role.OWNER]


@pytest.mark.rule("R1")
def test_the_table_of_roles_is_told_as_it_is_in_code(program: Caller) -> None:
    roles = {one["role"]: one["may"] for one in program.get("/roles").get_json()["roles"]}
    assert roles["desk"] == {"doors.read": "doors", "desk.find": "doors", "desk.issue": "doors"}
    assert "settings" not in roles["office"]


@pytest.mark.rule("X3")
def test_a_token_is_told_once_works_and_is_revoked(site: "Site", program: Caller) -> None:
    made = program.post("/api-tokens", {"name": "website", "role": "office"}, key="web")
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    told = made.get_json()
    again = program.post("/api-tokens", {"name": "website", "role": "office"}, key="web").get_json()
    assert again == told | {"token": None}
    caller = Caller(site.app.test_client(), told["token"])
    assert caller.get("/rooms").status_code == 200
    listed = program.get("/api-tokens")
    assert told["token"] not in listed.text
    assert next(one for one in listed.get_json()["tokens"] if one["id"] == told["id"])["made_by"] == "api:admin"
    path = f"/api-tokens/{told['id']}"
    assert [program.call("DELETE", path).status_code for _ in range(2)] == [204, 204]
    assert caller.get("/rooms").status_code == 401
    site.token(Role.OWNER)
    owners = next(one for one in program.get("/api-tokens").get_json()["tokens"] if one["role"] == "owner")
    assert program.call("DELETE", f"/api-tokens/{owners['id']}").status_code == 422


@pytest.mark.rule("S25")
def test_prices_are_made_changed_and_removed(site_on_both: "Site") -> None:
    program = site_on_both.api(Role.ADMIN)
    made = program.post("/price-lists", LIST, key="list")
    empty = {"id": made.get_json()["id"], "rooms": [], "prices": [], "extras": []}
    assert (made.status_code, made.get_json()) == (201, LIST | empty)
    assert program.post("/price-lists", LIST, key="list").get_json() == made.get_json()
    path = f"/price-lists/{made.get_json()['id']}"
    [price] = program.post(f"{path}/prices", PRICE).get_json()["prices"]
    assert price == PRICE | {"id": price["id"], "group": None}
    changed = program.call("PUT", f"{path}/prices/{price['id']}", PRICE | {"cents": 7000}).get_json()
    assert [one["cents"] for one in changed["prices"]] == [7000]
    free = program.call("PUT", path, LIST | {"vat_basis_points": 0})
    assert (free.status_code, reasons(free)) == (422, {("no-exemption-reason", "exemption")})
    renamed = program.call("PUT", path, LIST | {"name": "Klubs"}).get_json()
    assert (renamed["name"], len(renamed["prices"])) == ("Klubs", 1)
    others = next(one for one in program.get("/price-lists").get_json()["price_lists"] if one["name"] == "Preise")
    assert others["rooms"] == ["Halle", "Halle links", "Halle rechts"]
    assert program.call("DELETE", f"/price-lists/{others['id']}/prices/{price['id']}").status_code == 404
    assert program.call("DELETE", f"{path}/prices/{price['id']}").status_code == 204
    assert program.call("DELETE", f"{path}/prices/{price['id']}").status_code == 404
    assert program.post(f"{path}/prices", PRICE | {"from_time": "24:00"}).status_code == 422


@pytest.mark.rule("S8")
def test_seasons_and_closing_days_are_kept_and_take_effect_at_once(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    season = program.post("/seasons", SEASON).get_json()
    assert season == SEASON | {"id": season["id"]}
    assert season in program.get("/seasons").get_json()["seasons"]
    turned = program.call("PUT", f"/seasons/{season['id']}", SEASON | {"last_day": "2027-03-01"})
    assert (turned.status_code, reasons(turned)) == (422, {("ends-before-begin", "last_day")})
    hours = {"season": season["id"], "hours": [{"weekday": 0, "opens": "10:00", "closes": "12:00"}]}
    kept = program.call("PUT", f"/rooms/{room_id(site)}/hours", hours)
    assert (kept.status_code, kept.get_json()["opening"][-1]) == (200, hours), kept.text
    assert program.get(f"/rooms/{room_id(site)}/hours").get_json() == kept.get_json()
    used = program.call("DELETE", f"/seasons/{season['id']}")
    assert (used.status_code, reasons(used)) == (409, {("season-in-use", None)})
    assert program.call("PUT", f"/rooms/{room_id(site)}/hours", hours | {"hours": []}).status_code == 200
    assert program.call("DELETE", f"/seasons/{season['id']}").status_code == 204
    closing = program.post("/closings", CLOSING | {"room": room_id(site)}).get_json()
    assert program.get("/closings").get_json() == {"closings": [closing]}
    with site.database.read() as db:
        room = read_house(db, site.ids.organisation_id).room(site.ids.left)
    assert [one.reason for one in room.closings] == ["Weihnachten"]
    path = f"/closings/{closing['id']}"
    assert program.call("PUT", path, CLOSING).get_json()["room"] is None
    nothing = program.call("PUT", path, CLOSING | {"closes_rooms": False})
    assert (nothing.status_code, reasons(nothing)) == (422, {("closes-nothing", "closes_rooms")})
    assert [program.call("DELETE", path).status_code for _ in range(2)] == [204, 404]


@pytest.mark.rule("S14")
def test_working_hours_of_which_one_part_is_wrong_change_nothing(program: Caller) -> None:
    before = program.get("/work-hours").get_json()
    line = {"weekday": 2, "opens": "09:00", "closes": "12:00"}
    wrong = program.call("PATCH", "/work-hours", {"office": [line], "desk": [line, line | {"opens": "11:00"}]})
    assert (wrong.status_code, reasons(wrong)) == (422, {("hours-overlap", "desk-2")})
    assert program.get("/work-hours").get_json() == before
    changed = program.call("PATCH", "/work-hours", {"office": [line]})
    assert changed.get_json() == {"office": [line], "desk": before["desk"]}
    assert program.get("/work-hours").get_json() == changed.get_json()


@pytest.mark.rule("C1")
def test_feeds_are_listed_without_their_address_renamed_and_rotated(site: "Site") -> None:
    program = site.api()
    made = program.post("/feeds", {"kind": "office", "name": "Büro"}).get_json()
    listed = program.get("/feeds")
    assert [one["id"] for one in listed.get_json()["feeds"]] == [made["id"]]
    secret = made["url"].rpartition("/")[2]
    assert secret not in listed.text
    path = f"/feeds/{made['id']}"
    assert program.get(path).get_json()["url"] == made["url"]
    assert program.call("PATCH", path, {"name": "Alle Räume"}).get_json()["name"] == "Alle Räume"
    turned = program.post(f"{path}/rotate", key="turn")
    assert turned.get_json()["url"] not in {made["url"], None}
    assert program.post(f"{path}/rotate", key="turn").get_json() == turned.get_json()
    with site.database.read() as db:
        stored = str([one.body for one in db.scalars(select(IdempotencyKey))])
    assert turned.get_json()["url"].rpartition("/")[2] not in stored
    assert program.call("DELETE", path).status_code == 204
    gone = program.post(f"{path}/rotate")
    assert (gone.status_code, reasons(gone)) == (409, {("feed-revoked", None)})
    assert program.get(path).get_json()["url"] is None


def test_a_neighbours_settings_do_not_exist(site: "Site", program: Caller) -> None:
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour = site.api(Role.ADMIN, other.organisation_id)
    prices = program.get("/price-lists").get_json()["price_lists"][0]
    season, closing = program.post("/seasons", SEASON).get_json(), program.post("/closings", CLOSING).get_json()
    tokens = program.get("/api-tokens").get_json()["tokens"]
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"{member(program, 'office')}/disable", {}),
        ("DELETE", f"/api-tokens/{tokens[0]['id']}", None),
        ("PUT", f"/price-lists/{prices['id']}", LIST),
        ("POST", f"/price-lists/{prices['id']}/prices", PRICE),
        ("PUT", f"/seasons/{season['id']}", SEASON),
        ("DELETE", f"/seasons/{season['id']}", None),
        ("PUT", f"/closings/{closing['id']}", CLOSING),
        ("DELETE", f"/closings/{closing['id']}", None),
        ("POST", "/closings", CLOSING | {"room": room_id(site)}),
        ("GET", f"/rooms/{room_id(site)}/hours", None),
        ("PUT", f"/rooms/{room_id(site)}/hours", {"hours": []}),
    ]
    for method, path, body in calls:
        assert neighbour.call(method, path, body).status_code == 404, path
    crossed = neighbour.get("/price-lists").get_json()["price_lists"][0]["id"]
    assert neighbour.post(f"/price-lists/{crossed}/prices", PRICE | {"season": season["id"]}).status_code == 404
