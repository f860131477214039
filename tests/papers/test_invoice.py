"""The invoice as a reader sees it: all that § 14 (4) UStG asks for, right sums, the same bytes, no foreign markup."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from booking.values.house import Price, PriceLine
from booking.values.money import BasisPoints, Cents, Gross, split_gross
from papers.invoice import (
    Buyer,
    InvoiceData,
    InvoiceLine,
    Unit,
    invoice_lines,
    render_invoice,
    render_pages,
    sheet,
    totals_by_rate,
)
from papers.printable import printable

MARKUP = (
    '#panic() #read("/etc/passwd") #sys.inputs',
    "$x^2$ $ $$",
    "@label <label> @@",
    "*stark* _schief_ `code` ```",
    "[content] { code } ] }",
    "= Kopf - Liste + Liste / Wort: x",
    "\\ \\u{1f600} ~ -- --- ... // /* */",
    '"; #let x = 1',
    "</svg><script>",
)


def _text(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def _read(data: InvoiceData) -> str:
    """All words in one line; a narrow column's hyphens and breaks must not matter, so blanks are one."""
    return " ".join(_text(render_invoice(data)).replace("\u00a0", " ").split())


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "de",
            (
                "Rechnung 2026-0001",
                "Rechnungsdatum 23.11.2026",
                "Leistungsdatum 05.12.2026",
                "1,5 Std. 50,42 € 19 % 60,00 €",
                "je Einheit 40,00 € brutto",
                "2 Stk. 10,00 € 7 % 10,70 €",
                "1 Stk. -5,46 € 19 % -6,50 €",
                "Netto zu 19 % USt. 49,16 €",
                "USt. 19 % 9,34 €",
                "Netto zu 7 % USt. 10,00 €",
                "USt. 7 % 0,70 €",
                "Gesamt 69,20 €",
                "Steuernummer 003 123 45678",
                "USt-IdNr. DE123456789",
                "Bitte zahlen Sie bis Sa, 19. Dezember 2026",
                "Verwendungszweck W7RF-C4KA",
            ),
        ),
        (
            "en",
            (
                "Invoice 2026-0001",
                "Invoice date 23 Nov 2026",
                "Date of service 5 Dec 2026",
                "1.5 hrs €50.42 19% €60.00",
                "Net at 19% VAT €49.16",
                "VAT 19% €9.34",
                "VAT 7% €0.70",
                "Total €69.20",
                "Tax number 003 123 45678",
                "Please pay by Sat, 19 December 2026",
                "Payment reference W7RF-C4KA",
            ),
        ),
    ],
    ids=["de", "en"],
)
def test_the_invoice_has_all_that_the_law_asks_for(invoice: InvoiceData, language: str, words: tuple[str, ...]) -> None:
    text = _read(replace(invoice, language=language))
    names = ("Krümpel GmbH", "Am Platz 1", "Sportgemeinschaft Grün-Weiß e. V.", "Größenstraße 12a", "61440 Oberursel")
    items = (
        "Große Halle, Samstagabend",
        "Flutlicht",
        "Rabatt Dauerbuchung 10 %",
        "Ball",
        "DE89 3704 0044 0532 0130 00",
    )
    for word in (*words, *names, *items):
        assert word in text, word


@pytest.mark.rule("S12")
def test_an_exempt_invoice_gives_the_reason_and_no_tax(invoice: InvoiceData) -> None:
    lines = tuple(replace(line, amount=split_gross(line.amount.gross, BasisPoints(0))) for line in invoice.lines)
    text = _read(replace(invoice, lines=lines, exemption="Steuerfrei nach § 4 Nr. 22 Buchst. b UStG"))
    assert "Steuerfrei nach § 4 Nr. 22 Buchst. b UStG" in text
    assert "Netto ohne USt. 69,20 €" in text
    assert "%" not in text.replace("10 %", "")


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("number", {"number": ""}),
        ("lines", {"lines": ()}),
        ("buyer's name", {"buyer": Buyer("", ("Weg 1",))}),
        ("buyer's name", {"buyer": Buyer(" ", ("Weg 1",))}),
        ("service days", {"service_last_day": date(2026, 12, 4)}),
    ],
)
def test_what_the_law_wants_cannot_be_left_out(invoice: InvoiceData, field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=field):
        replace(invoice, **changes)


@pytest.mark.rule("S12")
def test_a_seller_needs_a_name_an_address_and_a_number_of_the_tax_office(invoice: InvoiceData) -> None:
    seller = invoice.seller
    assert replace(invoice, seller=replace(seller, tax_number=""))
    assert replace(invoice, seller=replace(seller, vat_id=""))
    with pytest.raises(ValueError, match="tax number or VAT id"):
        replace(invoice, seller=replace(seller, tax_number="", vat_id=""))
    with pytest.raises(ValueError, match="seller's name, seller's address"):
        replace(invoice, seller=replace(seller, name="", address=()))


@pytest.mark.rule("S12")
@pytest.mark.parametrize("address", [(), ("", " "), ("Weg 1", " ")], ids=["none", "blank", "no place"])
def test_above_250_euros_the_buyer_has_an_address_and_a_blank_is_none(
    invoice: InvoiceData, address: tuple[str, ...]
) -> None:
    anonymous = replace(invoice, buyer=Buyer("Erika", address))
    dear = replace(invoice.lines[0], amount=split_gross(Cents(25000 - anonymous.total), BasisPoints(1900)))
    assert replace(anonymous, lines=(*invoice.lines, dear)).total == 25000
    with pytest.raises(ValueError, match="buyer's address"):
        replace(anonymous, lines=(*invoice.lines, dear, dear))
    with pytest.raises(ValueError, match="seller's address"):
        replace(invoice, seller=replace(invoice.seller, address=address))


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("country", "last"),
    [("AT", "ÖSTERREICH"), ("GB", "VEREINIGTES KÖNIGREICH"), ("DE", "61440 Oberursel"), ("", "61440 Oberursel")],
)
def test_an_address_abroad_ends_with_its_country(invoice: InvoiceData, country: str, last: str) -> None:
    seller = replace(invoice.seller, country="DE")
    window = sheet(replace(invoice, seller=seller, buyer=replace(invoice.buyer, country=country)))["buyer"]
    assert window[-1] == last


def test_an_address_abroad_is_in_english_where_the_house_is_in_no_german_speaking_country(invoice: InvoiceData) -> None:
    seller, buyer = replace(invoice.seller, country="FR"), replace(invoice.buyer, country="DE", person="Erika")
    window = sheet(replace(invoice, seller=seller, buyer=buyer))["buyer"]
    assert window == [buyer.name, "Erika", "Größenstraße 12a", "61440 Oberursel", "GERMANY"]


@pytest.mark.rule("S12")
def test_a_line_without_tax_needs_the_reason(invoice: InvoiceData) -> None:
    exempt = replace(invoice.lines[0], amount=split_gross(Cents(100), BasisPoints(0)))
    with pytest.raises(ValueError, match="exemption"):
        replace(invoice, lines=(*invoice.lines, exempt))


def test_a_period_of_service_names_both_days(invoice: InvoiceData) -> None:
    text = _read(replace(invoice, service_last_day=date(2026, 12, 19)))
    assert "Leistungszeitraum 05.12.2026 \u2013 19.12.2026" in text


@pytest.mark.rule("K11")
def test_what_is_paid_lowers_the_amount_due_and_nothing_else(invoice: InvoiceData) -> None:
    text = _read(replace(invoice, prepaid=Cents(2000)))
    for words in ("Gesamt 69,20 €", "USt. 19 % 9,34 €", "Bereits gezahlt -20,00 €", "Zu zahlen 49,20 €"):
        assert words in text
    paid = replace(invoice, prepaid=invoice.total)
    assert "IBAN" not in _read(paid)
    assert sheet(paid)["payment"] is None


@pytest.mark.rule("K9")
def test_a_correction_names_the_invoice_that_it_corrects(invoice: InvoiceData) -> None:
    text = _read(replace(invoice, number="2026-0002", corrects="2026-0001"))
    assert "Rechnungskorrektur 2026-0002" in text
    assert "Korrigiert Rechnung 2026-0001" in text


@pytest.mark.rule("S12")
def test_the_girocode_stands_beside_the_amount_for_euro_only(invoice: InvoiceData) -> None:
    assert sheet(invoice)["payment"]["code"].startswith("<svg")
    assert "GiroCode" in _read(invoice)
    swiss = replace(invoice, currency="CHF")
    assert "GiroCode" not in _read(swiss)
    assert "69,20 CHF" in _read(swiss)


def test_the_file_is_pdf_a_3b_with_title_language_and_its_day(invoice: InvoiceData) -> None:
    reader = PdfReader(BytesIO(render_invoice(invoice)))
    xmp = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert re.search(r"pdfaid:part>3<", xmp)
    assert re.search(r"pdfaid:conformance>B<", xmp)
    assert reader.trailer["/Root"]["/Lang"].startswith("de")
    assert reader.metadata is not None
    assert reader.metadata.title == "Rechnung 2026-0001"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == invoice.issued_on


def test_the_same_data_are_the_same_bytes_from_any_thread(invoice: InvoiceData) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(render_invoice, [invoice] * 6)) == {render_invoice(invoice)}
    assert render_invoice(replace(invoice, number="2026-0002")) != render_invoice(invoice)


@pytest.mark.parametrize("payload", MARKUP)
def test_foreign_text_is_set_as_text_and_never_as_markup(invoice: InvoiceData, payload: str) -> None:
    hostile = replace(
        invoice,
        number=payload,
        buyer=Buyer(payload, (payload,), payload),
        seller=replace(invoice.seller, name=payload, address=(payload,), contact=(payload,), register=(payload,)),
        lines=(replace(invoice.lines[0], text=payload),),
        bank=replace(invoice.bank, payee=payload[:60]),
    )
    text = re.sub(r"\s", "", _text(render_invoice(hostile)))
    assert text.count(re.sub(r"\s", "", payload)) >= 6


def test_a_name_that_has_no_glyphs_never_stops_an_invoice(invoice: InvoiceData) -> None:
    buyer = Buyer("Иван Ωμέγα 日本 😀 ﬁ \uff21\u202e\x00", ("Weg 1\r\n2",))
    text = _read(replace(invoice, buyer=buyer))
    assert re.search(r"Иван Ωμέγα \?\? \? (ﬁ|fi) [A\uff21]", text)
    assert "Weg 1 2" in text


def test_only_characters_without_a_glyph_are_replaced() -> None:
    assert printable({"a": ["Größe \u2013 €", "Ж日", 7, None]}) == {"a": ["Größe \u2013 €", "Ж?", 7, None]}


def test_a_long_invoice_numbers_its_pages_and_repeats_the_head(invoice: InvoiceData) -> None:
    long = replace(invoice, lines=invoice.lines * 12)
    pages = [page.extract_text() for page in PdfReader(BytesIO(render_invoice(long))).pages]
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert f"Seite {number} von 3" in page
        assert "Leistung" in page
        assert "Steuernummer 003 123 45678" in page
    assert "Gesamt" in pages[-1]


def test_the_pages_can_be_looked_at(invoice: InvoiceData) -> None:
    assert [page[:4] for page in render_pages(invoice)] == [b"\x89PNG"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**7), 10**7), st.sampled_from([0, 700, 1900])), max_size=30))
def test_the_sums_of_the_rates_are_the_total_to_the_cent(rows: list[tuple[int, int]]) -> None:
    lines = [
        InvoiceLine("x", Decimal(1), Unit.PIECE, None, split_gross(Cents(gross), BasisPoints(rate)))
        for gross, rate in rows
    ]
    totals = totals_by_rate(lines)
    assert sum(total.gross for total in totals) == sum(gross for gross, _ in rows)
    assert [total.rate for total in totals] == sorted({rate for _, rate in rows}, reverse=True)
    assert all(
        total.net == sum(line.amount.net for line in lines if line.amount.rate == total.rate) for total in totals
    )


@pytest.mark.rule("S25")
def test_a_frozen_price_becomes_lines_with_hours_and_unit_prices() -> None:
    price = Price(
        (
            PriceLine("Halle", 100, Cents(4000), Cents(6667), BasisPoints(1900)),
            PriceLine("Slot", 90, Cents(5000), Cents(5000), BasisPoints(1900)),
            PriceLine("Licht", 0, Cents(500), Cents(500), BasisPoints(700)),
            PriceLine("Bälle", 0, Cents(150), Cents(450), BasisPoints(1900), 3),
        )
    )
    hall, slot, light, balls = invoice_lines(price)
    assert (hall.quantity, hall.unit, hall.unit_price) == (Decimal("1.67"), Unit.HOUR, Cents(4000))
    assert (slot.quantity, slot.unit_price) == (Decimal("1.5"), None)
    assert (light.quantity, light.unit, light.unit_price) == (Decimal(1), Unit.PIECE, None)
    assert (balls.quantity, balls.unit, balls.unit_price) == (Decimal(3), Unit.PIECE, Cents(150))
    assert hall.amount == Gross(Cents(5603), Cents(1064), BasisPoints(1900))
