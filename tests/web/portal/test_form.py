"""Bad input: each field says what is wrong in the reader's language, and nothing that was typed is lost."""

import re
from html import unescape

import pytest

from booking.values.slot import Slot
from tests.web.portal.conftest import TYPED, Customer

BAD = (
    ("name", "", "Bitte geben Sie Ihren Namen an."),
    ("name", "   \t ", "Bitte geben Sie Ihren Namen an."),
    ("name", "x" * 101, "Bitte höchstens 100 Zeichen."),
    ("company", "x" * 121, "Bitte höchstens 120 Zeichen."),
    ("street", "", "Bitte geben Sie Ihre Straße an"),
    ("postcode", "", "Bitte geben Sie Ihre Postleitzahl an."),
    ("postcode", "5067", "Eine deutsche Postleitzahl hat fünf Ziffern."),
    ("postcode", "50674 Köln", "Eine deutsche Postleitzahl hat fünf Ziffern."),
    ("city", "", "Bitte geben Sie Ihren Ort an."),
    ("country", "XX", "Bitte wählen Sie ein Land aus der Liste."),
    ("email", "", "Bitte geben Sie Ihre E-Mail-Adresse an"),
    ("email", "anna@", "Diese E-Mail-Adresse kann nicht stimmen."),
    ("email", "anna müller@verein.example", "Diese E-Mail-Adresse kann nicht stimmen."),
    ("email", 'a"><script>alert(1)</script>@x.de', "Diese E-Mail-Adresse kann nicht stimmen."),
    ("phone", "", "Bitte geben Sie eine Telefonnummer für Rückfragen an."),
    ("phone", "12345", "Diese Telefonnummer kann nicht stimmen."),
    ("phone", "ruf mich an", "Diese Telefonnummer kann nicht stimmen."),
    ("phone", "1" * 16, "Diese Telefonnummer kann nicht stimmen."),
    ("purpose", "", "Bitte schreiben Sie uns, wofür Sie den Raum brauchen."),
    ("purpose", "x" * 501, "Bitte höchstens 500 Zeichen."),
    ("people", "", "Bitte geben Sie an, wie viele Personen kommen."),
    ("people", "zehn", "Bitte geben Sie eine ganze Zahl an"),
    ("people", "-3", "Bitte geben Sie eine ganze Zahl an"),
    ("people", "1,5", "Bitte geben Sie eine ganze Zahl an"),
    ("people", "٣", "Bitte geben Sie eine ganze Zahl an"),
    ("people", "999999999999", "Bitte geben Sie eine ganze Zahl an"),
    ("people", "0", "Wie viele Personen kommen?"),
    ("people", "31", "Hier haben höchstens 30 Personen Platz."),
    ("accepted", None, "Ohne Ihre Zustimmung können wir die Anfrage nicht annehmen."),
)
GOOD = (
    ("name", "Krč"),
    ("name", "1. FC Köln 04 e. V."),
    ("email", "jürgen@münchen.de"),
    ("phone", "(0221) 55 51-23/4"),
    ("phone", "+90 212 555 12 34"),
    ("city", "Frankfurt (Oder)"),
    ("purpose", "Zeile eins\r\nZeile zwei"),
)


def control(page: str, name: str) -> str:
    """The field's element with what it shows."""
    found = re.search(rf'<(?:input|textarea|select)[^>]*\bname="{name}"[^>]*>(?:[^<]*</textarea>)?', page)
    assert found is not None, name
    return found[0]


@pytest.mark.rule("X8")
@pytest.mark.parametrize(("name", "typed", "message"), BAD, ids=[f"{name}={typed!s:.12}" for name, typed, _ in BAD])
def test_bad_input_is_answered_at_its_field_and_keeps_all_that_was_typed(
    customer: Customer, evening: Slot, name: str, typed: str | None, message: str
) -> None:
    answer = customer.send(customer.form(evening), **{name: typed})
    assert answer.status_code == 422
    page = unescape(answer.text)
    at_field = re.search(rf'id="{name}-error">.*?</p>', page, re.DOTALL)
    assert at_field is not None
    assert message in at_field[0]
    assert f'href="#{name}"' in page
    bad = control(answer.text, name)
    assert 'aria-invalid="true"' in bad
    assert f"{name}-error" in bad
    assert "<script>alert" not in answer.text
    for other, kept in (TYPED | {name: typed or ""}).items():
        if other in {"country", "accepted"}:
            continue
        assert " ".join(kept.split()) in unescape(control(answer.text, other))
    assert customer.bookings() == []


@pytest.mark.rule("X8")
def test_all_bad_fields_are_named_at_once_in_the_readers_language(customer: Customer, evening: Slot) -> None:
    hidden = customer.form(evening)
    empty = dict.fromkeys(TYPED)
    german = customer.send(hidden, **empty)
    assert "9 Angaben" in german.text
    with customer.visitor.client.session_transaction() as kept:
        kept["language"] = "en"
    english = customer.send(hidden, **empty)
    assert "Please give your name." in english.text
    assert "9 entries need another look" in english.text


@pytest.mark.rule("X8")
@pytest.mark.parametrize(("name", "typed"), GOOD, ids=[typed for _, typed in GOOD])
def test_honest_input_is_taken_as_it_is(customer: Customer, evening: Slot, name: str, typed: str) -> None:
    assert customer.send(customer.form(evening), **{name: typed}).status_code == 303


def test_control_characters_never_reach_the_database(customer: Customer, evening: Slot) -> None:
    customer.ask(evening, name="Anna\x00 Mül\u2028ler", purpose="a\x00b\x1bc\r\nzweite  Zeile")
    (booking,) = customer.bookings()
    assert booking.purpose == "a b c\nzweite Zeile"


def test_another_country_has_its_own_postcodes(customer: Customer, evening: Slot) -> None:
    assert customer.send(customer.form(evening), country="GB", postcode="SW1A 1AA").status_code == 303


def test_the_form_helps_to_fill_itself_in(customer: Customer, evening: Slot) -> None:
    from tests.web.portal.conftest import cells

    page = customer.get(f"/rooms/halle/request?{cells(evening)}").text
    for name, words in {
        "name": "name",
        "company": "organization",
        "email": "email",
        "phone": "tel",
        "street": "street-address",
        "postcode": "postal-code",
        "city": "address-level2",
        "country": "country",
    }.items():
        assert f'autocomplete="{words}"' in control(page, name)


def test_a_form_without_its_hidden_parts_is_shown_again_not_sent(customer: Customer, evening: Slot) -> None:
    hidden = customer.form(evening)
    answer = customer.send(hidden, form_id="x")
    assert answer.status_code == 409
    assert "nicht vollständig" in answer.text
    assert customer.send(hidden, time="2026").status_code == 422
    assert customer.bookings() == []


def test_a_form_from_elsewhere_is_refused(customer: Customer, evening: Slot) -> None:
    hidden = customer.form(evening)
    assert customer.send(hidden, csrf_token=None).status_code == 400
    assert customer.bookings() == []
