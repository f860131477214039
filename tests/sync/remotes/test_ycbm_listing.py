"""The walk over a site's pages against the stand-in, over real sockets: whole, or with a doubt that says why."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from booking.values.slot import Slot
from outside.errors import SiteUnreadable
from outside.http import Answer, Fetcher
from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import Page, YcbmPeer
from sync.remotes.ycbm_listing import listed, page_of
from tests.peers.stand_in import DAY, HOUR, book, client_of, slot, two_pages


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with two_pages() as made:
        yield made


@pytest.fixture
def client(peer: YcbmPeer) -> YcbmClient:
    return client_of(peer)


def answering(body: bytes) -> YcbmClient:
    return YcbmClient("https://x.example/v1", "a", "k", lambda _m, url, **_rest: Answer(200, {}, body, url))


@pytest.mark.parametrize("since", [0, 0.5, 3], ids=["from the first", "between", "later"])
def test_a_listing_holds_all_that_starts_in_its_window(peer: YcbmPeer, client: YcbmClient, since: float) -> None:
    ids = [book(peer, slot(hour)) for hour in range(6)]
    peer.cancel(ids[4])
    found = listed(client, DAY + since * HOUR, DAY + 5 * HOUR)
    assert [booking.id for booking in found.bookings] == [ids[h] for h in range(6) if since <= h < 5]
    assert found.unreadable == ()


def old_server(peer: YcbmPeer) -> YcbmClient:
    """Through a site that has only the older list, ten a page."""
    fetch = Fetcher(frozenset({peer.netloc})).request

    def without_query(method: str, url: str, **rest: object) -> Answer:
        return Answer(404, {}, b"", url) if "/bookings/query" in url else fetch(method, url, **rest)

    return YcbmClient(peer.base_url, peer.account_id, peer.api_key, without_query)


def pages_with(peer: YcbmPeer, count: int, at: Slot) -> list[str]:
    """Bookings at one second on as many pages as it takes, since one page has no room for two."""
    for number in range(count):
        peer.world.pages[f"prf_{number}"] = Page(f"prf_{number}", "x", f"x{number}")
    return [book(peer, at, f"prf_{number}") for number in range(count)]


def test_bookings_that_share_the_second_of_a_page_boundary_are_not_lost(peer: YcbmPeer) -> None:
    first = [book(peer, slot(hour)) for hour in range(7)]
    shared = pages_with(peer, 9, slot(7))
    after = [book(peer, slot(hour)) for hour in range(8, 20)]
    found = [booking.id for booking in listed(old_server(peer), DAY).bookings]
    assert sorted(found) == sorted(first + shared + after)
    assert len(found) == len(set(found))


def test_negative_control_a_naive_walk_over_pages_loses_bookings(peer: YcbmPeer) -> None:
    for hour in range(7):
        book(peer, slot(hour))
    pages_with(peer, 9, slot(7))
    first = page_of(old_server(peer), DAY - timedelta(seconds=1)).bookings
    second = page_of(old_server(peer), first[-1].slot.start).bookings
    assert len(first) + len(second) < 16


@pytest.mark.parametrize("later", [True, False])
def test_a_listing_that_cannot_be_proven_whole_says_why(peer: YcbmPeer, later: bool) -> None:
    pages_with(peer, 11, slot(7))
    book(peer, slot(9) if later else slot(6))
    assert "share one second" in listed(old_server(peer), DAY).doubt


def test_a_site_that_cuts_pages_at_a_size_of_its_own_is_found_out() -> None:
    hours = [7] * 13 + [9]
    rows = [
        b'{"id": "b%d", "startsAt": "2026-12-01T%02d:00:00Z", "endsAt": "2026-12-01T23:00:00Z"}' % (n, hour)
        for n, hour in enumerate(hours)
    ]

    def twelve_a_page(_method: str, url: str, **_rest: object) -> Answer:
        found = rows[13:] if "T07%3A00%3A00Z" in url else rows[:12]
        return Answer(200, {}, b"[" + b",".join(found) + b"]", url)

    found = listed(YcbmClient("https://x.example/v1", "a", "k", twelve_a_page), DAY)
    assert "share one second" in found.doubt


def test_the_newer_query_brings_more_than_a_page_of_one_second(peer: YcbmPeer, client: YcbmClient) -> None:
    ids = pages_with(peer, 25, slot(7))
    assert sorted(booking.id for booking in listed(client, DAY).bookings) == sorted(ids)
    assert all(path.endswith("/bookings/query") for _method, path in peer.requests)


def test_a_listing_can_be_of_some_pages(peer: YcbmPeer, client: YcbmClient) -> None:
    book(peer, slot(1), "prf_a")
    other = book(peer, slot(1), "prf_b")
    assert [b.id for b in listed(client, DAY, profile_ids=frozenset({"prf_b"})).bookings] == [other]


def test_one_bad_booking_does_not_stop_the_others_and_is_not_taken_for_vanished() -> None:
    good = b'{"id": "g", "startsAt": "2026-12-01T10:00:00Z", "endsAt": "2026-12-01T11:00:00Z"}'
    found = listed(answering(b'[{"id": "bad", "startsAt": "soon"}, %s]' % good), DAY)
    assert [booking.id for booking in found.bookings] == ["g"]
    assert found.unreadable == ("bad",)


def test_a_page_full_of_bad_bookings_proves_nothing() -> None:
    found = listed(answering(b"[" + b",".join(b'{"id": "b%d"}' % n for n in range(10)) + b"]"), DAY)
    assert (found.bookings, len(found.unreadable), found.doubt != "") == ((), 10, True)


def test_a_page_in_another_order_proves_nothing() -> None:
    one, two = (
        b'{"id": "%d", "startsAt": "2026-12-0%dT10:00:00Z", "endsAt": "2026-12-0%dT11:00:00Z"}' % (d, d, d)
        for d in (2, 1)
    )
    found = listed(answering(b"[%s,%s]" % (one, two)), DAY)
    assert (found.bookings, "by start" in found.doubt) == ((), True)


@pytest.mark.parametrize("body", [b"", b"null", b"{", b"<html>", b'"x"', b"[7]", b"[{}]", b"[" * 100_000])
def test_a_broken_answer_is_no_listing(body: bytes) -> None:
    with pytest.raises(SiteUnreadable):
        listed(answering(body), DAY)
