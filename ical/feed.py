"""A feed: the head of a calendar, its zones, its fragments (RFC 5545 section 3.4, RFC 7986; SPEC C2, C3).

Pure joining: what is shown is decided by `ical.window`, and a fragment can come from a cache. `render_calendar` does it
all for entries and series at once.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from booking.values.agenda import AgendaEntry
from booking.values.states import Variant
from ical.colour import css_name
from ical.event import render_event
from ical.fragment import FeedOptions, Fragment
from ical.series import Series
from ical.series_writer import render_series
from ical.text import CRLF, duration, text_line
from ical.times import is_local
from ical.window import turns, visible
from ical.zones import vtimezone

PRODUCT = "-//Platzwart//Platzwart//EN"
FEED_END = b"END:VCALENDAR\r\n"


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a calendar says about itself. `zone` is the house's Olson zone, always described, so that an empty feed is
    a valid calendar too; `colour` is "#rrggbb"; `refresh` is how often clients are asked to come back.
    """

    name: str
    description: str
    colour: str | None
    host_id: str
    zone: str
    refresh: timedelta = timedelta(hours=1)


def render_calendar(
    head: FeedHead, items: Iterable[AgendaEntry | Series], options: FeedOptions, now: datetime
) -> bytes:
    """The body of a feed of these entries and series as it is now; the same items give the same bytes until a
    fragment's `valid_until`.
    """
    return join_fragments(head, (render_item(item, options, head.host_id, now) for item in items))


def render_item(item: AgendaEntry | Series, options: FeedOptions, host_id: str, now: datetime) -> Fragment:
    """The fragment of an entry or a series, to keep until the item changes or its `valid_until` passes.

    Raises as `ical.event.render_event`.
    """
    if isinstance(item, Series):
        return render_series(item, options, host_id, now)
    entry, turned = _standing(item, now)
    is_seen = visible(entry, now, options.window)
    moments = [*turns(entry, options.window), *([entry.until] if entry.then and entry.until else [])]
    past = [moment for moment in moments if moment <= now]
    return Fragment(
        order=feed_order(item),
        data=render_event(entry, options.variant, options.language, host_id, options.alarm) if is_seen else b"",
        zones=zones_of([entry]) if is_seen else frozenset(),
        modified=max([entry.last_modified, *turned, *past]),
        valid_until=min((moment for moment in moments if moment > now), default=None),
    )


def join_fragments(head: FeedHead, fragments: Iterable[Fragment]) -> bytes:
    """The body of a feed from fragments, in their order. Raises as `join_feed`."""
    shown = sorted((fragment for fragment in fragments if fragment.data), key=lambda fragment: fragment.order)
    zones = frozenset[str]().union(*(fragment.zones for fragment in shown))
    return join_feed(head, zones, (fragment.data for fragment in shown))


def render_feed(head: FeedHead, entries: Iterable[AgendaEntry], variant: Variant, language: str) -> bytes:
    """The body of a feed of exactly these entries, ordered by start and UID; the same entries give the same bytes."""
    ordered = sorted(entries, key=feed_order)
    fragments = (render_event(entry, variant, language, head.host_id) for entry in ordered)
    return join_feed(head, zones_of(ordered), fragments)


def feed_order(entry: AgendaEntry) -> tuple[object, ...]:
    """The sort key of entries in a feed; fragments given to `join_feed` come in the same order."""
    return (entry.slot.start, entry.uid)


def zones_of(entries: Iterable[AgendaEntry]) -> frozenset[str]:
    """The zones whose VTIMEZONE the fragments of these entries need."""
    found: set[str] = set()
    for entry in entries:
        if entry.zone not in found and is_local(entry.slot, entry.zone):
            found.add(entry.zone)
    return frozenset(found)


def _standing(entry: AgendaEntry, now: datetime) -> tuple[AgendaEntry, list[datetime]]:
    """What stands in an entry's place now, and when it came to."""
    turned = []
    while entry.then is not None and entry.until is not None and entry.until <= now:
        turned.append(entry.until)
        entry = entry.then
    return entry, turned


def join_feed(head: FeedHead, zone_names: Iterable[str], fragments: Iterable[bytes]) -> bytes:
    """The body of a feed from fragments as `render_event` made them, in the order given.

    `zone_names` is `zones_of` the fragments' entries. Raises ZoneInfoNotFoundError or ValueError where a name is no
    zone, and ValueError on a colour or a refresh interval that cannot be written.
    """
    return b"".join((feed_opening(head, zone_names), *fragments, FEED_END))


def feed_opening(head: FeedHead, zone_names: Iterable[str]) -> bytes:
    """What stands before the first fragment. Raises as `join_feed`."""
    zones = (vtimezone(name) for name in sorted({head.zone, *zone_names}))
    return b"".join((_head(head), *(zone for zone in zones if zone)))


def etag(digests: Iterable[bytes]) -> str:
    """A strong entity tag, with its quotes (RFC 9110 section 8.8.3): of the parts that a body is joined of, in their
    order, each by its `digest`, so that nothing is read again of those that did not change.
    """
    return f'"{hashlib.sha256(b"".join(digests)).hexdigest()[:32]}"'


def digest(part: bytes) -> bytes:
    """16 bytes that stand for a part of a body."""
    return hashlib.sha256(part).digest()[:16]


def content_type(method: str = "PUBLISH") -> str:
    """The media type of a body with this METHOD: the parameter must say the same (RFC 5545 section 8.1)."""
    return f"text/calendar; charset=utf-8; method={method}"


def calendar_lines(method: str) -> list[str]:
    """The first content lines of every calendar object, BEGIN included."""
    return ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]


def _head(head: FeedHead) -> bytes:
    lines = [
        *calendar_lines("PUBLISH"),
        text_line("NAME", head.name),
        text_line("X-WR-CALNAME", head.name),
        f"REFRESH-INTERVAL;VALUE=DURATION:{duration(head.refresh)}",
        f"X-PUBLISHED-TTL:{duration(head.refresh)}",
    ]
    if head.description:
        lines += [text_line("DESCRIPTION", head.description), text_line("X-WR-CALDESC", head.description)]
    if head.colour is not None:
        lines += [f"COLOR:{css_name(head.colour)}", f"X-APPLE-CALENDAR-COLOR:{head.colour}"]
    return "".join(line + CRLF for line in lines).encode()
