"""What was read on an external site, applied here in one transaction (SPEC Y1 to Y6). The rule decides, this writes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import audit, endings
from booking.actions.audit import Actor
from booking.actions.cases import close_case, open_case
from booking.actions.group_prices import basis_of_move, keep_basis
from booking.actions.occupy import free, is_exclusive, occupy, taken
from booking.actions.renewing import renew_request
from booking.actions.rentals import Rental, announce, load_rental, lock_rental, publish
from booking.actions.requests import Ask, make_external, price_of
from booking.actions.reviews import take_back_decision
from booking.actions.site_rows import MOVED, STUCK, find_unnoted, moved_to, note_back, settle_move
from booking.actions.tools import Tools
from booking.reads.house import House
from booking.rules import moving
from booking.rules.admission import occupied
from booking.rules.sites import Known, Read, Seen, Step, cancelled_since, is_stale, take_in
from booking.tables.bookings import Booking
from booking.tables.connections import Connection, ConnectionRoom, RemoteBooking, Writer
from booking.values.house import Price
from booking.values.refusals import Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, OccupancyKind, Source

SITE = Actor("site")


@dataclass(slots=True)
class _At:
    """What one step works with."""

    session: Session
    now: datetime
    tools: Tools
    house: House
    connection: Connection
    read: Read
    row: RemoteBooking


def apply_read(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    connection_id: int,
    read: Read,
    *,
    is_own: bool = False,
) -> Step:
    """Hold what was read against what is known, and take the one step that follows. Returns it.

    `is_own`: it was read by the booking's own address, not out of a listing. STALE: it changed here since it was asked
    for, or the answer lagged behind; nothing was done, and it has to be read again.
    """
    connection = session.scalars(select(Connection).where(Connection.id == connection_id).with_for_update()).one()
    room_id = room_of(session, connection_id, read.profile_id)
    row = _row(session, connection_id, read) or find_unnoted(session, now, tools, house, connection, read)
    if row is not None and is_stale(read.read_at, row.seen_at, read.updated_at, _updated_at(row), is_own=is_own):
        return Step.STALE
    known = _known(session, house, row)
    seen = Seen(read.seen.slot, read.seen.cancelled_by, read.seen.no_show, has_room=room_id is not None)
    step = take_in(seen, known, now)
    if row is None:
        row = _remember(session, house, connection, read)
    at = _At(session, now, tools, house, connection, read, row)
    _STEPS.get(step, _nothing)(at)
    _renew(at, step)
    return step


def room_of(session: Session, connection_id: int, profile_id: str) -> int | None:
    """The room that a booking page there stands for."""
    query = select(ConnectionRoom.room_id).where(
        ConnectionRoom.connection_id == connection_id, ConnectionRoom.profile_id == profile_id
    )
    return session.scalar(query)


def _row(session: Session, connection_id: int, read: Read) -> RemoteBooking | None:
    query = select(RemoteBooking).where(
        RemoteBooking.connection_id == connection_id, RemoteBooking.remote_id == read.remote_id
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _known(session: Session, house: House, row: RemoteBooking | None) -> Known | None:
    if row is None:
        return None
    last = Slot(row.starts_at, row.ends_at)
    if row.booking_id is None:
        return Known(last, row.cancelled, row.ours, None, None, no_show=False)
    rental = lock_rental(session, house.organisation_id, row.booking_id)
    booking = rental.booking
    return Known(
        last_slot=last,
        was_cancelled=row.cancelled,
        is_block=row.ours,
        state=booking.state,
        slot=occupied(rental.slot, house.room(rental.event.room_id).terms) if row.ours else rental.slot,
        no_show=booking.no_show,
        moved_to=moved_to(session, house.organisation_id, row.id) if booking.state is BookingState.CONFIRMED else None,
        given_up=row.given_up_at is not None,
    )


def _updated_at(row: RemoteBooking) -> datetime | None:
    told = row.facts.get("updated_at")
    return datetime.fromisoformat(told) if told else None


def _remember(session: Session, house: House, connection: Connection, read: Read) -> RemoteBooking:
    row = RemoteBooking(
        organisation_id=house.organisation_id,
        connection_id=connection.id,
        remote_id=read.remote_id,
        ref=read.ref,
        ours=False,
        starts_at=read.seen.slot.start,
        ends_at=read.seen.slot.end,
        seen_at=read.read_at,
    )
    session.add(row)
    session.flush()  # cases and bookings name the row
    return row


def _renew(at: _At, step: Step) -> None:
    """Remember what was read. A move that is a case keeps the old time as base until a person decided."""
    row, read = at.row, at.read
    is_cancelled = read.seen.cancelled_by is not None
    if not is_cancelled and (row.cancelled or row.missing_since is not None):
        note_back(at.session, at.now, at.house.organisation_id, row)
    stamp = {"updated_at": read.updated_at.isoformat()} if read.updated_at else {}
    row.facts = read.facts | stamp | ({"test": True} if row.facts.get("test") else {})
    row.ref, row.tentative, row.cancelled = read.ref, read.tentative, is_cancelled
    row.seen_at, row.missing_since = read.read_at, None
    if is_cancelled:
        row.stuck_since = row.given_up_at = None
    if step is not Step.CASE_MOVED:
        row.starts_at, row.ends_at = read.seen.slot.start, read.seen.slot.end


def _take_in(at: _At) -> None:
    room_id = room_of(at.session, at.connection.id, at.read.profile_id)
    ask = Ask(
        room_id=room_id or 0,
        slot=at.read.seen.slot,
        people=at.read.people,
        purpose=at.read.purpose,
        contact=at.read.contact,
        language=at.house.language,
        source=Source.YCBM,
        writes_to_customer=at.connection.writer is Writer.HERE,
    )
    made = make_external(at.session, at.now, at.tools, at.house, ask, SITE)
    at.row.booking_id = made.booking_id
    if not is_exclusive(at.session, made.booking_id):
        _case_clash(at)


def _case_clash(at: _At) -> None:
    """Both sides took the time: a person decides (SPEC Y8, C14)."""
    about = f"{at.row.booking_id}-{at.connection.id}-{at.read.profile_id}"
    facts = {"site": at.connection.name, "ref": at.read.ref, "starts_at": at.read.seen.slot.start.isoformat()}
    open_case(at.session, at.now, at.house.organisation_id, "site-double", about, at.row.booking_id, facts)


def _rental(at: _At) -> Rental:
    return load_rental(at.session, at.house.organisation_id, at.row.booking_id or 0)


def _move(at: _At) -> None:
    """The request follows to its new time; where that meets another it stands beside it, and the reviewer sees it."""
    rental = _rental(at)
    room = at.house.room(rental.event.room_id)
    new = at.read.seen.slot
    organisation_id = at.house.organisation_id
    clash = taken(
        at.session, room.unit_ids, occupied(new, room.terms), but=[(OccupancyKind.BOOKING, rental.booking.id)]
    )
    free(at.session, organisation_id, OccupancyKind.BOOKING, rental.booking.id)
    occupy(
        at.session,
        organisation_id,
        room.unit_ids,
        occupied(new, room.terms),
        OccupancyKind.BOOKING,
        rental.booking.id,
        exclusive=not clash,
    )
    before = rental.slot
    rental.event.starts_at, rental.event.ends_at = new.start, new.end
    take_back_decision(at.session, at.now, at.house, rental.booking.id, SITE)
    basis = basis_of_move(rental, room, is_known=False)
    keep_basis(rental, basis)
    cost = price_of(at.house, room, new, basis)
    price = Price(()) if isinstance(cost, Refused) else cost
    renew_request(at.session, at.now, at.house, rental, before, price)
    audit.note(
        at.session,
        at.now,
        organisation_id,
        SITE,
        "booking",
        rental.booking.id,
        "moved",
        before={"starts_at": before.start.isoformat()},
        after={"starts_at": new.start.isoformat()},
    )
    publish(at.session, at.now, at.house, rental)
    if clash:
        _case_clash(at)


def _cancel(at: _At) -> None:
    at.row.cancelled = True  # nothing is left to cancel there, so the time is free at once
    at.session.flush()  # the ending looks for living bookings elsewhere
    since = cancelled_since(at.read.cancelled_at, at.row.seen_at, at.now)
    ended = endings.cancel_rental(
        at.session, at.now, at.house, at.row.booking_id or 0, moving.Actor.BOOKER, SITE, since=since
    )
    if isinstance(ended, Refused):
        _case("site-cancelled")(at)


def _case(kind: str) -> Callable[[_At], None]:
    def apply(at: _At) -> None:
        slot = at.read.seen.slot
        facts = {
            "site": at.connection.name,
            "ref": at.read.ref,
            "starts_at": slot.start.isoformat(),
            "ends_at": slot.end.isoformat(),
            "remote_booking_id": at.row.id,
        }
        open_case(at.session, at.now, at.house.organisation_id, kind, str(at.row.id), at.row.booking_id, facts)

    return apply


def _case_moved(at: _At) -> None:
    """Both times are kept: ours stays the rental's, the one there is held if it is free."""
    rental = _rental(at)
    room = at.house.room(rental.event.room_id)
    there = occupied(at.read.seen.slot, room.terms)
    free(at.session, at.house.organisation_id, OccupancyKind.HELD, rental.booking.id)
    exclusive = not taken(at.session, room.unit_ids, there)
    occupy(
        at.session,
        at.house.organisation_id,
        room.unit_ids,
        there,
        OccupancyKind.HELD,
        rental.booking.id,
        exclusive=exclusive,
    )
    _case(MOVED)(at)


def _moved_back(at: _At) -> None:
    settle_move(at.session, at.now, at.house, at.row, "moved back there")


def _put_right(at: _At) -> None:
    """Somebody moved our block there, or it stands again: what should stand there is looked at anew."""
    rental = _rental(at)
    announce(at.session, at.now, at.house.organisation_id, rental.booking.id, rental.event.room_id)


def _let_go(at: _At) -> None:
    """Somebody cancelled there what our cancel did not reach."""
    endings.let_go(at.session, at.now, at.house, at.row.booking_id or 0)
    close_case(
        at.session, at.now, at.house.organisation_id, STUCK, str(at.row.id), resolution="cancelled there by hand"
    )


def _no_show(at: _At) -> None:
    at.session.get_one(Booking, at.row.booking_id).no_show = True
    audit.note(at.session, at.now, at.house.organisation_id, SITE, "booking", at.row.booking_id or 0, "no-show")


def _nothing(_at: _At) -> None:
    """What was read is as it was."""


_STEPS: dict[Step, Callable[[_At], None]] = {
    Step.TAKE_IN: _take_in,
    Step.MOVE: _move,
    Step.CASE_MOVED: _case_moved,
    Step.CANCEL: _cancel,
    Step.CASE_CANCELLED: _case("site-cancelled"),
    Step.CASE_BLOCK_GONE: _case("site-block-gone"),
    Step.PUT_RIGHT: _put_right,
    Step.MOVED_BACK: _moved_back,
    Step.LET_GO: _let_go,
    Step.NO_SHOW: _no_show,
}
