"""What was heard of regularly and is silent now raises an alarm, once for each silence (SPEC C15)."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from booking.actions.cases import close_case, open_case
from booking.actions.messages import MailKind, post
from booking.reads.house import House
from booking.tables.connections import Connection
from booking.tables.links import CalendarLink

Watched = Connection | CalendarLink


def raise_alarm(
    session: Session, now: datetime, house: House, row: Watched, kind: str, since: datetime, **facts: Any
) -> None:
    """`tell_office`, once until it is heard of again."""
    row.alarmed_at = now
    tell_office(session, now, house, row, kind, since, **facts)


def tell_office(
    session: Session, now: datetime, house: House, row: Watched, kind: str, since: datetime, **facts: Any
) -> None:
    """Open a case of this kind and write to the office. `facts` stand beside its name and since when it is so."""
    told = {"site": row.name, "since": since.isoformat(), **facts}
    open_case(session, now, house.organisation_id, kind, str(row.id), None, told)
    post(
        session,
        now,
        house,
        MailKind.SITE_SILENT,
        to=house.letterhead.email,
        name=house.name,
        language=house.language,
        booking_id=None,
        facts=told,
    )


def end_alarm(session: Session, now: datetime, row: Watched, kind: str) -> None:
    """It was heard of, or rests by choice: the next silence is a new one."""
    if row.alarmed_at is not None:
        row.alarmed_at = None
        close_case(session, now, row.organisation_id, kind, str(row.id), resolution="works again")
