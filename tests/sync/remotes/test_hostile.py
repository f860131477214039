"""What an enemy behind an address can do: nothing but cost its own link a bounded turn (SPEC C12)."""

import gzip
import resource
import ssl
import subprocess
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from outside.errors import (
    BadAnswer,
    OutsideError,
    RefusedAddress,
    RefusedRedirect,
    SiteUnreadable,
    TooLarge,
    TooSlow,
    Unreachable,
)
from outside.http import GuardedSession, Limits, guarded_session
from sync.remotes.caldav import CalDavRemote
from sync.remotes.credentials import Login
from sync.remotes.dav import dav_session
from sync.remotes.dav_discover import discover
from sync.remotes.dav_xml import MOST_NODES, Unreadable, screen
from sync.remotes.ics import IcsRemote
from sync.remotes.protocol import CursorKind, Listing, Quirks
from tests.fixtures.soak import scale
from tests.outside.server import Listener, Script, answer, dripping, endless, listening
from tests.outside.ssrf_table import DISGUISES, LITERALS, NAMES, SCHEMES
from tests.sync.remotes.dav_peer import COLLECTION, multistatus, response
from tests.sync.remotes.worlds import event

SECONDS = 0.5
SLACK = 1.5  # what a busy machine may add
TOKENS = Quirks(cursor_kind=CursorKind.TOKEN)
XML = "Content-Type: application/xml"
MULTI = "207 Multi-Status"


@pytest.fixture(scope="module")
def inside() -> Iterator[Listener]:
    with listening(answer(event("one"))) as listener:
        yield listener


def session_for(inside: Listener) -> GuardedSession:
    """As the remotes use it; but the port is let pass, so that nothing but the address can be refused."""
    limits = Limits(ports=frozenset({443, inside.port}))
    return guarded_session(frozenset(), limits, resolver=lambda host, _port: NAMES.get(host, [host]), keep=True)


@pytest.mark.rule("C12")
@pytest.mark.parametrize("url", LITERALS + DISGUISES + SCHEMES + tuple(f"https://{name}:{{p}}/" for name in NAMES))
def test_no_remote_connects_to_an_address_of_the_inside(inside: Listener, url: str) -> None:
    address = url.replace("{p}", str(inside.port))
    before = inside.connections
    with session_for(inside) as session:
        with pytest.raises(RefusedAddress):
            CalDavRemote(address, Login("u", "p"), session=session, quirks=TOKENS).changes(None)
        with pytest.raises(RefusedAddress):
            discover(address, Login("u", "p"), session)
        with pytest.raises(RefusedAddress):
            IcsRemote(address, Login("u", "p"), session=session).changes(None)
    assert inside.connections == before


@pytest.mark.rule("C12")
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("target", ["http://127.0.0.1:{p}/", "https://[::ffff:127.0.0.1]:{p}/", "file:///etc/passwd"])
def test_no_remote_follows_a_redirect_to_the_inside(inside: Listener, target: str, status: str) -> None:
    before = inside.connections
    with listening(answer(b"", f"Location: {target.replace('{p}', str(inside.port))}", status=status)) as outer:
        with dav_session(frozenset({outer.netloc})) as session:
            url = f"http://{outer.netloc}/dav/"
            remote = CalDavRemote(url, Login("u", "p"), session=session, quirks=TOKENS)
            for ask in (
                lambda: remote.changes(None),
                lambda: remote.fetch(["/dav/a.ics"]),
                lambda: remote.create("/dav/a.ics", b""),
                lambda: remote.delete("/dav/a.ics", None),
                lambda: discover(url, None, session),
                lambda: IcsRemote(url, None, session=session).changes(None),
            ):
                with pytest.raises(OutsideError):
                    ask()
        assert outer.connections >= 4
    assert inside.connections == before


@pytest.mark.rule("C12")
def test_a_redirect_to_another_host_takes_neither_the_question_nor_the_password_along() -> None:
    with listening(answer(b"")) as stranger:
        moved = answer(b"", f"Location: http://{stranger.netloc}/dav/", status="301 Moved")
        with listening(moved) as own, dav_session(frozenset({own.netloc, stranger.netloc})) as session:
            remote = CalDavRemote(f"http://{own.netloc}/dav/", Login("u", "p"), session=session)
            with pytest.raises(RefusedRedirect, match="another host"):
                remote.changes(None)
        assert stranger.connections == 0


@contextmanager
def talking(script: Script, limits: Limits) -> Iterator[tuple[Listener, GuardedSession]]:
    with listening(script) as listener, dav_session(frozenset({listener.netloc}), limits) as session:
        yield listener, session


def told(script: Script, limits: Limits | None = None) -> Listing:
    with talking(script, limits or Limits(seconds=5)) as (listener, session):
        remote = CalDavRemote(f"http://{listener.netloc}{COLLECTION}", None, session=session, quirks=TOKENS)
        return remote.changes(None)


def laughs(levels: int) -> bytes:
    entities = ['<!ENTITY l0 "lol">']
    entities += [f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, levels)]
    return f"<!DOCTYPE m [{''.join(entities)}]><multistatus xmlns='DAV:'>&l{levels - 1};</multistatus>".encode()


BOMBS: dict[str, Callable[[], bytes]] = {
    "billion laughs": lambda: b'<?xml version="1.0"?>' + laughs(10),
    "laughs in an attribute": lambda: laughs(10).replace(b"xmlns='DAV:'", b"xmlns='DAV:' a='&l9;'"),
    "a quadratic blow-up": lambda: (
        b"<!DOCTYPE m [<!ENTITY a '" + b"x" * 50_000 + b"'>]><m>" + b"&a;" * 50_000 + b"</m>"
    ),
    "a file of ours": lambda: b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><m>&x;</m>',
    "a DTD elsewhere": lambda: b'<!DOCTYPE m SYSTEM "http://127.0.0.1:1/x.dtd"><m/>',
    "a parameter entity": lambda: b'<!DOCTYPE m [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x.dtd"> %p;]><m/>',
    "in UTF-16": lambda: laughs(10).decode().encode("utf-16"),
    "in UTF-7": lambda: b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE m+AD4-<m/>',
    "deep": lambda: b"<a>" * 100_000 + b"</a>" * 100_000,
    "wide": lambda: b"<a>" + b"<b/>" * (MOST_NODES + 1) + b"</a>",
    "many attributes": lambda: b"<a " + b" ".join(b'a%d=""' % number for number in range(200_000)) + b"/>",
    "many small attributes": lambda: b"<a>" + b'<b c="" d=""/>' * (MOST_NODES // 3 + 1) + b"</a>",
    "a long name": lambda: b"<" + b"a" * 2_000_000 + b"/>",
    "many namespaces": lambda: b"<a " + b" ".join(b'xmlns:n%d="u"' % number for number in range(100_000)) + b"/>",
    "never closed": lambda: b"<multistatus xmlns='DAV:'>" + b"<response>" * 99,
    "zeros": lambda: bytes(1_000_000),
}


@pytest.mark.rule("C9", "C12")
@pytest.mark.parametrize("name", BOMBS)
def test_an_xml_bomb_is_an_unreadable_answer_and_cheap(name: str) -> None:
    body = BOMBS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF)
    tracemalloc.start()
    try:
        listing = told(answer(body, XML, status=MULTI))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert (listing.is_whole, listing.there, listing.cursor) == (False, (), None)
    assert listing.not_whole_because
    assert peak < 60_000_000
    assert after.ru_utime - before.ru_utime < 4  # tracing costs most of it
    begun = time.process_time()
    with pytest.raises(Unreadable):
        screen(body)
    assert time.process_time() - begun < 1


@pytest.mark.rule("C12")
def test_the_largest_listing_that_is_read_costs_little() -> None:
    rows = [response(f"{COLLECTION}{number:040}.ics", f"<getetag>{'0' * 66}</getetag>") for number in range(20_000)]
    body = multistatus(*rows, token="http://peer.test/sync/1")
    limits = Limits(body=10_000_000, seconds=20)
    with talking(answer(body, XML, status=MULTI), limits) as (listener, session):
        remote = CalDavRemote(f"http://{listener.netloc}{COLLECTION}", None, session=session, quirks=TOKENS)
        begun = time.process_time()
        listing = remote.changes(None)
        spent = time.process_time() - begun
    assert (listing.is_whole, len(listing.there)) == (True, 20_000)
    assert spent < 5


@pytest.mark.rule("C12")
@pytest.mark.parametrize(
    "script",
    [
        dripping(b"HTTP/1.1 207 M\r\nContent-Length: 9999\r\n\r\n", b"<"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"B"),
        dripping(b"HTTP/1.1 207 M\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n<\r\n"),
        dripping(b"HTTP/1.1 207 M\r\nX: ", b"x"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["xml", "calendar", "chunks", "header", "continue"],
)
def test_a_drip_ends_on_time(script: Script) -> None:
    with talking(script, Limits(seconds=SECONDS)) as (listener, session):
        url = f"http://{listener.netloc}{COLLECTION}"
        remote = CalDavRemote(url, None, session=session, quirks=TOKENS)
        for ask in (lambda: remote.changes(None), lambda: IcsRemote(url, None, session=session).changes(None)):
            begun = time.monotonic()
            with pytest.raises(TooSlow):
                ask()
            assert time.monotonic() - begun < SECONDS + SLACK


def gzip_bomb(decoded: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    zeros = b" " * 1_000_000
    return b"".join(packer.compress(zeros) for _ in range(decoded // 1_000_000)) + packer.flush()


@pytest.mark.rule("C12")
@pytest.mark.parametrize("status", ["207 M", "200 OK", "404 Not Found", "503 Busy"])
def test_a_gzip_bomb_ends_at_the_limit(status: str) -> None:
    script = answer(gzip_bomb(scale(1_000_000_000)), "Content-Encoding: gzip", status=status)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            told(script, Limits(seconds=5, body=10_000_000))
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.rule("C9", "C12")
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (endless(b"HTTP/1.1 207 M\r\n\r\n", b"<a/>" * 9_999), TooLarge),
        (answer(gzip.compress(multistatus(), mtime=0)[:-9], "Content-Encoding: gzip", status=MULTI), BadAnswer),
        (answer(b"x", "Content-Encoding: br", status=MULTI), BadAnswer),
        (lambda peer, _request: peer.sendall(b"HTTP/1.1 207 M\r\nContent-Length: 99\r\n\r\n<multi"), BadAnswer),
        (lambda peer, _request: peer.sendall(b"SSH-2.0-OpenSSH\r\n"), BadAnswer),
        (lambda _peer, _request: None, Unreachable),
    ],
    ids=["endless", "cut gzip", "brotli", "cut body", "no http", "no word"],
)
def test_a_broken_answer_is_an_error_and_no_listing(script: Script, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        told(script)


@pytest.mark.rule("C12")
def test_nobody_there_is_an_error_worth_another_try() -> None:
    with listening(answer(b"")) as listener:
        netloc = listener.netloc
    with dav_session(frozenset({netloc})) as session, pytest.raises(Unreachable) as caught:
        CalDavRemote(f"http://{netloc}/", None, session=session).changes(None)
    assert caught.value.retry_after


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for another name that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "both.pem"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=example.org"]
    openssl = ["openssl", "req", "-x509", *options, "-keyout", str(folder / "key.pem"), "-out", str(made)]
    subprocess.run(openssl, check=True, capture_output=True, timeout=20)
    made.write_bytes(made.read_bytes() + (folder / "key.pem").read_bytes())
    return made


@pytest.mark.rule("C12")
def test_a_broken_certificate_ends_the_call_before_any_credential_is_sent(self_signed: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed)
    with listening(answer(multistatus(), status=MULTI), tls) as listener:
        with dav_session(frozenset({listener.netloc})) as session:
            url = f"https://{listener.netloc}/dav/"
            for ask in (
                lambda: CalDavRemote(url, Login("u", "p"), session=session).changes(None),
                lambda: discover(url, Login("u", "p"), session),
                lambda: IcsRemote(url, Login("u", "p"), session=session).changes(None),
            ):
                with pytest.raises(Unreachable) as caught:
                    ask()
                assert caught.value.reason == "tls"
        assert listener.connections == 3
        assert listener.requests == []


@pytest.mark.rule("C12")
def test_nothing_of_an_answer_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for body, header in (
        (b"<html>pr1vate</html>", "Content-Type: text/html"),
        (b"pr1vate", XML),
        (multistatus(response(f"{COLLECTION}pr1vate.ics", "<getetag>pr1vate</getetag>")), XML),
    ):
        for status in (MULTI, "200 OK", "403 Forbidden", "500 Oops"):
            try:
                told(answer(body, header, status=status))
            except OutsideError as error:
                caplog.handler.stream.write(f"{error!r} {error}")
    assert "pr1vate" not in caplog.text


@pytest.mark.rule("C9", "C12")
def test_a_hostile_discovery_finds_nothing_and_ends() -> None:
    endless_home = multistatus(
        response("/dav/", "<C:calendar-home-set><href>https://127.0.0.1:1/x/</href></C:calendar-home-set>")
    )
    for body, kind in (
        (endless_home, RefusedRedirect),
        (multistatus(), SiteUnreadable),
        (multistatus(response("/dav/", "<resourcetype/>")), SiteUnreadable),
        (laughs(10), SiteUnreadable),
    ):
        with listening(answer(body, XML, status=MULTI)) as listener:
            with dav_session(frozenset({listener.netloc})) as session, pytest.raises(kind):
                discover(f"http://{listener.netloc}/dav/", Login("u", "p"), session)
            assert listener.connections <= 4
