"""What kept a link from succeeding, in the words that its page translates. Pure."""

import re

from cryptography.exceptions import InvalidTag

from booking.actions.vault import UnknownKeyError
from booking.values.links import LinkProblem
from outside.errors import (
    BadAnswer,
    EndlessRedirect,
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
    UnfitAddress,
    UnfitRedirect,
    Unreachable,
)
from outside.wire import ENDS_EARLY
from sync.remotes.dav_discover import AccountError
from sync.remotes.ics import BREAKS_OFF, NO_BYTES, WEB_PAGE

_WORDS: tuple[tuple[type[Exception], LinkProblem], ...] = (
    (AccountError, LinkProblem.ACCOUNT),
    (SiteDenied, LinkProblem.AUTH),
    (SiteMissing, LinkProblem.GONE),
    (SiteThrottled, LinkProblem.THROTTLED),
    (SiteDown, LinkProblem.DOWN),
    (SiteUnreadable, LinkProblem.UNREADABLE),
    (SiteError, LinkProblem.REFUSED),
    (TooLarge, LinkProblem.TOO_LARGE),
    (TooSlow, LinkProblem.TOO_SLOW),
    (BadAnswer, LinkProblem.UNREADABLE),
    (EndlessRedirect, LinkProblem.ENDLESS_REDIRECT),
    (RefusedRedirect, LinkProblem.REDIRECTED),
    (UnfitRedirect, LinkProblem.UNFIT_REDIRECT),
    (UnfitAddress, LinkProblem.UNFIT_ADDRESS),
    (RefusedAddress, LinkProblem.REFUSED_ADDRESS),
    (UnknownKeyError, LinkProblem.KEY),
    (InvalidTag, LinkProblem.KEY),
)

_ANSWERS = {
    NO_BYTES: LinkProblem.EMPTY,
    WEB_PAGE: LinkProblem.NO_CALENDAR,
    "calendar-none": LinkProblem.NO_CALENDAR,
    "status 200 where a listing was asked for": LinkProblem.NO_CALENDAR,
    BREAKS_OFF: LinkProblem.CUT_OFF,
    "the listing was cut off": LinkProblem.CUT_OFF,
    ENDS_EARLY: LinkProblem.CUT_OFF,
    "calendar-too-big": LinkProblem.TOO_LARGE,
}
_HOSTILE = re.compile(r"calendar-(line-)?too-|XML (with an? (endless tag|DTD)|that is too )")


def problem_of_answer(because: str, usual: LinkProblem = LinkProblem.INCOMPLETE) -> LinkProblem:
    """What is wrong with an answer that proves nothing, by what its remote said of it."""
    return LinkProblem.TOO_MUCH if because not in _ANSWERS and _HOSTILE.match(because) else _ANSWERS.get(because, usual)


def problem_of(error: Exception) -> LinkProblem:
    if isinstance(error, (SiteUnreadable, BadAnswer)):
        return problem_of_answer(error.reason, LinkProblem.UNREADABLE)
    if isinstance(error, Unreachable):
        return LinkProblem.CERTIFICATE if error.reason == "tls" else LinkProblem.UNREACHABLE
    found = next((word for kind, word in _WORDS if isinstance(error, kind)), None)
    return found or (LinkProblem.REFUSED if isinstance(error, OutsideError) else LinkProblem.FAULT)
