"""YouCanBook.me: webhooks are hints, the API is the truth, a poll finds what was missed (SPEC Y3, Y4, Y5)."""

import math
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from rq.timeouts import JobTimeoutException
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from booking.rules.sites import Heard, Step
from booking.tables.connections import Connection, HookDelivery, RemoteBooking
from config.faults import fault
from config.jobs import POLL_CONNECTION, READ_HOOKS, clear_nudge
from outside.errors import OutsideError, SiteDown, SiteMissing, SiteThrottled, TooSlow, Unreachable
from outside.ycbm_templates import read_hint
from sync.remotes.ycbm import YcbmRemote
from workers.context import Context, clock, process_context
from workers.outcome import LostTurnError
from workers.site_client import remote_of
from workers.ycbm_poll import Turn, note_failure, poll_soon, read_all
from workers.ycbm_reading import apply, read_one

log = structlog.get_logger(__name__)

HOOK_BATCH = 20
LONGEST_SECONDS = 45.0
AWAY = (TooSlow, Unreachable, SiteDown, SiteThrottled)
ASKS_FOR_POLL = frozenset({Heard.AWAY, Heard.UNREADABLE, Heard.NOT_FOUND, Heard.FAILED})


@dataclass(slots=True)
class Run:
    """One job's reading of webhooks: until when by time.monotonic(), the connections that proved to be away, and what
    was read already: connection and ref → the last webhook that stood when the reading began, and what came of it.
    """

    until: float = math.inf
    away: set[int] = field(default_factory=set)
    read: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)

    def has_time(self) -> bool:
        return time.monotonic() < self.until


def read_hooks() -> None:
    """The RQ job: read what webhooks hinted at, oldest first, until none waits."""
    context = process_context()
    clear_nudge(context.redis, READ_HOOKS)
    run = Run(time.monotonic() + LONGEST_SECONDS)
    while run.has_time() and read_some_hooks(context, run):
        pass


def read_some_hooks(context: Context, run: Run | None = None) -> int:
    """Work off one batch of stored webhooks, as far as the time of the run reaches; returns how many there were."""
    run = run or Run()
    with context.database.read() as session:
        waiting = session.scalars(
            select(HookDelivery)
            .where(HookDelivery.read_at.is_(None))
            .order_by(HookDelivery.received_at)
            .limit(HOOK_BATCH)
        ).all()
    for delivery in waiting:
        if not run.has_time():
            break
        try:
            outcome = _follow(context, delivery, run)
        except JobTimeoutException:
            raise
        except Exception:
            log.exception("a webhook could not be followed", delivery=delivery.id)
            context.database.write(partial(poll_soon, now=clock(), connection_id=delivery.connection_id))
            outcome = Heard.FAILED
        fault("hook.read")
        context.database.write(partial(_close, now=clock(), delivery_id=delivery.id, outcome=outcome))
    return len(waiting)


def poll(connection_id: int) -> None:
    """The RQ job: read all bookings there that are still to come."""
    context = process_context()
    clear_nudge(context.redis, POLL_CONNECTION, connection_id)
    if _is_due(context, connection_id):
        poll_once(context, connection_id)


def _is_due(context: Context, connection_id: int) -> bool:
    """While one poll runs the tick asks for more; those that come after it find nothing to do."""
    with context.database.read() as session:
        connection = session.get_one(Connection, connection_id)
        return connection.next_poll_at <= clock() and connection.paused_at is None


def poll_once(context: Context, connection_id: int) -> bool:
    """One complete reading of a connection. False where somebody else is at it, or it failed."""
    turn = Turn(context, connection_id)
    if not turn.take():
        return False
    try:
        read_all(context, connection_id, turn.keep)
    except LostTurnError:
        return False
    except Exception as error:
        if not isinstance(error, OutsideError):
            log.exception("poll failed", connection=connection_id)
        text = type(error).__name__
        context.database.write(lambda session: note_failure(session, clock(), connection_id, text))
        return False
    finally:
        turn.leave()
    return True


def _follow(context: Context, delivery: HookDelivery, run: Run) -> str:
    """Read the booking that a hint names; a hint that names none asks for a poll (SPEC Y5). Returns what to note.

    A connection that rests reads nothing; all of it is read when it goes on. A site that is away is asked once in a
    run; what else was hinted at there is found by the poll.
    """
    connection_id = delivery.connection_id
    with context.database.read() as session:
        if session.get_one(Connection, connection_id).paused_at is not None:
            return Heard.RESTING
    heard = Heard.AWAY if connection_id in run.away else _read_hinted(context, delivery, run)
    if heard in ASKS_FOR_POLL:
        context.database.write(partial(poll_soon, now=clock(), connection_id=connection_id))
    return heard


def _read_hinted(context: Context, delivery: HookDelivery, run: Run) -> str:
    hint, connection_id = read_hint(delivery.body), delivery.connection_id
    if not hint.ref or hint.start is None:
        return Heard.UNREADABLE
    what = (connection_id, hint.ref)
    upto, outcome = run.read.get(what, (0, ""))
    if delivery.id <= upto:
        return outcome  # it told of something that had happened before the booking was read
    with context.database.read() as session:
        remote = remote_of(context, session, connection_id)
        known = _remote_id(session, connection_id, hint.ref)
        latest = session.scalar(select(func.max(HookDelivery.id))) or 0
    try:
        step = _read_there(context, remote, connection_id, known, (hint.ref, hint.start))
    except OutsideError as error:
        if isinstance(error, AWAY):
            run.away.add(connection_id)
        log.warning("a hint could not be followed", error=type(error).__name__)
        return Heard.NOT_FOUND if isinstance(error, SiteMissing) else Heard.FAILED
    if step is None:
        return Heard.NOT_FOUND
    if step is not Step.STALE:
        run.read[what] = (latest, step.value)
    return step.value


def _read_there(
    context: Context, remote: YcbmRemote, connection_id: int, known: str | None, named: tuple[str, datetime]
) -> Step | None:
    """By its id where that is known, else by the ref and the start that it is named by; None where there is none."""
    if known:
        return read_one(context, remote, connection_id, known)
    began = clock()
    standing = remote.find(*named)
    if standing is None:
        return None
    step = apply(context, connection_id, standing, began)
    return read_one(context, remote, connection_id, standing.id) if step is Step.STALE else step


def _remote_id(session: Session, connection_id: int, ref: str) -> str | None:
    query = select(RemoteBooking.remote_id).where(
        RemoteBooking.connection_id == connection_id, (RemoteBooking.ref == ref) | (RemoteBooking.remote_id == ref)
    )
    return session.scalar(query.limit(1))


def _close(session: Session, now: datetime, delivery_id: int, outcome: str) -> None:
    delivery = session.get_one(HookDelivery, delivery_id)
    delivery.read_at, delivery.outcome = now, outcome
