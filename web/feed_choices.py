"""What the owner of a feed chooses of it: the form's lists, what was chosen in words, what was typed as a value."""

from collections.abc import Mapping

from booking.values.feeds import MONTHS_BACK, FeedChoices
from booking.values.states import Variant
from web.i18n import LANGUAGES, gettext, ngettext

Options = list[tuple[str, str]]
NAMES = ("variant", "language", "cancelled", "back", "ahead", "alarm", "series")
BACK, AHEAD = (0, 1, 3, 6, 12, 24), (1, 3, 6, 12, 24)
ALARMS = (10, 30, 60, 120, 24 * 60)
HOUR, DAY = 60, 24 * 60
SERIES = {"one": False, "each": True}
_UNSAID = {"back": str(MONTHS_BACK), "series": "one"}  # where the form was sent without them


def fresh(language: str) -> dict[str, str]:
    """What the form holds at first."""
    first = {"variant": Variant.BUSY.value, "language": language, "cancelled": "yes"}
    return first | {"ahead": "", "alarm": ""} | _UNSAID


def typed_in(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, _UNSAID.get(name, "")) for name in NAMES}


def series_typed(choices: FeedChoices) -> str:
    """What the form's field holds where this was chosen."""
    return next(name for name, is_expanded in SERIES.items() if is_expanded is choices.series_expanded)


def chosen(typed: Mapping[str, str]) -> FeedChoices | dict[str, list[str]]:
    """The value, or what is wrong by the names of the form's fields."""
    offered = options()
    wrong = [name for name, listed in offered.items() if typed[name] not in dict(listed)]
    if wrong:
        told = {
            "variant": gettext("Please choose how much it shows."),
            "language": gettext("Please choose a language."),
        }
        return {name: [told.get(name, gettext("Please choose one of the list."))] for name in wrong}
    return FeedChoices(
        Variant(typed["variant"]),
        typed["language"],
        bool(typed["cancelled"]),
        int(typed["back"]),
        int(typed["ahead"]) if typed["ahead"] else None,
        int(typed["alarm"]) if typed["alarm"] else None,
        SERIES[typed["series"]],
    )


def options() -> dict[str, Options]:
    return {
        "variant": [(kind.value, words) for kind, words in variants().items()],
        "language": [(code, name) for code, name in LANGUAGES],
        "back": [(str(months), back(months)) for months in BACK],
        "ahead": [("", ahead(None)), *((str(months), ahead(months)) for months in AHEAD)],
        "alarm": [("", alarm(None)), *((str(minutes), alarm(minutes)) for minutes in ALARMS)],
        "series": [(name, series(is_expanded)) for name, is_expanded in SERIES.items()],
    }


def variants() -> dict[Variant, str]:
    return {
        Variant.BUSY: gettext("only when it is taken"),
        Variant.TITLES: gettext("with titles"),
        Variant.FULL: gettext("everything, with names"),
    }


def back(months: int) -> str:
    return ngettext("for %(num)d month", "for %(num)d months", months) if months else gettext("left out at once")


def ahead(months: int | None) -> str:
    if months is None:
        return gettext("all that there are")
    return ngettext("from %(num)d month before", "from %(num)d months before", months)


def alarm(minutes: int | None) -> str:
    """At most in whole days or hours."""
    if minutes is None:
        return gettext("none")
    if minutes % DAY == 0:
        return ngettext("%(num)d day before", "%(num)d days before", minutes // DAY)
    if minutes % HOUR == 0:
        return ngettext("%(num)d hour before", "%(num)d hours before", minutes // HOUR)
    return ngettext("%(num)d minute before", "%(num)d minutes before", minutes)


def series(is_expanded: bool) -> str:
    if is_expanded:
        return gettext("each date by itself (for programs that do not show series)")
    return gettext("as one series")
