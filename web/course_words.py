"""Courses, series and their terms in words, for the office and for the timetable."""

from datetime import date, datetime, timedelta

from booking.reads.house import House
from booking.values.money import Cents
from booking.values.recurrence import Frequency, Rule
from booking.values.timetable import EventTerms, SeriesPlan, WaitingPolicy
from web.i18n import gettext, ngettext, translator

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rule_words(plan: SeriesPlan) -> str:
    """`Mo, Mi 18:00-19:30`, or `every 2 weeks: Mo 18:00-19:30`."""
    start = datetime.combine(plan.first, plan.wall)
    end = start + plan.length
    times = f"{start:%H:%M}\u2013{end:%H:%M}"
    if plan.rule.frequency is Frequency.DAILY:
        many = plan.rule.interval
        every = gettext("every day") if many == 1 else ngettext("every %(num)d day", "every %(num)d days", many)
        return f"{every} {times}"
    days = ", ".join(translator().weekday(day) for day in sorted(plan.rule.weekdays) or [plan.first.weekday()])
    if plan.rule.interval == 1:
        return f"{days} {times}"
    return f"{ngettext('every %(num)d week', 'every %(num)d weeks', plan.rule.interval)}: {days} {times}"


def span_words(first: date, rule: Rule) -> str:
    """From when to when."""
    begin = translator().day(first)
    if rule.until is not None:
        return gettext("%(first)s to %(last)s", first=begin, last=translator().day(rule.until))
    if rule.count is not None:
        return ngettext("from %(first)s, %(num)d date", "from %(first)s, %(num)d dates", rule.count, first=begin)
    return gettext("from %(first)s, without end", first=begin)


def cost_words(terms: EventTerms, house: House) -> str:
    """`1 unit or 12,00 €`, one of both, or that it costs nothing."""
    parts = [ngettext("%(num)d unit", "%(num)d units", terms.units)] if terms.units else []
    parts += [translator().money(Cents(terms.price), house.currency)] if terms.price else []
    return gettext(" or ").join(parts) or gettext("free of charge")


def places_words(terms: EventTerms) -> str:
    return ngettext("%(num)d place", "%(num)d places", terms.capacity)


def minimum_words(terms: EventTerms) -> str:
    """What becomes of it when too few come; nothing where it takes place anyway."""
    if not terms.minimum:
        return ""
    return ngettext(
        "with %(num)d person at least; decided %(before)s before",
        "with %(num)d people at least; decided %(before)s before",
        terms.minimum,
        before=length_words(terms.decide_before),
    )


def free_words(terms: EventTerms) -> str:
    if not terms.free_until:
        return gettext("until the start")
    return gettext("until %(before)s before", before=length_words(terms.free_until))


def length_words(length: timedelta) -> str:
    """`2 days`, `24 hours`, `90 minutes`: the largest unit that it is whole in, days from two on."""
    if length and not length % DAY and length >= 2 * DAY:
        return ngettext("%(num)d day", "%(num)d days", length // DAY)
    if length and not length % HOUR:
        return ngettext("%(num)d hour", "%(num)d hours", length // HOUR)
    return ngettext("%(num)d minute", "%(num)d minutes", length // timedelta(minutes=1))


def waiting_names() -> dict[WaitingPolicy, str]:
    """What happens when a place frees (SPEC V16)."""
    return {
        WaitingPolicy.OFFER: gettext("Offer it to the first in line"),
        WaitingPolicy.TELL_ALL: gettext("Tell all who wait; who is first has it"),
        WaitingPolicy.BOOK: gettext("Book the first in line at once"),
        WaitingPolicy.NONE: gettext("No waiting list"),
    }


def skipped_name(reason: str) -> str:
    """Why a series does not take place on a day."""
    names = {
        "public-holiday": gettext("public holiday"),
        "closing-day": gettext("closed"),
        "taken": gettext("room taken"),
        "removed": gettext("left out by hand"),
    }
    return names.get(reason, reason)
