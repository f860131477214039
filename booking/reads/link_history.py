"""The last runs of many links at once, as a picture of each needs them (SPEC C8, C15)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from booking.reads.links import RunLine, run_of
from booking.tables.links import CalendarLink, SyncRun

LAST_RUNS = 30
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


def last_runs(session: Session, organisation_id: int) -> Mapping[int, tuple[RunLine, ...]]:
    """Of each link by id its last 30 runs, the oldest first. What it costs does not grow with how many there were."""
    older = aliased(SyncRun)
    first = (
        select(older.started_at)
        .where(older.link_id == CalendarLink.id)
        .order_by(older.started_at.desc())
        .limit(1)
        .offset(LAST_RUNS - 1)
        .correlate(CalendarLink)
        .scalar_subquery()
    )
    query = (
        select(SyncRun)
        .join(CalendarLink, CalendarLink.id == SyncRun.link_id)
        .where(CalendarLink.organisation_id == organisation_id, SyncRun.started_at >= func.coalesce(first, _EVER))
        .order_by(SyncRun.link_id, SyncRun.started_at, SyncRun.id)
    )
    found: dict[int, list[RunLine]] = defaultdict(list)
    for row in session.scalars(query):
        found[row.link_id].append(run_of(row))
    return {link_id: tuple(runs[-LAST_RUNS:]) for link_id, runs in found.items()}
