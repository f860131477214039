"""Door codes of one booking: reserved with the decision, issued when it is final, retired for good (SPEC S1, S22).

A code's text is never read here: rules choose by window and fingerprint.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from booking.actions.moves import move_code
from booking.reads.house import RoomFacts
from booking.rules.doorcodes import FreeCode, HeldCode, choose_codes, code_window
from booking.tables.doors import Door, DoorCode
from booking.values.refusals import PlatzwartError, Refused
from booking.values.slot import Slot
from booking.values.states import CodeState

LONGEST_WINDOW = timedelta(days=32)


class CodeLostError(PlatzwartError):
    """The last code went to another booking between the look and the lock. Retry by deciding again."""

    retry_after = 0

    def __init__(self, booking_id: int) -> None:
        super().__init__(f"no door code is left for booking {booking_id}")
        self.booking_id = booking_id


def lock_door(session: Session, door_id: int) -> None:
    """Codes of one door are chosen by one transaction at a time."""
    session.execute(select(Door.id).where(Door.id == door_id).with_for_update()).one()


def choose(session: Session, room: RoomFacts, slot: Slot) -> tuple[FreeCode, ...] | Refused:
    """The free codes that cover the slot with tolerance, or Refused("no-code")."""
    return () if room.door_id is None else choose_for(session, room.door_id, code_window(slot, room.terms))


def choose_for(session: Session, door_id: int, need: Slot) -> tuple[FreeCode, ...] | Refused:
    """The free codes of a door that open it through the whole need, or Refused("no-code")."""
    nearby = select(DoorCode.id, DoorCode.code_hmac, DoorCode.starts_at, DoorCode.ends_at).where(
        DoorCode.door_id == door_id,
        DoorCode.starts_at < need.end,
        DoorCode.starts_at > need.start - LONGEST_WINDOW,
        DoorCode.ends_at > need.start,
    )
    free = [
        FreeCode(code_id, fingerprint, Slot(start, end))
        for code_id, fingerprint, start, end in session.execute(nearby.where(DoorCode.state == CodeState.FREE))
    ]
    if not free:
        return choose_codes(need, ())
    held = [
        HeldCode(fingerprint, Slot(start, end))
        for _, fingerprint, start, end in session.execute(_equals(door_id, free))
    ]
    return choose_codes(need, free, held)


def reserve(session: Session, codes: Sequence[FreeCode], booking_id: int) -> None:
    for code in codes:
        row = session.get_one(DoorCode, code.code_id)
        move_code(session, row, CodeState.RESERVED, booking_id=booking_id)


def release(session: Session, now: datetime, booking_id: int) -> bool:
    """Nobody saw a reserved code: it is free again. One that was issued is retired; returns whether one was."""
    retired = False
    for row in codes_of(session, booking_id):
        if row.state is CodeState.RESERVED:
            move_code(session, row, CodeState.FREE, booking_id=None)
        elif row.state is CodeState.ISSUED:
            move_code(session, row, CodeState.RETIRED, retired_at=now)
            retired = True
    return retired


def issue(session: Session, now: datetime, booking_id: int, staff_id: int | None, *, by_phone: bool = False) -> None:
    for row in codes_of(session, booking_id):
        if row.state is CodeState.RESERVED:
            move_code(session, row, CodeState.ISSUED, issued_at=now, issued_by=staff_id, told_by_phone=by_phone)


def codes_of(session: Session, booking_id: int) -> list[DoorCode]:
    """The codes that a booking holds, in their order; retired ones are not held."""
    query = select(DoorCode).where(DoorCode.booking_id == booking_id, DoorCode.state != CodeState.RETIRED)
    return list(session.scalars(query.order_by(DoorCode.starts_at, DoorCode.id)))


def _equals(door_id: int, free: Sequence[FreeCode]) -> Select[int, bytes, datetime, datetime]:
    """Codes with the same text as a free one that are held, or spent in their window."""
    return select(DoorCode.id, DoorCode.code_hmac, DoorCode.starts_at, DoorCode.ends_at).where(
        DoorCode.door_id == door_id,
        DoorCode.code_hmac.in_({code.fingerprint for code in free}),
        DoorCode.state != CodeState.FREE,
    )
