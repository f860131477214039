"""Invoices as PDF/A-3b on the grid of DIN 5008 form B, with all that § 14 (4) UStG asks for (SPEC S12, K32).

Texts of customers and of the office reach the typesetter as JSON data and never as its markup.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from typst import Compiler

from booking.values.codes import spoken
from booking.values.house import Price, PriceLine
from booking.values.money import BasisPoints, Cents, Gross, round_half_up, split_gross
from papers.girocode import Transfer, girocode_svg
from papers.i18n import Translator, country_name, translations
from papers.phrases import iban_groups, tidy
from papers.printable import printable

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = Cents(0)
SMALL = Cents(25000)  # up to here an invoice needs no address of the buyer (§ 33 UStDV)
_HOUR = 60


class LackingError(ValueError):
    """What the law wants on an invoice and its data have not; `missing` names it."""

    def __init__(self, number: str, missing: tuple[str, ...]) -> None:
        super().__init__(f"invoice {number!r} lacks: {', '.join(missing)}")
        self.missing = missing


class Unit(StrEnum):
    HOUR = "hour"
    PIECE = "piece"


@dataclass(frozen=True, slots=True)
class Seller:
    """Who invoices. One of `tax_number` and `vat_id` is given; `contact` and `register` are lines of the foot.

    `country` is ISO 3166-1; it is named where the buyer is in another one.
    """

    name: str
    address: tuple[str, ...]
    tax_number: str = ""
    vat_id: str = ""
    contact: tuple[str, ...] = ()
    register: tuple[str, ...] = ()
    country: str = ""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who is invoiced, as the address window shows it: a name, a person there, lines of the address, the country."""

    name: str
    address: tuple[str, ...]
    vat_id: str = ""
    person: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A line, or a reduction of its own with a negative amount (SPEC K39). `unit_price` is gross, or None."""

    text: str
    quantity: Decimal
    unit: Unit
    unit_price: Cents | None
    amount: Gross


@dataclass(frozen=True, slots=True)
class Bank:
    payee: str
    iban: str
    bic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceData:
    """All that an invoice says; fixed in the transaction that gives it its number. Both service days are inclusive.

    `booking_code` is the payment reference in its stored form (SPEC S13); `prepaid` lowers only the amount due (K11);
    `corrects` is the number of the document that this one corrects (K9).
    """

    language: str
    currency: str
    number: str
    issued_on: date
    service_first_day: date
    service_last_day: date
    seller: Seller
    buyer: Buyer
    lines: tuple[InvoiceLine, ...]
    booking_code: str
    bank: Bank
    due_on: date
    exemption: str = ""
    prepaid: Cents = NOTHING
    corrects: str = ""

    def __post_init__(self) -> None:
        """Raise LackingError naming everything that the law wants and that is missing."""
        missing = _missing(self)
        if missing:
            raise LackingError(self.number, missing)

    @property
    def total(self) -> Cents:
        return Cents(sum(line.amount.gross for line in self.lines))

    @property
    def due(self) -> Cents:
        return Cents(self.total - self.prepaid)


def _missing(data: InvoiceData) -> tuple[str, ...]:
    exempt = any(line.amount.rate == 0 for line in data.lines)
    demands = {
        "number": data.number,
        "seller's name": data.seller.name.strip(),
        "seller's address": _is_address(data.seller.address),
        "tax number or VAT id": data.seller.tax_number or data.seller.vat_id,
        "buyer's name": data.buyer.name.strip(),
        "buyer's address": data.total <= SMALL or _is_address(data.buyer.address),
        "lines": data.lines,
        "reason of the exemption": data.exemption or not exempt,
        "order of the service days": data.service_first_day <= data.service_last_day,
    }
    return tuple(name for name, given in demands.items() if not given)


def _is_address(lines: tuple[str, ...]) -> bool:
    return bool(lines) and all(line.strip() for line in lines)


def totals_by_rate(lines: Iterable[InvoiceLine]) -> tuple[Gross, ...]:
    """Net and VAT for each rate, the highest first; sums of the lines, which were rounded one by one."""
    sums: dict[BasisPoints, tuple[int, int]] = {}
    for line in lines:
        net, vat = sums.get(line.amount.rate, (0, 0))
        sums[line.amount.rate] = (net + line.amount.net, vat + line.amount.vat)
    return tuple(Gross(Cents(net), Cents(vat), rate) for rate, (net, vat) in sorted(sums.items(), reverse=True))


def invoice_lines(price: Price) -> tuple[InvoiceLine, ...]:
    """The lines of a frozen price (SPEC S25), each split at its rate."""
    return tuple(_line(line) for line in price.lines)


def _line(line: PriceLine) -> InvoiceLine:
    amount = split_gross(line.gross, line.rate)
    if line.pieces > 0:
        return InvoiceLine(line.text, Decimal(line.pieces), Unit.PIECE, line.unit_cents, amount)
    if line.quantity_minutes <= 0:
        return InvoiceLine(line.text, Decimal(1), Unit.PIECE, None, amount)
    by_hour = round_half_up(line.unit_cents * line.quantity_minutes, _HOUR) == line.gross
    hours = (Decimal(line.quantity_minutes) / _HOUR).quantize(Decimal("0.01")).normalize()
    return InvoiceLine(line.text, hours, Unit.HOUR, line.unit_cents if by_hour else None, amount)


def render_invoice(data: InvoiceData) -> bytes:
    """The PDF. The same data gives the same bytes: its time stamp is the day of issue."""
    pages = _typeset(data, format="pdf", pdf_standards=["a-3b"], timestamp=_stamp(data.issued_on))
    return b"".join(pages) if isinstance(pages, list) else pages


def render_pages(data: InvoiceData, ppi: float = 110) -> tuple[bytes, ...]:
    """Each page as PNG, to look at before it is sent."""
    pages = _typeset(data, format="png", ppi=ppi)
    return tuple(pages) if isinstance(pages, list) else (pages,)


def _stamp(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=UTC)


def _typeset(data: InvoiceData, **options: Any) -> Any:
    inputs = {"data": json.dumps(printable(sheet(data)), ensure_ascii=False)}
    compiler, lock = _compiler()
    with lock:
        return compiler.compile(sys_inputs=inputs, **options)


@lru_cache
def _compiler() -> tuple[Compiler, Lock]:
    """One compiler with its fonts loaded, used by one thread at a time. Only the fonts that it brings are used."""
    return Compiler(TEMPLATES / "invoice.typ", root=TEMPLATES, ignore_system_fonts=True), Lock()


def sheet(data: InvoiceData) -> dict[str, Any]:
    """What stands on the paper, in the reader's language: every text ready, nothing left to compute."""
    tidied = tidy(data)
    t = translations(tidied.language)
    return {
        "language": t.language,
        "title": t.gettext("Invoice correction") if tidied.corrects else t.gettext("Invoice"),
        "number": tidied.number,
        "seller": {"name": tidied.seller.name, "address": tidied.seller.address},
        "buyer": _window(tidied),
        "info": _info(tidied, t),
        "head": _head(t),
        "lines": [_line_cells(place, line, tidied.currency, t) for place, line in enumerate(tidied.lines, start=1)],
        "sums": _sums(tidied, t),
        "total": [t.gettext("Total"), t.money(tidied.total, tidied.currency)],
        "after": _after(tidied, t),
        "exemption": tidied.exemption if any(line.amount.rate == 0 for line in tidied.lines) else "",
        "payment": _payment(tidied, t),
        "foot": _foot(tidied, t),
        "page": t.gettext("Page"),
        "of": t.gettext("of"),
    }


def _window(data: InvoiceData) -> list[str]:
    """The address as the post reads it (DIN 5008): a foreign country last, in the language of where it is sent."""
    seller, buyer = data.seller, data.buyer
    is_abroad = seller.country and buyer.country and seller.country != buyer.country
    lines = (buyer.name, buyer.person, *buyer.address, country_name(buyer.country, seller.country) if is_abroad else "")
    return [line for line in lines if line.strip()]


def _head(t: Translator) -> list[str]:
    amounts = [t.gettext("Net"), t.gettext("VAT"), t.gettext("Gross")]
    return [t.gettext("No."), t.gettext("Item"), t.gettext("Quantity"), *amounts]


def _info(data: InvoiceData, t: Translator) -> list[tuple[str, str]]:
    first, last = t.short_day(data.service_first_day), t.short_day(data.service_last_day)
    service = (
        (t.gettext("Date of service"), first)
        if first == last
        else (t.gettext("Period of service"), f"{first} \u2013 {last}")
    )
    rows = (
        (t.gettext("Invoice number"), data.number),
        (t.gettext("Corrects invoice"), data.corrects),
        (t.gettext("Invoice date"), t.short_day(data.issued_on)),
        service,
        (t.gettext("Booking code"), spoken(data.booking_code)),
        (t.gettext("Your VAT id"), data.buyer.vat_id),
    )
    return [row for row in rows if row[1]]


def _line_cells(place: int, line: InvoiceLine, currency: str, t: Translator) -> dict[str, str]:
    unit = t.gettext("hrs") if line.unit is Unit.HOUR else t.gettext("pcs")
    quantity = f"{t.number(line.quantity)}\u00a0{unit}"
    price = (
        ""
        if line.unit_price is None
        else t.gettext("%(price)s gross per unit", price=t.money(line.unit_price, currency))
    )
    return {
        "place": str(place),
        "text": line.text,
        "note": price,
        "quantity": quantity,
        "net": t.money(line.amount.net, currency),
        "rate": t.percent(line.amount.rate) if line.amount.rate else "\u2013",
        "gross": t.money(line.amount.gross, currency),
    }


def _sums(data: InvoiceData, t: Translator) -> list[tuple[str, str]]:
    rows = []
    for total in totals_by_rate(data.lines):
        net = t.money(total.net, data.currency)
        if total.rate:
            rate = t.percent(total.rate)
            rows.append((t.gettext("Net at %(rate)s VAT", rate=rate), net))
            rows.append((t.gettext("VAT %(rate)s", rate=rate), t.money(total.vat, data.currency)))
        else:
            rows.append((t.gettext("Net without VAT"), net))
    return rows


def _after(data: InvoiceData, t: Translator) -> list[tuple[str, str]]:
    if not data.prepaid:
        return []
    return [
        (t.gettext("Already paid"), t.money(Cents(-data.prepaid), data.currency)),
        (t.gettext("Amount due"), t.money(data.due, data.currency)),
    ]


def _payment(data: InvoiceData, t: Translator) -> dict[str, Any] | None:
    if data.due <= 0:
        return None
    reference = spoken(data.booking_code)
    rows = (
        (t.gettext("Payee"), data.bank.payee),
        ("IBAN", iban_groups(data.bank.iban)),
        ("BIC", data.bank.bic),
        (t.gettext("Payment reference"), reference),
    )
    transfer = Transfer(data.bank.payee, data.bank.iban, data.due, reference, data.bank.bic)
    return {
        "title": t.gettext("Please pay by %(day)s", day=t.day(data.due_on)),
        "amount": t.money(data.due, data.currency),
        "rows": [row for row in rows if row[1]],
        "code": girocode_svg(transfer).decode() if data.currency == "EUR" and data.bank.iban else None,
        "caption": t.gettext("GiroCode: scan and pay"),
    }


def _foot(data: InvoiceData, t: Translator) -> list[list[str]]:
    seller = data.seller
    tax = (
        t.gettext("Tax number %(number)s", number=seller.tax_number) if seller.tax_number else "",
        t.gettext("VAT id %(number)s", number=seller.vat_id) if seller.vat_id else "",
    )
    return [
        [seller.name, *seller.address],
        [*seller.contact],
        [*(line for line in tax if line), *seller.register],
    ]
