"""How a linked calendar is reached, changed in part: what is not given stays as it is stored, and is never shown."""

from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.orm import Session

from booking.actions.audit import Actor
from booking.actions.links import change_link_access, open_access
from booking.actions.setting_rows import own
from booking.actions.tools import Tools
from booking.tables.links import CalendarLink
from booking.values.links import LinkAccess
from booking.values.refusals import Reason, Refused


def renew_access(
    session: Session,
    now: datetime,
    tools: Tools,
    organisation_id: int,
    actor: Actor,
    link_id: int,
    *,
    url: str = "",
    user: str | None = None,
    password: str = "",
    token: str = "",
) -> Refused | None:
    """Change what is given; an empty address, password or token, or a user None, stays.

    Refused: password-again where a stored password or token would go to another server or user, and what
    `change_link_access` refuses. Raises NotFound where the house has no such link.
    """
    row = own(session, CalendarLink, organisation_id, link_id)
    stored = open_access(tools, row.public_id, row.access_cipher, row.access_key_id)
    wanted = LinkAccess(
        url=url.strip() or stored.url,
        user=stored.user if user is None else user.strip(),
        password=password or stored.password,
        token=token.strip() or stored.token,
    )
    if _goes_elsewhere(stored, wanted, is_given=bool(password or token.strip())):
        return Refused((Reason("password-again", "password"),))
    return change_link_access(session, now, tools, organisation_id, actor, link_id, wanted)


def _goes_elsewhere(stored: LinkAccess, wanted: LinkAccess, *, is_given: bool) -> bool:
    if is_given or not (stored.password or stored.token):
        return False
    return _server(stored.url) != _server(wanted.url) or stored.user != wanted.user


def _server(url: str) -> tuple[str, str]:
    try:
        parts: SplitResult = urlsplit(url)
    except ValueError:
        return "", url
    return parts.scheme.lower(), parts.netloc.lower()
