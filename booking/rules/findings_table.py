"""The findings of the review: their default weights and numbers, and the English source of their texts (SPEC S8).

The one table; `docs/plausibility.md` repeats it and a test holds both together. Texts are message ids for gettext,
their placeholders the finding's `values`.
"""

from dataclasses import dataclass

from booking.values.findings import Threshold
from booking.values.states import Weight


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding. `measure` says what the threshold's number counts, None where there is none to set."""

    threshold: Threshold
    measure: str | None
    message: str


KINDS: dict[str, Kind] = {
    "clash": Kind(Threshold(Weight.STOP), None, "An external calendar reported a clash: %(calendars)s"),
    "no-code": Kind(Threshold(Weight.STOP), None, "No door code is left for this time"),
    "invalid-mail": Kind(Threshold(Weight.STOP), None, "The mail address %(email)s cannot exist"),
    "overlapping": Kind(
        Threshold(Weight.WARN, 1),
        "bookings at that time, from",
        "The contact has %(count)s bookings at this time already",
    ),
    "repeated": Kind(
        Threshold(Weight.WARN, 1), "earlier requests, from", "The same time was asked for %(count)s times before"
    ),
    "too-many-open": Kind(
        Threshold(Weight.WARN, 4), "open requests besides, from", "%(count)s other requests of this contact are open"
    ),
    "other-data": Kind(
        Threshold(Weight.WARN), None, "Name, phone or address differ from the file of this mail address"
    ),
    "throwaway-mail": Kind(Threshold(Weight.WARN), None, "%(domain)s gives out throw-away mail addresses"),
    "impossible-phone": Kind(Threshold(Weight.WARN), None, "The phone number %(phone)s cannot exist"),
    "nonsense-name": Kind(Threshold(Weight.WARN), None, "The name %(name)s looks made up"),
    "link": Kind(Threshold(Weight.WARN, 1), "links in the purpose, from", "The purpose holds %(count)s links"),
    "spam": Kind(
        Threshold(Weight.WARN, 2), "words of advertising, from", "The purpose reads like advertising: %(words)s"
    ),
    "too-many-people": Kind(Threshold(Weight.WARN), None, "%(people)s people are more than the room's %(most)s"),
    "unpaid-invoices": Kind(Threshold(Weight.WARN, 1), "unpaid invoices, from", "%(count)s invoices are unpaid"),
    "no-shows": Kind(Threshold(Weight.WARN, 2), "no-shows, from", "The contact did not come %(count)s times"),
    "outside-season": Kind(Threshold(Weight.WARN), None, "The time lies outside the season"),
    "unusual-length": Kind(Threshold(Weight.WARN, 360), "minutes, above", "%(minutes)s minutes are unusually long"),
    "discount-elsewhere": Kind(
        Threshold(Weight.INFO), None, "Another file with this mail address has a standing discount"
    ),
    "early": Kind(Threshold(Weight.INFO, 7), "o'clock, begins before", "It begins before %(hour)s o'clock"),
    "late": Kind(Threshold(Weight.INFO, 23), "o'clock, ends after", "It ends after %(hour)s o'clock"),
}

DEFAULTS: dict[str, Threshold] = {code: kind.threshold for code, kind in KINDS.items()}
