"""A job that one process at a time may do, held by a row in the database (DESIGN rule 4)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, or_
from sqlalchemy.orm import Session

from booking.tables.base import UtcDateTime
from booking.tables.outgoing import Lease
from booking.tables.prepared import Prepared, insert_in

_TABLE = Lease.__table__


def _hold(dialect: str) -> Any:
    """One statement, so that it is decided and written under the row's own lock."""
    row, now = _TABLE.c, bindparam("now", type_=UtcDateTime())
    wanted = insert_in(dialect, _TABLE).values(
        name=bindparam("its_name"), owner=bindparam("its_owner"), until=bindparam("its_until"), fence=1
    )
    is_another_s = row.owner != wanted.excluded.owner
    return wanted.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "owner": wanted.excluded.owner,
            "until": wanted.excluded.until,
            "fence": row.fence + case((or_(is_another_s, row.until <= now), 1), else_=0),
        },
        where=or_(~is_another_s, row.until <= now),
    ).returning(row.fence)


_HOLD = Prepared(_hold)


def hold_lease(session: Session, now: datetime, name: str, owner: str, length: timedelta) -> int | None:
    """Take or renew a lease. Returns its fence, which only grows, or None while somebody else holds it."""
    given = {"its_name": name, "its_owner": owner, "its_until": now + length, "now": now}
    fence: int | None = _HOLD.scalar(session, given)
    return fence
