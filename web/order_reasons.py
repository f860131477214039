"""What the plan of a series booking says of its dates and of itself, in the page's language (SPEC F17 to F22, X8).

Its codes are words of its own: *too-late* or *pass-ended* mean another thing for a date of a plan than elsewhere.
"""

from collections.abc import Callable, Mapping

from booking.values.orders import Waits
from booking.values.refusals import Reason
from web.i18n import gettext, ngettext
from web.pass_reasons import number, shown_day
from web.reasons import message

Values = Mapping[str, str | int]


def date_message(reason: Reason) -> str:
    """Why a date of the plan is as it is. What admission refuses is said as everywhere."""
    text = _DATES.get(reason.code)
    return text(reason.values) if text else message(reason)


def lack_message(reason: Reason) -> str:
    """Why the order has fewer events than asked (`booking.values.orders.Summary.why`)."""
    text = _LACKS.get(reason.code)
    return text(reason.values) if text else message(reason)


def waits_message(waits: Waits) -> str:
    """What makes the order go on by itself."""
    names = {
        Waits.TOP_UP: gettext("It goes on as soon as the pass has more units."),
        Waits.RENEWAL: gettext("It goes on as soon as the contract renews."),
        Waits.NEW_PASS: gettext("It goes on with a new pass, or when this one lasts longer."),
        Waits.EVENTS: gettext("It goes on as soon as there are more events."),
    }
    return names[waits]


_OF_THE_ORDER: dict[str, Callable[[Values], str]] = {
    "before-start": lambda values: gettext("The series booking begins on %(day)s.", day=shown_day(values, "day")),
    "other-series": lambda _values: gettext("This series is not chosen on that day."),
    "stopped": lambda values: gettext("The series booking is stopped from %(day)s on.", day=shown_day(values, "day")),
    "after-end": lambda values: gettext("The series booking ends on %(day)s.", day=shown_day(values, "day")),
    "paused": lambda _values: gettext("The series booking is paused on that day."),
    "complete": lambda values: gettext(
        "The number asked for is reached (%(count)s), and no booking can be given back for this date.",
        count=values.get("count", ""),
    ),
    "more-than-asked": lambda values: gettext(
        "Given back: more events were booked than asked for (%(count)s).", count=values.get("count", "")
    ),
    "swapped": lambda values: gettext(
        "Given back for %(day)s, which was wished instead.", day=shown_day(values, "day")
    ),
    "too-late": lambda _values: gettext("It stays booked, since giving it back is no longer free."),
}
_OF_THE_PASS: dict[str, Callable[[Values], str]] = {
    "not-begun": lambda values: gettext("The pass begins on %(day)s.", day=shown_day(values, "day")),
    "pass-ended": lambda values: gettext("The pass ends on %(day)s.", day=shown_day(values, "day")),
    "frozen": lambda values: gettext(
        "The pass rests from %(first)s to %(last)s.", first=shown_day(values, "first"), last=shown_day(values, "last")
    ),
    "not-renewed": lambda values: gettext(
        "The contract has not renewed yet; it can be booked up to %(day)s.", day=shown_day(values, "day")
    ),
    "pass-units": lambda values: gettext(
        "Too few units are left on the pass: %(left)s; %(units)s are needed.",
        left=values.get("left", 0),
        units=values.get("units", 0),
    ),
}
_OF_THE_EVENT: dict[str, Callable[[Values], str]] = {
    "full": lambda _values: gettext("All places of this event are taken."),
    "clash": lambda _values: gettext("The participant is in another event at that time."),
    "booked-otherwise": lambda _values: gettext("The participant is booked into this event in another way."),
    "no-show": lambda _values: gettext("The participant did not come."),
    "cancelled-late": lambda _values: gettext("This date was cancelled too late to be free."),
    "cancelled-in-time": lambda _values: gettext("This date was cancelled in time."),
    "excused": lambda _values: gettext("The participant was excused."),
    "deleted": lambda _values: gettext("This booking was deleted."),
}
_LACKS: dict[str, Callable[[Values], str]] = {
    "pass-units": lambda values: ngettext(
        "The pass has too few units left for %(num)d event.",
        "The pass has too few units left for %(num)d events.",
        number(values, "events"),
    ),
    "pass-ended": lambda values: ngettext(
        "The pass ends before %(num)d event.", "The pass ends before %(num)d events.", number(values, "events")
    ),
    "not-renewed": lambda values: ngettext(
        "The contract has not renewed yet for %(num)d event.",
        "The contract has not renewed yet for %(num)d events.",
        number(values, "events"),
    ),
    "paused": lambda values: ngettext(
        "The series booking is paused without an end; %(num)d event is missing.",
        "The series booking is paused without an end; %(num)d events are missing.",
        number(values, "events"),
    ),
    "series-ended": lambda values: ngettext(
        "The series has no more dates; %(num)d event is missing.",
        "The series has no more dates; %(num)d events are missing.",
        number(values, "events"),
    ),
    "horizon": lambda values: gettext(
        "Events are planned up to %(until)s; later ones follow.", until=shown_day(values, "until")
    ),
}
_DATES = _OF_THE_ORDER | _OF_THE_PASS | _OF_THE_EVENT
