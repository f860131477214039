"""Prices across rules, discounts, invoices (SPEC S12, S19, S25)."""

import dataclasses
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.invoicing import InvoiceDraft, draft, invoice_number
from booking.rules.pricing import MINIMUM, best_discounted, discounted, price
from booking.values.house import Discount, Price, PriceLine, PriceList, PriceRule, Season
from booking.values.money import BasisPoints, Cents
from booking.values.refusals import Refused
from booking.values.slot import Slot
from tests.booking.rules.houses import BERLIN, FRIDAY, HOUR, MINUTE, MONDAY, SATURDAY, at, slot, utc

VAT = BasisPoints(1900)
WINTER = Season(1, "Winter", date(2026, 12, 5), date(2027, 3, 31))
DAY = PriceRule(1, "Day", Cents(4000), per_hour=True)
EVENING = PriceRule(2, "Evening", Cents(6000), per_hour=True, from_time=time(18))
WEEKEND = PriceRule(3, "Weekend", Cents(7000), per_hour=True, weekdays=frozenset({5, 6}))
COLD = PriceRule(4, "Heating", Cents(8000), per_hour=True, season_id=1)


def hall(*rules: PriceRule, minimum: int = 0) -> PriceList:
    return PriceList(rules, VAT, Cents(minimum))


def lines(when: Slot, listed: PriceList, room_slot: timedelta = HOUR) -> list[tuple[str, int, int]] | tuple[str, ...]:
    found = price(when, BERLIN, listed, (WINTER,), room_slot)
    if isinstance(found, Refused):
        return found.codes
    return [(line.text, line.quantity_minutes, line.gross) for line in found.lines]


@pytest.mark.rule("S25")
def test_a_booking_is_cut_where_another_rule_begins() -> None:
    assert lines(slot(FRIDAY, 17, 20), hall(DAY, EVENING)) == [("Day", 60, 4000), ("Evening", 120, 12000)]
    assert lines(slot(FRIDAY, 16, 18), hall(DAY, EVENING)) == [("Day", 120, 8000)]
    assert lines(slot(FRIDAY, 18, 20), hall(DAY, EVENING)) == [("Evening", 120, 12000)]


@pytest.mark.rule("S25")
def test_a_booking_over_midnight_is_priced_by_the_day_of_each_part() -> None:
    assert lines(slot(FRIDAY, 23, 25), hall(DAY, WEEKEND)) == [("Day", 60, 4000), ("Weekend", 60, 7000)]
    assert lines(slot(FRIDAY, 23, 25), hall(DAY)) == [("Day", 120, 8000)]


@pytest.mark.rule("S25")
@pytest.mark.parametrize(
    ("rules", "winner"),
    [
        ((DAY, EVENING), "Evening"),
        ((EVENING, WEEKEND), "Evening"),  # equally specific: the older rule
        ((EVENING, dataclasses.replace(WEEKEND, rank=1)), "Weekend"),
        ((dataclasses.replace(DAY, rank=9), EVENING), "Evening"),
        ((EVENING, dataclasses.replace(WEEKEND, from_time=time(18))), "Weekend"),
        ((DAY, COLD), "Heating"),
        ((DAY, dataclasses.replace(COLD, season_id=2)), "Day"),
    ],
    ids=["time", "tie", "rank", "specific beats rank", "two dimensions", "season", "season is gone"],
)
def test_the_most_specific_rule_wins(rules: tuple[PriceRule, ...], winner: str) -> None:
    assert lines(slot(SATURDAY, 19, 20), hall(*rules)) == [
        (winner, 60, next(r.cents for r in rules if r.name == winner))
    ]


@pytest.mark.rule("S25")
def test_a_season_begins_at_its_first_midnight() -> None:
    assert lines(slot(FRIDAY, 23, 25), hall(DAY, COLD)) == [("Day", 60, 4000), ("Heating", 60, 8000)]


@pytest.mark.rule("S25")
def test_a_part_without_a_rule_has_no_price() -> None:
    assert lines(slot(FRIDAY, 17, 19), hall(EVENING)) == ("no-price",)
    assert lines(slot(FRIDAY, 17, 19), hall()) == ("no-price",)


@pytest.mark.rule("S25")
def test_a_rule_may_reach_around_midnight() -> None:
    night = PriceRule(5, "Night", Cents(1000), per_hour=True, from_time=time(22), to_time=time(6))
    assert lines(slot(FRIDAY, 21, 31), hall(DAY, night)) == [("Day", 60, 4000), ("Night", 480, 8000), ("Day", 60, 4000)]


@pytest.mark.rule("S25")
def test_hours_that_the_clock_skips_or_repeats_are_charged_as_they_pass() -> None:
    night = hall(DAY, PriceRule(5, "Night", Cents(1000), per_hour=True, from_time=time(0), to_time=time(3)))
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert lines(Slot(at(spring, 1), at(spring, 4)), night) == [("Night", 60, 1000), ("Day", 60, 4000)]
    assert lines(Slot(at(autumn, 1), at(autumn, 4)), night) == [("Night", 180, 3000), ("Day", 60, 4000)]


@pytest.mark.rule("S25")
def test_a_price_per_slot_counts_slots_and_rounds_once_per_line() -> None:
    per_slot = dataclasses.replace(DAY, per_hour=False, cents=Cents(2500))
    assert lines(slot(FRIDAY, 9, 12), hall(per_slot), 90 * MINUTE) == [("Day", 180, 5000)]
    third = dataclasses.replace(DAY, cents=Cents(100))
    assert lines(Slot(at(FRIDAY, 9), at(FRIDAY, 9, 20)), hall(third)) == [("Day", 20, 33)]
    assert lines(Slot(at(FRIDAY, 9), at(FRIDAY, 9, 30)), hall(dataclasses.replace(DAY, cents=Cents(1)))) == [
        ("Day", 30, 1)
    ]


@pytest.mark.rule("S25")
@pytest.mark.parametrize(("minimum", "missing"), [(3999, None), (4000, None), (5000, 1000)])
def test_a_price_below_the_minimum_gets_a_line_with_the_difference(minimum: int, missing: int | None) -> None:
    extra = [(MINIMUM, 0, missing)] if missing else []
    assert lines(slot(FRIDAY, 9, 10), hall(DAY, minimum=minimum)) == [("Day", 60, 4000), *extra]


def full(*gross: int, rate: int = 1900) -> Price:
    return Price(
        tuple(PriceLine("Hall", 60, Cents(cents), Cents(cents), BasisPoints(rate)) for cents in gross), "§ 4 UStG"
    )


@pytest.mark.rule("S19")
@pytest.mark.parametrize(
    ("discount", "expected"),
    [
        (Discount("Club", percent=10), 9000),
        (Discount("Club", cents=Cents(2500)), 7500),
        (Discount("Club", percent=10, cents=Cents(2500)), 7500),
        (Discount("Club", percent=100), 0),
        (Discount("Club", cents=Cents(99999)), 0),
        (Discount("Club"), 10000),
    ],
    ids=["percent", "amount", "the larger", "all", "never below zero", "none"],
)
def test_a_discount_is_its_own_negative_line_and_never_goes_below_zero(discount: Discount, expected: int) -> None:
    reduced = discounted(full(4000, 6000), discount)
    assert reduced.gross == expected
    assert reduced.lines[:2] == full(4000, 6000).lines
    assert [(line.text, line.gross) for line in reduced.lines[2:]] == (
        [("Club", expected - 10000)] if expected < 10000 else []
    )


@pytest.mark.rule("S19")
def test_the_better_discount_counts() -> None:
    club, friend = Discount("Club", percent=10), Discount("Friend", cents=Cents(1500))
    assert best_discounted(full(10000), (club, friend)) == discounted(full(10000), friend)
    assert best_discounted(full(20000), (club, friend)) == discounted(full(20000), club)
    assert best_discounted(full(10000), ()) == full(10000)


@pytest.mark.parametrize("wrong", [{"percent": 101}, {"percent": -1}, {"cents": -1}])
def test_a_discount_that_adds_is_an_error(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a discount is"):
        Discount("Club", **wrong)  # type: ignore[arg-type]  # cents by name


@pytest.mark.rule("S19")
def test_a_discount_over_two_rates_is_shared_by_amount() -> None:
    mixed = Price(full(3000).lines + full(1000, rate=700).lines)
    reduced = discounted(mixed, Discount("Club", cents=Cents(1001)))
    assert {line.rate: line.gross for line in reduced.lines[2:]} == {700: -250, 1900: -751}


@pytest.mark.rule("S12")
def test_an_invoice_has_positions_totals_and_a_due_date() -> None:
    invoice = draft(discounted(full(11900), Discount("Club", percent=10)), date(2026, 12, 7), 14)
    assert isinstance(invoice, InvoiceDraft)
    assert [(line.position, line.text, line.amount.net, line.amount.gross) for line in invoice.lines] == [
        (1, "Hall", 10000, 11900),
        (2, "Club", -1000, -1190),
    ]
    assert (invoice.net, invoice.vat, invoice.gross) == (9000, 1710, 10710)
    assert (invoice.issued_on, invoice.due_on, invoice.exemption) == (MONDAY, date(2026, 12, 21), None)


@pytest.mark.rule("S12")
def test_where_no_vat_is_charged_the_reason_is_named_or_there_is_no_invoice() -> None:
    exempt = full(5000, rate=0)
    invoice = draft(exempt, MONDAY, 14)
    assert isinstance(invoice, InvoiceDraft)
    assert (invoice.vat, invoice.exemption) == (0, "§ 4 UStG")
    unexplained = draft(dataclasses.replace(exempt, exemption=None), MONDAY, 14)
    assert isinstance(unexplained, Refused)
    assert unexplained.codes == ("no-exemption-reason",)
    taxed = draft(dataclasses.replace(full(5000), exemption=None), MONDAY, 14)
    assert isinstance(taxed, InvoiceDraft)


@pytest.mark.parametrize(("bad", "code"), [(Price(()), "no-lines"), (full(-1), "below-zero")])
def test_what_is_no_invoice_is_refused(bad: Price, code: str) -> None:
    verdict = draft(bad, MONDAY, 14)
    assert isinstance(verdict, Refused)
    assert verdict.codes == (code,)


@pytest.mark.rule("S12")
@given(st.lists(st.tuples(st.integers(0, 10**7), st.sampled_from([0, 700, 1900])), min_size=1), st.integers(0, 100))
def test_an_invoice_never_loses_a_cent(parts: list[tuple[int, int]], percent: int) -> None:
    whole = Price(
        tuple(PriceLine("x", 60, Cents(cents), Cents(cents), BasisPoints(rate)) for cents, rate in parts), "reason"
    )
    reduced = discounted(whole, Discount("Club", percent=percent))
    invoice = draft(reduced, MONDAY, 14)
    assert isinstance(invoice, InvoiceDraft)
    assert invoice.gross == reduced.gross == invoice.net + invoice.vat
    assert len({total.rate for total in invoice.totals}) == len(invoice.totals)
    for total in invoice.totals:
        of_rate = [line.amount for line in invoice.lines if line.amount.rate == total.rate]
        assert sum(amount.net for amount in of_rate) == total.net
        assert sum(amount.vat for amount in of_rate) == total.vat


@pytest.mark.rule("S25")
@given(st.integers(0, 60 * 24 * 3), st.integers(1, 60 * 30))
def test_the_lines_of_a_price_cover_the_time_exactly(first: int, length: int) -> None:
    start = utc(2026, 10, 24, 0) + first * MINUTE
    found = price(Slot(start, start + length * MINUTE), BERLIN, hall(DAY, EVENING, WEEKEND), (), HOUR)
    assert isinstance(found, Price)
    assert sum(line.quantity_minutes for line in found.lines) == length


def test_an_invoice_number_sorts_within_its_year() -> None:
    assert invoice_number(2026, 42) == "2026-00042"
    with pytest.raises(ValueError, match="begin with 1"):
        invoice_number(2026, 0)
