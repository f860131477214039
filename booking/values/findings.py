"""What the plausibility review looks at and what it finds (SPEC S8)."""

from dataclasses import dataclass, field
from datetime import datetime

from booking.values.slot import Slot
from booking.values.states import Weight


@dataclass(frozen=True, slots=True)
class Contact:
    """What the customer entered, stripped of surrounding blanks. `phone` is as typed."""

    name: str
    company: str
    email: str
    phone: str
    street: str
    postcode: str
    city: str
    country: str


@dataclass(frozen=True, slots=True)
class Wish:
    """A request as it is judged."""

    contact: Contact
    slot: Slot
    purpose: str
    people: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What the house knows about the contact and the time when the findings are computed."""

    overlapping: tuple[Slot, ...] = ()  # other open or confirmed bookings of this contact at that time
    repeated: int = 0  # requests of this contact for the same slot, made before and ended
    open_requests: int = 0  # of this contact, this one not counted
    unpaid_invoices: int = 0
    no_shows: int = 0
    kept_bookings: int = 0
    codes_left: int | None = None  # None: the room needs no code
    in_season: bool = True
    discount_elsewhere: bool = False  # another file under this mail address has a standing discount, this one none
    clashes: tuple[str, ...] = ()  # names of what takes the time too, an external calendar above all
    is_proven: bool = False  # the mail address is the contact's: the mail check, or the link of a mail
    differs: bool = False  # not proven, and name, phone or address are of no file that was confirmed under it


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding by its code, how it weighs, and the values that its text names."""

    code: str
    weight: Weight
    values: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Threshold:
    """One row of the settings: a finding's weight (None switches it off) and the number it is measured against."""

    weight: Weight | None
    number: int | None = None
