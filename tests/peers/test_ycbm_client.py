"""The client against the stand-in, over real sockets: reading, paging, changing, and every kind of trouble."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from booking.values.slot import Slot
from outside.errors import (
    PLAIN_NO,
    SiteDenied,
    SiteDown,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    SiteUnchanged,
    SiteUnreadable,
)
from outside.http import Answer, Fetcher
from outside.ycbm import FIELDS, YcbmClient, patient
from outside.ycbm_values import Party, RemoteBooking, Tentative
from platzwart.peers.ycbm import OWNER, YcbmPeer
from tests.peers.stand_in import DAY, HOUR, book, slot

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_booking_is_read_whole(peer: YcbmPeer, client: YcbmClient) -> None:
    made = peer.book(DAY, DAY + HOUR, "prf_b", FNAME="Ada", LNAME='"}', EMAIL="ada@example.org", PHONE="+49 30 1")
    booking = client.booking(made["id"])
    assert (booking.id, booking.ref, booking.profile_id) == (made["id"], made["ref"], "prf_b")
    assert (booking.slot, booking.zone) == (slot(0), "Europe/Berlin")
    assert (booking.name, booking.email, booking.phone) == ('Ada "}', "ada@example.org", "+49 30 1")
    assert (booking.tentative, booking.cancelled, booking.cancelled_by) == (Tentative.UNDECIDED, False, None)
    assert (booking.mark, booking.no_show) == (None, False)
    assert None not in {booking.created_at, booking.updated_at}
    assert not {"ip", "ownerSecret", "bookerSecret"} & set(booking.raw)


def test_the_list_that_is_asked_for_names_no_secret_field() -> None:
    assert not {"ip", "ownerSecret", "bookerSecret"} & set(FIELDS.split(","))


def test_cancel_flows_out_and_a_second_cancel_is_fine(peer: YcbmPeer, client: YcbmClient) -> None:
    booking = book(peer, slot(1))
    cancelled = client.cancel(booking, "closed")
    assert (cancelled.cancelled, cancelled.cancelled_by) == (True, Party.OWNER)
    assert client.cancel(booking).cancelled
    assert peer.bookings[0]["cancellationReason"] == "closed"


@pytest.mark.parametrize("zone", [None, BERLIN, ZoneInfo("America/New_York")])
def test_a_move_flows_out_and_means_the_same_instant(peer: YcbmPeer, client: YcbmClient, zone: ZoneInfo | None) -> None:
    booking = book(peer, slot(1))
    assert client.reschedule(booking, slot(5, 2), zone).slot == slot(5, 2)
    assert peer.bookings[0]["startsAtUTC"] == "2026-12-01T05:00:00Z"


def test_a_move_onto_a_taken_time_is_refused_and_changes_nothing(peer: YcbmPeer, client: YcbmClient) -> None:
    booking = book(peer, slot(1))
    book(peer, slot(3))
    with pytest.raises(SiteRefused):
        client.reschedule(booking, slot(2.5))
    assert client.booking(booking).slot == slot(1)


@pytest.mark.parametrize("by", ["BOOKER", OWNER])
def test_who_cancelled_there_is_told(peer: YcbmPeer, client: YcbmClient, by: str) -> None:
    booking = book(peer, slot(1))
    peer.cancel(booking, by=by)
    assert client.booking(booking).cancelled_by == Party(by)


def test_a_block_holds_the_time_there_is_marked_and_is_removed(peer: YcbmPeer, client: YcbmClient) -> None:
    block = client.create_block("prf_a", slot(3), BERLIN, "Closed", mark="m-0190")
    assert (block.slot, block.profile_id, block.mark) == (slot(3), "prf_a", "m-0190")
    with pytest.raises(SiteRefused):
        client.create_block("prf_a", slot(3.5), BERLIN, "Closed", mark="m-0191")
    client.remove(block.id)
    client.remove(block.id)
    assert peer.bookings == []


@pytest.mark.rule("Y8")
def test_a_block_that_the_site_places_otherwise_is_removed_again(peer: YcbmPeer) -> None:
    fetch = Fetcher(frozenset({peer.netloc})).request

    def shortening(method: str, url: str, **rest: Any) -> Answer:
        if method == "POST":
            rest["body"] = rest["body"].replace(b"05:00:00+01:00", b"04:30:00+01:00")
        return fetch(method, url, **rest)

    client = YcbmClient(peer.base_url, peer.account_id, peer.api_key, shortening)
    with pytest.raises(SiteUnchanged):
        client.create_block("prf_a", slot(3), BERLIN, "Closed", mark="m-0190")
    assert peer.bookings == []


def test_a_block_in_the_repeated_hour_is_at_the_instant_that_was_meant(client: YcbmClient) -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert client.create_block("prf_a", Slot(second, second + HOUR), BERLIN, "x").slot.start == second


def test_the_tentative_state_is_set(peer: YcbmPeer, client: YcbmClient) -> None:
    booking = book(peer, slot(1), "prf_b")
    assert client.accept(booking).tentative is Tentative.ACCEPTED
    assert client.reject(booking).tentative is Tentative.REJECTED


def test_a_site_that_answers_well_and_does_nothing_is_found_out(peer: YcbmPeer) -> None:
    booking = book(peer, slot(1), "prf_b")
    fetch = Fetcher(frozenset({peer.netloc})).request

    def lying(method: str, url: str, **rest: object) -> Answer:
        return Answer(200, {}, b"{}", url) if method == "PATCH" else fetch(method, url, **rest)

    client = YcbmClient(peer.base_url, peer.account_id, peer.api_key, lying)
    for change in (client.accept, client.reject, client.cancel, lambda b: client.reschedule(b, slot(4))):
        with pytest.raises(SiteUnchanged):
            change(booking)


def test_the_probe_counts_pages_and_wrong_credentials_are_denied(peer: YcbmPeer, client: YcbmClient) -> None:
    assert client.probe() == 2
    first = client.profiles()[0]
    assert (first.id, first.title, first.zone) == ("prf_a", "Hall A", "Europe/Berlin")
    fetch = Fetcher(frozenset({peer.netloc})).request
    for account, key in ((peer.account_id, "wrong"), ("other", peer.api_key)):
        with pytest.raises(SiteDenied) as caught:
            YcbmClient(peer.base_url, account, key, fetch).probe()
        assert "wrong" not in f"{caught.value} {vars(caught.value)}"


def test_a_missing_booking_is_missing(client: YcbmClient) -> None:
    for ask in (client.booking, client.cancel, client.accept):
        with pytest.raises(SiteMissing):
            ask("bkg_none/../x")


def test_too_many_requests_say_when_to_come_back(peer: YcbmPeer, client: YcbmClient) -> None:
    peer.control({"rate": [2, 30]})
    client.profiles()
    client.profiles()
    with pytest.raises(SiteThrottled) as caught:
        client.profiles()
    assert 25 < (caught.value.retry_after or 0) <= 30


@pytest.mark.parametrize("status", [401, 404, 409, 429])
def test_a_booking_that_was_made_and_cannot_be_read_again_is_no_plain_no(peer: YcbmPeer, status: int) -> None:
    fetch = Fetcher(frozenset({peer.netloc})).request

    def deaf(method: str, url: str, **rest: object) -> Answer:
        return Answer(status, {}, b"", url) if method == "GET" else fetch(method, url, **rest)

    with pytest.raises(SiteUnreadable) as caught:
        YcbmClient(peer.base_url, peer.account_id, peer.api_key, deaf).create_block("prf_a", slot(1), BERLIN, "x")
    assert not isinstance(caught.value, PLAIN_NO)
    assert len(peer.bookings) == 1


def test_a_pause_that_was_asked_for_is_told_once_and_kept(peer: YcbmPeer) -> None:
    pauses: list[int] = []
    left = 0
    fetch = patient(Fetcher(frozenset({peer.netloc})).request, lambda: left, pauses.append)
    client = YcbmClient(peer.base_url, peer.account_id, peer.api_key, fetch)
    peer.control({"rate": [1, 30]})
    client.profiles()
    with pytest.raises(SiteThrottled):
        client.profiles()
    assert len(pauses) == 1
    assert 25 < pauses[0] <= 30
    left, asked = 7, len(peer.requests)
    with pytest.raises(SiteThrottled) as caught:
        client.profiles()
    assert (caught.value.retry_after, len(peer.requests), len(pauses)) == (7, asked, 1)


def test_a_site_that_is_down_is_worth_another_try(peer: YcbmPeer, client: YcbmClient) -> None:
    peer.control({"failing": 1, "fail_status": 502})
    with pytest.raises(SiteDown) as caught:
        client.profiles()
    assert (caught.value.status, caught.value.retry_after) == (502, 60)
    assert client.probe() == 2


def answering(status: int, body: bytes, headers: dict[str, str] | None = None) -> YcbmClient:
    return YcbmClient(
        "https://x.example/v1", "a", "k", lambda _m, url, **_rest: Answer(status, headers or {}, body, url)
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{",
        b"<html>",
        b"7",
        b'"x"',
        b"[7]",
        b"[{}]",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_broken_answers_are_errors_of_ours_only(body: bytes) -> None:
    client = answering(200, body)
    for ask in (
        lambda: client.booking("b"),
        client.profiles,
        lambda: client.cancel("b"),
        lambda: client.create_block("p", slot(1), BERLIN, "t"),
    ):
        with pytest.raises(SiteUnreadable):
            ask()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("", 60),
        ("0", 1),
        ("999999", 3600),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60),
        ("-5", 60),
        ("9" * 5000, 60),
    ],
)
def test_retry_after_is_bounded(header: str, seconds: int) -> None:
    with pytest.raises(SiteThrottled) as caught:
        answering(429, b"", {"Retry-After": header}).profiles()
    assert caught.value.retry_after == seconds


def test_no_error_holds_the_key_or_the_account(peer: YcbmPeer, client: YcbmClient) -> None:
    for status in (400, 401, 404, 418, 429, 500):
        peer.control({"failing": 2, "fail_status": status})
        with pytest.raises(Exception, match=str(status)) as caught:
            client.booking("secret-id")
        said = f"{caught.value!r} {vars(caught.value)}"
        assert not [word for word in (peer.api_key, peer.account_id, "secret-id") if word in said]
        peer.control({"failing": 0})


def test_a_remote_booking_shows_no_raw_answer_in_logs(peer: YcbmPeer, client: YcbmClient) -> None:
    booking: RemoteBooking = client.booking(book(peer, slot(1)))
    assert "raw=" not in repr(booking)
