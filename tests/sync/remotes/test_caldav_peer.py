"""Servers with bad manners: what they say is told as it is, and what they do not say is not made up."""

import contextlib

import pytest

from outside.errors import (
    RefusedRedirect,
    SiteDenied,
    SiteDown,
    SiteError,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    TooLarge,
)
from outside.http import Limits
from sync.remotes import caldav
from sync.remotes.caldav import CalDavRemote
from sync.remotes.credentials import Login, Token
from sync.remotes.dav import dav_session
from sync.remotes.protocol import Cursor, CursorKind, Quirks, WriteOutcome
from tests.sync.remotes.dav_peer import COLLECTION, Manners, dav_peer, multistatus, response
from tests.sync.remotes.worlds import PeerWorld, event, peer_world

TOKENS = Quirks(cursor_kind=CursorKind.TOKEN, etag_on_write=True)
LISTS = Quirks()


def fill(world: PeerWorld, number: int) -> None:
    for index in range(number):
        world.put(f"uid-{index}", f"Court {index}")


def say(world: PeerWorld, status: int, body: bytes = b"", **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    world.peer.manners.answers.append((status, named, body))


@pytest.mark.rule("C9")
def test_paging_is_followed_to_its_end() -> None:
    with peer_world(Manners(page=7), TOKENS) as world:
        fill(world, 40)
        listing = world.remote.changes(None)
        assert (listing.is_whole, listing.is_delta, len(listing.there)) == (True, False, 40)
        assert world.peer.count("REPORT") == 6
        assert b"limit" not in b"".join(asked.body for asked in world.peer.asked)
        for index in range(20):
            world.remove(f"uid-{index}")
        after = world.remote.changes(listing.cursor)
        assert (after.is_whole, len(after.gone), after.there) == (True, 20, ())


@pytest.mark.rule("C9", "C12")
def test_paging_without_end_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer_world(Manners(endless_paging=True), TOKENS) as world:
        fill(world, 3)
        listing = world.remote.changes(None)
        assert (listing.is_whole, listing.cursor) == (False, None)
        assert listing.not_whole_because == "paging does not end"
        assert world.peer.count("REPORT") <= 3
    monkeypatch.setattr(caldav, "MOST_PAGES", 5)
    with peer_world(Manners(page=1), TOKENS) as world:
        fill(world, 9)
        assert not world.remote.changes(None).is_whole
        assert world.peer.count("REPORT") == 5


@pytest.mark.rule("C9")
@pytest.mark.parametrize("forgotten", [(403, True), (412, True), (412, False), (409, True), (410, True), (400, True)])
def test_a_token_that_is_not_taken_leads_to_a_full_listing(forgotten: tuple[int, bool]) -> None:
    with peer_world(Manners(forgotten=forgotten), TOKENS) as world:
        fill(world, 3)
        cursor = world.remote.changes(None).cursor
        world.remove("uid-0")
        world.peer.first_revision = 100
        listing = world.remote.changes(cursor)
        assert (listing.is_delta, listing.is_whole, len(listing.there)) == (False, True, 2)
        assert listing.cursor is not None


@pytest.mark.rule("C9")
def test_a_server_that_gives_no_token_at_all_is_listed_whole() -> None:
    """It refuses the first question, too; that is no matter of credentials."""
    no = b'<D:error xmlns:D="DAV:"><D:valid-sync-token/></D:error>'
    with peer_world(Manners(), TOKENS) as world:
        fill(world, 3)
        for cursor in (None, Cursor(CursorKind.TOKEN, "junk")):
            for _ in range(1 if cursor is None else 2):
                say(world, 403, no)
            listing = world.remote.changes(cursor)
            assert (listing.is_whole, listing.is_delta, len(listing.there), listing.cursor) == (True, False, 3, None)


@pytest.mark.rule("C9")
def test_a_403_without_a_word_about_the_token_is_a_denial() -> None:
    with peer_world(Manners(forgotten=(403, False)), TOKENS) as world, pytest.raises(SiteDenied):
        world.remote.changes(Cursor(CursorKind.TOKEN, "junk"))


@pytest.mark.rule("C9")
def test_a_token_forgotten_between_two_pages_is_no_listing() -> None:
    with peer_world(Manners(page=2), TOKENS) as world:
        fill(world, 6)
        first = multistatus(response(f"{COLLECTION}a.ics", "<getetag>1</getetag>"), response(COLLECTION, status=507))
        say(world, 207, first.replace(b"</multistatus>", b"<sync-token>spoilt</sync-token></multistatus>"))
        listing = world.remote.changes(None)
        assert (listing.is_whole, listing.is_delta, listing.cursor) == (False, False, None)


@pytest.mark.rule("C9")
def test_a_cursor_of_another_kind_is_no_cursor() -> None:
    with peer_world(Manners(), TOKENS) as world:
        fill(world, 2)
        listing = world.remote.changes(Cursor(CursorKind.TAG, "tag-1"))
        assert (listing.is_delta, listing.is_whole, len(listing.there)) == (False, True, 2)


CUT = multistatus(response(COLLECTION, "<resourcetype/>"), response(f"{COLLECTION}a.ics", "<getetag>1</getetag>"))
TOLD_TOKEN = b"<sync-token>http://peer.test/sync/1</sync-token></multistatus>"
ODD_ANSWERS = {
    "no bytes": (207, b""),
    "200 with a page": (200, b"<html><body>Please log in</body></html>"),
    "200 with a listing": (200, CUT),
    "204": (204, b""),
    "206": (206, CUT),
    "html in 207": (207, b"<html><body>Please log in</body></html>"),
    "no xml": (207, b"BEGIN:VCALENDAR"),
    "cut": (207, CUT[:-20]),
    "no href": (207, multistatus("<response><status>HTTP/1.1 200 OK</status></response>")),
    "no multistatus": (207, b'<?xml version="1.0"?><error xmlns="DAV:"/>'),
    "an item failed": (207, multistatus(response(COLLECTION, "<a/>"), response(f"{COLLECTION}a.ics", status=500))),
    "an item forbidden": (207, multistatus(response(COLLECTION, "<a/>"), response(f"{COLLECTION}a.ics", status=403))),
    "an item elsewhere": (207, multistatus(response(COLLECTION, "<a/>"), response("/other/a.ics", "<getetag/>"))),
    "an item that climbs": (207, multistatus(response(COLLECTION), response(f"{COLLECTION}../../x.ics", "<a/>"))),
    "no status code": (
        207,
        multistatus(response(COLLECTION, "<a/>"), "<response><href>/dav/cal/x</href><status>yes</status></response>"),
    ),
    "nothing at all": (207, multistatus()),
    "cut off by 507": (207, multistatus(response(COLLECTION, "<a/>"), response(COLLECTION, status=507))),
}


@pytest.mark.rule("C9")
@pytest.mark.parametrize("quirks", [TOKENS, LISTS], ids=["token", "list"])
@pytest.mark.parametrize("name", ODD_ANSWERS)
def test_an_odd_answer_is_never_a_whole_listing(name: str, quirks: Quirks) -> None:
    status, body = ODD_ANSWERS[name]
    with peer_world(Manners(has_sync=quirks is TOKENS), quirks) as world:
        fill(world, 3)
        known = world.remote.changes(None).cursor
        for cursor in (None, known):
            if quirks is TOKENS and name != "nothing at all":
                body = body.replace(b"</multistatus>", TOLD_TOKEN)
            world.peer.manners.answers[:] = [(status, {"Content-Type": "text/xml"}, body)] * 3
            listing = world.remote.changes(cursor)
            assert not listing.is_whole
            assert listing.cursor is None
            assert listing.not_whole_because
            world.peer.manners.answers.clear()


@pytest.mark.rule("C9")
@pytest.mark.parametrize("quirks", [TOKENS, LISTS], ids=["token", "list"])
@pytest.mark.parametrize(
    ("status", "headers", "kind", "wait"),
    [
        (401, {}, SiteDenied, None),
        (403, {}, SiteDenied, None),
        (403, {"Retry-After": "7"}, SiteThrottled, 7),
        (404, {}, SiteMissing, None),
        (410, {}, SiteMissing, None),
        (429, {"Retry-After": "120"}, SiteThrottled, 120),
        (429, {"Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT"}, SiteThrottled, 60),
        (429, {"Retry-After": "999999999"}, SiteThrottled, 3600),
        (429, {}, SiteThrottled, 60),
        (503, {"Retry-After": "30"}, SiteThrottled, 30),
        (503, {}, SiteDown, 60),
        (500, {}, SiteDown, 60),
        (418, {}, SiteRefused, None),
        (302, {"Location": "https://elsewhere.example/login"}, RefusedRedirect, None),
        (302, {}, RefusedRedirect, None),
    ],
)
def test_a_refusal_is_an_error_with_its_wait_and_no_listing(
    status: int, headers: dict[str, str], kind: type[Exception], wait: int | None, quirks: Quirks
) -> None:
    with peer_world(Manners(), quirks) as world:
        fill(world, 1)
        world.peer.manners.answers[:] = [(status, headers, b"")] * 8
        with pytest.raises(kind) as caught:
            world.remote.changes(None)
        assert caught.value.retry_after == wait
        assert str(caught.value).startswith(f"http://{world.peer.netloc}")
        assert COLLECTION not in str(caught.value)


@pytest.mark.rule("C9")
@pytest.mark.parametrize("status", [200, 207, 301, 302, 303, 307, 400, 401, 403, 404, 409, 413, 423, 429, 500, 507])
def test_a_write_is_done_only_where_the_server_says_so(status: int) -> None:
    with peer_world(Manners(), TOKENS) as world:
        world.put("one", "First")
        href = world.remote.href_for("one")
        etag = world.peer.etag("one.ics")
        headers = {"Location": f"{COLLECTION}login"}
        outcomes: list[WriteOutcome] = []
        for write in (
            lambda: world.remote.create(world.remote.href_for("two"), event("two")),
            lambda: world.remote.update(href, event("one", "Second"), etag),
            lambda: world.remote.delete(href, etag),
        ):
            body = b"" if status != 207 else ODD_ANSWERS["cut"][1]
            times = 1 + len(caldav.BUSY_WAITS) if status in caldav.BUSY else 1
            world.peer.manners.answers[:] = [(status, headers, body)] * times
            with contextlib.suppress(SiteError):
                outcomes.append(write().outcome)
            assert world.peer.manners.answers == []
        assert {asked.method for asked in world.peer.asked} <= {"PUT", "DELETE"}
        told = {200: [WriteOutcome.DONE] * 3, 404: [WriteOutcome.GONE] * 2}
        assert outcomes == told.get(status, [])


@pytest.mark.rule("C6")
def test_preconditions_go_out_as_given_and_a_weak_etag_never_does() -> None:
    with peer_world(Manners(), TOKENS) as world:
        href = world.remote.href_for("one")
        world.remote.create(href, event("one"))
        etag = world.peer.etag("one.ics")
        world.remote.update(href, event("one", "Second"), etag)
        world.remote.delete(href, world.peer.etag("one.ics"))
        sent = [(asked.headers.get("If-None-Match"), asked.headers.get("If-Match")) for asked in world.peer.asked]
        assert sent == [("*", None), (None, '"1"'), (None, '"2"')]
        assert [asked.body for asked in world.peer.asked[:2]] == [event("one"), event("one", "Second")]
    with peer_world(Manners(etags="weak"), TOKENS) as world:
        href = world.remote.href_for("one")
        world.put("one", "First")
        assert world.remote.update(href, event("one", "Late"), 'W/"99"').outcome is WriteOutcome.CLASHED
        assert world.peer.count("PUT") == 0
        assert world.remote.update(href, event("one", "Second"), 'W/"1"').outcome is WriteOutcome.DONE
        assert all("If-Match" not in asked.headers for asked in world.peer.asked)


@pytest.mark.rule("C6", "C9")
def test_where_the_wildcard_is_ignored_it_is_looked_first() -> None:
    careless = Manners(heeds_none_match=False)
    with peer_world(careless) as world:
        world.put("one", "Theirs")
        assert world.remote.create(world.remote.href_for("one"), event("one", "Ours")).outcome is WriteOutcome.CLASHED
        assert world.peer.count("PUT") == 0
    with peer_world(careless, Quirks(creates_guarded=True)) as world:  # negative control
        world.put("one", "Theirs")
        assert world.remote.create(world.remote.href_for("one"), event("one", "Ours")).outcome is WriteOutcome.DONE


@pytest.mark.rule("C6", "C9")
def test_an_etag_that_a_write_answers_with_is_passed_on_only_where_the_probe_saw_it_confirmed() -> None:
    for manners, quirks in ((Manners(lies_about_etags=True), None), (Manners(), Quirks(etag_on_write=False))):
        with peer_world(manners, quirks) as world:
            assert world.remote.create(world.remote.href_for("one"), event("one")).etag is None
            etag = world.peer.etag("one.ics")
            assert world.remote.update(world.remote.href_for("one"), event("one", "Second"), etag).etag is None


@pytest.mark.rule("C6")
def test_a_uid_that_is_used_elsewhere_in_the_calendar_clashes() -> None:
    with peer_world(Manners(), TOKENS) as world:
        world.peer.write("other-name.ics", event("one"))
        assert world.remote.create(world.remote.href_for("one"), event("one")).outcome is WriteOutcome.CLASHED


@pytest.mark.rule("C9")
def test_items_that_a_multiget_leaves_out_are_asked_for_one_by_one() -> None:
    with peer_world(Manners(silent_about=frozenset({"uid-1.ics"})), TOKENS) as world:
        fill(world, 3)
        hrefs = [world.remote.href_for(f"uid-{index}") for index in range(4)]
        assert [found.href for found in world.remote.fetch(hrefs)] == hrefs[:3]
        assert (world.peer.count("REPORT"), world.peer.count("GET")) == (1, 1)


@pytest.mark.rule("C6")
def test_reading_goes_in_batches() -> None:
    with peer_world(Manners(), TOKENS) as world:
        fill(world, 250)
        listing = world.remote.changes(None)
        assert len(world.remote.fetch([listed.href for listed in listing.there])) == 250
        assert (world.peer.count("REPORT"), world.peer.count("GET")) == (1 + 3, 0)


@pytest.mark.rule("C9", "C12")
def test_one_item_that_is_too_large_stops_no_other() -> None:
    with dav_peer() as peer, dav_session(frozenset({peer.netloc}), Limits(body=40_000)) as session:
        remote = CalDavRemote(peer.url, None, session=session, quirks=TOKENS)
        for index in range(40):
            peer.write(f"uid-{index}.ics", event(f"uid-{index}", "x" * (50_000 if index == 17 else 1_500)))
        found = remote.fetch([remote.href_for(f"uid-{index}") for index in range(40)])
        assert [resource.href for resource in found if not resource.body] == [remote.href_for("uid-17")]
        assert len(found) == 40
        with pytest.raises(TooLarge):  # negative control: the limit holds
            session.request("GET", f"{peer.url}uid-17.ics")


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    "href", ["/dav/", "/dav/cal/", "/dav/cal", "/other/x.ics", "../x.ics", "/dav/cal/%2e%2e/x", ""]
)
def test_nothing_outside_the_collection_is_ever_asked_for(href: str) -> None:
    with peer_world(Manners(), TOKENS) as world:
        for ask in (
            lambda: world.remote.fetch([href]),
            lambda: world.remote.create(href, b""),
            lambda: world.remote.update(href, b"", None),
            lambda: world.remote.delete(href, None),
        ):
            with pytest.raises(SiteRefused):
                ask()
        assert world.peer.asked == []


@pytest.mark.rule("C6")
def test_a_tag_that_stayed_costs_one_small_request() -> None:
    with peer_world(Manners(has_sync=False)) as world:
        fill(world, 200)
        cursor = world.remote.changes(None).cursor
        world.peer.asked.clear()
        assert world.remote.changes(cursor).is_delta
        assert [(asked.method, asked.headers["Depth"]) for asked in world.peer.asked] == [("PROPFIND", "0")]
        assert world.peer.asked[0].bytes_down < 1_000


@pytest.mark.rule("C6")
def test_connections_are_used_again() -> None:
    with peer_world(Manners(), TOKENS) as world:
        before = world.peer.connections
        for index in range(20):
            world.remote.create(world.remote.href_for(f"uid-{index}"), event(f"uid-{index}"))
        assert len(world.peer.asked) == 20
        assert world.peer.connections - before <= 1


@pytest.mark.rule("C6")
def test_each_way_to_log_in_opens_and_a_wrong_one_is_denied_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    right = Login("hall", "s3cret-pass")
    for manners, credentials in (
        (Manners(login=("hall", "s3cret-pass")), right),
        (Manners(wants_digest=True), right),
        (Manners(bearer="t0ken-secret"), Token("t0ken-secret")),
    ):
        with dav_peer(manners) as peer, dav_session(frozenset({peer.netloc})) as session:
            remote = CalDavRemote(peer.url, credentials, session=session, quirks=TOKENS)
            assert remote.changes(None).is_whole
            wrong = CalDavRemote(peer.url, Token("wr0ng-secret"), session=session, quirks=TOKENS)
            with pytest.raises(SiteDenied) as caught:
                wrong.changes(None)
            told = f"{remote!r} {credentials!r} {caught.value!r} {caught.value} {caplog.text}"
            assert "secret" not in told
            assert "s3cret" not in told


@pytest.mark.rule("C6")
@pytest.mark.parametrize("status", [423, 500])
def test_a_write_that_another_write_shut_out_is_asked_again(status: int) -> None:
    with peer_world(Manners(), TOKENS) as world:
        href = world.remote.href_for("a")
        world.peer.manners.answers += [(status, {}, b""), (status, {}, b"")]
        written = world.remote.create(href, event("a"))
        assert written.outcome is WriteOutcome.DONE
        world.peer.manners.answers.append((status, {}, b""))
        assert world.remote.delete(href, written.etag).outcome is WriteOutcome.DONE
        assert [one.method for one in world.peer.asked] == ["PUT"] * 3 + ["DELETE"] * 2


@pytest.mark.rule("C6")
def test_a_server_that_stays_shut_is_asked_three_times_and_no_more() -> None:
    with peer_world(Manners(), TOKENS) as world:
        world.peer.manners.answers += [(423, {}, b"")] * 9
        with pytest.raises(SiteRefused):
            world.remote.create(world.remote.href_for("a"), event("a"))
        assert len(world.peer.asked) == 3
