"""The client of one connection, with its credentials opened at the moment of use."""

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from booking.actions.vault import Sealed
from booking.tables.connections import Connection
from outside.http import Answer, Fetcher
from outside.ycbm import YcbmClient
from workers.context import Context


def api_key_bound(connection: Connection) -> str:
    """What the sealed API key is bound to."""
    return f"connection:{connection.public_id}"


def client_of(
    context: Context, session: Session, connection_id: int, before_each: Callable[[], None] | None = None
) -> YcbmClient:
    """`before_each` is called before every request and may stop it by raising."""
    connection = session.get_one(Connection, connection_id)
    sealed = Sealed(connection.api_key_cipher, connection.api_key_id)
    api_key = context.tools.vault.unseal(sealed, api_key_bound(connection)).decode()
    fetcher = Fetcher(context.settings.allow_private_hosts)

    def fetch(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> Answer:
        if before_each is not None:
            before_each()
        return fetcher.request(method, url, headers=headers, body=body)

    return YcbmClient(connection.base_url, connection.account_id, api_key, fetch)
