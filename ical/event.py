"""One entry as a VEVENT (RFC 5545 section 3.6.1, SPEC C2 and C4).

What a variant shows: BUSY the time, the status and the word for busy; TITLES also title and room; FULL also the party,
the location, the details and the address of the page. Never an attendee, an alarm or a door code.
"""

from dataclasses import dataclass

from booking.values.agenda import AgendaEntry
from booking.values.states import ItemStatus, Variant
from ical.identity import uid_text
from ical.text import fold, text_line, uri
from ical.times import time_lines, utc_text
from ical.words import Words, words_of

# Status, whether it takes time, and how Outlook shades it.
_STATE_LINES = {
    ItemStatus.TENTATIVE: "STATUS:TENTATIVE\r\nTRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",
    ItemStatus.CONFIRMED: "STATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY",
    ItemStatus.CANCELLED: "STATUS:CANCELLED\r\nTRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:FREE",
}


@dataclass(frozen=True, slots=True)
class Shown:
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
    return Shown(
        _prefixed(f"{title} · {entry.party}" if entry.party else title, entry.status, words),
        _joined(entry.room, entry.location),
        entry.details,
        entry.url or "",
    )


def shown_in_mail(entry: AgendaEntry, words: Words) -> Shown:
    """As FULL, but without the party: it is the one who reads the mail."""
    summary = _prefixed(entry.title or words.busy, entry.status, words)
    return Shown(summary, _joined(entry.room, entry.location), entry.details, entry.url or "")


def render_event(entry: AgendaEntry, variant: Variant, language: str, host_id: str) -> bytes:
    """The fragment of an entry: one VEVENT, the same bytes for the same arguments.

    DTSTAMP is LAST-MODIFIED, so that only a change looks like one. Raises ZoneInfoNotFoundError or ValueError where
    the zone is none, ValueError on a naive instant or a host id that is no name.
    """
    private = variant is Variant.BUSY  # when somebody booked is nobody's business
    created = "" if private else f"CREATED:{utc_text(entry.created_at)}\r\n"
    body = shown(entry, variant, words_of(language))
    return vevent(entry, body, uid_text(entry.uid, host_id), entry.sequence, created).encode()


def vevent(entry: AgendaEntry, body: Shown, uid: str, sequence: int, extra: str) -> str:
    """The VEVENT of an entry with the texts, the sequence and the extra content lines (each with CRLF) given."""
    modified = utc_text(entry.last_modified)
    return (
        f"BEGIN:VEVENT\r\n{fold('UID:' + uid)}\r\nDTSTAMP:{modified}\r\nLAST-MODIFIED:{modified}\r\n{extra}"
        f"SEQUENCE:{sequence}\r\n{time_lines(entry.slot, entry.zone)}\r\n{_STATE_LINES[entry.status]}\r\n"
        f"{_text_lines(body)}END:VEVENT\r\n"
    )


def _text_lines(body: Shown) -> str:
    lines = text_line("SUMMARY", body.summary) + "\r\n"
    if body.location:
        lines += text_line("LOCATION", body.location) + "\r\n"
    if body.description:
        lines += text_line("DESCRIPTION", body.description) + "\r\n"
    if body.url:
        lines += fold("URL:" + uri(body.url)) + "\r\n"
    return lines


def _prefixed(text: str, status: ItemStatus, words: Words) -> str:
    if status is ItemStatus.CONFIRMED:
        return text
    return f"{words.cancelled if status is ItemStatus.CANCELLED else words.requested} {text}"


def _joined(room: str, location: str) -> str:
    return ", ".join(part for part in (room, location) if part)
