# ruff: noqa: N818 - the tree below names what each error means
"""What can go wrong with the outside, as one tree. No error ever holds a path, a query, a header or a credential:
`where` is an origin (`https://host:port`) at most, since a path may itself be a secret (an ICS address).

OutsideError              where, and `retry_after` in seconds, or None where trying again cannot help
├── RefusedAddress        reason; the gate does not let this address out (SSRF); never retried
│   └── UnfitAddress      wherever it leads: not https, another port, no host name, or no address at all
│       └── UnfitRedirect an answer led there
├── RefusedRedirect       reason; a change of origin that would carry a body along
│   └── EndlessRedirect   too many of them
├── TooLarge              limit in decoded bytes
├── TooSlow               seconds; the total deadline passed, in whatever phase
├── Unreachable           reason: dns, connect, tls, closed
├── BadAnswer             reason; what came back is not HTTP, or is packed in a way that was not offered
└── SiteError             status; the site itself answered, but not with what was asked
    ├── SiteDenied        401, 403: the credentials do not open this
    ├── SiteMissing       404, 410: no such thing there
    ├── SiteRefused       other 4xx: the site says no, for example because the time is taken there
    ├── SiteThrottled     429; `retry_after` is what the site asked for, bounded
    ├── SiteDown          5xx
    ├── SiteUnreadable    reason; 2xx, but the body is not what the documentation says
    ├── SiteIncomplete    reason; a listing that cannot be proven whole, so nothing may be concluded from it (SPEC C9)
    └── SiteUnchanged     reason; the change was answered with 2xx, yet reading again shows the old state
"""

from booking.values.refusals import PlatzwartError

RETRY_SOON = 60
RETRY_LATER = 300


class OutsideError(PlatzwartError):
    def __init__(self, where: str, text: str) -> None:
        super().__init__(f"{where}: {text}")
        self.where = where


class _ReasonedError(OutsideError):
    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.reason = reason


class RefusedAddress(_ReasonedError):
    pass


class UnfitAddress(RefusedAddress):
    pass


class UnfitRedirect(UnfitAddress):
    pass


class RefusedRedirect(_ReasonedError):
    pass


class EndlessRedirect(RefusedRedirect):
    pass


class TooLarge(OutsideError):
    def __init__(self, where: str, limit: int) -> None:
        super().__init__(where, f"more than {limit} bytes")
        self.limit = limit


class TooSlow(OutsideError):
    retry_after = RETRY_SOON

    def __init__(self, where: str, seconds: float) -> None:
        super().__init__(where, f"not done after {seconds:.3g} s")
        self.seconds = seconds


class Unreachable(_ReasonedError):
    retry_after = RETRY_SOON


class BadAnswer(_ReasonedError):
    retry_after = RETRY_LATER


class SiteError(OutsideError):
    def __init__(self, where: str, status: int, text: str = "") -> None:
        super().__init__(where, f"{status} {text}".strip())
        self.status = status


class SiteDenied(SiteError):
    pass


class SiteMissing(SiteError):
    pass


class SiteRefused(SiteError):
    pass


class SiteThrottled(SiteError):
    def __init__(self, where: str, status: int, retry_after: int) -> None:
        super().__init__(where, status, f"retry after {retry_after} s")
        self.retry_after = retry_after


class SiteDown(SiteError):
    retry_after = RETRY_SOON


class _ReasonedSiteError(SiteError):
    retry_after = RETRY_LATER

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, 200, reason)
        self.reason = reason


class SiteUnreadable(_ReasonedSiteError):
    pass


class SiteIncomplete(_ReasonedSiteError):
    pass


class SiteUnchanged(_ReasonedSiteError):
    pass


PLAIN_NO = (RefusedAddress, SiteDenied, SiteMissing, SiteRefused, SiteThrottled)
"""As the answer to one request: what it asked for was not done, and nobody has to look whether it was."""
