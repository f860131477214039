"""External calendars of every kind, each seen through a remote and, from behind, by somebody else who edits there."""

import itertools
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote

from outside.http import Limits
from sync.remotes.caldav import CalDavRemote
from sync.remotes.credentials import Login
from sync.remotes.dav import dav_session
from sync.remotes.ics import IcsRemote, ics_session
from sync.remotes.memory import MemoryRemote
from sync.remotes.protocol import Cursor, CursorKind, Quirks, Remote
from tests.outside.server import Listener, answer, listening
from tests.sync.remotes.dav_peer import DavPeer, Manners, dav_peer
from tests.sync.remotes.live import LiveServer

LIMITS = Limits(body=10_000_000, seconds=20.0)
_numbers = itertools.count(1)


def event(uid: str, summary: str = "Court 1") -> bytes:
    """A whole calendar with one event, as we write them."""
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Platzwart//Platzwart//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20261122T100000Z",
        "DTSTART:20261130T100000Z",
        "DTEND:20261130T110000Z",
        f"SUMMARY:{summary}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    return "\r\n".join(lines).encode()


def summary_of(body: bytes) -> str:
    found = re.search(rb"SUMMARY:([^\r\n]*)", body)
    return found[1].decode() if found else ""


class World(Protocol):
    """`body` is an item that differs by a word, and `word` what it differs by: its summary, or its time where the other
    side keeps no texts. `put` and `remove` are somebody else's doing; `put` tells where it lies. `forgotten` is a
    cursor that the other side no longer knows.
    """

    @property
    def remote(self) -> Remote: ...

    def body(self, uid: str, word: str = "Court 1") -> bytes: ...

    def word(self, body: bytes) -> str: ...

    def put(self, uid: str, word: str) -> str: ...

    def remove(self, uid: str) -> None: ...

    def forgotten(self, cursor: Cursor) -> Cursor: ...


class Summaries:
    """A calendar that keeps summaries."""

    def body(self, uid: str, word: str = "Court 1") -> bytes:
        return event(uid, word)

    def word(self, body: bytes) -> str:
        return summary_of(body)


@dataclass
class MemoryWorld(Summaries):
    remote: MemoryRemote = field(default_factory=MemoryRemote)

    def put(self, uid: str, word: str) -> str:
        self.remote.edit(self.remote.href_for(uid), event(uid, word))
        return self.remote.href_for(uid)

    def remove(self, uid: str) -> None:
        self.remote.remove(self.remote.href_for(uid))

    def forgotten(self, cursor: Cursor) -> Cursor:
        self.remote.forget()
        return cursor


@dataclass
class LiveWorld(Summaries):
    server: LiveServer
    remote: CalDavRemote

    def put(self, uid: str, word: str) -> str:
        headers = {"Content-Type": "text/calendar"}
        assert self.server.ask("PUT", self.remote.href_for(uid), event(uid, word), **headers) in {201, 204}
        return self.remote.href_for(uid)

    def remove(self, uid: str) -> None:
        assert self.server.ask("DELETE", self.remote.href_for(uid)) in {200, 204}

    def forgotten(self, cursor: Cursor) -> Cursor:
        return Cursor(cursor.kind, "http://radicale.org/ns/sync/" + "0" * 64)


@dataclass
class PeerWorld(Summaries):
    peer: DavPeer
    remote: CalDavRemote

    def _name(self, uid: str) -> str:
        return self.remote.href_for(uid).rpartition("/")[2]

    def put(self, uid: str, word: str) -> str:
        self.peer.write(self._name(uid), event(uid, word))
        return self.remote.href_for(uid)

    def remove(self, uid: str) -> None:
        self.peer.write(self._name(uid), None)

    def forgotten(self, cursor: Cursor) -> Cursor:
        self.peer.first_revision = 10**9
        return cursor if cursor.kind is CursorKind.TOKEN else Cursor(cursor.kind, "tag-gone")


@dataclass
class IcsWorld(Summaries):
    """A file at an address, with an ETag and 304."""

    events: dict[str, str] = field(default_factory=dict)
    remote: IcsRemote = field(init=False)

    def script(self, peer: socket.socket, request: bytes) -> None:
        parts = [event(uid, summary).split(b"PRODID:")[1].split(b"\r\n", 1)[1] for uid, summary in self.events.items()]
        body = b"".join(part.replace(b"END:VCALENDAR\r\n", b"") for part in parts)
        body = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n" + body + b"END:VCALENDAR\r\n"
        etag = f'"{quote(str(sorted(self.events.items())))}"'
        if f"If-None-Match: {etag}\r\n".encode() in request:
            answer(b"", status="304 Not Modified")(peer, request)
        else:
            answer(body, f"ETag: {etag}", "Content-Type: text/calendar")(peer, request)

    def put(self, uid: str, word: str) -> str:
        self.events[uid] = word
        return self.remote.href_for(uid)

    def remove(self, uid: str) -> None:
        del self.events[uid]

    def forgotten(self, cursor: Cursor) -> Cursor:
        return Cursor(cursor.kind, '["\\"gone\\"", "", "gone"]')


@contextmanager
def live_world(server: LiveServer, quirks: Quirks | None = None) -> Iterator[LiveWorld]:
    """Probed, unless the quirks are known from another time."""
    name = f"c{next(_numbers)}"
    server.make(name)
    with dav_session(frozenset({server.netloc}), LIMITS) as session:
        remote = CalDavRemote(server.url(name), Login("u", "p"), session=session)
        remote.quirks = quirks or remote.probe()
        yield LiveWorld(server, remote)


@contextmanager
def peer_world(manners: Manners, quirks: Quirks | None = None) -> Iterator[PeerWorld]:
    """As `live_world`; `peer.asked` begins after the probe."""
    with dav_peer(manners) as peer, dav_session(frozenset({peer.netloc}), LIMITS) as session:
        credentials = Login(*manners.login) if manners.login else None
        remote = CalDavRemote(peer.url, credentials, session=session, pause=lambda _seconds: None)
        remote.quirks = quirks or remote.probe()
        peer.asked.clear()
        yield PeerWorld(peer, remote)


@contextmanager
def ics_world() -> Iterator[tuple[IcsWorld, Listener]]:
    world = IcsWorld()
    with listening(world.script) as listener, ics_session(frozenset({listener.netloc})) as session:
        world.remote = IcsRemote(f"http://{listener.netloc}/secret.ics", None, session=session)
        yield world, listener
