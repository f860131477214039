"""The stand-in for YouCanBook.me with two pages, what is booked there, and a client that reaches it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from booking.values.slot import Slot
from outside.http import Fetcher
from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import Page, YcbmPeer

DAY = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@contextmanager
def two_pages() -> Iterator[YcbmPeer]:
    """The second is tentative."""
    with YcbmPeer([Page("prf_a", "Hall A", "hall-a"), Page("prf_b", "Hall B", "hall-b", tentative=True)]) as peer:
        yield peer


def client_of(peer: YcbmPeer) -> YcbmClient:
    """Through the guarded session."""
    return YcbmClient(peer.base_url, peer.account_id, peer.api_key, Fetcher(frozenset({peer.netloc})).request)


def slot(hour: float, length: float = 1) -> Slot:
    return Slot(DAY + hour * HOUR, DAY + (hour + length) * HOUR)


def book(peer: YcbmPeer, when: Slot, page: str = "prf_a", **answers: str) -> str:
    """As a customer does; its id there."""
    return str(peer.book(when.start, when.end, page, **({"FNAME": "Ada"} | answers))["id"])
