"""Legal texts with their versions, reachable from every page (SPEC X9)."""

import pytest

from booking.tables.houses import TermsKind
from tests.web.conftest import Site
from tests.web.portal.conftest import Customer, add_terms


@pytest.mark.rule("X9")
@pytest.mark.parametrize("kind", list(TermsKind))
def test_every_page_leads_to_every_legal_text(customer: Customer, kind: TermsKind) -> None:
    assert f'href="/terms/{kind.value}"' in customer.get("/").text
    assert f'href="/terms/{kind.value}"' in customer.get("/rooms/nowhere").text
    page = customer.get(f"/terms/{kind.value}").text
    assert f"{kind.value} Fassung 1" in page
    assert "Fassung 1, gültig seit Di, 24. November 2026" in page


@pytest.mark.rule("X9")
def test_the_newest_version_is_shown_and_the_earlier_ones_stay_readable(customer: Customer) -> None:
    add_terms(customer.site, version=2)
    newest = customer.get("/terms/terms").text
    assert "terms Fassung 2" in newest
    assert "/terms/terms?version=1&amp;language=de" in newest
    earlier = customer.get("/terms/terms?version=1&language=de").text
    assert "terms Fassung 1" in earlier


def test_a_text_comes_in_the_readers_language_else_in_the_houses(customer: Customer) -> None:
    english = {"headers": {"Accept-Language": "en"}}
    assert 'lang="de"' in customer.get("/terms/terms", **english).text
    add_terms(customer.site, version=1, language="en")
    assert '<div class="legal-text" lang="en">' in customer.get("/terms/terms", **english).text


def test_where_nothing_was_published_only_the_imprint_answers_from_the_letterhead(site: Site) -> None:
    visitor = site.client()
    imprint = visitor.get("/terms/imprint").text
    for part in ("Haus kirche GmbH", "Domplatz 1", "DE123456789", "buero@kirche.example"):
        assert part in imprint
    assert visitor.get("/terms/privacy").status_code == 404
    assert visitor.get("/terms/nonsense").status_code == 404
    assert visitor.get("/terms/terms?version=x").status_code == 404


def test_a_house_without_terms_asks_for_none(site: Site) -> None:
    customer = Customer(site, site.client())
    from tests.builders import slot_in

    page = customer.ask(slot_in(3, 18, 20), accepted=None)
    assert customer.bookings()[0].terms_id is None
    assert customer.get(page).status_code == 200
