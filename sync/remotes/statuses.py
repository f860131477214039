"""Which error a status of a calendar server means, and how long to wait. Pure."""

from collections.abc import Mapping

from outside.errors import SiteDenied, SiteDown, SiteError, SiteMissing, SiteRefused, SiteThrottled

DEFAULT_WAIT = 60
LONGEST_WAIT = 3600
QUOTA_WORDS = (b"ratelimit", b"rate limit", b"quota")


def refusal(where: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> SiteError:
    """The error for a status that is not 2xx. Google throttles by 403, too, so a 403 that names a wait or a quota is
    no matter of credentials.
    """
    wait = headers.get("Retry-After")
    if status == 429 or (status in {403, 503} and wait is not None):
        return SiteThrottled(where, status, _seconds(wait or ""))
    if status == 403 and any(word in body[:10_000].lower() for word in QUOTA_WORDS):
        return SiteThrottled(where, status, DEFAULT_WAIT)
    if status in {401, 403}:
        return SiteDenied(where, status)
    if status in {404, 410}:
        return SiteMissing(where, status)
    if status >= 500:
        return SiteDown(where, status)
    return SiteRefused(where, status)


def _seconds(header: str) -> int:
    """Seconds to wait. A date would need a clock, and the server's may be wrong, so it counts as the default."""
    text = header.strip()
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else DEFAULT_WAIT
    return min(max(seconds, 1), LONGEST_WAIT)
