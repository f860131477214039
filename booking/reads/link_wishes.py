"""Plans of calendar links that people asked for, with what became of them (SPEC C8)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking.reads.links import RunLine, run_of
from booking.tables.link_wishes import LinkWish
from booking.tables.links import CalendarLink, SyncRun
from booking.values.link_wishes import WishKind
from booking.values.refusals import NotFound

MOST_OPEN = 100


@dataclass(frozen=True, slots=True)
class WishLine:
    """`run` is None until a worker has served it, and again when the run is forgotten; `done_at` tells them apart."""

    wish_id: int
    public_id: UUID
    link_id: int
    kind: WishKind
    shown: str
    asked_at: datetime
    done_at: datetime | None
    run: RunLine | None


def open_wishes(session: Session) -> tuple[WishLine, ...]:
    """What waits for a worker, of all organisations, the oldest first."""
    query = _wishes().where(LinkWish.done_at.is_(None)).order_by(LinkWish.asked_at, LinkWish.id)
    return tuple(_line(wish, run) for wish, run in session.execute(query.limit(MOST_OPEN)))


def last_wish(session: Session, link_id: int) -> WishLine | None:
    """The latest of a link."""
    query = _wishes().where(LinkWish.link_id == link_id).order_by(LinkWish.id.desc()).limit(1)
    found = session.execute(query).one_or_none()
    return None if found is None else _line(*found)


def wish_by(session: Session, organisation_id: int, link: UUID, public_id: UUID) -> WishLine:
    """Raises NotFound where this link of the organisation has no such one."""
    query = (
        _wishes()
        .join(CalendarLink, CalendarLink.id == LinkWish.link_id)
        .where(LinkWish.organisation_id == organisation_id, CalendarLink.public_id == link)
        .where(LinkWish.public_id == public_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("plan", public_id)
    return _line(*found)


def is_to_be_applied(session: Session, link_id: int) -> bool:
    """Whether a person asked for a plan of this link to be applied: then it runs even while it rests."""
    query = select(LinkWish.id).where(LinkWish.link_id == link_id, LinkWish.done_at.is_(None))
    return session.scalar(query.where(LinkWish.kind == WishKind.APPLY).limit(1)) is not None


def _wishes() -> Select[LinkWish, SyncRun]:
    return select(LinkWish, SyncRun).outerjoin(SyncRun, SyncRun.id == LinkWish.run_id)


def _line(wish: LinkWish, run: SyncRun | None) -> WishLine:
    return WishLine(
        wish_id=wish.id,
        public_id=wish.public_id,
        link_id=wish.link_id,
        kind=wish.kind,
        shown=wish.shown,
        asked_at=wish.asked_at,
        done_at=wish.done_at,
        run=None if run is None else run_of(run),
    )
