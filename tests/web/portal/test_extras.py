"""Extras on the request page: chosen, shown in the price before the request, frozen with it (SPEC S25, S4, X8)."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from booking.actions.extras import put_extra, remove_extra
from booking.actions.groups import assign_group, put_group
from booking.actions.settings import put_price_rule
from booking.tables.people import Customer as CustomerFile
from booking.values.house import Per
from booking.values.slot import Slot
from tests.booking.actions.one_rental import OFFICE
from tests.builders import slot_in
from tests.web.portal.conftest import TYPED, Customer, cells, hidden_of

NBSP = "\N{NO-BREAK SPACE}"


def extra(customer: Customer, **values: Any) -> int:
    """An extra of the house's only list."""
    site = customer.site
    mine, listed = site.ids.organisation_id, site.ids.price_list_id
    made = site.database.write(lambda db: put_extra(db, site.now, mine, OFFICE, listed, None, values))
    assert isinstance(made, int), made
    return made


def change(customer: Customer, extra_id: int, **values: Any) -> None:
    site = customer.site
    mine, listed = site.ids.organisation_id, site.ids.price_list_id
    site.database.write(lambda db: put_extra(db, site.now, mine, OFFICE, listed, extra_id, values))


def repriced(customer: Customer, slot: Slot, **typed: str) -> str:
    """The form with the price that counts what was typed."""
    said = {**customer.form(slot), **TYPED, **typed}
    answer = customer.visitor.client.post("/rooms/halle/request/price", data=said)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


@pytest.mark.rule("S25")
def test_extras_are_priced_line_by_line_before_the_request_and_frozen_with_it(
    customer_on_both: Customer, evening: Slot
) -> None:
    customer = customer_on_both
    light = extra(customer, name="Flutlicht", cents=400, per=Per.HOUR, most=1)
    balls = extra(customer, name="Bälle", cents=150, per=Per.BOOKING, most=20)
    fruit = extra(customer, name="Obst", cents=100, per=Per.PERSON, most=1, vat_rate=700)
    wanted = {f"extra-{light}": "yes", f"extra-{balls}": "3", f"extra-{fruit}": "yes"}
    page = customer.get(f"/rooms/halle/request?{cells(evening)}").text
    for price in (f"4,00{NBSP}€ je Stunde", f"1,50{NBSP}€ je Stück · höchstens 20", f"1,00{NBSP}€ je Person"):
        assert price in page

    shown = repriced(customer, evening, **wanted)

    assert customer.bookings() == []
    assert [f"<td>{amount}{NBSP}€</td>" in shown for amount in ("100,00", "8,00", "4,50", "10,00", "122,50")] == [
        True
    ] * 5
    assert f"3 × 1,50{NBSP}€" in shown
    assert f"7{NBSP}% MwSt. enthalten: 0,65{NBSP}€" in shown
    sent = customer.send(hidden_of(shown), **wanted)
    assert sent.status_code == 303, sent.text
    (booking,) = customer.bookings()
    assert booking.price_cents == 12_250
    assert [(one["name"], one["count"]) for one in booking.extras] == [("Flutlicht", 1), ("Bälle", 3), ("Obst", 1)]
    change(customer, balls, cents=9900)
    status = customer.get(str(sent.location)).text
    assert "Bälle" in status
    assert f"122,50{NBSP}€" in status


@pytest.mark.rule("S25")
def test_nobody_is_bound_to_a_price_without_the_extras_that_they_chose(customer: Customer, evening: Slot) -> None:
    light = extra(customer, name="Flutlicht", cents=400, per=Per.HOUR, most=1)
    answer = customer.send(customer.form(evening), **{f"extra-{light}": "yes"})
    assert answer.status_code == 409
    assert "Der Preis enthält jetzt Ihre Zusatzleistungen." in answer.text
    assert f"108,00{NBSP}€" in answer.text
    assert re.search(rf'name="extra-{light}"[^>]* checked', answer.text)
    assert customer.bookings() == []
    assert customer.send(hidden_of(answer.text), **{f"extra-{light}": "yes"}).status_code == 303


@pytest.mark.rule("S25", "X8")
@pytest.mark.parametrize("is_removed", [False, True])
def test_what_was_withdrawn_meanwhile_is_refused_at_its_field(
    customer: Customer, evening: Slot, is_removed: bool
) -> None:
    light = extra(customer, name="Flutlicht", cents=400, per=Per.HOUR, most=1)
    wanted = {f"extra-{light}": "yes"}
    hidden = hidden_of(repriced(customer, evening, **wanted))
    if is_removed:
        site = customer.site
        mine = site.ids.organisation_id
        site.database.write(lambda db: remove_extra(db, site.now, mine, OFFICE, light))
    else:
        change(customer, light, active=False)

    answer = customer.send(hidden, **wanted)

    assert answer.status_code == 422
    at_field = re.search(rf'id="extra-{light}-error">.*?<span>([^<]*)</span>', answer.text, re.DOTALL)
    assert at_field is not None
    assert "nicht mehr angeboten" in at_field[1]
    assert TYPED["purpose"] in answer.text
    assert f'name="extra-{light}"' not in answer.text
    assert customer.bookings() == []
    assert customer.send(hidden_of(answer.text)).status_code == 303


@pytest.mark.rule("X8")
@pytest.mark.parametrize(("typed", "words"), [("viele", "ganze Zahl"), ("21", "nur 20"), ("1,5", "ganze Zahl")])
def test_a_number_that_cannot_be_is_said_at_its_field_and_stays(
    customer: Customer, evening: Slot, typed: str, words: str
) -> None:
    balls = extra(customer, name="Bälle", cents=150, per=Per.BOOKING, most=20)
    answer = customer.send(customer.form(evening), **{f"extra-{balls}": typed})
    assert answer.status_code == 422
    assert f'href="#extra-{balls}"' in answer.text
    assert re.search(rf'id="extra-{balls}-error">.*?<span>[^<]*{words}', answer.text, re.DOTALL)
    assert f'value="{typed}"' in answer.text
    assert customer.bookings() == []


@pytest.mark.parametrize(
    "name", ["extra-", "extra-x", "extra-99999999999999999999999", "extra-\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_names_that_are_no_extras_do_no_harm(customer: Customer, evening: Slot, name: str) -> None:
    assert customer.send(customer.form(evening), **{name: "1"}).status_code == 303


@pytest.mark.rule("S25")
def test_prices_of_a_group_are_shown_to_nobody_who_only_types_a_members_data(customer: Customer, evening: Slot) -> None:
    site = customer.site
    mine, listed = site.ids.organisation_id, site.ids.price_list_id
    page = customer.ask(evening)
    group = site.database.write(lambda db: put_group(db, site.now, mine, OFFICE, None, {"name": "Vereine"}))
    assert isinstance(group, int)
    price = {"name": "Vereinstarif", "cents": 3000, "per_hour": True, "group_id": group}
    site.database.write(lambda db: put_price_rule(db, site.now, mine, OFFICE, listed, None, price))
    with site.database.read() as session:
        public_id = session.scalars(select(CustomerFile.public_id)).one()
    site.database.write(lambda db: assign_group(db, site.now, customer._house(db), public_id, group, OFFICE))
    later = slot_in(5, 10, 12)

    assert "Vereinstarif" not in customer.get("/rooms/halle").text
    shown = repriced(customer, later)
    assert "Vereinstarif" not in shown
    assert customer.send(hidden_of(shown)).status_code == 303
    assert customer.bookings()[-1].price_cents == 10_000
    check = f"/change/check?{cells(slot_in(6, 10, 12))}"
    assert "Vereinstarif" not in customer.get(page + check).text
    assert "Vereinstarif" in customer.get(customer.mail_page(0) + check).text
