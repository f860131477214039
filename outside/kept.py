"""Connections that stay open between requests to one place.

Each was made to an address that was judged, and its certificate was checked on the name; it is used again only for the
same scheme, host, port and trust, so for `IDLE_SECONDS` after an answer nothing is resolved or judged anew.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from urllib3.connection import HTTPConnection
from urllib3.util.wait import wait_for_read

from outside.addresses import Target

IDLE_SECONDS = 4.0  # Apache closes after five, others later
MOST_IDLE = 8


@dataclass(frozen=True, slots=True)
class Place:
    """What a connection was made for. `target` without its path."""

    scheme: str
    host: str
    port: int
    listed: bool
    authorities: str


def place_of(target: Target, authorities: str) -> Place:
    return Place(target.scheme, target.host, target.port, target.listed, authorities)


class Kept:
    """Idle connections by place, at most MOST_IDLE each. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: defaultdict[Place, list[tuple[float, HTTPConnection]]] = defaultdict(list)
        self._distrusted: set[Place] = set()

    def take(self, place: Place) -> HTTPConnection | None:
        """The one used last that is still open, or None. It belongs to the caller, who gives it back or closes it."""
        while True:
            with self._lock:
                if not self._idle[place]:
                    return None
                since, connection = self._idle[place].pop()
            if time.monotonic() - since < IDLE_SECONDS and _is_silent(connection):
                return connection
            connection.close()

    def give(self, place: Place, connection: HTTPConnection) -> None:
        """Keep it for the next request; its last answer was read to the end."""
        with self._lock:
            idle = self._idle[place]
            if len(idle) < MOST_IDLE and place not in self._distrusted:
                idle.append((time.monotonic(), connection))
                return
        connection.close()

    def distrust(self, place: Place) -> None:
        """Keep no more connections there: one was closed without a word between two requests."""
        with self._lock:
            self._distrusted.add(place)

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle = [connection for kept in self._idle.values() for _, connection in kept]
            self._idle.clear()
        for connection in idle:
            connection.close()


def _is_silent(connection: HTTPConnection) -> bool:
    """Bytes that nobody asked for are an end, or belong to no request: either way it is of no use."""
    return connection.sock is not None and not wait_for_read(connection.sock, timeout=0)
