"""What was read of one resource, as an item or as the problem that keeps it from being one (SPEC C9, C12). Pure."""

from booking.values.refusals import Refused
from ical.item import Item
from sync.many import Outcome

NOT_THERE = "it never ends"
SEVERAL = "more than one event"
NO_EVENT = "no event"
BROKEN = "parts of it cannot be read"


def item_of(outcome: Outcome, *, is_writer: bool) -> tuple[Item | None, str]:
    """A link that writes takes an item whole or not at all; one that reads takes what can be read of it."""
    if isinstance(outcome, Refused):
        return None, outcome.codes[0]
    if len(outcome.items) > 1:
        return None, SEVERAL
    if not outcome.items:
        return None, outcome.problems[0].code.value if outcome.problems else NO_EVENT
    item = outcome.items[0]
    if is_writer and (not outcome.is_whole or item.uid in outcome.lost):
        return None, BROKEN
    return item, ""
