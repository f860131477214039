"""Extras, customer groups and prices by program (SPEC S25, K26, X3)."""

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from booking.tables.bookings import Booking
from booking.values.states import BookingState, Role
from tests.builders import set_steps
from tests.web.test_api import room_id, wish
from tests.web.test_api_settings import PRICE, reasons

if TYPE_CHECKING:
    from tests.web.conftest import Site

EXTRA: dict[str, Any] = {
    "name": "Flutlicht",
    "cents": 400,
    "per": "hour",
    "vat_basis_points": 700,
    "most": 1,
    "active": True,
    "rank": 0,
}


def price_list(program: Any) -> str:
    return f"/price-lists/{program.get('/price-lists').get_json()['price_lists'][0]['id']}"


def bookings(site: "Site") -> list[Booking]:
    with site.database.read() as session:
        return list(session.scalars(select(Booking).order_by(Booking.id)))


@pytest.mark.rule("S25", "X3")
def test_extras_are_kept_offered_priced_and_booked(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    path = price_list(program)
    made = program.post(f"{path}/extras", EXTRA)
    assert made.status_code == 201
    [extra] = made.get_json()["extras"]
    assert extra == EXTRA | {"id": extra["id"]}
    room = next(one for one in program.get("/rooms").get_json()["rooms"] if one["id"] == room_id(site))
    assert [(one["name"], one["per"], one["most"]) for one in room["extras"]] == [("Flutlicht", "hour", 1)]
    wanted = room["extras"][0]["id"]
    asked = wish(site, extras=[{"extra": wanted, "count": 1}])
    shown = program.post(
        f"/rooms/{room['id']}/price", {key: asked[key] for key in ("start", "end", "people", "extras")}
    )
    assert (shown.status_code, shown.get_json()["price_cents"]) == (200, 10_800)
    assert bookings(site) == []

    booked = program.post("/requests", asked).get_json()

    assert booked["price_cents"] == 10_800
    assert booked["price_lines"] == shown.get_json()["price_lines"]
    assert booked["price_lines"][1] == {
        "text": "Flutlicht", "minutes": 120, "pieces": 0, "unit_cents": 400, "cents": 800, "vat_basis_points": 700
    }  # fmt: skip
    assert [(one["name"], one["count"]) for one in booked["extras"]] == [("Flutlicht", 1)]
    assert program.call("PUT", f"{path}/extras/{extra['id']}", EXTRA | {"active": False}).status_code == 200
    assert program.get(f"/requests/{booked['id']}").get_json()["price_lines"] == booked["price_lines"]
    again = program.post("/requests", wish(site, days=4, extras=[{"extra": wanted, "count": 1}]))
    assert (again.status_code, reasons(again)) == (422, {("extra-gone", "extras")})
    strange = program.post("/requests", wish(site, days=4, extras=[{"extra": room["id"], "count": 1}]))
    assert (strange.status_code, reasons(strange)) == (422, {("extra-gone", "extras")})
    assert [program.call("DELETE", f"{path}/extras/{extra['id']}").status_code for _ in range(2)] == [204, 404]
    assert len(bookings(site)) == 1


@pytest.mark.rule("S25", "K26", "X3")
def test_a_known_customer_pays_as_their_group_and_who_names_a_contact_as_everybody(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    group = program.post("/customer-groups", {"name": "Vereine"})
    assert group.status_code == 201
    group_id = group.get_json()["id"]
    assert program.post("/customer-groups", {"name": "vereine"}).status_code == 409
    assert program.get("/customer-groups").get_json() == {"groups": [{"id": group_id, "name": "Vereine"}]}
    program.post(
        f"{price_list(program)}/prices", PRICE | {"group": group_id, "cents": 3000, "weekdays": [], "season": None}
    )
    first = program.post("/requests", wish(site)).get_json()
    customer = program.get(f"/requests/{first['id']}").get_json()["customer"]
    put = program.call("PUT", f"/customers/{customer}/group", {"group": group_id})
    assert (put.status_code, put.get_json()["group"]) == (200, group_id)

    typed = program.post("/requests", wish(site, days=4)).get_json()
    asked = {key: value for key, value in wish(site, days=5, customer=customer).items() if key != "contact"}
    known = program.post("/requests", asked).get_json()

    assert (typed["price_cents"], known["price_cents"]) == (10_000, 6000)
    assert program.get(f"/requests/{known['id']}").get_json()["group"] == group_id
    assert len({one.customer_id for one in bookings(site)}) == 1
    both = program.post("/requests", wish(site, days=6, customer=customer))
    assert (both.status_code, reasons(both)) == (422, {("one-of-them", "contact")})
    neither = program.post("/requests", {key: value for key, value in wish(site, days=6).items() if key != "contact"})
    assert (neither.status_code, reasons(neither)) == (422, {("missing", "contact")})
    price = {key: asked[key] for key in ("start", "end", "people", "customer")}
    assert program.post(f"/rooms/{room_id(site)}/price", price).get_json()["price_cents"] == 6000
    given = [program.post(f"/requests/{typed['id']}/group-price") for _ in range(2)]
    assert [one.status_code for one in given] == [200, 409]
    assert given[0].get_json()["price_cents"] == 6000
    assert program.call("DELETE", f"/customer-groups/{group_id}").status_code == 409


@pytest.mark.rule("S25", "X3")
def test_a_room_that_only_a_group_may_book_has_a_price_for_its_customers_alone(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    first = program.post("/requests", wish(site)).get_json()
    customer = program.get(f"/requests/{first['id']}").get_json()["customer"]
    group = program.post("/customer-groups", {"name": "Vereine"}).get_json()["id"]
    assert program.call("PUT", f"/customers/{customer}/group", {"group": group}).status_code == 200
    path = f"{price_list(program)}/prices"
    (everybody,) = program.get("/price-lists").get_json()["price_lists"][0]["prices"]
    only = {key: value for key, value in everybody.items() if key != "id"} | {"group": group, "cents": 3000}
    assert program.call("PUT", f"{path}/{everybody['id']}", only).status_code == 200

    typed = program.post("/requests", wish(site, days=4))
    known = program.post("/requests", {**wish(site, days=4, customer=customer), "contact": None})

    assert (typed.status_code, reasons(typed)) == (422, {("no-price", None)})
    assert (known.status_code, known.get_json()["price_cents"]) == (201, 6000)


@pytest.mark.rule("S25", "S27", "X3")
def test_a_program_is_bound_to_no_price_and_no_fee_that_it_was_not_shown(site_on_both: "Site") -> None:
    site, program = site_on_both, site_on_both.api(Role.ADMIN)
    late = program.post("/requests", wish(site, price_cents=9_999))
    assert (late.status_code, reasons(late)) == (409, {("price-changed", None)})
    assert late.get_json()["due_cents"] == 10_000
    made = program.post("/requests", wish(site, price_cents=10_000)).get_json()
    [booking] = bookings(site)
    site.database.write(lambda db: db.execute(update(Booking).values(state=BookingState.CONFIRMED)))
    site.database.write(lambda db: set_steps(db, site.ids, (7, 50)))
    cancel = f"/bookings/{made['id']}/cancel"
    dear = program.post(cancel, {"reason": "Krank", "fee_cents": 0})
    assert (dear.status_code, reasons(dear)) == (409, {("fee-changed", None)})
    assert dear.get_json()["due_cents"] == 5000
    agreed = program.post(cancel, {"reason": "Krank", "fee_cents": 5000})
    assert (agreed.status_code, agreed.get_json()["fee_cents"]) == (200, 5000)
    assert bookings(site)[0].id == booking.id


@pytest.mark.rule("R1", "X12")
def test_who_may_not_change_prices_changes_no_groups_and_no_extras(site: "Site") -> None:
    program = site.api(Role.OFFICE)
    assert program.get("/customer-groups").status_code == 200
    assert program.post("/customer-groups", {"name": "Vereine"}).status_code == 403
    path = price_list(site.api(Role.ADMIN))
    assert program.post(f"{path}/extras", EXTRA).status_code == 403
