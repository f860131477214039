"""A hall with a door, a customer with umlauts, and each kind of letter once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from booking.values.house import Hours, Price, PriceLine
from booking.values.money import BasisPoints, Cents, split_gross
from booking.values.slot import Slot
from papers import letters as kinds
from papers.invoice import Bank, Buyer, InvoiceData, InvoiceLine, Seller, Unit

START = datetime(2026, 12, 5, 17, tzinfo=UTC)
SLOT = Slot(START, START + timedelta(minutes=90))
WINDOW = SLOT.widened(timedelta(minutes=15), timedelta(minutes=15))
OFFICE_HOURS = tuple(Hours(day, time(9), time(17)) for day in range(5))
DESK_HOURS = tuple(Hours(day, time(7), time(22)) for day in range(7))
HOUSE = kinds.House(
    name="Soccer-Kirche Krümpel",
    address=("Am Platz 1", "61440 Oberursel"),
    office=kinds.Phone("06171 12345", OFFICE_HOURS),
    desk=kinds.Phone("06171 99887", DESK_HOURS),
    website="https://soccer.example/",
)
APPOINTMENT = kinds.Appointment(
    code="W7RFC4KA",
    room="Große Halle",
    location="Am Platz 1, Oberursel",
    slot=SLOT,
    zone="Europe/Berlin",
    status_url="https://book.example/b/0192f0",
)
PRICE = Price(
    (
        PriceLine("Große Halle, Samstagabend", 90, Cents(4000), Cents(6000), BasisPoints(1900)),
        PriceLine("Flutlicht", 0, Cents(500), Cents(500), BasisPoints(1900)),
    )
)
CODES = kinds.Codes((kinds.DoorCode("Haupttür", "482913#", WINDOW),))
PAYMENT = kinds.Payment(
    Cents(6500), "EUR", "Krümpel GmbH", "DE89370400440532013000", date(2026, 12, 19), APPOINTMENT.code, "COBADEFFXXX"
)


def _build(kind: str, language: str) -> kinds.Letter:
    review = datetime(2026, 11, 23, 11, tzinfo=UTC)
    customer = {"house": HOUSE, "language": language, "customer": "Erika Müßiggang", "appointment": APPOINTMENT}
    inside = {"house": HOUSE, "language": language}
    builders: dict[str, Callable[[], kinds.Letter]] = {
        "AddressCheck": lambda: kinds.AddressCheck(
            **customer, confirm_url="https://book.example/c/77", held_until=review
        ),
        "Acknowledgement": lambda: kinds.Acknowledgement(**customer, review_by=review, price=PRICE, currency="EUR"),
        "Confirmation": lambda: kinds.Confirmation(
            **customer, access=CODES, price=PRICE, currency="EUR", payment=PAYMENT, invoice_number="2026-0001"
        ),
        "CodesArrive": lambda: kinds.CodesArrive(**customer, access=CODES),
        "CodesReplaced": lambda: kinds.CodesReplaced(**customer, access=CODES),
        "Rejection": lambda: kinds.Rejection(
            **customer,
            reason="Der Platz ist gesperrt.\nBitte im Januar wieder.",
            room_url="https://book.example/rooms/halle",
        ),
        "Cancellation": lambda: kinds.Cancellation(
            **customer, by_customer=True, currency="EUR", reason="Krank", fee=Cents(1500), refund=Cents(5000)
        ),
        "Moved": lambda: kinds.Moved(
            **customer,
            before=Slot(START - timedelta(days=7), START - timedelta(days=7, hours=-1)),
            access=CODES,
            price=PRICE,
            currency="EUR",
        ),
        "Expired": lambda: kinds.Expired(**customer, room_url="https://book.example/rooms/halle"),
        "RequestNotice": lambda: kinds.RequestNotice(
            **inside,
            audience=kinds.Audience.OFFICE,
            appointment=APPOINTMENT,
            customer="Erika Müßiggang",
            phone="0171 5550001",
            email="erika@kunden.example",
            people=12,
            purpose="Training der D-Jugend",
            price=Cents(6500),
            currency="EUR",
            review_by=review,
            short_notice=False,
            inbox_url="https://book.example/office/requests",
        ),
        "DeskDigest": lambda: kinds.DeskDigest(
            **inside,
            first_day=date(2026, 12, 5),
            last_day=date(2026, 12, 7),
            zone="Europe/Berlin",
            entries=(
                kinds.DigestEntry("Haupttür", "482913#", WINDOW, "Erika Müßiggang", "W7RFC4KA"),
                kinds.DigestEntry("Haupttür", "771204#", Slot(WINDOW.end, WINDOW.end + timedelta(hours=2))),
            ),
            desk_url="https://book.example/desk/",
        ),
        "CodesRunningOut": lambda: kinds.CodesRunningOut(
            **inside,
            season="Winter 2026/27",
            door="Haupttür",
            left=1,
            last_day=date(2026, 12, 5),
            doors_url="https://book.example/office/doors",
        ),
        "CancelStuck": lambda: kinds.CancelStuck(
            **inside,
            site="YouCanBook.me",
            appointment=APPOINTMENT,
            customer="Erika Müßiggang",
            attempts=7,
            case_url="https://book.example/office/cases/1",
        ),
        "SiteSilent": lambda: kinds.SiteSilent(
            **inside,
            site="YouCanBook.me",
            since=WINDOW.start,
            zone="Europe/Berlin",
            sites_url="https://book.example/office/sites",
        ),
    }
    return builders[kind]()


@pytest.fixture
def build() -> Callable[..., kinds.Letter]:
    """A letter by the name of its class: `build("Expired", "en", field=…)`."""

    def build(kind: str, language: str = "de", **changes: object) -> kinds.Letter:
        return replace(_build(kind, language), **changes)

    return build


@pytest.fixture
def invoice() -> InvoiceData:
    """90 minutes with light and a reduction of a tenth, at 19 per cent; and a ball at 7 per cent."""

    def line(text: str, quantity: str, unit: Unit, unit_price: int | None, gross: int, rate: int) -> InvoiceLine:
        amount = split_gross(Cents(gross), BasisPoints(rate))
        return InvoiceLine(text, Decimal(quantity), unit, None if unit_price is None else Cents(unit_price), amount)

    return InvoiceData(
        language="de",
        currency="EUR",
        number="2026-0001",
        issued_on=date(2026, 11, 23),
        service_first_day=date(2026, 12, 5),
        service_last_day=date(2026, 12, 5),
        seller=Seller(
            name="Krümpel GmbH",
            address=("Am Platz 1", "61440 Oberursel"),
            tax_number="003 123 45678",
            vat_id="DE123456789",
            contact=("Tel. 06171 12345",),
            register=("AG Bad Homburg HRB 1234",),
        ),
        buyer=Buyer("Sportgemeinschaft Grün-Weiß e. V.", ("Größenstraße 12a", "61440 Oberursel")),
        lines=(
            line("Große Halle, Samstagabend", "1.5", Unit.HOUR, 4000, 6000, 1900),
            line("Flutlicht", "1", Unit.PIECE, None, 500, 1900),
            line("Rabatt Dauerbuchung 10 %", "1", Unit.PIECE, None, -650, 1900),
            line("Ball", "2", Unit.PIECE, 535, 1070, 700),
        ),
        booking_code="W7RFC4KA",
        bank=Bank("Krümpel GmbH", "DE89370400440532013000", "COBADEFFXXX"),
        due_on=date(2026, 12, 19),
    )
