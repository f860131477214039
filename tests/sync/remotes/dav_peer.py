"""A CalDAV server that speaks the protocol and has every bad manner that the real ones at hand do not have."""

import base64
import gzip
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from tests.outside.server import PACE

HOME = "/dav/"
COLLECTION = "/dav/cal/"
TOKEN = "http://peer.test/sync/"
PROPERTIES = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"'


@dataclass
class Manners:
    """How the peer behaves. Without arguments it is a good server with sync-token and strong ETags."""

    has_sync: bool = True
    has_tag: bool = True
    has_multiget: bool = True
    page: int | None = None
    endless_paging: bool = False
    is_deaf: bool = False  # takes a token and tells of nothing
    hides_deletions: bool = False
    forgotten: tuple[int, bool] = (403, True)
    etags: str = "strong"  # strong, weak, none
    heeds_none_match: bool = True
    heeds_match: bool = True
    rewrites: bool = False
    etag_on_write: bool = True
    lies_about_etags: bool = False  # a PUT answers with one that no GET will confirm
    visible_after: int = 0  # how many questions a write stays unseen
    silent_about: frozenset[str] = frozenset()  # names that a multiget answers with nothing
    refuses: dict[str, int] = field(default_factory=dict)  # names that are handed out to nobody: by this status
    multiget_breaks_at: frozenset[str] = frozenset()  # names with which a multiget answers 500
    spells_hrefs: str = "path"  # path, url, escaped
    cuts_listing_at: int | None = None
    item_status: dict[str, int] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    bearer: str | None = None
    wants_digest: bool = False
    is_gone: bool = False
    read_only: bool = False
    gzips: bool = False
    listing_pace: float = 0.0  # so many octets in a second, told steadily; 0: at once
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)  # given out first, one each


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    bytes_down: int


@dataclass
class Item:
    revision: int
    body: bytes | None  # None: deleted
    before: bytes | None = None
    unseen: int = 0


class DavPeer:
    """One collection in memory, under a lock."""

    def __init__(self, manners: Manners) -> None:
        self.manners, self.lock = manners, threading.RLock()
        self.items: dict[str, Item] = {}
        self.asked: list[Asked] = []
        self.connections = 0
        self.port = 0
        self.first_revision = 0  # tokens below it are forgotten
        self._revisions = itertools.count(1)

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.netloc}{COLLECTION}"

    def write(self, name: str, body: bytes | None, unseen: int = 0) -> None:
        """Put or, with None, remove, as another program would."""
        with self.lock:
            before = self.items.get(name)
            self.items[name] = Item(next(self._revisions), body, before.body if before else None, unseen)

    def body(self, name: str) -> bytes | None:
        """What is seen now: a fresh write is not, for a while."""
        item = self.items.get(name)
        if item is None:
            return None
        return item.before if item.unseen > 0 else item.body

    def etag(self, name: str) -> str | None:
        number = f'"{self.items[name].revision}"'
        return {"strong": number, "weak": f"W/{number}", "none": None}[self.manners.etags]

    def seen(self) -> dict[str, bytes]:
        return {name: body for name in self.items if (body := self.body(name)) is not None}

    def revision(self) -> int:
        return max((item.revision for item in self.items.values() if item.unseen <= 0), default=0)

    def count(self, method: str) -> int:
        return sum(asked.method == method for asked in self.asked)

    def href(self, name: str) -> str:
        path = COLLECTION + quote(name)
        if self.manners.spells_hrefs == "escaped":
            return COLLECTION + "".join(f"%{byte:02x}" for byte in name.encode())
        return f"http://inside.test:81{path}" if self.manners.spells_hrefs == "url" else path


@contextmanager
def dav_peer(manners: Manners | None = None) -> Iterator[DavPeer]:
    peer = DavPeer(manners or Manners())

    class Handler(_Handler):
        pass

    Handler.peer = peer
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def multistatus(*responses: str, token: str = "") -> bytes:
    said = f"<sync-token>{token}</sync-token>" if token else ""
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f"{head}<multistatus {PROPERTIES}>{''.join(responses)}{said}</multistatus>".encode()


def response(href: str, props: str = "", status: int = 0) -> str:
    if status:
        return f"<response><href>{escape(href)}</href><status>HTTP/1.1 {status} Said</status></response>"
    found = f"<propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat>"
    return f"<response><href>{escape(href)}</href>{found}</response>"


def error(name: str) -> bytes:
    return f'<?xml version="1.0"?><error {PROPERTIES}><{name}/></error>'.encode()


def rewritten(body: bytes) -> bytes:
    """As servers do: another PRODID, properties of the event in another order."""
    head, _, rest = body.partition(b"BEGIN:VEVENT\r\n")
    event, _, tail = rest.partition(b"END:VEVENT")
    lines = sorted(event.split(b"\r\n")[:-1])
    head = re.sub(rb"PRODID:[^\r]*", b"PRODID:-//Peer//EN", head)
    return head + b"BEGIN:VEVENT\r\n" + b"\r\n".join(lines) + b"\r\nEND:VEVENT" + tail


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Peer/1"
    disable_nagle_algorithm = True
    peer: DavPeer
    body: bytes

    def setup(self) -> None:
        super().setup()
        with self.peer.lock:
            self.peer.connections += 1

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the library names it
        """Tests look at `asked`."""

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.peer.lock:
            self.body = body
            self._serve(body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The library looks for `do_PROPFIND` and its like."""
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def _serve(self, body: bytes) -> None:
        manners = self.peer.manners
        if manners.answers:
            return self._say(*manners.answers.pop(0))
        if self.path in manners.redirects:
            status, target = manners.redirects[self.path]
            return self._say(status, {"Location": target})
        if not self._is_let_in():
            challenge = 'Digest realm="peer", nonce="n", qop="auth"' if manners.wants_digest else 'Basic realm="peer"'
            return self._say(401, {"WWW-Authenticate": challenge})
        if manners.is_gone:
            return self._say(404)
        getattr(self, f"_{self.command.lower()}")(body)
        if self.command in {"PROPFIND", "REPORT", "GET"}:
            for item in self.peer.items.values():
                item.unseen -= 1
        return None

    def _is_let_in(self) -> bool:
        manners, given = self.peer.manners, self.headers.get("Authorization", "")
        if manners.bearer:
            return given == f"Bearer {manners.bearer}"
        if manners.wants_digest:
            return given.startswith("Digest ") and 'username="' in given
        if manners.login:
            return given == "Basic " + base64.b64encode(":".join(manners.login).encode()).decode()
        return True

    def _say(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        if self.peer.manners.gzips and body:
            body, headers = gzip.compress(body, mtime=0), {**(headers or {}), "Content-Encoding": "gzip"}
        # before anything is sent: whoever has the answer may look at once
        self.peer.asked.append(Asked(self.command, self.path, dict(self.headers), self.body, status, len(body)))
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for piece in self._pieces(body):
            self.wfile.write(piece)

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        pace = self.peer.manners.listing_pace
        is_listing = self.headers.get("Depth") == "1" or b"sync-collection" in self.body
        size = max(1, int(pace * PACE)) if pace and is_listing else len(body) or 1
        for start in range(0, len(body), size):
            if start:
                time.sleep(PACE)
            yield body[start : start + size]

    def _multistatus(self, *responses: str, token: str = "") -> None:
        cut = self.peer.manners.cuts_listing_at
        body = multistatus(*responses, token=token)
        self._say(207, {"Content-Type": "application/xml"}, body[:cut] if cut else body)

    def _name(self) -> str:
        return unquote(self.path.removeprefix(COLLECTION))

    def _own(self) -> str:
        kind = "<resourcetype><collection/><C:calendar/></resourcetype><displayname>Hall &amp; Court</displayname>"
        tag = f"<S:getctag>tag-{self.peer.revision()}</S:getctag>" if self.peer.manners.has_tag else ""
        rights = "<read/>" if self.peer.manners.read_only else "<read/></privilege><privilege><write/>"
        granted = f"<current-user-privilege-set><privilege>{rights}</privilege></current-user-privilege-set>"
        return response(COLLECTION, kind + tag + granted)

    def _row(self, name: str, more: str = "") -> str:
        if status := self.peer.manners.item_status.get(name):
            return response(self.peer.href(name), status=status)
        etag = self.peer.etag(name)
        said = f"<getetag>{escape(etag)}</getetag>" if etag else ""
        return response(self.peer.href(name), f"<resourcetype/>{said}{more}")

    def _options(self, _body: bytes) -> None:
        self._say(200, {"DAV": "1, 3, calendar-access"})

    def _propfind(self, _body: bytes) -> None:
        if self.path == HOME:
            home = f"<C:calendar-home-set><href>{HOME}</href></C:calendar-home-set>"
            return self._multistatus(response(HOME, f"<resourcetype><collection/></resourcetype>{home}"), self._own())
        if self.path == COLLECTION:
            below = self.headers.get("Depth") == "1"
            sub = response(f"{COLLECTION}attachments/", "<resourcetype><collection/></resourcetype>")
            rows = (*map(self._row, self.peer.seen()), sub) if below else ()
            return self._multistatus(self._own(), *rows)
        if self._name() in self.peer.seen():
            return self._multistatus(self._row(self._name()))
        return self._say(404)

    def _report(self, body: bytes) -> None:
        text = body.decode()
        if "calendar-multiget" in text and self.peer.manners.has_multiget:
            return self._multiget(re.findall("<href>(.*?)</href>", text))
        if "sync-collection" in text and self.peer.manners.has_sync:
            assert "limit" not in text
            return self._sync(unescape(re.findall("<sync-token>(.*)</sync-token>", text)[0]))
        return self._say(403, {}, error("supported-report"))

    def _multiget(self, hrefs: list[str]) -> None:
        rows, seen = [], self.peer.seen()
        names = [unquote(unescape(href)).removeprefix(COLLECTION) for href in hrefs]
        if self.peer.manners.multiget_breaks_at.intersection(names):
            self._say(500)
            return
        for href, name in zip(hrefs, names, strict=True):
            if name in self.peer.manners.refuses:
                rows.append(response(unescape(href), status=self.peer.manners.refuses[name]))
                continue
            if name in self.peer.manners.silent_about:
                continue
            if name not in seen:
                rows.append(response(unescape(href), status=404))
                continue
            rows.append(self._row(name, f"<C:calendar-data>{escape(seen[name].decode())}</C:calendar-data>"))
        self._multistatus(*rows)

    def _sync(self, token: str) -> None:
        manners = self.peer.manners
        number = token.removeprefix(TOKEN)
        known = not token or (token.startswith(TOKEN) and number.isdigit() and int(number) >= self.peer.first_revision)
        if not known:
            status, told = manners.forgotten
            return self._say(status, {}, error("valid-sync-token") if told else b"")
        since = int(number or 0)
        changed = [(i.revision, n) for n, i in self.peer.items.items() if i.revision > since and i.unseen <= 0]
        changed.sort()
        last = self.peer.revision()
        rest = ()
        if manners.page is not None and len(changed) > manners.page:
            changed = changed[: manners.page]
            last = changed[-1][0]
            rest = (response(COLLECTION, status=507),)
        if manners.endless_paging:
            last, rest = since, (response(COLLECTION, status=507),)
        told = [
            name for _, name in changed if self.peer.body(name) is not None or (token and not manners.hides_deletions)
        ]
        rows = [self._change(name) for name in told if not (token and manners.is_deaf)]
        return self._multistatus(*rows, *rest, token=f"{TOKEN}{max(last, since)}")

    def _change(self, name: str) -> str:
        return response(self.peer.href(name), status=404) if self.peer.body(name) is None else self._row(name)

    def _get(self, _body: bytes) -> None:
        body = self.peer.seen().get(self._name())
        if body is None:
            return self._say(404)
        if self._name() in self.peer.manners.refuses:
            return self._say(self.peer.manners.refuses[self._name()])
        etag = self.peer.etag(self._name())
        return self._say(200, {"Content-Type": "text/calendar"} | ({"ETag": etag} if etag else {}), body)

    def _put(self, body: bytes) -> None:
        name, manners = self._name(), self.peer.manners
        if manners.read_only:
            return self._say(403, {}, error("need-privileges"))
        there = name in self.peer.items and self.peer.items[name].body is not None
        if there and manners.heeds_none_match and self.headers.get("If-None-Match") == "*":
            return self._say(412)
        if self._fails_match(name, there=there):
            return self._say(412)
        uid = re.search(rb"UID:([^\r]*)", body)
        others = (i.body for n, i in self.peer.items.items() if n != name and i.body)
        if uid and any(uid[0] + b"\r\n" in other for other in others):
            return self._say(409, {}, error("C:no-uid-conflict"))
        self.peer.write(name, rewritten(body) if manners.rewrites else body, manners.visible_after)
        etag = '"of the bytes sent"' if manners.lies_about_etags else self.peer.etag(name)
        return self._say(204 if there else 201, {"ETag": etag} if etag and manners.etag_on_write else {})

    def _delete(self, _body: bytes) -> None:
        name = self._name()
        if not name:
            return self._say(418)
        if self.peer.manners.read_only:
            return self._say(403, {}, error("need-privileges"))
        if name not in self.peer.items or self.peer.items[name].body is None:
            return self._say(404)
        if self._fails_match(name, there=True):
            return self._say(412)
        self.peer.write(name, None, self.peer.manners.visible_after)
        return self._say(204)

    def _fails_match(self, name: str, *, there: bool) -> bool:
        wanted = self.headers.get("If-Match")
        if wanted is None or not self.peer.manners.heeds_match:
            return False
        return not there or (wanted != "*" and wanted != self.peer.etag(name)) or wanted.startswith("W/")
