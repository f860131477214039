"""Waking the links of a room, with the transaction that changed something there (SPEC S5, Y8; DESIGN rule 4).

A wake-up is a number that rises: whatever a run missed, it finds by looking, and no wake-up during a run is lost.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, case, update
from sqlalchemy.orm import Session

from booking.tables.base import UtcDateTime
from booking.tables.links import CalendarLink
from booking.tables.prepared import Prepared
from booking.values.links import AWAKE

_LINKS = CalendarLink.__table__
# A link that fails keeps its pause: it ends in time, and a wake-up would not make its server well.
_SOONER = case(
    (
        (_LINKS.c.failures == 0) & (_LINKS.c.next_run_at > bindparam("now", type_=UtcDateTime())),
        bindparam("now", type_=UtcDateTime()),
    ),
    else_=_LINKS.c.next_run_at,
)
_WAKE = Prepared(
    update(CalendarLink)
    .where(
        _LINKS.c.organisation_id == bindparam("its_organisation"),
        _LINKS.c.room_id.in_(bindparam("rooms", expanding=True)),
        _LINKS.c.state.in_(AWAKE),
    )
    .values(wanted=_LINKS.c.wanted + 1, next_run_at=_SOONER)
)


def wake_rooms(session: Session, now: datetime, rooms: Iterable[tuple[int, int]]) -> None:
    """Have all links of these rooms run soon: (organisation id, room id), the rooms that share a unit among them."""
    by_organisation: dict[int, set[int]] = {}
    for organisation_id, room_id in rooms:
        by_organisation.setdefault(organisation_id, set()).add(room_id)
    for organisation_id, room_ids in sorted(by_organisation.items()):
        _WAKE.all(session, {"its_organisation": organisation_id, "rooms": sorted(room_ids), "now": now})


def wake_link(session: Session, now: datetime, link_id: int) -> None:
    """Have one link run soon, whatever pause it is in; what its server asked for is kept."""
    row = session.get_one(CalendarLink, link_id, with_for_update=True)
    row.wanted += 1
    row.next_run_at = max(now, row.not_before or now)
