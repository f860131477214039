"""A connection that is silent for too long raises an alarm, once for each silence (SPEC C15)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.silences import end_alarm, raise_alarm
from booking.reads.house import House
from booking.rules.sites import is_silent
from booking.tables.connections import Connection

SILENT = "site-silent"


def silent_connections(session: Session, now: datetime, organisation_id: int) -> Sequence[Connection]:
    """Those that work, have not succeeded for too long, and about which the office was not told yet."""
    query = select(Connection).where(
        Connection.organisation_id == organisation_id, Connection.paused_at.is_(None), Connection.alarmed_at.is_(None)
    )
    return [row for row in session.scalars(query) if is_silent(_expected_from(row), now)]


def announce_silent(session: Session, now: datetime, house: House) -> int:
    """Open a case and write to the office about each silent connection. Returns how many there were."""
    found = silent_connections(session, now, house.organisation_id)
    for row in found:
        raise_alarm(session, now, house, row, SILENT, _expected_from(row) or now, error=row.last_error)
    return len(found)


def note_working(session: Session, now: datetime, connection: Connection) -> None:
    """It succeeded, or rests by choice: the alarm is over, and the next silence is a new one."""
    end_alarm(session, now, connection, SILENT)


def _expected_from(row: Connection) -> datetime | None:
    return max((moment for moment in (row.polled_at, row.watched_from) if moment is not None), default=None)
