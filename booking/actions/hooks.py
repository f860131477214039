"""A webhook is stored as it came, before it is answered: a hint that a worker follows (SPEC Y3)."""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from booking.tables.connections import HookDelivery
from booking.tables.rows import write_rows

LONGEST_WORD = 100
KEPT = timedelta(days=30)


def store_hook(
    session: Session,
    now: datetime,
    organisation_id: int,
    connection_id: int,
    *,
    event: str,
    content_type: str,
    body: bytes,
) -> None:
    delivery = {
        "organisation_id": organisation_id,
        "connection_id": connection_id,
        "received_at": now,
        "event": event[:LONGEST_WORD],
        "content_type": content_type[:LONGEST_WORD],
        "body": body,
    }
    write_rows(session, HookDelivery, [delivery])


def forget_hooks(session: Session, before: datetime) -> None:
    """Delete webhooks that were followed and came before a moment: they may hold what a customer wrote."""
    followed = HookDelivery.read_at.is_not(None)
    session.execute(delete(HookDelivery).where(followed, HookDelivery.received_at < before))
