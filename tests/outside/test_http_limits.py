"""Bombs, drips and endless bodies end at a byte or at a moment, whatever the other side does."""

import contextlib
import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from outside.errors import BadAnswer, TooLarge, TooSlow, Unreachable
from outside.http import Answer, Fetcher, Limits, guarded_session
from tests.outside.server import Script, answer, dripping, endless, listening, steadily

SECONDS = 0.6
SLACK = 0.9  # what a busy machine may add


def ask(script: Script, limits: Limits | None = None, method: str = "GET") -> Answer:
    with listening(script) as listener:
        fetch = Fetcher(frozenset({listener.netloc}), limits or Limits(seconds=5))
        return fetch.request(method, f"http://{listener.netloc}/")


def silent(peer: socket.socket, _request: bytes) -> None:
    peer.settimeout(5)
    peer.recv(1)


@pytest.mark.parametrize(
    "script",
    [
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x", mtime=0)[:9], b"\0"),
        silent,
    ],
    ids=["body", "chunks", "header", "no length", "continue", "gzip", "silence"],
)
def test_a_drip_ends_on_time(script: Script) -> None:
    begun = time.monotonic()
    with pytest.raises(TooSlow):
        ask(script, Limits(seconds=SECONDS))
    assert time.monotonic() - begun < SECONDS + SLACK


def test_a_slow_resolver_is_not_waited_for() -> None:
    begun = time.monotonic()

    def asleep(_host: str, _port: int) -> list[str]:
        time.sleep(2)
        return []

    with pytest.raises(TooSlow):
        Fetcher(limits=Limits(seconds=SECONDS), resolver=asleep).request("GET", "https://example.org/")
    assert time.monotonic() - begun < SECONDS + SLACK


def test_redirects_share_one_deadline() -> None:
    def late(peer: socket.socket, request: bytes) -> None:
        time.sleep(SECONDS * 0.7)
        answer(b"", "Location: /again", status="302 Found")(peer, request)

    begun = time.monotonic()
    with pytest.raises(TooSlow):
        ask(late, Limits(seconds=SECONDS))
    assert time.monotonic() - begun < SECONDS + SLACK


@pytest.mark.parametrize(
    ("limits", "timeout"),
    [(Limits(seconds=5), SECONDS), (Limits(seconds=SECONDS), 5.0), (Limits(seconds=5, longest=9), SECONDS)],
    ids=["shorter", "no longer", "shorter than either"],
)
def test_a_caller_can_shorten_the_deadline_and_not_lengthen_that_of_the_silent(limits: Limits, timeout: float) -> None:
    with listening(silent) as listener:
        session = guarded_session(frozenset({listener.netloc}), limits)
        begun = time.monotonic()
        with pytest.raises(TooSlow) as caught:
            session.get(f"http://{listener.netloc}/", timeout=timeout)
        assert SECONDS - 0.05 < time.monotonic() - begun < SECONDS + SLACK
    assert caught.value.seconds == SECONDS


@pytest.mark.parametrize(
    ("script", "seconds"),
    [(silent, 0.3), (steadily(bytes(20), 2.0), 0.3), (steadily(bytes(2_000), 2.0), 0.6)],
    ids=["silence", "drip", "flow"],
)
def test_whoever_is_given_more_time_has_it_as_long_as_enough_comes(script: Script, seconds: float) -> None:
    """Each second must have brought five hundred bytes."""
    limits = Limits(seconds=0.3, longest=0.6, pace=500)
    with listening(script) as listener:
        session = guarded_session(frozenset({listener.netloc}), limits)
        begun = time.monotonic()
        with pytest.raises(TooSlow) as caught:
            session.get(f"http://{listener.netloc}/", timeout=5.0)
        assert seconds - 0.05 < time.monotonic() - begun < seconds + SLACK
    assert caught.value.seconds == seconds


def test_all_addresses_of_a_name_share_the_time_to_connect() -> None:
    """The backlog of a listener that takes nobody in is full: whoever comes then waits."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = full.getsockname()[1]
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        fetch = Fetcher(
            frozenset({f"full.test:{port}"}),
            Limits(seconds=0.4),
            resolver=lambda _host, _port: ["127.0.0.1"] * 4,
        )
        begun = time.monotonic()
        with pytest.raises(TooSlow):
            fetch.request("GET", f"http://full.test:{port}/")
        assert time.monotonic() - begun < 0.4 + SLACK


def test_a_reader_that_takes_nothing_ends_on_time() -> None:
    def deaf(peer: socket.socket, _request: bytes) -> None:
        time.sleep(1.5)

    with listening(deaf) as listener:
        fetch = Fetcher(frozenset({listener.netloc}), Limits(seconds=SECONDS))
        begun = time.monotonic()
        with pytest.raises(TooSlow):
            fetch.request("PUT", f"http://{listener.netloc}/", body=b"x", headers={"Content-Length": "100"})
        assert time.monotonic() - begun < SECONDS + SLACK


def bomb(decoded: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1_000_000)
    return b"".join(packer.compress(zeros) for _ in range(decoded // 1_000_000)) + packer.flush()


def test_a_bomb_of_300_megabytes_is_stopped_within_20() -> None:
    packed = bomb(300_000_000)
    script = answer(packed, "Content-Encoding: gzip")
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge) as caught:
            ask(script)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.limit == 5_000_000


@pytest.mark.parametrize(
    "script",
    [
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536),
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 65_535 + b"\r\n"),
        endless(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"", mtime=0) * 1_000),
        answer(b"x" * 100_001),
        answer(gzip.compress(b"x" * 100_001, mtime=0), "Content-Encoding: gzip"),
        answer(zlib.compress(b"x" * 100_001), "Content-Encoding: deflate"),
    ],
    ids=["no length", "chunks", "members that hold nothing", "one too many", "one too many in gzip", "in deflate"],
)
def test_a_body_ends_at_the_limit(script: Script) -> None:
    with pytest.raises(TooLarge):
        ask(script, Limits(body=100_000, seconds=5))


RAW_DEFLATE = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"x" * 100_000, "identity"),
        (gzip.compress(b"x" * 100_000, mtime=0), "gzip"),
        (gzip.compress(b"x" * 60_000, mtime=0) + gzip.compress(b"x" * 40_000, mtime=0), "x-gzip"),
        (zlib.compress(b"x" * 100_000), "deflate"),
        (RAW_DEFLATE.compress(b"x" * 100_000) + RAW_DEFLATE.flush(), "deflate"),
    ],
    ids=["plain", "gzip", "two members", "deflate", "raw deflate"],
)
def test_a_body_of_just_the_limit_arrives(body: bytes, coding: str) -> None:
    came = ask(answer(body, f"Content-Encoding: {coding}"), Limits(body=100_000))
    assert came.body == b"x" * 100_000


def saying(text: bytes) -> Script:
    return lambda peer, _request: peer.sendall(text)


UNREADABLE = {
    "br": answer(b"x", "Content-Encoding: br"),
    "twice": answer(b"x", "Content-Encoding: gzip, gzip"),
    "no gzip": answer(b"nonsense", "Content-Encoding: gzip"),
    "cut gzip": answer(gzip.compress(b"x" * 999, mtime=0)[:-9], "Content-Encoding: gzip"),
    "no http": saying(b"SSH-2.0-OpenSSH\r\n"),
    "cut body": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
    "cut chunk": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nh"),
    "many headers": saying(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200),
    "long header": saying(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_an_error_of_ours(name: str) -> None:
    with pytest.raises(BadAnswer):
        ask(UNREADABLE[name])


def test_a_connection_closed_without_a_word_is_worth_another_try() -> None:
    with pytest.raises(Unreachable, match="closed"):
        ask(lambda _peer, _request: None)


def test_a_closed_port_is_unreachable_and_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        Fetcher(frozenset({f"127.0.0.1:{port}"})).request("GET", f"http://127.0.0.1:{port}/")
    assert (caught.value.reason, caught.value.retry_after) == ("connect", 60)


def test_an_unknown_name_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="dns"):
        Fetcher(resolver=lambda _host, _port: []).request("GET", "https://example.org/")


@pytest.mark.parametrize("make", [lambda: b"", lambda: bytes(range(256))], ids=["nothing", "bytes"])
def test_what_is_sent_arrives_and_a_head_has_no_body(make: Callable[[], bytes]) -> None:
    with listening(answer(b"ok", status="201 Created")) as listener:
        fetch = Fetcher(frozenset({listener.netloc}))
        came = fetch.request("PUT", f"http://{listener.netloc}/a?b=1", headers={"X-One": "1"}, body=make())
        assert (came.status, came.body) == (201, b"ok")
        assert listener.requests[0].startswith(b"PUT /a?b=1 HTTP/1.1\r\n")
        assert listener.requests[0].endswith(b"\r\n\r\n" + make())

    def head(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")

    assert ask(head, method="HEAD").body == b""
