"""How a booking site may be called: as whom, and not before the moment that it asked for, whoever calls (SPEC Y4)."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.actions.connections import api_key_bound
from booking.actions.vault import Sealed, Vault
from booking.tables.connections import Connection


@dataclass(frozen=True, slots=True)
class SiteDoor:
    """Where the API of a connection is, and what opens it; made at the moment of use and never stored."""

    base_url: str
    account_id: str
    api_key: str = field(repr=False)


def open_site(vault: Vault, connection: Connection) -> SiteDoor:
    """Raises UnknownKeyError where the key that sealed it is not at hand."""
    sealed = Sealed(connection.api_key_cipher, connection.api_key_id)
    api_key = vault.unseal(sealed, api_key_bound(connection.public_id)).decode()
    return SiteDoor(connection.base_url, connection.account_id, api_key)


def closed_for(session: Session, now: datetime, connection_id: int) -> int:
    """For how many seconds the site still wants not to be called; 0 where it may be."""
    until = session.get_one(Connection, connection_id).not_before
    return max(0, math.ceil((until - now).total_seconds())) if until is not None else 0


def close_for(session: Session, now: datetime, connection_id: int, seconds: int) -> None:
    """The site asked for a pause. It holds for polls, webhooks, errands and set-up alike, and for every process."""
    until = now + timedelta(seconds=seconds)
    connection = session.get_one(Connection, connection_id, with_for_update=True)
    connection.not_before = _later(connection.not_before, until)
    connection.next_poll_at = _later(connection.next_poll_at, until)


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
