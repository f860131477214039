"""A new installation: the first organisation and its owner, by the link with the set-up key."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.reads.house import only_organisation, read_house
from booking.tables.houses import Branch, Organisation
from booking.tables.people import Staff
from booking.values.states import Role
from booking.values.tokens import setup_path
from tests.builders import NOW
from tests.web.conftest import Visitor, make_settings
from web.app import create_app
from web.context import EXTENSION

SETTINGS_KEY = "0123456789abcdefghijklmnopqrstuvwxyz-tests"
PAGE = setup_path(SETTINGS_KEY.encode())
TYPED = {
    "name": "Halle Nord",
    "legal_name": "Halle Nord e. V.",
    "street": "Am Deich 1",
    "postcode": "27568",
    "city": "Bremerhaven",
    "country": "DE",
    "subdivision": "HB",
    "zone": "Europe/Berlin",
    "language": "de",
    "email": "buero@nord.example",
    "tax_number": "60 123 45678",
    "payee": "Halle Nord e. V.",
    "iban": "DE02 1203 0000 0000 2020 51",
    "owner_name": "Inga Deich",
    "owner_email": "Inga@Nord.example",
    "password": "ein langes Passwort",
    "again": "ein langes Passwort",
}


@pytest.fixture
def empty(database_url: str) -> Iterator[Flask]:
    """The application on a migrated database without any organisation."""
    app = create_app(make_settings(database_url), clock=lambda: NOW)
    yield app
    app.extensions[EXTENSION].close()


def count(app: Flask, table: Any) -> int:
    with app.extensions[EXTENSION].database.read() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def opened(app: Flask, **others: str) -> Any:
    return Visitor(app.test_client()).post(PAGE, TYPED | others, of=PAGE)


def test_the_link_makes_the_house_and_logs_its_owner_in(empty: Flask) -> None:
    visitor = Visitor(empty.test_client())
    answer = visitor.post(PAGE, TYPED, of=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/office/settings")
    assert "Inga Deich" in visitor.get("/office/settings").text
    database = empty.extensions[EXTENSION].database
    with database.read() as session:
        house = read_house(session, only_organisation(session) or 0)
        owner = session.scalars(select(Staff)).one()
    assert (house.name, house.slug, house.office.zone.key) == ("Halle Nord", "halle-nord", "Europe/Berlin")
    assert {hours.weekday for hours in house.office.hours} == set(range(5))
    assert (owner.email, owner.role) == ("inga@nord.example", Role.OWNER)
    assert count(empty, Branch) == 1


def test_a_new_house_can_be_walked_without_an_error(empty: Flask) -> None:
    visitor = Visitor(empty.test_client())
    visitor.post(PAGE, TYPED, of=PAGE)
    pages = [
        rule.rule
        for rule in empty.url_map.iter_rules()
        if rule.rule.startswith(("/office", "/desk", "/login", "/password"))
        and "GET" in rule.methods
        and not rule.arguments
    ]
    assert len(pages) > 20
    for path in ("/", *pages):
        assert visitor.get(path, follow_redirects=True).status_code == 200, path


def test_without_the_key_there_is_nothing(empty: Flask) -> None:
    client = empty.test_client()
    for path in ("/setup", "/setup?key=", "/setup?key=ä", PAGE[:-1]):
        assert client.get(path).status_code == 404
    token = Visitor(empty.test_client()).form_token(PAGE)
    assert client.post("/setup?key=wrong", data=TYPED | {"csrf_token": token}).status_code in {400, 404}
    assert count(empty, Organisation) == 0


def test_once_there_is_a_house_the_page_is_gone(empty: Flask) -> None:
    assert opened(empty).status_code == 302
    assert empty.test_client().get(PAGE).status_code == 410
    assert count(empty, Organisation) == 1


@pytest.mark.rule("X8")
def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost_but_the_passwords(empty: Flask) -> None:
    answer = opened(empty, tax_number="", iban="DE00", again="ein anderes Passwort", owner_email="inga")
    assert answer.status_code == 422
    for name in ("tax_number", "iban", "again", "owner_email"):
        assert f'id="{name}-error"' in answer.text
    assert 'value="Halle Nord"' in answer.text
    assert "ein langes Passwort" not in answer.text
    assert opened(empty, password="kurz", again="kurz").status_code == 422
    assert count(empty, Organisation) == 0


def test_two_at_one_moment_make_one_house(empty: Flask) -> None:
    visitors = [Visitor(empty.test_client()) for _ in range(2)]
    tokens = [visitor.form_token(PAGE) for visitor in visitors]
    both, answers = threading.Barrier(2), []

    def send(visitor: Visitor, token: str, name: str) -> None:
        both.wait(10)
        answers.append(visitor.client.post(PAGE, data=TYPED | {"csrf_token": token, "name": name}).status_code)

    names = ("Halle Nord", "Halle Süd")
    sending = [threading.Thread(target=send, args=given) for given in zip(visitors, tokens, names, strict=True)]
    for thread in sending:
        thread.start()
    for thread in sending:
        thread.join(20)
    assert sorted(answers) == [302, 410]
    assert count(empty, Organisation) == 1


def test_before_it_is_set_up_every_page_says_where_to_begin(empty: Flask) -> None:
    answer = empty.test_client().get("/", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert "platzwart setup-link" in answer.text
