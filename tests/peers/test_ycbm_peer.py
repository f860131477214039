"""The stand-in itself: what it speaks is what the documentation says, and its traps are there."""

import base64
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import pytest

from outside.ycbm import YcbmClient
from outside.ycbm_templates import Hint, HookEvent, read_hint, webhook_templates
from platzwart.peers.ycbm import Hook, Page, YcbmPeer
from sync.remotes.ycbm_listing import listed
from tests.outside.server import Listener, answer, listening

DAY = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRET = "s3cret-of-a-connection-0190"


def call(
    peer: YcbmPeer, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(peer.netloc, timeout=10)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"Connection": "close"} | sent)
    came = connection.getresponse()
    text = came.read().decode()
    connection.close()
    return came.status, dict(came.headers), text


def api(peer: YcbmPeer, method: str, path: str, wish: object = None) -> tuple[int, object]:
    token = base64.b64encode(f"{peer.account_id}:{peer.api_key}".encode()).decode()
    body = None if wish is None else json.dumps(wish)
    status, _headers, text = call(peer, method, f"/v1{path}", body, Authorization=f"Basic {token}")
    return status, json.loads(text) if text else None


def hooks(listener: Listener) -> list[Hook]:
    url = f"http://{listener.netloc}/hooks/ycbm/c1"
    return [Hook(t.event.value, t.url, t.body, t.method, {t.header: SECRET}) for t in webhook_templates(url)]


def test_default_fields_are_the_documented_ones_and_times_have_no_offset(peer: YcbmPeer) -> None:
    made = peer.book(DAY, DAY + HOUR, FNAME="Ada")
    status, booking = api(peer, "GET", f"/bookings/{made['id']}")
    assert status == 200
    assert set(booking) == {
        "id", "title", "accountId", "profileId", "createdAt", "startsAt", "endsAt", "location", "tentative", "timeZone",
        "cancelled", "numberOfSlots",
    }  # fmt: skip
    assert (booking["startsAt"], booking["timeZone"]) == ("2026-12-01T01:00:00", "Europe/Berlin")


def test_other_fields_come_on_request_and_nested_ones_by_their_parts(peer: YcbmPeer) -> None:
    made = peer.book(DAY, DAY + HOUR, FNAME="Ada")
    _, bare = api(peer, "GET", f"/bookings/{made['id']}?fields=ref,startsAtUTC,answers")
    assert bare == {"ref": made["ref"], "startsAtUTC": "2026-12-01T00:00:00Z", "answers": [{}]}
    _, whole = api(peer, "GET", f"/bookings/{made['id']}?fields=answers.code,answers.string,answers")
    assert whole == {"answers": [{"code": "FNAME", "string": "Ada"}]}


def test_a_page_holds_ten_and_a_boundary_skips_its_own_second(peer: YcbmPeer) -> None:
    ids = [peer.book(DAY + n * HOUR, DAY + (n + 1) * HOUR)["id"] for n in range(12)]
    account = peer.account_id
    _, first = api(peer, "GET", f"/{account}/bookings")
    assert [b["id"] for b in first] == ids[:10]
    _, rest = api(peer, "GET", f"/{account}/bookings?boundaryStartsAt=2026-12-01T09:00:00Z")
    assert [b["id"] for b in rest] == ids[10:]
    _, many = api(peer, "GET", f"/accounts/{account}/bookings/query?pageSize=500")
    assert len(many) == 12


@pytest.mark.parametrize("path", ["/bookings/none", "/nothing/at/all", "/other-account/bookings"])
def test_what_is_not_there_is_refused(peer: YcbmPeer, path: str) -> None:
    assert api(peer, "GET", path)[0] in {403, 404}


def test_the_api_wants_credentials(peer: YcbmPeer) -> None:
    for header in ("", "Basic !", "Bearer x", "Basic " + base64.b64encode(b"acc-stand-in:no").decode()):
        assert call(peer, "GET", "/v1/profiles", Authorization=header)[0] == 401


def test_two_bookings_never_share_a_time(peer: YcbmPeer) -> None:
    wish = {"profileId": "prf_a", "startsAt": "2026-12-01T10:00:00", "endsAt": "2026-12-01T11:00:00", "timeZone": "UTC"}
    assert api(peer, "POST", "/bookings", wish)[0] == 201
    assert api(peer, "POST", "/bookings", wish)[0] == 409
    assert api(peer, "POST", "/bookings", wish | {"profileId": "prf_b"})[0] == 201
    touching = wish | {"startsAt": "2026-12-01T11:00:00", "endsAt": "2026-12-01T12:00:00"}
    assert api(peer, "POST", "/bookings", touching)[0] == 201
    assert api(peer, "POST", "/bookings", wish | {"endsAt": "2026-12-01T09:00:00"})[0] == 400
    assert api(peer, "POST", "/bookings", {"profileId": "prf_a"})[0] == 400


def test_webhooks_go_out_for_each_trigger_with_method_and_headers(peer: YcbmPeer) -> None:
    with listening(answer()) as listener:
        peer.pusher.hooks = hooks(listener)
        made = peer.book(DAY, DAY + HOUR, FNAME="Ada")
        peer.reschedule(made["id"], DAY + 2 * HOUR, DAY + 3 * HOUR)
        peer.mark_no_show(made["id"])
        peer.cancel(made["id"])
        peer.cancel(made["id"])
        peer.wait()
        bodies = [request.partition(b"\r\n\r\n")[2] for request in listener.requests]
        assert [read_hint(body) for body in bodies] == [
            Hint(HookEvent.MADE, made["ref"], DAY),
            Hint(HookEvent.RESCHEDULED, made["ref"], DAY + 2 * HOUR),
            Hint(HookEvent.NO_SHOW, made["ref"], DAY + 2 * HOUR),
            Hint(HookEvent.CANCELLED, made["ref"], DAY + 2 * HOUR),
        ]
        assert all(f"X-Platzwart-Secret: {SECRET}".encode() in request for request in listener.requests)
        assert [d.status for d in peer.deliveries] == [200] * 4


@pytest.mark.rule("Y2", "Y5")
def test_a_quote_in_a_name_breaks_a_naive_template_but_not_ours_and_the_poll_has_the_booking(
    peer: YcbmPeer, client: YcbmClient
) -> None:
    with listening(answer()) as listener:
        naive = Hook("made", f"http://{listener.netloc}/naive", '{"name": "{FNAME}", "ref": "{REF}"}')
        peer.pusher.hooks = [naive, *hooks(listener)]
        made = peer.book(DAY, DAY + HOUR, FNAME='Ann "} Lee', EMAIL="a@example.org")
        peer.wait()
    broken, ours = (delivery.body for delivery in peer.deliveries)
    with pytest.raises(ValueError, match="Extra data"):
        json.loads(broken)
    assert json.loads(ours)["ref"] == made["ref"]
    assert [booking.name for booking in listed(client, DAY).bookings] == ['Ann "} Lee']


def test_webhooks_can_be_dropped_doubled_and_late(peer: YcbmPeer) -> None:
    with listening(answer()) as listener:
        peer.control({"drop": True})
        peer.pusher.hooks = hooks(listener)
        peer.book(DAY, DAY + HOUR)
        peer.control({"drop": False, "copies": 3, "delay": 0.05})
        begun = time.monotonic()
        peer.book(DAY + HOUR, DAY + 2 * HOUR)
        peer.wait()
        assert time.monotonic() - begun >= 0.15
        assert (len(listener.requests), len(peer.deliveries)) == (3, 3)


def test_a_webhook_that_nobody_takes_is_given_up(peer: YcbmPeer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    peer.pusher.hooks = [Hook("made", f"http://127.0.0.1:{port}/", "{}")]
    peer.book(DAY, DAY + HOUR)
    peer.wait()
    assert [delivery.status for delivery in peer.deliveries] == [0]


@pytest.mark.parametrize("url", ["http://example.org/", "https://127.0.0.1/", "http://10.0.0.1/", "file:///x", ""])
def test_the_stand_in_calls_nobody_outside_and_listens_to_nobody(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        Hook("made", url, "")
    with pytest.raises(ValueError, match="loopback"):
        YcbmPeer(host="0.0.0.0")  # noqa: S104 - this is what must be refused


def test_an_event_deleted_there_vanishes_without_a_word(peer: YcbmPeer) -> None:
    peer.pusher.hooks = [Hook("cancelled", "http://127.0.0.1:1/", "{}")]
    peer.vanish(peer.book(DAY, DAY + HOUR)["id"])
    peer.wait()
    assert (peer.bookings, peer.deliveries) == ([], [])


def form(peer: YcbmPeer, path: str, **fields: str) -> tuple[int, dict[str, str], str]:
    return call(peer, "POST", path, urlencode(fields), Content_Type="application/x-www-form-urlencoded")


def test_a_person_books_moves_and_cancels_on_the_public_page(peer: YcbmPeer) -> None:
    assert 'href="/hall-a"' in call(peer, "GET", "/")[2]
    page = call(peer, "GET", "/hall-a", Accept_Language="en-GB")[2]
    assert '<html lang="en">' in page
    starts = re.findall(r'<option value="([^"]+)"', page)
    assert len(starts) > 200
    # two of one day: what is free begins now, and the hours of a day may end after the next one
    first = next(
        at for at, then in pairwise(starts) if datetime.fromisoformat(then) - datetime.fromisoformat(at) == HOUR
    )
    later = starts[starts.index(first) + 1]
    status, headers, _ = form(
        peer, "/hall-a", start=first, slots="2", FNAME="<b>Ada", LNAME="L", EMAIL="ada@example.org", PHONE="1"
    )
    assert status == 303
    booking = peer.bookings[0]
    assert (booking["startsAtUTC"], booking["durationMinutes"], booking["cancelledBy"]) == (first, 120, None)
    shown = call(peer, "GET", headers["Location"])[2]
    assert booking["ref"] in shown
    assert "&lt;b&gt;Ada" in shown
    assert "<b>" not in shown
    assert first not in re.findall(r'<option value="([^"]+)"', call(peer, "GET", "/hall-a")[2])
    assert form(peer, "/hall-a", start=later, FNAME="Bob", EMAIL="b@example.org")[0] == 409
    assert form(peer, f"{headers['Location']}/move", start=starts[20])[0] == 303
    assert (peer.bookings[0]["startsAtUTC"], peer.bookings[0]["rescheduledBy"]) == (starts[20], "BOOKER")
    assert form(peer, f"{headers['Location']}/cancel", reason="ill")[0] == 303
    assert (peer.bookings[0]["cancelledBy"], peer.bookings[0]["cancellationReason"]) == ("BOOKER", "ill")
    assert "storniert" in call(peer, "GET", headers["Location"])[2]


def test_the_public_page_refuses_what_is_incomplete_or_not_theirs(peer: YcbmPeer) -> None:
    booking = peer.book(DAY, DAY + HOUR)
    assert form(peer, "/hall-a", start="2026-12-01T10:00:00Z", FNAME="Ada")[0] == 400
    assert form(peer, "/hall-a", start="soon", FNAME="Ada", EMAIL="a@b.example")[0] == 400
    assert call(peer, "GET", "/nothing")[0] == 404
    assert form(peer, f"/booking/{booking['ref']}/wrong/cancel")[0] == 404
    assert not peer.bookings[0]["cancelled"]


def test_a_tentative_page_waits_for_its_owner_and_a_rejected_time_is_free(peer: YcbmPeer) -> None:
    booking = peer.book(DAY, DAY + HOUR, "prf_b")
    assert booking["tentative"] == "UNDECIDED"
    api(peer, "PATCH", f"/bookings/{booking['id']}", {"tentative": "REJECTED"})
    assert peer.book(DAY, DAY + HOUR, "prf_b")["id"] != booking["id"]


def test_a_cancelled_booking_comes_back_only_if_its_time_is_free(peer: YcbmPeer) -> None:
    first = peer.book(DAY, DAY + HOUR)["id"]
    peer.cancel(first)
    second = peer.book(DAY, DAY + HOUR)["id"]
    assert api(peer, "PATCH", f"/bookings/{first}", {"cancelled": False})[0] == 409
    assert api(peer, "DELETE", f"/bookings/{second}") == (204, None)
    assert api(peer, "PATCH", f"/bookings/{first}?fields=cancelled", {"cancelled": False}) == (
        200,
        {"cancelled": False},
    )


def test_the_control_takes_json_only(peer: YcbmPeer) -> None:
    peer.book(DAY, DAY + HOUR)
    assert call(peer, "POST", "/_control", '{"failing": 1}', Content_Type="text/plain")[0] == 415
    assert peer.faults.failing == 0
    status, _, text = call(peer, "POST", "/_control", '{"failing": 1}', Content_Type="application/json")
    assert (status, len(json.loads(text)["bookings"])) == (200, 1)
    assert api(peer, "GET", "/profiles")[0] == 503
    assert api(peer, "GET", "/profiles")[0] == 200


def test_bookings_outlive_the_process_with_a_state_file(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with YcbmPeer([Page("p", "P", "p")], state=state) as peer:
        kept = peer.book(DAY, DAY + HOUR, FNAME="Ada")
        peer.cancel(kept["id"], reason="x")
        peer.vanish(peer.book(DAY, DAY + HOUR)["id"])
        before = peer.bookings
    with YcbmPeer([Page("p", "P", "p")], state=state) as peer:
        assert peer.bookings == before
        assert [booking["id"] for booking in before] == [kept["id"]]


def test_it_runs_alone_by_its_module_and_stops_on_sigterm(tmp_path: Path) -> None:
    config = {
        "account_id": "a",
        "api_key": "k",
        "profiles": [{"id": "p", "title": "P", "subdomain": "p"}],
        "rate": [9, 1],
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "platzwart.peers.ycbm", "--port", "0", "--config", str(tmp_path / "config.json")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            netloc = re.search(r"http://(127\.0\.0\.1:\d+) ", said)
            assert netloc, said
            connection = http.client.HTTPConnection(netloc[1], timeout=5)
            connection.request("GET", "/p")
            assert connection.getresponse().status == 200
            connection.close()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
