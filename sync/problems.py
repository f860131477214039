"""What kept a link from succeeding, in the words that its page translates. Pure."""

from cryptography.exceptions import InvalidTag

from booking.actions.vault import UnknownKeyError
from booking.values.links import LinkProblem
from outside.errors import (
    BadAnswer,
    OutsideError,
    RefusedAddress,
    RefusedRedirect,
    SiteDenied,
    SiteDown,
    SiteError,
    SiteMissing,
    SiteThrottled,
    SiteUnreadable,
    TooLarge,
    TooSlow,
    Unreachable,
)

_WORDS: tuple[tuple[type[Exception], LinkProblem], ...] = (
    (SiteDenied, LinkProblem.AUTH),
    (SiteMissing, LinkProblem.GONE),
    (SiteThrottled, LinkProblem.THROTTLED),
    (SiteDown, LinkProblem.DOWN),
    (SiteUnreadable, LinkProblem.UNREADABLE),
    (SiteError, LinkProblem.REFUSED),
    (TooLarge, LinkProblem.TOO_LARGE),
    (TooSlow, LinkProblem.TOO_SLOW),
    (BadAnswer, LinkProblem.UNREADABLE),
    (RefusedRedirect, LinkProblem.REDIRECTED),
    (RefusedAddress, LinkProblem.REFUSED_ADDRESS),
    (UnknownKeyError, LinkProblem.KEY),
    (InvalidTag, LinkProblem.KEY),
)


def problem_of(error: Exception) -> LinkProblem:
    if isinstance(error, Unreachable):
        return LinkProblem.CERTIFICATE if error.reason == "tls" else LinkProblem.UNREACHABLE
    found = next((word for kind, word in _WORDS if isinstance(error, kind)), None)
    return found or (LinkProblem.REFUSED if isinstance(error, OutsideError) else LinkProblem.FAULT)
