"""What each mail is made of: frozen values, one class per kind of mail. The caller gathers, `papers.mails` renders.

Every text is one line; what may have several carries `LINES`. Addresses (`*_url`) are made by us from the configured
base address and never from what a customer wrote.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from booking.values.house import Hours, Price
from booking.values.money import Cents
from booking.values.slot import Slot

LINES: dict[str, Any] = {"lines": True}
NOTHING = Cents(0)
DEFAULT_COLOUR = "#17673b"
_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Phone:
    """A number and the hours in which somebody answers. Without hours, or without a number, it is shown nowhere."""

    number: str
    hours: tuple[Hours, ...]

    @property
    def answered(self) -> bool:
        return bool(self.number.strip() and self.hours)


@dataclass(frozen=True, slots=True)
class House:
    """The sender as every mail shows it. `colour` is `#rrggbb`, checked for contrast where it is set."""

    name: str
    address: tuple[str, ...]
    office: Phone | None = None
    desk: Phone | None = None
    website: str | None = None
    colour: str = DEFAULT_COLOUR

    def __post_init__(self) -> None:
        """Raise ValueError on anything but `#rrggbb`: the colour is written into a style sheet."""
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"a colour is #rrggbb in small letters, not {self.colour!r}")


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booking as its mails name it. `code` is the booking code in its stored form; `zone` is an Olson name."""

    code: str
    room: str
    location: str
    slot: Slot
    zone: str
    status_url: str


@dataclass(frozen=True, slots=True)
class DoorCode:
    door: str
    code: str = field(repr=False)
    valid: Slot


@dataclass(frozen=True, slots=True)
class Codes:
    """The door codes themselves, in the order in which they are used."""

    codes: tuple[DoorCode, ...]


@dataclass(frozen=True, slots=True)
class CodesBefore:
    """The codes follow in a mail of their own, so many hours before the start."""

    hours: int


class NoCodes(StrEnum):
    """Why a mail carries no code: it follows after payment, its window has passed, or the room has no lock."""

    AFTER_PAYMENT = "after-payment"
    PAST = "past"
    NOT_NEEDED = "not-needed"


Access = Codes | CodesBefore | NoCodes


def access_at(now: datetime, codes: tuple[DoorCode, ...]) -> Access:
    """The codes whose window is not over at *now*; PAST where all are (SPEC S18), NOT_NEEDED where there are none."""
    if not codes:
        return NoCodes.NOT_NEEDED
    left = tuple(code for code in codes if code.valid.end > now)
    return Codes(left) if left else NoCodes.PAST


@dataclass(frozen=True, slots=True)
class Payment:
    """How to pay. `reference` is the booking code that stands on the invoice (SPEC S13); a moved rental has another."""

    amount: Cents
    currency: str
    payee: str
    iban: str
    due: date
    reference: str
    bic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLetter:
    """A mail to the customer. `language` is the customer's; `customer` is a name, used only after a confirmation."""

    house: House
    language: str
    customer: str
    appointment: Appointment


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressCheck(CustomerLetter):
    """Is this your address? Sent before anything else where the house asks for it; the time is held till then (S26)."""

    confirm_url: str
    held_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement(CustomerLetter):
    """The request has arrived, no confirmation (S6). `review_by` is the promised instant.

    On short notice `call` is who can be reached now or next (S15), None where nobody can. `before` is the time that it
    was for until it was moved. `move_fee` is what the late change of a confirmed time will cost (S27).
    """

    review_by: datetime
    price: Price
    currency: str
    short_notice: bool = False
    call: Phone | None = None
    before: Slot | None = None
    move_fee: Cents = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation(CustomerLetter):
    """The one mail: codes, payment, invoice (S11, S12); `by_phone` where the desk confirmed it before (S18).

    `replaced` where a code that may be known opens nothing any more (S22). `invoice_differs` where the rental was moved
    and is no longer as its invoice says, `invoice_follows` where that cannot be written yet (S12, S27). `move_fee` is
    what the late change of time costs beside the price.
    """

    access: Access
    price: Price
    currency: str
    payment: Payment | None
    invoice_number: str | None
    by_phone: bool = False
    replaced: bool = False
    invoice_differs: bool = False
    invoice_follows: bool = False
    move_fee: Cents = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesArrive(CustomerLetter):
    """The codes that were promised for later (S22)."""

    access: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesReplaced(CustomerLetter):
    """Codes known before open nothing any more (S22): the new ones, or why they come later and whom to call till then.

    `call` is who can be reached now or next, None where nobody can.
    """

    access: Access
    call: Phone | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection(CustomerLetter):
    """The request was rejected and the time is free again (S10)."""

    reason: str = field(metadata=LINES)
    room_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation(CustomerLetter):
    """A booking or request was cancelled. `fee` is kept by the house's steps, `refund` is what goes back (S27)."""

    by_customer: bool
    currency: str
    reason: str = field(default="", metadata=LINES)
    fee: Cents = NOTHING
    refund: Cents = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(CustomerLetter):
    """The appointment has a new time; `before` is the old one."""

    before: Slot
    access: Access
    price: Price
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(CustomerLetter):
    """Nobody reviewed the request before its start (S26). `stays` is the old time, where it was to be moved (S27)."""

    room_url: str
    stays: Slot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseLetter:
    """A mail to the people of the house, in the house's language."""

    house: House
    language: str


class Audience(StrEnum):
    OFFICE = "office"
    DESK = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestNotice(HouseLetter):
    """A request has come in (S7). The desk reads what it needs at the phone; e-mail and price are the office's.

    `before` is the time that it was for until it was moved.
    """

    audience: Audience
    appointment: Appointment
    customer: str
    phone: str
    email: str
    people: int
    purpose: str = field(metadata=LINES)
    price: Cents
    currency: str
    review_by: datetime
    short_notice: bool
    inbox_url: str
    before: Slot | None = None


@dataclass(frozen=True, slots=True)
class DigestEntry:
    """A code of the coming days; `party` and `booking_code` are empty while nobody has it."""

    door: str
    code: str = field(repr=False)
    valid: Slot
    party: str = ""
    booking_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDigest(HouseLetter):
    """The codes of the next days for the partner desk (S3). Both days inclusive, entries in order."""

    first_day: date
    last_day: date
    zone: str
    entries: tuple[DigestEntry, ...]
    desk_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesRunningOut(HouseLetter):
    """A season's codes end before the season does (S22). `last_day` is the last with a code to give."""

    season: str
    door: str
    left: int
    last_day: date
    doors_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelStuck(HouseLetter):
    """The cancel on the external site fails; the time stays held (S10). `site` is the connection's name."""

    site: str
    appointment: Appointment
    customer: str
    attempts: int
    case_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSilent(HouseLetter):
    """A connection to a booking site has not succeeded for longer than its interval allows (C15). `since`: when it did
    last, told in `zone`.
    """

    site: str
    since: datetime
    zone: str
    sites_url: str


Letter = (
    AddressCheck
    | Acknowledgement
    | Confirmation
    | CodesArrive
    | CodesReplaced
    | Rejection
    | Cancellation
    | Moved
    | Expired
    | RequestNotice
    | DeskDigest
    | CodesRunningOut
    | CancelStuck
    | SiteSilent
)
