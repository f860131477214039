"""What calls of the API say and are answered: pydantic models, which the OpenAPI description is made of (SPEC X3)."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    WithJsonSchema,
)

from booking.rules.extras import MOST
from booking.values.clock import within_reach
from booking.values.feeds import LEAST_ALARM, MONTHS_BACK, MOST_ALARM, MOST_MONTHS
from booking.values.house import Per
from booking.values.states import BookingState, Source, SubjectKind, Variant, Verdict, Weight

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_UNWANTED = frozenset({"Cc", "Cs", "Co", "Cn"})


def read_instant(value: object) -> datetime:
    """An instant as RFC 3339 writes it: with an offset, of the years 2000 to 2199; aware UTC. Raises ValueError."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise ValueError("must be a time as in RFC 3339 with its offset, such as 2026-12-05T18:00:00+01:00 (+ is %2B)")
    try:
        return within_reach(datetime.fromisoformat(value).astimezone(UTC))
    except (ValueError, OverflowError):
        raise ValueError("is no time that exists, or none of the years 2000 to 2199") from None


def plain_text(value: str) -> str:
    """Text without control characters; line breaks may stay. Raises ValueError."""
    if value.isprintable():
        return value
    if any(unicodedata.category(sign) in _UNWANTED and sign not in "\n\r\t" for sign in value):
        raise ValueError("must not contain control characters")
    return value


Instant = Annotated[datetime, BeforeValidator(read_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(plain_text)]
Needed = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(plain_text)
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(plain_text)]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(plain_text),
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Language = Literal["de", "en"]


class Model(BaseModel):
    """Unknown members are an error: a misspelled one must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Problem(BaseModel):
    """RFC 9457. `reasons` holds every reason at once; `at` names the member that it belongs to."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    reasons: list["ProblemReason"]


class ProblemReason(Model):
    code: str
    at: str | None
    message: str


class Contact(Model):
    name: Needed
    company: Line = ""
    email: Email
    phone: Needed
    street: Needed
    postcode: Needed
    city: Needed
    country: Country = "DE"


class RoomPath(Model):
    room_id: UUID


class RequestPath(Model):
    request_id: UUID


class BookingPath(Model):
    booking_id: UUID


class FeedPath(Model):
    feed_id: UUID


class FreeQuery(Model):
    start: Instant = Field(alias="from", description="first instant, RFC 3339")
    end: Instant = Field(alias="to", description="end of the stretch, at most 31 days later")
    minutes: Annotated[int, Field(ge=1, le=24 * 60)] | None = Field(
        default=None, description="length of the wish; by default the shortest that the room allows"
    )


class RequestsQuery(Model):
    state: BookingState | None = None
    room: UUID | None = None
    cursor: UUID | None = Field(default=None, description="`next` of the page before")
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ExtraWish(Model):
    """How many of an extra of the room's list; `extra` is its id there."""

    extra: UUID
    count: Annotated[StrictInt, Field(ge=1, le=MOST)] = 1


Wishes = Annotated[list[ExtraWish], Field(max_length=50)]


class ExtraOffer(Model):
    """`most` null: as many as wanted. `cents` with VAT, for the booking, an hour of it or each of its people."""

    id: UUID
    name: str
    cents: int
    per: Per
    vat_basis_points: int
    most: int | None


class BookedExtra(Model):
    """As it was when it was booked."""

    name: str
    count: int
    cents: int
    per: Per
    vat_basis_points: int


class PriceLine(Model):
    """Measured in `minutes` or counted in `pieces`, else neither: a minimum, a discount. `cents` with VAT."""

    text: str
    minutes: int
    pieces: int
    unit_cents: int
    cents: int
    vat_basis_points: int


class PriceAsk(Model):
    """`customer`: a known one, whose group's prices apply; without one everybody's do."""

    start: Instant
    end: Instant
    people: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    extras: Wishes = []
    customer: UUID | None = None


class PriceAnswer(Model):
    """`group`: the group whose prices these are. `exemption`: why a rate is 0."""

    price_cents: int
    currency: str
    price_lines: list[PriceLine]
    exemption: str | None
    group: UUID | None


class AskBody(Model):
    """Who asks is a known `customer`, for the prices of their group, or a `contact`, for everybody's: one of both.

    `price_cents`: the price that was shown; where it is another one by now, `due_cents`, nothing is requested.

    `terms_accepted`: the customer accepted the terms and house rules in force now; their versions are stored.

    Refused (no-terms) where none are published: nothing could be stored then.
    """

    room: UUID
    start: Instant
    end: Instant
    people: Annotated[StrictInt, Field(ge=1, le=100_000)]
    purpose: Text = ""
    language: Language = "de"
    contact: Contact | None = None
    customer: UUID | None = None
    extras: Wishes = []
    price_cents: Annotated[StrictInt, Field(ge=0)] | None = None
    terms_accepted: StrictBool = False
    advertising: StrictBool = False


class ApproveBody(Model):
    """Nothing needs to be said."""


class GroupPriceGiven(Model):
    id: UUID
    price_cents: int
    price_lines: list[PriceLine]


class RejectBody(Model):
    reason: Text


class CancelBody(Model):
    """`fee_cents`: the fee that was agreed to, 0 for none; where another is due, `due_cents`, nothing is cancelled."""

    reason: Text = ""
    waive_fee: StrictBool = False
    fee_cents: Annotated[StrictInt, Field(ge=0)] | None = None


class MoveBody(Model):
    """`room` is another room to move to; without it the booking stays in its own."""

    start: Instant
    end: Instant
    room: UUID | None = None


class FeedBody(Model):
    """`room`, `booking`, `course` or `series` names whose calendar it is where `kind` says so.

    Entries come `months_ahead` of their start (null: at once) and stay for `months_back`; `alarm_minutes` before the
    start clients that allow it remind (null: never). `series_expanded`: every date of a series is an event of its
    own, for programs that do not show series; else a series is one event with its rule.
    """

    kind: Literal[
        SubjectKind.OFFICE,
        SubjectKind.DESK,
        SubjectKind.ROOM,
        SubjectKind.BOOKING,
        SubjectKind.COURSE,
        SubjectKind.SERIES,
    ]
    name: Needed
    variant: Variant = Variant.BUSY
    language: Language = "de"
    room: UUID | None = None
    booking: UUID | None = None
    course: UUID | None = None
    series: UUID | None = None
    cancelled_shown: StrictBool = True
    months_back: Annotated[StrictInt, Field(ge=0, le=MOST_MONTHS)] = MONTHS_BACK
    months_ahead: Annotated[StrictInt, Field(ge=1, le=MOST_MONTHS)] | None = None
    alarm_minutes: Annotated[StrictInt, Field(ge=LEAST_ALARM, le=MOST_ALARM)] | None = None
    series_expanded: StrictBool = False


class Times(Model):
    start: Instant
    end: Instant


class Room(Model):
    id: UUID
    name: str
    description: str
    branch: str
    location: str
    zone: str
    slot_minutes: int
    grid_minutes: int
    shortest_minutes: int
    longest_minutes: int
    most_people: int
    bookable_until: Instant
    extras: list[ExtraOffer]


class Rooms(Model):
    rooms: list[Room]


class FreeTime(Times):
    price_cents: int | None


class FreeTimes(Model):
    room: UUID
    currency: str
    free: list[FreeTime]


class Finding(Model):
    code: str
    weight: Weight
    values: dict[str, Any]


class Made(Times):
    """A request that stands: its time is blocked, its code is the payment reference."""

    id: UUID
    code: str
    state: BookingState
    room: UUID
    review_at: Instant
    short_notice: bool
    price_cents: int
    currency: str
    price_lines: list[PriceLine]
    extras: list[BookedExtra]
    findings: list[Finding]


class Decision(Model):
    """Rests until `final_at`; until then it can be undone."""

    verdict: Verdict
    reason: str
    decided_at: Instant
    final_at: Instant


class Request(Made):
    source: Source
    people: int
    purpose: str
    language: str
    contact: Contact
    customer: UUID
    group: UUID | None
    made_at: Instant
    overdue: bool
    end_reason: str
    decision: Decision | None


class Requests(Model):
    requests: list[Request]
    next: UUID | None


class Decided(Model):
    id: UUID
    verdict: Verdict
    final_at: Instant
    is_final: bool


class Undone(Model):
    id: UUID
    state: BookingState


class Cancelled(Model):
    id: UUID
    fee_cents: int
    free_until: Instant


class Moved(Times):
    id: UUID
    price_cents: int


class FeedMade(Model):
    """`url` is the secret address; it can be shown again, and is no longer answered once the feed is deleted."""

    id: UUID
    kind: SubjectKind
    name: str
    url: str
