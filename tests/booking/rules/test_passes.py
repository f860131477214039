"""Which pass pays for an event (SPEC V7, O23 to O25, O30 to O38, O40)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.passes import Candidate, Occasion, choose, field_of, may_pay, ranked
from booking.values.pass_types import FreezeLimits, PassUse, Renewal, Scope, VisitWindow
from booking.values.passes import Freeze, Notice, Pass
from booking.values.refusals import Reason, Refused
from tests.booking.rules.houses import at
from tests.booking.rules.studio import (
    CENTRE,
    DAY,
    MONDAY,
    NORTH,
    PILATES,
    YEAR,
    YOGA,
    a_pass,
    candidate,
    club_card,
    contract_pass,
    days,
    event,
    months,
    occasion,
    unhurried,
)

LAST = date(2027, 8, 31)  # of half a year from the first of March
DELETED = datetime(2027, 3, 1, tzinfo=UTC)
WAITING: dict[str, Any] = {"first_day": None, "term": days(30), "starts_at_first_visit": True}


def why(own: Candidate, of: Occasion) -> tuple[Reason, ...]:
    verdict = may_pay(own, of)
    return verdict.reasons if verdict else ()


def codes(own: Pass, of: Occasion | None = None, left: int | None = 10) -> tuple[str, ...]:
    return tuple(reason.code for reason in why(Candidate(own, left), of or occasion()))


@pytest.mark.rule("O34")
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (MONDAY - DAY, Reason("pass-not-begun", None, {"first": "2027-03-01"})),
        (MONDAY, None),
        (LAST, None),
        (LAST + DAY, Reason("pass-over", None, {"last": "2027-08-31"})),
    ],
)
def test_a_pass_is_good_from_its_first_day_to_its_last(day: date, expected: Reason | None) -> None:
    assert why(candidate(), occasion(event(day))) == ((expected,) if expected else ())


@pytest.mark.rule("O34")
@pytest.mark.parametrize(("wall", "expected"), [(time(23, 30), ()), (time(0), ())])
def test_the_day_of_an_event_is_the_local_one_of_its_start(wall: time, expected: tuple[str, ...]) -> None:
    assert codes(a_pass(), occasion(event(LAST, wall))) == expected
    assert codes(a_pass(), occasion(event(MONDAY, wall))) == expected


@pytest.mark.rule("O38", "F21")
@pytest.mark.parametrize(("offset", "frozen"), [(9, False), (10, True), (14, True), (15, False)])
def test_a_frozen_day_is_not_paid_and_the_days_after_the_old_end_are(offset: int, *, frozen: bool) -> None:
    rest = Freeze(MONDAY + 10 * DAY, MONDAY + 14 * DAY)
    own = a_pass(freezes=(rest,))
    assert codes(own, occasion(event(MONDAY + offset * DAY))) == (("pass-frozen",) if frozen else ())
    assert codes(own, occasion(event(LAST + 5 * DAY))) == ()
    assert codes(own, occasion(event(LAST + 6 * DAY))) == ("pass-over",)


@pytest.mark.rule("V7")
@pytest.mark.parametrize(
    ("left", "held", "expected"), [(2, 0, ()), (1, 0, ("no-units",)), (0, 2, ()), (0, 1, ("no-units",)), (None, 0, ())]
)
def test_an_event_takes_its_units_or_what_the_booking_holds_already(
    left: int | None, held: int, expected: tuple[str, ...]
) -> None:
    found = why(candidate(left=left, held=held), occasion(event(units=2)))
    assert tuple(one.code for one in found) == expected
    if expected:
        assert found[0].values == {"left": left, "needed": 2 - held}


@pytest.mark.rule("V7")
@pytest.mark.parametrize(
    ("units", "price", "expected"), [(1, 0, ()), (1, 900, ()), (0, 0, ()), (0, 900, ("not-by-pass",))]
)
def test_what_costs_money_alone_is_not_paid_by_a_pass(units: int, price: int, expected: tuple[str, ...]) -> None:
    assert codes(a_pass(), occasion(event(units=units, price=price))) == expected


@pytest.mark.rule("O30", "O31")
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(), ()),
        (Scope(frozenset({CENTRE}), frozenset({YOGA})), ()),
        (Scope(frozenset({NORTH}), frozenset({YOGA})), ("wrong-branch",)),
        (Scope(None, frozenset({PILATES})), ("wrong-course",)),
        (Scope(frozenset({NORTH}), frozenset({PILATES})), ("wrong-branch", "wrong-course")),
    ],
)
def test_a_pass_is_good_in_its_branches_and_courses(scope: Scope, expected: tuple[str, ...]) -> None:
    assert codes(a_pass(scope=scope)) == expected


@pytest.mark.rule("O36")
@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ((), None),
        ((VisitWindow(frozenset({0})),), None),
        ((VisitWindow(frozenset({1, 2})),), Reason("wrong-weekday", None, {"weekday": 0})),
        ((VisitWindow(frozenset({0}), time(8), time(18)),), Reason("wrong-time", None, {"time": "18:00"})),
        ((VisitWindow(frozenset({0}), time(8), time(16)), VisitWindow(frozenset({0}), time(18), time(20))), None),
        (
            (VisitWindow(frozenset({1}), time(18), time(20)), VisitWindow(frozenset({0}), time(8), time(9))),
            "wrong-time",
        ),
    ],
)
def test_an_event_starts_in_one_of_the_windows(windows: tuple[VisitWindow, ...], expected: Any) -> None:
    found = why(candidate(a_pass(windows=windows)), occasion())
    assert [one.code for one in found] == ([getattr(expected, "code", expected)] if expected else [])
    if isinstance(expected, Reason):
        assert found == (expected,)


@pytest.mark.rule("O25")
@pytest.mark.parametrize(("individual", "expected"), [(True, ()), (False, ("individual-only",))])
def test_a_pass_for_individual_lessons_pays_for_nothing_else(*, individual: bool, expected: tuple[str, ...]) -> None:
    assert codes(a_pass(use=PassUse.INDIVIDUAL), occasion(individual=individual)) == expected
    assert codes(a_pass(), occasion(individual=individual)) == ()


@pytest.mark.rule("O21")
def test_a_club_card_pays_for_nothing_itself() -> None:
    assert codes(club_card(), left=None) == ("club-card",)


@pytest.mark.rule("O23", "O24")
@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ((), Reason("club-card-missing")),
        ((club_card(),), None),
        ((club_card(term=days(8)),), None),
        ((club_card(term=days(7)),), Reason("club-card-over", None, {"last": "2027-03-07"})),
        (
            (club_card(91, term=days(2)), club_card(term=days(7))),
            Reason("club-card-over", None, {"last": "2027-03-07"}),
        ),
        ((club_card(91, term=days(2)), club_card(term=days(8))), None),
        ((club_card(first_day=MONDAY + 8 * DAY),), Reason("club-card-resting")),
        ((club_card(first_day=MONDAY + 7 * DAY),), None),
        ((club_card(freezes=(Freeze(MONDAY + 7 * DAY, MONDAY + 7 * DAY),)),), Reason("club-card-resting")),
        ((club_card(deleted_at=DELETED),), Reason("club-card-missing")),
        ((club_card(scope=Scope(frozenset({NORTH}))),), Reason("club-card-missing")),
        ((a_pass(91),), Reason("club-card-missing")),
        ((club_card(term=None, terms=YEAR),), None),
        ((club_card(ended_on=MONDAY + 6 * DAY),), Reason("club-card-over", None, {"last": "2027-03-07"})),
    ],
)
def test_a_pass_that_demands_a_club_card_needs_one_good_on_the_day_of_the_event(
    cards: tuple[Pass, ...], expected: Reason | None
) -> None:
    of = occasion(event(MONDAY + 7 * DAY), at(MONDAY, 9), club_cards=cards)
    found = why(candidate(a_pass(needs_club_card=True)), of)
    assert found == ((expected,) if expected else ())
    assert codes(a_pass(), of) == ()


@pytest.mark.rule("O33")
def test_what_begins_with_the_first_visit_is_good_at_any_time_from_its_sale_on() -> None:
    waiting = a_pass(**WAITING)
    assert codes(waiting, occasion(event(MONDAY - DAY))) == ("pass-not-begun",)
    assert codes(waiting, occasion(event(MONDAY))) == ()
    assert codes(waiting, occasion(event(MONDAY + 400 * DAY))) == ()


@pytest.mark.rule("O33")
@pytest.mark.parametrize(
    ("held", "day", "expected"),
    [
        ((0,), 29, None),
        ((0,), 30, Reason("pass-over", None, {"last": "2027-03-30"})),
        ((29,), 0, None),
        ((30,), 0, Reason("starts-too-soon", None, {"last": "2027-03-30", "booked": "2027-03-31"})),
        ((10, 39), 20, None),
        ((10, 39), 9, Reason("starts-too-soon", None, {"last": "2027-04-08", "booked": "2027-04-09"})),
    ],
)
def test_before_it_begins_its_bookings_lie_within_one_term(
    held: tuple[int, ...], day: int, expected: Reason | None
) -> None:
    one = candidate(a_pass(**WAITING), held_days=tuple(MONDAY + each * DAY for each in held))
    assert why(one, occasion(event(MONDAY + day * DAY))) == ((expected,) if expected else ())


@pytest.mark.rule("O33")
def test_once_it_has_begun_the_days_of_its_bookings_do_not_matter() -> None:
    begun = a_pass(**(WAITING | {"first_day": MONDAY}))
    assert why(candidate(begun, held_days=(MONDAY + 90 * DAY,)), occasion(event(MONDAY + 5 * DAY))) == ()


@pytest.mark.rule("F10", "F11", "F14")
@pytest.mark.parametrize(
    ("day", "at_day", "expected"),
    [
        (date(2028, 2, 29), MONDAY, None),
        (date(2028, 3, 1), MONDAY, Reason("contract-not-renewed", None, {"until": "2028-02-29"})),
        (date(2028, 3, 1), date(2028, 2, 1), None),
        (date(2028, 3, 1), date(2028, 1, 31), Reason("contract-not-renewed", None, {"until": "2028-02-29"})),
    ],
)
def test_a_contract_pays_as_far_as_it_binds(day: date, at_day: date, expected: Reason | None) -> None:
    found = why(candidate(contract_pass(), None), occasion(event(day), at(at_day, 9)))
    assert found == ((expected,) if expected else ())


@pytest.mark.rule("O47", "O48")
def test_a_contract_that_ends_pays_to_its_last_day() -> None:
    ending = contract_pass(notice=Notice(MONDAY, LAST))
    assert codes(ending, occasion(event(LAST), at(MONDAY, 9)), None) == ()
    assert codes(ending, occasion(event(LAST + DAY), at(MONDAY, 9)), None) == ("pass-over",)
    by_itself = contract_pass(replace(YEAR, renewal=Renewal.NONE))
    assert codes(by_itself, occasion(event(date(2028, 3, 1)), at(MONDAY, 9)), None) == ("pass-over",)


@pytest.mark.rule("O45")
def test_an_ended_or_deleted_pass_pays_no_more() -> None:
    ended = a_pass(ended_on=MONDAY)
    assert codes(ended) == ()
    assert codes(ended, occasion(event(MONDAY + DAY))) == ("pass-ended",)
    assert codes(a_pass(deleted_at=DELETED)) == ("pass-deleted",)


def test_a_pass_says_all_that_is_against_it() -> None:
    own = a_pass(
        use=PassUse.INDIVIDUAL,
        scope=Scope(frozenset({NORTH}), frozenset({PILATES})),
        windows=(VisitWindow(frozenset({3})),),
        needs_club_card=True,
        limits=FreezeLimits(),
        freezes=(Freeze(MONDAY, MONDAY),),
        term=days(1),
        deleted_at=DELETED,
    )
    assert codes(own, occasion(event(units=2)), left=0) == (
        "pass-deleted",
        "individual-only",
        "pass-frozen",
        "no-units",
        "wrong-branch",
        "wrong-course",
        "wrong-weekday",
        "club-card-missing",
    )


SOON = candidate(a_pass(1, term=months(1)), 5)
LATER = candidate(a_pass(2), 1)
FEWER = candidate(a_pass(3, term=months(1)), 4)
OLDER = candidate(a_pass(4, term=months(1), sold_on=MONDAY - DAY), 4)
TWIN = candidate(a_pass(5, term=months(1), sold_on=MONDAY - DAY), 4)
ENDLESS = candidate(a_pass(6, term=None), 1)
ANY_NUMBER = candidate(a_pass(7, term=months(1)), None)
EMPTY = candidate(a_pass(8, term=days(3)), 0)
FRESH = candidate(a_pass(9, **WAITING), 1)  # thirty days from the event on: before those of a month


@pytest.mark.rule("O1")
@pytest.mark.parametrize(
    ("candidates", "best"),
    [
        ([LATER, SOON], 1),
        ([SOON, FEWER], 3),
        ([FEWER, OLDER], 4),
        ([OLDER, TWIN], 4),
        ([ENDLESS, LATER], 2),
        ([ANY_NUMBER, SOON], 1),
        ([EMPTY, LATER], 2),
        ([SOON, FRESH], 9),
        ([SOON, LATER, FEWER, OLDER, TWIN, ENDLESS, ANY_NUMBER, EMPTY], 4),
    ],
)
def test_the_pass_that_ends_first_pays_then_the_one_with_fewer_units_then_the_older(
    candidates: list[Candidate], best: int
) -> None:
    for order in (candidates, candidates[::-1]):
        found = choose(order, occasion())
        assert isinstance(found, Candidate)
        assert found.pass_.pass_id == best


EVERY = (SOON, LATER, FEWER, OLDER, TWIN, ENDLESS, ANY_NUMBER, EMPTY, FRESH)


@pytest.mark.rule("O1")
@unhurried
@given(st.permutations(EVERY), st.integers(0, 40), st.integers(1, 5))
def test_the_order_in_which_passes_are_given_does_not_matter(shuffled: list[Candidate], day: int, units: int) -> None:
    of = occasion(event(MONDAY + day * DAY, units=units), at(MONDAY, 9))
    assert choose(shuffled, of) == choose(EVERY, of)
    assert ranked(shuffled, of) == ranked(EVERY, of)


def test_the_first_of_the_ranked_that_can_pay_is_the_chosen() -> None:
    for trio in permutations([EMPTY, LATER, SOON]):
        assert [one.pass_.pass_id for one, _ in ranked(trio, occasion())] == [8, 1, 2]
        assert [no is None for _, no in ranked(trio, occasion())] == [False, True, True]


@pytest.mark.rule("V7")
def test_the_customer_may_choose_and_is_told_why_one_cannot_pay() -> None:
    assert choose([SOON, LATER, EMPTY], occasion(), wanted=2) is LATER
    assert choose([SOON, EMPTY], occasion(), wanted=8) == Refused((Reason("no-units", None, {"left": 0, "needed": 1}),))
    assert choose([SOON], occasion(), wanted=2) == Refused((Reason("no-such-pass"),))


@pytest.mark.rule("V7")
def test_without_a_pass_that_pays_every_pass_says_why() -> None:
    frozen = candidate(a_pass(2, freezes=(Freeze(MONDAY, MONDAY),)), 0)
    found = choose([frozen, EMPTY], occasion())
    assert isinstance(found, Refused)
    assert [(one.code, one.at) for one in found.reasons] == [
        ("no-pass-pays", None),
        ("no-units", field_of(8)),
        ("pass-frozen", field_of(2)),
        ("no-units", field_of(2)),
    ]
    assert found.reasons[0].values == {"units": 1}
    assert choose([], occasion()) == Refused((Reason("no-pass"),))
