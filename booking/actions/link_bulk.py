"""Many new times of a link at once: what `link_imports.add_import` does for one, in a few statements (SPEC C6, C14)."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import itemgetter

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from booking.actions.link_imports import KINDS, bookings_within, columns_of, kind_of, show_clashes, widen_import
from booking.actions.occupy import LONGEST_PIECE, pieces
from booking.reads.link_dates import Short
from booking.tables.bookings import Occupancy
from booking.tables.links import CalendarLink
from booking.tables.links import ImportedTime as Row
from booking.tables.prepared import Prepared
from booking.tables.repeated import insert_of
from booking.values.links import ImportedTime
from booking.values.slot import Slot

LOOK_BACK = timedelta(days=1)
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
    whole = (link.organisation_id, link.id, link.room_id, 1, None)
    _ADD.run(session, [(*whole, *_columns(columns_of(given))) for given in many])
    ids: dict[str, int] = dict(_IDS.all(session, {"link_id": link.id, "uids": [given.uid for given in many]}))
    made = [ids[given.uid] for given in many]
    _take(session, now, link, units, made, many)
    return made


def take_further(
    session: Session,
    now: datetime,
    link: CalendarLink,
    units: tuple[int, ...],
    works: Sequence[tuple[Short, ImportedTime]],
) -> None:
    """Further dates of items, each from where its dates were known; their revisions stay, since nobody changed them.

    Those that were known stay taken, but for what is long over. Where not all of an item can be found, what is given of
    it is all of them. The units are locked.
    """
    theirs = Row.id.in_([short.id for short, _ in works])
    rows = session.scalars(select(Row).where(Row.link_id == link.id, Row.ended_at.is_(None), theirs).with_for_update())
    known = {row.id: row for row in rows}
    going: list[tuple[Row, ImportedTime]] = []
    for short, given in works:
        row = known.get(short.id)
        if row is None or (row.content, row.until) != (given.content, short.until):
            continue
        if given.problem or short.problem:
            widen_import(session, now, link, units, row.id, given)
        else:
            row.until = given.until
            going.append((row, given))
    session.execute(
        delete(Occupancy)
        .where(
            Occupancy.organisation_id == link.organisation_id,
            Occupancy.kind.in_(KINDS),
            Occupancy.source_id.in_([row.id for row, _ in going]),
            Occupancy.ends_at < now - LOOK_BACK,
        )
        .execution_options(synchronize_session=False)
    )
    _take(session, now, link, units, [row.id for row, _ in going], [given for _, given in going])


def _take(
    session: Session,
    now: datetime,
    link: CalendarLink,
    units: tuple[int, ...],
    made: Sequence[int],
    many: Sequence[ImportedTime],
) -> None:
    owner, kind = link.organisation_id, kind_of(link.policy)
    taken = [
        (owner, unit, piece.start, piece.end, kind, row_id, False)
        for row_id, given in zip(made, many, strict=True)
        for slot in given.slots
        for piece in (pieces(slot) if slot.end - slot.start > LONGEST_PIECE else (slot,))
        for unit in units
    ]
    _TAKE.run(session, sorted(taken, key=_by_unit_and_start))
    _find_clashes(session, now, link, units, made, many)


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
