"""Calendar links by program: what goes in, what never comes out, plans and what is bound to their hash."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from booking.tables.bookings import AuditEntry
from booking.tables.link_wishes import LinkWish
from booking.tables.links import CalendarLink
from booking.tables.outgoing import IdempotencyKey
from booking.values.links import LinkPolicy
from booking.values.states import OccupancyKind, Role
from tests.builders import build_house
from tests.sync.linked import World, event
from tests.sync.test_unwritten import refusing
from tests.web.office.linked import world_of
from tests.web.test_api import room_id
from workers.link_wishes import serve_all

if TYPE_CHECKING:
    from tests.web.conftest import Caller, Site

SECRETS = ("canary-path-0815", "canary-password-4711", "canary-password-4712")
ALL = 12


@pytest.fixture
def here(site_on_both: "Site") -> World:
    return world_of(site_on_both)


@pytest.fixture
def program(site_on_both: "Site") -> "Caller":
    return site_on_both.api(Role.ADMIN)


def given(site: "Site", **changes: Any) -> dict[str, Any]:
    good = {
        "name": "Pfarrkalender",
        "kind": "CALDAV",
        "room": room_id(site, site.ids.hall),
        "policy": "TWO_WAY",
        "url": f"https://dav.example/{SECRETS[0]}/",
        "user": "kirche",
        "password": SECRETS[1],
        "paused": True,
    }
    return good | changes


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


def linked(site: "Site", program: "Caller", here: World, **changes: Any) -> str:
    """A link made by the API; its path."""
    made = program.post("/calendar-links", given(site, **changes))
    assert made.status_code == 201, made.text
    (here.link_id,) = here.rows(select(CalendarLink.id))
    return f"/calendar-links/{made.get_json()['id']}"


def planned(program: "Caller", here: World, path: str) -> dict[str, Any]:
    asked = program.post(f"{path}/plans")
    assert (asked.status_code, asked.get_json()["ready"]) == (202, False), asked.text
    assert serve_all(here.engine) == 1
    told: dict[str, Any] = program.get(f"{path}/plans/{asked.get_json()['id']}").get_json()
    assert told["ready"]
    return told


@pytest.mark.rule("C6")
def test_password_and_secret_address_never_come_back_out(
    site_on_both: "Site", program: "Caller", caplog: pytest.LogCaptureFixture
) -> None:
    site = site_on_both
    with caplog.at_level(logging.DEBUG):
        ics = given(site, kind="ICS", policy="IMPORT", url=f"webcal://cal.example/{SECRETS[0]}.ics", paused=False)
        made = program.post("/calendar-links", ics, key="link")
        again = program.post("/calendar-links", ics, key="link")
        path = f"/calendar-links/{made.get_json()['id']}"
        changed = program.call("PATCH", path, {"password": SECRETS[2]})
    assert (made.status_code, changed.status_code) == (201, 200), made.text + changed.text
    assert again.get_json() == made.get_json()
    assert made.get_json()["address"] == "webcal://cal.example"
    told = made.text + changed.text + program.get("/calendar-links").text + program.get(path).text
    with site.database.read() as db:
        told += str([one.body for one in db.scalars(select(IdempotencyKey))])
        told += str([(one.before, one.after) for one in db.scalars(select(AuditEntry))])
        assert len(db.scalars(select(CalendarLink)).all()) == 1, "one call under one key"
    assert [one for one in SECRETS if one in told + caplog.text] == []


@pytest.mark.rule("C8")
def test_a_plan_is_made_by_a_worker_and_applied_by_its_hash(
    site_on_both: "Site", program: "Caller", here: World
) -> None:
    here.book(3)
    path = linked(site_on_both, program, here)
    plan = planned(program, here, path)
    assert [(one["kind"], one["side"], one["state"]) for one in plan["steps"]] == [("CREATE", "REMOTE", "PLANNED")]
    assert plan["steps"][0]["ours"]["starts_at"]
    assert here.remote.bodies == {}
    plans = f"{path}/plans/{plan['id']}"
    other = program.post(f"{plans}/apply", {"hash": "0" * 32})
    assert (other.status_code, reasons(other)) == (409, {("preview-changed", None)})
    asked = program.post(f"{plans}/apply", {"hash": plan["hash"]})
    assert (asked.status_code, asked.get_json()["kind"]) == (202, "APPLY"), asked.text
    assert serve_all(here.engine) == 1
    done = program.get(f"{path}/plans/{asked.get_json()['id']}").get_json()
    assert (done["run"]["outcome"], done["run"]["writes"]) == ("DONE", 1)
    assert len(here.remote.bodies) == 1
    assert program.get(path).get_json()["state"] == "PAUSED"


@pytest.mark.rule("C8", "C9")
def test_a_plan_that_changed_meanwhile_is_told_anew_and_not_applied(
    site_on_both: "Site", program: "Caller", here: World
) -> None:
    here.book(3)
    path = linked(site_on_both, program, here)
    plan = planned(program, here, path)
    here.book(4)
    asked = program.post(f"{path}/plans/{plan['id']}/apply", {"hash": plan["hash"]})
    assert serve_all(here.engine) == 1
    told = program.get(f"{path}/plans/{asked.get_json()['id']}").get_json()
    assert (told["run"]["outcome"], len(told["steps"])) == ("PLANNED", 2)
    assert told["hash"] != plan["hash"]
    assert here.remote.bodies == {}
    again = program.post(f"{path}/plans/{told['id']}/apply", {"hash": told["hash"]})
    assert again.status_code == 202
    serve_all(here.engine)
    assert len(here.remote.bodies) == 2


def test_who_asks_twice_for_a_plan_gets_the_one_that_waits(
    site_on_both: "Site", program: "Caller", here: World
) -> None:
    path = linked(site_on_both, program, here)
    first, second = (program.post(f"{path}/plans").get_json()["id"] for _ in range(2))
    assert first == second
    none = program.post(f"{path}/plans/{first}/apply", {"hash": "0" * 32})
    assert (none.status_code, reasons(none)) == (409, {("plan-not-ready", None)})
    assert len(here.rows(select(LinkWish))) == 1
    empty = planned(program, here, path)
    assert (empty["hash"], empty["steps"]) == ("", [])


@pytest.mark.rule("C9")
@pytest.mark.parametrize(("what", "left"), [("apply", 0), ("restore", ALL)])
def test_held_deletions_are_decided_by_the_hash_that_was_shown(
    site_on_both: "Site", program: "Caller", here: World, what: str, left: int
) -> None:
    here.connect(LinkPolicy.IMPORT)
    for index in range(ALL):
        here.put(event(f"x{index}", 5 + index))
    here.settle()
    for index in range(ALL):
        here.delete_theirs(f"x{index}")
    here.run()
    path = f"/calendar-links/{here.public_id}"
    held = program.get(path).get_json()["held_deletions"]
    assert (len(held["steps"]), held["why"]) == (ALL, "SHARE")
    no = program.post(f"{path}/held/{what}", {"hash": "f" * 32})
    assert (no.status_code, reasons(no)) == (409, {("preview-changed", None)})
    assert program.post(f"{path}/held/{what}", {"hash": held["hash"]}).status_code == 200
    here.now += timedelta(seconds=5)
    here.run()
    assert len(here.taken(OccupancyKind.EXTERNAL)) == left


def test_a_link_is_changed_paused_resumed_and_ended(site_on_both: "Site", program: "Caller", here: World) -> None:
    here.book(3)
    path = linked(site_on_both, program, here, paused=False)
    changed = program.call("PATCH", path, {"name": "Kalender der Gemeinde", "owners": {"TIME": "REMOTE"}})
    assert (changed.status_code, changed.get_json()["name"]) == (200, "Kalender der Gemeinde")
    whole = program.get(path).get_json()
    assert (whole["owners"], whole["months_ahead"], whole["policy"]) == ({"TIME": "REMOTE"}, 12, "TWO_WAY")
    assert program.post(f"{path}/pause").get_json()["state"] == "PAUSED"
    assert program.post(f"{path}/resume").get_json()["state"] == "ACTIVE"
    here.settle()
    assert program.get(path).get_json()["items"] == 1
    here.now += timedelta(minutes=1)
    assert program.post(f"{path}/look").status_code == 200
    ending = program.call("DELETE", f"{path}?remove_written=true")
    assert (ending.status_code, ending.get_json()["state"]) == (202, "UNLINKING")
    late = program.post(f"{path}/plans")
    assert (late.status_code, reasons(late)) == (409, {("unlinking", None)})
    here.run()
    assert here.remote.bodies == {}
    assert program.get(path).status_code == 404
    other = linked(site_on_both, program, here)
    program.post(f"{other}/plans")
    assert program.call("DELETE", other).status_code == 204
    assert program.get("/calendar-links").get_json() == {"links": []}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"url": "http://dav.example/x"}, ("no-calendar-address", "url")),
        ({"url": "https://a:b@dav.example/x"}, ("no-calendar-address", "url")),
        ({"url": "file:///etc/passwd"}, ("no-calendar-address", "url")),
        ({"url": "https://dav.example:99999/x"}, ("no-calendar-address", "url")),
        ({"url": "https://dav exam.ple/x"}, ("no-calendar-address", "url")),
        ({"url": "https://dav.example:5232/x"}, ("calendar-port", "url")),
        ({"kind": "ICS"}, ("only-read", "policy")),
        ({"limits": {"least": 2_000}}, ("out-of-range", "least")),
        ({"months_ahead": 0}, ("invalid", "months_ahead")),
    ],
)
def test_what_cannot_be_is_refused_at_its_member(
    site: "Site", change: dict[str, Any], expected: tuple[str, str]
) -> None:
    answer = site.api(Role.ADMIN).post("/calendar-links", given(site, **change))
    assert (answer.status_code, reasons(answer)) == (422, {expected}), answer.text
    assert not [one for one in answer.get_json()["reasons"] if one["message"].rstrip().endswith(":")]


@pytest.mark.rule("C6")
def test_a_stored_password_goes_to_no_other_server_or_user(site: "Site") -> None:
    program = site.api(Role.ADMIN)
    path = f"/calendar-links/{program.post('/calendar-links', given(site)).get_json()['id']}"
    for elsewhere in ({"url": "https://evil.example/"}, {"user": "another"}):
        no = program.call("PATCH", path, elsewhere)
        assert (no.status_code, reasons(no)) == (422, {("password-again", "password")})
    same = program.call("PATCH", path, {"url": "https://dav.example/other/"})
    assert (same.status_code, same.get_json()["address"]) == (200, "https://dav.example/other/"), same.text
    assert program.call("PATCH", path, {"url": "https://new.example/", "password": "its own"}).status_code == 200


@pytest.mark.rule("R1")
def test_neither_the_office_nor_a_neighbour_reaches_the_links(site: "Site", make_site: Callable[..., "Site"]) -> None:
    program = site.api(Role.ADMIN)
    path = f"/calendar-links/{program.post('/calendar-links', given(site)).get_json()['id']}"
    plan = f"{path}/plans/{program.post(f'{path}/plans').get_json()['id']}"
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour, office = site.api(Role.ADMIN, other.organisation_id), site.api(Role.OFFICE)
    shown = {"hash": "0" * 32}
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/pause", {}),
        ("POST", f"{path}/resume", {}),
        ("POST", f"{path}/look", {}),
        ("POST", f"{path}/plans", {}),
        ("GET", plan, None),
        ("POST", f"{plan}/apply", shown),
        ("POST", f"{path}/held/apply", shown),
        ("POST", f"{path}/held/restore", shown),
    ]
    for method, where, body in calls:
        assert neighbour.call(method, where, body).status_code == 404, where
        assert office.call(method, where, body).status_code == 403, where
    assert neighbour.get("/calendar-links").get_json() == {"links": []}
    assert neighbour.post("/calendar-links", given(site)).status_code == 404, "a room of another house"
    assert program.get(path).get_json()["name"] == "Pfarrkalender"


@pytest.mark.rule("C10", "C15")
def test_what_the_calendar_does_not_take_is_told_as_a_problem_and_counted(
    site_on_both: "Site", program: "Caller", here: World
) -> None:
    path = linked(site_on_both, program, here, paused=False)
    here.run()
    before = program.get(path).get_json()["last_success_at"]
    here.book(5)
    refusing(here, "auth")
    here.now += timedelta(minutes=10)
    here.run()
    told = program.get(path).get_json()
    assert (told["state"], told["problem"], told["last_success_at"]) == ("ACTIVE", "unwritten", before)
    assert told["problem_text"]
    assert (told["unwritten"], told["resting"], told["items"]) == (1, 1, 0)
    assert [run["problem"] for run in told["runs"]] == ["unwritten", ""]
