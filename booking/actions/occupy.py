"""Taking and freeing time: lock the units in id order, look, write one row for each (DESIGN rule 2)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from booking.tables.bookings import Occupancy
from booking.tables.houses import RoomUnit, Unit
from booking.tables.prepared import Prepared, PreparedRows, Unread
from booking.values.refusals import DatabaseBusy
from booking.values.slot import Slot, subtract
from booking.values.states import OccupancyKind

LONGEST_PIECE = timedelta(days=7)
OF_RENTAL = (OccupancyKind.BOOKING, OccupancyKind.HELD)
_LOCK_TRIES = 5
_ROWS, _PARTS, _UNITS = Occupancy.__table__.c, RoomUnit.__table__.c, Unit.__table__
_MADE_OF = (
    select(_PARTS.room_id, _PARTS.unit_id)
    .join(_UNITS, _UNITS.c.id == _PARTS.unit_id)
    .where(
        _PARTS.organisation_id == bindparam("organisation_id"), _PARTS.room_id.in_(bindparam("rooms", expanding=True))
    )
    .order_by(_UNITS.c.id, _PARTS.room_id)
)
_LOCK, _READ_AGAIN = Prepared(_MADE_OF.with_for_update(of=_UNITS)), Prepared(_MADE_OF)
_TAKEN = select(_ROWS.starts_at, _ROWS.ends_at).where(
    _ROWS.unit_id.in_(bindparam("units", expanding=True)),
    _ROWS.ends_at > bindparam("start"),
    _ROWS.starts_at < bindparam("end"),
    _ROWS.starts_at > bindparam("earliest"),
)
_TAKEN_AT_ALL = Prepared(_TAKEN)
_OCCUPY = PreparedRows(
    Occupancy.__table__, ("organisation_id", "unit_id", "starts_at", "ends_at", "kind", "source_id", "exclusive")
)


def pieces(slot: Slot) -> tuple[Slot, ...]:
    """The slot in rows of at most `LONGEST_PIECE`, so that a look around a time is bounded on the index of starts."""
    cut = []
    start = slot.start
    while slot.end - start > LONGEST_PIECE:
        cut.append(Slot(start, start + LONGEST_PIECE))
        start += LONGEST_PIECE
    return (*cut, Slot(start, slot.end))


def lock_units(session: Session, organisation_id: int, room_ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Lock all units of the rooms, in id order; returns the units of each room.

    PostgreSQL hands out what a room was made of before the wait for a lock, so there it is read again behind it.
    Raises DatabaseBusy where the rooms change faster than they can be locked.
    """
    given = {"organisation_id": organisation_id, "rooms": list(room_ids)}
    for _ in range(_LOCK_TRIES):
        pairs = _LOCK.all(session, given)
        if session.get_bind().dialect.name != "postgresql" or _READ_AGAIN.all(session, given) == pairs:
            return {room: tuple(unit for owner, unit in pairs if owner == room) for room in room_ids}
    raise DatabaseBusy


def taken(
    session: Session,
    unit_ids: Sequence[int],
    around: Slot,
    *,
    but: Iterable[tuple[OccupancyKind, int]] = (),
    exclusive_only: bool = False,
) -> tuple[Slot, ...]:
    """All times taken on these units that overlap `around`, the sources named left out."""
    left_out = tuple(but)
    if not (left_out or exclusive_only):
        return slots_of(taken_unread(session, unit_ids, around))
    query = _TAKEN
    for kind, source_id in left_out:
        query = query.where((_ROWS.kind != kind) | (_ROWS.source_id != source_id))
    if exclusive_only:
        query = query.where(_ROWS.exclusive)
    found = session.execute(query, _around(unit_ids, around))
    return tuple(sorted({Slot(start, end) for start, end in found}))


def taken_unread(session: Session, unit_ids: Sequence[int], around: Slot) -> Unread:
    """What `taken` finds without further conditions, for who only wants to know whether it is the same as before."""
    return _TAKEN_AT_ALL.unread(session, _around(unit_ids, around))


def slots_of(found: Unread) -> tuple[Slot, ...]:
    """As `taken` returns them."""
    return tuple(Slot(start, end) for start, end in sorted(set(found.read())))


def _around(unit_ids: Sequence[int], around: Slot) -> dict[str, Any]:
    return {
        "units": list(unit_ids),
        "start": around.start,
        "end": around.end,
        "earliest": around.start - LONGEST_PIECE,
    }


def occupy(
    session: Session,
    organisation_id: int,
    unit_ids: Sequence[int],
    slot: Slot,
    kind: OccupancyKind,
    source_id: int,
    *,
    exclusive: bool,
) -> None:
    """Write one row for each unit. The database raises Overlap if an exclusive one is already there."""
    rows = [
        _occupancy(organisation_id, unit_id, piece, kind, source_id, exclusive=exclusive)
        for unit_id in unit_ids
        for piece in pieces(slot)
    ]
    _OCCUPY.insert(session, rows)


def occupy_all(
    session: Session, organisation_id: int, unit_ids: Sequence[int], slots: Mapping[int, Slot], kind: OccupancyKind
) -> None:
    """As `occupy`, exclusively, for many sources at once: id of the source → its time."""
    rows = [
        _occupancy(organisation_id, unit_id, piece, kind, source_id, exclusive=True)
        for source_id, slot in slots.items()
        for unit_id in unit_ids
        for piece in pieces(slot)
    ]
    _OCCUPY.insert(session, rows)


def _occupancy(
    organisation_id: int, unit_id: int, piece: Slot, kind: OccupancyKind, source_id: int, *, exclusive: bool
) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id,
        "unit_id": unit_id,
        "starts_at": piece.start,
        "ends_at": piece.end,
        "kind": kind,
        "source_id": source_id,
        "exclusive": exclusive,
    }


def hold_beside(
    session: Session, organisation_id: int, unit_ids: Sequence[int], slot: Slot, booking_id: int, old_id: int
) -> None:
    """What a move holds, written anew: all of its time but what the rental that it replaces holds still (SPEC S27).

    To be called whenever that rental's own time changes, so that nobody comes between. Raises Overlap as `occupy`.
    """
    free(session, organisation_id, OccupancyKind.BOOKING, booking_id)
    held: defaultdict[int, list[Slot]] = defaultdict(list)
    query = select(Occupancy.unit_id, Occupancy.starts_at, Occupancy.ends_at).where(
        Occupancy.organisation_id == organisation_id, Occupancy.kind.in_(OF_RENTAL), Occupancy.source_id == old_id
    )
    for unit_id, start, end in session.execute(query):
        held[unit_id].append(Slot(start, end))
    for unit_id in unit_ids:
        for part in subtract(slot, held[unit_id]):
            occupy(session, organisation_id, [unit_id], part, OccupancyKind.BOOKING, booking_id, exclusive=True)


def own_time(*booking_ids: int | None) -> list[tuple[OccupancyKind, int]]:
    """The sources that `taken` leaves out for these bookings: what they have, and what is held for them."""
    return [(kind, booking_id) for booking_id in booking_ids if booking_id is not None for kind in OF_RENTAL]


def free(session: Session, organisation_id: int, kind: OccupancyKind, source_id: int) -> None:
    session.execute(
        delete(Occupancy).where(
            Occupancy.organisation_id == organisation_id, Occupancy.kind == kind, Occupancy.source_id == source_id
        )
    )


def claim_exclusively(session: Session, organisation_id: int, kind: OccupancyKind, source_id: int) -> None:
    """Turn an admitted clash into an exclusive time. Raises Overlap where another exclusive one stands."""
    session.execute(
        update(Occupancy)
        .where(Occupancy.organisation_id == organisation_id, Occupancy.kind == kind, Occupancy.source_id == source_id)
        .values(exclusive=True)
        .execution_options(synchronize_session=False)
    )


def hold(session: Session, organisation_id: int, booking_id: int) -> None:
    """A booking ended, but its time stays blocked: the cancel on the external site is stuck (SPEC S10)."""
    session.execute(
        update(Occupancy)
        .where(
            Occupancy.organisation_id == organisation_id,
            Occupancy.kind == OccupancyKind.BOOKING,
            Occupancy.source_id == booking_id,
        )
        .values(kind=OccupancyKind.HELD)
        .execution_options(synchronize_session=False)
    )


def is_exclusive(session: Session, booking_id: int) -> bool:
    """Whether a booking has its time for itself alone."""
    query = select(Occupancy.exclusive).where(
        Occupancy.kind == OccupancyKind.BOOKING, Occupancy.source_id == booking_id
    )
    return all(session.scalars(query))
