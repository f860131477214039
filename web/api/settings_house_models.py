"""What the calls about the house's settings say and are answered (SPEC S8, S14, S22, S27, X9)."""

from datetime import time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints

from booking.tables.houses import TermsKind
from booking.values.states import Weight
from web import field_readers as read_as
from web.api.common_models import Clock
from web.api.models import Email, Instant, Language, Line, Model, Needed, plain_text

Phone = Annotated[Line, AfterValidator(read_as.phone)]
Address = Annotated[Email, AfterValidator(read_as.email)]
Iban = Annotated[Line, AfterValidator(read_as.iban)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40), AfterValidator(plain_text)]
Legal = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000), AfterValidator(plain_text)
]
Whole = Annotated[StrictInt, Field(ge=0, le=1_000_000)]
Country = Literal["DE", "AT", "CH"]
State = Literal["BW", "BY", "BE", "BB", "HB", "HH", "HE", "MV", "NI", "NW", "RP", "SL", "SN", "ST", "SH", "TH"]
Currency = Literal["EUR", "CHF"]


class HouseChange(Model):
    """What is named is set; null empties what may be empty."""

    name: Needed = ""
    legal_name: Needed = ""
    street: Needed = ""
    postcode: Needed = ""
    city: Needed = ""
    country: Country = "DE"
    subdivision: State | None = Field(default=None, description="the state, for its public holidays")
    email: Address = ""
    desk_email: Address | None = None
    office_phone: Phone | None = None
    desk_phone: Phone | None = None
    tax_number: Short | None = None
    vat_id: Short | None = None
    payee: Needed = ""
    iban: Iban = ""
    bic: Short | None = None
    payment_days: Whole = 0
    currency: Currency = "EUR"
    language: Language = "de"
    zone: Needed = ""
    holidays_close_rooms: StrictBool = False
    review_by: Clock = time(0)
    grace_seconds: Whole = 0
    mail_at: Clock = time(0)
    desk_days: Whole = 0
    digest_at: Clock = time(0)
    code_hours_before: Whole | None = Field(default=None, description="null: with the confirmation")
    code_after_payment: StrictBool = False
    feed_code_hours: Whole | None = Field(
        default=None, description="door codes in customers' own feeds, hours before the start; null: never"
    )
    approve_after_kept: Whole | None = Field(default=None, description="null: never by itself")
    open_per_contact: Whole = 0
    open_per_address: Whole = 0
    open_per_room: Whole = 0
    mail_check: StrictBool = False


class HouseSettings(Model):
    """`GET /work-hours` tells the hours, `GET /findings` what is looked for in a request."""

    name: str
    legal_name: str
    street: str
    postcode: str
    city: str
    country: str
    subdivision: str | None
    email: str
    desk_email: str | None
    office_phone: str | None
    desk_phone: str | None
    tax_number: str | None
    vat_id: str | None
    payee: str
    iban: str
    bic: str | None
    payment_days: int
    currency: str
    language: str
    zone: str
    holidays_close_rooms: bool
    review_by: Clock
    grace_seconds: int
    mail_at: Clock
    desk_days: int
    digest_at: Clock
    code_hours_before: int | None
    code_after_payment: bool
    feed_code_hours: int | None
    approve_after_kept: int | None
    open_per_contact: int
    open_per_address: int
    open_per_room: int
    mail_check: bool


class CancelStep(Model):
    """Later than so many days before the start, at the same time of day, it costs that share of the price."""

    days_before: Whole
    fee_percent: Whole


class TermsChange(Model):
    """How a room is booked. What is booked already keeps its time and its price."""

    slot_minutes: Whole = 0
    grid_minutes: Whole = 0
    shortest_minutes: Whole = 0
    longest_minutes: Whole = 0
    buffer_before_minutes: Whole = 0
    buffer_after_minutes: Whole = 0
    tolerance_before_minutes: Whole = 0
    tolerance_after_minutes: Whole = 0
    notice_minutes: Whole = 0
    horizon_days: Whole = 0
    cancel_steps: list[CancelStep] = Field(
        default=[], description="all steps of cancelling and moving, the earliest first; none: always free"
    )
    price_list: UUID = Field(default=UUID(int=0), description="`GET /price-lists` lists them")


class RoomTerms(TermsChange):
    """All lengths are whole minutes."""


class FindingPath(Model):
    code: Annotated[str, StringConstraints(max_length=40)]


class FindingBody(Model):
    """`weight` null switches it off. `number`: what it is measured against, where it is; null: stays."""

    weight: Weight | None
    number: Annotated[StrictInt, Field(ge=0, le=100_000)] | None = None


class FindingSetting(Model):
    """`measured`: whether `number` counts."""

    code: str
    name: str
    weight: Weight | None
    number: int | None
    measured: bool


class FindingSettings(Model):
    findings: list[FindingSetting]


class LegalBody(Model):
    kind: TermsKind
    language: Language
    text: Legal


class LegalText(Model):
    """Earlier versions stay: who accepted one is kept with it."""

    kind: TermsKind
    language: str
    version: int
    text: str
    published_at: Instant


class LegalTexts(Model):
    texts: list[LegalText]
