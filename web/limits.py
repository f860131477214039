"""How often a stranger may ask. Counted in Redis for all processes; in the process alone while Redis is away.

    @blueprint.post("/rooms/<slug>/request")
    @public
    @limited("20 per minute")
    def ask(slug: str) -> ...

Log-ins are throttled in the database instead (`web.login`): that one never falls back (DESIGN rule 7).

What counts is loaded when an application is made that has this part: the first pages of a process do without
(`web.arriving`).
"""

import hmac
import threading
from collections.abc import Callable
from functools import cache, wraps
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, request

from web.context import EXTENSION, WebContext, current

if TYPE_CHECKING:
    from flask_limiter import Limiter

View = TypeVar("View", bound=Callable[..., Any])
IPV4_BLOCK, IPV6_BLOCK = 24, 64
STORE_SECONDS = 0.5
ATTRIBUTE = "platzwart_limit"

_making = threading.Lock()  # what is made twice would count twice


def address() -> str:
    """The client's address as far as TRUSTED_PROXIES vouch for it; what else is forwarded has no effect."""
    return request.remote_addr or ""


def block_of(client: str) -> str:
    """Whom an address stands for: IPv4 by its /24, IPv6 by its /64; an IPv4 in IPv6 clothes is an IPv4."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    bits = IPV4_BLOCK if isinstance(parsed, IPv4Address) else IPV6_BLOCK
    return str(ip_network((parsed, bits), strict=False))


def made_from() -> bytes:
    """A keyed hash of the caller's address block, for `Ask.made_from`: equal for neighbours, readable for nobody."""
    return keyed("made-from", block_of(address()))


def keyed(purpose: str, *parts: str) -> bytes:
    """A hash under the server's key that names who tried something, without saying who."""
    message = "\0".join((purpose, *parts)).encode()
    return hmac.digest(current().settings.secret_key.encode(), message, "sha256")


@cache
def limiter() -> "Limiter":
    from flask_limiter import Limiter

    return Limiter(
        lambda: block_of(address()), in_memory_fallback_enabled=True, headers_enabled=True, strategy="fixed-window"
    )


def limited(rule: str) -> Callable[[View], View]:
    """At most so many calls by one address block, for example `20 per minute`; then 429 with Retry-After."""

    def mark(view: View) -> View:
        counted = cache(lambda: limiter().limit(rule)(view))

        @wraps(view)
        def limited_view(*args: Any, **given: Any) -> Any:
            with _making:
                counting = counted()
            return counting(*args, **given)

        setattr(limited_view, ATTRIBUTE, rule)
        return cast("View", limited_view)

    return mark


def is_limited(view: Callable[..., Any]) -> bool:
    """Whether its calls are counted. Only an application with this part can."""
    return hasattr(view, ATTRIBUTE)


def register(app: Flask) -> None:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    context: WebContext = app.extensions[EXTENSION]
    app.config.update(
        RATELIMIT_STORAGE_URI=_storage(context.settings.redis_url),
        RATELIMIT_STORAGE_OPTIONS={
            "socket_timeout": STORE_SECONDS,
            "socket_connect_timeout": STORE_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        },
        RATELIMIT_KEY_PREFIX="platzwart",
    )
    limiter().init_app(app)


def _storage(redis_url: str) -> str:
    """flask-limiter's name for a unix socket."""
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url
