"""What of ours a calendar link could not write there, and since when (SPEC C10, C15)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, func, select
from sqlalchemy.orm import Session

from booking.tables.calendars import CalendarItem
from booking.tables.links import CalendarLink, ItemLink, PlanOp, SyncRun
from booking.tables.prepared import Prepared
from booking.values.links import AWAKE, UNWRITTEN_ITEM, StepState


@dataclass(frozen=True, slots=True)
class Unwritten:
    """`since`: the first try that failed. Title and time are None where it is no booking that is known here."""

    uid: str
    since: datetime
    problem: str
    title: str | None
    starts_at: datetime | None
    ends_at: datetime | None


def is_unwritten() -> ColumnElement[bool]:
    return ItemLink.problem.startswith(UNWRITTEN_ITEM, autoescape=True)


_COUNT = Prepared(select(func.count()).where(ItemLink.link_id == bindparam("link_id"), is_unwritten()))


def count_unwritten(session: Session, link_id: int) -> int:
    found: int = _COUNT.scalar(session, {"link_id": link_id})
    return found


def links_with_unwritten(session: Session, organisation_id: int) -> list[CalendarLink]:
    """The links of a house that are awake and have something that is not taken there."""
    query = select(ItemLink.link_id).where(ItemLink.organisation_id == organisation_id, is_unwritten())
    awake = select(CalendarLink).where(CalendarLink.organisation_id == organisation_id, CalendarLink.state.in_(AWAKE))
    return list(session.scalars(awake.where(CalendarLink.id.in_(query)).order_by(CalendarLink.id)))


def unwritten_of(session: Session, link: CalendarLink) -> list[Unwritten]:
    """What of a link is not taken there, the oldest first. Only tries after its last success count."""
    tried = and_(PlanOp.run_id == SyncRun.id, PlanOp.state == StepState.FAILED, PlanOp.side == "REMOTE")
    after = [] if link.last_success_at is None else [SyncRun.started_at >= link.last_success_at]
    since = (
        select(PlanOp.uid, func.min(SyncRun.started_at).label("since"))
        .join(SyncRun, tried)
        .where(SyncRun.link_id == link.id, *after)
        .group_by(PlanOp.uid)
        .subquery()
    )
    query = (
        select(ItemLink, since.c.since, CalendarItem)
        .join(since, since.c.uid == ItemLink.uid)
        .outerjoin(CalendarItem, CalendarItem.id == ItemLink.local_id)
        .where(ItemLink.link_id == link.id, is_unwritten())
        .order_by(since.c.since, ItemLink.id)
    )
    return [
        Unwritten(
            row.uid,
            first,
            row.problem,
            item.title if item else None,
            item.starts_at if item else None,
            item.ends_at if item else None,
        )
        for row, first, item in session.execute(query)
    ]
