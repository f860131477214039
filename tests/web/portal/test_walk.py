"""The walk of a customer: week, request, status. The time is blocked with the same transaction."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.tables.houses import PriceRule, Terms, TermsKind
from booking.tables.outgoing import Message
from booking.tables.people import Customer as CustomerFile
from booking.values.codes import spoken
from booking.values.money import Cents
from booking.values.slot import Slot
from booking.values.states import BookingState
from tests.builders import change_house, slot_in
from tests.web.portal.conftest import TYPED, Customer, add_terms, cells, hidden_of


@pytest.mark.rule("S4", "S5")
def test_a_picked_time_becomes_a_request_and_is_blocked_on_the_page_at_once(
    customer_on_both: Customer, evening: Slot
) -> None:
    customer = customer_on_both
    week = f"/rooms/halle?day={evening.start.date()}"
    value = f'value="{evening.start:%Y-%m-%dT%H:%MZ}"'
    assert value in customer.get(week).text

    page = customer.ask(evening)

    assert value not in customer.get(week).text
    shown = customer.get(f"{page}?new")
    (booking,) = customer.bookings()
    assert booking.state is BookingState.REQUESTED
    assert spoken(booking.code) in shown.text.replace('</span><span aria-hidden="true">', "-")
    assert "Fr, 27. November 2026, 18:00" in shown.text
    assert "Mi, 25. November 2026, 12:00" in shown.text


@pytest.mark.rule("S4")
def test_all_required_data_are_kept_with_the_versions_that_were_accepted(customer: Customer, evening: Slot) -> None:
    add_terms(customer.site, version=2)
    customer.ask(evening, advertising="y")
    (booking,) = customer.bookings()
    with customer.site.database.read() as session:
        kept = session.get_one(CustomerFile, booking.customer_id)
        texts = {text.id: (text.kind, text.version) for text in session.scalars(select(Terms))}
    for name in ("name", "company", "street", "postcode", "city", "country", "email", "phone"):
        assert getattr(kept, name) == TYPED[name]
    assert (booking.purpose, booking.people) == (TYPED["purpose"], 10)
    assert texts[booking.terms_id or 0] == (TermsKind.TERMS, 2)
    assert texts[booking.rules_id or 0] == (TermsKind.HOUSE_RULES, 2)
    assert kept.advertising_asked_at == customer.site.now
    assert booking.made_from is not None


@pytest.mark.rule("S4")
def test_advertising_is_asked_for_apart_and_never_ticked_beforehand(customer: Customer, evening: Slot) -> None:
    page = customer.get(f"/rooms/halle/request?{cells(evening)}").text
    box = re.search(r'<input[^>]*name="advertising"[^>]*>', page)
    assert box is not None
    assert "checked" not in box[0]
    assert "required" not in box[0]
    customer.ask(evening)
    with customer.site.database.read() as session:
        assert session.scalars(select(CustomerFile)).one().advertising_asked_at is None


@pytest.mark.rule("S4", "X9")
def test_who_accepted_an_older_version_is_shown_the_new_one_first(customer: Customer, evening: Slot) -> None:
    hidden = customer.form(evening)
    add_terms(customer.site, version=2)
    answer = customer.send(hidden)
    assert answer.status_code == 409
    assert "Fassung 2 vom" in answer.text
    assert not re.search(r'name="accepted"[^>]*checked', answer.text)
    assert TYPED["purpose"] in answer.text
    assert customer.bookings() == []


@pytest.mark.rule("S25")
def test_the_price_is_shown_line_by_line_before_the_request_and_frozen_with_it(
    customer: Customer, evening: Slot
) -> None:
    page = customer.get(f"/rooms/halle/request?{cells(evening)}").text
    assert "Stunde" in page
    assert "2 Stunden · 50,00\N{NO-BREAK SPACE}€" in page
    assert "19\N{NO-BREAK SPACE}% MwSt. enthalten: 15,97\N{NO-BREAK SPACE}€" in page
    customer.ask(evening)
    assert customer.bookings()[0].price_cents == 10_000


@pytest.mark.rule("S25")
def test_nobody_is_bound_to_a_price_that_was_never_shown(customer: Customer, evening: Slot) -> None:
    hidden = customer.form(evening)

    def dearer(session: Session) -> None:
        session.scalars(select(PriceRule)).one().cents = Cents(9900)
        change_house(session, customer.site.ids)

    customer.site.database.write(dearer)
    answer = customer.send(hidden)
    assert answer.status_code == 409
    assert "198,00" in answer.text
    assert customer.bookings() == []
    assert customer.send(hidden_of(answer.text)).status_code == 303


@pytest.mark.rule("X9")
@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "Zahlungspflichtig anfragen"), ("en", "Request with obligation to pay")],
)
def test_the_binding_button_says_so(customer: Customer, evening: Slot, language: str, words: str) -> None:
    page = customer.get(f"/rooms/halle/request?{cells(evening)}", headers={"Accept-Language": language}).text
    assert f'<button class="btn btn-primary">{words}</button>' in page


@pytest.mark.rule("S5")
def test_a_double_click_makes_one_booking(customer_on_both: Customer, evening: Slot) -> None:
    customer = customer_on_both
    hidden = customer.form(evening)
    first, second = customer.send(hidden), customer.send(hidden)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert len(customer.bookings()) == 1


def test_clicks_that_run_beside_each_other_make_one_booking(customer_on_both: Customer, evening: Slot) -> None:
    customer = customer_on_both
    hidden = customer.form(evening)
    cookie = customer.visitor.client.get_cookie("platzwart")
    assert cookie is not None

    def click(_number: int) -> str | None:
        browser = customer.site.app.test_client()
        browser.set_cookie("platzwart", cookie.value)
        return browser.post("/rooms/halle/request", data={**hidden, **TYPED}).location

    with ThreadPoolExecutor(4) as threads:
        places = set(threads.map(click, range(4)))
    assert len(places) == 1
    assert None not in places
    assert len(customer.bookings()) == 1


def test_a_form_that_was_sent_leads_to_its_booking_even_when_it_now_says_something_else(
    customer: Customer, evening: Slot
) -> None:
    hidden = customer.form(evening)
    first = customer.send(hidden)
    other = slot_in(4, 10, 11)
    again = customer.send(
        {**hidden, **{name: value for name, value in customer.form(other).items() if name != "form_id"}}
    )
    assert again.status_code == 303
    assert str(first.location).partition("?")[0] == again.location
    assert "schon einmal gesendet" in customer.get(str(again.location)).text
    assert len(customer.bookings()) == 1


@pytest.mark.rule("S5", "X8")
def test_a_time_taken_meanwhile_says_so_and_offers_the_nearest_free_ones_with_the_form_kept(
    customer: Customer, another: Callable[[], Customer], evening: Slot
) -> None:
    hidden = customer.form(evening)
    another().ask(evening, email="b@verein.example", name="Bernd Schnell")

    answer = customer.send(hidden, purpose="Geburtstag & Kuchen")

    assert answer.status_code == 409
    assert "jemand war schneller" in answer.text.lower()
    assert "Geburtstag &amp; Kuchen" in answer.text
    assert "Bernd" not in answer.text
    offers = re.findall(r'name="other" value="([^"]+)"', answer.text)
    assert offers[0] == "2026-11-27T15:00Z/2026-11-27T17:00Z"

    chosen = customer.send(hidden, other=offers[0], purpose="Geburtstag & Kuchen")
    assert chosen.status_code == 200
    assert "16:00" in chosen.text
    assert "Geburtstag &amp; Kuchen" in chosen.text
    assert len(customer.bookings()) == 1

    assert customer.send(hidden_of(chosen.text)).status_code == 303
    assert len(customer.bookings()) == 2


def test_a_database_that_is_busy_loses_nothing_that_was_typed(
    customer: Customer, evening: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = customer.form(evening)
    monkeypatch.setattr("booking.tables.database.LOCK_SECONDS", 0.05)
    with customer.site.database._lock.held():  # type: ignore[union-attr]  # SQLite has one
        answer = customer.send(hidden)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert TYPED["purpose"] in answer.text
    assert customer.send(hidden).status_code == 303


@pytest.mark.rule("S6")
def test_the_customer_is_written_to_in_the_language_of_the_page(customer: Customer, evening: Slot) -> None:
    with customer.visitor.client.session_transaction() as kept:
        kept["language"] = "en"
    customer.ask(evening)
    with customer.site.database.read() as session:
        mail = session.scalars(select(Message).where(Message.kind == "acknowledgement")).one()
    assert (mail.language, mail.recipient) == ("en", TYPED["email"])


@pytest.mark.rule("S26")
def test_too_many_open_requests_of_one_contact_are_refused_in_words(customer: Customer) -> None:
    for day in range(2, 7):
        customer.ask(slot_in(day, 10, 11))
    answer = customer.send(customer.form(slot_in(8, 10, 11)))
    assert answer.status_code == 422
    assert "5 Anfragen von Ihnen" in answer.text
    assert TYPED["purpose"] in answer.text


@pytest.mark.rule("S8")
def test_a_trusted_customer_is_confirmed_in_the_step_that_proves_the_address(customer: Customer, evening: Slot) -> None:
    customer.site.database.write(lambda db: change_house(db, customer.site.ids, approve_after_kept=1))
    customer.without_doors()
    customer.ask(slot_in(1, 10, 11))
    customer.decide()
    customer.site.now += timedelta(days=2)
    customer.site.database.write(lambda db: change_house(db, customer.site.ids, mail_check=True))
    page = customer.ask(evening)
    customer.act(f"{customer.mail_page()}/verify", of=customer.mail_page())
    assert customer.bookings()[-1].state is BookingState.REQUESTED
    customer.site.now += timedelta(minutes=2)
    customer.settle()
    assert "Bestätigt" in customer.get(page).text


def test_broken_and_missing_choices_come_back_to_the_week_with_words(customer: Customer, evening: Slot) -> None:
    first, *_ = cells(evening).split("&")
    last = cells(slot_in(3, 20, 21))
    gap = customer.get(f"/rooms/halle/request?{first}&{last}")
    assert gap.status_code == 422
    assert "aufeinander folgen" in gap.text
    assert len(re.findall(r"data-note|checked", gap.text)) >= 3
    for query in ("", "slot=nonsense", "time=2026/2026", "slot=2026-11-27T17:00Z&" * 200):
        assert customer.get(f"/rooms/halle/request?{query}").status_code == 422
    past = cells(slot_in(-1, 10, 11))
    assert "hat schon begonnen" in customer.get(f"/rooms/halle/request?{past}").text


def test_the_honest_visitor_who_filled_the_trap_is_told_and_keeps_the_rest(customer: Customer, evening: Slot) -> None:
    answer = customer.send(customer.form(evening), homepage="http://spam.example")
    assert answer.status_code == 422
    assert "nur für Maschinen" in answer.text
    assert TYPED["purpose"] in answer.text
    assert customer.bookings() == []
