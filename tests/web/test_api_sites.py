"""Linked booking sites by program, against a stand-in that speaks the protocol (SPEC Y2, Y8, Y9)."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from booking.tables.bookings import AuditEntry
from booking.tables.connections import Connection
from booking.tables.outgoing import IdempotencyKey
from booking.values.states import Role
from booking.values.tokens import hash_token
from platzwart.peers.ycbm import Page, YcbmPeer
from tests.builders import build_house
from tests.web.site_peer import given
from tests.web.test_api import room_id

if TYPE_CHECKING:
    from tests.web.conftest import Caller, Site


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with YcbmPeer([Page("prf_a", "Hall A", "hall-a"), Page("prf_b", "Hall B", "hall-b")]) as stand_in:
        yield stand_in


@pytest.fixture
def site(sqlite_url: str, make_site: Callable[..., "Site"], peer: YcbmPeer) -> "Site":
    return make_site(sqlite_url, ALLOW_PRIVATE_HOSTS=peer.netloc)


@pytest.fixture
def program(site: "Site") -> "Caller":
    return site.api(Role.ADMIN)


def row(site: "Site") -> Connection:
    with site.database.read() as db:
        return db.scalars(select(Connection)).one()


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


@pytest.mark.rule("Y2")
def test_key_and_secret_never_come_back_out(
    site: "Site", program: "Caller", peer: YcbmPeer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        made = program.post("/sites", given(peer), key="site")
    told = made.get_json()
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store"), made.text
    assert told["hook_url"].endswith(f"/hooks/ycbm/{told['id']}")
    assert row(site).hook_secret_hash == hash_token(told["secret"])
    again = program.post("/sites", given(peer), key="site")
    assert again.get_json() == told | {"secret": None}
    path = f"/sites/{told['id']}"
    renewed = program.post(f"{path}/secret").get_json()["secret"]
    assert row(site).hook_secret_hash == hash_token(renewed)
    told_later = "".join(program.get(where).text for where in ("/sites", path))
    told_later += program.call("PATCH", path, {"api_key": "another-key-4711"}).text
    with site.database.read() as db:
        kept = str([one.body for one in db.scalars(select(IdempotencyKey))])
        kept += str([(one.before, one.after) for one in db.scalars(select(AuditEntry))])
    for secret in (told["secret"], renewed, peer.api_key, "another-key-4711"):
        assert secret not in told_later + kept + caplog.text


@pytest.mark.rule("Y2", "Y8")
def test_pages_are_read_mapped_and_the_way_is_proven(site: "Site", program: "Caller", peer: YcbmPeer) -> None:
    path = f"/sites/{program.post('/sites', given(peer)).get_json()['id']}"
    pages = program.get(f"{path}/remote-pages").get_json()["pages"]
    assert [one["id"] for one in pages] == ["prf_a", "prf_b"]
    unproven = program.post(f"{path}/prove")
    assert (unproven.status_code, unproven.content_type) == (422, "application/problem+json")
    hall = room_id(site, site.ids.hall)
    mapped = program.call("PUT", f"{path}/pages", {"pages": {"prf_a": hall}})
    assert (mapped.status_code, mapped.get_json()["pages"]) == (200, {"prf_a": hall}), mapped.text
    chosen = program.call("PATCH", path, {"block_way": "booking", "writer": "there"})
    assert (chosen.status_code, chosen.get_json()["proven_at"]) == (200, None), chosen.text
    assert chosen.get_json()["name"] == "Halle"
    proven = program.post(f"{path}/prove")
    assert proven.status_code == 200, proven.text
    assert proven.get_json()["proven_at"] is not None
    other = program.call("PATCH", path, {"name": "Kirche"}).get_json()
    assert (other["name"], other["proven_at"]) == ("Kirche", proven.get_json()["proven_at"])
    for elsewhere in ({"account_id": "another"}, {"base_url": peer.base_url + "/other"}):
        no = program.call("PATCH", path, elsewhere)
        assert (no.status_code, reasons(no)) == (422, {("key-again", "api_key")}), "the stored key goes to no other"
        assert row(site).proven_at is not None
    moved = program.call("PATCH", path, {"account_id": "another", "api_key": "its own"})
    assert (moved.status_code, moved.get_json()["proven_at"]) == (200, None)


def test_a_site_is_paused_resumed_and_read_at_once(site: "Site", program: "Caller", peer: YcbmPeer) -> None:
    path = f"/sites/{program.post('/sites', given(peer)).get_json()['id']}"
    assert program.post(f"{path}/pause").get_json()["paused_at"] is not None
    assert program.post(f"{path}/resume").get_json()["paused_at"] is None
    assert program.post(f"{path}/poll").status_code == 200
    assert row(site).next_poll_at == site.now
    assert program.get(path).get_json()["deliveries"] == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"base_url": "http://example.org/v1"}, ("no-address", "base_url")),
        ({"base_url": "https://a:b@example.org/v1"}, ("no-address", "base_url")),
        ({"api_key": ""}, ("invalid", "api_key")),
        ({"account_id": " "}, ("invalid", "account_id")),
    ],
)
def test_what_cannot_be_reached_is_refused_at_its_member(
    program: "Caller", peer: YcbmPeer, change: dict[str, str], expected: tuple[str, str]
) -> None:
    answer = program.post("/sites", given(peer, **change))
    assert (answer.status_code, reasons(answer)) == (422, {expected})


def test_a_site_that_refuses_is_told_without_its_key(program: "Caller", peer: YcbmPeer) -> None:
    path = f"/sites/{program.post('/sites', given(peer, api_key='wrong-key-4711')).get_json()['id']}"
    answer = program.get(f"{path}/remote-pages")
    assert (answer.status_code, answer.content_type) == (502, "application/problem+json")
    assert "wrong-key-4711" not in answer.text


@pytest.mark.rule("Y4")
def test_a_look_that_comes_too_often_writes_nothing_and_heeds_the_pause_that_others_were_asked_for(
    site: "Site", program: "Caller", peer: YcbmPeer
) -> None:
    path = f"/sites/{program.post('/sites', given(peer)).get_json()['id']}"
    peer.control({"rate": [0, 30]})
    assert program.get(f"{path}/remote-pages").status_code == 502
    assert row(site).not_before is None
    later = site.now + timedelta(seconds=30)
    site.database.write(lambda db: db.execute(update(Connection).values(not_before=later)))
    asked = len(peer.requests)
    assert program.get(f"{path}/remote-pages").status_code == 502
    assert len(peer.requests) == asked


@pytest.mark.rule("R1")
def test_neither_the_office_nor_a_neighbour_reaches_the_sites(site: "Site", program: "Caller", peer: YcbmPeer) -> None:
    path = f"/sites/{program.post('/sites', given(peer)).get_json()['id']}"
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour, office = site.api(Role.ADMIN, other.organisation_id), site.api(Role.OFFICE)
    calls: list[tuple[str, str, Any]] = [
        ("GET", path, None),
        ("PATCH", path, {"name": "x"}),
        ("PUT", f"{path}/pages", {"pages": {}}),
        ("POST", f"{path}/secret", {}),
        ("POST", f"{path}/pause", {}),
        ("POST", f"{path}/resume", {}),
        ("POST", f"{path}/poll", {}),
        ("POST", f"{path}/prove", {}),
        ("GET", f"{path}/remote-pages", None),
    ]
    for method, where, body in calls:
        assert office.call(method, where, body).status_code == 403, where
        assert neighbour.call(method, where, body).status_code == 404, where
    assert neighbour.get("/sites").get_json() == {"sites": []}
    mine = room_id(site, site.ids.hall)
    theirs = neighbour.post("/sites", given(peer)).get_json()["id"]
    assert neighbour.call("PUT", f"/sites/{theirs}/pages", {"pages": {"prf_a": mine}}).status_code == 404
