"""A link ends piece by piece, each in a transaction of its own, so that no booking waits for it (SPEC C14).

Until the last piece is gone the link is there, in the state UNLINKING; its times that are left stay taken until then.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from booking.actions.link_imports import KINDS, close_clashes, lock_room
from booking.rules.link_dates import MOST_ROWS
from booking.tables.bookings import Occupancy
from booking.tables.links import ImportedTime, ItemLink, PlanOp, SyncRun

MOST_CASES = 100
Part = tuple[type[Any], Select[int]]


def is_large(session: Session, link_id: int) -> bool:
    """Whether a transaction would take too long to end it at once."""
    left = MOST_ROWS
    for _, ids in _parts(link_id):
        left -= len(session.scalars(ids.limit(left + 1)).all())
        if left < 0:
            return True
    return False


def end_some(session: Session, now: datetime, link_id: int) -> bool:
    """End a piece of what a link has here. False: nothing is left but the link itself.

    Its index goes first: none of its rows may name a time whose id is another's by then.
    """
    link, _ = lock_room(session, link_id)
    if close_clashes(session, now, link, MOST_CASES) == MOST_CASES:
        return True
    left = MOST_ROWS
    for table, ids in _parts(link_id):
        found = session.scalars(ids.limit(left)).all()
        _drop(session, table, found)
        left -= len(found)
        if left <= 0:
            return True
    return False


def _parts(link_id: int) -> tuple[Part, ...]:
    """What belongs to a link, in the order in which it goes: the ids of each table."""
    times = select(Occupancy.id).join(ImportedTime, ImportedTime.id == Occupancy.source_id)
    steps = select(PlanOp.id).join(SyncRun, SyncRun.id == PlanOp.run_id)
    return (
        (ItemLink, select(ItemLink.id).where(ItemLink.link_id == link_id)),
        (Occupancy, times.where(ImportedTime.link_id == link_id, Occupancy.kind.in_(KINDS))),
        (ImportedTime, select(ImportedTime.id).where(ImportedTime.link_id == link_id)),
        (PlanOp, steps.where(SyncRun.link_id == link_id)),
    )


def _drop(session: Session, table: type[Any], ids: Sequence[int]) -> None:
    for first in range(0, len(ids), 500):  # databases bound how many values one statement may carry
        some = table.id.in_(ids[first : first + 500])
        session.execute(delete(table).where(some).execution_options(synchronize_session=False))
