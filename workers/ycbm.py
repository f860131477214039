"""YouCanBook.me: webhooks are hints, the API is the truth, a poll finds what was missed (SPEC Y3, Y4, Y5)."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.leases import hold_lease
from booking.actions.rentals import SITES, announce, load_rental
from booking.actions.sites import Read, apply_read, note_vanished
from booking.reads.house import read_house
from booking.rules.sites import CancelledBy, Seen, is_gone
from booking.tables.connections import Connection, HookDelivery, RemoteBooking
from booking.values.findings import Contact
from config.faults import fault
from config.jobs import POLL_CONNECTION, READ_HOOKS, clear_nudge
from outside.errors import OutsideError, SiteMissing
from outside.ycbm import YcbmClient
from outside.ycbm_templates import read_hint
from outside.ycbm_values import Party
from outside.ycbm_values import RemoteBooking as Standing
from workers.context import Context, clock, process_context
from workers.site_client import client_of

log = structlog.get_logger(__name__)

HOOK_BATCH = 20
POLL_EVERY = timedelta(minutes=5)
POLL_LEASE = timedelta(minutes=2)
POLL_PAUSES = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=10))
LOOK_BACK = timedelta(days=1)
CANCELLERS = {Party.BOOKER: CancelledBy.BOOKER, Party.OWNER: CancelledBy.OWNER}


def read_hooks() -> None:
    """The RQ job: read what webhooks hinted at, oldest first, until none waits."""
    context = process_context()
    clear_nudge(context.redis, READ_HOOKS)
    while read_some_hooks(context):
        pass


def read_some_hooks(context: Context) -> int:
    """Work off one batch of stored webhooks; returns how many."""
    with context.database.read() as session:
        waiting = session.scalars(
            select(HookDelivery)
            .where(HookDelivery.read_at.is_(None))
            .order_by(HookDelivery.received_at)
            .limit(HOOK_BATCH)
        ).all()
    for delivery in waiting:
        try:
            outcome = _follow(context, delivery)
        except Exception as error:
            log.exception("a webhook could not be followed", delivery=delivery.id)
            context.database.write(partial(_poll_soon, now=clock(), connection_id=delivery.connection_id))
            outcome = f"{type(error).__name__}, poll asked for"
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
    owner = f"poll-{clock().isoformat()}"
    name = f"poll-{connection_id}"
    lease = partial(hold_lease, name=name, owner=owner)
    if context.database.write(partial(lease, now=clock(), length=POLL_LEASE)) is None:
        return False
    try:
        _read_all(context, connection_id)
    except Exception as error:
        if not isinstance(error, OutsideError):
            log.exception("poll failed", connection=connection_id)
        text = type(error).__name__
        context.database.write(lambda session: _note_failure(session, clock(), connection_id, text))
        return False
    finally:
        context.database.write(partial(lease, now=clock(), length=timedelta(0)))
    return True


def read_of(standing: Standing, region: str) -> Read:
    """What the site says, as our rule takes it. A cancel by nobody known counts as the owner's: it proves nothing."""
    by = CANCELLERS.get(standing.cancelled_by, CancelledBy.UNKNOWN) if standing.cancelled_by else CancelledBy.UNKNOWN
    answers = standing.answers
    return Read(
        remote_id=standing.id,
        ref=standing.ref,
        profile_id=standing.profile_id,
        seen=Seen(standing.slot, by if standing.cancelled else None, standing.no_show, has_room=True),
        contact=Contact(
            name=standing.name,
            company=answers.get("COMPANY", ""),
            email=standing.email,
            phone=standing.phone,
            street=answers.get("STREET", answers.get("ADDRESS", "")),
            postcode=answers.get("POSTCODE", answers.get("ZIP", "")),
            city=answers.get("CITY", ""),
            country=region,
        ),
        purpose=answers.get("PURPOSE", "") or standing.title,
        people=_number(answers.get("PEOPLE", "")),
        tentative=standing.tentative.value,
        mark=standing.mark,
        facts={"profile_id": standing.profile_id, "title": standing.title},
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1


def _follow(context: Context, delivery: HookDelivery) -> str:
    """Read the booking that a hint names; a hint that names none asks for a poll (SPEC Y5)."""
    hint = read_hint(delivery.body)
    if not hint.ref or hint.start is None:
        context.database.write(lambda session: _poll_soon(session, clock(), delivery.connection_id))
        return "unreadable, poll asked for"
    with context.database.read() as session:
        client = client_of(context, session, delivery.connection_id)
        known = _remote_id(session, delivery.connection_id, hint.ref)
    try:
        standing = client.booking(known) if known else client.find(hint.ref, hint.start)
    except OutsideError as error:
        context.database.write(lambda session: _poll_soon(session, clock(), delivery.connection_id))
        return f"{type(error).__name__}, poll asked for"
    if standing is None:
        context.database.write(lambda session: _poll_soon(session, clock(), delivery.connection_id))
        return "not found there, poll asked for"
    return _apply(context, delivery.connection_id, standing)


def _apply(context: Context, connection_id: int, standing: Standing) -> str:
    now = clock()

    def work(session: Session) -> str:
        connection = session.get_one(Connection, connection_id)
        house = read_house(session, connection.organisation_id)
        return apply_read(session, now, context.tools, house, connection_id, read_of(standing, house.country)).value

    return context.database.write(work)


def _read_all(context: Context, connection_id: int) -> None:
    now = clock()
    with context.database.read() as session:
        client = client_of(context, session, connection_id)
    listing = client.bookings(now - LOOK_BACK)
    for standing in listing.bookings:
        try:
            _apply(context, connection_id, standing)
        except Exception:
            log.exception("a booking there could not be taken in", remote=standing.id)
    present = {standing.id for standing in listing.bookings} | set(listing.unreadable)
    for row_id, remote_id, since in _missing(context, connection_id, now, present):
        gone = is_gone(since, now) and _is_gone_there(client, remote_id)
        context.database.write(partial(_miss, now=now, row_id=row_id, gone=gone))
    context.database.write(lambda session: _note_success(session, clock(), connection_id))


def _is_gone_there(client: YcbmClient, remote_id: str) -> bool:
    """Ask by the booking's own address: an absence from listings alone proves nothing."""
    try:
        client.booking(remote_id)
    except SiteMissing:
        return True
    return False


def _missing(
    context: Context, connection_id: int, now: datetime, present: set[str]
) -> list[tuple[int, str, datetime | None]]:
    with context.database.read() as session:
        rows = session.execute(
            select(RemoteBooking.id, RemoteBooking.remote_id, RemoteBooking.missing_since).where(
                RemoteBooking.connection_id == connection_id,
                RemoteBooking.cancelled.is_(False),
                RemoteBooking.starts_at >= now,
            )
        ).all()
    return [(row.id, row.remote_id, row.missing_since) for row in rows if row.remote_id not in present]


def _miss(session: Session, now: datetime, row_id: int, *, gone: bool) -> None:
    row = session.get_one(RemoteBooking, row_id)
    if row.missing_since is None:
        row.missing_since = now
    if gone:
        note_vanished(session, now, read_house(session, row.organisation_id), row)


def _remote_id(session: Session, connection_id: int, ref: str) -> str | None:
    query = select(RemoteBooking.remote_id).where(
        RemoteBooking.connection_id == connection_id, (RemoteBooking.ref == ref) | (RemoteBooking.remote_id == ref)
    )
    return session.scalar(query.limit(1))


def _close(session: Session, now: datetime, delivery_id: int, outcome: str) -> None:
    delivery = session.get_one(HookDelivery, delivery_id)
    delivery.read_at, delivery.outcome = now, outcome


def _poll_soon(session: Session, now: datetime, connection_id: int) -> None:
    session.get_one(Connection, connection_id).next_poll_at = now


def _note_success(session: Session, now: datetime, connection_id: int) -> None:
    """A complete poll. What waited for the site is due at once (SPEC S5), and what is stuck there is tried again:
    a dead duty never ends the retries of a cancel (S10).
    """
    connection = session.get_one(Connection, connection_id)
    if connection.failures:
        outbox.hasten(session, now, connection.organisation_id, SITES)
    connection.polled_at, connection.next_poll_at = now, now + POLL_EVERY
    connection.failures, connection.last_error = 0, ""
    stuck = select(RemoteBooking.booking_id).where(
        RemoteBooking.connection_id == connection_id,
        RemoteBooking.stuck_since.is_not(None),
        RemoteBooking.cancelled.is_(False),
    )
    for booking_id in session.scalars(stuck):
        rental = load_rental(session, connection.organisation_id, booking_id or 0)
        announce(session, now, connection.organisation_id, rental.booking.id, rental.event.room_id)


def _note_failure(session: Session, now: datetime, connection_id: int, error: str) -> None:
    connection = session.get_one(Connection, connection_id)
    pause = POLL_PAUSES[min(connection.failures, len(POLL_PAUSES) - 1)]
    connection.failures, connection.last_error = connection.failures + 1, error
    connection.next_poll_at = now + pause
