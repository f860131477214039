"""The house's settings by program: changed in part, refused at the member, in effect at once (SPEC S8, S22, X9)."""

from typing import TYPE_CHECKING, Any

import pytest

from booking.reads.house import read_house
from booking.values.states import Role, Weight
from tests.builders import build_house
from tests.web.test_api import room_id, wish

if TYPE_CHECKING:
    from booking.reads.house import House
    from tests.web.conftest import Caller, Site


@pytest.fixture
def program(site: "Site") -> "Caller":
    return site.api(Role.ADMIN)


def house_of(site: "Site") -> "House":
    with site.database.read() as db:
        return read_house(db, site.ids.organisation_id)


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


@pytest.mark.rule("S22")
def test_what_is_named_is_set_and_the_rest_stays(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    before = program.get("/house").get_json()
    wanted = {"desk_days": 5, "review_by": "11:30", "code_hours_before": 24, "desk_email": None, "mail_check": True}
    changed = program.call("PATCH", "/house", wanted, key="house")
    assert (changed.status_code, changed.get_json()) == (200, before | wanted), changed.text
    assert program.get("/house").get_json() == changed.get_json()
    assert (house_of(site).desk_days, house_of(site).desk_email) == (5, None)
    assert program.call("PATCH", "/house", {"code_hours_before": None}).get_json()["code_hours_before"] is None


@pytest.mark.rule("C4")
def test_whether_customers_feeds_show_codes_is_chosen_by_program_too(program: "Caller", site: "Site") -> None:
    assert program.get("/house").get_json()["feed_code_hours"] is None
    for wanted in (24, None):
        assert program.call("PATCH", "/house", {"feed_code_hours": wanted}).get_json()["feed_code_hours"] == wanted
        assert house_of(site).feed_code_hours == wanted


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"desk_days": 99}, ("out-of-range", "desk_days")),
        ({"feed_code_hours": 169}, ("out-of-range", "feed_code_hours")),
        ({"zone": "Mars"}, ("no-zone", "zone")),
        ({"vat_id": None, "tax_number": None}, ("no-tax-number", "tax_number")),
        ({"iban": "DE02120300000000202052"}, ("invalid", "iban")),
        ({"email": "nicht@"}, ("invalid", "email")),
        ({"office_phone": "anrufen"}, ("invalid", "office_phone")),
        ({"name": None}, ("invalid", "name")),
        ({"review_by": "25:00"}, ("invalid", "review_by")),
        ({"slug": "x"}, ("invalid", "slug")),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_its_member(
    program: "Caller", change: dict[str, Any], expected: tuple[str, str]
) -> None:
    before = program.get("/house").get_json()
    answer = program.call("PATCH", "/house", change | {"city": "Bonn"})
    assert (answer.status_code, reasons(answer)) == (422, {expected})
    assert program.get("/house").get_json() == before


def test_a_rooms_terms_take_effect_at_once(site: "Site", program: "Caller") -> None:
    path = f"/rooms/{room_id(site)}/terms"
    before = program.get(path).get_json()
    changed = program.call("PATCH", path, {"shortest_minutes": 120, "notice_minutes": 60})
    assert changed.get_json() == before | {"shortest_minutes": 120, "notice_minutes": 60}
    short = site.api().post("/requests", wish(site, first=18, last=19))
    assert reasons(short) == {("too-short", "end")}
    odd = program.call("PATCH", path, {"shortest_minutes": 90})
    assert (odd.status_code, reasons(odd)) == (422, {("not-a-multiple-of-slot", "shortest_minutes")})
    other = program.post("/price-lists", {"name": "Klubs", "vat_basis_points": 1900}).get_json()["id"]
    assert program.call("PATCH", path, {"price_list": other}).get_json()["price_list"] == other


@pytest.mark.rule("S27", "X3")
def test_the_steps_of_cancelling_are_a_list_of_the_rooms_terms(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    path = f"/rooms/{room_id(site)}/terms"
    before = program.get(path).get_json()
    assert before["cancel_steps"] == []
    steps = [{"days_before": 14, "fee_percent": 30}, {"days_before": 1, "fee_percent": 100}]
    changed = program.call("PATCH", path, {"cancel_steps": steps[::-1]})
    assert (changed.status_code, changed.get_json()) == (200, before | {"cancel_steps": steps}), changed.text
    assert program.call("PATCH", path, {"most_people": 7}).status_code == 422
    assert program.call("PATCH", path, {"notice_minutes": 60}).get_json()["cancel_steps"] == steps
    falling = program.call("PATCH", path, {"cancel_steps": [*steps, {"days_before": 0, "fee_percent": 5}]})
    assert (falling.status_code, reasons(falling)) == (422, {("fee-falls", "cancel_steps.2.fee_percent")})
    assert program.get(path).get_json()["cancel_steps"] == steps
    assert program.call("PATCH", path, {"cancel_steps": []}).get_json()["cancel_steps"] == []


@pytest.mark.rule("S8")
def test_a_finding_is_weighed_anew_and_the_others_stay(site: "Site", program: "Caller") -> None:
    before = {one["code"]: one for one in program.get("/findings").get_json()["findings"]}
    assert program.call("PUT", "/findings/late", {"weight": "stop", "number": 21}).status_code == 200
    assert program.call("PUT", "/findings/link", {"weight": None}).status_code == 200
    after = {one["code"]: one for one in program.get("/findings").get_json()["findings"]}
    assert {code for code in before if before[code] != after[code]} == {"late", "link"}
    assert (after["late"]["weight"], after["late"]["number"]) == ("stop", 21)
    assert (after["link"]["weight"], after["link"]["number"]) == (None, 1)
    assert house_of(site).thresholds["late"].weight is Weight.STOP
    assert program.call("PUT", "/findings/nonsense", {"weight": None}).status_code == 404


@pytest.mark.rule("X9")
def test_a_legal_text_is_published_as_a_new_version(program: "Caller") -> None:
    body = {"kind": "terms", "language": "de", "text": "Erste Fassung"}
    first = program.post("/legal-texts", body, key="first")
    assert (first.status_code, first.get_json()["version"]) == (201, 1), first.text
    assert program.post("/legal-texts", body, key="first").get_json() == first.get_json()
    assert reasons(program.post("/legal-texts", body)) == {("unchanged", "text")}
    assert program.post("/legal-texts", body | {"text": "Zweite"}).get_json()["version"] == 2
    [newest] = program.get("/legal-texts").get_json()["texts"]
    assert newest["text"] == "Zweite"


@pytest.mark.rule("R1", "R2")
def test_the_settings_are_for_the_administration_of_this_house(site: "Site", program: "Caller") -> None:
    office, room = site.api(Role.OFFICE), room_id(site)
    for method, path in (
        ("GET", "/house"),
        ("PATCH", "/house"),
        ("GET", f"/rooms/{room}/terms"),
        ("PATCH", f"/rooms/{room}/terms"),
        ("GET", "/findings"),
        ("PUT", "/findings/late"),
        ("GET", "/legal-texts"),
        ("POST", "/legal-texts"),
    ):
        assert office.call(method, path, {}).status_code == 403, path
    other = site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour = site.api(Role.ADMIN, other.organisation_id)
    assert neighbour.call("PATCH", f"/rooms/{room}/terms", {"horizon_days": 9}).status_code == 404
    assert neighbour.call("PATCH", "/house", {"city": "Bonn"}).status_code == 200
    assert program.get("/house").get_json()["city"] == "Köln"
    theirs = neighbour.get("/price-lists").get_json()["price_lists"][0]["id"]
    assert program.call("PATCH", f"/rooms/{room}/terms", {"price_list": theirs}).status_code == 404
