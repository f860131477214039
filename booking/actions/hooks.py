"""A webhook is stored as it came, before it is answered: a hint that a worker follows (SPEC Y3)."""

from datetime import datetime

from sqlalchemy.orm import Session

from booking.tables.connections import HookDelivery

LONGEST_WORD = 100


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
    session.add(
        HookDelivery(
            organisation_id=organisation_id,
            connection_id=connection_id,
            received_at=now,
            event=event[:LONGEST_WORD],
            content_type=content_type[:LONGEST_WORD],
            body=body,
        )
    )
