"""Which settings of a pass type are possible (SPEC O9 to O37, O47)."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from booking.rules.pass_types import CourseFact, TypeFacts, check_type, folded
from booking.values.money import Cents
from booking.values.pass_types import (
    NEVER_FROZEN,
    Component,
    FreezeLimits,
    PassKind,
    PassRules,
    PassType,
    PassUse,
    Rebooking,
    Renewal,
    Scope,
    VisitWindow,
)
from booking.values.refusals import Refused
from tests.booking.rules.studio import CENTRE, NORTH, PILATES, SINGING, TEN_VISITS, YEAR, YOGA, days, months

GONE = datetime(2027, 1, 1, tzinfo=UTC)
FACTS = TypeFacts(
    branch_ids=frozenset({CENTRE, NORTH}),
    courses={YOGA: CourseFact(CENTRE), PILATES: CourseFact(NORTH), SINGING: CourseFact(CENTRE, individual=True)},
    names=frozenset({folded("Five visits")}),
    short_names=frozenset({folded("5")}),
    club_cards=True,
)
ONE_OFF: dict[str, Any] = {"one_off": True, "visits": None, "term": None}
DYNAMIC: dict[str, Any] = {"kind": PassKind.DYNAMIC, "visits": None}
CONTRACT: dict[str, Any] = {"contract": YEAR, "visits": None, "term": None}
CARD: dict[str, Any] = {"visits": None, "term": months(12), "use": PassUse.CLUB_CARD}


def ten(**changes: Any) -> PassType:
    """Ten visits with changes of the type or of its rules."""
    named = {name: changes.pop(name) for name in tuple(changes) if name in PassRules.__dataclass_fields__}
    return replace(TEN_VISITS, rules=PassRules(**named), **changes)


def why(wish: PassType, facts: TypeFacts = FACTS) -> list[tuple[str, str | None]]:
    verdict = check_type(wish, facts)
    return [(reason.code, reason.at) for reason in verdict.reasons] if verdict else []


def check(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert why(ten(**changes)) == expected


@pytest.mark.rule("O9", "O10")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"name": "  "}, [("missing", "name")]),
        ({"short_name": ""}, [("missing", "short_name")]),
        ({"name": "five  VISITS "}, [("name-taken", "name")]),
        ({"short_name": "5"}, [("name-taken", "short_name")]),
        ({"name": "5"}, []),
    ],
)
def test_names_are_needed_and_each_is_unique(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    check(changes, expected)


@pytest.mark.rule("O12", "O13", "O14", "O35")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (DYNAMIC, []),
        ({"kind": PassKind.DYNAMIC}, [("dynamic-visits", "visits")]),
        (DYNAMIC | {"price": Cents(0)}, [("price-needed", "price")]),
        (DYNAMIC | {"term": None}, []),
        ({"price": Cents(0)}, []),
        ({"price": Cents(-1)}, [("out-of-range", "price")]),
        ({"visits": None}, []),
        ({"visits": 0}, [("out-of-range", "visits")]),
        ({"visits": 1000}, []),
        ({"visits": 1001}, [("out-of-range", "visits")]),
        ({"visits": None, "term": None}, [("no-limit", "visits")]),
        ({"term": None}, []),
    ],
)
def test_a_fixed_type_has_its_visits_and_a_dynamic_one_a_price_for_each(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    check(changes, expected)


@pytest.mark.rule("O34")
@pytest.mark.parametrize(
    ("term", "fits"),
    [
        (days(0), False),
        (days(1), True),
        (days(3660), True),
        (days(3661), False),
        (months(0), False),
        (months(-1), False),
    ],
)
def test_a_term_is_at_least_a_day_and_at_most_ten_years(term: Any, *, fits: bool) -> None:
    check({"term": term}, [] if fits else [("out-of-range", "term")])


@pytest.mark.rule("O15", "O17", "O18")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (ONE_OFF, []),
        (ONE_OFF | {"visits": 1, "term": days(1)}, []),
        (ONE_OFF | {"visits": 2}, [("one-off-visits", "visits")]),
        (ONE_OFF | {"term": days(2)}, [("one-off-term", "term")]),
        (ONE_OFF | {"kind": PassKind.DYNAMIC}, [("dynamic-one-off", "one_off")]),
        (ONE_OFF | {"freezes": FreezeLimits(number=1)}, [("one-off-freezes", "freezes")]),
        (ONE_OFF | {"freezes": NEVER_FROZEN}, []),
        (ONE_OFF | {"trial": True, "price": Cents(0)}, []),
        ({"trial": True}, [("trial-not-one-off", "trial")]),
        (DYNAMIC | {"trial": True}, [("trial-not-fixed", "trial"), ("trial-not-one-off", "trial")]),
        (ONE_OFF | {"starts_at_first_visit": True}, []),
    ],
)
def test_a_one_off_type_and_a_trial_are_fixed_and_one_visit_on_one_day(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    check(changes, expected)


@pytest.mark.rule("O47")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (CONTRACT, []),
        (CONTRACT | {"price": Cents(0)}, [("price-needed", "price")]),
        (CONTRACT | {"term": months(3)}, [("contract-term", "term")]),
        (CONTRACT | {"visits": 10}, [("contract-visits", "visits")]),
        (CONTRACT | {"visits": 10, "contract": replace(YEAR, renewal=Renewal.NONE)}, []),
        (CONTRACT | {"kind": PassKind.DYNAMIC}, [("contract-dynamic", "kind")]),
        (CONTRACT | {"one_off": True}, [("contract-one-off", "one_off")]),
        (CONTRACT | {"starts_at_first_visit": True}, [("contract-at-first-visit", "starts_at_first_visit")]),
        (CONTRACT | {"contract": replace(YEAR, instalment_day=0)}, [("out-of-range", "contract.instalment_day")]),
    ],
)
def test_a_contract_runs_by_its_own_terms(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    check(changes, expected)


@pytest.mark.rule("O21", "O22", "O23")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (CARD, []),
        ({"needs_club_card": True}, []),
        (CARD | {"visits": 10}, [("club-card-only", "visits")]),
        (CARD | {"needs_club_card": True}, [("club-card-only", "needs_club_card")]),
        (CARD | {"auto_booking": True}, [("club-card-only", "auto_booking")]),
        (CARD | {"starts_at_first_visit": True}, [("club-card-only", "starts_at_first_visit")]),
        (CARD | {"windows": (VisitWindow(),)}, [("club-card-only", "windows")]),
        (CARD | {"scope": Scope(frozenset({NORTH}))}, []),
        (CARD | {"scope": Scope(None, frozenset({YOGA}))}, [("club-card-only", "courses")]),
        (
            CARD | {"scope": Scope(None, frozenset({YOGA})), "add_to_rosters": True},
            [("club-card-only", "add_to_rosters"), ("club-card-only", "courses")],
        ),
        (CARD | {"kind": PassKind.DYNAMIC}, [("club-card-only", "kind")]),
        (CARD | {"one_off": True, "term": None}, [("club-card-only", "one_off")]),
        (CARD | CONTRACT, []),
    ],
)
def test_a_club_card_has_days_and_no_visits(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    check(changes, expected)


@pytest.mark.rule("O22")
def test_club_cards_are_for_organisations_that_work_with_them() -> None:
    without = replace(FACTS, club_cards=False)
    assert why(ten(**CARD), without) == [("club-cards-off", "use")]
    assert why(ten(needs_club_card=True), without) == [("club-cards-off", "needs_club_card")]
    assert why(ten(), without) == []


@pytest.mark.rule("O25", "O30", "O32")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scope": Scope(frozenset({CENTRE}), frozenset({YOGA}))}, []),
        ({"scope": Scope(frozenset(), None)}, [("nowhere", "branches")]),
        ({"scope": Scope(None, frozenset())}, [("nowhere", "courses")]),
        ({"scope": Scope(frozenset({9}), None)}, [("no-such-branch", "branches")]),
        ({"scope": Scope(None, frozenset({99}))}, [("no-such-course", "courses")]),
        ({"scope": Scope(frozenset({CENTRE}), frozenset({YOGA, PILATES}))}, [("course-elsewhere", "courses")]),
        ({"use": PassUse.INDIVIDUAL}, []),
        ({"use": PassUse.INDIVIDUAL, "scope": Scope(None, frozenset({SINGING}))}, []),
        (
            {"use": PassUse.INDIVIDUAL, "scope": Scope(None, frozenset({YOGA, SINGING}))},
            [("not-individual", "courses")],
        ),
        ({"scope": Scope(None, frozenset({SINGING}))}, []),
        ({"add_to_rosters": True}, [("rosters-need-courses", "add_to_rosters")]),
        ({"add_to_rosters": True, "scope": Scope(None, frozenset({YOGA}))}, []),
    ],
)
def test_a_type_is_good_in_courses_that_there_are(changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    check(changes, expected)


@pytest.mark.rule("O36")
def test_a_window_names_days_of_the_week() -> None:
    good, bad = VisitWindow(frozenset({0, 6})), VisitWindow(frozenset({7}))
    check({"windows": (good, bad)}, [("not-a-weekday", "windows.1.weekdays")])
    check({"windows": (good, VisitWindow(frozenset(range(7))))}, [])


@pytest.mark.rule("O26", "O28", "O29")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"auto_booking": True}, []),
        ({"auto_booking": True, "rebooking": Rebooking.SAME_COURSE, "miss_costs": True}, []),
        ({"rebooking": Rebooking.SAME_COURSE}, [("rebooking-without-booking", "rebooking")]),
        ({"rebooking": Rebooking.ANY_COURSE}, [("rebooking-without-booking", "rebooking")]),
        ({"auto_booking": True, "miss_costs": True}, [("misses-without-rebooking", "miss_costs")]),
        (
            {"auto_booking": True, "rebooking": Rebooking.ANY_COURSE, "rebook_most": 0},
            [("out-of-range", "rebook_most")],
        ),
        (
            {"auto_booking": True, "rebooking": Rebooking.ANY_COURSE, "rebook_most": 21},
            [("out-of-range", "rebook_most")],
        ),
        ({"auto_booking": True, "rebooking": Rebooking.ANY_COURSE, "rebook_most": 1}, []),
        ({"auto_booking": True, "rebooking": Rebooking.ANY_COURSE, "rebook_most": 20}, []),
        ({"rebook_most": 0}, []),
    ],
)
def test_only_what_books_by_itself_moves_what_was_missed(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    check(changes, expected)


@pytest.mark.rule("O37")
@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (FreezeLimits(2, 14, 28, 3), []),
        (FreezeLimits(2, 14, 14), []),
        (FreezeLimits(2, 15, 14), [("freeze-limits-exclude", "freezes.days_each")]),
        (FreezeLimits(0), []),
        (FreezeLimits(100, 1, 1, 365), []),
        (FreezeLimits(101), [("out-of-range", "freezes.number")]),
        (FreezeLimits(None, 3660, 3660), []),
        (FreezeLimits(None, 3661), [("out-of-range", "freezes.days_each")]),
        (FreezeLimits(0, 5), [("freeze-limits-exclude", "freezes.number")]),
        (FreezeLimits(0, None, 5), [("freeze-limits-exclude", "freezes.number")]),
        (FreezeLimits(-1), [("out-of-range", "freezes.number")]),
        (FreezeLimits(None, 0), [("out-of-range", "freezes.days_each")]),
        (FreezeLimits(None, None, 0), [("out-of-range", "freezes.days_in_all")]),
        (FreezeLimits(notice=-1), [("out-of-range", "freezes.notice")]),
        (FreezeLimits(notice=366), [("out-of-range", "freezes.notice")]),
    ],
)
def test_limits_of_freezes_do_not_exclude_each_other(limits: FreezeLimits, expected: list[tuple[str, str]]) -> None:
    check({"freezes": limits}, expected)


BY_VISIT = ten(name="By visit", **DYNAMIC)
PACKAGE: dict[str, Any] = {"visits": None, "term": None, "components": (Component(TEN_VISITS), Component(BY_VISIT, 4))}


@pytest.mark.rule("O16")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"visits": 10, "term": months(1)}, [("package-part", "visits"), ("package-part", "term")]),
        ({"visits": 0}, [("package-part", "visits")]),
        ({"kind": PassKind.DYNAMIC}, [("package-part", "kind")]),
        ({"one_off": True, "trial": True}, [("package-part", "one_off"), ("package-part", "trial")]),
        ({"contract": YEAR}, [("package-part", "contract")]),
        (
            {"auto_booking": True, "scope": Scope(frozenset({1}))},
            [("package-part", "courses"), ("package-part", "auto_booking")],
        ),
        ({"components": (Component(TEN_VISITS),)}, [("package-too-small", "components")]),
        ({"components": (Component(TEN_VISITS), Component(BY_VISIT))}, [("out-of-range", "components.1.visits")]),
        (
            {"components": (Component(TEN_VISITS, 9), Component(TEN_VISITS))},
            [("component-visits", "components.0.visits")],
        ),
        ({"components": (Component(TEN_VISITS), Component(ten(**CONTRACT)))}, [("component-contract", "components.1")]),
        ({"components": (Component(TEN_VISITS), Component(ten(**PACKAGE)))}, [("component-package", "components.1")]),
        (
            {"components": (Component(ten(archived_at=GONE)), Component(TEN_VISITS))},
            [("component-gone", "components.0")],
        ),
        (
            {"components": (Component(ten(deleted_at=GONE)), Component(TEN_VISITS))},
            [("component-gone", "components.0")],
        ),
        (
            {"type_id": 3, "components": (Component(ten(type_id=3)), Component(ten(type_id=4)))},
            [("component-itself", "components.0")],
        ),
    ],
)
def test_a_package_has_a_name_a_price_and_parts_that_are_sold(
    changes: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    check(PACKAGE | changes, expected)


@pytest.mark.rule("O16", "O37", "X8")
def test_what_is_out_of_range_is_told_with_the_range() -> None:
    package = check_type(ten(**PACKAGE | {"components": (Component(TEN_VISITS), Component(BY_VISIT, 1001))}), FACTS)
    limits = check_type(ten(freezes=FreezeLimits(notice=400)), FACTS)
    assert isinstance(package, Refused)
    assert isinstance(limits, Refused)
    assert package.reasons[0].values == {"least": 1, "most": 1000}
    assert limits.reasons[0].values == {"least": 0, "most": 365}


@pytest.mark.rule("X8")
def test_a_type_is_refused_for_everything_at_once() -> None:
    wish = ten(
        name="",
        price=Cents(-1),
        kind=PassKind.DYNAMIC,
        trial=True,
        term=days(0),
        scope=Scope(frozenset({9})),
        rebooking=Rebooking.SAME_COURSE,
        freezes=FreezeLimits(2, 15, 14),
    )
    verdict = check_type(wish, FACTS)
    assert isinstance(verdict, Refused)
    assert verdict.codes == (
        "missing",
        "out-of-range",
        "dynamic-visits",
        "trial-not-fixed",
        "trial-not-one-off",
        "out-of-range",
        "no-such-branch",
        "rebooking-without-booking",
        "freeze-limits-exclude",
    )
