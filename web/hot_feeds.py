"""Feeds before Flask: a dictionary look-up, and one indexed query at most every half second (SPEC C1 to C4).

200 and 304, 404 for a token nobody ever had, 410 for one that was revoked, 429 for who guesses, 503 when the database
has been away for a second. Never an answer that was true longer ago than that.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import inf
from time import monotonic
from typing import Any, Generic, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from booking.actions.calendar_items import TOUCHED
from booking.actions.vault import UnknownKeyError
from booking.reads.code_texts import Opener
from booking.reads.feeds import FoundFeed, Gone, find_feed
from booking.tables.database import Database
from booking.values.refusals import DatabaseBusy
from booking.values.tokens import looks_like_token
from web.feed_cache import SMALL, Body, Calendars, Headers, Shelf, gzip_wanted
from web.feed_clients import FetchLog, Guesses, address_of

T = TypeVar("T")
Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

PREFIX, SUFFIX = "/feeds/", ".ics"
FRESH = 0.5
AWAY = 1.0
BUILD_SECONDS = 20.0
FLUSH_SECONDS = 30.0
IDLE_SECONDS = 1.0
MEMORY = 192 * 1024 * 1024
_ENTRY_BYTES = 1_000
MOST_LOST = 6
_ERRORS = (SQLAlchemyError, DatabaseBusy, OSError, TimeoutError, UnknownKeyError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a token stood for when it was last asked, by the monotonic clock; no body: revoked."""

    checked: float
    feed: FoundFeed | None
    body: Body | None


@dataclass(frozen=True, slots=True)
class Check:
    """An answer of the database, and what held before it was asked: the time, and the last drop's mark."""

    started: float
    dropped: object
    found: FoundFeed | Gone | None


class Flight(Generic[T]):
    """One piece of work that several requests wait for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.done = threading.Event()
        self.begun = False
        self.lost = False
        self._result: T | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._result = self._work()
        except Exception as error:  # noqa: BLE001 - raised again in each request that waits
            self._error = error
        self.done.set()

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # set before done, where there is no error


class Flights(Generic[T]):
    """Threads of our own do the work, so that a request can stop waiting for a database that hangs.

    Who asks for the same key meanwhile waits for the same answer. Threads start with the first use, after any fork.
    """

    def __init__(self, name: str, threads: int) -> None:
        self._name, self._threads = name, threads
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Any, Flight[T]]] = queue.SimpleQueue()
        self._under_way: dict[Any, Flight[T]] = {}
        self._serving = 0
        self._lost = 0

    def run(self, key: Any, work: Callable[[], T], seconds: float) -> T:
        """The work's result or its error; TimeoutError after these seconds, while the work goes on."""
        with self._lock:
            flight = self._under_way.get(key)
            if flight is None:
                flight = self._under_way[key] = Flight(work)
                self._waiting.put((key, flight))
                if self._serving < self._threads and self._lost < MOST_LOST:
                    self._serving += 1
                    threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        if not flight.done.wait(seconds):
            self._give_up(key, flight)
            raise TimeoutError
        return flight.result()

    def forget(self) -> None:
        """Who comes from now on does not join work that began before."""
        with self._lock:
            self._under_way.clear()

    def _give_up(self, key: Any, flight: Flight[T]) -> None:
        """Another thread takes the place of the one that hangs in this work, which ends whenever it comes back."""
        with self._lock:
            if flight.lost or flight.done.is_set():
                return
            flight.lost = True
            self._land(key, flight)
            if flight.begun:
                self._serving -= 1
                self._lost += 1

    def _serve(self) -> None:
        while True:
            key, flight = self._waiting.get()
            with self._lock:
                flight.begun = not flight.lost
            if not flight.begun:
                continue
            flight.run()
            with self._lock:
                self._land(key, flight)
                if flight.lost:
                    self._lost -= 1
                    return

    def _land(self, key: Any, flight: Flight[T]) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]


class FeedGate:
    """A WSGI callable that answers `GET` and `HEAD /feeds/<token>.ics` itself and passes on everything else.

    Build one in each process. It drops what its own process commits at once; other processes learn it by asking.
    """

    def __init__(
        self,
        application: Application,
        database: Database,
        *,
        trusted_proxies: int = 0,
        memory: int = MEMORY,
        base_url: str = "",
        vault: Opener | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._application = application
        self._database = database
        self._trusted_proxies = trusted_proxies
        self._now = now
        self._entries: Shelf[str, Entry] = Shelf(memory // 2)
        self.calendars = Calendars(database, memory // 2, base_url=base_url, vault=vault)
        self.fetches = FetchLog()
        self._guesses = Guesses()
        self._checks: Flights[Check] = Flights("feed-check", 2)
        self._builds: Flights[Body] = Flights("feed-build", 2)
        self._dropped = object()
        self._storing = threading.Lock()
        self._busy = 0.0
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None
        self._starting = threading.Lock()
        event.listen(Session, "after_commit", self._committed)

    def close(self) -> None:
        """Stop listening and keeping; what was noted of fetches is written."""
        event.remove(Session, "after_commit", self._committed)
        self._closing.set()
        if self._keeper is not None:
            self._keeper.join()
            self._flush()

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        entry = self._entries.get(path)
        if entry is None and not is_feed(path):
            return self._application(environ, start)
        self._busy = now = monotonic()
        if entry is None or entry.body is None or now - entry.checked >= FRESH:
            return self._ask(environ, start, path, entry)
        return self._answer(environ, start, entry.feed, entry.body)

    def drop(self, subject_ids: Iterable[int]) -> None:
        """Forget what is cached of these calendars: whoever asks from now on is told what is in the database."""
        gone = frozenset(subject_ids)
        with self._storing:
            self._dropped = object()
            self._checks.forget()
            for path, entry in self._entries.items():
                if entry.feed is not None and entry.feed.subject_id in gone:
                    self._entries.drop(path)

    def _answer(self, environ: Environ, start: Start, feed: FoundFeed | None, body: Body) -> Iterable[bytes]:
        """Always a list: granian sends one as it is, and anything else piece by piece, which takes a third longer."""
        method = environ["REQUEST_METHOD"]
        if method not in {"GET", "HEAD"}:
            return _plain(start, "405 Method Not Allowed", ("Allow", "GET, HEAD"))
        if feed is not None:
            self.fetches.note(feed.feed_id, environ.get("HTTP_USER_AGENT", ""))
        unchanged = body.unchanged(environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_IF_MODIFIED_SINCE"))
        if unchanged is not None:
            start("304 Not Modified", unchanged)
            return []
        form = body.packed() if gzip_wanted(environ.get("HTTP_ACCEPT_ENCODING", "")) else body.plain
        start("200 OK", form.headers)
        return [form.data] if method == "GET" else []

    def _ask(self, environ: Environ, start: Start, path: str, entry: Entry | None) -> Iterable[bytes]:
        """The slow way: nothing known, or too long ago."""
        address = address_of(environ, self._trusted_proxies)
        if entry is None and (wait := self._guesses.seconds_to_wait(address)):
            return _plain(start, "429 Too Many Requests", ("Retry-After", str(wait)))
        self._keep()
        try:
            entry = self._fresh(path, entry)
        except _ERRORS as error:
            log.warning("feed not checked: %s", type(error).__name__)
            if entry is None or monotonic() - entry.checked > AWAY:
                return _plain(start, "503 Service Unavailable", ("Retry-After", "5"))
        if entry is None:
            self._guesses.count(address)
            return _plain(start, "404 Not Found")
        if entry.body is None:
            return _plain(start, "410 Gone")
        return self._answer(environ, start, entry.feed, entry.body)

    def _fresh(self, path: str, entry: Entry | None) -> Entry | None:
        """Ask the database whom the token belongs to, and build the body unless we have it. None: unknown."""
        if entry is not None and entry.feed is None:
            return entry
        token = path[len(PREFIX) : -len(SUFFIX)]
        if not looks_like_token(token):
            return None
        key = sha256(token.encode()).digest()
        check = self._checks.run(key, lambda: self._check(key), AWAY)
        found = check.found
        if found is None:
            return None
        if isinstance(found, Gone):
            return self._store(path, check, Entry(inf, None, None))
        body = entry.body if entry is not None and entry.feed == found else None
        if body is None or (body.valid_until is not None and body.valid_until <= self._now()):
            body = self._builds.run((key, found), lambda: self.calendars.body(found, self._now()), BUILD_SECONDS)
        return self._store(path, check, Entry(check.started, found, body))

    def _check(self, key: bytes) -> Check:
        started, dropped = monotonic(), self._dropped
        with self._database.read() as session:
            return Check(started, dropped, find_feed(session, key))

    def _store(self, path: str, check: Check, entry: Entry) -> Entry:
        """Keep the entry, unless this process committed something since the database was asked."""
        with self._storing:
            if check.dropped is self._dropped:
                self._entries.put(path, entry, _ENTRY_BYTES + (entry.body.size if entry.body else 0))
        return entry

    def _committed(self, session: Session) -> None:
        touched = session.info.get(TOUCHED)
        if touched:
            self.drop(touched)

    def _keep(self) -> None:
        if self._keeper is None:
            with self._starting:
                if self._keeper is None:
                    self._keeper = threading.Thread(target=self._keep_house, name="feed-keeper", daemon=True)
                    self._keeper.start()

    def _keep_house(self) -> None:
        """Write fetches in batches; pack bodies better while nobody asks."""
        flushed = monotonic()
        while not self._closing.wait(IDLE_SECONDS):
            if monotonic() - flushed >= FLUSH_SECONDS:
                self._flush()
                flushed = monotonic()
            if monotonic() - self._busy >= IDLE_SECONDS:
                self._pack_one()

    def _flush(self) -> None:
        try:
            self.fetches.flush(self._database)
        except _ERRORS as error:
            log.warning("fetches not noted: %s", type(error).__name__)

    def _pack_one(self) -> None:
        for entry in self._entries.values():
            if entry.body is not None and 0 < entry.body.level < SMALL:
                entry.body.pack(SMALL)
                return


def is_feed(path: str) -> bool:
    return path.startswith(PREFIX) and path.endswith(SUFFIX)


def _plain(start: Start, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = status.partition(" ")[2].encode() + b"\n"
    every: Headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        *headers,
    ]
    start(status, every)
    return [body]
