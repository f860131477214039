"""Connections to booking sites are set up here: keys sealed, secrets shown once, ways proven (SPEC Y2, Y8, Y9).

Nothing here calls the site: the edge does, outside of any transaction, and brings what it found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.audit import Actor, note
from booking.actions.rentals import SITES
from booking.actions.setting_rows import own
from booking.actions.site_alarms import note_working
from booking.actions.site_calendars import ask_proofs, choose_calendars, follow_pages, forget_proofs, leave_calendars
from booking.actions.tools import Tools
from booking.tables.bookings import Occupancy
from booking.tables.connections import BlockWay, Connection, ConnectionRoom, RemoteBooking, Writer
from booking.tables.houses import Room, RoomUnit
from booking.values.identity import new_token, new_uuid
from booking.values.proofs import ProofProblem
from booking.values.refusals import Reason, Refused
from booking.values.states import OccupancyKind
from booking.values.tokens import hash_token

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Access:
    """How the account there is reached. An empty key keeps the one that is stored."""

    name: str
    account_id: str
    api_key: str
    base_url: str

    def __repr__(self) -> str:
        return f"Access({self.name!r}, {self.account_id!r}, {self.base_url!r})"


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A connection and the secret of its webhooks, which is shown now and never again."""

    public_id: UUID
    secret: str

    def __repr__(self) -> str:
        return f"WithSecret({self.public_id})"


def api_key_bound(public_id: UUID) -> str:
    """What the sealed API key is bound to."""
    return f"connection:{public_id}"


def make_connection(
    session: Session, now: datetime, tools: Tools, organisation_id: int, actor: Actor, access: Access
) -> WithSecret | Refused:
    """A new connection; its first poll is due at once. Refused: missing, too-long-text, at the field."""
    reasons = _reasons(access, needs_key=True)
    if reasons:
        return Refused(reasons)
    public_id, secret = new_uuid(now), new_token()
    sealed = tools.vault.seal(access.api_key.strip().encode(), api_key_bound(public_id))
    row = Connection(
        organisation_id=organisation_id,
        public_id=public_id,
        name=access.name.strip(),
        base_url=access.base_url.strip().rstrip("/"),
        account_id=access.account_id.strip(),
        api_key_cipher=sealed.cipher,
        api_key_id=sealed.key_id,
        hook_secret_hash=hash_token(secret),
        next_poll_at=now,
        watched_from=now,
    )
    session.add(row)
    session.flush()  # the audit entry names the row
    after = {"name": row.name, "account_id": row.account_id, "base_url": row.base_url}
    note(session, now, organisation_id, actor, "connection", row.id, "made", after=after)
    return WithSecret(public_id, secret)


def change_access(
    session: Session,
    now: datetime,
    tools: Tools,
    organisation_id: int,
    actor: Actor,
    connection_id: int,
    access: Access,
) -> Refused | None:
    """Another name, account, key or address; only another name leaves the way proven.

    The stored key was given for one account at one address and follows to no other. Refused: as `make_connection`, and
    key-again where account or address change without a key.
    """
    row = own(session, Connection, organisation_id, connection_id)
    reasons = _reasons(access, needs_key=False) + _key_missing(row, access)
    if reasons:
        return Refused(reasons)
    if access.api_key.strip():
        sealed = tools.vault.seal(access.api_key.strip().encode(), api_key_bound(row.public_id))
        row.api_key_cipher, row.api_key_id, row.proven_at = sealed.cipher, sealed.key_id, None
        note(session, now, organisation_id, actor, "connection", row.id, "key-changed")
    wanted = {
        "name": access.name.strip(),
        "account_id": access.account_id.strip(),
        "base_url": access.base_url.strip().rstrip("/"),
    }
    if _is_elsewhere(row, access):
        row.proven_at = row.not_before = None  # a pause was asked for there, not here
    if access.api_key.strip() or _is_elsewhere(row, access):
        forget_proofs(session, now, row, ProofProblem.ACCESS_CHANGED)
    _set(session, now, actor, row, wanted)
    return None


def choose_ways(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    connection_id: int,
    *,
    writer: Writer,
    block_way: BlockWay,
    calendars: Mapping[str, UUID] | None = None,
) -> Refused | None:
    """Who writes to the customer, and how times taken here are blocked there; another way has to be proven.

    `calendars`: page → public id of its calendar link, for CALENDAR; None keeps what was chosen. What stands there in
    the former way is removed, or made, by the next look at each booking. Refused: as `choose_calendars`.
    """
    row = own(session, Connection, organisation_id, connection_id)
    former = row.block_way
    if block_way is BlockWay.CALENDAR and (calendars is not None or former is not block_way):
        no = choose_calendars(session, now, actor, row, calendars or {})
        if no is not None:
            return no
    _set(session, now, actor, row, {"writer": writer, "block_way": block_way})
    if former is not block_way:
        row.proven_at = None
        if former is BlockWay.CALENDAR:
            leave_calendars(session, now, row)
        session.flush()
        catch_up(session, now, row)
    return None


def ask_proof(
    session: Session, now: datetime, organisation_id: int, actor: Actor, connection_id: int
) -> Refused | None:
    """Have workers prove a connection that blocks through calendars. Refused: as `ask_proofs`."""
    return ask_proofs(session, now, actor, own(session, Connection, organisation_id, connection_id))


def map_pages(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    connection_id: int,
    pages: Mapping[str, int],
) -> None:
    """Which booking page there stands for which room: profile id → room id, all of them. Raises NotFound."""
    row = own(session, Connection, organisation_id, connection_id)
    for room_id in set(pages.values()):
        own(session, Room, organisation_id, room_id)
    before = pages_of(session, connection_id)
    if before == dict(pages):
        return
    session.execute(delete(ConnectionRoom).where(ConnectionRoom.connection_id == connection_id))
    mine = {"organisation_id": organisation_id, "connection_id": connection_id}
    session.add_all([ConnectionRoom(**mine, profile_id=page, room_id=room) for page, room in sorted(pages.items())])
    row.next_poll_at = now
    follow_pages(session, now, actor, row)
    session.flush()  # the bookings are looked for by the new pages
    catch_up(session, now, row)
    told = {"before": {"pages": before}, "after": {"pages": dict(pages)}}
    note(session, now, organisation_id, actor, "connection", row.id, "pages-mapped", **told)


def pages_of(session: Session, connection_id: int) -> dict[str, int]:
    """Profile id → room id."""
    query = select(ConnectionRoom.profile_id, ConnectionRoom.room_id).where(
        ConnectionRoom.connection_id == connection_id
    )
    return {profile_id: room_id for profile_id, room_id in session.execute(query)}  # noqa: C416 - rows are no pairs


def rotate_secret(
    session: Session, now: datetime, organisation_id: int, actor: Actor, connection_id: int
) -> WithSecret:
    """A new secret for the webhooks; with the former one nothing is taken from now on."""
    row = own(session, Connection, organisation_id, connection_id)
    secret = new_token()
    row.hook_secret_hash = hash_token(secret)
    note(session, now, organisation_id, actor, "connection", row.id, "secret-rotated")
    return WithSecret(row.public_id, secret)


def pause(
    session: Session, now: datetime, organisation_id: int, actor: Actor, connection_id: int, *, paused: bool
) -> None:
    """Stop reading and writing there, or go on at once."""
    row = own(session, Connection, organisation_id, connection_id)
    if paused == (row.paused_at is not None):
        return
    row.paused_at = now if paused else None
    note_working(session, now, row)
    if not paused:
        row.next_poll_at = row.watched_from = now
        session.flush()  # a connection that rests is not looked at
        catch_up(session, now, row)
    note(session, now, organisation_id, actor, "connection", row.id, "paused" if paused else "resumed")


def poll_now(session: Session, now: datetime, organisation_id: int, connection_id: int) -> None:
    """Have the next look of the schedule read this connection, as soon as the site lets itself be asked."""
    row = own(session, Connection, organisation_id, connection_id)
    row.next_poll_at = max(now, row.not_before or now)


def note_proof(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    connection_id: int,
    *,
    test_id: int | None,
    removed: bool,
    error: str = "",
) -> None:
    """The outcome of a test time: proven only if it was written, read again and removed (SPEC Y8)."""
    row = own(session, Connection, organisation_id, connection_id)
    if test_id is not None and removed:
        own(session, RemoteBooking, organisation_id, test_id).cancelled = True
    row.proven_at = now if test_id is not None and removed and not error else None
    session.flush()
    catch_up(session, now, row)
    after = {"proven": row.proven_at is not None} | ({"error": error} if error else {})
    note(session, now, organisation_id, actor, "connection", row.id, "proof", after=after)


def catch_up(session: Session, now: datetime, row: Connection) -> None:
    """Make the site agree with every booking to come: after the proof, another choice of pages, or a rest (SPEC Y8)."""
    taking = (
        select(Occupancy.source_id)
        .join(RoomUnit, RoomUnit.unit_id == Occupancy.unit_id)
        .join(ConnectionRoom, ConnectionRoom.room_id == RoomUnit.room_id)
        .where(
            ConnectionRoom.connection_id == row.id,
            Occupancy.organisation_id == row.organisation_id,
            Occupancy.kind.in_((OccupancyKind.BOOKING, OccupancyKind.HELD)),
            Occupancy.ends_at > now,
        )
    )
    there = select(RemoteBooking.booking_id).where(
        RemoteBooking.connection_id == row.id,
        RemoteBooking.booking_id.is_not(None),
        RemoteBooking.cancelled.is_(False),
        RemoteBooking.ends_at > now,
    )
    duties = [(booking_id, f"sites-{new_uuid(now)}", now) for booking_id in session.scalars(taking.union(there))]
    outbox.put_all(session, now, row.organisation_id, SITES, duties)


def _is_elsewhere(row: Connection, access: Access) -> bool:
    return (row.account_id, row.base_url) != (access.account_id.strip(), access.base_url.strip().rstrip("/"))


def _key_missing(row: Connection, access: Access) -> tuple[Reason, ...]:
    return (Reason("key-again", "api_key"),) if _is_elsewhere(row, access) and not access.api_key.strip() else ()


def _set(session: Session, now: datetime, actor: Actor, row: Connection, wanted: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not changed:
        return
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    note(session, now, row.organisation_id, actor, "connection", row.id, "changed", before=before, after=changed)


def _reasons(access: Access, *, needs_key: bool) -> tuple[Reason, ...]:
    given = {"name": access.name, "account_id": access.account_id, "base_url": access.base_url}
    if needs_key:
        given["api_key"] = access.api_key
    missing = [Reason("missing", name) for name, value in given.items() if not value.strip()]
    everything = given | {"api_key": access.api_key}
    too_long = [
        Reason("too-long-text", name, {"most": LONGEST}) for name, value in everything.items() if len(value) > LONGEST
    ]
    return (*missing, *too_long)
