"""Cases: matters for a person, shown in the office's inbox until they are closed (SPEC S10, Y6, C9)."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions import audit
from booking.actions.audit import Actor
from booking.tables.bookings import CaseFile
from booking.tables.prepared import insert_in

MOOT_WHEN_ENDED = (
    *("site-moved", "site-cancelled", "site-vanished", "site-block-gone", "site-clash"),
    *("link-moved", "link-cancelled", "link-clash"),
)


def open_case(
    session: Session,
    now: datetime,
    organisation_id: int,
    kind: str,
    about: str,
    booking_id: int | None,
    facts: dict[str, Any],
) -> None:
    """Open a case, or open a closed one about the same thing again; an open one only gets its facts renewed."""
    session.execute(
        insert_in(session.get_bind().dialect.name, CaseFile)
        .values(
            organisation_id=organisation_id,
            kind=kind,
            dedup_key=f"{kind}-{about}",
            booking_id=booking_id,
            facts=facts,
            opened_at=now,
            closed_at=None,
            resolution="",
        )
        .on_conflict_do_update(
            index_elements=["organisation_id", "dedup_key"],
            set_={"facts": facts, "booking_id": booking_id, "closed_at": None, "resolution": ""},
        )
    )


def close_moot(session: Session, now: datetime, organisation_id: int, booking_id: int) -> None:
    """A booking ended: cases that ask what to do with it or with its time have no answer any more."""
    query = select(CaseFile.kind, CaseFile.dedup_key).where(
        CaseFile.organisation_id == organisation_id,
        CaseFile.booking_id == booking_id,
        CaseFile.kind.in_(MOOT_WHEN_ENDED),
        CaseFile.closed_at.is_(None),
    )
    for kind, key in session.execute(query).all():
        close_case(session, now, organisation_id, kind, key.removeprefix(f"{kind}-"), resolution="ended")


def close_case(
    session: Session,
    now: datetime,
    organisation_id: int,
    kind: str,
    about: str,
    *,
    resolution: str,
    actor: Actor = audit.SYSTEM,
) -> bool:
    """Close an open case. Returns whether there was one."""
    closed = session.scalar(
        update(CaseFile)
        .where(
            CaseFile.organisation_id == organisation_id,
            CaseFile.dedup_key == f"{kind}-{about}",
            CaseFile.closed_at.is_(None),
        )
        .values(closed_at=now, resolution=resolution)
        .returning(CaseFile.id)
        .execution_options(synchronize_session=False)
    )
    if closed is None:
        return False
    audit.note(session, now, organisation_id, actor, "case", closed, "closed", after={"resolution": resolution})
    return True
