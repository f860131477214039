"""Set-up of YouCanBook.me, against a stand-in that speaks its protocol (SPEC Y2, Y8, Y9)."""

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.reads.house import read_house
from booking.rules.sites import Heard, Step
from booking.tables.bookings import AuditEntry
from booking.tables.connections import BlockWay, Connection, ConnectionRoom, HookDelivery, RemoteBooking, Writer
from booking.values.slot import Slot
from booking.values.states import Role
from outside.ycbm import YcbmClient
from outside.ycbm_values import RemoteBooking as Standing
from platzwart.peers.ycbm import Page, YcbmPeer
from tests.builders import request, slot_in
from tests.neighbours import add_neighbour, log_in_at
from tests.web.site_peer import given
from web.site_words import heard

if TYPE_CHECKING:
    from tests.web.conftest import Site, Visitor

HOME = "/office/sites"
LINE_OF_SECRET = re.compile(r'data-copy="([\w-]{43})"')


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with YcbmPeer([Page("prf_a", "Hall A", "hall-a"), Page("prf_b", "Hall B", "hall-b")]) as stand_in:
        yield stand_in


@pytest.fixture
def site(sqlite_url: str, make_site: Callable[..., "Site"], peer: YcbmPeer) -> "Site":
    return make_site(sqlite_url, ALLOW_PRIVATE_HOSTS=peer.netloc)


@pytest.fixture
def owner(site: "Site") -> "Visitor":
    return site.logged_in(Role.OWNER)


def connect(owner: "Visitor", peer: YcbmPeer, **changes: str) -> tuple[str, str]:
    """Make a connection; returns the path of its page and the secret that was shown."""
    answer = owner.post(f"{HOME}/new", given(peer, **changes), of=f"{HOME}/new")
    assert answer.status_code == 200, answer.text
    path = re.search(r'href="(/office/sites/[0-9a-f-]{36})"', answer.text)
    secret = LINE_OF_SECRET.search(answer.text)
    assert path is not None
    assert secret is not None
    return path[1], secret[1]


def map_hall(site: "Site", owner: "Visitor", path: str) -> None:
    with site.database.read() as db:
        hall = read_house(db, site.ids.organisation_id).room(site.ids.hall).public_id
    answer = owner.post(f"{path}/pages", {"page": ["prf_a", ""], "room": [str(hall), ""]}, of=path)
    assert answer.status_code == 302


def row(site: "Site") -> Connection:
    with site.database.read() as db:
        return db.scalars(select(Connection)).one()


@pytest.mark.rule("Y2")
def test_the_templates_to_paste_are_printed_with_own_address_and_secret(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    answer = owner.post(f"{HOME}/new", given(peer), of=f"{HOME}/new")
    page = html.unescape(answer.text)
    public_id = row(site).public_id
    assert f"http://localhost/hooks/ycbm/{public_id}" in page
    assert "X-Platzwart-Secret" in page
    for event in ("made", "rescheduled", "cancelled", "no-show"):
        assert f'"event": "{event}"' in page
    assert page.count('"ref": "{REF}"') >= 4
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    secret = LINE_OF_SECRET.search(page)
    assert secret is not None
    hook = site.client().client.post(f"/hooks/ycbm/{public_id}", data=b"{}", headers={"X-Platzwart-Secret": secret[1]})
    assert hook.status_code == 202, "what is shown is what is asked for"


@pytest.mark.rule("Y2")
def test_key_and_secret_are_shown_nowhere_again(
    site: "Site", owner: "Visitor", peer: YcbmPeer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    path, secret = connect(owner, peer)
    map_hall(site, owner, path)
    owner.post(f"{path}/profiles", of=path)
    owner.post(f"{path}/prove", of=path)
    bad = owner.post(f"{path}/access", given(peer, name="", api_key="another-canary-key"), of=path)
    assert bad.status_code == 422
    pages = [owner.get(HOME).text, owner.get(path).text, owner.get(f"{HOME}/new").text, bad.text]
    with site.database.read() as db:
        told = " ".join(f"{entry.before}{entry.after}" for entry in db.scalars(select(AuditEntry)))
    for hidden in (peer.api_key, secret, "another-canary-key"):
        assert not [page for page in pages if hidden in page]
        assert hidden not in told
        assert hidden not in caplog.text


@pytest.mark.rule("Y2")
def test_a_new_secret_ends_the_former(site: "Site", owner: "Visitor", peer: YcbmPeer) -> None:
    path, former = connect(owner, peer)
    answer = owner.post(f"{path}/secret", of=path)
    fresh = LINE_OF_SECRET.search(answer.text)
    assert fresh is not None
    caller = site.client().client
    url = f"/hooks/ycbm/{row(site).public_id}"
    assert caller.post(url, data=b"{}", headers={"X-Platzwart-Secret": former}).status_code == 401
    assert caller.post(url, data=b"{}", headers={"X-Platzwart-Secret": fresh[1]}).status_code == 202


def test_the_connection_test_lists_the_pages_to_choose_rooms_for(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    path, _ = connect(owner, peer)
    page = owner.post(f"{path}/profiles", of=path)
    assert page.status_code == 200
    for known in ("prf_a", "Hall A", "prf_b", "Hall B"):
        assert known in page.text
    map_hall(site, owner, path)
    with site.database.read() as db:
        mapped = db.scalars(select(ConnectionRoom)).one()
    assert (mapped.profile_id, mapped.room_id) == ("prf_a", site.ids.hall)


def test_a_wrong_key_and_a_site_that_is_away_are_told_apart(site: "Site", owner: "Visitor", peer: YcbmPeer) -> None:
    path, _ = connect(owner, peer, api_key="wrong")
    denied = owner.post(f"{path}/profiles", of=path)
    assert denied.status_code == 502
    assert "Kontonummer oder API-Schlüssel" in denied.text
    peer.stop()
    away = owner.post(f"{path}/profiles", of=path)
    assert "nicht erreichbar" in away.text


@pytest.mark.rule("Y8")
def test_the_way_is_proven_by_a_test_time_that_leaves_nothing_behind(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    path, _ = connect(owner, peer)
    map_hall(site, owner, path)
    assert row(site).proven_at is None
    assert "noch nicht nachgewiesen" in owner.get(path).text
    assert owner.post(f"{path}/prove", of=path).status_code == 302
    assert row(site).proven_at == site.now
    assert not [one for one in peer.bookings if not one.get("cancelled")]
    with site.database.read() as db:
        block = db.scalars(select(RemoteBooking)).one()
    assert (block.ours, block.cancelled, block.booking_id) == (True, True, None)
    assert block.ends_at - block.starts_at == timedelta(hours=1)
    assert block.starts_at > site.now + timedelta(days=13)
    assert "Nachgewiesen." in owner.get(path).text


@pytest.mark.rule("Y8")
def test_the_test_time_is_known_as_ours_before_it_stands_there(
    site: "Site", owner: "Visitor", peer: YcbmPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = connect(owner, peer)
    map_hall(site, owner, path)
    known: list[tuple[bool, str]] = []
    real = YcbmClient.create_block

    def create(client: YcbmClient, page: str, slot: Slot, zone: ZoneInfo, title: str, mark: str = "") -> Standing:
        with site.database.read() as db:
            known.extend((one.ours, one.remote_id) for one in db.scalars(select(RemoteBooking)))
        standing = real(client, page, slot, zone, title, mark)
        assert known == [(True, f"test-{mark.partition('.')[0]}")]
        return standing

    monkeypatch.setattr(YcbmClient, "create_block", create)
    assert owner.post(f"{path}/prove", of=path).status_code == 302
    peer.control({"failing": 1, "fail_status": 409})
    owner.post(f"{path}/prove", of=path)
    with site.database.read() as db:
        assert len(db.scalars(select(RemoteBooking)).all()) == 1, "after a plain no nothing is left of the second"


@pytest.mark.rule("Y2")
def test_another_address_asks_for_the_key_again(site: "Site", owner: "Visitor", peer: YcbmPeer) -> None:
    path, _ = connect(owner, peer)
    before = row(site)
    no = owner.post(f"{path}/access", given(peer, base_url=f"{peer.base_url}/other", api_key=""), of=path)
    assert no.status_code == 422
    assert "Bitte geben Sie den API-Schlüssel erneut ein" in no.text
    assert row(site).base_url == before.base_url
    assert owner.post(f"{path}/access", given(peer, name="Neu", api_key=""), of=path).status_code == 302


@pytest.mark.rule("X1")
def test_what_the_site_answered_last_is_told_in_words(site: "Site", owner: "Visitor", peer: YcbmPeer) -> None:
    path, _ = connect(owner, peer)

    def fail(db: Session) -> None:
        connection = db.scalars(select(Connection)).one()
        connection.failures, connection.last_error = 2, "SiteThrottled"

    site.database.write(fail)
    page = owner.get(path).text
    assert "SiteThrottled" not in page
    with site.app.test_request_context("/"):
        words = {heard(code) for code in (*Step, *Heard)}
    assert words.isdisjoint({*Step, *Heard})


@pytest.mark.rule("Y8")
def test_the_test_time_keeps_out_of_the_way_of_what_is_booked_here(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    def book(db: Session) -> None:
        request(db, site.now, site.context.tools, site.ids, site.ids.left, slot_in(14, 8, 10))

    site.database.write(book)
    path, _ = connect(owner, peer)
    map_hall(site, owner, path)
    owner.post(f"{path}/prove", of=path)
    with site.database.read() as db:
        assert db.scalars(select(RemoteBooking.starts_at)).one() == slot_in(14, 10, 11).start


@pytest.mark.rule("Y8")
def test_a_way_that_fails_stays_unproven_and_says_why(site: "Site", owner: "Visitor", peer: YcbmPeer) -> None:
    path, _ = connect(owner, peer)
    nothing_mapped = owner.post(f"{path}/prove", of=path)
    assert nothing_mapped.status_code == 422
    assert "Wählen Sie zuerst die Seiten" in nothing_mapped.text
    map_hall(site, owner, path)
    peer.control({"failing": True})
    failed = owner.post(f"{path}/prove", of=path)
    assert failed.status_code == 422
    assert "Nicht nachgewiesen." in failed.text
    assert row(site).proven_at is None
    peer.control({"failing": False})
    assert owner.post(f"{path}/prove", of=path).status_code == 302, "a failure leaves no lease behind"


@pytest.mark.rule("Y4", "Y8")
def test_a_site_that_was_asked_too_often_is_left_alone_until_the_moment_that_it_named(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    path, _ = connect(owner, peer)
    map_hall(site, owner, path)
    peer.control({"rate": [1, 30]})
    begun = owner.post(f"{path}/prove", of=path)
    assert "Bitte sehen Sie dort nach" in begun.text, "it was made, although it could not be read again"
    with site.database.read() as db:
        assert db.scalars(select(RemoteBooking.ours)).all() == [True], "so it is known as ours"
    until, asked = row(site).not_before, len(peer.requests)
    assert until is not None
    assert row(site).next_poll_at >= until > site.now
    for page in ("prove", "profiles"):
        assert "zu oft" in owner.post(f"{path}/{page}", of=path).text
    assert len(peer.requests) == asked
    elsewhere = given(peer, account_id="another")
    assert owner.post(f"{path}/access", elsewhere, of=path).status_code == 302
    assert row(site).not_before is None, "who moves to another account was asked for nothing there"


@pytest.mark.rule("Y9")
def test_who_writes_is_chosen_and_the_page_says_what_to_switch_off(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    path, _ = connect(owner, peer)
    page = owner.get(path).text
    assert "Schalten Sie dort für jede Buchungsseite ab" in page
    assert row(site).writer is Writer.HERE
    assert owner.post(f"{path}/ways", {"writer": "there", "block_way": "none"}, of=path).status_code == 302
    assert (row(site).writer, row(site).block_way) == (Writer.THERE, BlockWay.NONE)
    for bad in ({"writer": "both", "block_way": "none"}, {"writer": "here", "block_way": "calendar"}, {}):
        assert owner.post(f"{path}/ways", bad, of=path).status_code == 422, bad
    assert row(site).writer is Writer.THERE


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("account_id", " "),
        ("api_key", ""),
        ("base_url", ""),
        ("base_url", "http://site.example/v1"),
        ("base_url", "https://user:pass@site.example/v1"),
        ("base_url", "https://[::1"),
        ("base_url", "javascript:alert(1)"),
        ("base_url", "https://site.example/v1?key=1"),
    ],
)
def test_bad_input_is_named_at_its_field_and_makes_nothing(
    site: "Site", owner: "Visitor", peer: YcbmPeer, field: str, typed: str
) -> None:
    answer = owner.post(f"{HOME}/new", given(peer, **{field: typed}), of=f"{HOME}/new")
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert peer.api_key not in answer.text
    assert field == "name" or 'value="Halle"' in answer.text
    with site.database.read() as db:
        assert db.scalars(select(Connection)).all() == []


def test_it_rests_goes_on_and_is_read_now(site: "Site", owner: "Visitor", peer: YcbmPeer) -> None:
    path, _ = connect(owner, peer)
    owner.post(f"{path}/pause", {"paused": "yes"}, of=path)
    assert row(site).paused_at == site.now
    assert "Diese Verbindung ruht." in owner.get(path).text
    owner.post(f"{path}/pause", of=path)
    assert row(site).paused_at is None
    site.now += timedelta(minutes=1)
    owner.post(f"{path}/poll", of=path)
    assert row(site).next_poll_at == site.now


def test_webhooks_are_listed_by_their_outcome_without_what_they_hold(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    path, secret = connect(owner, peer)
    url = f"/hooks/ycbm/{row(site).public_id}"
    body = b'{"name": "Anna Geheim"}'
    site.client().client.post(url, data=body, headers={"X-Platzwart-Secret": secret})

    def close(db: Session) -> None:
        row = db.scalars(select(HookDelivery)).one()
        row.read_at, row.outcome = site.now, "unreadable"

    site.database.write(close)
    page = owner.get(path).text
    assert "nennt keine Buchung; die nächste Abfrage liest es" in page
    assert "Anna Geheim" not in page


@pytest.mark.rule("R1", "R2")
def test_connections_of_others_do_not_exist_and_the_office_sets_none_up(
    site: "Site", owner: "Visitor", peer: YcbmPeer
) -> None:
    path, _ = connect(owner, peer)
    stranger = log_in_at(site, add_neighbour(site))
    assert stranger.get(path).status_code == 404
    for way in ("access", "ways", "profiles", "pages", "secret", "prove", "pause", "poll"):
        assert stranger.post(f"{path}/{way}", of=HOME).status_code == 404, way
    assert "Halle" not in re.sub(r"<title>.*?</title>", "", stranger.get(HOME).text).replace("Haus", "")
    for role in (Role.OFFICE, Role.DESK):
        visitor = site.logged_in(role)
        assert visitor.get(HOME).status_code == 403, role
        assert visitor.get(path).status_code == 403, role
