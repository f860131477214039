"""What the office's calls say and are answered: mails, cases, customers, invoices, payments (SPEC S12, S19, X4)."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints

from booking.actions.deciding_cases import Way
from booking.actions.desk import Afterwards
from booking.actions.messages import MailKind
from booking.values.states import BookingState, MessageState
from web.api.common_models import Day, PageQuery
from web.api.models import Contact, Instant, Line, Model, Needed, Text, Times, plain_text

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(plain_text)]


class MailPath(Model):
    mail_id: UUID


class CasePath(Model):
    case_id: UUID


class CustomerPath(Model):
    customer_id: UUID


class InvoicePath(Model):
    invoice_id: UUID


class MailsQuery(PageQuery):
    """`to`: a part of the recipient, the subject or the booking code."""

    state: MessageState | None = None
    kind: MailKind | None = None
    to: Line = ""


class CasesQuery(PageQuery):
    closed: bool = False


class CustomersQuery(PageQuery):
    """`q`: words, each somewhere in name, company, mail address, telephone number or town."""

    q: Line = ""
    discount: bool = Field(default=False, description="true: only those with a standing discount")


class InvoicesQuery(PageQuery):
    paid: bool | None = None
    customer: UUID | None = None


class Mail(Model):
    """`due_at`: the next try of a mail that is queued. `last_error`: why the latest try failed."""

    id: UUID
    kind: str
    state: MessageState
    to: str
    to_name: str
    language: str
    subject: str
    made_at: Instant
    sent_at: Instant | None
    due_at: Instant | None
    attempts: int
    last_error: str
    booking: UUID | None
    booking_code: str


class Mails(Model):
    mails: list[Mail]
    next: UUID | None


class WholeMail(Mail):
    """`text`: the mail as it went out or will, door codes masked; null before the first attempt."""

    text: str | None
    files: list[str]


class MailCode(Times):
    door: str
    code: str


class MailCodes(Model):
    codes: list[MailCode]


class DecideBody(Model):
    way: Way


class Case(Model):
    """`ways`: how it can be decided; empty once it is closed. `facts`: as they were when it opened."""

    id: UUID
    kind: str
    title: str
    question: str
    facts: dict[str, Any]
    opened_at: Instant
    closed_at: Instant | None
    resolution: str
    booking: UUID | None
    booking_code: str
    booking_state: BookingState | None
    party: str
    ways: list[Way]


class Cases(Model):
    cases: list[Case]
    next: UUID | None


class DiscountBody(Model):
    """A percentage or an amount for each booking, with the reason that stands on the invoice; both 0: none.

    Both days count; null: open-ended.
    """

    percent: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    amount_cents: Annotated[StrictInt, Field(ge=0, le=1_000_000_000)] = 0
    note: Note = ""
    first_day: Day | None = None
    last_day: Day | None = None


class CustomerGroupBody(Model):
    """`group` null: in none."""

    group: UUID | None


class Discount(Model):
    percent: int
    amount_cents: int
    note: str
    first_day: Day | None
    last_day: Day | None


class Customer(Model):
    """`last_at`: the latest start of a booking. `unpaid_cents`: what is open on invoices."""

    id: UUID
    contact: Contact
    language: str
    created_at: Instant
    bookings: int
    last_at: Instant | None
    unpaid_cents: int
    discount: Discount
    group: UUID | None


class Customers(Model):
    customers: list[Customer]
    next: UUID | None


class Invoice(Model):
    """`booking` is what stands for the rental now; after a move another one than `issued_for`, which has the code."""

    id: UUID
    number: str
    issued_at: Instant
    due_on: Day
    total_cents: int
    currency: str
    booking: UUID | None
    issued_for: UUID | None
    booking_code: str
    customer: UUID
    party: str
    has_pdf: bool
    paid_at: Instant | None
    paid_note: str


class Invoices(Model):
    invoices: list[Invoice]
    next: UUID | None


class PaidBody(Model):
    note: Text = ""


class Paid(Model):
    """`code_mails`: mails with a door code that waited for the payment and go out now."""

    id: UUID
    paid_at: Instant
    code_mails: int


class AfterwardsBody(Model):
    """Once the time has begun: waive it, charge for something, or mark it for follow-up; always with why."""

    what: Afterwards
    text: Needed
    cents: Annotated[StrictInt, Field(gt=0)] | None = Field(
        default=None, description="of `charge`: how much of the price, with VAT; without it all of it"
    )


class CameBody(Model):
    came: StrictBool


class Marked(Model):
    id: UUID
    no_show: bool
    follow_up: str
