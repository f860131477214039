"""A person asks a worker to plan a calendar link, or to apply the plan that was shown (SPEC C8, C9)."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.setting_rows import own
from booking.reads.links import run_by
from booking.tables.link_wishes import LinkWish
from booking.tables.links import CalendarLink
from booking.values.identity import new_uuid
from booking.values.link_wishes import WishKind
from booking.values.links import LinkStatus
from booking.values.refusals import NotFound, Refused, refused

KEPT = timedelta(days=90)


def ask_plan(session: Session, now: datetime, organisation_id: int, link_id: int) -> UUID | Refused:
    """Have a worker read both sides and tell what it would do; the public id of the plan.

    Who asks while one waits gets that one. Refused: unlinking. Raises NotFound where the house has no such link.
    """
    link = own(session, CalendarLink, organisation_id, link_id)
    if link.state is LinkStatus.UNLINKING:
        return refused("unlinking")
    return _asked(session, now, link, WishKind.PLAN, "")


def ask_apply(
    session: Session, now: datetime, organisation_id: int, actor: Actor, link_id: int, plan: UUID, shown: str
) -> UUID | Refused:
    """Have a worker do what the plan says, its held deletions among it, unless it is another by then.

    Then nothing is done, and the plan as it is now is told instead. A link that rests does this and rests again.
    Refused: unlinking, plan-not-ready (or nothing in it), preview-changed. Raises NotFound for what is not the house's.
    """
    link = own(session, CalendarLink, organisation_id, link_id)
    if link.state is LinkStatus.UNLINKING:
        return refused("unlinking")
    query = select(LinkWish).where(LinkWish.link_id == link.id, LinkWish.public_id == plan)
    wish = session.scalar(query)
    if wish is None:
        raise NotFound("plan", plan)
    found = None if wish.run_id is None else run_by(session, link.id, wish.run_id)
    if found is None or not found.plan_hash:
        return refused("plan-not-ready")
    if found.plan_hash != shown:
        return refused("preview-changed")
    note(session, now, organisation_id, actor, "calendar_link", link.id, "plan-applied", after={"plan": shown})
    return _asked(session, now, link, WishKind.APPLY, shown)


def settle_wish(session: Session, now: datetime, wish_id: int, run_id: int) -> None:
    """A worker served it by this run. It may be gone with its link."""
    wish = session.get(LinkWish, wish_id, with_for_update=True)
    if wish is not None and wish.done_at is None:
        wish.run_id, wish.done_at = run_id, now


def drop_wishes(session: Session, link_id: int) -> None:
    session.execute(delete(LinkWish).where(LinkWish.link_id == link_id))


def _asked(session: Session, now: datetime, link: CalendarLink, kind: WishKind, shown: str) -> UUID:
    of_link = LinkWish.link_id == link.id
    session.execute(delete(LinkWish).where(of_link, LinkWish.done_at < now - KEPT))
    same = (of_link, LinkWish.done_at.is_(None), LinkWish.kind == kind, LinkWish.shown == shown)
    waits = session.scalar(select(LinkWish.public_id).where(*same).limit(1))
    if waits is not None:
        return waits
    public_id = new_uuid(now)
    session.add(
        LinkWish(
            organisation_id=link.organisation_id,
            public_id=public_id,
            link_id=link.id,
            kind=kind,
            shown=shown,
            asked_at=now,
        )
    )
    session.flush()
    return public_id
