"""What was read of one resource, as an item or as the problem that keeps it from being one (SPEC C9, C12). Pure."""

from dataclasses import dataclass

from booking.values.refusals import Refused
from ical.item import Item
from sync.many import Outcome

NOT_THERE = "it never ends"
SEVERAL = "more than one event"
NO_EVENT = "no event"
BROKEN = "parts of it cannot be read"


@dataclass(frozen=True, slots=True)
class Foreign:
    """`lacks`: why some of its times may be missing from the item; nobody may take them for free (SPEC C9)."""

    item: Item | None
    problem: str = ""
    lacks: str = ""


def item_of(outcome: Outcome, *, is_writer: bool) -> Foreign:
    """A link that writes takes an item whole or not at all; one that reads takes what can be read of it."""
    if isinstance(outcome, Refused):
        return Foreign(None, outcome.codes[0])
    if len(outcome.items) > 1:
        return Foreign(None, SEVERAL)
    if not outcome.items:
        return Foreign(None, outcome.problems[0].code.value if outcome.problems else NO_EVENT)
    item = outcome.items[0]
    if outcome.is_whole and item.uid not in outcome.lost:
        return Foreign(item)
    if is_writer:
        return Foreign(None, BROKEN)
    losses = (one.code.value for one in outcome.problems if one.is_loss and one.uid in {"", item.uid})
    return Foreign(item, lacks=next(losses, BROKEN))
