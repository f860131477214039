"""Why a course or a series cannot be so, in the page's language (SPEC X8): pages and API say the same."""

from collections.abc import Callable, Mapping
from datetime import date

from web.house_reasons import HOUSE_TEXTS
from web.i18n import gettext, translator

Values = Mapping[str, str | int]


def _day(values: Values, name: str) -> str:
    found = values.get(name)
    return translator().day(date.fromisoformat(found)) if isinstance(found, str) else ""


def _other_branch(values: Values) -> str:
    """Of a series where no rooms are named, else of a room within others."""
    if values.get("rooms"):
        return HOUSE_TEXTS["other-branch"](values)
    return gettext("This room is in another branch than the course.")


def _branch_in_use(values: Values) -> str:
    """Of a course that has a series, else of the branch itself."""
    if values.get("series"):
        return gettext("The course has a series in a room there; its branch stays.")
    return HOUSE_TEXTS["branch-in-use"](values)


COURSE_TEXTS: dict[str, Callable[[Values], str]] = {
    "other-branch": _other_branch,
    "branch-in-use": _branch_in_use,
    "still-planned": lambda _values: gettext("A series of this course goes on. Please end it first."),
    "course-archived": lambda _values: gettext("This course is out of use. Please bring it back first."),
    "never-takes-place": lambda _values: gettext(
        "No date would be left: each day of it is past, closed, a holiday, or the room is taken."
    ),
    "length-impossible": lambda _values: gettext("A date lasts at least a minute and at most 24 hours."),
    "day-out-of-reach": lambda _values: gettext("Please choose a day of the years 2000 to 2199."),
    "no-such-weekday": lambda _values: gettext("Weekdays go from Monday to Sunday, and belong to weekly series alone."),
    "two-ends": lambda _values: gettext("Please give a last day or a number of dates, not both."),
    "ends-before-first": lambda values: gettext(
        "The last day lies before the first, %(first)s.", first=_day(values, "first")
    ),
    "never-occurs": lambda _values: gettext("None of these weekdays lies between the first day and the last."),
    "only-on-days-off": lambda _values: gettext("Each of its days is a public holiday or a closing day."),
    "minimum-above-capacity": lambda values: gettext(
        "There are %(capacity)s places only, so this could never be reached.", capacity=values.get("capacity", 0)
    ),
    "free-until-never": lambda _values: gettext("Cancelling would cost something before anybody can book."),
    "decided-before-booking": lambda _values: gettext("It would be decided before anybody can book."),
    "booking-never-open": lambda _values: gettext("Booking would close before it opens."),
    "limits-crossed": lambda values: gettext(
        "This lies below the other limit, %(least)s.", least=values.get("least", 0)
    ),
    "guests-above-capacity": lambda values: gettext(
        "There are %(capacity)s places only, guests' among them.", capacity=values.get("capacity", 0)
    ),
}
