"""Prices of customer groups, and extras: which apply, what they come to, in which order whatever (SPEC S25)."""

from collections import defaultdict
from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.extras import book_extras, keep_extras
from booking.rules.invoicing import InvoiceDraft, draft
from booking.rules.pricing import MINIMUM, price
from booking.values.house import (
    BookedExtra,
    Extra,
    ExtraWish,
    Per,
    Price,
    PriceBasis,
    PriceLine,
    PriceList,
    PriceRule,
)
from booking.values.money import BasisPoints, Cents, split_gross
from booking.values.price_json import extras_from_json, extras_to_json
from booking.values.refusals import Refused
from booking.values.slot import Slot
from tests.booking.rules.houses import BERLIN, FRIDAY, HOUR, MINUTE, MONDAY, SATURDAY, at, slot

VAT, REDUCED = BasisPoints(1900), BasisPoints(700)
CLUBS, SCHOOLS = 1, 2
DAY = PriceRule(1, "Day", Cents(4000), per_hour=True)
EVENING = PriceRule(2, "Evening", Cents(6000), per_hour=True, from_time=time(18), weekdays=frozenset({4, 5}), rank=9)
CLUB = PriceRule(3, "Club", Cents(3000), per_hour=True, group_id=CLUBS)
CLUB_EVENING = PriceRule(4, "Club evening", Cents(3500), per_hour=True, from_time=time(18), group_id=CLUBS)
SCHOOL_DAY = PriceRule(
    5, "School", Cents(1000), per_hour=True, to_time=time(16), weekdays=frozenset(range(5)), group_id=SCHOOLS
)
LIGHT = Extra(1, "Light", Cents(500), Per.HOUR, VAT, most=1)
BALLS = Extra(2, "Balls", Cents(200), Per.BOOKING, VAT, most=12)
FRUIT = Extra(3, "Fruit", Cents(350), Per.PERSON, REDUCED)
OLD = Extra(4, "Old", Cents(100), Per.BOOKING, VAT, is_offered=False)


def hall(*rules: PriceRule, minimum: int = 0) -> PriceList:
    return PriceList(rules, VAT, Cents(minimum), None, (LIGHT, BALLS, FRUIT, OLD))


def cost(when: Slot, listed: PriceList, basis: PriceBasis) -> Price:
    found = price(when, BERLIN, listed, (), HOUR, basis)
    assert isinstance(found, Price), found
    return found


def booked(*wishes: tuple[Extra, int]) -> tuple[BookedExtra, ...]:
    found = book_extras([ExtraWish(extra.extra_id, count) for extra, count in wishes], hall())
    assert not isinstance(found, Refused), found
    return found


@pytest.mark.rule("S25")
@pytest.mark.parametrize(
    ("group_id", "winners"),
    [
        (None, ["Day", "Evening"]),
        (CLUBS, ["Club", "Club evening"]),  # a group's plain price before a general one that says more
        (SCHOOLS, ["Day", "Evening"]),  # its only price is for the morning
        (99, ["Day", "Evening"]),
    ],
    ids=["nobody's", "club", "school", "a group without prices"],
)
def test_a_price_of_the_own_group_comes_first_and_others_never_apply(group_id: int | None, winners: list[str]) -> None:
    listed = hall(DAY, EVENING, CLUB, CLUB_EVENING, SCHOOL_DAY)
    found = cost(slot(FRIDAY, 17, 19), listed, PriceBasis(group_id))
    assert [line.text for line in found.lines] == winners


@pytest.mark.rule("S25")
def test_where_the_group_has_no_price_for_a_part_everybodys_applies_there() -> None:
    found = cost(slot(FRIDAY, 15, 17), hall(DAY, SCHOOL_DAY), PriceBasis(SCHOOLS))
    assert [(line.text, line.gross) for line in found.lines] == [("School", 1000), ("Day", 4000)]
    alone = price(slot(FRIDAY, 15, 17), BERLIN, hall(CLUB), (), HOUR)
    assert isinstance(alone, Refused)
    assert alone.codes == ("no-price",)


@pytest.mark.rule("S25")
def test_extras_are_counted_for_the_booking_the_hour_and_the_person() -> None:
    basis = PriceBasis(None, booked((FRUIT, 2), (LIGHT, 1), (BALLS, 3)), 10)
    found = cost(Slot(at(FRIDAY, 9), at(FRIDAY, 10, 30)), hall(DAY), basis)
    assert found.lines[1:] == (
        PriceLine("Light", 90, Cents(500), Cents(750), VAT),
        PriceLine("Balls", 0, Cents(200), Cents(600), VAT, 3),
        PriceLine("Fruit", 0, Cents(350), Cents(7000), REDUCED, 20),
    )
    assert found.gross == 6000 + 750 + 600 + 7000


@pytest.mark.rule("S25")
def test_extras_do_not_fill_up_the_minimum() -> None:
    found = cost(slot(FRIDAY, 9, 10), hall(DAY, minimum=5000), PriceBasis(None, booked((BALLS, 12))))
    assert [(line.text, line.gross) for line in found.lines] == [("Day", 4000), (MINIMUM, 1000), ("Balls", 2400)]


@pytest.mark.rule("S25")
@pytest.mark.parametrize(
    ("extra_id", "count", "code"),
    [(4, 1, "extra-gone"), (77, 1, "extra-gone"), (2, 13, "too-many-extras"), (3, 1000, "too-many-extras"),
     (2, -1, "out-of-range")],
)  # fmt: skip
def test_what_cannot_be_had_is_refused_at_its_field(extra_id: int, count: int, code: str) -> None:
    found = book_extras([ExtraWish(1, 1), ExtraWish(extra_id, count)], hall())
    assert isinstance(found, Refused)
    assert [(reason.code, reason.at) for reason in found.reasons] == [(code, f"extra-{extra_id}")]


def test_wishes_for_none_are_none_and_several_for_one_are_added_up() -> None:
    assert book_extras([ExtraWish(4, 0), ExtraWish(2, 0)], hall()) == ()
    assert booked((BALLS, 2), (BALLS, 3)) == booked((BALLS, 5))
    assert isinstance(book_extras([ExtraWish(2, 6), ExtraWish(2, 7)], hall()), Refused)


@pytest.mark.rule("S25")
def test_a_move_keeps_extras_at_the_price_of_the_list_and_unknown_ones_as_they_were() -> None:
    had = booked((LIGHT, 1), (BALLS, 3), (FRUIT, 1))
    dearer = replace(BALLS, cents=Cents(300), most=1, is_offered=False)
    kept = keep_extras(had, replace(hall(), extras=(dearer, FRUIT)))
    assert [(one.name, one.cents, one.count) for one in kept] == [
        ("Light", 500, 1),
        ("Balls", 300, 3),
        ("Fruit", 350, 1),
    ]
    assert extras_from_json(extras_to_json(kept)) == kept


times = st.builds(time, st.integers(0, 23))
rules = st.lists(
    st.builds(
        PriceRule,
        rule_id=st.integers(10, 10**6),
        name=st.sampled_from("abc"),
        cents=st.integers(0, 10**5).map(Cents),
        per_hour=st.booleans(),
        weekdays=st.frozensets(st.integers(0, 6)),
        from_time=times,
        to_time=times,
        rank=st.integers(-2, 2),
        group_id=st.sampled_from([None, CLUBS, SCHOOLS]),
    ),
    unique_by=lambda rule: rule.rule_id,
    max_size=8,
)
extras = st.lists(
    st.builds(
        BookedExtra,
        extra_id=st.integers(1, 99),
        name=st.just("x"),
        cents=st.integers(0, 10**4).map(Cents),
        per=st.sampled_from(Per),
        rate=st.sampled_from([BasisPoints(0), REDUCED, VAT]),
        count=st.integers(1, 20),
    ),
    max_size=5,
).map(tuple)
lengths = st.tuples(st.integers(0, 60 * 24 * 3), st.integers(1, 60 * 12))


@pytest.mark.rule("S25")
@given(rules, st.sampled_from([None, CLUBS, SCHOOLS]), extras, lengths, st.randoms())
def test_the_same_price_comes_out_whatever_the_order_of_the_rules(
    given_rules: list[PriceRule],
    group_id: int | None,
    given_extras: tuple[BookedExtra, ...],
    length: tuple[int, int],
    chance: object,
) -> None:
    start = at(FRIDAY, 0) + length[0] * MINUTE
    when, basis = Slot(start, start + length[1] * MINUTE), PriceBasis(group_id, given_extras, 7)
    shuffled = list(given_rules)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random that Hypothesis replays
    first, second = (price(when, BERLIN, hall(DAY, *some), (), HOUR, basis) for some in (given_rules, shuffled))
    assert first == second
    assert isinstance(first, Price)
    foreign = {rule.name for rule in given_rules if rule.group_id not in {None, group_id}}
    own = {rule.name for rule in given_rules if rule.group_id in {None, group_id}}
    assert not ({line.text for line in first.lines[: len(first.lines) - len(given_extras)]} & (foreign - own))


@pytest.mark.rule("S25", "S12")
@given(extras, lengths, st.integers(0, 20_000), st.integers(1, 200))
def test_lines_add_up_to_the_total_and_each_rate_to_its_vat(
    given_extras: tuple[BookedExtra, ...], length: tuple[int, int], minimum: int, people: int
) -> None:
    start = at(SATURDAY, 0) + length[0] * MINUTE
    when, basis = Slot(start, start + length[1] * MINUTE), PriceBasis(CLUBS, given_extras, people)
    listed = replace(hall(DAY, EVENING, CLUB, minimum=minimum), exemption="§ 4 UStG")
    found = cost(when, listed, basis)
    invoice = draft(found, MONDAY, 14)
    assert isinstance(invoice, InvoiceDraft)
    assert found.gross == sum(line.gross for line in found.lines) == invoice.gross == invoice.net + invoice.vat
    by_rate: dict[int, int] = defaultdict(int)
    for line in found.lines:
        by_rate[line.rate] += line.gross
    assert {total.rate: total for total in invoice.totals} == {
        rate: split_gross(Cents(gross), BasisPoints(rate)) for rate, gross in by_rate.items()
    }
    without = cost(when, listed, PriceBasis(CLUBS, (), people))
    assert found.lines[: len(without.lines)] == without.lines
    for line in found.lines[len(without.lines) :]:
        counted = line.pieces * line.unit_cents if line.pieces else line.quantity_minutes * line.unit_cents / 60
        assert abs(line.gross - counted) <= 0.5
