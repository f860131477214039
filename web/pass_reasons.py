"""Why a pass, its type, its sale, freeze or contract is not to be had so, in the page's language (SPEC O, X8)."""

from collections.abc import Callable, Mapping
from datetime import date

from booking.rules.pass_ends import Warned
from web.filters import day, money
from web.i18n import gettext, ngettext, translator

Values = Mapping[str, str | int]


def warning(warned: Warned) -> str:
    """What a list of passes warns of (SPEC O49)."""
    return _WARNINGS[warned.code](warned.values)


def shown_day(values: Values, name: str) -> str:
    """A local day that a rule wrote in ISO form, as people read it."""
    value = values.get(name)
    return day(date.fromisoformat(str(value))) if value else ""


def number(values: Values, name: str) -> int:
    return int(values.get(name, 0))


def _weekday(values: Values) -> str:
    names = translator().locale.days["stand-alone"]["wide"]
    return str(names.get(values.get("weekday", ""), ""))


def _stretch(values: Values) -> str:
    """The longest notice for consumers, in its own unit."""
    count = number(values, "most")
    names = {
        "days": ngettext("%(num)d day", "%(num)d days", count),
        "weeks": ngettext("%(num)d week", "%(num)d weeks", count),
        "months": ngettext("%(num)d month", "%(num)d months", count),
    }
    return names.get(str(values.get("unit")), "")


_PAYING: dict[str, Callable[[Values], str]] = {
    "no-pass": lambda _values: gettext("There is no pass that could pay. Please buy one first."),
    "no-such-pass": lambda _values: gettext("This pass is not there any more. Please choose another one."),
    "not-by-pass": lambda _values: gettext("This event is paid with money, not with a pass."),
    "pass-deleted": lambda _values: gettext("This pass was deleted."),
    "pass-not-begun": lambda values: gettext("This pass begins on %(first)s.", first=shown_day(values, "first")),
    "pass-ended": lambda values: gettext("This pass was ended early, on %(last)s.", last=shown_day(values, "last")),
    "pass-over": lambda values: gettext("This pass is good until %(last)s.", last=shown_day(values, "last")),
    "starts-too-soon": lambda values: gettext(
        "This pass would begin with this event and be over on %(last)s, but it is booked on %(booked)s already.",
        last=shown_day(values, "last"),
        booked=shown_day(values, "booked"),
    ),
    "contract-not-renewed": lambda values: gettext(
        "This contract can be booked up to %(until)s for now; later days open when it renews.",
        until=shown_day(values, "until"),
    ),
    "pass-frozen": lambda values: gettext(
        "This pass rests from %(first)s to %(last)s.", first=shown_day(values, "first"), last=shown_day(values, "last")
    ),
    "no-units": lambda values: gettext(
        "Too few units are left on this pass: %(left)s; %(needed)s are needed.",
        left=values.get("left", 0),
        needed=values.get("needed", 0),
    ),
    "wrong-branch": lambda _values: gettext("This pass is not good in this branch."),
    "wrong-course": lambda _values: gettext("This pass is not good for this course."),
    "wrong-weekday": lambda values: gettext("This pass is not good on a %(weekday)s.", weekday=_weekday(values)),
    "wrong-time": lambda values: gettext(
        "On this day of the week the pass is not good for events at %(time)s.", time=values.get("time", "")
    ),
    "club-card": lambda _values: gettext("A club card pays for no event by itself."),
    "individual-only": lambda _values: gettext("This pass is for individual lessons only."),
    "club-card-over": lambda values: gettext(
        "The club card was good until %(last)s. Please renew it first.", last=shown_day(values, "last")
    ),
    "club-card-resting": lambda _values: gettext("The club card rests on that day or begins later."),
    "rebooking-off": lambda _values: gettext("This pass does not move missed bookings."),
    "rebooked-often": lambda _values: gettext("This booking was moved as often as the pass allows."),
    "no-next-event": lambda _values: gettext("There is no later event that this pass could pay for."),
}
_UNITS_AND_ENDS: dict[str, Callable[[Values], str]] = {
    "not-counted": lambda _values: gettext("This pass is good for any number of visits, so it has no units."),
    "units-below-zero": lambda values: gettext(
        "No more units can be taken than are left: %(left)s.", left=values.get("left", 0)
    ),
    "end-before-start": lambda values: gettext(
        "The pass begins on %(first)s only; it cannot end earlier.", first=shown_day(values, "first")
    ),
    "ends-sooner": lambda values: gettext("It ends on %(last)s as it is.", last=shown_day(values, "last")),
    "end-in-the-past": lambda _values: gettext("Please choose today or a later day as the last."),
    "notice-given": lambda values: gettext(
        "Notice was given already; the contract ends on %(last)s.", last=shown_day(values, "last")
    ),
    "end-too-early": lambda values: gettext(
        "The contract binds until %(earliest)s at least.", earliest=shown_day(values, "earliest")
    ),
    "not-a-period-end": lambda values: gettext(
        "The contract ends only with one of its periods, next on %(next)s.", next=shown_day(values, "next")
    ),
}
_FREEZES: dict[str, Callable[[Values], str]] = {
    "freeze-backwards": lambda _values: gettext("The freeze would end before it begins."),
    "freeze-retroactive": lambda _values: gettext("A freeze begins today at the earliest."),
    "freeze-notice": lambda values: ngettext(
        "A freeze has to be entered %(num)d day ahead; it can begin on %(earliest)s.",
        "A freeze has to be entered %(num)d days ahead; it can begin on %(earliest)s.",
        number(values, "days"),
        earliest=shown_day(values, "earliest"),
    ),
    "freeze-not-begun": lambda values: (
        gettext("The pass begins on %(first)s; it cannot rest before.", first=shown_day(values, "first"))
        if values.get("first")
        else gettext("The pass begins with its first visit; it cannot rest before.")
    ),
    "freeze-after-end": lambda values: gettext(
        "The pass ends on %(last)s; it cannot rest afterwards.", last=shown_day(values, "last")
    ),
    "freeze-overlaps": lambda values: gettext(
        "The pass rests from %(first)s to %(last)s already.",
        first=shown_day(values, "first"),
        last=shown_day(values, "last"),
    ),
    "freeze-number": lambda values: (
        ngettext(
            "This pass may rest %(num)d time, and it has.",
            "This pass may rest %(num)d times, and it has.",
            number(values, "most"),
        )
        if values.get("most")
        else gettext("This pass cannot rest.")
    ),
    "freeze-days-each": lambda values: ngettext(
        "This pass may rest %(num)d day at a time; that would be %(days)s.",
        "This pass may rest %(num)d days at a time; that would be %(days)s.",
        number(values, "most"),
        days=values.get("days", 0),
    ),
    "freeze-days-in-all": lambda values: ngettext(
        "This pass may rest %(num)d day in all; left: %(left)s.",
        "This pass may rest %(num)d days in all; left: %(left)s.",
        number(values, "most"),
        left=values.get("left", 0),
    ),
}
_SALES: dict[str, Callable[[Values], str]] = {
    "type-archived": lambda _values: gettext("This pass type is archived. Please restore it first."),
    "type-deleted": lambda _values: gettext("This pass type was deleted."),
    "type-not-archived": lambda _values: gettext("This pass type is not archived."),
    "type-held": lambda values: (
        gettext(
            "%(holder)s holds a pass of this type until %(last)s. Please end that one first.",
            holder=values.get("holder", ""),
            last=shown_day(values, "last"),
        )
        if values.get("last")
        else gettext(
            "%(holder)s holds a pass of this type without an end. Please end that one first.",
            holder=values.get("holder", ""),
        )
    ),
    "type-in-package": lambda values: gettext(
        "It is a part of the package %(name)s. Please take it out of there or delete that first.",
        name=values.get("name", ""),
    ),
    "component-gone": lambda values: gettext("%(name)s cannot be sold any more.", name=values.get("name", "")),
    "component-package": lambda values: gettext(
        "%(name)s is a package itself; a package holds single pass types.", name=values.get("name", "")
    ),
    "component-contract": lambda values: gettext(
        "%(name)s is a contract; it cannot be a part of a package.", name=values.get("name", "")
    ),
    "component-itself": lambda _values: gettext("A package cannot be a part of itself."),
    "component-visits": lambda _values: gettext("This pass type says itself how many visits it has."),
    "trial-used": lambda _values: gettext("This participant has had a trial; there is one for each."),
    "visits-fixed": lambda _values: gettext("The number of visits is set by the pass type."),
    "starts-at-first-visit": lambda _values: gettext(
        "This pass begins with the first visit. Please give no first day."
    ),
    "starts-at-sale": lambda _values: gettext("A one-off pass is good on the day of its sale."),
    "starts-in-the-past": lambda _values: gettext("Please choose today or a later day as the first."),
    "not-in-type": lambda _values: gettext("This pass type is not good for all that was chosen here."),
    "nowhere": lambda _values: gettext("Please choose at least one."),
    "no-choice": lambda _values: gettext("With this pass type the participant joins all its courses."),
    "choose-one-course": lambda _values: gettext("A one-off pass is for one course. Please choose it."),
    "package-part": lambda _values: gettext("For a package this is set for each of its parts."),
}
_TYPES: dict[str, Callable[[Values], str]] = {
    "price-needed": lambda _values: gettext("A visit or an instalment cannot be free. Please enter a price."),
    "dynamic-visits": lambda _values: gettext("The number of visits is said at the sale. Please leave this empty."),
    "dynamic-one-off": lambda _values: gettext("Only a type with a fixed price can be one-off."),
    "trial-not-fixed": lambda _values: gettext("A trial needs a fixed price."),
    "trial-not-one-off": lambda _values: gettext("A trial is always one-off."),
    "one-off-visits": lambda _values: gettext("A one-off pass is good for one visit."),
    "one-off-term": lambda _values: gettext("A one-off pass is good for one day."),
    "one-off-freezes": lambda _values: gettext("A one-off pass cannot rest."),
    "no-limit": lambda _values: gettext("This pass would never end. Please enter visits, a term or a contract."),
    "contract-dynamic": lambda _values: gettext("A contract has a fixed price for each instalment."),
    "contract-one-off": lambda _values: gettext("A contract cannot be one-off."),
    "contract-term": lambda _values: gettext("A contract runs by its minimum term. Please leave this empty."),
    "contract-visits": lambda _values: gettext("A contract that renews has no number of visits."),
    "contract-at-first-visit": lambda _values: gettext("A contract needs a first day; its instalments follow from it."),
    "club-cards-off": lambda _values: gettext("Club cards are switched off here."),
    "club-card-only": lambda _values: gettext("A club card pays for no visit, so this cannot be set for it."),
    "no-such-branch": lambda _values: gettext("There is no such branch any more."),
    "no-such-course": lambda _values: gettext("There is no such course any more."),
    "course-elsewhere": lambda _values: gettext("A chosen course is in none of the chosen branches."),
    "not-individual": lambda _values: gettext("A chosen course gives no individual lessons."),
    "rosters-need-courses": lambda _values: gettext("Please choose the courses that the participant joins."),
    "not-a-weekday": lambda _values: gettext("There is no such day of the week."),
    "rebooking-without-booking": lambda _values: gettext(
        "Missed bookings are moved only where the pass books by itself."
    ),
    "misses-without-rebooking": lambda _values: gettext("This can be set only where missed bookings are moved."),
    "freeze-limits-exclude": lambda _values: gettext("This limit of freezes contradicts another one."),
    "package-too-small": lambda values: gettext(
        "A package needs %(least)s parts at least.", least=values.get("least", 2)
    ),
    "renewal-term-unused": lambda _values: gettext(
        "Only a contract that renews by fixed terms needs this. Please leave it empty."
    ),
    "notice-too-long": lambda _values: gettext(
        "The notice period is longer than the term; nobody could give it in time."
    ),
    "consumer-minimum": lambda _values: gettext("A contract binds consumers for two years at most."),
    "consumer-renewal": lambda _values: gettext("With consumers a contract renews indefinitely or not at all."),
    "consumer-notice": lambda values: gettext(
        "For consumers the notice period is %(most)s at most.", most=_stretch(values)
    ),
}
_WARNINGS: dict[str, Callable[[Values], str]] = {
    "about-to-end": lambda values: gettext("This pass ends on %(last)s.", last=shown_day(values, "last")),
    "units-low": lambda values: ngettext(
        "%(num)d unit is left on this pass.", "%(num)d units are left on this pass.", number(values, "left")
    ),
    "debt": lambda values: gettext("Still owed for this pass: %(amount)s.", amount=money(number(values, "cents"))),
}

PASS_TEXTS: dict[str, Callable[[Values], str]] = _PAYING | _UNITS_AND_ENDS | _FREEZES | _SALES | _TYPES
