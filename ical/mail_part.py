"""The calendar part of a mail: one event each, its VTIMEZONE included (iTIP RFC 5546, iMIP RFC 6047; SPEC C5, S6).

PUBLISH only informs and goes as an attached file, since Outlook shows it as raw text inside a body. REQUEST and CANCEL
are for people who answer, and go both as an alternative of the text and as a file. `ical.feed.content_type` names the
media type of a method. DTSTAMP is the entry's last change, so a mail that is sent again carries the same bytes.
"""

from dataclasses import dataclass

from booking.values.agenda import AgendaEntry
from booking.values.states import ItemStatus
from ical.event import shown_in_mail, vevent
from ical.feed import calendar_lines
from ical.identity import uid_text
from ical.text import CRLF, fold, mailto, parameter
from ical.times import is_local, utc_text
from ical.words import words_of
from ical.zones import vtimezone


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A person or a house in a mail; the organiser's address must be one that can take replies."""

    email: str
    name: str


class WrongStatus(ValueError):  # noqa: N818 - says what is wrong
    """The method does not fit the entry's status. A mistake of the caller; trying again does not help."""

    def __init__(self, method: str, status: ItemStatus) -> None:
        super().__init__(f"{method} does not fit an entry that is {status}")
        self.method, self.status = method, status


def publish(entry: AgendaEntry, language: str, host_id: str) -> bytes:
    """To add to one's own calendar, no answer wanted: tentative for a request (SPEC S6), as its status says."""
    return _part("PUBLISH", entry, language, host_id, entry.sequence, "")


def request(
    entry: AgendaEntry, language: str, host_id: str, organizer: Correspondent, attendee: Correspondent
) -> bytes:
    """An invitation or its update: same UID, the entry's SEQUENCE. Raises WrongStatus where the entry is cancelled."""
    if entry.status is ItemStatus.CANCELLED:
        raise WrongStatus("REQUEST", entry.status)
    asked = f"ATTENDEE;CN={parameter(attendee.name)};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
    people = _organizer(organizer) + _person(asked, attendee)
    return _part("REQUEST", entry, language, host_id, entry.sequence, people)


def cancel(
    entry: AgendaEntry,
    language: str,
    host_id: str,
    organizer: Correspondent,
    attendee: Correspondent,
    last_sent: int | None = None,
) -> bytes:
    """Takes an invitation back. Raises WrongStatus unless the entry is cancelled.

    SEQUENCE is above that of the invitation, as clients ignore the rest: cancelling has raised the entry's own, and
    `last_sent`, the SEQUENCE mailed last for this UID where the caller knows it, is always exceeded.
    """
    if entry.status is not ItemStatus.CANCELLED:
        raise WrongStatus("CANCEL", entry.status)
    sequence = entry.sequence if last_sent is None else max(entry.sequence, last_sent + 1)
    people = _organizer(organizer) + _person(f"ATTENDEE;CN={parameter(attendee.name)}", attendee)
    return _part("CANCEL", entry, language, host_id, sequence, people)


def _part(method: str, entry: AgendaEntry, language: str, host_id: str, sequence: int, people: str) -> bytes:
    head = "".join(line + CRLF for line in calendar_lines(method)).encode()
    zone = (vtimezone(entry.zone) or b"") if is_local(entry.slot, entry.zone) else b""
    extra = f"CREATED:{utc_text(entry.created_at)}\r\n{people}"
    body = shown_in_mail(entry, words_of(language))
    event = vevent(entry, body, uid_text(entry.uid, host_id), sequence, extra).encode()
    return b"".join((head, zone, event, b"END:VCALENDAR\r\n"))


def _organizer(organizer: Correspondent) -> str:
    return _person(f"ORGANIZER;CN={parameter(organizer.name)}", organizer)


def _person(line: str, person: Correspondent) -> str:
    return fold(f"{line}:{mailto(person.email)}") + CRLF
