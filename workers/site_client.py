"""The client of one connection, with its credentials opened at the moment of use."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.actions.vault import Sealed
from booking.tables.connections import Connection
from outside.errors import SiteThrottled
from outside.http import Answer, Fetcher
from outside.ycbm import YcbmClient, refusal
from workers.context import Context, clock

TOO_MANY = 429


def api_key_bound(connection: Connection) -> str:
    """What the sealed API key is bound to."""
    return f"connection:{connection.public_id}"


def client_of(
    context: Context, session: Session, connection_id: int, before_each: Callable[[], None] | None = None
) -> YcbmClient:
    """`before_each` is called before every request and may stop it by raising.

    While the site asked not to be called nothing is sent: each call raises SiteThrottled, whichever job makes it.
    """
    connection = session.get_one(Connection, connection_id)
    sealed = Sealed(connection.api_key_cipher, connection.api_key_id)
    api_key = context.tools.vault.unseal(sealed, api_key_bound(connection)).decode()
    fetcher = Fetcher(context.settings.allow_private_hosts)

    def fetch(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
        if before_each is not None:
            before_each()
        _require_open(context, connection_id)
        answer = fetcher.request(method, url, headers=headers, body=body)
        if answer.status == TOO_MANY:
            _close_until(context, connection_id, answer)
        return answer

    return YcbmClient(connection.base_url, connection.account_id, api_key, fetch)


def _require_open(context: Context, connection_id: int) -> None:
    now = clock()
    with context.database.read() as session:
        until = session.get_one(Connection, connection_id).not_before
    if until is not None and until > now:
        raise SiteThrottled("", TOO_MANY, math.ceil((until - now).total_seconds()))


def _close_until(context: Context, connection_id: int, answer: Answer) -> None:
    """The site named a time. It holds for polls, webhooks and errands alike, and for every process."""
    until = clock() + timedelta(seconds=refusal("", answer).retry_after or 0)

    def note(session: Session) -> None:
        connection = session.get_one(Connection, connection_id, with_for_update=True)
        connection.not_before = _later(connection.not_before, until)
        connection.next_poll_at = _later(connection.next_poll_at, until)

    context.database.write(note)


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
