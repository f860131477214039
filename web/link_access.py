"""Which addresses of calendars may be kept: what the outside allows, said before anything is stored (SPEC C6, C12)."""

from urllib.parse import urlsplit

from booking.values.refusals import Reason, Refused
from outside.addresses import PORTS, target_of
from outside.errors import UnfitAddress
from web.context import current

WEBCAL = frozenset({"webcal", "webcals"})
EVERY_PORT = frozenset(range(1, 65_536))


def url_refused(url: str) -> Refused | None:
    """Https or webcal only, but for hosts that the operator of the installation allows; never with a password in it,
    and on the ports that are called. A name in other than ASCII letters is left to the run, which knows its true form.

    An empty address is left to the action, which knows whether it may be.
    """
    given = url.strip()
    try:
        parts = urlsplit(given)
        has_port, host = parts.port is not None, parts.hostname
    except ValueError:
        return _refused("no-calendar-address")
    if not given:
        return None
    scheme = "https" if parts.scheme.lower() in WEBCAL else parts.scheme.lower()
    netloc = parts.netloc if parts.netloc.isascii() else "name.example" + (f":{parts.port}" if has_port else "")
    if not host or "@" in parts.netloc:
        return _refused("no-calendar-address")
    return _judged(f"{scheme}://{netloc}/")


def _judged(origin: str) -> Refused | None:
    allowed = current().settings.allow_private_hosts
    try:
        target = target_of(origin, allowed, EVERY_PORT)
    except UnfitAddress:
        return _refused("no-calendar-address")
    return None if target.listed or target.port in PORTS else _refused("calendar-port")


def _refused(code: str) -> Refused:
    return Refused((Reason(code, "url"),))
