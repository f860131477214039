"""Pages of booking sites that are blocked through a calendar: by which link, and the test time that proves it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from booking.tables.base import Base, Owned, owned, within
from booking.values.proofs import ProofPhase


class SiteCalendar(Base, Owned):
    """The link that writes the calendar which a page of a booking site reads, and the proof of that (SPEC Y8).

    `item_id`: the calendar item of the last test time, at `starts_at` to `ends_at`. `phase_at`: when the phase began.
    `evidence`: the site's id of what was begun, and other starts that it offered.
    """

    __tablename__ = "site_calendar"
    __table_args__ = owned(
        within("connection"),
        within("calendar_link", "link_id"),
        within("calendar_item", "item_id"),
        UniqueConstraint("connection_id", "profile_id"),
        Index("ix_site_calendar_link", "link_id"),
        Index("ix_site_calendar_item", "item_id"),
    )

    connection_id: Mapped[int]
    profile_id: Mapped[str]
    link_id: Mapped[int]
    phase: Mapped[ProofPhase] = mapped_column(default=ProofPhase.NONE)
    phase_at: Mapped[datetime | None]
    item_id: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problem: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")
    proven_at: Mapped[datetime | None]
