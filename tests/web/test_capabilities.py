"""Each capability is there for people and for programs alike, and none is left out in silence (SPEC R1, X12)."""

import re
from typing import TYPE_CHECKING

import pytest

from booking.rules.permissions import Capability
from web.access import Way, access_of

if TYPE_CHECKING:
    from tests.web.conftest import Site

# Programs ask for the history of one record; people read it on the pages of the booking and of the customer.
NO_PAGE_OF_ITS_OWN = {Capability.AUDIT_RECORD}
# Nothing asks for these yet: they belong to what is still to come.
TO_COME = {
    Capability.CLOSURES,
    Capability.FEEDS_OWN,
    Capability.KEYS,
    Capability.OWNERSHIP,
    Capability.ORGANISATION_DELETE,
}


def asked(site: "Site", way: Way) -> set[Capability]:
    """The capabilities that some view of this way asks for."""
    found = (access_of(site.app, rule.endpoint) for rule in site.app.url_map.iter_rules())
    return {one.capability for one in found if one and one.way is way and one.capability}


@pytest.mark.rule("X12")
def test_every_capability_of_a_page_is_one_of_the_api_and_the_other_way_round(site: "Site") -> None:
    pages, calls = asked(site, Way.STAFF), asked(site, Way.TOKEN)
    assert pages - calls == set(), "pages without a call of the API"
    assert calls - pages == NO_PAGE_OF_ITS_OWN, "calls of the API without a page"


@pytest.mark.rule("R1", "X12")
def test_what_nothing_asks_for_is_known_by_name(site: "Site") -> None:
    assert set(Capability) - asked(site, Way.STAFF) - asked(site, Way.TOKEN) == TO_COME


@pytest.mark.rule("X3", "X12")
def test_every_call_of_the_api_is_in_its_description(site: "Site") -> None:
    described = {
        (method.upper(), path)
        for path, methods in site.client().get("/api/openapi.json").get_json()["paths"].items()
        for method in methods
    }
    views = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)))
        for rule in site.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (access := access_of(site.app, rule.endpoint)) and access.way is Way.TOKEN
    }
    assert views == described
