"""The calendar that a page of the stand-in is linked with: what is busy there is not offered on the page.

A CalDAV collection is asked for what lies ahead (RFC 4791 section 7.8); an address whose path ends with `.ics` is
fetched whole. Tentative entries are busy, cancelled and transparent ones are not.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import requests

from booking.values.refusals import Refused
from booking.values.slot import Slot
from ical.expansion import expand
from ical.item import Details, Item, Status
from ical.reading import read
from platzwart.peers.ycbm_world import UnreadCalendarError

AHEAD = timedelta(days=200)
FRESH_SECONDS = 0.5
TIMEOUT = 5
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
QUERY = """<?xml version="1.0"?><C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
<prop><C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">
<C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/></C:comp-filter></C:comp-filter></C:filter>
</C:calendar-query>"""


@dataclass
class LinkedCalendar:
    """One calendar. What was read counts for `lag` seconds, so that the stand-in can be as late as a test wants."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    lag: float = FRESH_SECONDS
    _read_at: float = field(default=float("-inf"), repr=False)
    _times: list[tuple[datetime, datetime]] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def busy(self, now: datetime, zone: str) -> list[tuple[datetime, datetime]]:
        """The busy times of the next months. Raises UnreadCalendarError."""
        with self._lock:
            if time.monotonic() - self._read_at >= self.lag:
                window = Slot(now - timedelta(days=1), now + AHEAD)
                self._times = [times for item in self._items(window, zone) for times in _times(item, window, zone)]
                self._read_at = time.monotonic()
            return self._times

    def _items(self, window: Slot, zone: str) -> Iterator[Item]:
        for body in self._bodies(window):
            found = read(body, zone)
            if isinstance(found, Refused) or not found.is_whole:
                raise UnreadCalendarError(self.url)
            yield from found.items

    def _bodies(self, window: Slot) -> list[bytes]:
        whole = urlsplit(self.url).path.endswith(".ics")
        asked = b"" if whole else QUERY.format(start=window.start, end=window.end).encode()
        headers = {} if whole else {"Depth": "1", "Content-Type": "application/xml; charset=utf-8"}
        session = requests.Session()
        session.trust_env = False
        try:
            with session:
                came = session.request(
                    "GET" if whole else "REPORT",
                    self.url,
                    data=asked,
                    headers=headers,
                    auth=(self.user, self.password) if self.user else None,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            if came.status_code not in {200, 207}:
                raise UnreadCalendarError(self.url)
            if whole:
                return [came.content]
            root = ET.fromstring(came.content)  # noqa: S314 - from loopback, in a stand-in
        except (requests.RequestException, ET.ParseError) as error:
            raise UnreadCalendarError(self.url) from error
        return [text.encode() for one in root.iter(f"{CALDAV}calendar-data") if (text := one.text)]


def _times(item: Item, window: Slot, zone: str) -> Iterator[tuple[datetime, datetime]]:
    found = expand(item, window, zone)
    if found.refusal is not None:
        raise UnreadCalendarError(item.uid)
    for one in found.occurrences:
        if _is_busy(one.details) and one.start < one.end:
            yield one.start.astimezone(UTC), one.end.astimezone(UTC)


def _is_busy(details: Details) -> bool:
    return details.is_busy and details.status is not Status.CANCELLED
