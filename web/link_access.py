"""Which addresses of calendars may be kept: what the outside allows, said before anything is stored (SPEC C6, C12)."""

from urllib.parse import urlsplit

from booking.values.refusals import Reason, Refused
from web.context import current

ENCRYPTED = frozenset({"https", "webcal", "webcals"})


def url_refused(url: str) -> Refused | None:
    """Https or webcal only, but for hosts that the operator of the installation allows; never with a password in it.

    An empty address is left to the action, which knows whether it may be.
    """
    given = url.strip()
    no = Refused((Reason("no-calendar-address", "url"),))
    try:
        parts = urlsplit(given)
        is_local = parts.netloc in current().settings.allow_private_hosts
    except ValueError:
        return no
    if given and not (parts.hostname and (parts.scheme.lower() in ENCRYPTED or is_local)):
        return no
    return no if parts.username or parts.password else None
