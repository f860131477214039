"""What a sale makes of a pass type (SPEC O13 to O20, O30 to O33, O39, O40)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.pass_sales import Sale, SaleWish, sell
from booking.values.money import BasisPoints, Cents, Gross, split_gross
from booking.values.pass_types import (
    NEVER_FROZEN,
    Component,
    FreezeLimits,
    PassKind,
    PassRules,
    PassType,
    Scope,
)
from booking.values.passes import Pass, UnitEntry, UnitEntryKind
from booking.values.refusals import Reason, Refused
from tests.booking.rules.studio import (
    CENTRE,
    DAY,
    MONDAY,
    NORTH,
    PILATES,
    SINGING,
    TEN_VISITS,
    YEAR,
    YOGA,
    candidate,
    days,
    months,
    unhurried,
)

NOTHING = SaleWish()
GONE = datetime(2027, 1, 1, tzinfo=UTC)
BY_VISIT = replace(TEN_VISITS, name="By visit", kind=PassKind.DYNAMIC, price=Cents(1500), visits=None)
YOGA_OR_PILATES = Scope(frozenset({CENTRE, NORTH}), frozenset({YOGA, PILATES}))
ONE_OFF = replace(TEN_VISITS, one_off=True, visits=None, term=None, rules=PassRules(scope=YOGA_OR_PILATES))
TRIAL = replace(ONE_OFF, trial=True, price=Cents(0))
JUST_YOGA = SaleWish(course_ids=frozenset({YOGA}))


def sold(pass_type: PassType, wish: SaleWish = NOTHING) -> Sale:
    sale = sell(pass_type, wish, MONDAY)
    assert isinstance(sale, Sale)
    return sale


def why(pass_type: PassType, wish: SaleWish = NOTHING, **facts: bool) -> list[tuple[str, str | None]]:
    verdict = sell(pass_type, wish, MONDAY, **facts)
    return [(reason.code, reason.at) for reason in verdict.reasons] if isinstance(verdict, Refused) else []


@pytest.mark.rule("O13")
def test_a_fixed_type_is_sold_as_it_is() -> None:
    sale = sold(TEN_VISITS)
    assert (sale.total, sale.vat) == (12000, (Gross(Cents(10084), Cents(1916), BasisPoints(1900)),))
    (one,) = sale.passes
    assert one.entries == (UnitEntry(UnitEntryKind.SALE, 10),)
    assert one.as_pass(5, 7, MONDAY) == Pass(5, 7, MONDAY, MONDAY, months(6), 10)
    assert why(TEN_VISITS, SaleWish(visits=9)) == [("visits-fixed", "visits")]
    assert why(TEN_VISITS, SaleWish(visits=10)) == []


@pytest.mark.rule("O14")
@unhurried
@given(st.integers(1, 1000), st.integers(1, 10**6))
def test_a_dynamic_type_costs_its_price_times_the_visits(visits: int, price: int) -> None:
    sale = sold(replace(BY_VISIT, price=Cents(price)), SaleWish(visits=visits))
    assert sale.total == sale.passes[0].price == price * visits
    assert sum(one.units for one in sale.passes[0].entries) == visits == sale.passes[0].visits


@pytest.mark.rule("O14")
@pytest.mark.parametrize(
    ("visits", "code"), [(None, "missing"), (0, "out-of-range"), (1, None), (1000, None), (1001, "out-of-range")]
)
def test_a_dynamic_type_needs_their_number(visits: int | None, code: str | None) -> None:
    assert why(BY_VISIT, SaleWish(visits=visits)) == ([(code, "visits")] if code else [])


@pytest.mark.rule("O15", "O18", "O19")
def test_a_one_off_pass_is_one_visit_today_in_one_chosen_course() -> None:
    (one,) = sold(ONE_OFF, JUST_YOGA).passes
    own = one.as_pass(1, 7, MONDAY)
    assert (own.first_day, own.last_day, own.visits) == (MONDAY, MONDAY, 1)
    assert own.rules.scope.course_ids == frozenset({YOGA})
    assert own.rules.freezes == NEVER_FROZEN
    assert why(ONE_OFF) == [("choose-one-course", "courses")]
    assert why(ONE_OFF, SaleWish(course_ids=frozenset({YOGA, PILATES}))) == [("choose-one-course", "courses")]
    assert why(replace(ONE_OFF, rules=PassRules())) == [("choose-one-course", "courses")]
    assert why(replace(ONE_OFF, rules=PassRules(scope=Scope(None, frozenset({YOGA}))))) == []
    assert why(ONE_OFF, replace(JUST_YOGA, first_day=MONDAY + DAY)) == [("starts-at-sale", "first_day")]
    assert why(ONE_OFF, replace(JUST_YOGA, first_day=MONDAY)) == []


@pytest.mark.rule("O17", "O18")
def test_a_trial_is_one_visit_in_any_course_and_one_for_each_participant() -> None:
    (one,) = sold(TRIAL).passes
    assert (one.price, one.visits, one.term, one.rules.scope) == (0, 1, days(1), YOGA_OR_PILATES)
    assert why(TRIAL, trial_used=True) == [("trial-used", None)]
    assert why(ONE_OFF, JUST_YOGA, trial_used=True) == []


@pytest.mark.rule("O19", "O20", "O33")
def test_a_pass_begins_today_or_on_a_later_day_or_with_its_first_visit() -> None:
    at_first = replace(TEN_VISITS, rules=PassRules(starts_at_first_visit=True))
    assert sold(TEN_VISITS).passes[0].first_day == MONDAY
    assert sold(TEN_VISITS, SaleWish(first_day=MONDAY + DAY)).passes[0].first_day == MONDAY + DAY
    assert sold(at_first).passes[0].first_day is None
    assert why(TEN_VISITS, SaleWish(first_day=MONDAY - DAY)) == [("starts-in-the-past", "first_day")]
    assert why(at_first, SaleWish(first_day=MONDAY)) == [("starts-at-first-visit", "first_day")]
    own = sold(replace(TRIAL, rules=at_first.rules)).passes[0].as_pass(1, 7, MONDAY)
    assert (own.first_day, candidate(own).last_day_if(MONDAY + 9 * DAY)) == (None, MONDAY + 9 * DAY)


WHOLE = replace(TEN_VISITS, rules=PassRules(scope=YOGA_OR_PILATES))
ids = st.none() | st.frozensets(st.sampled_from([CENTRE, NORTH, 3]))
course_ids = st.none() | st.frozensets(st.sampled_from([YOGA, PILATES, SINGING]))


@pytest.mark.rule("O30", "O31")
@unhurried
@given(ids, course_ids, ids, course_ids)
def test_a_sale_narrows_and_never_widens(
    branches: frozenset[int] | None,
    courses: frozenset[int] | None,
    chosen_branches: frozenset[int] | None,
    chosen_courses: frozenset[int] | None,
) -> None:
    scope = Scope(branches, courses)
    wish = SaleWish(branch_ids=chosen_branches, course_ids=chosen_courses)
    sale = sell(replace(TEN_VISITS, rules=PassRules(scope=scope)), wish, MONDAY)
    if isinstance(sale, Refused):
        assert set(sale.codes) <= {"not-in-type", "nowhere"}
        return
    got = sale.passes[0].rules.scope
    assert all(scope.has_branch(one) for one in (CENTRE, NORTH, 3) if got.has_branch(one))
    assert all(scope.has_course(one) for one in (YOGA, PILATES, SINGING) if got.has_course(one))
    assert chosen_branches is None or got.branch_ids == chosen_branches
    assert chosen_courses is None or got.course_ids == chosen_courses


@pytest.mark.rule("O31")
def test_what_the_type_does_not_allow_is_refused_one_by_one() -> None:
    wish = SaleWish(branch_ids=frozenset({CENTRE, 3}), course_ids=frozenset({SINGING, YOGA}))
    assert sell(WHOLE, wish, MONDAY) == Refused(
        (Reason("not-in-type", "branches", {"branch": 3}), Reason("not-in-type", "courses", {"course": SINGING}))
    )
    assert why(WHOLE, SaleWish(course_ids=frozenset())) == [("nowhere", "courses")]
    assert why(WHOLE, JUST_YOGA) == []


@pytest.mark.rule("O32")
def test_joining_all_rosters_leaves_no_choice() -> None:
    joins = replace(TEN_VISITS, rules=PassRules(scope=YOGA_OR_PILATES, add_to_rosters=True))
    assert sold(joins).passes[0].roster_course_ids == frozenset({YOGA, PILATES})
    assert sold(WHOLE).passes[0].roster_course_ids == frozenset()
    assert why(joins, JUST_YOGA) == [("no-choice", "courses")]
    assert why(joins, SaleWish(course_ids=YOGA_OR_PILATES.course_ids)) == []


@pytest.mark.rule("O39")
def test_an_archived_or_deleted_type_is_not_sold() -> None:
    assert why(replace(TEN_VISITS, archived_at=GONE)) == [("type-archived", None)]
    assert why(replace(TEN_VISITS, deleted_at=GONE)) == [("type-deleted", None)]


@pytest.mark.rule("O40")
def test_what_was_sold_keeps_its_settings_whatever_becomes_of_the_type() -> None:
    own = sold(WHOLE, JUST_YOGA).passes[0].as_pass(1, 7, MONDAY)
    later = replace(WHOLE, archived_at=GONE, rules=PassRules(freezes=FreezeLimits(0)))
    assert why(later) == [("type-archived", None)]
    assert own.rules == PassRules(scope=Scope(frozenset({CENTRE, NORTH}), frozenset({YOGA})))


@pytest.mark.rule("O47")
def test_the_sale_of_a_contract_costs_nothing_and_its_instalments_do() -> None:
    sale = sold(replace(TEN_VISITS, visits=None, term=None, contract=YEAR, price=Cents(4900)))
    assert (sale.total, sale.passes[0].instalment, sale.passes[0].entries) == (0, 4900, ())
    own = sale.passes[0].as_pass(1, 7, MONDAY)
    assert own.contract is not None
    assert own.contract.first_day == MONDAY


BOOK = replace(TEN_VISITS, name="Book", price=Cents(3000), vat_rate=BasisPoints(700), visits=1)
PACKAGE = PassType(
    "Start", "S", Cents(10001), components=(Component(TEN_VISITS), Component(BY_VISIT, 4), Component(BOOK))
)


@pytest.mark.rule("O16")
def test_a_package_is_one_price_shared_by_the_list_prices_of_its_parts() -> None:
    sale = sold(PACKAGE)
    assert [one.price for one in sale.passes] == [5715, 2857, 1429]  # 120, 60 and 30 of 210
    assert [one.visits for one in sale.passes] == [10, 4, 1]
    assert sale.vat == (split_gross(Cents(1429), BasisPoints(700)), split_gross(Cents(8572), BasisPoints(1900)))


@pytest.mark.rule("O16")
@unhurried
@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 10**5), st.sampled_from([0, 700, 1900])), min_size=2))
def test_no_cent_of_a_package_is_lost(price: int, parts: list[tuple[int, int]]) -> None:
    components = tuple(Component(replace(BOOK, price=Cents(p), vat_rate=BasisPoints(rate))) for p, rate in parts)
    sale = sold(PassType("Many", "M", Cents(price), components=components))
    assert sum(one.price for one in sale.passes) == sum(one.gross for one in sale.vat) == sale.total == price
    assert [one.rate for one in sale.vat] == sorted({rate for _, rate in parts})


@pytest.mark.rule("O16", "O31")
def test_each_part_of_a_package_is_sold_as_wished() -> None:
    package = replace(PACKAGE, components=(Component(ONE_OFF), Component(BY_VISIT, 4)))
    wish = SaleWish(parts=(JUST_YOGA, SaleWish(first_day=MONDAY + DAY)))
    first, second = sold(package, wish).passes
    assert first.rules.scope.course_ids == frozenset({YOGA})
    assert (second.first_day, second.visits) == (MONDAY + DAY, 4)
    with pytest.raises(ValueError, match="zip"):
        sell(package, SaleWish(parts=(JUST_YOGA,)), MONDAY)


@pytest.mark.rule("O16", "O17", "O39")
@pytest.mark.parametrize(
    ("changes", "wish", "expected"),
    [
        ({}, NOTHING, []),
        ({}, SaleWish(visits=3, first_day=MONDAY), [("package-part", "visits"), ("package-part", "first_day")]),
        ({}, JUST_YOGA, [("package-part", "courses")]),
        ({"archived_at": GONE}, NOTHING, [("type-archived", None)]),
        (
            {"components": (Component(replace(BOOK, archived_at=GONE)), Component(BOOK))},
            NOTHING,
            [("component-gone", "parts.0")],
        ),
        ({"components": (Component(BOOK), Component(PACKAGE))}, NOTHING, [("component-package", "parts.1")]),
        ({"components": (Component(BOOK), Component(TRIAL))}, NOTHING, [("trial-used", "parts.1")]),
        ({"components": (Component(BOOK), Component(ONE_OFF))}, NOTHING, [("choose-one-course", "parts.1.courses")]),
        (
            {"components": (Component(BOOK), Component(BY_VISIT, 4))},
            SaleWish(parts=(SaleWish(visits=2), SaleWish(visits=5))),
            [("visits-fixed", "parts.0.visits"), ("visits-fixed", "parts.1.visits")],
        ),
    ],
)
def test_a_package_is_refused_with_the_part_that_cannot_be_sold(
    changes: dict[str, Any], wish: SaleWish, expected: list[tuple[str, str | None]]
) -> None:
    assert why(replace(PACKAGE, **changes), wish, trial_used=True) == expected
