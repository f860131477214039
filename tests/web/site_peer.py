"""What is entered to connect a house with the stand-in for YouCanBook.me, on the page as by program."""

from platzwart.peers.ycbm import YcbmPeer


def given(peer: YcbmPeer, **changes: str) -> dict[str, str]:
    good = {"name": "Halle", "account_id": peer.account_id, "api_key": peer.api_key, "base_url": peer.base_url}
    return good | changes
