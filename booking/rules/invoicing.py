"""What an invoice says: lines, totals for each VAT rate, due date, number (SPEC S12, S19, S25). Prices are gross."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from booking.values.house import DocumentLine, Price
from booking.values.money import BasisPoints, Cents, Gross, split_gross
from booking.values.refusals import Refused, refused

SMALL = Cents(25000)


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """The amounts of an invoice before it has a number. Sums of lines are the totals, to the cent.

    `totals` has one entry for each VAT rate, the highest first. `exemption` is the legal reason, where a rate is 0.
    """

    lines: tuple[DocumentLine, ...]
    totals: tuple[Gross, ...]
    exemption: str | None
    issued_on: date
    due_on: date

    @property
    def net(self) -> Cents:
        return Cents(sum(total.net for total in self.totals))

    @property
    def vat(self) -> Cents:
        return Cents(sum(total.vat for total in self.totals))

    @property
    def gross(self) -> Cents:
        return Cents(sum(total.gross for total in self.totals))


@dataclass(frozen=True, slots=True)
class Service:
    """What an invoice is about: on which local day, how long, and for how much. A move may change each of them."""

    day: date
    minutes: int
    cents: Cents


def draft(price: Price, issued_on: date, payment_days: int) -> InvoiceDraft | Refused:
    """The invoice of a frozen price. Refused: "no-lines", "below-zero", "no-exemption-reason" (§ 14 (4) no. 8 UStG)."""
    if not price.lines:
        return refused("no-lines")
    totals = _totals(price)
    if any(total.gross < 0 for total in totals):
        return refused("below-zero")
    is_exempt = any(total.rate == 0 for total in totals)
    if is_exempt and not price.exemption:
        return refused("no-exemption-reason")
    due_on = issued_on + timedelta(days=payment_days)
    return InvoiceDraft(_lines(price), totals, price.exemption if is_exempt else None, issued_on, due_on)


def lacking(seller: Sequence[str], tax: str, buyer: Sequence[str], gross: Cents) -> tuple[str, ...]:
    """What § 14 (4) UStG asks for and nobody entered: "seller", "tax-number", "buyer". Each line has to have a text.

    The lines begin with the name. An invoice of up to 250 euros needs no address of the buyer (§ 33 UStDV).
    """
    named = buyer if gross > SMALL else buyer[:1]
    missing = {
        "seller": not all(line.strip() for line in seller),
        "tax-number": not tax.strip(),
        "buyer": not all(line.strip() for line in named),
    }
    return tuple(what for what, holds in missing.items() if holds)


def house_lacks(seller: Sequence[str], tax: str, bank: Sequence[str]) -> tuple[str, ...]:
    """What every invoice of the house needs and nobody entered: "seller", "tax-number", "bank" (payee and IBAN)."""
    missing = {
        "seller": not all(line.strip() for line in seller),
        "tax-number": not tax.strip(),
        "bank": not all(line.strip() for line in bank),
    }
    return tuple(what for what, holds in missing.items() if holds)


def invoice_number(year: int, n: int) -> str:
    """The n-th number of a year, from 1: 2026-00042. Without gaps, so `n` comes from a counter row (SPEC K32)."""
    if n < 1:
        raise ValueError(f"invoice numbers begin with 1, not {n}")
    return f"{year:04d}-{n:05d}"


def _totals(price: Price) -> tuple[Gross, ...]:
    gross: dict[BasisPoints, int] = defaultdict(int)
    for line in price.lines:
        gross[line.rate] += line.gross
    return tuple(split_gross(Cents(gross[rate]), rate) for rate in sorted(gross, reverse=True))


def _lines(price: Price) -> tuple[DocumentLine, ...]:
    """Each line's net is the growth of the net of the running sum, so that rounding never adds up to another total."""
    before: dict[BasisPoints, Gross] = {}
    lines = []
    for position, line in enumerate(price.lines, start=1):
        had = before.get(line.rate, Gross(Cents(0), Cents(0), line.rate))
        has = before[line.rate] = split_gross(Cents(had.gross + line.gross), line.rate)
        amount = Gross(Cents(has.net - had.net), Cents(has.vat - had.vat), line.rate)
        lines.append(DocumentLine(position, line.text, line.quantity_minutes, line.unit_cents, amount, line.pieces))
    return tuple(lines)
