"""The site of one connection, as a client and as a remote, with its credentials opened at the moment of use."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from booking.actions.vault import Sealed
from booking.tables.connections import Connection
from outside.errors import SiteThrottled
from outside.http import Answer, Fetcher
from outside.ycbm import YcbmClient, refusal
from sync.remotes.ycbm import YcbmRemote
from sync.remotes.ycbm_items import Marks
from workers.context import Context, clock

TOO_MANY = 429
LOOK_BACK = timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")


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


def remote_of(
    context: Context,
    session: Session,
    connection_id: int,
    before_each: Callable[[], None] | None = None,
    *,
    page: str = "",
    zone: ZoneInfo = UTC_ZONE,
    known: frozenset[str] = frozenset(),
) -> YcbmRemote:
    """The whole account, what begins from a day ago on, to be read; or one booking page of it, to be written to.

    `before_each` as for `client_of`. `zone`: where the page's room stands. `known`: ids there that are ours, whatever
    their marks say by now.
    """
    connection = session.get_one(Connection, connection_id)
    client = client_of(context, session, connection_id, before_each)
    marks = Marks(context.tools.link_key, connection.public_id, known)
    return YcbmRemote(client, marks, since=clock() - LOOK_BACK, zone=zone, page=page)


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
