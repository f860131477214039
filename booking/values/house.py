"""What an operator says about the house: opening, seasons, closing days, office hours, terms of a room, prices.

All of it is local: dates, weekdays (Monday = 0) and wall times in the branch's zone. `closes` of 00:00 means midnight
at the end of the day. Nothing here is an instant.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from booking.values.money import BasisPoints, Cents, Gross

NOTHING = Cents(0)


@dataclass(frozen=True, slots=True)
class Hours:
    """Open on one weekday from `opens` to `closes`; in a season only, or all year where `season_id` is None."""

    weekday: int
    opens: time
    closes: time
    season_id: int | None = None


@dataclass(frozen=True, slots=True)
class Season:
    """Both days inclusive."""

    season_id: int
    name: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class ClosingDay:
    """A stretch of local days, both inclusive, on which a room or the whole house is closed, with the reason shown."""

    first_day: date
    last_day: date
    reason: str
    closes_office: bool = True
    closes_rooms: bool = True


@dataclass(frozen=True, slots=True)
class RoomCalendar:
    """All that decides when a room is open. Public holidays close it only where `holidays_close_rooms` says so."""

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    seasons: tuple[Season, ...] = ()
    closings: tuple[ClosingDay, ...] = ()
    public_holidays: frozenset[date] = frozenset()
    holidays_close_rooms: bool = False


@dataclass(frozen=True, slots=True)
class OfficeTerms:
    """When the office works and how it is reached (SPEC S8, S14, S15).

    `review_by` is the local time of a working day by which requests are reviewed; `mail_at` is when the mails of S18 go
    out. A phone number that is None is shown nowhere.
    """

    zone: ZoneInfo
    hours: tuple[Hours, ...]
    review_by: time
    mail_at: time
    office_phone: str | None
    desk_phone: str | None
    desk_hours: tuple[Hours, ...]
    holidays_close_rooms: bool = False


@dataclass(frozen=True, slots=True)
class CancelStep:
    """After `days_before` days before the start, cancelling or moving costs this share of the price (SPEC S27)."""

    days_before: int
    fee_percent: int


@dataclass(frozen=True, slots=True)
class RoomTerms:
    """How a room is booked. Buffers occupy the room; tolerance only widens the code's window (SPEC S22).

    A start lies on the grid, counted from the opening; a length is a multiple of the slot, within shortest and longest.
    `cancel_steps` are in the order in which they come, the earliest first; without any, cancelling is free.
    """

    slot: timedelta
    grid: timedelta
    shortest: timedelta
    longest: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    notice: timedelta
    horizon: timedelta
    most_people: int
    tolerance_before: timedelta = timedelta(minutes=15)
    tolerance_after: timedelta = timedelta(minutes=15)
    cancel_steps: tuple[CancelStep, ...] = ()


@dataclass(frozen=True, slots=True)
class CustomerGroup:
    """Customers who may have prices of their own (SPEC S25, K26)."""

    group_id: int
    name: str


@dataclass(frozen=True, slots=True)
class PriceRule:
    """One line of a price list (SPEC S25). The most specific matching rule wins; `rank` breaks ties, highest first.

    `weekdays` empty means every day; `season_id` None means all year. `cents` is gross, per hour or per slot.
    `group_id` None means everybody; a rule of the customer's own group comes before all that are for everybody.
    """

    rule_id: int
    name: str
    cents: Cents
    per_hour: bool
    weekdays: frozenset[int] = frozenset()
    from_time: time = time(0)
    to_time: time = time(0)
    season_id: int | None = None
    rank: int = 0
    group_id: int | None = None


class Per(StrEnum):
    """What the price of an extra is for: the whole booking, each hour of it, each of its people."""

    BOOKING = "booking"
    HOUR = "hour"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Extra:
    """What can be booked beside the room. `cents` is gross; `most` None: as many as the customer wants."""

    extra_id: int
    name: str
    cents: Cents
    per: Per
    rate: BasisPoints
    most: int | None = None
    is_offered: bool = True


@dataclass(frozen=True, slots=True)
class ExtraWish:
    """How many of an extra a customer wants."""

    extra_id: int
    count: int


@dataclass(frozen=True, slots=True)
class BookedExtra:
    """An extra as it was when it was booked: frozen with the price (SPEC S25). `exemption`: why its rate is 0."""

    extra_id: int
    name: str
    cents: Cents
    per: Per
    rate: BasisPoints
    count: int
    exemption: str | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """`exemption` is the legal reason printed where the VAT rate is 0."""

    rules: tuple[PriceRule, ...]
    vat_rate: BasisPoints
    minimum: Cents
    exemption: str | None = None
    extras: tuple[Extra, ...] = ()

    @property
    def offered(self) -> tuple[Extra, ...]:
        """The extras that can be booked now, in the order in which they are shown."""
        return tuple(extra for extra in self.extras if extra.is_offered)


@dataclass(frozen=True, slots=True)
class PriceBasis:
    """What a price depends on besides room and time: whose prices apply (None: everybody's), extras, people."""

    group_id: int | None = None
    extras: tuple[BookedExtra, ...] = ()
    people: int = 1


GENERAL = PriceBasis()


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price, as shown before the request and explained on the invoice.

    It is measured by time, or counted in `pieces`; a minimum or a discount is neither.
    """

    text: str
    quantity_minutes: int
    unit_cents: Cents
    gross: Cents
    rate: BasisPoints
    pieces: int = 0


@dataclass(frozen=True, slots=True)
class Price:
    lines: tuple[PriceLine, ...]
    exemption: str | None = None

    @property
    def gross(self) -> Cents:
        return Cents(sum(line.gross for line in self.lines))


@dataclass(frozen=True, slots=True)
class Discount:
    """A reduction kept by hand (SPEC S19): a percentage or an amount; where both are set the larger one counts."""

    reason: str
    percent: int = 0
    cents: Cents = NOTHING

    def __post_init__(self) -> None:
        """Raise ValueError on a percentage outside 0 to 100 or a negative amount."""
        if not 0 <= self.percent <= 100 or self.cents < 0:
            raise ValueError(f"a discount is 0 to 100 % or an amount: {self.percent} %, {self.cents} cents")


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line of an invoice. `minutes` of 0 marks a line without a length: a minimum, a discount, a fee, an extra.

    `pieces` counts an extra that is not measured by time; 0 otherwise.
    """

    position: int
    text: str
    minutes: int
    unit_cents: Cents
    amount: Gross
    pieces: int = 0
