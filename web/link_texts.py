"""Calendar links in words: what they are for, how they stand, what went wrong and what to do (SPEC C6, C9).

The database keeps codes; a code of an earlier version is told as it stands.
"""

from booking.reads.links import ItemLine, LinkLine, RunLine
from booking.values.links import LinkKind, LinkPolicy, LinkProblem, LinkStatus, RunMode, RunOutcome
from web.i18n import gettext, ngettext
from web.link_item_words import item_problem


def kind_name(kind: LinkKind) -> str:
    return {LinkKind.CALDAV: gettext("CalDAV calendar"), LinkKind.ICS: gettext("Calendar address (ICS)")}[kind]


def policy_name(policy: LinkPolicy) -> str:
    names = {
        LinkPolicy.EXPORT: gettext("Write our bookings there"),
        LinkPolicy.EXPORT_BUSY: gettext("Write there only that it is taken"),
        LinkPolicy.IMPORT_BUSY: gettext("Block here what is taken there"),
        LinkPolicy.IMPORT: gettext("Take over what stands there, with its text"),
        LinkPolicy.TWO_WAY: gettext("Both ways"),
    }
    return names[policy]


def policy_words(policy: LinkPolicy) -> str:
    """What it means, before it is chosen."""
    texts = {
        LinkPolicy.EXPORT: gettext(
            "Each booking of the room appears there. Whoever changes one of them there sees it put right again. Other "
            "entries of that calendar are left alone and block nothing here."
        ),
        LinkPolicy.EXPORT_BUSY: gettext(
            "As above, but only the time appears there: no name, no purpose. Right for calendars that others can read."
        ),
        LinkPolicy.IMPORT_BUSY: gettext(
            "What stands there as busy blocks the room here; its text is not kept. Nothing is ever written there."
        ),
        LinkPolicy.IMPORT: gettext(
            "What stands there blocks the room here and is shown to the office with its text. Nothing is ever written "
            "there."
        ),
        LinkPolicy.TWO_WAY: gettext(
            "Our bookings appear there, and what the office enters there closes the room here. Moving or deleting one "
            "of our bookings there becomes a case to decide: its time stays taken until then."
        ),
    }
    return texts[policy]


def policies_of(kind: LinkKind) -> tuple[LinkPolicy, ...]:
    """An address is only read."""
    if kind is LinkKind.ICS:
        return (LinkPolicy.IMPORT_BUSY, LinkPolicy.IMPORT)
    return tuple(LinkPolicy)


def link_state(line: LinkLine) -> tuple[str, str]:
    """The look of its badge, and the word on it."""
    if line.state is LinkStatus.UNLINKING:
        return "pending", gettext("Is being ended")
    if line.state is LinkStatus.PAUSED:
        return "held", gettext("Resting")
    if line.state is LinkStatus.FAILED:
        return "stuck", gettext("Needs you")
    if line.problem:
        return _trouble(line)
    if line.last_success_at is None:
        return "queued", gettext("Not read yet")
    return "confirmed", gettext("Works")


def _trouble(line: LinkLine) -> tuple[str, str]:
    if line.problem == LinkProblem.UNWRITTEN:
        count = max(line.unwritten, 1)
        text = ngettext(
            "Works, but %(num)d entry could not be written", "Works, but %(num)d entries could not be written", count
        )
        return "pending", text
    return "overdue", gettext("Not complete") if line.problem in _IN_PART else gettext("Fails")


_IN_PART = frozenset({LinkProblem.TOO_MANY, LinkProblem.INCOMPLETE, LinkProblem.CUT_OFF})


def problem_words(problem: str) -> tuple[str, str]:
    """What happened, and what to do next."""
    wait = gettext("Nothing has to be done: it is tried again by itself, at longer and longer intervals.")
    look = gettext("Please check the address, then let it look again.")
    browse = gettext("Please open the address in a browser: it should offer a calendar, not a log-in or an error.")
    texts: dict[str, tuple[str, str]] = {
        LinkProblem.AUTH: (
            gettext("The calendar lets nobody in without a right user name and password: they are missing, or wrong."),
            gettext(
                "Please enter them anew. Many services want a password made for this program alone. An address that "
                "needed none may have been replaced there: then please enter the new one."
            ),
        ),
        LinkProblem.GONE: (
            gettext("There is no calendar at this address any more."),
            gettext("Please enter its new address, or end the link. Until then all times that it brought stay taken."),
        ),
        LinkProblem.TOO_LARGE: (
            gettext("The calendar is larger than what is read at once."),
            gettext("Please link a calendar of this room alone, or clear out what is long past there."),
        ),
        LinkProblem.TOO_SLOW: (gettext("The calendar did not answer in time."), wait),
        LinkProblem.UNREADABLE: (
            gettext(
                "What came is no calendar that can be read: empty, cut off, or something else, such as a web page."
            ),
            browse,
        ),
        LinkProblem.EMPTY: (
            gettext("The calendar answered with nothing at all, which is not taken for a calendar without entries."),
            wait,
        ),
        LinkProblem.NO_CALENDAR: (
            gettext("What came is no calendar but something else, such as a web page that asks to log in."),
            browse,
        ),
        LinkProblem.CUT_OFF: (
            gettext("The calendar breaks off before its end, so nothing was concluded from what is missing."),
            wait,
        ),
        LinkProblem.TOO_MUCH: (
            gettext("The calendar holds more than any honest one does, so it was not read on."),
            gettext("Please ask whoever runs it what it is to be, or end the link."),
        ),
        LinkProblem.TOO_MANY: (
            gettext(
                "The calendar holds more times than may be kept here (50,000 to come). The nearest are taken; later "
                "ones wrongly show as free."
            ),
            gettext("Please link a calendar of this room alone, or clear out repeating entries there."),
        ),
        LinkProblem.UNREACHABLE: (gettext("The calendar cannot be reached."), f"{wait} {look}"),
        LinkProblem.CERTIFICATE: (
            gettext("The calendar's certificate is not valid, so nobody can say who answers there."),
            gettext("Whoever runs that server has to renew it. No password is sent there until then."),
        ),
        LinkProblem.REDIRECTED: (
            gettext("The calendar sends us to another server. A link does not go there by itself."),
            gettext("Please enter the address to which it leads."),
        ),
        LinkProblem.ENDLESS_REDIRECT: (
            gettext("The calendar sends us on and on, without ever answering."),
            browse,
        ),
        LinkProblem.UNFIT_REDIRECT: (
            gettext("The calendar sends us to an address that may not be called: it is not encrypted, or none at all."),
            gettext("Please enter an address that answers by itself and begins with https:// or webcal://."),
        ),
        LinkProblem.UNFIT_ADDRESS: (
            gettext("This address cannot be called: only https:// is, with the name of a host, on port 443 or 8443."),
            gettext("Please enter another address. Whoever runs this installation can allow a host of their own."),
        ),
        LinkProblem.ACCOUNT: (
            gettext("This is the address of an account or of a whole server, not of one calendar."),
            gettext("Please choose one of its calendars, or enter the address of the calendar itself."),
        ),
        LinkProblem.REFUSED_ADDRESS: (
            gettext("This address leads into a private network and may not be called from here."),
            gettext("Please enter a public address. Whoever runs this installation can allow a host of their own."),
        ),
        LinkProblem.THROTTLED: (gettext("The calendar asked us to wait."), wait),
        LinkProblem.DOWN: (gettext("The calendar's server reports a fault of its own."), wait),
        LinkProblem.REFUSED: (
            gettext("The calendar's server says no."),
            gettext("Please check that this user may read this calendar, and write where the link writes."),
        ),
        LinkProblem.INCOMPLETE: (
            gettext("The calendar answered only in part, so nothing was concluded from what is missing."),
            wait,
        ),
        LinkProblem.OWN_CALENDAR: (
            gettext("This is a calendar of this house itself: linking it would import its own bookings."),
            gettext("Please enter another address, or end the link."),
        ),
        LinkProblem.KEY: (
            gettext("The stored access cannot be opened: it was sealed with a key that is no longer here."),
            gettext("Please enter address, user name and password again."),
        ),
        LinkProblem.UNWRITTEN: (
            gettext("The calendar does not take everything that the link writes there."),
            gettext(
                "What waits is listed below, and is tried again by itself, at longer and longer intervals. Please see "
                "whether this user may write there, and whether the calendar is full."
            ),
        ),
        LinkProblem.FAULT: (
            gettext("Something went wrong on our side."),
            gettext("It is tried again by itself. If it stays, please send the log to whoever looks after Platzwart."),
        ),
    }
    return texts.get(problem, (problem, wait))


def safe_words() -> str:
    """What no problem ever does (SPEC C9)."""
    return gettext(
        "All times that are taken stay taken: no booking is cancelled and no time is freed because a calendar fails."
    )


def hold_words(hold: str) -> str:
    """Why deletions wait for a person."""
    texts = {
        "EMPTY": gettext("The calendar came back empty although something stood there."),
        "SOON": gettext("Unusually many entries of the next days are missing."),
        "SHARE": gettext("More is missing at once than people delete by hand."),
    }
    return texts.get(hold, gettext("More is missing at once than people delete by hand."))


def outcome_words(run: RunLine) -> tuple[str, str]:
    """The look of its badge, and the word on it."""
    texts = {
        RunOutcome.RUNNING: ("queued", gettext("Runs")),
        RunOutcome.DONE: ("confirmed", gettext("Done")),
        RunOutcome.PARTIAL: ("pending", gettext("Goes on")),
        RunOutcome.INCOMPLETE: ("overdue", gettext("Not complete")),
        RunOutcome.PLANNED: ("planned", gettext("Only planned")),
        RunOutcome.FAILED: ("dead", gettext("Failed")),
        RunOutcome.LOST: ("cancelled", gettext("Broken off")),
    }
    if run.problem == LinkProblem.UNWRITTEN:
        return "overdue", gettext("Not all written")
    return texts[run.outcome]


def mode_name(mode: RunMode) -> str:
    names = {
        RunMode.NORMAL: gettext("What changed"),
        RunMode.FULL: gettext("Everything, as each night"),
        RunMode.PLAN: gettext("A plan to look at"),
    }
    return names[mode]


def count_words(run: RunLine) -> list[tuple[str, int]]:
    """What a run found and did, as far as it is above zero. What was removed is among what changed."""
    names = {
        "here": gettext("changed here"),
        "there": gettext("written there"),
        "deletions": gettext("of them removed"),
        "proposals": gettext("to decide"),
        "conflicts": gettext("changed on both sides"),
        "held": gettext("held back"),
        "postponed": gettext("later"),
        "failed": gettext("failed"),
        "rests": gettext("resting"),
    }
    return [(names[key], int(run.counts[key])) for key in names if run.counts.get(key)]


def item_words(item: ItemLine) -> str:
    """Why an entry is not simply in step."""
    if item.held:
        return gettext("its deletion waits for you")
    texts = {
        "CONFLICT": gettext("waits for your decision"),
        "MISSING": gettext("missing there; a second look decides"),
    }
    why = item_problem(item.problem)
    said = texts.get(item.state)
    if said is None:
        return why or gettext("rests: it cannot be read, or went back and forth")
    return f"{said} ({why})" if why else said
