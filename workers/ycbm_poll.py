"""One complete reading of a connection: the listing, and by its own address what is not in it (SPEC Y4, Y6, C9)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from rq.timeouts import JobTimeoutException
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.leases import hold_lease
from booking.actions.rentals import SITES, announce, load_rental
from booking.actions.site_alarms import note_working
from booking.actions.site_rows import note_gone
from booking.reads.house import read_house
from booking.rules.sites import Step, is_gone
from booking.tables.connections import Connection, RemoteBooking
from outside.errors import OutsideError, SiteIncomplete, SiteMissing, SiteThrottled
from sync.remotes.ycbm import YcbmRemote
from workers.context import Context, clock
from workers.outcome import LostTurnError
from workers.site_client import remote_of
from workers.ycbm_reading import apply, read_one

log = structlog.get_logger(__name__)

POLL_EVERY = timedelta(minutes=5)
POLL_LEASE = timedelta(minutes=2)
POLL_PAUSES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10))
RENEW_AFTER = timedelta(seconds=20)
MOST_READ = 50  # by their own address in one poll; what is left over has its turn in the next
MOST_FAILURES = 3  # in a row: then it is the site that fails, not one booking


class Turn:
    """The right to read a connection. A proof of its blocking way takes the same (SPEC Y8)."""

    def __init__(self, context: Context, connection_id: int) -> None:
        self._write = context.database.write
        self._hold = partial(hold_lease, name=f"poll-{connection_id}", owner=f"poll-{clock().isoformat()}")
        self._renewed_at = clock()

    def take(self) -> bool:
        """False while somebody else has it."""
        self._renewed_at = clock()
        return self._write(partial(self._hold, now=self._renewed_at, length=POLL_LEASE)) is not None

    def keep(self) -> None:
        """To be called before each step, however many there are. Raises LostTurnError."""
        if clock() - self._renewed_at >= RENEW_AFTER and not self.take():
            raise LostTurnError

    def leave(self) -> None:
        self._write(partial(self._hold, now=clock(), length=timedelta(0)))


@dataclass(frozen=True, slots=True)
class _Absent:
    """A booking that should stand in the listing and does not. `since`: since when listings have lacked it."""

    row_id: int
    remote_id: str
    since: datetime | None


def read_all(context: Context, connection_id: int, keep: Callable[[], None]) -> None:
    """Take in the whole listing, what was cancelled first, then look closer at what it lacks. `keep` is called before
    each step.

    Raises OutsideError where the listing or the site as a whole fails; one booking that fails costs itself only. Of a
    listing that is not whole, what was told counts and nothing else is concluded.
    """
    began = clock()
    with context.database.read() as session:
        remote = remote_of(context, session, connection_id, keep)
    listing = remote.changes(None)
    named = (*listing.gone, *(one.href for one in listing.there))
    stale = list(_apply_all(context, connection_id, remote, named, began, keep))
    if not listing.is_whole:
        raise SiteIncomplete(remote.where, listing.not_whole_because)
    works = [partial(_read_again, context, remote, connection_id, remote_id) for remote_id in stale]
    works += [
        partial(_look, context, remote, connection_id, one)
        for one in _absent(context, connection_id, began, set(named))
    ]
    works += [partial(_remove_test, context, remote, *test) for test in _left_tests(context, connection_id, began)]
    _each_apart(works, keep)
    context.database.write(lambda session: _note_success(session, clock(), connection_id))


def _apply_all(
    context: Context,
    connection_id: int,
    remote: YcbmRemote,
    named: Iterable[str],
    began: datetime,
    keep: Callable[[], None],
) -> Iterator[str]:
    """Yields what changed here since the listing was asked for. What is there and cannot be read stays as it is."""
    for standing in filter(None, map(remote.told, named)):
        keep()
        try:
            if apply(context, connection_id, standing, began) is Step.STALE:
                yield standing.id
        except JobTimeoutException:
            raise
        except Exception:
            log.exception("a booking there could not be taken in", remote=standing.id)


def _each_apart(works: Sequence[Callable[[], None]], keep: Callable[[], None]) -> None:
    """One that fails never stops the others, unless the site as a whole does."""
    failed = 0
    for work in works:
        keep()
        try:
            work()
            failed = 0
        except (JobTimeoutException, LostTurnError, SiteThrottled):
            raise
        except OutsideError as error:
            failed += 1
            log.warning("a booking there could not be read", error=type(error).__name__)
            if failed >= MOST_FAILURES:
                raise
        except Exception:
            log.exception("a booking there could not be taken in")


def _read_again(context: Context, remote: YcbmRemote, connection_id: int, remote_id: str) -> None:
    try:
        read_one(context, remote, connection_id, remote_id)
    except SiteMissing:
        return  # the next listing lacks it as well


def _look(context: Context, remote: YcbmRemote, connection_id: int, one: _Absent) -> None:
    """An absence from listings alone proves nothing: what the booking's own address says counts."""
    began = clock()
    try:
        read_one(context, remote, connection_id, one.remote_id)
    except SiteMissing:
        context.database.write(partial(_miss, now=began, row_id=one.row_id, since=one.since))


def _absent(context: Context, connection_id: int, began: datetime, present: set[str]) -> list[_Absent]:
    """What has to be asked for by its own address: what is missing for the first time, or for long enough.

    What was noted after the listing was asked for may well be missing in it.
    """
    with context.database.read() as session:
        rows = session.execute(
            select(RemoteBooking.id, RemoteBooking.remote_id, RemoteBooking.missing_since)
            .where(
                RemoteBooking.connection_id == connection_id,
                RemoteBooking.cancelled.is_(False),
                RemoteBooking.starts_at >= began,
                RemoteBooking.seen_at < began,
            )
            .order_by(RemoteBooking.seen_at)
        ).all()
    found = [_Absent(*row) for row in rows if row.remote_id not in present]
    return [one for one in found if one.since is None or is_gone(one.since, began)][:MOST_READ]


def _miss(session: Session, now: datetime, row_id: int, since: datetime | None) -> None:
    """The booking's own address was asked at `now` and knew of none. Twice, far enough apart, it is gone (C9)."""
    row = session.get_one(RemoteBooking, row_id, with_for_update=True)
    if row.cancelled or row.seen_at > now:
        return
    if row.missing_since is None:
        row.missing_since = now
    elif is_gone(since, now):
        note_gone(session, now, read_house(session, row.organisation_id), row)


def _left_tests(context: Context, connection_id: int, began: datetime) -> list[tuple[int, str]]:
    """Test times whose proof did not come to its end; none is under way while a poll has the turn."""
    with context.database.read() as session:
        rows = session.scalars(
            select(RemoteBooking).where(
                RemoteBooking.connection_id == connection_id,
                RemoteBooking.ours,
                RemoteBooking.booking_id.is_(None),
                RemoteBooking.cancelled.is_(False),
                RemoteBooking.starts_at >= began,
            )
        ).all()
    return [(row.id, row.remote_id) for row in rows if row.facts.get("test") and row.ref]


def _remove_test(context: Context, remote: YcbmRemote, row_id: int, remote_id: str) -> None:
    remote.delete(remote_id, None)

    def note(session: Session) -> None:
        row = session.get_one(RemoteBooking, row_id, with_for_update=True)
        row.cancelled, row.seen_at = True, clock()

    context.database.write(note)


def _note_success(session: Session, now: datetime, connection_id: int) -> None:
    """A complete poll. What waited for the site is due at once (SPEC S5), and what is stuck there is tried again:
    a dead duty never ends the retries of a cancel (S10). Each booking has one such duty, however often it fails.
    """
    connection = session.get_one(Connection, connection_id)
    if connection.failures:
        outbox.hasten(session, now, connection.organisation_id, SITES)
    note_working(session, now, connection)
    connection.polled_at, connection.next_poll_at = now, now + POLL_EVERY
    connection.failures, connection.last_error = 0, ""
    stuck = select(RemoteBooking.booking_id).where(
        RemoteBooking.connection_id == connection_id,
        RemoteBooking.stuck_since.is_not(None),
        RemoteBooking.cancelled.is_(False),
    )
    for booking_id in session.scalars(stuck.distinct()).all():
        outbox.revive(session, now, SITES, booking_id or 0)
        if not outbox.waits(session, SITES, booking_id or 0):
            rental = load_rental(session, connection.organisation_id, booking_id or 0)
            announce(session, now, connection.organisation_id, rental.booking.id, rental.event.room_id)


def note_failure(session: Session, now: datetime, connection_id: int, error: str) -> None:
    """The next look comes after a growing pause, and never before the time that the site named."""
    connection = session.get_one(Connection, connection_id)
    pause = POLL_PAUSES[min(connection.failures, len(POLL_PAUSES) - 1)]
    connection.failures, connection.last_error = connection.failures + 1, error
    connection.next_poll_at = max(now + pause, connection.not_before or now)


def poll_soon(session: Session, now: datetime, connection_id: int) -> None:
    """Ask for a poll at once. The pause after a failure, or that the site asked for, is kept: it ends in time (Y4)."""
    connection = session.get_one(Connection, connection_id)
    if connection.failures == 0:
        connection.next_poll_at = max(now, connection.not_before or now)
