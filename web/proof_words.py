"""A booking site that is blocked through a calendar, in words: why a link is refused, how far its proof is (Y8)."""

from collections.abc import Callable, Mapping

from booking.reads.connections import CalendarFacts
from booking.values.proofs import ProofPhase, ProofProblem
from web.filters import moment
from web.i18n import gettext
from web.link_texts import problem_words
from web.site_words import site_answer

Values = Mapping[str, str | int]


CALENDAR_TEXTS: dict[str, Callable[[Values], str]] = {
    "no-pages": lambda _values: gettext("Please choose first which booking page stands for which room."),
    "link-missing": lambda _values: gettext("Please choose a calendar link for each page."),
    "no-writing-link": lambda values: gettext(
        "No calendar link writes our bookings of %(room)s anywhere. Please link the calendar that its page reads.",
        room=values.get("room", ""),
    ),
    "no-such-link": lambda _values: gettext("Please choose one of your calendar links."),
    "site-rests": lambda _values: gettext("This connection rests. Please let it go on first."),
    "link-rests": lambda _values: gettext("This calendar link rests. Please let it work first."),
    "link-ends": lambda _values: gettext("This calendar link is being ended. Please choose another."),
    "link-only-reads": lambda _values: gettext(
        "This calendar link only reads, so nothing that is taken here would stand there. Please choose one that writes."
    ),
    "link-other-room": lambda _values: gettext(
        "This calendar link is another room's. Please choose one of the room that the page stands for."
    ),
    "link-without-requests": lambda _values: gettext(
        "This calendar link does not write requests, but they take time as well. Please switch that on in its settings."
    ),
    "link-too-short": lambda _values: gettext(
        "The room can be booked further ahead than this calendar link writes. Please raise its months in its settings."
    ),
}


def phase_words(one: CalendarFacts) -> str:
    """What a worker is at, for how long at most."""
    texts = {
        ProofPhase.ASKED: gettext("An hour is looked for that is free here and offered there."),
        ProofPhase.WRITTEN: gettext("The link writes the test time into the calendar."),
        ProofPhase.THERE: gettext("It stands in the calendar. The site is watched: it has to stop offering it."),
        ProofPhase.WITHDRAWN: gettext("It is taken back. The site is watched: it has to offer it again."),
    }
    text = texts.get(one.phase, "")
    if one.until is None:
        return text
    return " ".join((text, gettext("At the latest %(when)s this step is over.", when=moment(one.until))))


def proof_words(problem: str, detail: str = "") -> tuple[str, str]:
    """Why it is not proven, and what to do next."""
    settings = gettext("Please see in the settings of the booking page there which calendars it checks for busy times.")
    again = gettext("Please prove it again.")
    texts: dict[str, tuple[str, str]] = {
        ProofProblem.NO_HOUR: (
            gettext("Within the next months no hour is free here and offered there, or it is the only one."),
            gettext("Please check the times of the booking page there, then prove it again."),
        ),
        ProofProblem.LINK_FAILED: (problem_words(detail)[0], problem_words(detail)[1]),
        ProofProblem.LINK_SLOW: (
            gettext("The calendar link did not run in time."),
            gettext("Please look at the page of the link, then prove it again."),
        ),
        ProofProblem.STILL_OFFERED: (
            gettext("The test time stood in the calendar, and the site offered it all the same for five minutes."),
            settings,
        ),
        ProofProblem.NOTHING_OFFERED: (
            gettext("The site stopped offering anything at all, which proves nothing about this calendar."),
            settings,
        ),
        ProofProblem.NOT_OFFERED_AGAIN: (
            gettext(
                "The test time was taken out of the calendar, but the site did not offer it again in five minutes."
            ),
            gettext("Please look there whether somebody took this time, then prove it again."),
        ),
        ProofProblem.SITE_FAILED: (
            site_answer(detail),
            gettext("Please test the connection above, then prove it again."),
        ),
        ProofProblem.DISTURBED: (gettext("Somebody took the test time here meanwhile."), again),
        ProofProblem.GAVE_UP: (gettext("Something went wrong on our side."), again),
        ProofProblem.ACCESS_CHANGED: (gettext("Account, key or address of the connection were changed."), again),
        ProofProblem.SITE_RESTS: (
            gettext("The connection was paused."),
            gettext("Please let it go on, then prove it again."),
        ),
        ProofProblem.LINK_RESTS: (
            gettext("The calendar link was paused."),
            gettext("Please let it work, then prove it again. What stands in the calendar is not renewed until then."),
        ),
        ProofProblem.LINK_ENDS: (
            gettext("The calendar link is being ended."),
            gettext("Please choose another link, or another way."),
        ),
        ProofProblem.LINK_GONE: (
            gettext("The calendar link was ended."),
            gettext("Please choose another link, or another way."),
        ),
        ProofProblem.LINK_CHANGED: (gettext("What the calendar link writes was changed."), again),
        ProofProblem.LINK_ELSEWHERE: (gettext("The calendar link has another address by now."), again),
    }
    return texts.get(problem) or (_refusal(problem), again)


def _refusal(problem: str) -> str:
    text = CALENDAR_TEXTS.get(problem)
    return text({}) if text else problem
