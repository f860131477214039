"""One entry as a VEVENT (RFC 5545 section 3.6.1, SPEC C2 and C4).

What a variant shows: BUSY the time, the status and the word for busy; TITLES also title and room; FULL also the party,
the location, the details and the address of the page. Never an attendee; an alarm only where the feed's owner asked
for one; a door code only where the details hold one.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from booking.values.agenda import AgendaEntry
from booking.values.states import ItemStatus, Variant
from ical.identity import uid_text
from ical.text import LONGEST_LINE, duration, fold, text_line, uri
from ical.times import time_lines, utc_text
from ical.words import Words, words_of

# Status, whether it takes time, and how Outlook shades it.
_STATE_LINES = {
    ItemStatus.TENTATIVE: "STATUS:TENTATIVE\r\nTRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",
    ItemStatus.CONFIRMED: "STATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY",
    ItemStatus.CANCELLED: "STATUS:CANCELLED\r\nTRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:FREE",
}


_new = tuple.__new__  # a third of the time that the named tuple's own takes


class Shown(NamedTuple):
    """The texts that a reader of an event gets to see; an empty one is left out."""

    summary: str
    location: str = ""
    description: str = ""
    url: str = ""


def shown(entry: AgendaEntry, variant: Variant, words: Words) -> Shown:
    """What a variant lets through. The status leads the summary too, since some clients drop STATUS."""
    if variant is Variant.BUSY:
        return Shown(_prefixed(words.busy, entry.status, words))
    title = entry.title or words.busy
    if variant is Variant.TITLES:
        return Shown(_prefixed(title, entry.status, words), entry.room)
    summary = f"{title} · {entry.party}" if entry.party else title
    if entry.status is not ItemStatus.CONFIRMED:
        summary = _prefixed(summary, entry.status, words)
    return _new(Shown, (summary, _place(entry.room, entry.location), entry.details, entry.url or ""))


def shown_in_mail(entry: AgendaEntry, words: Words) -> Shown:
    """As FULL, but without the party: it is the one who reads the mail."""
    summary = _prefixed(entry.title or words.busy, entry.status, words)
    return Shown(summary, _place(entry.room, entry.location), entry.details, entry.url or "")


def render_event(
    entry: AgendaEntry, variant: Variant, language: str, host_id: str, alarm: timedelta | None = None
) -> bytes:
    """The fragment of an entry: one VEVENT, the same bytes for the same arguments.

    DTSTAMP is LAST-MODIFIED, so that only a change looks like one. `alarm` is how long before the start a client that
    allows it reminds. Raises ZoneInfoNotFoundError or ValueError where the zone is none, ValueError on a naive instant,
    a host id that is no name, or an alarm below a minute.
    """
    body = shown(entry, variant, words_of(language))
    uid = uid_text(entry.uid, host_id)
    extra = created_line(entry.created_at, variant)
    reminder = alarm_lines(alarm, entry.status, body) if alarm is not None else ""
    return vevent(entry, body, uid, entry.sequence, extra, reminder).encode()


def created_line(created_at: datetime, variant: Variant) -> str:
    """CREATED with its CRLF; empty in a busy feed, where it is nobody's business when somebody booked."""
    return "" if variant is Variant.BUSY else f"CREATED:{utc_text(created_at)}\r\n"


def vevent(
    entry: AgendaEntry, body: Shown, uid: str, sequence: int, extra: str, alarm: str = "", times: str = ""
) -> str:
    """The VEVENT of an entry with the texts, the sequence, the extra content lines and the alarm (all with CRLF) given.

    `times` stands instead of DTSTART and DTEND as `time_lines` writes them; it comes without its last CRLF.
    """
    named = f"UID:{uid}"
    if len(named) > LONGEST_LINE:  # it is ASCII
        named = fold(named)
    modified = utc_text(entry.last_modified)
    times = times or time_lines(entry.slot, entry.zone)
    summary, location, description, url = body
    lines = text_line("SUMMARY", summary)
    if location:
        lines = f"{lines}\r\n{_location_line(location)}"
    if description:
        lines = f"{lines}\r\n{text_line('DESCRIPTION', description)}"
    if url:
        named_url = f"URL:{uri(url)}"
        lines = f"{lines}\r\n{named_url if len(named_url) <= LONGEST_LINE else fold(named_url)}"
    return (
        f"BEGIN:VEVENT\r\n{named}\r\nDTSTAMP:{modified}\r\nLAST-MODIFIED:{modified}\r\n{extra}"
        f"SEQUENCE:{sequence}\r\n{times}\r\n{_STATE_LINES[entry.status]}\r\n{lines}\r\n{alarm}END:VEVENT\r\n"
    )


def alarm_lines(before: timedelta | None, status: ItemStatus, body: Shown) -> str:
    """A VALARM (RFC 5545 section 3.6.6) that shows the summary; none for what was cancelled."""
    if before is None or status is ItemStatus.CANCELLED:
        return ""
    text = text_line("DESCRIPTION", body.summary)
    return f"BEGIN:VALARM\r\nACTION:DISPLAY\r\n{text}\r\nTRIGGER:-{duration(before)}\r\nEND:VALARM\r\n"


@lru_cache(maxsize=4096)
def _location_line(location: str) -> str:
    return text_line("LOCATION", location)


def _prefixed(text: str, status: ItemStatus, words: Words) -> str:
    if status is ItemStatus.CONFIRMED:
        return text
    return f"{words.cancelled if status is ItemStatus.CANCELLED else words.requested} {text}"


def _place(room: str, location: str) -> str:
    return f"{room}, {location}" if room and location else room or location
