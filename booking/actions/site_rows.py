"""What we wrote on an external site or lost sight of there: blocks known by their mark, moves undone, what is gone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import endings
from booking.actions.cases import close_case, open_case
from booking.actions.occupy import free
from booking.actions.rentals import announce, load_rental, lock_rental
from booking.actions.tools import Tools
from booking.reads.house import House
from booking.rules.sites import Read
from booking.tables.bookings import Booking, CaseFile
from booking.tables.connections import Connection, RemoteBooking
from booking.values.marks import is_good_mark, named_in
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, OccupancyKind

STUCK = "cancel-stuck"
MOVED = "site-moved"
BLOCK_GONE = "site-block-gone"
GONE = ("site-cancelled", "site-vanished", BLOCK_GONE)


def unnoted(test_id: UUID) -> str:
    """The remote id of a test time until the site has told its own."""
    return f"test-{test_id.hex}"


def find_unnoted(
    session: Session,
    now: datetime,
    tools: Tools,
    house: House,
    connection: Connection,
    read: Read,
) -> RemoteBooking | None:
    """A block or test time that we wrote and could not note any more, known by a mark that nobody else can make (Y8).

    A block has to stand on the page and at the time that it was written for. A test time is known by its row.
    """
    mark, slot = read.mark or "", read.seen.slot
    subject = named_in(mark)
    if subject is None:
        return None
    test = _row(session, connection.id, unnoted(subject))
    if test is not None:
        return _noted(test, read.remote_id) if _is_ours(tools, connection, test, mark) else None
    if not is_good_mark(tools.link_key, connection.public_id, read.profile_id, slot, mark):
        return None
    query = select(Booking.id).where(Booking.organisation_id == house.organisation_id, Booking.public_id == subject)
    booking_id = session.scalar(query)
    if booking_id is None:
        return None
    row = RemoteBooking(
        organisation_id=house.organisation_id,
        connection_id=connection.id,
        remote_id=read.remote_id,
        booking_id=booking_id,
        ours=True,
        starts_at=slot.start,
        ends_at=slot.end,
        seen_at=read.read_at,
    )
    session.add(row)
    session.flush()  # cases name the row
    rental = load_rental(session, house.organisation_id, booking_id)
    announce(session, now, house.organisation_id, booking_id, rental.event.room_id)  # it may have to go by now
    return row


def moved_to(session: Session, organisation_id: int, row_id: int) -> Slot | None:
    """The time there in an open case about a move."""
    query = select(CaseFile.facts).where(
        CaseFile.organisation_id == organisation_id,
        CaseFile.dedup_key == f"{MOVED}-{row_id}",
        CaseFile.closed_at.is_(None),
    )
    facts = session.scalar(query)
    if facts is None:
        return None
    return Slot(datetime.fromisoformat(facts["starts_at"]), datetime.fromisoformat(facts["ends_at"]))


def settle_move(session: Session, now: datetime, house: House, row: RemoteBooking, resolution: str) -> None:
    """The time there is the rental's own again: nothing is left to decide, and what was held beside it is free."""
    if close_case(session, now, house.organisation_id, MOVED, str(row.id), resolution=resolution):
        free(session, house.organisation_id, OccupancyKind.HELD, row.booking_id or 0)


def note_back(session: Session, now: datetime, organisation_id: int, row: RemoteBooking) -> None:
    """It stands there again: cases about its absence are over."""
    for kind in GONE:
        close_case(session, now, organisation_id, kind, str(row.id), resolution="stands there again")


def note_gone(session: Session, now: datetime, house: House, row: RemoteBooking) -> None:
    """What stood there is gone from two complete listings and by its own address (SPEC Y6, C9).

    A customer's booking is a case to decide, with the time kept; a block of ours counts as removed. Nothing holds the
    time of what ended here any more.
    """
    if row.booking_id is None:
        row.cancelled = True
        return
    rental = lock_rental(session, house.organisation_id, row.booking_id)
    is_living = rental.booking.state in OCCUPYING
    row.cancelled = row.ours or not is_living
    if is_living:
        _case_gone(session, now, house, row)
    elif not row.ours:
        row.stuck_since = None
        session.flush()  # what is freed below looks at what is cancelled there
        endings.let_go(session, now, house, row.booking_id)
        close_case(session, now, house.organisation_id, STUCK, str(row.id), resolution="gone there")


def _case_gone(session: Session, now: datetime, house: House, row: RemoteBooking) -> None:
    facts = {
        "site": session.get_one(Connection, row.connection_id).name,
        "ref": row.ref,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "remote_booking_id": row.id,
    }
    kind = BLOCK_GONE if row.ours else "site-vanished"
    open_case(session, now, house.organisation_id, kind, str(row.id), row.booking_id, facts)


def _row(session: Session, connection_id: int, remote_id: str) -> RemoteBooking | None:
    query = select(RemoteBooking).where(
        RemoteBooking.connection_id == connection_id, RemoteBooking.remote_id == remote_id
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _noted(row: RemoteBooking, remote_id: str) -> RemoteBooking:
    row.remote_id = remote_id
    return row


def _is_ours(tools: Tools, connection: Connection, test: RemoteBooking, mark: str) -> bool:
    page, slot = str(test.facts.get("profile_id", "")), Slot(test.starts_at, test.ends_at)
    return is_good_mark(tools.link_key, connection.public_id, page, slot, mark)
