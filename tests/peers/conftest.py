"""A stand-in for YouCanBook.me with two pages, and a client that reaches it through the guarded session."""

from collections.abc import Iterator

import pytest

from outside.http import Fetcher
from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import Page, YcbmPeer


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with YcbmPeer([Page("prf_a", "Hall A", "hall-a"), Page("prf_b", "Hall B", "hall-b", tentative=True)]) as stand_in:
        yield stand_in


@pytest.fixture
def client(peer: YcbmPeer) -> YcbmClient:
    return YcbmClient(peer.base_url, peer.account_id, peer.api_key, Fetcher(frozenset({peer.netloc})).request)
