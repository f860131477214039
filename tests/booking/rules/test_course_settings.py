"""Settings that can never work are refused at their field (SPEC X8)."""

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.course_settings import PlanDraft, checked_plan, terms_reasons
from booking.rules.timetable import DaysOff
from booking.values.house import ClosingDay
from booking.values.money import Cents
from booking.values.places import GuestTerms, Needs
from booking.values.recurrence import Frequency, Rule
from booking.values.refusals import Reason, Refused
from booking.values.timetable import EventTerms, SeriesPlan
from tests.booking.rules.classes import BERLIN, DAY, HOUR, MONDAY, SECOND

DRAFT = PlanDraft(MONDAY, time(18), HOUR)
TERMS = EventTerms(capacity=10)
DAILY = Frequency.DAILY


def plan_reasons(days_off: DaysOff | None = None, **more: Any) -> list[tuple[str, str | None]]:
    verdict = checked_plan(replace(DRAFT, **more), BERLIN, days_off or DaysOff())
    return [(one.code, one.at) for one in verdict.reasons] if isinstance(verdict, Refused) else []


def reasons(needs: Needs | None = None, guests: GuestTerms | None = None, **more: Any) -> list[tuple[str, str | None]]:
    return [(one.code, one.at) for one in terms_reasons(replace(TERMS, **more), needs or Needs(), guests)]


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"first": None, "wall": None, "length": None}, [("missing", one) for one in ("first", "wall", "length")]),
        ({"first": date(1999, 12, 31)}, [("day-out-of-reach", "first")]),
        ({"first": date(2199, 12, 31)}, []),
        ({"first": date(2000, 1, 1)}, []),
        ({"count": 1}, []),
        ({"until": date(2200, 1, 1)}, [("day-out-of-reach", "until")]),
        ({"until": MONDAY - DAY}, [("ends-before-first", "until")]),
        ({"until": MONDAY}, []),
        ({"length": timedelta(0)}, [("length-impossible", "length")]),
        ({"length": -HOUR}, [("length-impossible", "length")]),
        ({"length": timedelta(minutes=1)}, []),
        ({"length": DAY}, []),
        ({"length": DAY + SECOND}, [("length-impossible", "length")]),
        ({"interval": 0}, [("out-of-range", "interval")]),
        ({"interval": 52}, []),
        ({"interval": 53}, [("out-of-range", "interval")]),
        ({"interval": 366, "frequency": DAILY}, []),
        ({"interval": 367, "frequency": DAILY}, [("out-of-range", "interval")]),
        ({"count": 0}, [("out-of-range", "count")]),
        ({"count": 1000}, []),
        ({"count": 1001}, [("out-of-range", "count")]),
        ({"count": 2, "until": MONDAY}, [("two-ends", "count")]),
        ({"weekdays": frozenset({6})}, []),
        ({"weekdays": frozenset({7})}, [("no-such-weekday", "weekdays")]),
        ({"weekdays": frozenset({1}), "frequency": DAILY}, [("no-such-weekday", "weekdays")]),
        ({"weekdays": frozenset({2}), "until": MONDAY + DAY}, [("never-occurs", "weekdays")]),
        ({"weekdays": frozenset({2}), "until": MONDAY + 2 * DAY}, []),
    ],
)
def test_a_plan_that_never_works_is_refused_at_its_field(more: Any, expected: Any) -> None:
    assert plan_reasons(**more) == expected


@pytest.mark.rule("X8")
def test_all_that_is_wrong_with_a_plan_is_named_at_once() -> None:
    wrong: dict[str, Any] = {"first": None, "length": timedelta(0), "interval": 0, "count": 0}
    wrong["until"] = date(1990, 1, 1)
    assert [at for _, at in plan_reasons(**wrong)] == ["first", "until", "length", "interval", "count", "count"]


def test_a_plan_whose_days_are_all_off_is_refused_but_not_one_that_goes_on() -> None:
    off = DaysOff({MONDAY + 7 * DAY: "A holiday"}, (ClosingDay(MONDAY, MONDAY, "Works"),))
    assert plan_reasons(off, count=2) == [("only-on-days-off", "skips_holidays")]
    assert plan_reasons(off, until=MONDAY + 8 * DAY) == [("only-on-days-off", "skips_holidays")]
    assert plan_reasons(off, count=3) == []
    assert plan_reasons(off) == []
    assert plan_reasons(off, count=2, skips_holidays=False) == []


def test_a_good_draft_is_the_plan() -> None:
    draft = PlanDraft(MONDAY, time(18), HOUR, weekdays=frozenset({0, 3}), until=MONDAY + 70 * DAY, skips_holidays=False)
    rule = Rule(weekdays=frozenset({0, 3}), until=MONDAY + 70 * DAY)
    assert checked_plan(draft, BERLIN) == SeriesPlan(MONDAY, time(18), HOUR, rule, BERLIN, skips_holidays=False)


@given(
    st.builds(
        PlanDraft,
        first=st.none() | st.dates(),
        wall=st.none() | st.times(),
        length=st.none() | st.timedeltas(),
        frequency=st.sampled_from(Frequency),
        interval=st.integers(-1, 10**12) | st.integers(1, 52),
        weekdays=st.frozensets(st.integers(-1, 8)) | st.frozensets(st.integers(0, 6)),
        until=st.none() | st.dates(),
        count=st.none() | st.integers(-1, 10**12),
    )
)
def test_whatever_a_form_holds_is_a_plan_or_has_reasons(draft: PlanDraft) -> None:
    verdict = checked_plan(draft, BERLIN)
    assert isinstance(verdict, SeriesPlan) or verdict.reasons


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"capacity": 0}, [("out-of-range", "capacity")]),
        ({"capacity": 1}, []),
        ({"capacity": 10_001}, [("out-of-range", "capacity")]),
        ({"minimum": -1}, [("out-of-range", "minimum")]),
        ({"minimum": 10}, []),
        ({"minimum": 2, "capacity": 1}, [("minimum-above-capacity", "minimum")]),
        ({"minimum": 2, "capacity": 0}, [("out-of-range", "capacity")]),
        ({"units": 0}, []),
        ({"decide_before": timedelta(0), "free_until": timedelta(0)}, []),
        ({"minimum": 11}, [("minimum-above-capacity", "minimum")]),
        ({"units": -1}, [("out-of-range", "units")]),
        ({"units": 101}, [("out-of-range", "units")]),
        ({"price": -1}, [("out-of-range", "price")]),
        ({"price": 10_000_001}, [("out-of-range", "price")]),
        ({"free_until": -SECOND}, [("out-of-range", "free_until")]),
        ({"free_until": 366 * DAY}, []),
        ({"free_until": 366 * DAY + SECOND}, [("out-of-range", "free_until")]),
        ({"decide_before": -SECOND}, [("out-of-range", "decide_before")]),
    ],
)
def test_terms_that_never_work_are_refused_at_their_field(more: Any, expected: Any) -> None:
    assert reasons(**more) == expected


@pytest.mark.rule("X8", "V15")
@pytest.mark.parametrize(
    ("needs", "more", "expected"),
    [
        (Needs(opens=7 * DAY), {"free_until": 7 * DAY}, []),
        (Needs(opens=7 * DAY), {"free_until": 7 * DAY + SECOND}, [("free-until-never", "free_until")]),
        (Needs(), {"free_until": 300 * DAY}, []),
        (Needs(opens=7 * DAY, closes=7 * DAY - SECOND), {}, []),
        (Needs(opens=7 * DAY, closes=7 * DAY), {"free_until": 9 * DAY}, [("booking-never-open", "closes")]),
        (Needs(opens=7 * DAY), {"minimum": 2, "decide_before": 7 * DAY - SECOND}, []),
        (Needs(opens=7 * DAY), {"minimum": 2, "decide_before": 7 * DAY}, [("decided-before-booking", "decide_before")]),
        (Needs(opens=7 * DAY), {"minimum": 0, "decide_before": 7 * DAY}, []),
        (Needs(closes=-SECOND), {}, [("out-of-range", "closes")]),
        (Needs(opens=400 * DAY), {}, [("out-of-range", "opens")]),
        (Needs(youngest=12, oldest=12, least_level=3, most_level=3), {}, []),
        (Needs(youngest=12, least_level=3), {}, []),
        (Needs(oldest=0, most_level=0), {}, []),
        (Needs(youngest=12, oldest=11), {}, [("limits-crossed", "oldest")]),
        (Needs(least_level=3, most_level=2), {}, [("limits-crossed", "most_level")]),
        (Needs(youngest=-1, oldest=121), {}, [("out-of-range", "youngest"), ("out-of-range", "oldest")]),
        (Needs(least_level=-1, most_level=101), {}, [("out-of-range", "least_level"), ("out-of-range", "most_level")]),
    ],
)
def test_needs_that_nobody_could_meet_are_refused(needs: Needs, more: Any, expected: Any) -> None:
    assert reasons(needs, **more) == expected


@pytest.mark.rule("X8", "V4")
@pytest.mark.parametrize(
    ("guests", "expected"),
    [
        (GuestTerms(most=10), []),
        (GuestTerms(most=11), [("guests-above-capacity", "guests.most")]),
        (GuestTerms(most=-1), [("out-of-range", "guests.most")]),
        (GuestTerms(price=Cents(-1)), [("out-of-range", "guests.price")]),
    ],
)
def test_guests_are_within_the_capacity_and_cost_nothing_or_more(guests: GuestTerms, expected: Any) -> None:
    assert reasons(guests=guests) == expected


def test_a_reason_carries_the_numbers_that_its_text_needs() -> None:
    (one,) = terms_reasons(replace(TERMS, minimum=11), Needs())
    assert one == Reason("minimum-above-capacity", "minimum", {"capacity": 10})
