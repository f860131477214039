"""What the frozen data of an invoice become on paper (SPEC S12, S25)."""

from typing import Any

import pytest

from papers.invoice import InvoiceLine, Unit
from workers.invoices import invoice_data

PLACE = {"street": "Domplatz 1", "postcode": "50667", "city": "Köln", "country": "DE"}
FROZEN: dict[str, Any] = {
    "language": "de",
    "currency": "EUR",
    "number": "2026-00001",
    "issued_on": "2026-11-24",
    "due_on": "2026-12-08",
    "served_on": "2026-12-04",
    "seller": PLACE
    | {"legal_name": "Haus GmbH", "email": "buero@haus.example", "tax_number": None, "vat_id": "DE123456789"}
    | {"payee": "Haus GmbH", "iban": "DE02120300000000202051", "bic": None},
    "buyer": PLACE | {"name": "Anna Müller", "company": ""},
    "reference": "K7QF-29XB",
    "exemption": "§ 4 Nr. 12 UStG",
}


def line(minutes: int, unit_cents: int, gross: int) -> InvoiceLine:
    frozen = {"text": "Licht", "minutes": minutes, "unit_cents": unit_cents}
    amount = {"net": gross, "vat": 0, "rate": 0}
    (found,) = invoice_data(FROZEN | {"lines": [frozen | {"amount": amount}]}).lines
    return found


@pytest.mark.rule("S12")
@pytest.mark.parametrize(("unit_cents", "gross"), [(101, 51), (103, 52), (100, 50)])
def test_half_a_cent_was_rounded_up_so_the_line_still_shows_its_price_for_an_hour(unit_cents: int, gross: int) -> None:
    found = line(30, unit_cents, gross)
    assert (found.unit, found.unit_price) == (Unit.HOUR, unit_cents)


def test_a_price_for_a_slot_is_not_shown_as_one_for_an_hour() -> None:
    assert line(90, 3000, 3000).unit_price is None
