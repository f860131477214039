"""What the desk is told, by page or program: whether a request is plausible, why not, and why there is no code."""

from dataclasses import dataclass

from booking.actions.desk import Hit
from booking.values.refusals import Refused
from booking.values.states import BookingState, Weight
from web.i18n import gettext, ngettext
from web.reasons import message


@dataclass(frozen=True, slots=True)
class Judgement:
    """The big line over a booking: `kind` is a notice's."""

    kind: str
    title: str
    text: str


def judgement(hit: Hit) -> Judgement:
    """Plausible or not, in one look (SPEC S16)."""
    state = hit.entry.state
    if state is BookingState.CONFIRMED:
        return Judgement("ok", gettext("Confirmed."), gettext("The code may be given out."))
    if state is not BookingState.REQUESTED:
        return Judgement("stop", gettext("No code."), _ended(state))
    heaviest = {finding.weight for finding in hit.findings}
    if Weight.STOP in heaviest:
        return Judgement(
            "stop", gettext("Not plausible."), gettext("Something serious stands against it. Please read why.")
        )
    if Weight.WARN in heaviest:
        return Judgement("wait", gettext("Look twice."), gettext("Please ask the caller about what stands out."))
    return Judgement("ok", gettext("Plausible."), gettext("Nothing speaks against it. The office has not reviewed it."))


def refusal_texts(no: Refused) -> list[str]:
    """Why the desk got no code or no answer, and what to do."""
    texts = _texts()
    return [texts.get(reason.code) or message(reason) for reason in no.reasons]


def _ended(state: BookingState) -> str:
    texts = {
        BookingState.REJECTED: gettext("The office has rejected this request."),
        BookingState.CANCELLED: gettext("This booking is cancelled."),
        BookingState.EXPIRED: gettext("Nobody reviewed this request before it began."),
    }
    return texts[state]


def _texts() -> dict[str, str]:
    return {
        "too-many-tries": gettext("That was too often. Please wait 15 minutes and try again."),
        "too-short": ngettext("Please type at least %(num)d character.", "Please type at least %(num)d characters.", 3),
        "not-found": gettext("There is no such booking at your doors in the next days."),
        "not-named": gettext("Please tick the booking code, or name and phone number, once the caller has named them."),
        "over": gettext("This time is over; its code opens nothing any more."),
        "rejecting": gettext("The office is rejecting this request at this moment. Please call the office."),
        "no-door": gettext("This room has no door with codes."),
        "no-code": gettext("There is no door code left for this time. Please call the office."),
        "not-exclusive": gettext("Another booking or calendar holds this time. Please call the office."),
        "rejected": _ended(BookingState.REJECTED),
        "cancelled": _ended(BookingState.CANCELLED),
        "expired": _ended(BookingState.EXPIRED),
    }
