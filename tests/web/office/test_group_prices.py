"""Groups and extras on the office's pages: kept, assigned, given at the review, booked by the office (SPEC S25)."""

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from booking.reads.house import House
from booking.tables.bookings import Booking
from booking.tables.houses import CustomerGroup, PriceExtra, PriceRule
from booking.tables.people import Customer
from booking.values.house import Per
from booking.values.states import Role
from tests.builders import change_house
from tests.neighbours import add_neighbour, log_in_at
from tests.web.interleaving import between_look_and_write
from tests.web.office.conftest import Desk
from tests.web.office.test_new_booking import NEW, bookings, form

if TYPE_CHECKING:
    from tests.web.conftest import Visitor

NBSP = "\N{NO-BREAK SPACE}"
PRICES = "/office/settings/prices"


@pytest.fixture
def owner(desk: Desk) -> "Visitor":
    """Who may change prices; the house has a group whose hour costs 30 € instead of 50."""
    visitor = desk.site.logged_in(Role.OWNER)
    assert visitor.post("/office/settings/groups/new", {"name": "Vereine"}, of=PRICES).status_code == 302
    price = {"name": "Vereinstarif", "cents": "30", "per_hour": "yes", "from_time": "00:00", "to_time": "00:00"}
    price |= {"rank": "0", "group_id": str(group(desk))}
    path = f"{PRICES}/{desk.ids.price_list_id}/lines/new"
    assert visitor.post(path, price, of=path).status_code == 302
    return visitor


def group(desk: Desk) -> int:
    found: int = desk.rows(select(CustomerGroup.id))[0]
    return found


def customer(desk: Desk) -> Customer:
    found: Customer = desk.rows(select(Customer))[0]
    return found


def join(desk: Desk) -> str:
    """The only customer becomes a club; the address of their page."""
    path = f"/office/customers/{customer(desk).public_id}"
    assert desk.visitor.post(f"{path}/group", {"group": str(group(desk))}, of=path).status_code == 302
    return path


@pytest.mark.rule("S25")
def test_extras_are_kept_shown_and_withdrawn(desk: Desk, owner: "Visitor") -> None:
    path = f"{PRICES}/{desk.ids.price_list_id}/extras"
    extra = {"name": "Flutlicht", "cents": "4,50", "per": "hour", "most": "", "vat_rate": "7", "rank": "0"}
    assert owner.post(f"{path}/new", extra | {"active": "yes"}, of=f"{path}/new").status_code == 302
    (made,) = desk.rows(select(PriceExtra))
    assert (made.cents, made.per, made.most, made.vat_rate, made.active) == (450, Per.HOUR, None, 700, True)
    assert "Flutlicht" in owner.get(PRICES).text
    assert owner.post(f"{path}/{made.id}", extra, of=f"{path}/{made.id}").status_code == 302
    assert not desk.rows(select(PriceExtra))[0].active
    assert "nicht angeboten" in owner.get(PRICES).text
    wrong = owner.post(f"{path}/{made.id}", extra | {"vat_rate": "0", "most": "0"}, of=f"{path}/{made.id}")
    assert wrong.status_code == 422
    assert owner.post(f"{path}/{made.id}/remove", of=f"{path}/{made.id}").status_code == 302
    assert desk.rows(select(PriceExtra)) == []


@pytest.mark.rule("S25", "K26")
def test_a_group_with_prices_or_members_is_not_removed(desk: Desk, owner: "Visitor") -> None:
    path = f"/office/settings/groups/{group(desk)}"
    answer = owner.post(f"{path}/remove", of=path, follow_redirects=True)
    assert "kann nicht entfernt werden" in answer.text
    assert desk.rows(select(PriceRule.group_id).where(PriceRule.group_id.is_not(None))) == [group(desk)]
    assert owner.post(path, {"name": "Klubs"}, of=path).status_code == 302
    assert "Klubs" in owner.get(PRICES).text
    assert owner.get("/office/settings/groups/999").status_code == 404


@pytest.mark.rule("S25", "X5")
def test_the_office_puts_a_customer_into_a_group_and_finds_them_by_it(desk: Desk, owner: "Visitor") -> None:
    assert owner.get(PRICES).status_code == 200
    desk.ask()
    path = join(desk)
    assert customer(desk).group_id == group(desk)
    assert "In eine Gruppe aufgenommen" in desk.get(path)
    assert "Anna Müller" in desk.get(f"/office/customers?group={group(desk)}")
    assert "Anna Müller" not in desk.get(f"/office/customers?group={group(desk) + 1}")
    refused = desk.visitor.post(f"{path}/group", {"group": "999"}, of=path)
    assert refused.status_code == 422
    assert "gibt es nicht mehr" in refused.text
    theirs = log_in_at(desk.site, add_neighbour(desk.site))
    assert theirs.post(f"{path}/group", {"group": ""}, of="/office/customers").status_code == 404
    assert customer(desk).group_id == group(desk)


@pytest.mark.rule("S25")
def test_the_office_gives_the_price_of_the_group_with_one_press(desk: Desk, owner: "Visitor") -> None:
    assert owner.get(PRICES).status_code == 200
    made = desk.ask()
    page = f"/office/requests/{made.public_id}"
    assert "zahlt weniger" not in desk.get(page)
    join(desk)
    shown = desk.get(page)
    assert f"Preis der Gruppe geben: 60,00{NBSP}€" in shown
    seen = re.search(rf'action="{page}/group-price">.*?name="seen" value="([^"]+)"', shown, re.DOTALL)
    assert seen is not None
    assert desk.visitor.post(f"{page}/group-price", {"seen": "other"}, of=page).status_code == 409
    assert desk.booking(made).price_cents == 10_000

    given = desk.visitor.post(f"{page}/group-price", {"seen": seen[1]}, of=page)

    assert given.status_code == 302
    assert desk.booking(made).price_cents == 6000
    assert "Vereinstarif" in desk.get(page)
    assert "zahlt weniger" not in desk.get(page)
    assert "Preis der Kundengruppe gegeben" in desk.get(f"/office/bookings/{made.public_id}")


@pytest.mark.rule("S25")
def test_the_office_books_at_the_price_of_the_group_after_the_page_showed_it(desk: Desk, owner: "Visitor") -> None:
    assert owner.get(PRICES).status_code == 200
    visitor = desk.visitor
    assert visitor.post(NEW, form(desk, desk.ids.left, "2026-12-04"), of=NEW).status_code == 303
    join(desk)
    wish = form(desk, desk.ids.left, "2026-12-05", price_cents="10000")

    looked = visitor.post(NEW, wish, of=NEW)

    assert looked.status_code == 422
    assert "Mit den Preisen der Gruppe Vereine." in looked.text
    assert 'name="price_cents" value="6000"' in looked.text
    assert len(bookings(desk)) == 1
    assert visitor.post(NEW, wish | {"price_cents": "6000"}, of=NEW).status_code == 303
    booked = bookings(desk)[-1]
    assert (booked.price_cents, booked.group_id, booked.customer_id) == (6000, group(desk), customer(desk).id)
    named = desk.get(f"{NEW}?customer={customer(desk).public_id}&from=18:00&to=20:00&day=2026-12-06")
    assert 'value="Bernd Ruf"' in named
    assert 'name="price_cents" value="6000"' in named


@pytest.mark.rule("S25")
def test_the_office_books_extras_and_they_stand_in_the_file(desk: Desk, owner: "Visitor") -> None:
    path = f"{PRICES}/{desk.ids.price_list_id}/extras/new"
    extra = {"name": "Bälle", "cents": "2", "per": "booking", "most": "5", "rank": "0", "active": "yes"}
    assert owner.post(path, extra, of=path).status_code == 302
    name = f"extra-{desk.rows(select(PriceExtra.id))[0]}"
    wish = form(desk, desk.ids.left, "2026-12-04") | {name: "3"}
    assert desk.visitor.post(NEW, wish | {name: "6"}, of=NEW).status_code == 422
    assert desk.visitor.post(NEW, wish, of=NEW).status_code == 422
    assert desk.visitor.post(NEW, wish | {"price_cents": "10600"}, of=NEW).status_code == 303
    (booked,) = bookings(desk)
    assert booked.price_cents == 10_600
    file = desk.get(f"/office/bookings/{booked.public_id}")
    assert "Bälle" in file
    assert f"3 × 2,00{NBSP}€" in file


def test_the_house_knows_its_groups_by_name(desk: Desk, owner: "Visitor") -> None:
    assert owner.get(PRICES).status_code == 200

    def names(_: object, here: House) -> list[str]:
        return [here.group_name(one.group_id) for one in here.groups] + [here.group_name(None), here.group_name(999)]

    assert desk.write(names) == ["Vereine", "", ""]
    assert desk.rows(select(Booking)) == []


@pytest.mark.rule("S25")
def test_a_price_that_changes_with_the_very_click_books_nothing_and_loses_nothing_typed(desk: Desk) -> None:
    def dearer() -> None:
        desk.write(lambda db, _: db.execute(update(PriceRule).values(cents=9000)))
        desk.write(lambda db, _: change_house(db, desk.ids))

    sent = form(desk, desk.ids.left, "2026-12-04", price_cents="10000") | {"csrf_token": desk.visitor.form_token(NEW)}
    with between_look_and_write(dearer):
        shown = desk.visitor.client.post(NEW, data=sent)
    assert bookings(desk) == []
    assert 'value="18000"' in shown.text
    assert "Der Preis ist jetzt ein anderer" in shown.text
    assert "Bernd Ruf" in shown.text
    assert desk.visitor.client.post(NEW, data=sent | {"price_cents": "18000"}).status_code == 303
    assert [booking.price_cents for booking in bookings(desk)] == [18000]


@pytest.mark.rule("X8", "S19")
def test_a_group_that_is_gone_is_refused_and_the_discount_beside_it_stays_in_its_form(
    desk: Desk, owner: "Visitor"
) -> None:
    assert owner is not None
    desk.ask()
    desk.write(lambda db, _: db.execute(update(Customer).values(discount_percent=20, discount_note="Treue")))
    path = f"/office/customers/{customer(desk).public_id}"
    refused = desk.visitor.post(f"{path}/group", {"group": "999"}, of=path)
    assert refused.status_code == 422
    assert 'value="20"' in refused.text
    assert 'value="Treue"' in refused.text


@pytest.mark.rule("X5")
def test_the_log_tells_an_extra_in_words(desk: Desk, owner: "Visitor") -> None:
    extra = {"name": "Flutlicht", "cents": "4,50", "per": "hour", "most": "3", "vat_rate": "", "rank": "0"}
    path = f"{PRICES}/{desk.ids.price_list_id}/extras/new"
    assert owner.post(path, extra | {"active": "yes"}, of=path).status_code == 302
    log = owner.get("/office/settings/audit?kind=price_extra").text
    for told in ("Der Preis gilt", "je Stunde", "Höchstens", "Kunden können sie buchen"):
        assert told in log, told
    for column in (">per<", ">most<", ">active<", ">hour<"):
        assert column not in log
