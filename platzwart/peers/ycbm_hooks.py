"""The stand-in's webhooks: user-written text, shorthand codes replaced in it WITHOUT any escaping, then pushed."""

import http.client
import queue
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from platzwart.peers.ycbm_world import Booking, World

CODE = re.compile(r"\{([A-Z0-9_-]{2,32})\}")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Hook:
    """What an account owner entered for one trigger."""

    event: str
    url: str
    body: str
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for an address that is not on loopback: a stand-in calls nobody outside."""
        parts = urlsplit(self.url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            raise ValueError(f"webhooks of the stand-in go to loopback only: {self.event}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One push; `status` is 0 where nobody answered."""

    event: str
    status: int
    body: str


@dataclass
class Pusher:
    """Delivers in order, on a thread of its own. The faults are plain attributes: set them at any time."""

    hooks: list[Hook] = field(default_factory=list)
    drop: bool = False
    copies: int = 1
    delay: float = 0.0
    deliveries: list[Delivery] = field(default_factory=list)
    _queue: "queue.Queue[tuple[Hook, str] | None]" = field(default_factory=queue.Queue, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True, name="ycbm-hooks")
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join(PATIENCE)

    def push(self, event: str, codes: Mapping[str, str]) -> None:
        """Freeze the text now, deliver it later."""
        if self.drop:
            return
        for hook in self.hooks:
            if hook.event == event:
                for _ in range(self.copies):
                    self._queue.put((hook, substitute(hook.body, codes)))

    def wait(self) -> None:
        """Until all that was pushed is delivered or given up."""
        self._queue.join()

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            time.sleep(self.delay)
            hook, body = job
            self.deliveries.append(Delivery(hook.event, _send(hook, body), body))
            self._queue.task_done()


def substitute(text: str, codes: Mapping[str, str]) -> str:
    """Replace known codes, plainly: a quote in a name breaks the JSON around it, as it may on the real site."""
    return CODE.sub(lambda found: codes.get(found[1], found[0]), text)


def codes_of(world: World, booking: Booking, public_url: str) -> dict[str, str]:
    """The shorthand codes of a booking, answers among them."""
    page = world.pages[booking.profile_id]
    start, end = (moment.astimezone(ZoneInfo(booking.zone)) for moment in (booking.starts, booking.ends))
    manage = f"{public_url}/booking/{booking.ref}/{booking.booker_secret}"
    return {
        **booking.answers,
        "REF": booking.ref,
        "BOOKING-PAGE-TITLE": page.title,
        "START": start.strftime("%A, %d %B %Y %H:%M"),
        "START-DATE": start.strftime("%d/%m/%Y"),
        "START-TIME": start.strftime("%H:%M"),
        "START-ISO": start.isoformat(timespec="seconds"),
        "START-ISO-8601": _basic(booking.starts),
        "START-MILLIS": str(int(booking.starts.timestamp()) * 1000),
        "END": end.strftime("%A, %d %B %Y %H:%M"),
        "END-ISO": end.isoformat(timespec="seconds"),
        "END-ISO-8601": _basic(booking.ends),
        "DURATION": str(int((booking.ends - booking.starts).total_seconds()) // 60),
        "CANCELLATION-REASON": booking.reason,
        "CANCEL": manage,
        "RESCHEDULE": manage,
    }


def _basic(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _send(hook: Hook, body: str) -> int:
    parts = urlsplit(hook.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=PATIENCE)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            hook.method, path, body.encode(), {"Content-Type": "application/json", "User-Agent": "YCBM", **hook.headers}
        )
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
