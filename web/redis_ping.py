"""PING without the client library, which takes longer to import than all that `/readyz` asks."""

import socket
from urllib.parse import SplitResult, unquote, urlsplit

PORT = 6379
MOST_BYTES = 1024


def is_pong(url: str, seconds: float) -> bool:
    """Whether the server behind a plain `redis:` or `unix:` address lets us in and answers.

    No stands for all else, be it an address that says more than this understands (TLS, options) or a server that
    refuses: the library knows why. Raises TimeoutError after some `seconds` without an answer.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"redis", "unix"} or parts.query or parts.fragment:
        return False
    commands = _commands(parts)
    try:
        with _connected(parts, seconds) as line:
            line.sendall(b"".join(_packed(*command) for command in commands))
            told = _read(line, len(commands))
    except TimeoutError:
        raise
    except OSError:
        return False
    return told == [b"+OK"] * (len(commands) - 1) + [b"+PONG"]


def _commands(parts: SplitResult) -> list[tuple[str, ...]]:
    commands: list[tuple[str, ...]] = []
    if parts.password:
        names = (unquote(parts.username),) if parts.username else ()
        commands.append(("AUTH", *names, unquote(parts.password)))
    database = parts.path.strip("/") if parts.scheme == "redis" else ""
    if database:
        commands.append(("SELECT", database))
    return [*commands, ("PING",)]


def _connected(parts: SplitResult, seconds: float) -> socket.socket:
    if parts.scheme == "redis":
        return socket.create_connection((unquote(parts.hostname or "localhost"), parts.port or PORT), seconds)
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(seconds)
    try:
        line.connect(unquote(parts.path))
    except BaseException:
        line.close()
        raise
    return line


def _packed(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"".join((b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)))


def _read(line: socket.socket, wanted: int) -> list[bytes]:
    """The lines of so many simple replies; fewer where the server hangs up."""
    told = b""
    while told.count(b"\r\n") < wanted and len(told) < MOST_BYTES and (more := line.recv(MOST_BYTES)):
        told += more
    return told.split(b"\r\n")[:-1]
