"""A stand-in for YouCanBook.me with two pages, and a client that reaches it through the guarded session."""

from collections.abc import Iterator

import pytest

from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import YcbmPeer
from tests.peers.stand_in import client_of, two_pages


@pytest.fixture
def peer() -> Iterator[YcbmPeer]:
    with two_pages() as made:
        yield made


@pytest.fixture
def client(peer: YcbmPeer) -> YcbmClient:
    return client_of(peer)
