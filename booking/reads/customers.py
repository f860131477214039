"""The customers as the office keeps them: a table with filters, and one customer's file in short (SPEC S19)."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from booking.reads.rentals import Billed, is_still_owed
from booking.tables.bookings import Booking, Event
from booking.tables.outgoing import Invoice, Settlement
from booking.tables.people import Customer
from booking.values.findings import Contact
from booking.values.refusals import NotFound

PAGE = 50
LONGEST_KEY = 19  # digits


@dataclass(frozen=True, slots=True)
class StandingDiscount:
    """What the office keeps by hand for one customer; both days inclusive, None open-ended (SPEC S19)."""

    percent: int = 0
    cents: int = 0
    note: str = ""
    first_day: date | None = None
    last_day: date | None = None

    @property
    def is_set(self) -> bool:
        return bool(self.percent or self.cents)

    def holds_on(self, day: date) -> bool:
        """Whether something is taken off what is served on that local day."""
        begun = self.first_day is None or self.first_day <= day
        return self.is_set and begun and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """One row of the table. `last_at` is the latest start of a booking, `unpaid_cents` what is open on invoices
    of rentals that stand.

    `group_id` is the customer's group, None where they are in none.
    """

    customer_id: int
    public_id: UUID
    contact: Contact
    language: str
    created_at: datetime
    discount: StandingDiscount
    group_id: int | None
    bookings: int
    last_at: datetime | None
    unpaid_cents: int

    @property
    def party(self) -> str:
        return self.contact.company or self.contact.name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which customers: a search over all texts, filters by column, the column to sort by and its direction."""

    typed: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    sort: str = "name"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class CustomersPage:
    lines: tuple[CustomerLine, ...]
    count: int


FILTERS: dict[str, Any] = {
    "name": Customer.name,
    "company": Customer.company,
    "email": Customer.email,
    "phone": Customer.phone,
    "city": Customer.city,
}


def customers_page(session: Session, organisation_id: int, wanted: Wanted, first: int = 0) -> CustomersPage:
    """Fifty customers from the given place on, and how many there are in all. Two queries."""
    conditions = [Customer.organisation_id == organisation_id, *_conditions(wanted)]
    total = session.scalar(select(func.count()).select_from(Customer).where(*conditions)) or 0
    query = _selected().where(*conditions).order_by(*_order(wanted)).offset(first).limit(PAGE)
    return CustomersPage(tuple(_line(*row) for row in session.execute(query)), total)


def customers_before(
    session: Session, organisation_id: int, wanted: Wanted, before: UUID | None = None, limit: int = PAGE
) -> tuple[CustomerLine, ...]:
    """The newest first, whatever `wanted` says of the order; `before` is the last public id of the page before."""
    conditions = [Customer.organisation_id == organisation_id, *_conditions(wanted)]
    if before is not None:
        conditions.append(Customer.public_id < before)
    query = _selected().where(*conditions).order_by(Customer.public_id.desc()).limit(limit)
    return tuple(_line(*row) for row in session.execute(query))


def customer_by(session: Session, organisation_id: int, public_id: UUID) -> CustomerLine:
    """Raises NotFound where the organisation has no such customer."""
    query = _selected().where(Customer.organisation_id == organisation_id, Customer.public_id == public_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("customer", public_id)
    return _line(*row)


_BOOKINGS = (
    select(func.count()).select_from(Booking).where(Booking.customer_id == Customer.id).correlate(Customer)
).scalar_subquery()
_LAST = (
    select(func.max(Event.starts_at))
    .select_from(Booking)
    .join(Event, Event.id == Booking.event_id)
    .where(Booking.customer_id == Customer.id)
    .correlate(Customer)
).scalar_subquery()
_UNPAID = (
    select(func.coalesce(func.sum(Invoice.total_cents), 0))
    .select_from(Invoice)
    .outerjoin(Settlement, Settlement.invoice_id == Invoice.id)
    .outerjoin(Billed, Billed.id == Invoice.booking_id)
    .where(Invoice.customer_id == Customer.id, Settlement.id.is_(None), is_still_owed())
    .correlate(Customer)
).scalar_subquery()

SORTS: dict[str, Any] = FILTERS | {"bookings": _BOOKINGS, "last_at": _LAST, "unpaid": _UNPAID}


def _selected() -> Select[Customer, int, datetime | None, int]:
    return select(Customer, _BOOKINGS, _LAST, _UNPAID)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    words = [or_(*(_holds(column, word) for column in FILTERS.values())) for word in wanted.typed.split()]
    filters = [_holds(FILTERS[key], text) for key, text in wanted.filters.items() if key in FILTERS and text.strip()]
    if wanted.filters.get("discount") == "yes":
        filters.append((Customer.discount_percent > 0) | (Customer.discount_cents > 0))
    group = wanted.filters.get("group", "")
    if group.isascii() and group.isdecimal() and len(group) < LONGEST_KEY:
        filters.append(Customer.group_id == int(group))
    return words + filters


def _holds(column: Any, typed: str) -> ColumnElement[bool]:
    """SQLite folds the case of ASCII letters only, so the usual forms are asked for one by one."""
    text = typed.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(*(column.ilike(f"%{form}%", escape="\\") for form in sorted({text, text.lower(), text.title()})))


def _order(wanted: Wanted) -> tuple[Any, Any]:
    column = SORTS.get(wanted.sort, Customer.name)
    return (column.desc() if wanted.descending else column.asc()), Customer.id


def _line(customer: Customer, bookings: int, last_at: datetime | None, unpaid: int) -> CustomerLine:
    return CustomerLine(
        customer_id=customer.id,
        public_id=customer.public_id,
        contact=Contact(
            name=customer.name,
            company=customer.company,
            email=customer.email,
            phone=customer.phone,
            street=customer.street,
            postcode=customer.postcode,
            city=customer.city,
            country=customer.country,
        ),
        language=customer.language,
        created_at=customer.created_at,
        discount=discount_of(customer),
        group_id=customer.group_id,
        bookings=bookings,
        last_at=last_at,
        unpaid_cents=int(unpaid),
    )


def discount_of(customer: Customer) -> StandingDiscount:
    return StandingDiscount(
        percent=customer.discount_percent,
        cents=customer.discount_cents,
        note=customer.discount_note,
        first_day=customer.discount_from,
        last_day=customer.discount_until,
    )
