"""Make linked sites agree with one booking: cancel, accept, move there, block and free times (SPEC S9, S10, Y6, Y8).

Level-triggered: the duty says "look at booking X", the rule says which errands are due, each errand is noted when it is
done. A second run finds nothing to do; one that was killed in between finds the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from booking.actions import endings, outbox
from booking.actions.cases import close_case, open_case
from booking.actions.leases import hold_lease
from booking.actions.messages import MailKind, post
from booking.actions.outbox import Duty
from booking.actions.rentals import Rental, load_rental
from booking.actions.site_rows import STUCK, settle_move
from booking.reads.house import House, RoomFacts, read_house
from booking.rules.admission import occupied
from booking.rules.sites import Errand, There, errand_for_block, errand_for_origin
from booking.tables.bookings import Occupancy
from booking.tables.connections import BlockWay, Connection, ConnectionRoom, RemoteBooking
from booking.tables.houses import RoomUnit
from booking.values.slot import Slot
from booking.values.states import OCCUPYING, OccupancyKind
from config.faults import fault
from outside.errors import OutsideError, SiteRefused, SiteUnchanged
from outside.ycbm_values import RemoteBooking as Standing
from outside.ycbm_values import Tentative
from sync.remotes.ycbm import YcbmRemote
from workers.context import Context, clock
from workers.outcome import Done, Failed, LostTurnError, Outcome, Waiting
from workers.site_client import remote_of
from workers.site_errands import Task, carry_out

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=15)  # longer than one call may take; renewed before each
TURN = timedelta(seconds=2)
CLASH = "site-clash"
TAKES_TIME = frozenset({Errand.BLOCK, Errand.MOVE_BLOCK, Errand.RESCHEDULE})


def reconcile_sites(context: Context, duty: Duty) -> Outcome:
    """Run all errands that are due for a booking. One site that fails never stops the others."""
    turn = partial(hold_lease, name=f"sites-{duty.subject_id}", owner=f"sites-{duty.outbox_id}-{duty.claim}")
    if context.database.write(partial(turn, now=clock(), length=LEASE)) is None:
        return Waiting(TURN)

    def hold_on() -> None:
        """Before each call there: both leases, so that a worker that was too slow stops instead of calling twice."""
        now = clock()

        def renew(session: Session) -> bool:
            return outbox.renew(session, now, duty) and turn(session, now=now, length=LEASE) is not None

        if not context.database.write(renew):
            raise LostTurnError

    try:
        failures = list(_run_all(context, duty, hold_on))
    except LostTurnError:
        return Waiting(TURN)
    finally:
        context.database.write(partial(turn, now=clock(), length=timedelta(0)))
    if not failures:
        return Done()
    waits = [error.retry_after for error in failures if error.retry_after]
    return Failed(type(failures[0]).__name__, wait=timedelta(seconds=max(waits)) if waits else None)


def _run_all(context: Context, duty: Duty, hold_on: Callable[[], None]) -> Iterator[OutsideError]:
    with context.database.read() as session:
        house = read_house(session, duty.organisation_id)
        tasks = list(plan(session, house, duty.subject_id))
        remotes = [_remote(context, session, task, hold_on) for task in tasks]
    for task, remote in zip(tasks, remotes, strict=True):
        try:
            standing = carry_out(remote, task, clock())
        except OutsideError as error:
            log.warning("errand failed", errand=task.errand, error=type(error).__name__)
            context.database.write(partial(_note_failure, now=clock(), house=house, task=task, error=error))
            if not isinstance(error, SiteRefused | SiteUnchanged) or task.errand is Errand.CANCEL:
                yield error
        else:
            fault("sites.done")
            done = partial(_note_done, now=clock(), house=house, task=task, standing=standing)
            context.database.write(done)


def _remote(context: Context, session: Session, task: Task, hold_on: Callable[[], None]) -> YcbmRemote:
    page, zone, known = task.profile_id, task.zone, task.known
    return remote_of(context, session, task.connection_id, hold_on, page=page, zone=zone, known=known)


def plan(session: Session, house: House, booking_id: int) -> Iterator[Task]:
    """All errands that are due for a booking: for what it came from, wherever that stands, and for its blocks on every
    booking page that its room concerns.
    """
    rental = load_rental(session, house.organisation_id, booking_id)
    room = house.room(rental.event.room_id)
    taking = occupied(rental.slot, room.terms) if _takes_time(session, booking_id) else None
    rows = session.scalars(
        select(RemoteBooking).where(RemoteBooking.booking_id == booking_id).order_by(RemoteBooking.id)
    ).all()
    awake = _awake(session, house.organisation_id)
    for row in rows:
        if not row.ours and row.connection_id in awake:
            errand = errand_for_origin(rental.booking.state, rental.slot, _there(row))
            place = _Place(awake[row.connection_id], _page_of(row), row)
            yield from _task(rental, room, place, errand, rental.slot)
    for place in _places(rows, awake, _pages(session, house.organisation_id, room.room_id)):
        there, is_proven = _there(place.row) if place.row else None, place.connection.proven_at is not None
        errand = errand_for_block(taking if place.is_wanted else None, there, proven=is_proven)
        yield from _task(rental, room, place, errand, taking or rental.slot)


@dataclass(frozen=True, slots=True)
class _Place:
    """A booking page, and what stands there for a booking. `is_wanted`: whether a block belongs there."""

    connection: Connection
    page: str
    row: RemoteBooking | None
    is_wanted: bool = True


def _places(
    rows: Sequence[RemoteBooking], awake: dict[int, Connection], pages: Sequence[tuple[int, str]]
) -> Iterator[_Place]:
    """Where blocks stand or belong: none beside the booking that ours came from, one on each page of the room, and
    none on the pages of a room that the booking has left.
    """
    origins = {(row.connection_id, _page_of(row)) for row in rows if not row.ours and not row.cancelled}
    wanted = [
        (connection_id, page)
        for connection_id, page in pages
        if connection_id in awake
        and awake[connection_id].block_way is BlockWay.BOOKING
        and (connection_id, page) not in origins
    ]
    ours: dict[tuple[int, str], list[RemoteBooking]] = {place: [] for place in wanted}
    for row in sorted(rows, key=lambda row: row.cancelled):
        if row.ours and row.connection_id in awake:
            ours.setdefault((row.connection_id, _page_of(row)), []).append(row)
    for (connection_id, page), found in ours.items():
        is_wanted = (connection_id, page) in wanted
        for number, one in enumerate(found or [None]):
            yield _Place(awake[connection_id], page, one, is_wanted=is_wanted and number == 0)


def _task(rental: Rental, room: RoomFacts, place: _Place, errand: Errand | None, slot: Slot) -> Iterator[Task]:
    if errand is None:
        return
    connection, row = place.connection, place.row
    yield Task(
        connection_id=connection.id,
        site=connection.name,
        errand=errand,
        booking_id=rental.booking.id,
        slot=slot,
        zone=room.zone,
        profile_id=place.page,
        row_id=row.id if row is not None else None,
        remote_id=row.remote_id if row is not None else "",
        undecided=row is not None and row.tentative == Tentative.UNDECIDED,
        uid=str(rental.booking.public_id),
    )


def _page_of(row: RemoteBooking) -> str:
    return str(row.facts.get("profile_id", ""))


def _there(row: RemoteBooking) -> There:
    return There(
        Slot(row.starts_at, row.ends_at),
        cancelled=row.cancelled,
        undecided=row.tentative == Tentative.UNDECIDED,
        given_up=row.given_up_at is not None,
    )


def _takes_time(session: Session, booking_id: int) -> bool:
    """A booking that lives takes its time; one that ended still does while another site holds it."""
    query = select(Occupancy.id).where(
        Occupancy.kind.in_((OccupancyKind.BOOKING, OccupancyKind.HELD)), Occupancy.source_id == booking_id
    )
    return session.scalar(query.limit(1)) is not None


def _awake(session: Session, organisation_id: int) -> dict[int, Connection]:
    """The connections that do not rest."""
    query = select(Connection).where(Connection.organisation_id == organisation_id, Connection.paused_at.is_(None))
    return {connection.id: connection for connection in session.scalars(query)}


def _pages(session: Session, organisation_id: int, room_id: int) -> list[tuple[int, str]]:
    """Every booking page there whose room shares a unit with this room, by its connection."""
    own, other = aliased(RoomUnit), aliased(RoomUnit)
    query = (
        select(ConnectionRoom.connection_id, ConnectionRoom.profile_id)
        .join(other, other.room_id == ConnectionRoom.room_id)
        .join(own, own.unit_id == other.unit_id)
        .where(ConnectionRoom.organisation_id == organisation_id, own.room_id == room_id)
        .order_by(ConnectionRoom.connection_id, ConnectionRoom.profile_id)
        .distinct()
    )
    return [(connection_id, page) for connection_id, page in session.execute(query)]


def _note_done(session: Session, now: datetime, house: House, task: Task, standing: Standing | None) -> None:
    row = _row_of(session, now, house, task, standing)
    if row is None:
        return
    row.cancelled = task.errand in {Errand.CANCEL, Errand.UNBLOCK}
    row.stuck_since, row.seen_at = None, now
    if standing is not None:
        row.starts_at, row.ends_at = standing.slot.start, standing.slot.end
        row.tentative = standing.tentative.value
    if task.errand is Errand.CANCEL:
        session.flush()  # what is freed below looks at what is cancelled there
        endings.let_go(session, now, house, task.booking_id)
        close_case(session, now, house.organisation_id, STUCK, str(task.row_id), resolution="cancelled there")
    elif task.errand is Errand.RESCHEDULE:
        settle_move(session, now, house, row, "moved there")
    elif task.errand is Errand.UNBLOCK and _takes_time(session, task.booking_id):
        row.booking_id = None  # it belongs there no more, but may again: then a new block is written
    if task.errand in TAKES_TIME:
        close_case(session, now, house.organisation_id, CLASH, _clash(task), resolution="done there")


def _row_of(
    session: Session, now: datetime, house: House, task: Task, standing: Standing | None
) -> RemoteBooking | None:
    """The row to note it in. A new block may have been read, and noted so, before the site's answer came here."""
    if standing is None or standing.id == task.remote_id:
        return _known(session, task)
    session.get_one(Connection, task.connection_id, with_for_update=True)  # who reads takes turns with this
    query = select(RemoteBooking).where(
        RemoteBooking.connection_id == task.connection_id, RemoteBooking.remote_id == standing.id
    )
    row = session.scalars(query.with_for_update()).one_or_none()
    if task.row_id is not None:
        return _followed(_known(session, task), standing, is_noted=row is not None)
    if row is None:
        row = RemoteBooking(
            organisation_id=house.organisation_id,
            connection_id=task.connection_id,
            remote_id=standing.id,
            facts={"profile_id": task.profile_id},
            starts_at=standing.slot.start,
            ends_at=standing.slot.end,
            seen_at=now,
        )
        session.add(row)
    row.ref, row.booking_id, row.ours = standing.ref, task.booking_id, True
    return row


def _known(session: Session, task: Task) -> RemoteBooking | None:
    return session.get(RemoteBooking, task.row_id, with_for_update=True) if task.row_id is not None else None


def _followed(row: RemoteBooking | None, standing: Standing, *, is_noted: bool) -> RemoteBooking | None:
    """The site names things: what we changed may lie at another address now. If it was read and taken for another
    booking meanwhile, both stay until a person decides.
    """
    if row is not None and not is_noted:
        row.remote_id = standing.id
    return row


def _note_failure(session: Session, now: datetime, house: House, task: Task, error: OutsideError) -> None:
    """What the office has to see: a cancel that is stuck (SPEC S10), a time that is taken there."""
    facts = {"site": task.site, "error": type(error).__name__, "starts_at": task.slot.start.isoformat()}
    if task.errand is Errand.CANCEL and task.row_id is not None:
        row = session.get_one(RemoteBooking, task.row_id)
        if row.stuck_since is None:
            row.stuck_since = now
            _tell_office(session, now, house, task)
        open_case(session, now, house.organisation_id, STUCK, str(task.row_id), task.booking_id, facts)
    elif isinstance(error, SiteRefused | SiteUnchanged) and task.errand in TAKES_TIME:
        rental = load_rental(session, house.organisation_id, task.booking_id)
        if rental.booking.state in OCCUPYING:
            open_case(session, now, house.organisation_id, CLASH, _clash(task), task.booking_id, facts)


def _clash(task: Task) -> str:
    """What a case of a time that the site refuses is about."""
    return f"{task.booking_id}-{task.connection_id}-{task.profile_id}"


def _tell_office(session: Session, now: datetime, house: House, task: Task) -> None:
    post(
        session,
        now,
        house,
        MailKind.CANCEL_STUCK,
        to=house.letterhead.email,
        name=house.name,
        language=house.language,
        booking_id=task.booking_id,
        facts={"site": task.site, "attempts": 1},
    )
