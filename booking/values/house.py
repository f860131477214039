"""What an operator says about the house: opening, seasons, closing days, office hours, terms of a room, prices.

All of it is local: dates, weekdays (Monday = 0) and wall times in the branch's zone. `closes` of 00:00 means midnight
at the end of the day. Nothing here is an instant.
"""

from dataclasses import dataclass
from datetime import date, time, timedelta
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
class RoomTerms:
    """How a room is booked. Buffers occupy the room; tolerance only widens the code's window (SPEC S22).

    A start lies on the grid, counted from the opening; a length is a multiple of the slot, within shortest and longest.
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
    free_until_days: int = 7
    late_fee_percent: int = 0


@dataclass(frozen=True, slots=True)
class PriceRule:
    """One line of a price list (SPEC S25). The most specific matching rule wins; `rank` breaks ties, highest first.

    `weekdays` empty means every day; `season_id` None means all year. `cents` is gross, per hour or per slot.
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


@dataclass(frozen=True, slots=True)
class PriceList:
    """`exemption` is the legal reason printed where the VAT rate is 0."""

    rules: tuple[PriceRule, ...]
    vat_rate: BasisPoints
    minimum: Cents
    exemption: str | None = None


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a price, as shown before the request and explained on the invoice."""

    text: str
    quantity_minutes: int
    unit_cents: Cents
    gross: Cents
    rate: BasisPoints


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
    """One line of an invoice. `minutes` of 0 marks a line without a length: a minimum, a discount, a fee."""

    position: int
    text: str
    minutes: int
    unit_cents: Cents
    amount: Gross
