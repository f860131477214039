"""Connections that stay open: used again for the same place alone, and no trap when the other side has closed them."""

import gzip
import socket
import threading
import time
from collections.abc import Callable

import pytest

from outside.errors import BadAnswer, OutsideError, TooLarge, Unreachable
from outside.http import GuardedSession, Limits, guarded_session
from outside.kept import MOST_IDLE
from tests.outside.server import Listener, listening

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def talking(*answers: bytes) -> Callable[[socket.socket, bytes], None]:
    """One connection, one answer after the other, then silence until the other side hangs up."""

    def script(peer: socket.socket, _request: bytes) -> None:
        for number, answer in enumerate(answers):
            if number and not peer.recv(65_536):
                return
            peer.sendall(answer)
        peer.recv(65_536)

    return script


def keeping(listener: Listener, limits: Limits | None = None) -> GuardedSession:
    return guarded_session(frozenset({listener.netloc}), limits, keep=True)


def test_one_connection_serves_many_requests_and_close_ends_it() -> None:
    ended = threading.Event()

    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(OK)
        while peer.recv(65_536):
            peer.sendall(OK)
        ended.set()

    with listening(script) as listener, keeping(listener) as session:
        for _ in range(5):
            assert session.get(f"http://{listener.netloc}/").content == b"ok"
        assert listener.connections == 1
        assert b"Connection: keep-alive" in listener.requests[0]
        session.close()
        assert ended.wait(5)


def test_without_keep_each_request_has_its_own_connection() -> None:
    with listening(talking(OK, OK)) as listener:
        session = guarded_session(frozenset({listener.netloc}))
        assert [session.get(f"http://{listener.netloc}/").content for _ in range(3)] == [b"ok"] * 3
        assert listener.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_who_says_that_he_closes_is_not_asked_again_on_it(answer: bytes) -> None:
    with listening(talking(answer)) as listener, keeping(listener) as session:
        for _ in range(3):
            assert session.put(f"http://{listener.netloc}/", data=b"x").content == b"ok"
        assert listener.connections == 3


def test_a_connection_that_ended_meanwhile_is_not_used() -> None:
    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(OK)

    with listening(script) as listener, keeping(listener) as session:
        for _ in range(3):
            assert session.put(f"http://{listener.netloc}/", data=b"x").content == b"ok"
            time.sleep(0.1)
        assert listener.connections == 3


def closing_late(peer: socket.socket, request: bytes) -> None:
    """Takes a second request and hangs up over it."""
    peer.sendall(OK)
    if not request.startswith(b"GET /second"):
        peer.recv(65_536)


def test_a_question_is_asked_again_where_the_connection_ended_over_it() -> None:
    with listening(closing_late) as listener, keeping(listener) as session:
        for path in ("first", "second", "third"):
            assert session.get(f"http://{listener.netloc}/{path}").content == b"ok"
        assert listener.connections == 3


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_a_change_is_never_sent_twice_and_such_a_place_is_not_trusted_again(method: str) -> None:
    with listening(closing_late) as listener, keeping(listener) as session:
        url = f"http://{listener.netloc}/first"
        assert session.request(method, url).content == b"ok"
        with pytest.raises(Unreachable, match="closed") as caught:
            session.request(method, url)
        assert caught.value.retry_after
        assert len(listener.requests) == 1
        assert [session.request(method, url).content for _ in range(3)] == [b"ok"] * 3
        assert listener.connections == 4


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000, TooLarge),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"
            + gzip.compress(b"x", mtime=0)[:9],
            BadAnswer,
        ),
        (b"nonsense\r\n\r\n", BadAnswer),
    ],
)
def test_after_an_answer_that_was_not_read_to_its_end_nothing_is_kept(answer: bytes, kind: type[OutsideError]) -> None:
    with listening(talking(answer, OK)) as listener, keeping(listener, Limits(body=1_000)) as session:
        for _ in range(2):
            with pytest.raises(kind):
                session.get(f"http://{listener.netloc}/")
        assert listener.connections == 2


def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_question() -> None:
    stray = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

    def script(peer: socket.socket, _request: bytes) -> None:
        peer.sendall(OK)
        time.sleep(0.05)
        peer.sendall(stray)
        peer.recv(65_536)

    with listening(script) as listener, keeping(listener) as session:
        for _ in range(3):
            assert session.get(f"http://{listener.netloc}/").content == b"ok"
            time.sleep(0.15)


def test_threads_share_what_is_kept_and_no_more_than_that_many() -> None:
    barrier = threading.Barrier(MOST_IDLE + 2)

    def script(peer: socket.socket, _request: bytes) -> None:
        barrier.wait(5)
        peer.sendall(OK)
        while peer.recv(65_536):
            peer.sendall(OK)

    with listening(script) as listener, keeping(listener) as session:
        url = f"http://{listener.netloc}/"
        threads = [threading.Thread(target=session.get, args=(url,)) for _ in range(MOST_IDLE + 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert listener.connections == MOST_IDLE + 2
        kept = session._gate.kept
        assert kept is not None
        assert [len(idle) for idle in kept._idle.values()] == [MOST_IDLE]


def test_an_old_connection_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outside.kept.IDLE_SECONDS", 0.05)
    with listening(talking(OK, OK)) as listener, keeping(listener) as session:
        for _ in range(2):
            session.get(f"http://{listener.netloc}/")
            time.sleep(0.1)
        assert listener.connections == 2


def test_a_kept_connection_ends_on_time_as_well() -> None:
    with listening(talking(OK)) as listener, keeping(listener, Limits(seconds=0.4)) as session:
        session.get(f"http://{listener.netloc}/")
        begun = time.monotonic()
        with pytest.raises(OutsideError):
            session.put(f"http://{listener.netloc}/", data=b"x")
        assert time.monotonic() - begun < 2
