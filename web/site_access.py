"""Which addresses of a booking site may be kept: what the outside allows, said before anything is stored (SPEC Y2)."""

from urllib.parse import urlsplit

from booking.values.refusals import Reason, Refused
from web.context import current


def address_refused(base_url: str) -> Refused | None:
    """Https only, but for the hosts that the operator of the installation allows; never with a password in it."""
    no = Refused((Reason("no-address", "base_url"),))
    given = base_url.strip()
    try:
        parts = urlsplit(given)
        is_local = parts.netloc in current().settings.allow_private_hosts
    except ValueError:
        return no
    if given and not (parts.hostname and (parts.scheme == "https" or is_local)):
        return no
    return no if parts.username or parts.password or parts.query or parts.fragment else None


def hook_url(public_id: object) -> str:
    """Where the site sends its webhooks."""
    return f"{current().settings.base_url}/hooks/ycbm/{public_id}"
