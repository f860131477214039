"""What feeds are joined from, and by what choices of a feed's owner it is rendered (SPEC C2, C3, C4)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from booking.values.feeds import FeedChoices
from booking.values.states import Variant
from ical.window import Window


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """`is_expanded`: every occurrence of a series is an event of its own, for clients that read no recurrence.

    `alarm` is how long before the start a client that allows it reminds, at least a minute; None: not at all.
    """

    variant: Variant
    language: str = "de"
    window: Window = field(default_factory=Window)
    is_expanded: bool = False
    alarm: timedelta | None = None


def options_of(choices: FeedChoices) -> FeedOptions:
    """How a feed of these choices is rendered."""
    return FeedOptions(
        variant=choices.variant,
        language=choices.language,
        window=Window(choices.cancelled_shown, choices.months_back, choices.months_ahead),
        is_expanded=choices.series_expanded,
        alarm=timedelta(minutes=choices.alarm_minutes) if choices.alarm_minutes is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Fragment:
    """An entry or a series as a feed shows it, and all that joining it needs to know; it can be kept.

    `order` sorts fragments in a feed; `zones` need a VTIMEZONE; `modified` is the last change that can be seen in it,
    also that something came or went by itself; from `valid_until` (None: never) on it is another. Where nothing is
    shown, `data` is empty. It may hold a door code (SPEC C4).
    """

    order: tuple[object, ...]
    data: bytes = field(repr=False)
    zones: frozenset[str]
    modified: datetime
    valid_until: datetime | None
