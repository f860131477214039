"""What a foreign tester found of servers (`python -m bench.profiles`), held against what our own client finds."""

import json
from pathlib import Path
from typing import Any

import pytest

from sync.remotes import dav_xml
from sync.remotes.caldav import DEFAULT_QUIRKS, CalDavRemote
from sync.remotes.credentials import Login
from sync.remotes.dav import dav_session
from sync.remotes.protocol import Cursor, CursorKind, Quirks
from tests.sync.remotes.live import LiveServer
from tests.sync.remotes.worlds import LIMITS

SERVERS = ("radicale", "xandikos")
RELIED_ON = (
    "get-current-user-principal",
    "propfind",
    "save-load.event",
    "save-load.event.no-summary",
    "save-load.event.recurrences",
    "save-load.event.recurrences.exception",
    "save-load.event.recurrences.exception.cancelled",
    "save-load.event.recurrences.exception.reschedule",
    "save-load.event.timezone",
    "save-load.mutable",
    "save-load.reuse-deleted-uid",
    "save-load.stable-url",
    "save.etag",
    "save.if-none-match",
    "sync-token",
    "sync-token.delete",
    "synchronous-write",
)
MET = {
    "sync-token.invalid-token": "a token that is refused, in whatever words, leads to a listing of the whole",
    "sync-token.limit": "no limit is ever asked for",
    "sync-token.limit.initial-sync": "no limit is ever asked for",
}


def features_of(server: str) -> dict[str, dict[str, Any]]:
    """What differs from full support."""
    text = (Path(__file__).parent / "profiles" / f"{server}.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)["features"]
    return found


def is_full(features: dict[str, dict[str, Any]], name: str) -> bool:
    return features.get(name, {}).get("support", "full") == "full"


def expected(features: dict[str, dict[str, Any]]) -> Quirks:
    """What our probe should say of a server of which the tester says this."""
    return Quirks(
        cursor_kind=CursorKind.TOKEN if is_full(features, "sync-token") else CursorKind.TAG,
        creates_guarded=is_full(features, "save.if-none-match"),
        updates_guarded=is_full(features, "save.etag"),
        etag_on_write=is_full(features, "save.etag"),
    )


@pytest.fixture
def server(request: pytest.FixtureRequest, name: str) -> LiveServer:
    found: LiveServer = request.getfixturevalue(f"{name}_server")
    return found


@pytest.mark.rule("C6")
@pytest.mark.parametrize("name", SERVERS)
def test_all_that_we_rely_on_is_there_and_each_oddity_of_synchronisation_is_met(name: str) -> None:
    features = features_of(name)
    assert [one for one in RELIED_ON if not is_full(features, one)] == []
    odd = {one for one in features if one.startswith(("sync-token", "save-load")) and not is_full(features, one)}
    assert odd <= MET.keys()
    assert odd  # a tester that finds nothing has looked at nothing


@pytest.mark.rule("C6")
@pytest.mark.parametrize("name", SERVERS)
def test_our_probe_and_the_tester_agree(name: str, server: LiveServer) -> None:
    server.make(f"probed-{name}")
    with dav_session(frozenset({server.netloc}), LIMITS) as session:
        url = server.url(f"probed-{name}")
        found = CalDavRemote(url, Login("u", "p"), session=session, quirks=DEFAULT_QUIRKS).probe()
    meant = expected(features_of(name))
    for field in ("cursor_kind", "creates_guarded", "updates_guarded", "etag_on_write"):
        assert getattr(found, field) == getattr(meant, field), field


@pytest.mark.rule("C6")
@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("token", ["http://example.invalid/never-issued", "0" * 40])
def test_a_token_that_the_server_never_gave_leads_to_the_whole(name: str, server: LiveServer, token: str) -> None:
    calendar = f"foreign-{name}-{len(token)}"
    server.make(calendar)
    quirks = Quirks(cursor_kind=CursorKind.TOKEN)
    with dav_session(frozenset({server.netloc}), LIMITS) as session:
        remote = CalDavRemote(server.url(calendar), Login("u", "p"), session=session, quirks=quirks)
        listing = remote.changes(Cursor(CursorKind.TOKEN, token))
    assert (listing.is_delta, listing.is_whole) == (False, True)


def test_no_listing_is_asked_for_with_a_limit() -> None:
    assert b"limit" not in dav_xml.sync_collection("token")
