"""Customers: filters, search, sorting; the standing discount is kept by hand and respected on the invoice."""

import pytest
from sqlalchemy import select

from booking.tables.outgoing import Invoice
from booking.tables.people import Customer
from booking.values.states import Verdict
from tests.builders import build_house, contact, request, slot_in
from tests.web.office.conftest import Desk

TABLE = 'data-cell="name"'


def file_of(desk: Desk, name: str = "Anna Müller") -> str:
    found = desk.rows(select(Customer).where(Customer.name == name))[0]
    return f"/office/customers/{found.public_id}"


def names(page: str) -> list[str]:
    return [part.split(">", 2)[2].split("<")[0] for part in page.split(TABLE)[1:]]


def three(desk: Desk) -> None:
    desk.ask(days=10, name="Anna Müller")
    desk.ask(days=11, name="Özlem Yıldız")
    desk.ask(days=12, name="Bert Ohm")
    desk.ask(days=13, name="Bert Ohm")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Anna Müller", "Bert Ohm", "Özlem Yıldız"]),
        ("q=müller", ["Anna Müller"]),
        ("q=BERT", ["Bert Ohm"]),
        ("q=özlem", ["Özlem Yıldız"]),
        ("name=ohm", ["Bert Ohm"]),
        ("email=anna&city=köln", ["Anna Müller"]),
        ("name=ohm&email=anna", []),
        ("name=%25", []),
        ("discount=yes", []),
        ("sort=-name", ["Özlem Yıldız", "Bert Ohm", "Anna Müller"]),
        ("sort=-bookings&q=verein", ["Bert Ohm", "Anna Müller", "Özlem Yıldız"]),
        ("sort=nonsense&from=-5", ["Anna Müller", "Bert Ohm", "Özlem Yıldız"]),
        ("from=3", []),
    ],
)
def test_the_table_is_searched_filtered_and_sorted(desk: Desk, query: str, found: list[str]) -> None:
    three(desk)
    assert names(desk.get(f"/office/customers?{query}")) == found


@pytest.mark.rule("S19", "X5")
def test_a_standing_discount_is_kept_shown_and_respected_on_the_invoice(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    here = file_of(desk)
    form = {"percent": "20", "amount": "", "note": "Jugendtraining", "from": "2026-10-01", "until": "2027-03-31"}
    assert desk.visitor.post(f"{here}/discount", form, of=here).status_code == 302
    page = desk.get(here)
    assert "20 %" in page or "20 %" in page
    assert "Dauerrabatt geändert" in page
    assert "Frau Office · 127.0.0.1" in page
    assert "80,00" in desk.get(f"/office/requests/{made.public_id}")  # of 100,00, seen before it is confirmed
    desk.decide(made, Verdict.APPROVE)
    desk.settle()
    invoice = desk.rows(select(Invoice))[0]
    assert invoice.total_cents == 8000
    assert any("Jugendtraining" in line["text"] for line in invoice.data["lines"])
    entry = desk.audit("customer", "discount")[0]
    assert (entry.before["percent"], entry.after["percent"], entry.after["last_day"]) == (0, 20, "2027-03-31")


@pytest.mark.rule("S19")
def test_an_amount_can_be_given_as_people_write_it_and_be_taken_back(desk: Desk) -> None:
    desk.ask()
    here = file_of(desk)
    desk.visitor.post(f"{here}/discount", {"amount": "12,50 €", "note": "Nachbarn"}, of=here)
    assert desk.rows(select(Customer.discount_cents)) == [1250]
    assert 'value="12,50"' in desk.get(here)
    desk.visitor.post(f"{here}/discount", {"amount": "", "percent": ""}, of=here)
    assert desk.rows(select(Customer.discount_cents)) == [0]


@pytest.mark.parametrize(
    ("form", "at"),
    [
        ({"percent": "101", "note": "x"}, "percent"),
        ({"percent": "zwölf", "note": "x"}, "percent"),
        ({"percent": "12,5", "note": "x"}, "percent"),
        ({"amount": "-5", "note": "x"}, "amount"),
        ({"amount": "NaN", "note": "x"}, "amount"),
        ({"amount": "5", "percent": "5", "note": "x"}, "amount"),
        ({"percent": "10", "note": " "}, "note"),
        ({"percent": "10", "note": "x", "from": "2026-12-01", "until": "2026-11-01"}, "until"),
        ({"percent": "10", "note": "x", "from": "gestern"}, "from"),
    ],
)
def test_a_wrong_discount_is_told_at_its_field_and_nothing_typed_is_lost(
    desk: Desk, form: dict[str, str], at: str
) -> None:
    desk.ask()
    here = file_of(desk)
    answer = desk.visitor.post(f"{here}/discount", form, of=here)
    assert answer.status_code == 422
    assert f'id="{at}-error"' in answer.text
    assert all(value in answer.text for value in form.values())
    assert desk.rows(select(Customer.discount_percent)) == [0]
    assert desk.rows(select(Customer.discount_from)) == [None]


def test_the_customers_page_lists_all_bookings(desk: Desk) -> None:
    three(desk)
    page = desk.get(file_of(desk, "Bert Ohm"))
    assert "Buchungen (2)" in page
    assert page.count('class="inbox-item"') == 2


@pytest.mark.rule("R1")
def test_another_organisations_customer_is_not_there(desk: Desk) -> None:
    other = desk.site.database.write(lambda db: build_house(db, slug="andere"))
    tools, now, slot = desk.site.context.tools, desk.site.now, slot_in(10, 18, 20)
    desk.site.database.write(lambda db: request(db, now, tools, other, other.left, slot, contact("Fremd Gast")))
    theirs = file_of(desk, "Fremd Gast")
    assert desk.visitor.get(theirs).status_code == 404
    assert (
        desk.visitor.post(f"{theirs}/discount", {"percent": "5", "note": "x"}, of="/office/requests").status_code == 404
    )
    assert "Fremd Gast" not in desk.get("/office/customers")
