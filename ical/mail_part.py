"""The calendar part of a mail: one event or series each, with its VTIMEZONE (iTIP RFC 5546, iMIP RFC 6047; SPEC C5).

PUBLISH only informs and goes as an attached file, since Outlook shows it as raw text inside a body. REQUEST and CANCEL
are for people who answer, and go both as an alternative of the text and as a file. `ical.feed.content_type` names the
media type of a method. DTSTAMP is the entry's last change, so a mail that is sent again carries the same bytes.

A REQUEST and a CANCEL speak of one UID (RFC 5546 section 3.2), so that what a series has beside its own (see
`ical.series_layout`) goes in mails of its own: the functions for series give one part for each mail, the master first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from booking.values.agenda import AgendaEntry
from booking.values.states import ItemStatus
from ical.event import shown_in_mail, vevent
from ical.feed import calendar_lines, zones_of
from ical.identity import uid_text
from ical.series import Occurrence, Revision, Series, entry_of, occurrences, single_entry
from ical.series_layout import Layout, laid_out
from ical.series_writer import group_revision, master_entry, master_lines, override_line
from ical.text import CRLF, fold, mailto, parameter
from ical.times import utc_text
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
    return _calendar("PUBLISH", _zones([entry]), [_event(entry, language, host_id)])


def publish_series(series: Series, language: str, host_id: str) -> bytes:
    """As `publish`, all of a series in one file."""
    layout = laid_out(series, occurrences(series))
    singles = [single_entry(series, one) for one in layout.singles]
    events = _group(series, layout, language, host_id, group_revision(series), "")
    events += [_event(entry, language, host_id) for entry in singles]
    return _calendar("PUBLISH", _zones(singles, series, layout), events)


def request(
    entry: AgendaEntry, language: str, host_id: str, organizer: Correspondent, attendee: Correspondent
) -> bytes:
    """An invitation or its update: same UID, the entry's SEQUENCE. Raises WrongStatus where the entry is cancelled."""
    if entry.status is ItemStatus.CANCELLED:
        raise WrongStatus("REQUEST", entry.status)
    people = _asked(organizer, attendee)
    return _calendar("REQUEST", _zones([entry]), [_event(entry, language, host_id, people)])


def request_series(
    series: Series, language: str, host_id: str, organizer: Correspondent, attendee: Correspondent
) -> tuple[bytes, ...]:
    """An invitation to a series or its update, without the occurrences that are cancelled (`cancel_occurrence` takes
    those back). Raises WrongStatus where the series is cancelled.
    """
    if series.status is ItemStatus.CANCELLED:
        raise WrongStatus("REQUEST", series.status)
    layout = laid_out(series, _standing(series))
    people = _asked(organizer, attendee)
    whole = _group(series, layout, language, host_id, group_revision(series), people)
    singles = (single_entry(series, one) for one in layout.singles)
    parts = [_calendar("REQUEST", _zones([], series, layout), whole)] if whole else []
    return (*parts, *(request(entry, language, host_id, organizer, attendee) for entry in singles))


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
    event = _event(entry, language, host_id, _told(organizer, attendee), _above(entry.sequence, last_sent))
    return _calendar("CANCEL", _zones([entry]), [event])


def cancel_series(
    series: Series,
    language: str,
    host_id: str,
    organizer: Correspondent,
    attendee: Correspondent,
    last_sent: int | None = None,
) -> tuple[bytes, ...]:
    """Takes all of a series back: one part for its own UID, which speaks of every occurrence, and one for each other.

    Raises WrongStatus unless the series is cancelled; `last_sent` as in `cancel`.
    """
    if series.status is not ItemStatus.CANCELLED:
        raise WrongStatus("CANCEL", series.status)
    layout = laid_out(series, occurrences(series))
    revision = group_revision(series)
    raised = Revision(_above(revision.sequence, last_sent), revision.last_modified)
    whole = _group(series, layout, language, host_id, raised, _told(organizer, attendee))[:1]
    singles = (single_entry(series, one) for one in layout.singles)
    parts = [_calendar("CANCEL", _zones([], series, layout), whole)] if whole else []
    return (*parts, *(cancel(entry, language, host_id, organizer, attendee, last_sent) for entry in singles))


def cancel_occurrence(
    series: Series,
    original: datetime,
    language: str,
    host_id: str,
    organizer: Correspondent,
    attendee: Correspondent,
    last_sent: int | None = None,
) -> bytes:
    """Takes back one occurrence, by its original wall time; `last_sent` as in `cancel`.

    Raises WrongStatus unless the occurrence is cancelled, KeyError where the series has none at that time.
    """
    found = {one.original: one for one in occurrences(series)}
    gone = found[original]
    if gone.status is not ItemStatus.CANCELLED:
        raise WrongStatus("CANCEL", gone.status)
    standing = {one.original for one in _standing(series)} | {original}
    layout = laid_out(series, [one for key, one in found.items() if key in standing])
    if gone in layout.singles:
        return cancel(single_entry(series, gone), language, host_id, organizer, attendee, last_sent)
    revision = group_revision(series)
    entry = entry_of(series, gone, series.uid, revision)
    extra = _told(organizer, attendee) + override_line(series, gone)
    event = _event(entry, language, host_id, extra, _above(revision.sequence, last_sent))
    return _calendar("CANCEL", frozenset({series.zone}), [event])


def _standing(series: Series) -> list[Occurrence]:
    return [one for one in occurrences(series) if one.status is not ItemStatus.CANCELLED]


def _above(sequence: int, last_sent: int | None) -> int:
    return sequence if last_sent is None else max(sequence, last_sent + 1)


def _group(series: Series, layout: Layout, language: str, host_id: str, revision: Revision, people: str) -> list[str]:
    """The components of the series' own UID, the master first; nothing where it has none."""
    group = layout.group
    if group is None:
        return []
    master = master_entry(series, group, revision)
    events = [_event(master, language, host_id, people, times=master_lines(series, group))]
    for one in group.overrides:
        entry = entry_of(series, one, series.uid, revision)
        events.append(_event(entry, language, host_id, people + override_line(series, one)))
    return events


def _event(
    entry: AgendaEntry, language: str, host_id: str, extra: str = "", sequence: int | None = None, times: str = ""
) -> str:
    lines = f"CREATED:{utc_text(entry.created_at)}\r\n{extra}"
    body = shown_in_mail(entry, words_of(language))
    number = entry.sequence if sequence is None else sequence
    return vevent(entry, body, uid_text(entry.uid, host_id), number, lines, times=times)


def _zones(
    entries: Iterable[AgendaEntry], series: Series | None = None, layout: Layout | None = None
) -> frozenset[str]:
    found = zones_of(entries)
    return found | {series.zone} if series and layout and layout.group else found


def _calendar(method: str, zones: Iterable[str], events: Iterable[str]) -> bytes:
    head = "".join(line + CRLF for line in calendar_lines(method))
    described = b"".join(vtimezone(zone) or b"" for zone in sorted(zones))
    return b"".join((head.encode(), described, "".join(events).encode(), b"END:VCALENDAR\r\n"))


def _asked(organizer: Correspondent, attendee: Correspondent) -> str:
    line = f"ATTENDEE;CN={parameter(attendee.name)};ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE"
    return _organizer(organizer) + _person(line, attendee)


def _told(organizer: Correspondent, attendee: Correspondent) -> str:
    return _organizer(organizer) + _person(f"ATTENDEE;CN={parameter(attendee.name)}", attendee)


def _organizer(organizer: Correspondent) -> str:
    return _person(f"ORGANIZER;CN={parameter(organizer.name)}", organizer)


def _person(line: str, person: Correspondent) -> str:
    return fold(f"{line}:{mailto(person.email)}") + CRLF
