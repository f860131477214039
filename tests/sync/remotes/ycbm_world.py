"""A booking page of the stand-in for YouCanBook.me as a calendar: what one item differs by is its time.

Each UID has a day and each word an hour, since two bookings of a page never share a time and texts are not kept.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.values.slot import Slot
from outside.http import Answer, Fetcher
from outside.ycbm import YcbmClient
from platzwart.peers.ycbm import Page, YcbmPeer
from sync.remotes.protocol import Cursor
from sync.remotes.ycbm import YcbmRemote
from sync.remotes.ycbm_items import Marks

FIRST = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
PAGE, OTHER = Page("prf_a", "Court", "court"), Page("prf_b", "Hall", "hall", tentative=True)
MARKS = Marks(b"k" * 32, UUID(int=7))
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class YcbmWorld:
    """`deletes`: somebody else removes bookings, instead of cancelling them."""

    peer: YcbmPeer
    remote: YcbmRemote
    deletes: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    days: dict[str, int] = field(default_factory=dict)
    hours: dict[str, int] = field(default_factory=dict)

    def slot(self, uid: str, word: str) -> Slot:
        day = self.days.setdefault(uid, len(self.days))
        hour = self.hours.setdefault(word, len(self.hours))
        start = FIRST + timedelta(days=day, hours=hour)
        return Slot(start, start + HOUR)

    def body(self, uid: str, word: str = "Court 1") -> bytes:
        return event_at(uid, self.slot(uid, word))

    def word(self, body: bytes) -> str:
        found = re.search(rb"DTSTART:\d{8}T(\d\d)0000Z", body)
        return next((word for word, hour in self.hours.items() if found and hour == int(found[1])), "")

    def put(self, uid: str, word: str) -> str:
        slot = self.slot(uid, word)
        if uid in self.ids:
            self.peer.reschedule(self.ids[uid], slot.start, slot.end)
        else:
            self.ids[uid] = str(self.peer.book(slot.start, slot.end, PAGE.id, FNAME="Ada")["id"])
        return self.ids[uid]

    def remove(self, uid: str) -> None:
        (self.peer.vanish if self.deletes else self.peer.cancel)(self.ids.pop(uid))

    def forgotten(self, cursor: Cursor) -> Cursor:
        return cursor


def event_at(uid: str, slot: Slot, *more: str) -> bytes:
    lines = (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Platzwart//Platzwart//EN", "BEGIN:VEVENT", f"UID:{uid}"),
        "DTSTAMP:20261122T100000Z",
        f"DTSTART:{slot.start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{slot.end:%Y%m%dT%H%M%SZ}",
        *("SUMMARY:Belegt", *more, "END:VEVENT", "END:VCALENDAR", ""),
    )
    return "\r\n".join(lines).encode()


@contextmanager
def ycbm_world(*, has_query: bool = True) -> Iterator[YcbmWorld]:
    """Without the newer query the site tells ten bookings at once; there bookings are deleted, not cancelled."""
    with YcbmPeer([PAGE, OTHER]) as peer:
        reached = Fetcher(frozenset({peer.netloc})).request

        def fetch(method: str, url: str, **rest: object) -> Answer:
            if not has_query and "/bookings/query" in url:
                return Answer(404, {}, b"", url)
            return reached(method, url, **rest)  # type: ignore[arg-type]  # as they came

        site = YcbmClient(peer.base_url, peer.account_id, peer.api_key, fetch)
        remote = YcbmRemote(site, MARKS, since=FIRST, zone=BERLIN, page=PAGE.id)
        yield YcbmWorld(peer, remote, deletes=not has_query)
