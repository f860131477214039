"""A calendar at an address: what proves that it is whole, and what costs how much."""

import gzip
import json
import random
import socket

import pytest

from outside.errors import (
    BadAnswer,
    RefusedAddress,
    SiteDenied,
    SiteDown,
    SiteMissing,
    SiteRefused,
    SiteThrottled,
    SiteUnreadable,
    TooLarge,
)
from outside.http import Limits
from sync.remotes.credentials import Login, Token
from sync.remotes.ics import IcsRemote, href_of, hrefs_of, https_of, ics_session
from sync.remotes.protocol import Cursor, CursorKind, Listing, Quirks
from tests.outside.server import Script, answer, by_path, listening
from tests.sync.remotes.worlds import event, ics_world, summary_of

WHOLE = event("one", "Court 1")
BODIES = {
    "no bytes": b"",
    "blank": b"\r\n \r\n",
    "html": b"<!DOCTYPE html><html><body>Please log in</body></html>",
    "json": b'{"error": "gone"}',
    "text": b"Calendar not found",
    "no end": WHOLE.replace(b"END:VCALENDAR\r\n", b""),
    "half an event": WHOLE[:-40],
    "only the first line": b"BEGIN:VCALENDAR\r\n",
    "second half missing": WHOLE + WHOLE[: len(WHOLE) // 2],
    "a strange end": WHOLE.replace(b"BEGIN:VEVENT", b"END:VALARM\r\nBEGIN:VEVENT"),
}


def ask(script: Script, cursor: Cursor | None = None, limits: Limits | None = None) -> Listing:
    with listening(script) as listener, ics_session(frozenset({listener.netloc}), limits or Limits()) as session:
        return IcsRemote(f"http://{listener.netloc}/s3cret.ics", None, session=session).changes(cursor)


@pytest.mark.rule("C9")
@pytest.mark.parametrize("name", BODIES)
def test_what_is_no_whole_calendar_is_not_whole(name: str) -> None:
    listing = ask(answer(BODIES[name], "Content-Type: text/calendar", 'ETag: "x"'))
    assert (listing.is_whole, listing.is_delta, listing.cursor) == (False, False, None)
    assert listing.not_whole_because


@pytest.mark.rule("C9")
def test_a_whole_calendar_is_whole_however_it_is_packed_and_introduced() -> None:
    for script in (
        answer(WHOLE),
        answer(b"\xef\xbb\xbf\r\n" + WHOLE),
        answer(WHOLE.replace(b"\r\n", b"\n").rstrip()),
        answer(WHOLE, "Content-Type: text/html"),
        answer(gzip.compress(WHOLE, mtime=0), "Content-Encoding: gzip"),
        answer(WHOLE + WHOLE.replace(b"UID:one", b"UID:two")),
    ):
        listing = ask(script)
        assert listing.is_whole
        assert {listed.href for listed in listing.there} >= {"one"}
        assert listing.cursor is not None


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    "status", ["201 Created", "202 Accepted", "203 Other", "204 No Content", "206 Partial Content"]
)
def test_only_a_200_proves_what_is_not_there(status: str) -> None:
    listing = ask(answer(b"" if "204" in status else WHOLE, status=status))
    assert (listing.is_whole, listing.cursor) == (False, None)


@pytest.mark.rule("C9")
def test_a_304_that_nobody_asked_for_is_no_answer() -> None:
    for cursor in (None, Cursor(CursorKind.TAG, "spoilt"), Cursor(CursorKind.TOKEN, '["\\"a\\"", "", ""]')):
        with pytest.raises(SiteRefused):
            ask(answer(b"", status="304 Not Modified"), cursor)


@pytest.mark.rule("C9")
@pytest.mark.parametrize(
    ("status", "header", "kind", "wait"),
    [
        ("401 Unauthorized", "X: y", SiteDenied, None),
        ("403 Forbidden", "X: y", SiteDenied, None),
        ("403 Forbidden", "Retry-After: 9", SiteThrottled, 9),
        ("404 Not Found", "X: y", SiteMissing, None),
        ("410 Gone", "X: y", SiteMissing, None),
        ("429 Too Many", "Retry-After: 9", SiteThrottled, 9),
        ("503 Busy", "Retry-After: 9", SiteThrottled, 9),
        ("500 Oops", "X: y", SiteDown, 60),
    ],
)
def test_a_refusal_is_an_error(status: str, header: str, kind: type[Exception], wait: int | None) -> None:
    with pytest.raises(kind) as caught:
        ask(answer(WHOLE, header, status=status))
    assert caught.value.retry_after == wait
    assert "s3cret" not in f"{caught.value} {caught.value!r}"


@pytest.mark.rule("C9")
def test_a_login_page_behind_a_redirect_is_not_whole() -> None:
    script = by_path(
        **{"s3cret.ics": answer(b"", "Location: /login", status="302 Found"), "login": answer(BODIES["html"])}
    )
    listing = ask(script)
    assert (listing.is_whole, listing.not_whole_because) == (False, "a web page")


def cut_at(length: int) -> Script:
    """Says how long the body is, and hangs up before."""

    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(WHOLE)}\r\n\r\n".encode() + WHOLE[:length])

    return script


@pytest.mark.rule("C9")
def test_a_calendar_cut_anywhere_is_never_whole() -> None:
    def closing(length: int) -> Script:
        return lambda peer, _request: peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + WHOLE[:length])

    generator = random.Random(7)
    for length in [*generator.sample(range(len(WHOLE) - 2), 40), len(WHOLE) - 3]:
        assert not ask(closing(length)).is_whole, WHOLE[:length]
    assert ask(closing(len(WHOLE))).is_whole
    with pytest.raises(BadAnswer):
        ask(cut_at(len(WHOLE) - 1))


@pytest.mark.rule("C6")
def test_nothing_new_is_asked_for_by_etag_and_by_date_and_costs_no_body() -> None:
    with ics_world() as (world, listener):
        world.put("one", "Court 1")
        first = world.remote.changes(None)
        again = world.remote.changes(first.cursor)
        assert (again.is_delta, again.is_whole, again.there, again.cursor) == (True, True, (), first.cursor)
        assert b"If-None-Match" not in listener.requests[0]
        assert b"If-None-Match" in listener.requests[1]

    def dated(peer: socket.socket, request: bytes) -> None:
        since = b"If-Modified-Since: Sun, 22 Nov 2026 10:00:00 GMT" in request
        dates = "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT"
        (answer(b"", status="304 Not Modified") if since else answer(WHOLE, dates))(peer, request)

    assert ask(dated, ask(dated).cursor).is_delta


@pytest.mark.rule("C6")
def test_the_same_bytes_are_nothing_new_where_a_server_knows_no_conditions() -> None:
    with listening(answer(WHOLE)) as listener, ics_session(frozenset({listener.netloc})) as session:
        remote = IcsRemote(f"http://{listener.netloc}/", None, session=session)
        again = remote.changes(remote.changes(None).cursor)
        assert (again.is_delta, again.is_whole, again.there) == (True, True, ())
        assert remote.probe().cursor_kind is CursorKind.NONE


@pytest.mark.rule("C6")
def test_only_what_changed_gets_another_etag() -> None:
    with ics_world() as (world, _listener):
        for number in range(50):
            world.put(f"uid-{number}", "Court 1")
        before = {listed.href: listed.etag for listed in world.remote.changes(None).there}
        world.put("uid-7", "Court 2")
        after = {listed.href: listed.etag for listed in world.remote.changes(None).there}
        assert [href for href in after if after[href] != before[href]] == ["uid-7"]
        found = world.remote.fetch(["uid-7", "uid-8", "uid-7", "none"])
        assert [(one.href, one.etag, summary_of(one.body)) for one in found] == [
            ("uid-7", after["uid-7"], "Court 2"),
            ("uid-8", after["uid-8"], "Court 1"),
        ]
        assert b"".join(one.body for one in found).count(b"BEGIN:VEVENT") == 2


@pytest.mark.rule("C9")
def test_an_event_that_never_ends_is_there_and_cannot_be_read() -> None:
    broken = WHOLE.replace(b"END:VEVENT\r\n", b"BEGIN:VEVENT\r\nUID:two\r\nEND:VEVENT\r\n")
    with listening(answer(broken)) as listener, ics_session(frozenset({listener.netloc})) as session:
        remote = IcsRemote(f"http://{listener.netloc}/", None, session=session)
        listing = remote.changes(None)
        assert {listed.href: listed.etag is None for listed in listing.there} == {"one": True, "two": False}
        assert [found.href for found in remote.fetch(["one", "two"])] == ["two"]


@pytest.mark.rule("C6")
def test_an_address_cannot_be_written() -> None:
    with ics_world() as (world, listener):
        world.put("one", "Court 1")
        for write in (
            lambda: world.remote.create("two", event("two")),
            lambda: world.remote.update("one", event("one", "Ours"), None),
            lambda: world.remote.delete("one", None),
        ):
            with pytest.raises(SiteRefused, match="can only be read"):
                write()
        assert listener.requests == []


@pytest.mark.rule("C6")
def test_the_probe_reads_and_tells_what_it_found() -> None:
    with ics_world() as (world, _listener):
        world.put("one", "Court 1")
        assert world.remote.probe() == Quirks(CursorKind.TAG, creates_guarded=False, updates_guarded=False)
    with listening(answer(BODIES["html"])) as listener, ics_session(frozenset({listener.netloc})) as session:
        remote = IcsRemote(f"http://{listener.netloc}/", None, session=session)
        with pytest.raises(SiteUnreadable, match="a web page"):
            remote.probe()
        with pytest.raises(SiteUnreadable):
            remote.fetch(["one"])


@pytest.mark.rule("C6")
@pytest.mark.parametrize(
    ("typed", "called"),
    [
        ("webcal://example.org/a.ics", "https://example.org/a.ics"),
        ("WebCal://example.org/a.ics", "https://example.org/a.ics"),
        ("webcals://example.org/a.ics", "https://example.org/a.ics"),
        (" https://example.org/a.ics\n", "https://example.org/a.ics"),
        ("http://example.org/webcal://a.ics", "http://example.org/webcal://a.ics"),
    ],
)
def test_a_webcal_address_is_an_https_address(typed: str, called: str) -> None:
    assert https_of(typed) == called


@pytest.mark.rule("C6", "C12")
def test_a_plain_http_address_is_refused() -> None:
    with ics_session(frozenset()) as session, pytest.raises(RefusedAddress, match="only https"):
        IcsRemote("http://example.org/a.ics", None, session=session).changes(None)


@pytest.mark.rule("C6")
def test_credentials_go_to_their_own_host_alone() -> None:
    with listening(answer(WHOLE)) as stranger:
        moved = answer(b"", f"Location: http://{stranger.netloc}/b.ics", status="302 Found")
        with listening(moved) as own, ics_session(frozenset({own.netloc, stranger.netloc})) as session:
            for credentials in (Login("hall", "pässword"), Token("t0ken")):
                remote = IcsRemote(f"http://{own.netloc}/a.ics", credentials, session=session)
                assert remote.changes(None).is_whole
                assert "t0ken" not in repr(remote) + repr(credentials)
            assert all(b"\r\nAuthorization: B" in request for request in own.requests)
            assert all(b"uthorization" not in request for request in stranger.requests)


@pytest.mark.rule("C12")
def test_more_than_may_be_read_is_not_read() -> None:
    with pytest.raises(TooLarge):
        ask(answer(WHOLE * 1_000), limits=Limits(body=100_000))
    listing = ask(answer(WHOLE.replace(b"SUMMARY:", b"SUMMARY:" + b"x" * 1_100_000)))
    assert (listing.is_whole, listing.not_whole_because) == (False, "calendar-line-too-long")


def test_hrefs_of_odd_uids_stay_short_and_differ() -> None:
    uids = ["a", "A", "a b", "a%20b", "x" * 5_000, "x" * 5_001, "ü", "a\nb"]
    assert len({href_of(uid) for uid in uids}) == len(uids)
    assert max(len(href_of(uid)) for uid in uids) <= 200


def test_a_spoilt_cursor_is_no_cursor() -> None:
    for value in ("", "{}", "[1]", json.dumps(["\r\nX: y", "", ""]), "[[],{},null]"):
        assert ask(answer(WHOLE), Cursor(CursorKind.TAG, value)).is_whole


@pytest.mark.parametrize(
    "uids", [[], ["a"], ["a@b", "c-d"], ["a\nb"], ["a", "b\nc", "d"], ["a", "", "b"], ["a", "ä"], ["x" * 201, "y"]]
)
def test_names_of_many_are_the_names_of_each(uids: list[str]) -> None:
    assert hrefs_of(uids) == [href_of(uid) for uid in uids]
