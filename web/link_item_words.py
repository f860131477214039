"""Entries of a calendar link as people know them: title, day and time, and why one waits (SPEC C8, C10)."""

from booking.reads.links import ItemLine
from booking.values.links import UNWRITTEN_ITEM
from booking.values.slot import Slot
from ical.canon import item_of
from ical.item import Details, Item
from web.filters import moment, when
from web.i18n import gettext


def name(item: ItemLine) -> str:
    """Its title; what was never read has none."""
    content = _content(item)
    first = _first(content) if content else None
    return item.title or (first.summary if first else "") or gettext("Entry without a title")


def lines(item: ItemLine, zone: str) -> tuple[str, ...]:
    """Day and time; of what could not be read the place where it lies there."""
    if item.starts_at and item.ends_at:
        return (when(Slot(item.starts_at, item.ends_at), zone),)
    content = _content(item)
    if content is None:
        return (item.href.rsplit("/", 1)[-1],) if item.href else ()
    first = _first(content)
    start, end = first.start.instant, first.end.instant
    told = when(Slot(start, end), zone) if start < end else moment(start, zone)
    return (told, gettext("repeats")) if content.recurrence else (told,)


def item_problem(problem: str) -> str:
    """Why an entry waits; empty where nothing is said. What is no code of ours is told as something that failed."""
    if not problem:
        return ""
    if problem.startswith(UNWRITTEN_ITEM):
        why = _not_taken(problem.removeprefix(UNWRITTEN_ITEM))
        return gettext("could not be written there: %(why)s", why=why)
    return _kept_out(problem)


def _not_taken(reason: str) -> str:
    texts = {
        "auth": gettext("the calendar does not allow it"),
        "gone": gettext("the calendar knows no such place"),
        "refused": gettext("the calendar says no"),
        "down": gettext("its server reports a fault of its own, or is full"),
        "too-slow": gettext("its server did not answer in time"),
        "too-large": gettext("its server answered with more than is read"),
        "clashed": gettext("its server says that something stands in the way"),
        "covered": gettext("its server does not show what stands there, and that would be lost"),
        "unfit": gettext("it cannot be put down as a calendar entry"),
    }
    return texts.get(reason, gettext("its server gave an answer that cannot be read"))


def _kept_out(problem: str) -> str:
    texts = {
        "not handed out": gettext("the calendar does not hand it out"),
        "more than one event": gettext("it holds more than one entry"),
        "no event": gettext("it holds no entry"),
        "parts of it cannot be read": gettext("parts of it cannot be read"),
        "it never ends": gettext("it cannot be read to its end"),
        "goes back and forth": gettext("it went back and forth between both sides"),
        "IGNORED_FREE": gettext("it takes no time"),
        "IGNORED_OWN": gettext("it is one of ours"),
        "IGNORED_COPY": gettext("it is a copy of one of ours"),
        "IGNORED_FOREIGN": gettext("it is not ours"),
        "IGNORED_DOUBLE": gettext("another entry there has the same name"),
        "AGED": gettext("it is over"),
    }
    failed = problem[:1].isupper()  # by the name of an error, in what an earlier version wrote down, too
    return texts.get(problem) or (gettext("something went wrong with it") if failed else gettext("it cannot be read"))


def _content(item: ItemLine) -> Item | None:
    return None if item.content is None else item_of(item.content)


def _first(item: Item) -> Details:
    return item.master or min(item.overrides.values(), key=lambda details: details.start.instant)
