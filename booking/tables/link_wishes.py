"""What a person asked of a calendar link: a plan to look at, or to apply the plan that was shown (SPEC C8)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Owned, owned, within
from booking.values.link_wishes import WishKind

_OPEN = text("done_at IS NULL")


class LinkWish(Base, Owned):
    """A plan asked for, or the applying of one (SPEC C8). `shown` is the hash of the plan that may be applied.

    `run_id`: the run that a worker made of it; no foreign key, since runs are forgotten sooner or later.
    """

    __tablename__ = "link_wish"
    __table_args__ = owned(
        within("calendar_link", "link_id"),
        Index("ix_link_wish_link", "link_id"),
        Index("ix_link_wish_open", "asked_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    public_id: Mapped[UUID] = mapped_column(unique=True)
    link_id: Mapped[int]
    kind: Mapped[WishKind]
    shown: Mapped[str] = mapped_column(default="")
    asked_at: Mapped[datetime]
    run_id: Mapped[int | None]
    done_at: Mapped[datetime | None]
