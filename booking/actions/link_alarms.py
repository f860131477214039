"""A link that is silent for too long raises an alarm, once for each silence (SPEC C15)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.silences import end_alarm, raise_alarm
from booking.reads.house import House
from booking.tables.links import CalendarLink
from booking.values.links import AWAKE

SILENT = "link-silent"
SHORTEST_SILENCE = timedelta(minutes=30)


def silent_links(session: Session, now: datetime, organisation_id: int) -> Sequence[CalendarLink]:
    """Those that are awake, have not succeeded for three of their intervals, and were not told about yet."""
    query = select(CalendarLink).where(
        CalendarLink.organisation_id == organisation_id,
        CalendarLink.state.in_(AWAKE),
        CalendarLink.alarmed_at.is_(None),
    )
    return [row for row in session.scalars(query) if _is_silent(row, now)]


def announce_silent_links(session: Session, now: datetime, house: House) -> int:
    """Open a case and write to the office about each silent link. Returns how many there were."""
    found = silent_links(session, now, house.organisation_id)
    for row in found:
        raise_alarm(session, now, house, row, SILENT, _expected_from(row), error=row.problem, link_id=row.id)
    return len(found)


def note_link_working(session: Session, now: datetime, link: CalendarLink) -> None:
    """It succeeded, or rests by choice: the alarm is over, and the next silence is a new one."""
    end_alarm(session, now, link, SILENT)


def _is_silent(row: CalendarLink, now: datetime) -> bool:
    return now - _expected_from(row) > max(SHORTEST_SILENCE, timedelta(minutes=3 * row.every_minutes))


def _expected_from(row: CalendarLink) -> datetime:
    return max(moment for moment in (row.last_success_at, row.watched_from, row.made_at) if moment is not None)
