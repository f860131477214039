"""The texts of refusals by their code, in the page's language, at the field where they belong (SPEC X8)."""

from collections.abc import Callable, Mapping
from functools import cache

from booking.values.refusals import Reason, Refused
from web.class_reasons import CLASS_TEXTS
from web.course_reasons import COURSE_TEXTS
from web.filters import money
from web.house_reasons import HOUSE_TEXTS
from web.i18n import gettext, ngettext
from web.office_reasons import OFFICE_TEXTS
from web.pass_reasons import PASS_TEXTS

Values = Mapping[str, str | int]


def message(reason: Reason) -> str:
    """What a person reads. A code without a text is a fault, and a test finds it; people see a plain sentence."""
    text = _texts().get(reason.code)
    return text(reason.values) if text else gettext("This is not possible now.")


def messages(no: Refused) -> dict[str | None, list[str]]:
    """All texts of a refusal by form field; None holds those that belong to no field."""
    found: dict[str | None, list[str]] = {}
    for reason in no.reasons:
        found.setdefault(reason.at, []).append(message(reason))
    return found


def known_codes() -> frozenset[str]:
    """Every code that has a text."""
    return frozenset(_texts())


@cache
def _texts() -> Mapping[str, Callable[[Values], str]]:
    from web.proof_words import CALENDAR_TEXTS  # late: the words for links bring half of what is read about them

    return _TEXTS | CALENDAR_TEXTS


def _number(values: Values, name: str) -> int:
    return int(values.get(name, 0))


_WITH_TIMES: dict[str, Callable[[Values], str]] = {
    "too-soon": lambda values: ngettext(
        "This room has to be requested at least %(num)d minute ahead.",
        "This room has to be requested at least %(num)d minutes ahead.",
        _number(values, "minutes"),
    ),
    "beyond-horizon": lambda values: ngettext(
        "This room can be requested %(num)d day ahead at most.",
        "This room can be requested %(num)d days ahead at most.",
        _number(values, "days"),
    ),
    "off-grid": lambda values: ngettext(
        "Times begin every %(num)d minute here. Please choose such a start.",
        "Times begin every %(num)d minutes here. Please choose such a start.",
        _number(values, "minutes"),
    ),
    "too-short": lambda values: ngettext(
        "The shortest time here is %(num)d minute.",
        "The shortest time here is %(num)d minutes.",
        _number(values, "minutes"),
    ),
    "too-long": lambda values: ngettext(
        "The longest time here is %(num)d minute.",
        "The longest time here is %(num)d minutes.",
        _number(values, "minutes"),
    ),
    "not-a-multiple": lambda values: ngettext(
        "The length has to be a multiple of %(num)d minute.",
        "The length has to be a multiple of %(num)d minutes.",
        _number(values, "minutes"),
    ),
    "window-too-long": lambda values: ngettext(
        "At most %(num)d day can be asked for at once.",
        "At most %(num)d days can be asked for at once.",
        _number(values, "days"),
    ),
}
_WITH_NUMBERS: dict[str, Callable[[Values], str]] = {
    "too-many-people": lambda values: ngettext(
        "%(num)d person at most fits here.", "%(num)d people at most fit here.", _number(values, "most")
    ),
    "too-many-extras": lambda values: ngettext(
        "There is only %(num)d of it.", "There are only %(num)d of it.", _number(values, "most")
    ),
    "contact-limit": lambda values: ngettext(
        "%(num)d request of yours is still waiting for its review. Please wait for its answer.",
        "%(num)d requests of yours are still waiting for their review. Please wait for an answer.",
        _number(values, "limit"),
    ),
    "address-limit": lambda _values: gettext(
        "Too many requests from your connection are still waiting. Please call the office."
    ),
    "room-limit": lambda _values: gettext(
        "Too many requests for this room are still waiting. Please try again tomorrow."
    ),
    "feed-name": lambda values: gettext(
        "A calendar needs a name of at most %(most)d characters.", most=_number(values, "most")
    ),
    "feed-limit": lambda values: gettext(
        "There are %(most)d calendars already. Please end one that nobody uses.", most=_number(values, "most")
    ),
    "invalid": lambda values: (
        gettext("This cannot be right: %(what)s", what=values["what"])
        if values.get("what")
        else gettext("This cannot be right.")
    ),
}
_OF_TIMES: dict[str, Callable[[Values], str]] = {
    "past": lambda _values: gettext("This time has begun already."),
    "closed": lambda _values: gettext("The room is closed at this time."),
    "taken": lambda _values: gettext("Somebody was faster: this time is taken."),
    "too-few-people": lambda _values: gettext("How many people will come? At least one."),
    "no-price": lambda _values: gettext("There is no price for this time yet. Please call the office."),
    "room-archived": lambda _values: gettext("This room can no longer be booked."),
    "not-a-slot": lambda _values: gettext("The end has to come after the start."),
    "extra-gone": lambda _values: gettext("This is no longer offered. Please send your request without it."),
    "missing": lambda _values: gettext("This is needed here."),
}
_OF_REVIEWS: dict[str, Callable[[Values], str]] = {
    "not-requested": lambda _values: gettext("This request was decided or ended already."),
    "decision-pending": lambda _values: gettext("A decision on this is resting. Undo it first."),
    "already-undone": lambda _values: gettext("This decision was taken back already."),
    "final": lambda _values: gettext("This decision is final and can no longer be taken back."),
    "started": lambda _values: gettext("The time has begun already."),
    "no-reason": lambda _values: gettext("Please give the reason; the customer reads it."),
    "no-code": lambda _values: gettext("There is no free door code for this time. Please import or make codes first."),
    "not-exclusive": lambda _values: gettext(
        "Another booking or calendar holds this time. Please settle the clash first."
    ),
    "not-verified": lambda _values: gettext("The customer has not confirmed the mail address yet."),
    "old-time-begun": lambda _values: gettext(
        "The time that this move would give up has begun: it is used. Please reject the request."
    ),
    "too-late": lambda _values: gettext("The address was not confirmed in time: the time is free again."),
    "fee-changed": lambda _values: gettext("The fee has changed since you looked. Please look at it once more."),
    "price-changed": lambda _values: gettext("The price has changed since you looked. Please look at it once more."),
    "charge-range": lambda values: gettext(
        "Please enter an amount up to the price that is owed, %(most)s.", most=money(_number(values, "most"))
    ),
    "not-active": lambda _values: gettext("This booking has ended already."),
    "not-yours": lambda _values: gettext("This is for the office to do."),
    "a-case": lambda _values: gettext("This has to be decided in the office first."),
}
_OF_RECORDS: dict[str, Callable[[Values], str]] = {
    "already-set-up": lambda _values: gettext("There is a house here already."),
    "email-taken": lambda _values: gettext("Somebody with this e-mail address is on the staff already."),
    "feed-revoked": lambda _values: gettext("This calendar was ended. Please make a new one."),
    "format-exhausted": lambda _values: gettext("There are not enough different codes of this format."),
    "below-zero": lambda _values: gettext("A reduction cannot be larger than the price."),
    "no-lines": lambda _values: gettext("There is nothing to invoice."),
    "invoice-incomplete": lambda _values: gettext("Something that the law asks for on an invoice is still missing."),
    "no-exemption-reason": lambda _values: gettext("Without VAT an invoice needs the reason of exemption."),
}
_OF_CODES: dict[str, Callable[[Values], str]] = {
    "bad-pool": lambda _values: gettext("A pool for each day needs at least one code."),
    "no-rooms": lambda _values: gettext("No room has this door, so there are no times to make codes for."),
    "no-windows": lambda _values: gettext("There are no times in this season to make codes for."),
    "has-problems": lambda _values: gettext("The list has lines that cannot be read. Please correct them first."),
    "preview-changed": lambda _values: gettext("What was shown has changed since. Please look at it as it is now."),
    "codes-changed": lambda _values: gettext("The codes changed meanwhile. Please look at how they stand now."),
    "retired": lambda _values: gettext("This code is no longer in use."),
    "over": lambda _values: gettext("This time is over."),
    "already-paid": lambda _values: gettext("This invoice is paid already."),
}
_OF_THE_DESK: dict[str, Callable[[Values], str]] = {
    "too-many-tries": lambda _values: gettext("Too many tries. Please wait 15 minutes, or ask the office."),
    "not-found": lambda _values: gettext("Nothing was found. Please ask the caller again."),
    "not-confirmed": lambda _values: gettext("This booking is not confirmed."),
    "not-started": lambda _values: gettext("This time has not begun yet."),
    "not-named": lambda _values: gettext("Please tick what the caller named: the booking code, or name and phone."),
    "no-door": lambda _values: gettext("This room has no door with a code."),
    "rejecting": lambda _values: gettext("The office is rejecting this request."),
    "rejected": lambda _values: gettext("The office rejected this request."),
    "cancelled": lambda _values: gettext("This booking was cancelled."),
    "expired": lambda _values: gettext("This request was not reviewed in time."),
}
_TEXTS = (
    _WITH_TIMES
    | _WITH_NUMBERS
    | _OF_TIMES
    | _OF_REVIEWS
    | _OF_RECORDS
    | _OF_CODES
    | _OF_THE_DESK
    | HOUSE_TEXTS
    | OFFICE_TEXTS
    | CLASS_TEXTS
    | PASS_TEXTS
    | COURSE_TEXTS
)
