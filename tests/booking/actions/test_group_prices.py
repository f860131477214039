"""Prices of groups and extras through a booking's life: asked, given at the review, moved, billed (SPEC S25)."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from booking.actions.extras import put_extra, remove_extra
from booking.actions.group_prices import give_group_price
from booking.actions.groups import assign_group, put_group, remove_group
from booking.actions.requests import Made, make_request
from booking.actions.settings import put_price_list, put_price_rule
from booking.actions.shifting import Moved, move_rental
from booking.rules import moving
from booking.tables.bookings import AuditEntry
from booking.tables.database import Database
from booking.tables.houses import PriceExtra, PriceList, PriceRule
from booking.tables.people import Customer
from booking.values.house import ExtraWish, Per, Price
from booking.values.money import BasisPoints, Cents
from booking.values.refusals import NotFound, Refused
from booking.values.slot import Slot
from tests.booking.actions.one_rental import OFFICE, TOOLS, Site
from tests.builders import NOW, ask, build_house, slot_in

WHEN, LATER = slot_in(10, 10, 12), slot_in(10, 14, 16)


class Priced(Site):
    """A house whose clubs pay 30 € an hour instead of 50, with light by the hour and fruit for each person."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.clubs = self.kept(put_group, None, {"name": "Vereine"})
        price = {"name": "Verein", "cents": 3000, "per_hour": True, "group_id": self.clubs}
        self.rule = self.kept(put_price_rule, self.ids.price_list_id, None, price)
        self.light = self.extra(name="Licht", cents=400, per=Per.HOUR, most=1)
        self.fruit = self.extra(name="Obst", cents=100, per=Per.PERSON, most=2, vat_rate=700)

    def kept(self, action: Any, *given: Any) -> Any:
        mine = self.ids.organisation_id
        return self.database.write(lambda s: action(s, NOW, mine, OFFICE, *given))

    def extra(self, **values: Any) -> int:
        made = self.kept(put_extra, self.ids.price_list_id, None, values)
        assert isinstance(made, int), made
        return made

    def wish(self, when: Slot, **more: Any) -> Any:
        self.codes(when)
        wish = replace(ask(self.ids.hall, when), **more)
        return self.database.write(lambda s: make_request(s, NOW, TOOLS, self.house(s), wish))

    def join(self, group: int | None) -> Customer:
        with self.database.read() as session:
            customer = session.scalars(select(Customer)).one()
        self.database.write(lambda s: assign_group(s, NOW, self.house(s), customer.public_id, group, OFFICE))
        return customer

    def give(self, made: Made) -> Price | Refused:
        return self.database.write(lambda s: give_group_price(s, NOW, self.house(s), made.booking_id, OFFICE))

    def shift(self, made: Made, to: Slot, **more: Any) -> Any:
        self.codes(to)
        who = more.pop("who", moving.Actor.CUSTOMER)
        return self.database.write(
            lambda s: move_rental(s, NOW, TOOLS, self.house(s), made.booking_id, to, who, OFFICE, **more)
        )


@pytest.fixture
def site(database_url: str) -> Iterator[Priced]:
    database = Database(database_url)
    yield Priced(database)
    database.close()


def texts(made: Any) -> list[tuple[str, int]]:
    return [(line.text, line.gross) for line in made.price.lines]


@pytest.mark.rule("S25")
def test_who_only_types_a_members_data_pays_what_everybody_pays(site: Priced) -> None:
    site.wish(WHEN)
    customer = site.join(site.clubs)
    again = site.wish(LATER)
    assert isinstance(again, Made)
    assert texts(again) == [("Stunde", 10000)]
    booking = site.booking(again)
    assert (booking.customer_id, booking.group_id, booking.price_cents) == (customer.id, None, 10000)


@pytest.mark.rule("S25")
def test_a_known_customer_gets_the_price_of_the_group_at_once_on_their_own_file(site: Priced) -> None:
    site.wish(WHEN)
    customer = site.join(site.clubs)
    again = site.wish(LATER, customer_id=customer.id, group_id=site.clubs)
    assert texts(again) == [("Verein", 6000)]
    assert (site.booking(again).customer_id, site.booking(again).group_id) == (customer.id, site.clubs)


@pytest.mark.rule("S25", "X5")
def test_the_office_gives_the_lower_price_of_the_group_once_and_it_is_noted(site: Priced) -> None:
    made = site.wish(WHEN, wishes=(ExtraWish(site.light, 1),))
    refused = site.give(made)
    assert isinstance(refused, Refused)
    assert refused.codes == ("no-group-price",)
    site.join(site.clubs)
    site.change(PriceExtra, cents=9900)

    given = site.give(made)

    assert isinstance(given, Price)
    assert [(line.text, line.gross) for line in given.lines] == [("Verein", 6000), ("Licht", 800)]
    assert (site.booking(made).price_cents, site.booking(made).group_id) == (6800, site.clubs)
    with site.database.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "group-price")).one()
    assert (entry.before, entry.after) == ({"price_cents": 10800}, {"price_cents": 6800, "group": "Vereine"})
    assert isinstance(site.give(made), Refused)


@pytest.mark.rule("S25")
def test_nobody_is_bound_to_a_price_above_the_one_that_was_shown(site: Priced) -> None:
    made = site.wish(WHEN)
    site.join(site.clubs)
    site.kept(put_price_rule, site.ids.price_list_id, site.rule, {"cents": 5000})
    refused = site.give(made)
    assert isinstance(refused, Refused)
    assert refused.codes == ("no-group-price",)
    assert site.booking(made).price_cents == 10000


@pytest.mark.rule("S25")
def test_a_decided_request_keeps_its_price(site: Priced) -> None:
    made = site.wish(WHEN)
    site.join(site.clubs)
    resting = site.decide(made)
    while_resting = site.give(made)
    assert isinstance(while_resting, Refused)
    assert while_resting.codes == ("decision-pending",)
    site.settle(resting)
    after = site.give(made)
    assert isinstance(after, Refused)
    assert after.codes == ("not-requested",)
    assert site.invoices()[0].total_cents == 10000


@pytest.mark.rule("S25")
def test_no_change_of_list_group_or_extra_reprices_what_is_asked(site: Priced) -> None:
    made = site.wish(WHEN, wishes=(ExtraWish(site.light, 1),))
    before = site.booking(made)
    customer = site.join(site.clubs)
    site.change(PriceExtra, cents=9900, active=False)
    site.change(PriceRule, cents=1)
    site.kept(remove_extra, site.light)
    site.join(None)
    after = site.booking(made)
    assert (after.price, after.price_cents, after.extras) == (before.price, 10800, before.extras)
    site.settle(site.decide(made))
    assert site.invoices()[0].total_cents == 10800
    assert customer.id == after.customer_id


@pytest.mark.rule("S25", "S12")
def test_extras_stand_on_the_invoice_each_with_its_own_vat(site: Priced) -> None:
    made = site.wish(WHEN, wishes=(ExtraWish(site.fruit, 2), ExtraWish(site.light, 1)))
    site.settle(site.decide(made))
    data = site.invoices()[0].data
    assert [(line["text"], line["minutes"], line["pieces"], line["amount"]["rate"]) for line in data["lines"]] == [
        ("Stunde", 120, 0, 1900),
        ("Licht", 120, 0, 1900),
        ("Obst", 0, 20, 700),
    ]
    assert {total["rate"]: total["net"] + total["vat"] for total in data["totals"]} == {1900: 10800, 700: 2000}
    assert data["gross"] == 12800


@pytest.mark.rule("S25", "S27")
def test_a_move_keeps_the_extras_at_the_prices_of_the_list_now(site: Priced) -> None:
    made = site.wish(WHEN, wishes=(ExtraWish(site.light, 1), ExtraWish(site.fruit, 1)))
    site.settle(site.decide(made))
    site.kept(put_extra, site.ids.price_list_id, site.light, {"cents": 500, "active": False})
    site.kept(remove_extra, site.fruit)

    asked = site.shift(made, slot_in(10, 14, 17))
    assert texts(asked) == [("Stunde", 15000), ("Licht", 1500), ("Obst", 1000)]
    assert isinstance(site.shift(asked, LATER, who=moving.Actor.OFFICE), Moved)
    assert site.booking(asked).price_cents == 10000 + 1000 + 1000
    assert [one["name"] for one in site.booking(asked).extras] == ["Licht", "Obst"]


@pytest.mark.rule("S25", "S27")
@pytest.mark.parametrize(("more", "price"), [({}, 10000), ({"is_proven": True}, 6000), ({"who": "office"}, 6000)])
def test_a_move_has_the_price_of_the_group_only_for_who_is_known(
    site: Priced, more: dict[str, Any], price: int
) -> None:
    made = site.wish(WHEN)
    site.join(site.clubs)
    if "who" in more:
        more = {"who": moving.Actor.OFFICE}
    moved = site.shift(made, LATER, **more)
    assert isinstance(moved, Moved)
    assert moved.price.gross == price
    assert site.booking(made).group_id == (site.clubs if price == 6000 else None)


@pytest.mark.rule("S25", "S27")
def test_a_price_of_the_group_that_was_given_stays_through_a_move_by_any_link(site: Priced) -> None:
    made = site.wish(WHEN)
    site.join(site.clubs)
    site.give(made)
    moved = site.shift(made, LATER)
    assert moved.price.gross == 6000
    site.join(None)
    assert site.shift(made, slot_in(10, 17, 19)).price.gross == 10000


@pytest.mark.rule("S25")
def test_what_is_withdrawn_between_page_and_request_is_refused_and_takes_no_time(site: Priced) -> None:
    site.kept(put_extra, site.ids.price_list_id, site.light, {"active": False})
    refused = site.wish(WHEN, wishes=(ExtraWish(site.light, 1),))
    assert isinstance(refused, Refused)
    assert [(reason.code, reason.at) for reason in refused.reasons] == [("extra-gone", f"extra-{site.light}")]
    assert isinstance(site.wish(WHEN), Made)


@pytest.mark.rule("S25")
def test_what_is_made_after_an_extra_or_a_group_was_removed_is_never_taken_for_it(site: Priced) -> None:
    made = site.wish(WHEN, wishes=(ExtraWish(site.fruit, 1),))
    site.kept(remove_extra, site.fruit)
    cleaning = site.extra(name="Reinigung", cents=50000, per=Per.BOOKING, most=1)
    gone = site.kept(put_group, None, {"name": "Kitas"})
    site.kept(remove_group, gone)

    assert cleaning != site.fruit
    assert site.kept(put_group, None, {"name": "Schulen"}) != gone
    assert texts(site.shift(made, LATER)) == [("Stunde", 10000), ("Obst", 1000)]


@pytest.mark.rule("S12", "S25")
def test_an_untaxed_extra_is_billed_also_where_the_list_has_no_reason_of_exemption_any_more(site: Priced) -> None:
    site.change(PriceList, exemption="§ 4 Nr. 12 UStG")
    book = site.extra(name="Liederbuch", cents=1000, per=Per.BOOKING, most=1, vat_rate=0)
    made = site.wish(WHEN, wishes=(ExtraWish(book, 1),))
    site.kept(remove_extra, book)
    assert site.kept(put_price_list, site.ids.price_list_id, {"exemption": None}) == site.ids.price_list_id
    assert texts(site.shift(made, LATER)) == [("Stunde", 10000), ("Liederbuch", 1000)]

    site.settle(site.decide(made))

    (invoice,) = site.invoices()
    assert (invoice.total_cents, invoice.data["exemption"]) == (11000, "§ 4 Nr. 12 UStG")
    assert site.cases() == {}


@pytest.mark.rule("X5")
def test_a_group_is_removed_only_while_nobody_needs_it(site: Priced) -> None:
    site.wish(WHEN)
    customer = site.join(site.clubs)
    for leave in (lambda: site.join(None), lambda: site.change(PriceRule, group_id=None)):
        refused = site.kept(remove_group, site.clubs)
        assert isinstance(refused, Refused)
        assert refused.codes == ("group-in-use",)
        leave()
    assert site.kept(remove_group, site.clubs) is None
    with site.database.read() as session:
        told = session.scalars(
            select(AuditEntry).where(AuditEntry.subject == "customer", AuditEntry.subject_id == customer.id)
        ).all()
    assert [(one.before["group"], one.after["group"]) for one in told if one.action == "group"] == [
        ("", "Vereine"),
        ("Vereine", ""),
    ]


def test_of_two_offices_that_make_a_group_of_one_name_at_once_one_is_told(site: Priced) -> None:
    for number in range(10):
        gate, answers = threading.Barrier(2), list[Any]()

        def make(name: str = f"Verband {number}", gate: threading.Barrier = gate, answers: list[Any] = answers) -> None:
            gate.wait()
            answers.append(site.kept(put_group, None, {"name": name}))

        offices = [threading.Thread(target=make) for _ in range(2)]
        for office in offices:
            office.start()
        for office in offices:
            office.join()
        assert sorted(isinstance(answer, Refused) for answer in answers) == [False, True]


def test_two_groups_have_two_names_and_others_groups_are_not_there(site: Priced) -> None:
    taken = site.kept(put_group, None, {"name": "VEREINE"})
    assert isinstance(taken, Refused)
    assert [(reason.code, reason.at) for reason in taken.reasons] == [("name-taken", "name")]
    site.wish(WHEN)
    theirs = site.database.write(lambda s: build_house(s, slug="nachbar")).organisation_id
    foreign = site.database.write(lambda s: put_group(s, NOW, theirs, OFFICE, None, {"name": "Vereine"}))
    assert isinstance(foreign, int)
    with pytest.raises(NotFound):
        site.join(foreign)
    with pytest.raises(NotFound):
        site.kept(put_price_rule, site.ids.price_list_id, site.rule, {"group_id": foreign})
    with site.database.read() as session:
        assert session.scalar(select(func.count()).where(Customer.group_id.is_not(None))) == 0


@pytest.mark.rule("S12")
def test_an_extra_without_vat_needs_the_reason_of_the_list(site: Priced) -> None:
    free = {"name": "Spende", "cents": Cents(100), "per": Per.BOOKING, "vat_rate": BasisPoints(0)}
    refused = site.kept(put_extra, site.ids.price_list_id, None, free)
    assert isinstance(refused, Refused)
    assert [(reason.code, reason.at) for reason in refused.reasons] == [("no-exemption-reason", "vat_rate")]
    assert isinstance(site.kept(put_price_list, site.ids.price_list_id, {"exemption": "§ 4 UStG"}), int)
    assert isinstance(site.kept(put_extra, site.ids.price_list_id, None, free), int)
    taken_away = site.kept(put_price_list, site.ids.price_list_id, {"exemption": None})
    assert isinstance(taken_away, Refused)
    assert taken_away.codes == ("no-exemption-reason",)
