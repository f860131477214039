"""A season's whole list of codes is replaced, for all holders at once (SPEC S22).

One transaction, so that a death in the middle changes nothing, and a fixed number of statements, so that a full season
holds the database for a moment only. No mail that was not sent yet can carry an old code afterwards.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from booking.actions import messages
from booking.actions.audit import Actor
from booking.actions.code_lists import Drawn, keep
from booking.actions.feed_codes import codes_recounted
from booking.actions.messages import MOST_IDS, SHOWS_CODE, Mail, MailKind
from booking.actions.occupy import lock_units
from booking.actions.payments import paid_among, sendable_from
from booking.actions.rentals import Rental
from booking.actions.replacing import CARRIES_MORE, Replaced, note_replaced, part_of
from booking.reads.doors import HELD, rooms_of
from booking.reads.house import House
from booking.rules.doorcodes import FreeCode, HeldCode, choose_codes
from booking.tables.bookings import Booking, Event
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Message
from booking.tables.people import Customer
from booking.values.refusals import MoveLost, Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.states import CodeState, MessageState

_CODES = DoorCode.metadata.tables["door_code"]


@dataclass(frozen=True, slots=True)
class _Swap:
    """What one booking gives back, and what it gets."""

    rental: Rental
    old: tuple[DoorCode, ...]
    new: tuple[FreeCode, ...]

    @property
    def given(self) -> tuple[DoorCode, ...]:
        return tuple(code for code in self.old if code.state is CodeState.ISSUED)


def replace_season(
    session: Session,
    now: datetime,
    house: House,
    door_id: int,
    season_id: int,
    fresh: Drawn,
    reason: str,
    actor: Actor,
) -> Replaced | Refused:
    """Retire a season's whole list, keep the fresh one, and give every holder codes of it: all or nothing.

    `fresh` is a new list: `draw_replacement`, or the `drawn` of an import's preview. Each booking concerned gets at
    most one mail. Codes whose window is past stay as they are. Refused: codes-changed, no-code with the number of
    bookings that the fresh list does not serve; then nothing was changed.
    """
    if fresh.door_id != door_id:
        return refused("codes-changed")
    lock_units(session, house.organisation_id, [room.room_id for room in rooms_of(house, door_id)])
    part = session.begin_nested()
    with codes_recounted(session, now, house.organisation_id):
        done = _replace(session, now, house, season_id, fresh, actor)
        if isinstance(done, Refused):
            part.rollback()
        else:
            part.commit()
    if isinstance(done, Refused):
        return done
    note_replaced(session, now, house, actor, reason, done, "door", door_id)
    return done


def _replace(
    session: Session, now: datetime, house: House, season_id: int, fresh: Drawn, actor: Actor
) -> Replaced | Refused:
    no = keep(session, house, fresh)
    if no:
        return no
    old = (
        DoorCode.organisation_id == house.organisation_id,
        DoorCode.door_id == fresh.door_id,
        DoorCode.season_id == season_id,
        DoorCode.ends_at > now,
        DoorCode.id <= fresh.seen,
    )
    holders = _holders(session, *old)
    retired = session.scalars(
        update(DoorCode)
        .where(*old, DoorCode.state.in_((CodeState.FREE, *HELD)))
        .values(state=CodeState.RETIRED, retired_at=now)
        .returning(DoorCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    swaps = _assign(house, holders, _Choice(session, now, fresh.door_id))
    if len(swaps) < len(holders):
        return Refused((Reason("no-code", None, {"bookings": len(holders) - len(swaps)}),))
    _require_all(retired, holders)
    _give(session, now, swaps, actor)
    mails = _tell(session, now, house, swaps)
    messages.renew_digest(session, now, house)
    return Replaced(len(retired), tuple(sorted(swap.rental.booking.id for swap in swaps)), mails)


def _holders(session: Session, *which: object) -> list[tuple[Rental, tuple[DoorCode, ...]]]:
    query = (
        select(DoorCode, Booking, Event, Customer)
        .join(Booking, Booking.id == DoorCode.booking_id)
        .join(Event, Event.id == Booking.event_id)
        .join(Customer, Customer.id == Booking.customer_id)
        .where(*which, DoorCode.state.in_(HELD))  # type: ignore[arg-type]  # conditions on columns
        .order_by(Booking.id, DoorCode.starts_at, DoorCode.id)
    )
    codes: defaultdict[int, list[DoorCode]] = defaultdict(list)
    rentals: dict[int, Rental] = {}
    for code, booking, event, customer in session.execute(query.execution_options(populate_existing=True)):
        codes[booking.id].append(code)
        rentals[booking.id] = Rental(booking, event, customer)
    return [(rentals[booking_id], tuple(held)) for booking_id, held in codes.items()]


class _Choice:
    """The free codes of a door, chosen for one booking after the other."""

    def __init__(self, session: Session, now: datetime, door_id: int) -> None:
        columns = select(DoorCode.id, DoorCode.code_hmac, DoorCode.starts_at, DoorCode.ends_at, DoorCode.state)
        rows = session.execute(columns.where(DoorCode.door_id == door_id).order_by(DoorCode.starts_at)).all()
        self._free = [
            FreeCode(row.id, row.code_hmac, Slot(row.starts_at, row.ends_at))
            for row in rows
            if row.state is CodeState.FREE and row.ends_at > now
        ]
        self._starts = [code.window.start for code in self._free]
        self._longest = max((code.window.duration for code in self._free), default=timedelta(0))
        self._held: defaultdict[bytes, list[Slot]] = defaultdict(list)
        self._used: set[int] = set()
        fingerprints = {code.fingerprint for code in self._free}
        for row in rows:
            if row.state is not CodeState.FREE and row.code_hmac in fingerprints:
                self._held[row.code_hmac].append(Slot(row.starts_at, row.ends_at))

    def take(self, need: Slot) -> tuple[FreeCode, ...] | Refused:
        first, after = bisect_left(self._starts, need.start - self._longest), bisect_left(self._starts, need.end)
        nearby = [code for code in self._free[first:after] if code.code_id not in self._used]
        held = [HeldCode(code.fingerprint, slot) for code in nearby for slot in self._held.get(code.fingerprint, ())]
        chosen = choose_codes(need, nearby, held)
        if not isinstance(chosen, Refused):
            self._used |= {code.code_id for code in chosen}
            for code in chosen:
                self._held[code.fingerprint].append(code.window)
        return chosen


def _assign(house: House, holders: Iterable[tuple[Rental, tuple[DoorCode, ...]]], choice: _Choice) -> list[_Swap]:
    """A swap for each holder that the new list serves."""
    chosen = [(rental, old, choice.take(part_of(house, rental, old))) for rental, old in holders]
    return [_Swap(rental, old, new) for rental, old, new in chosen if not isinstance(new, Refused)]


def _require_all(retired: Sequence[int], holders: Iterable[tuple[Rental, tuple[DoorCode, ...]]]) -> None:
    """Raise MoveLost where somebody changed a code between the look and the statement: nothing is written then."""
    missing = {code.id for _, held in holders for code in held} - set(retired)
    if missing:
        raise MoveLost(DoorCode.__tablename__, min(missing), CodeState.ISSUED, CodeState.RETIRED)


def _give(session: Session, now: datetime, swaps: Iterable[_Swap], actor: Actor) -> None:
    """The new codes take the state of the old: reserved while nobody decided finally, else given out (SPEC S22)."""
    rows = [
        {
            "code": code.code_id,
            "for_booking": swap.rental.booking.id,
            "to": CodeState.ISSUED if swap.given else CodeState.RESERVED,
            "at": now if swap.given else None,
            "by": actor.staff_id if swap.given else None,
        }
        for swap in swaps
        for code in swap.new
    ]
    if rows:
        session.connection().execute(
            update(_CODES)
            .where(_CODES.c.id == bindparam("code"), _CODES.c.state == CodeState.FREE)
            .values(
                booking_id=bindparam("for_booking"),
                state=bindparam("to"),
                issued_at=bindparam("at"),
                issued_by=bindparam("by"),
            ),
            rows,
        )


def _tell(session: Session, now: datetime, house: House, swaps: Sequence[_Swap]) -> int:
    """One mail to each who saw an old code, with the codes of its moment; what was not sent is said by it."""
    bookings = [swap.rental.booking for swap in swaps if swap.given]
    paid = paid_among(session, bookings) if house.code_after_payment else {booking.id for booking in bookings}
    seen = [swap for swap in swaps if swap.given and _was_seen(now, house, swap, paid)]
    ids = [swap.rental.booking.id for swap in seen]
    earlier = _unsent(session, ids)
    messages.supersede_all(session, now, ids, SHOWS_CODE)
    mails = [_mail(now, house, swap, earlier, paid) for swap in seen]
    messages.post_all(session, now, house, mails)
    return len(mails)


def _was_seen(now: datetime, house: House, swap: _Swap, paid: set[int]) -> bool:
    told = any(code.told_by_phone for code in swap.given)
    return told or sendable_from(now, house, swap.rental, is_paid=swap.rental.booking.id in paid) == now


def _mail(now: datetime, house: House, swap: _Swap, earlier: Mapping[int, Message], paid: set[int]) -> Mail:
    booking, customer = swap.rental.booking, swap.rental.customer
    unsent = earlier.get(booking.id)
    return Mail(
        MailKind(unsent.kind) if unsent else MailKind.CODE_REPLACED,
        customer.email,
        customer.name,
        booking.language,
        booking.id,
        dict(unsent.facts) | {"replaced": True} if unsent else {},
        now if unsent else sendable_from(now, house, swap.rental, is_paid=booking.id in paid) or now,
    )


def _unsent(session: Session, booking_ids: Sequence[int]) -> dict[int, Message]:
    """The latest mail of each booking that had more to say than a code and did not go out."""
    found: dict[int, Message] = {}
    for first in range(0, len(booking_ids), MOST_IDS):
        query = select(Message).where(
            Message.booking_id.in_(booking_ids[first : first + MOST_IDS]),
            Message.kind.in_(CARRIES_MORE),
            Message.state.in_((MessageState.QUEUED, MessageState.DEAD)),
        )
        found |= {message.booking_id or 0: message for message in session.scalars(query.order_by(Message.id))}
    return found
