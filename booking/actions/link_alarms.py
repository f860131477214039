"""A link that is silent, or that does not get something of ours written, for too long raises an alarm (SPEC C15)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.cases import close_case
from booking.actions.silences import end_alarm, raise_alarm, tell_office
from booking.reads.house import House
from booking.reads.link_unwritten import Unwritten, links_with_unwritten, unwritten_of
from booking.tables.bookings import CaseFile
from booking.tables.links import CalendarLink
from booking.values.links import AWAKE

SILENT = "link-silent"
UNWRITTEN = "link-unwritten"
SHORTEST_SILENCE = timedelta(minutes=30)
MOST_NAMED = 20


def silent_links(session: Session, now: datetime, organisation_id: int) -> Sequence[CalendarLink]:
    """Those that are awake and of which an alarm is due: nothing was heard of them for three of their intervals, or
    something of ours was not taken there for so long, and nobody was told yet.
    """
    silent = _silent(session, now, organisation_id)
    found = {row.id: row for row in (*silent, *(row for row, _ in _lagging(session, now, organisation_id)))}
    return list(found.values())


def announce_silent_links(session: Session, now: datetime, house: House) -> int:
    """Open a case and write to the office about each such link. Returns how many alarms there were."""
    silent = _silent(session, now, house.organisation_id)
    for row in silent:
        raise_alarm(session, now, house, row, SILENT, _expected_from(row), error=row.problem, link_id=row.id)
    lagging = _lagging(session, now, house.organisation_id)
    for row, late in lagging:
        tell_office(session, now, house, row, UNWRITTEN, late[0].since, **_named(row, late))
    return len(silent) + len(lagging)


def note_link_heard(session: Session, now: datetime, link: CalendarLink) -> None:
    """It was read: the silence is over, and the next one is a new one."""
    end_alarm(session, now, link, SILENT)


def note_all_written(session: Session, now: datetime, link: CalendarLink) -> None:
    """Nothing of ours is lacking there any more."""
    close_case(session, now, link.organisation_id, UNWRITTEN, str(link.id), resolution="works again")


def note_link_working(session: Session, now: datetime, link: CalendarLink) -> None:
    """It succeeded, or rests by choice: the alarms are over, and the next ones are new."""
    note_link_heard(session, now, link)
    note_all_written(session, now, link)


def _silent(session: Session, now: datetime, organisation_id: int) -> list[CalendarLink]:
    query = select(CalendarLink).where(
        CalendarLink.organisation_id == organisation_id,
        CalendarLink.state.in_(AWAKE),
        CalendarLink.alarmed_at.is_(None),
    )
    return [row for row in session.scalars(query) if now - _expected_from(row) > _patience(row)]


def _lagging(session: Session, now: datetime, organisation_id: int) -> list[tuple[CalendarLink, list[Unwritten]]]:
    """Links with what is not taken there for too long and of which nobody was told."""
    found = []
    for row in links_with_unwritten(session, organisation_id):
        late = [one for one in unwritten_of(session, row) if now - one.since > _patience(row)]
        if late and not _is_told(session, row, late[0].since):
            found.append((row, late))
    return found


def _is_told(session: Session, row: CalendarLink, since: datetime) -> bool:
    """By a case that is open, or that somebody settled while the same lasts."""
    case = session.scalar(
        select(CaseFile).where(
            CaseFile.organisation_id == row.organisation_id, CaseFile.dedup_key == f"{UNWRITTEN}-{row.id}"
        )
    )
    return case is not None and (case.closed_at is None or case.facts.get("since") == since.isoformat())


def _named(row: CalendarLink, late: Sequence[Unwritten]) -> dict[str, Any]:
    """The first by name, and how many there are."""
    items = [
        {
            "uid": one.uid,
            "summary": one.title or "",
            "starts_at": one.starts_at.isoformat() if one.starts_at else None,
            "ends_at": one.ends_at.isoformat() if one.ends_at else None,
            "problem": one.problem,
        }
        for one in late[:MOST_NAMED]
    ]
    first = {name: items[0][name] for name in ("summary", "starts_at", "ends_at")}
    return first | {"link_id": row.id, "error": late[0].problem, "count": len(late), "items": items}


def _patience(row: CalendarLink) -> timedelta:
    return max(SHORTEST_SILENCE, timedelta(minutes=3 * row.every_minutes))


def _expected_from(row: CalendarLink) -> datetime:
    return max(moment for moment in (row.last_success_at, row.watched_from, row.made_at) if moment is not None)
