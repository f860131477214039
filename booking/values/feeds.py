"""What the owner of a feed chooses about it (SPEC C1 to C4)."""

from dataclasses import dataclass

from booking.values.states import Variant

MONTHS_BACK = 3
MOST_MONTHS = 24
LEAST_ALARM, MOST_ALARM = 5, 7 * 24 * 60


@dataclass(frozen=True, slots=True)
class FeedChoices:
    """How much of each entry is shown and in which language; which entries; whether the client is to remind; how
    a series is laid out.

    `cancelled_shown`: for 30 days, else not at all. `months_back`: how long past entries stay, 0 to 24. `months_ahead`:
    how long before its start an entry comes, 1 to 24; None: at once. `alarm_minutes`: how long before the start clients
    that allow it remind, 5 to a week; None: not at all. `series_expanded`: every occurrence an event of its own, for
    clients that read no recurrence; else a series is one event with its rule. Raises ValueError where a number is not
    within its bounds.
    """

    variant: Variant
    language: str = "de"
    cancelled_shown: bool = True
    months_back: int = MONTHS_BACK
    months_ahead: int | None = None
    alarm_minutes: int | None = None
    series_expanded: bool = False

    def __post_init__(self) -> None:
        ahead, alarm = self.months_ahead, self.alarm_minutes
        if not (
            0 <= self.months_back <= MOST_MONTHS
            and (ahead is None or 1 <= ahead <= MOST_MONTHS)
            and (alarm is None or LEAST_ALARM <= alarm <= MOST_ALARM)
        ):
            raise ValueError(self)
