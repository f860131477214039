"""A leaked code is replaced (SPEC S22); a whole list: `replacing_lists`. What was given out never comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import audit, codes, messages
from booking.actions.audit import Actor
from booking.actions.feed_codes import codes_recounted
from booking.actions.messages import SHOWS_CODE, MailKind
from booking.actions.moves import move_code
from booking.actions.occupy import lock_units
from booking.actions.payments import code_moment
from booking.actions.rentals import Rental, load_rental
from booking.reads.house import House
from booking.rules.doorcodes import FreeCode, code_window
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Message
from booking.values.refusals import NotFound, Refused, refused
from booking.values.slot import Slot
from booking.values.states import CodeState, MessageState

CARRIES_MORE = (MailKind.CONFIRMATION.value, MailKind.MOVED.value)


@dataclass(frozen=True, slots=True)
class Replaced:
    """How many codes were retired, and for which bookings others were found. `mails` is how many were written."""

    retired: int
    booking_ids: tuple[int, ...]
    mails: int


def replace_code(
    session: Session, now: datetime, house: House, code_id: int, reason: str, actor: Actor
) -> Replaced | Refused:
    """Retire one code and give its booking another for the same stretch; a free code is only retired.

    Refused: retired, over (its window is past), no-code (none is left: nothing was changed).
    """
    code = _code(session, house, code_id)
    rental = load_rental(session, house.organisation_id, code.booking_id) if code.booking_id else None
    lock_units(session, house.organisation_id, [rental.event.room_id] if rental else [])
    codes.lock_door(session, code.door_id)
    session.refresh(code)
    if code.state is CodeState.RETIRED or code.ends_at <= now:
        return refused("retired" if code.state is CodeState.RETIRED else "over")
    if rental is None or code.booking_id is None:
        if code.booking_id is not None:
            raise codes.CodeLostError(code.booking_id)  # given out since it was read; deciding again sees the holder
        move_code(session, code, CodeState.RETIRED, retired_at=now)
        messages.renew_digest(session, now, house)
        note_replaced(session, now, house, actor, reason, Replaced(1, (), 0), "door_code", code.id)
        return Replaced(1, (), 0)
    session.refresh(rental.booking)
    others = codes.choose_for(session, code.door_id, part_of(house, rental, [code]))
    if isinstance(others, Refused):
        return others
    with codes_recounted(session, now, house.organisation_id, [rental.booking.id]):
        mails = _swap(session, now, house, rental, [code], others, actor)
    messages.renew_digest(session, now, house)
    done = Replaced(1, (rental.booking.id,), mails)
    note_replaced(session, now, house, actor, reason, done, "door_code", code.id)
    return done


def _code(session: Session, house: House, code_id: int) -> DoorCode:
    query = select(DoorCode).where(DoorCode.organisation_id == house.organisation_id, DoorCode.id == code_id)
    found = session.scalar(query)
    if found is None:
        raise NotFound("door code", code_id)
    return found


def part_of(house: House, rental: Rental, held: Sequence[DoorCode]) -> Slot:
    """The stretch of the booking's need for which these codes open the door."""
    need = code_window(rental.slot, house.room(rental.event.room_id).terms)
    first, last = min(code.starts_at for code in held), max(code.ends_at for code in held)
    return Slot(max(need.start, first), min(need.end, last))


def _swap(
    session: Session,
    now: datetime,
    house: House,
    rental: Rental,
    old: Sequence[DoorCode],
    others: Sequence[FreeCode],
    actor: Actor,
) -> int:
    """Take the old codes away, give the others; returns how many mails that needs: one, or none if nobody saw them."""
    given = [code for code in old if code.state is CodeState.ISSUED]
    moment = code_moment(session, now, house, rental)
    seen = any(code.told_by_phone for code in given) or moment == now
    for code in old:
        move_code(session, code, CodeState.RETIRED, retired_at=now)
    codes.reserve(session, others, rental.booking.id)
    if not given:
        return 0
    codes.issue(session, now, rental.booking.id, actor.staff_id)
    if not seen:
        return 0
    _tell(session, now, house, rental, moment or now)
    return 1


def _tell(session: Session, now: datetime, house: House, rental: Rental, due_at: datetime) -> None:
    """One mail with the codes of now; what was not sent is superseded, and what else it had to say is said by this."""
    unsent = select(Message).where(
        Message.booking_id == rental.booking.id,
        Message.kind.in_(CARRIES_MORE),
        Message.state.in_((MessageState.QUEUED, MessageState.DEAD)),
    )
    earlier = session.scalars(unsent.order_by(Message.id.desc()).limit(1)).one_or_none()
    messages.supersede(session, now, rental.booking.id, SHOWS_CODE)
    messages.post(
        session,
        now,
        house,
        MailKind(earlier.kind) if earlier else MailKind.CODE_REPLACED,
        to=rental.customer.email,
        name=rental.customer.name,
        language=rental.booking.language,
        booking_id=rental.booking.id,
        facts=dict(earlier.facts) | {"replaced": True} if earlier else {},
        due_at=now if earlier else due_at,
    )


def note_replaced(
    session: Session,
    now: datetime,
    house: House,
    actor: Actor,
    reason: str,
    done: Replaced,
    subject: str,
    subject_id: int,
) -> None:
    told = {"reason": reason, "retired": done.retired, "bookings": list(done.booking_ids)}
    audit.note(session, now, house.organisation_id, actor, subject, subject_id, "codes-replaced", after=told)
