"""What the API stores of accepted terms is what the portal would have shown (SPEC S4)."""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import select

from booking.tables.bookings import Booking
from booking.tables.houses import Terms, TermsKind
from tests.builders import NOW
from tests.web.test_api import wish

if TYPE_CHECKING:
    from tests.web.conftest import Site


def publish(site: "Site", kind: TermsKind, language: str) -> int:
    row = Terms(
        organisation_id=site.ids.organisation_id,
        kind=kind,
        language=language,
        version=1,
        text="…",
        published_at=NOW - timedelta(days=9),
    )

    def work(session: object) -> int:
        session.add(row)  # type: ignore[attr-defined]  # a session
        session.flush()  # type: ignore[attr-defined]  # as above
        return row.id

    return site.database.write(work)


def accepted(site: "Site", language: str) -> tuple[int | None, int | None]:
    made = site.api().post("/requests", wish(site, terms_accepted=True, language=language)).get_json()
    with site.database.read() as session:
        row = session.scalars(select(Booking).where(Booking.public_id == UUID(made["id"]))).one()
        return row.terms_id, row.rules_id


@pytest.mark.rule("S4")
@pytest.mark.parametrize("language", ["de", "en"])
def test_terms_are_stored_in_the_houses_language_where_the_customers_has_none(site: "Site", language: str) -> None:
    terms, rules = publish(site, TermsKind.TERMS, "de"), publish(site, TermsKind.HOUSE_RULES, "de")
    publish(site, TermsKind.PRIVACY, "de")
    assert accepted(site, language) == (terms, rules)


@pytest.mark.rule("S4")
def test_terms_that_nobody_published_cannot_have_been_accepted(site: "Site") -> None:
    answer = site.api().post("/requests", wish(site, terms_accepted=True))
    assert answer.status_code == 422
    assert [(one["code"], one["at"]) for one in answer.get_json()["reasons"]] == [("no-terms", "terms_accepted")]
    with site.database.read() as session:
        assert session.scalars(select(Booking)).all() == []
    assert site.api().post("/requests", wish(site)).status_code == 201
