"""A booking site that is blocked through a calendar, by program (SPEC Y8, X3)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from booking.reads.house import read_house
from booking.values.states import Role
from platzwart.peers.ycbm import Page, YcbmPeer
from tests.builders import build_house
from tests.web.site_peer import given
from tests.web.test_api import room_id

if TYPE_CHECKING:
    from tests.web.conftest import Caller, Site


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with YcbmPeer([Page("prf_a", "Hall A", "hall-a")]) as stand_in:
        yield stand_in


@pytest.fixture
def site(sqlite_url: str, make_site: Callable[..., "Site"], peer: YcbmPeer) -> "Site":
    return make_site(sqlite_url, ALLOW_PRIVATE_HOSTS=peer.netloc)


@pytest.fixture
def program(site: "Site") -> "Caller":
    return site.api(Role.ADMIN)


@pytest.fixture
def path(site: "Site", program: "Caller", peer: YcbmPeer) -> str:
    found = f"/sites/{program.post('/sites', given(peer)).get_json()['id']}"
    program.call("PUT", f"{found}/pages", {"pages": {"prf_a": room_id(site, site.ids.hall)}})
    return found


def link(site: "Site", program: "Caller", **changes: Any) -> str:
    given = {"name": "K", "kind": "CALDAV", "room": room_id(site, site.ids.hall), "policy": "EXPORT"}
    made = program.post("/calendar-links", given | {"url": "https://dav.example/hall/"} | changes)
    assert made.status_code == 201, made.text
    return str(made.get_json()["id"])


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


@pytest.mark.rule("Y8")
def test_the_way_is_chosen_and_the_proof_is_accepted_to_be_made(site: "Site", program: "Caller", path: str) -> None:
    made = link(site, program)
    chosen = program.call("PATCH", path, {"block_way": "calendar", "calendars": {"prf_a": made}})
    assert chosen.status_code == 200, chosen.text
    told = chosen.get_json()
    assert (told["block_way"], told["proven_at"]) == ("calendar", None)
    assert (told["calendars"]["prf_a"]["link"], told["calendars"]["prf_a"]["phase"]) == (made, "none")
    asked = program.post(f"{path}/prove")
    assert asked.status_code == 202, asked.text
    state = program.get(path).get_json()["calendars"]["prf_a"]
    assert state["phase"] == "asked"
    assert state["until"] is not None
    assert program.call("PATCH", path, {"name": "Kirche"}).get_json()["calendars"]["prf_a"]["phase"] == "asked"
    back = program.call("PATCH", path, {"block_way": "booking"}).get_json()
    assert (back["block_way"], back["calendars"]) == ("booking", {})


@pytest.mark.rule("Y8", "X8")
def test_what_does_not_fit_is_refused_and_nothing_of_the_call_is_done(
    site: "Site", program: "Caller", path: str
) -> None:
    only_reads = link(site, program, policy="IMPORT_BUSY")
    for calendars, code in (
        (None, "no-writing-link"),
        ({}, "no-writing-link"),
        ({"prf_a": only_reads}, "link-only-reads"),
    ):
        no = program.call("PATCH", path, {"name": "Anders", "block_way": "calendar", "calendars": calendars})
        assert (no.status_code, reasons(no)) == (422, {(code, "calendars")}), no.text
    told = program.get(path).get_json()
    assert (told["name"], told["block_way"], told["calendars"]) == ("Halle", "booking", {})


@pytest.mark.rule("R1")
def test_a_link_of_another_house_is_none_and_its_program_reaches_nothing(
    site: "Site", program: "Caller", path: str
) -> None:
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour = site.api(Role.ADMIN, other.organisation_id)
    with site.database.read() as db:
        their_hall = str(read_house(db, other.organisation_id).room(other.hall).public_id)
    foreign = link(site, neighbour, room=their_hall)
    no = program.call("PATCH", path, {"block_way": "calendar", "calendars": {"prf_a": foreign}})
    assert (no.status_code, reasons(no)) == (422, {("no-such-link", "calendars")})
    mine = {"block_way": "calendar", "calendars": {"prf_a": link(site, program)}}
    for caller, status in ((neighbour, 404), (site.api(Role.OFFICE), 403)):
        assert caller.call("PATCH", path, mine).status_code == status
        assert caller.post(f"{path}/prove").status_code == status
