"""Many new times of a link at once: what `link_imports.add_import` does for one, in a few statements (SPEC C6, C14)."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from booking.actions.link_imports import bookings_within, columns_of, kind_of, show_clashes
from booking.actions.occupy import LONGEST_PIECE, pieces
from booking.tables.bookings import Occupancy
from booking.tables.links import CalendarLink
from booking.tables.links import ImportedTime as Row
from booking.tables.prepared import Prepared
from booking.tables.repeated import insert_of
from booking.values.links import ImportedTime
from booking.values.slot import Slot

_GIVEN = ("uid", "content", "summary", "first_at", "until", "problem")
_columns = itemgetter(*_GIVEN)
_by_unit_and_start = itemgetter(1, 2)
_ADD = insert_of(Row.__table__, ("organisation_id", "link_id", "room_id", "revision", "ended_at", *_GIVEN))
_IDS = Prepared(
    select(Row.uid, Row.id).where(
        Row.link_id == bindparam("link_id"), Row.uid.in_(bindparam("uids", expanding=True)), Row.ended_at.is_(None)
    )
)
_TAKE = insert_of(
    Occupancy.__table__, ("organisation_id", "unit_id", "starts_at", "ends_at", "kind", "source_id", "exclusive")
)


def add_imports(
    session: Session, now: datetime, link: CalendarLink, units: tuple[int, ...], many: Sequence[ImportedTime]
) -> list[int]:
    """The ids of new times, in their order; each has revision 1. The units are locked (`link_imports.lock_room`).

    Raises IntegrityError where the link knows one of the UIDs already: what is done then is the caller's to choose.
    """
    owner, kind = link.organisation_id, kind_of(link.policy)
    whole = (owner, link.id, link.room_id, 1, None)
    _ADD.run(session, [(*whole, *_columns(columns_of(given))) for given in many])
    ids: dict[str, int] = dict(_IDS.all(session, {"link_id": link.id, "uids": [given.uid for given in many]}))
    made = [ids[given.uid] for given in many]
    taken = [
        (owner, unit, piece.start, piece.end, kind, row_id, False)
        for row_id, given in zip(made, many, strict=True)
        for slot in given.slots
        for piece in (pieces(slot) if slot.end - slot.start > LONGEST_PIECE else (slot,))
        for unit in units
    ]
    _TAKE.run(session, sorted(taken, key=_by_unit_and_start))
    _find_clashes(session, now, link, units, made, many)
    return made


def _find_clashes(
    session: Session,
    now: datetime,
    link: CalendarLink,
    units: tuple[int, ...],
    made: Sequence[int],
    many: Sequence[ImportedTime],
) -> None:
    coming = [(row_id, given, slot) for row_id, given in zip(made, many, strict=True) for slot in given.slots]
    coming = [one for one in coming if one[2].end > now]
    if not coming:
        return
    around = Slot(min(slot.start for _, _, slot in coming), max(slot.end for _, _, slot in coming))
    ours = bookings_within(session, units, around)
    starts = [slot.start for _, slot in ours]
    found: dict[int, tuple[ImportedTime, dict[int, Slot]]] = {}
    for row_id, given, slot in coming if ours else ():
        near = slice(bisect_right(starts, slot.start - LONGEST_PIECE), bisect_left(starts, slot.end))
        for booking_id, taken in ours[near]:
            if taken.overlaps(slot):
                found.setdefault(row_id, (given, {}))[1].setdefault(booking_id, slot)
    for row_id, (given, bookings) in sorted(found.items()):
        show_clashes(session, now, link, row_id, given, bookings)
