"""What the desk's calls say and are answered (SPEC S3, S16, S17)."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from booking.values.states import BookingState, CodeState, Weight
from web.api.models import Instant, Model, Times, plain_text

Typed = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(plain_text)]


class DeskSearch(Model):
    """A name, telephone number, time of day, booking code, or the code of a booking site."""

    q: Typed


class NamedBody(Model):
    """What the caller named: the booking code, or name and telephone number."""

    booking_code: StrictBool = False
    name: StrictBool = False
    phone: StrictBool = False


class DeskFinding(Model):
    """`text` in the language of Accept-Language."""

    code: str
    weight: Weight
    text: str


class DeskBooking(Times):
    """`judgement`: ok, look twice (wait), or not to be given a code without the office (stop)."""

    id: UUID
    code: str
    refs: list[str] = Field(description="its codes on booking sites")
    state: BookingState
    name: str
    company: str
    phone: str
    purpose: str
    people: int
    room: UUID
    room_name: str
    review_at: Instant
    short_notice: bool
    code_given: bool
    judgement: Literal["ok", "wait", "stop"]
    findings: list[DeskFinding]


class DeskBookings(Model):
    bookings: list[DeskBooking]


class TextOfCode(Times):
    """A door code in plain text and when it opens the door. Read it out; keep it nowhere."""

    door: str
    code: str


class DeskIssued(Model):
    """`again`: it had been given out before. `mail_at`: when the mail with invoice and payment data goes out."""

    id: UUID
    state: BookingState
    again: bool
    mail_at: Instant
    codes: list[TextOfCode]


class DeskCode(Times):
    """A code of the next days, without what it says."""

    door: str
    state: CodeState
    party: str
    booking_code: str
    told_by_phone: bool


class DeskCodes(Model):
    codes: list[DeskCode]


class ShownDeskCode(DeskCode):
    code: str


class ShownDeskCodes(Model):
    codes: list[ShownDeskCode]
