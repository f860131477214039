"""What cancelling and moving a rental costs, in words: for customers before they ask, and for the office (SPEC S27)."""

from collections.abc import Iterator, Sequence

from booking.values.house import CancelStep
from web.i18n import gettext, ngettext


def cancel_words(steps: Sequence[CancelStep]) -> str:
    """A room's steps in one sentence. `steps`: the earliest first; those that change nothing are left out."""
    told = list(_that_count(steps))
    if not told:
        return gettext("Cancelling or changing the time is free until the start.")
    first, *others = told
    free = ngettext(
        "Cancelling or changing the time is free until %(num)d day before the start",
        "Cancelling or changing the time is free until %(num)d days before the start",
        first.days_before,
    )
    fees = [gettext("afterwards it costs %(percent)d %% of the price", percent=first.fee_percent)]
    fees += [
        ngettext(
            "from %(num)d day before %(percent)d %%",
            "from %(num)d days before %(percent)d %%",
            step.days_before,
            percent=step.fee_percent,
        )
        for step in others
    ]
    return f"{free}; {', '.join(fees)}."


def _that_count(steps: Sequence[CancelStep]) -> Iterator[CancelStep]:
    """Steps that raise the fee before the start; after it nothing is cancelled any more."""
    fee = 0
    for step in steps:
        if step.fee_percent > fee and step.days_before:
            fee = step.fee_percent
            yield step
