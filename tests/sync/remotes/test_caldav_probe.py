"""What the probe finds out about servers of all manners, and that it leaves nothing behind."""

import pytest

from outside.errors import SiteDenied, SiteThrottled, SiteUnchanged, SiteUnreadable
from outside.http import Limits
from sync.remotes.caldav import CalDavRemote
from sync.remotes.dav import dav_session
from sync.remotes.protocol import CursorKind, Quirks
from tests.sync.remotes.dav_peer import COLLECTION, Manners, dav_peer, multistatus, response


@pytest.mark.rule("C6")
@pytest.mark.parametrize(
    ("manners", "expected"),
    [
        (Manners(), Quirks(CursorKind.TOKEN, True, True, True, False, 100)),
        (Manners(page=1), Quirks(CursorKind.TOKEN, True, True, True, False, 100)),
        (Manners(rewrites=True), Quirks(CursorKind.TOKEN, True, True, True, True, 100)),
        (Manners(has_sync=False), Quirks(CursorKind.TAG, True, True, True, False, 100)),
        (Manners(has_sync=False, has_tag=False), Quirks(CursorKind.NONE, True, True, True, False, 100)),
        (Manners(endless_paging=True, has_tag=False), Quirks(CursorKind.NONE, True, True, True, False, 100)),
        (Manners(is_deaf=True), Quirks(CursorKind.TAG, True, True, True, False, 100)),
        (Manners(hides_deletions=True), Quirks(CursorKind.TAG, True, True, True, False, 100)),
        (Manners(etags="weak"), Quirks(CursorKind.TOKEN, True, False, False, False, 100)),
        (Manners(etags="none"), Quirks(CursorKind.TOKEN, True, False, False, False, 100)),
        (Manners(etag_on_write=False), Quirks(CursorKind.TOKEN, True, True, False, False, 100)),
        (Manners(lies_about_etags=True), Quirks(CursorKind.TOKEN, True, True, False, False, 100)),
        (Manners(heeds_none_match=False), Quirks(CursorKind.TOKEN, False, True, True, False, 100)),
        (Manners(heeds_match=False), Quirks(CursorKind.TOKEN, True, False, True, False, 100)),
        (Manners(has_multiget=False), Quirks(CursorKind.TOKEN, True, True, True, False, 1)),
        (Manners(visible_after=2), Quirks(CursorKind.TOKEN, True, True, True, False, 100)),
    ],
)
def test_the_probe_finds_out_how_a_server_is(manners: Manners, expected: Quirks) -> None:
    with dav_peer(manners) as peer, dav_session(frozenset({peer.netloc})) as session:
        pauses: list[float] = []
        remote = CalDavRemote(peer.url, None, session=session, pause=pauses.append)
        found = remote.probe()
        assert found.product.startswith("Peer/1")
        assert (found.cursor_kind, found.creates_guarded, found.updates_guarded, found.most_at_once) == (
            expected.cursor_kind,
            expected.creates_guarded,
            expected.updates_guarded,
            expected.most_at_once,
        )
        if not manners.visible_after:
            assert (found.etag_on_write, found.rewrites) == (expected.etag_on_write, expected.rewrites)
        assert sum(pauses) <= 10
        assert [item for item in peer.items.values() if item.body is not None] == []


@pytest.mark.rule("C6")
def test_a_probe_that_may_only_read_writes_nothing() -> None:
    with dav_peer() as peer, dav_session(frozenset({peer.netloc})) as session:
        found = CalDavRemote(peer.url, None, session=session, writes=False).probe()
        assert found.cursor_kind is CursorKind.TOKEN
        assert {asked.method for asked in peer.asked} == {"PROPFIND", "REPORT"}


@pytest.mark.rule("C6")
def test_a_probe_says_when_it_may_not_write_and_when_its_item_stays() -> None:
    with dav_peer(Manners(read_only=True)) as peer, dav_session(frozenset({peer.netloc})) as session:
        with pytest.raises(SiteDenied):
            CalDavRemote(peer.url, None, session=session).probe()
        assert peer.items == {}
    with dav_peer(Manners(visible_after=99)) as peer, dav_session(frozenset({peer.netloc})) as session:
        with pytest.raises(SiteUnchanged):
            CalDavRemote(peer.url, None, session=session, pause=lambda _seconds: None).probe()
        assert [item for item in peer.items.values() if item.body is not None] == []


@pytest.mark.rule("C6")
def test_an_address_that_is_no_calendar_is_told() -> None:
    with dav_peer() as peer, dav_session(frozenset({peer.netloc})) as session:
        page = (200, {"Content-Type": "text/html"}, b"<html>hello</html>")
        for answers in ([page], [(207, {}, multistatus(response(COLLECTION, "<resourcetype/>")))]):
            peer.manners.answers[:] = answers
            with pytest.raises(SiteUnreadable):
                CalDavRemote(peer.url, None, session=session).probe()


@pytest.mark.rule("C6", "C12")
def test_a_second_way_is_only_looked_at_where_the_first_is_not_sure() -> None:
    """A large calendar on a slow server is listed no more often than has to be."""
    listings = {}
    for deaf in (False, True):
        with dav_peer(Manners(is_deaf=deaf)) as peer, dav_session(frozenset({peer.netloc})) as session:
            CalDavRemote(peer.url, None, session=session, pause=lambda _seconds: None).probe()
            listings[deaf] = [asked.method for asked in peer.asked if asked.headers.get("Depth") == "1"]
    assert (listings[False], set(listings[True])) == ([], {"PROPFIND"})


@pytest.mark.rule("C6", "C12")
def test_a_way_whose_answers_come_too_late_is_not_sure() -> None:
    limits = Limits(seconds=0.5, longest=0.6)
    with dav_peer(Manners(has_sync=False)) as peer, dav_session(frozenset({peer.netloc}), limits) as session:
        remote = CalDavRemote(peer.url, None, session=session, pause=lambda _seconds: None)
        assert remote.probe().cursor_kind is CursorKind.TAG
        peer.manners.listing_pace = 10
        assert remote.probe().cursor_kind is CursorKind.NONE
        assert [item for item in peer.items.values() if item.body is not None] == []


@pytest.mark.rule("C6")
def test_a_server_that_asks_for_a_pause_is_not_taken_for_one_that_cannot() -> None:
    look = multistatus(response(COLLECTION, "<resourcetype><collection/><C:calendar/></resourcetype>"))
    with dav_peer() as peer, dav_session(frozenset({peer.netloc})) as session:
        peer.manners.answers[:] = [(207, {}, look), (207, {}, multistatus()), (429, {"Retry-After": "7"}, b"")]
        with pytest.raises(SiteThrottled):
            CalDavRemote(peer.url, None, session=session, writes=False).probe()
