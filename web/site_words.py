"""What happened with a booking site, in the page's language: the database keeps codes and the names of errors."""

from booking.rules.sites import Heard, Step
from web.i18n import gettext


def heard(code: str) -> str:
    """What became of a webhook. A code of an earlier version is told as it stands."""
    texts: dict[str, str] = {
        Step.NOTHING: gettext("nothing new"),
        Step.NOTE: gettext("noted; nothing follows from it"),
        Step.TAKE_IN: gettext("a new request here"),
        Step.MOVE: gettext("the request here has the new time"),
        Step.CASE_MOVED: gettext("moved there: a case to decide"),
        Step.CANCEL: gettext("cancelled here as well"),
        Step.CASE_CANCELLED: gettext("cancelled there: a case to decide"),
        Step.LET_GO: gettext("cancelled there; the time is free"),
        Step.CASE_BLOCK_GONE: gettext("our block is gone: a case to decide"),
        Step.PUT_RIGHT: gettext("our block is put right"),
        Step.MOVED_BACK: gettext("moved back there"),
        Step.NO_SHOW: gettext("noted that nobody came"),
        Step.STALE: gettext("changed meanwhile; the next look finds it"),
        Heard.RESTING: gettext("not followed: the connection rests"),
        Heard.AWAY: gettext("the site did not answer; it is read by the next look"),
        Heard.UNREADABLE: gettext("names no booking; it is read by the next look"),
        Heard.NOT_FOUND: gettext("not found there; it is read by the next look"),
        Heard.FAILED: gettext("the call failed; it is read by the next look"),
    }
    return texts.get(code, code)


def site_answer(error: str) -> str:
    """What the booking site answered, by the name of the error in `outside.errors`."""
    texts = {
        "SiteDenied": gettext("It no longer accepts our access."),
        "SiteMissing": gettext("It does not know this booking."),
        "SiteRefused": gettext("It said no."),
        "SiteThrottled": gettext("It asked us to wait."),
        "SiteDown": gettext("It reported a fault of its own."),
        "SiteUnreadable": gettext("Its answer could not be read."),
        "SiteIncomplete": gettext("Its answer could not be read."),
        "BadAnswer": gettext("Its answer could not be read."),
        "SiteUnchanged": gettext("It said yes, but nothing changed there."),
        "TooSlow": gettext("It did not answer in time."),
        "Unreachable": gettext("It could not be reached."),
    }
    return texts.get(error, error)
