"""Who did what: one entry for each change, in the change's own transaction (SPEC X5)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from booking.tables.bookings import AuditEntry
from booking.tables.rows import write_rows


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from where. `name` is "customer", "system", "api:…" or a staff member's name."""

    name: str
    staff_id: int | None = None
    origin: str = ""


CUSTOMER = Actor("customer")
SYSTEM = Actor("system")


def note(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    subject: str,
    subject_id: int,
    action: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one audit entry. Values are plain JSON and never secret."""
    entry = {
        "organisation_id": organisation_id,
        "at": now,
        "actor": actor.name,
        "staff_id": actor.staff_id,
        "origin": actor.origin,
        "subject": subject,
        "subject_id": subject_id,
        "action": action,
        "before": before or {},
        "after": after or {},
    }
    write_rows(session, AuditEntry, [entry])
