"""The site of one connection, as a client and as a remote, with its credentials opened at the moment of use."""

from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from booking.actions.site_doors import close_for, closed_for, open_site
from booking.tables.connections import Connection
from outside.http import Fetcher
from outside.ycbm import YcbmClient, patient
from sync.remotes.ycbm import YcbmRemote
from sync.remotes.ycbm_items import Marks
from workers.context import Context, clock

LOOK_BACK = timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")


def client_of(
    context: Context, session: Session, connection_id: int, before_each: Callable[[], None] | None = None
) -> YcbmClient:
    """`before_each` is called before every request and may stop it by raising.

    While the site asked not to be called nothing is sent: each call raises SiteThrottled, whichever job makes it.
    """
    door = open_site(context.tools.vault, session.get_one(Connection, connection_id))

    def closed() -> int:
        if before_each is not None:
            before_each()
        with context.database.read() as reading:
            return closed_for(reading, clock(), connection_id)

    def close(seconds: int) -> None:
        context.database.write(lambda writing: close_for(writing, clock(), connection_id, seconds))

    fetch = patient(Fetcher(context.settings.allow_private_hosts).request, closed, close)
    return YcbmClient(door.base_url, door.account_id, door.api_key, fetch)


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
