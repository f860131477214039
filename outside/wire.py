"""One exchange on one connection: to an address that was judged before, under a deadline, with a bounded body."""

import http.client
import io
import socket
import ssl
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import requests
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, SSLError

from outside.addresses import Target
from outside.errors import BadAnswer, OutsideError, TooLarge, TooSlow, Unreachable
from outside.kept import Kept, place_of

CHUNK = 262_144
ENDS_EARLY = "body ends early"
MOST_ADDRESSES = 4
CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


@dataclass(slots=True)
class Deadline:
    """Until when a request may go on, counted from `begin` of the monotonic clock: for `seconds`, and up to `longest`
    as long as `pace` bytes have come for each second of it. Who sends nothing or a drip ends after `seconds`.
    """

    begin: float
    seconds: float
    longest: float
    pace: float
    came: int = 0

    def left(self, where: str) -> float:
        """Seconds that the next step may take, more than 0. Raises TooSlow where none are left."""
        rest = self._at() - time.monotonic()
        if rest <= 0:
            raise self.passed(where)
        return rest

    def is_over(self) -> bool:
        return time.monotonic() >= self._at()

    def passed(self, where: str) -> TooSlow:
        """What is to be said of a step that was not done in time."""
        return TooSlow(where, round(self._at() - self.begin, 1))

    def _at(self) -> float:
        return self.begin + max(self.seconds, min(self.longest, self.came / self.pace))


@dataclass(frozen=True, slots=True)
class _Route:
    target: Target
    addresses: tuple[str, ...]
    deadline: Deadline


class _TimedReader(io.RawIOBase):
    """Reads from a socket; each read may take only what the deadline leaves to it, and tells it what came."""

    def __init__(self, sock: Any, route: _Route) -> None:
        super().__init__()
        self._sock, self._route = sock, route
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._route.deadline.left(self._route.target.origin))
        count: int | None = self._raw.readinto(buffer)
        self._route.deadline.came += count or 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Timed:
    """What `http.client` wants from a socket when it makes a response of it."""

    def __init__(self, sock: Any, route: _Route) -> None:
        self._sock, self._route = sock, route

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._route))


class _Plain(HTTPConnection):
    """Connects to the judged addresses of its route, never to what the name says now."""

    route: _Route

    def _new_conn(self) -> socket.socket:
        return _connected(self.route)

    def send(self, data: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self.route.deadline.left(self.route.target.origin))
        super().send(data)

    def response_class(self, sock: Any, **kwargs: Any) -> http.client.HTTPResponse:  # type: ignore[override]
        timed: Any = _Timed(sock, self.route)
        return http.client.HTTPResponse(timed, **kwargs)


class _Secure(_Plain, HTTPSConnection):
    pass


def _connected(route: _Route) -> socket.socket:
    """To the first address that answers."""
    problem: OSError | None = None
    for address in route.addresses[:MOST_ADDRESSES]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(route.deadline.left(route.target.origin))
            sock.connect((address, route.target.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
        else:
            sock.settimeout(route.deadline.left(route.target.origin))
            return sock
    route.deadline.left(route.target.origin)
    raise Unreachable(route.target.origin, "connect") from problem


def exchange(
    request: requests.PreparedRequest,
    target: Target,
    addresses: Sequence[str],
    authorities: str,
    deadline: Deadline,
    most: int,
    kept: Kept | None = None,
) -> tuple[HTTPResponse, bytes]:
    """Send a request and read the whole answer, decoded. Raises the errors of `outside.errors`, nothing else. With
    `kept` the connection stays open for `exchange_again` if the other side agrees.
    """
    route = _Route(target, tuple(addresses), deadline)
    return _over(_connection(route, authorities), request, authorities, most, kept)


def exchange_again(
    request: requests.PreparedRequest, target: Target, authorities: str, deadline: Deadline, most: int, kept: Kept
) -> tuple[HTTPResponse, bytes] | None:
    """As `exchange`, over a connection that was kept; None if there is none."""
    connection = kept.take(place_of(target, authorities))
    if not isinstance(connection, _Plain):
        return None
    connection.route = _Route(target, connection.route.addresses, deadline)
    return _over(connection, request, authorities, most, kept)


def _over(
    connection: _Plain, request: requests.PreparedRequest, authorities: str, most: int, kept: Kept | None
) -> tuple[HTTPResponse, bytes]:
    whole = False
    try:
        answered = _converse(connection, request, connection.route, most)
        whole = True
    except OutsideError:
        raise
    except (http.client.HTTPException, HTTPError, OSError, ValueError, zlib.error) as error:
        raise _told(connection.route, error) from None
    finally:
        # http.client has dropped the socket where the other side wants to close
        if whole and kept is not None and connection.sock is not None:
            kept.give(place_of(connection.route.target, authorities), connection)
        else:
            connection.close()
    return answered


def _connection(route: _Route, authorities: str) -> _Plain:
    host, port = route.target.host, route.target.port
    if route.target.scheme == "http":
        connection = _Plain(host, port)
    else:
        connection = _Secure(host, port, cert_reqs="CERT_REQUIRED", ssl_context=_trust(authorities))
    connection.route = route
    return connection


@lru_cache(maxsize=16)
def _trust(authorities: str) -> ssl.SSLContext:
    """Reading the bundle takes longer than a handshake, so it is read once per process."""
    return ssl.create_default_context(cafile=authorities)


def _converse(
    connection: _Plain, request: requests.PreparedRequest, route: _Route, most: int
) -> tuple[HTTPResponse, bytes]:
    headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
    connection.request(
        request.method or "GET",
        route.target.path,
        body=request.body,
        headers={"Host": route.target.netloc, **headers},
        preload_content=False,
        decode_content=False,
    )
    raw = connection.getresponse()
    try:
        return raw, _body(raw, route, most)
    finally:
        raw.close()


def _body(raw: HTTPResponse, route: _Route, most: int) -> bytes:
    """The decoded body. Packed bytes are bounded, too: a stream may inflate to nothing for ever."""
    where = route.target.origin
    unpacker = _unpacker(raw.headers.get("Content-Encoding", "").strip().lower(), where)
    packed, body = 0, bytearray()
    while chunk := raw.read(CHUNK, decode_content=False):
        route.deadline.left(where)
        packed += len(chunk)
        body += unpacker.feed(chunk, most + 1 - len(body))
        if max(packed, len(body)) > most:
            raise TooLarge(where, most)
    if not unpacker.finished():
        raise BadAnswer(where, ENDS_EARLY)
    return bytes(body)


class _Identity:
    def feed(self, chunk: bytes, _room: int) -> bytes:
        return chunk

    def finished(self) -> bool:
        return True


class _Inflate:
    """Inflates at most as much as there is room for; several gzip members in a row are one body."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._stream = zlib.decompressobj(window)
        self._begun = False

    def feed(self, chunk: bytes, room: int) -> bytes:
        out = bytearray()
        while chunk and len(out) < room:
            if self._stream.eof:
                self._stream, self._begun = zlib.decompressobj(self._window), False
            out += self._inflate(chunk, room - len(out))
            chunk = self._stream.unused_data or self._stream.unconsumed_tail
            self._begun = True
        return bytes(out)

    def _inflate(self, chunk: bytes, room: int) -> bytes:
        try:
            return self._stream.decompress(chunk, room)
        except zlib.error:
            if self._window != CODINGS["deflate"] or self._begun:
                raise
        # some servers send raw deflate under this name, and browsers take it
        self._window = -CODINGS["deflate"]
        self._stream = zlib.decompressobj(self._window)
        return self._stream.decompress(chunk, room)

    def finished(self) -> bool:
        return self._stream.eof or not self._begun


def _unpacker(coding: str, where: str) -> _Identity | _Inflate:
    if coding in {"", "identity"}:
        return _Identity()
    if coding not in CODINGS:
        raise BadAnswer(where, "packed in a way that was not offered")
    return _Inflate(CODINGS[coding])


def _told(route: _Route, error: Exception) -> OutsideError:
    """Past the deadline everything is TooSlow, whatever the last call happened to raise."""
    where = route.target.origin
    if isinstance(error, TimeoutError) or route.deadline.is_over():
        return route.deadline.passed(where)
    if isinstance(error, ssl.SSLError | SSLError):
        return Unreachable(where, "tls")
    if isinstance(error, OSError):
        return Unreachable(where, "closed")
    if isinstance(error.__cause__, http.client.IncompleteRead):
        return BadAnswer(where, ENDS_EARLY)
    return BadAnswer(where, "unpack" if isinstance(error, zlib.error) else "http")
