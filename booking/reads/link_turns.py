"""Whose turn it is among the links that are due: those that work wait for no other that hangs (SPEC C12)."""

from datetime import datetime

from sqlalchemy import String, and_, cast, exists, literal, or_, select
from sqlalchemy.orm import Session

from booking.tables.links import CalendarLink
from booking.tables.outgoing import Lease
from booking.values.links import AWAKE

_IS_TROUBLED = or_(
    CalendarLink.failures > 0, and_(CalendarLink.last_success_at.is_(None), CalendarLink.last_run_at.is_not(None))
)


def links_in_turn(session: Session, now: datetime) -> list[int]:
    """The links to be run now, who waits longest first. Of those whose last run failed, or that never succeeded, one at
    a time: however long they take, the others have the other workers.
    """
    its_lease = literal("calendar-link-").concat(cast(CalendarLink.id, String))
    runs = exists().where(Lease.name == its_lease, Lease.until > now)
    query = select(CalendarLink.id, _IS_TROUBLED, runs).where(
        CalendarLink.state.in_(AWAKE), or_(runs, CalendarLink.next_run_at <= now)
    )
    rows = session.execute(query.order_by(CalendarLink.next_run_at, CalendarLink.id)).all()
    troubled = [link_id for link_id, is_troubled, is_running in rows if is_troubled and not is_running]
    is_engaged = any(is_troubled and is_running for _, is_troubled, is_running in rows)
    others = [link_id for link_id, is_troubled, is_running in rows if not is_troubled and not is_running]
    return others if is_engaged else others + troubled[:1]
