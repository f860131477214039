"""The PDF of an invoice: rendered once from the frozen data, stored, waited for by its mail (DESIGN rule 3)."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.outbox import Duty
from booking.reads.house import House, read_house
from booking.tables.outgoing import Invoice, InvoiceFile, Message
from booking.values.money import BasisPoints, Cents, Gross, round_half_up
from papers.invoice import Bank, Buyer, InvoiceData, InvoiceLine, Seller, Unit, render_invoice
from workers.context import Context, clock

MINUTES_OF_HOUR = 60
ADDED_LATER = ("legal_name", "street", "postcode", "city", "payee", "iban")


def ensure_pdf(context: Context, duty: Duty) -> None:
    """Render and store the PDF that a mail carries, unless it is there. Rendering happens outside any transaction.

    Raises LackingError while the house has not entered what every invoice needs.
    """
    with context.database.read() as session:
        invoice = _without_file(session, duty.subject_id)
        data = invoice_data(_completed(invoice.data, read_house(session, duty.organisation_id))) if invoice else None
    if invoice is None or data is None:
        return
    pdf = render_invoice(data)
    context.database.write(lambda session: _store(session, invoice.organisation_id, invoice.id, pdf))


def _completed(frozen: dict[str, Any], house: House) -> dict[str, Any]:
    """What the house had not entered when the number was given is as it is now: nobody has got the document yet."""
    own, seller = asdict(house.letterhead), frozen["seller"]
    taxed = seller["tax_number"] or seller["vat_id"]
    blank = {name for name in ADDED_LATER if not seller[name]} | (set() if taxed else {"tax_number", "vat_id"})
    return frozen | {"seller": seller | {name: own[name] for name in blank}}


def invoice_data(frozen: dict[str, Any]) -> InvoiceData:
    """The paper's values from the data that were fixed when the invoice was issued."""
    seller, buyer = frozen["seller"], frozen["buyer"]
    served_on = date.fromisoformat(frozen["served_on"])
    return InvoiceData(
        language=frozen["language"],
        currency=frozen["currency"],
        number=frozen["number"],
        issued_on=date.fromisoformat(frozen["issued_on"]),
        service_first_day=served_on,
        service_last_day=served_on,
        seller=Seller(
            name=seller["legal_name"],
            address=(seller["street"], f"{seller['postcode']} {seller['city']}"),
            tax_number=seller["tax_number"] or "",
            vat_id=seller["vat_id"] or "",
            contact=(seller["email"],),
            country=seller["country"],
        ),
        buyer=Buyer(
            name=buyer["company"] or buyer["name"],
            address=(buyer["street"], f"{buyer['postcode']} {buyer['city']}"),
            person=buyer["name"] if buyer["company"] else "",
            country=buyer["country"],
        ),
        lines=tuple(_line(line) for line in frozen["lines"]),
        booking_code=frozen["reference"],
        bank=Bank(seller["payee"], seller["iban"], seller["bic"] or ""),
        due_on=date.fromisoformat(frozen["due_on"]),
        exemption=frozen["exemption"] or "",
    )


def _line(line: dict[str, Any]) -> InvoiceLine:
    amount = line["amount"]
    split = Gross(Cents(amount["net"]), Cents(amount["vat"]), BasisPoints(amount["rate"]))
    pieces = line.get("pieces", 0)  # invoices issued before there were extras have none
    if pieces:
        return InvoiceLine(line["text"], Decimal(pieces), Unit.PIECE, Cents(line["unit_cents"]), split)
    if not line["minutes"]:
        return InvoiceLine(line["text"], Decimal(1), Unit.PIECE, None, split)
    hours = (Decimal(line["minutes"]) / MINUTES_OF_HOUR).quantize(Decimal("0.01"))
    by_hour = round_half_up(line["unit_cents"] * line["minutes"], MINUTES_OF_HOUR) == split.gross
    return InvoiceLine(line["text"], hours, Unit.HOUR, Cents(line["unit_cents"]) if by_hour else None, split)


def _without_file(session: Session, message_pk: int) -> Invoice | None:
    message = session.get(Message, message_pk)
    invoice_id = message.facts.get("invoice_id") if message else None
    if invoice_id is None or session.scalar(select(InvoiceFile.id).where(InvoiceFile.invoice_id == invoice_id)):
        return None
    return session.get_one(Invoice, invoice_id)


def _store(session: Session, organisation_id: int, invoice_id: int, pdf: bytes) -> None:
    if session.scalar(select(InvoiceFile.id).where(InvoiceFile.invoice_id == invoice_id)) is None:
        session.add(InvoiceFile(organisation_id=organisation_id, invoice_id=invoice_id, pdf=pdf, rendered_at=clock()))
