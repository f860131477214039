"""A job that one process at a time may do, held by a row in the database (DESIGN rule 4)."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from booking.tables.outgoing import Lease


def hold_lease(session: Session, now: datetime, name: str, owner: str, length: timedelta) -> int | None:
    """Take or renew a lease. Returns its fence, which only grows, or None while somebody else holds it."""
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    session.execute(
        insert(Lease).values(name=name, owner=owner, until=now, fence=0).on_conflict_do_nothing(index_elements=["name"])
    )
    lease = session.scalars(select(Lease).where(Lease.name == name).with_for_update()).one()
    if lease.owner != owner and lease.until > now:
        return None
    if lease.owner != owner or lease.until <= now:
        lease.fence += 1
    lease.owner, lease.until = owner, now + length
    return lease.fence
