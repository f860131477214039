"""Who fetches feeds, and who guesses at them: both counted in memory, neither worth a write in a request."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final

from booking.actions.feeds import note_fetches
from booking.tables.database import Database

# Families by what their User-Agent contains, the telling ones first.
_FAMILIES: Final = (
    ("google-calendar", "Google Calendar"),
    ("icsx5", "ICSx5"),
    ("davx5", "DAVx5"),
    ("thunderbird", "Thunderbird"),
    ("nextcloud", "Nextcloud"),
    ("protoncalendar", "Proton Calendar"),
    ("fastmail", "Fastmail"),
    ("outlook", "Outlook"),
    ("microsoft", "Outlook"),
    ("exchange", "Outlook"),
    ("dataaccessd", "Apple Calendar"),
    ("calendaragent", "Apple Calendar"),
    ("calendar/", "Apple Calendar"),
    ("cfnetwork", "Apple Calendar"),
    ("mozilla/", "Browser"),
)
OTHER = "other"
MOST_SEEN = 10_000
MOST_GUESSES = 60
GUESS_SECONDS = 60.0
MOST_ADDRESSES = 10_000


def family(agent: str) -> str:
    """The client's name by its User-Agent: one of few, so that a feed's list stays short."""
    lower = agent.lower()
    return next((name for mark, name in _FAMILIES if mark in lower), OTHER)


class FetchLog:
    """The last fetch of each feed by each client, flushed in batches (DESIGN rule 1: GET writes nothing)."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], float] = {}

    def note(self, feed_id: int, agent: str) -> None:
        """Remember a fetch. Past 10,000 waiting ones new ones are left out: the list is a sample."""
        seen = self._seen
        if len(seen) < MOST_SEEN:
            seen[feed_id, agent[:200]] = time.time()

    def flush(self, database: Database) -> None:
        """Write what has come in since. A failure is the caller's to log; the sample is lost then."""
        seen, self._seen = self._seen, {}
        latest: dict[tuple[int, str], datetime] = {}
        for (feed_id, agent), at in sorted(seen.items(), key=lambda item: item[1]):
            latest[feed_id, family(agent)] = datetime.fromtimestamp(at, UTC)
        if latest:
            database.write(lambda session: note_fetches(session, latest))


class Guesses:
    """Unknown tokens by address: 60 in a minute, then none is looked up until the minute is over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str) -> int:
        """0 where the address may go on."""
        since, count = self._counts.get(network(address), (0.0, 0))
        left = since + GUESS_SECONDS - self._clock()
        return int(left) + 1 if count >= MOST_GUESSES and left > 0 else 0

    def count(self, address: str) -> None:
        key, now = network(address), self._clock()
        with self._lock:
            since, count = self._counts.pop(key, (now, 0))
            if now - since >= GUESS_SECONDS:
                since, count = now, 0
            self._counts[key] = (since, count + 1)
            if len(self._counts) > MOST_ADDRESSES:
                self._counts.pop(next(iter(self._counts)))


def network(address: str) -> str:
    """Whom an address stands for: IPv6 by its /64, since one customer has all of it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)


def address_of(environ: dict[str, object], trusted_proxies: int) -> str:
    """The client's address: the entry of X-Forwarded-For that the outermost trusted proxy wrote, else the peer."""
    peer = str(environ.get("REMOTE_ADDR", ""))
    forwarded = [part.strip() for part in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",") if part.strip()]
    if 0 < trusted_proxies <= len(forwarded):
        return forwarded[-trusted_proxies]
    return peer
