"""What a web process works with, built once: settings, database, Redis, tools, the feeds' gate."""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from importlib import import_module
from time import monotonic, sleep
from types import ModuleType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy.orm import Session

from booking.actions.accounts import note_seen, note_tokens_used
from booking.actions.tools import Tools
from booking.actions.vault import Vault
from booking.tables.database import Database
from config.settings import Settings

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from web.hot_feeds import FeedGate

EXTENSION = "platzwart"
REDIS_SECONDS = 1.0
MOST_WAITING = 100
FLUSH_SECONDS = 60.0
NUDGE_PAUSE = 0.01  # who comes meanwhile shares the next nudge
SEEN_FRESH = timedelta(minutes=1)
# What a request may need and no start should wait for; the modules that use it import it inside functions.
LOADED_LATE = ("holidays", "phonenumbers", "email_validator", "segno", "outside.ycbm")

log = logging.getLogger(__name__)


class Wake(Enum):
    """What a worker can be asked to look at; the value is the constant's name in `config.jobs`."""

    OUTBOX = "DRAIN_OUTBOX"
    HOOKS = "READ_HOOKS"
    LINKS = "SERVE_LINKS"


class WebContext:
    """The process's own parts. `clock` is the edge's (see `web.request.now`).

    `feed_gate` is set where the process answers feeds itself (`web.wsgi`).
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.settings = settings
        self.clock = clock
        base = urlsplit(settings.base_url)
        self.base_host = base.hostname or ""
        self.is_https = base.scheme == "https"
        self.database = Database(settings.database_url, pool_size=settings.web_threads)
        self.tools = Tools(
            settings.secret_key.encode(), Vault([(key.key_id, key.secret) for key in settings.code_keys])
        )
        self.seen = Seen()
        self.nudger = Nudger(self)
        self.feed_gate: FeedGate | None = None

    @cached_property
    def redis(self) -> "Redis":
        """The way to Redis; nothing is opened before the first command. It gives up after a second."""
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return Redis.from_url(
            self.settings.redis_url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )

    def close(self) -> None:
        self.nudger.close()
        if self.feed_gate is not None:
            self.feed_gate.close()
        self.database.close()


class Seen:
    """When log-ins and API tokens were last used, written in batches: a GET writes nothing (DESIGN rule 1).

    Lost with the process.
    """

    def __init__(self) -> None:
        self._latest: dict[int, datetime] = {}
        self._tokens: dict[int, datetime] = {}

    def note(self, session_id: int, before: datetime, now: datetime) -> None:
        """Remember it, unless what is stored is fresh enough."""
        if now - before >= SEEN_FRESH:
            self._latest[session_id] = now

    def note_token(self, token_id: int, before: datetime | None, now: datetime) -> None:
        if before is None or now - before >= SEEN_FRESH:
            self._tokens[token_id] = now

    def flush(self, database: Database) -> None:
        latest, self._latest = self._latest, {}
        tokens, self._tokens = self._tokens, {}
        if latest or tokens:
            database.write(lambda session: _write_down(session, latest, tokens))


def _write_down(session: Session, latest: dict[int, datetime], tokens: dict[int, datetime]) -> None:
    note_seen(session, latest)
    note_tokens_used(session, tokens)


class Nudger:
    """Asks workers to look, from a thread of its own: no request waits for Redis or for the import of RQ.

    The thread also writes down who was seen, about once a minute.

    A nudge is a hint (DESIGN rule 4): one that is lost is found by the tick.
    """

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._waiting: queue.Queue[Wake | None] = queue.Queue(MOST_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._needed: set[Wake] = set()
        self._asking: dict[Wake, Pipeline] = {}

    def warm_up(self) -> None:
        """Start the thread, which begins with the slow imports. Call it in the process that serves, after any fork."""
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="nudger", daemon=True)
                self._thread.start()

    def __call__(self, wake: Wake) -> None:
        """Never raises, never waits."""
        self.warm_up()
        try:
            self._waiting.put_nowait(wake)
        except queue.Full:
            log.warning("nudge of %s left out; the tick will find the row", wake.name)

    def close(self) -> None:
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        from config import jobs

        for module in LOADED_LATE:
            import_module(module)
        flushed = monotonic()
        while True:
            try:
                wake = self._waiting.get(timeout=FLUSH_SECONDS)
            except queue.Empty:
                wake = None
            else:
                if wake is None:
                    break
                for each in {wake, *self._others()}:
                    self._nudge(jobs, each)
                sleep(NUDGE_PAUSE)
            self._prepare(jobs, anew=wake is None)
            if monotonic() - flushed >= FLUSH_SECONDS:
                self._flush()
                flushed = monotonic()
        self._flush()

    def _others(self) -> set[Wake]:
        """What else waits: equal wake-ups are one."""
        found = set()
        while not self._waiting.empty():
            other = self._waiting.get()
            if other is None:
                self._waiting.put(None)  # the end comes after what was asked for before it
                break
            found.add(other)
        return found

    def _nudge(self, jobs: ModuleType, wake: Wake) -> None:
        self._needed.add(wake)
        try:
            asking = self._asking.pop(wake, None)
            was_sent = jobs.nudge(self._context.redis, getattr(jobs, wake.value), asking=asking)
            if asking is not None and not was_sent and asking.command_stack:
                self._asking[wake] = asking  # somebody had just asked
        except Exception as error:  # noqa: BLE001 - whatever it is, the tick finds the row
            log.warning("nudge of %s failed (%s); the tick will find the row", wake.name, type(error).__name__)

    def _prepare(self, jobs: ModuleType, *, anew: bool) -> None:
        """Make the next nudge of each kind that was needed, now and once a minute: it takes longer than to send it."""
        for wake in self._needed if anew else self._needed - self._asking.keys():
            with suppress(Exception):  # whatever it is, the nudge itself says so
                self._asking[wake] = jobs.ask_for(self._context.redis, getattr(jobs, wake.value))

    def _flush(self) -> None:
        try:
            self._context.seen.flush(self._context.database)
        except Exception as error:  # noqa: BLE001 - a hint for its owner, no more
            log.warning("last log-ins not noted: %s", type(error).__name__)


def current() -> WebContext:
    """The context of the application that handles this request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, WebContext)  # noqa: S101 - narrows the type; create_app put it there
    return found
