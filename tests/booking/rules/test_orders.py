"""How far a series booking reaches: series, start, the three ends, freezes, and what it says before it books."""

import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from booking.rules.orders import plan_order, plan_orders
from booking.values.orders import Act, Standing, Waits, after_events, on_day
from booking.values.refusals import Reason
from tests.booking.rules.houses import HOUR, at
from tests.booking.rules.order_world import (
    DAY,
    FIRST_MONDAY,
    LATE_MONDAYS,
    MONDAYS,
    START,
    THURSDAYS,
    Studio,
    acts,
    codes,
    monday,
)

NEW_CARD = 2


@pytest.fixture
def studio() -> Studio:
    """Mondays and Thursdays at 18:00 for twenty weeks, over the end of summer time; a card of ten units."""
    made = Studio()
    made.weekly(MONDAYS, 20)
    made.weekly(THURSDAYS, 20)
    made.sell()
    return made


@pytest.mark.rule("F6", "F15")
def test_an_order_books_the_series_chosen_and_no_other(studio: Studio) -> None:
    studio.order(THURSDAYS, end=after_events(2))
    assert acts(studio.night(), Act.BOOK) == [200, 201]


@pytest.mark.rule("F6", "F15")
def test_an_order_of_several_series_books_them_by_date(studio: Studio) -> None:
    studio.order(MONDAYS, THURSDAYS, end=after_events(5))
    assert acts(studio.night(), Act.BOOK) == [100, 200, 101, 201, 102]


@pytest.mark.rule("F7")
@pytest.mark.parametrize(("first", "event"), [(monday(2), 102), (monday(2) + DAY, 103), (monday(2) - DAY, 102)])
def test_an_order_begins_on_its_first_day(studio: Studio, first: date, event: int) -> None:
    studio.order(first=first, end=after_events(1))
    assert acts(studio.night(), Act.BOOK) == [event]


@pytest.mark.rule("F5", "F7", "F20")
def test_the_event_at_hand_counts_though_it_has_begun(studio: Studio) -> None:
    """The order hangs off an ordinary booking, made at the check-in of an event that may run already."""
    studio.now = at(FIRST_MONDAY, 18) + HOUR / 2
    studio.book(100)
    studio.order(end=after_events(3))
    plan = studio.night()
    assert (acts(plan, Act.ADOPT), acts(plan, Act.BOOK)) == ([100], [101, 102])


@pytest.mark.rule("F7")
@pytest.mark.parametrize(("late", "event"), [(timedelta(0), 100), (timedelta(microseconds=1), 101)])
def test_nothing_is_booked_once_it_has_begun(studio: Studio, late: timedelta, event: int) -> None:
    studio.now = at(FIRST_MONDAY, 18) + late
    studio.order(end=after_events(1))
    assert acts(studio.night(), Act.BOOK) == [event]


@pytest.mark.rule("F2", "F8", "F13")
def test_ten_units_make_ten_bookings_and_the_order_with_the_pass_is_not_short(studio: Studio) -> None:
    studio.order()
    plan = studio.night()
    assert acts(plan, Act.BOOK) == list(range(100, 110))
    assert studio.units() == 0
    assert (plan.summary.kept, plan.summary.short, plan.summary.why) == (10, 0, ())
    assert plan.summary.waits_for == (Waits.TOP_UP,)
    assert plan.summary.last == monday(9)


@pytest.mark.rule("F8", "F13")
def test_an_event_takes_as_many_units_as_it_costs(studio: Studio) -> None:
    for event_id in (101, 102):
        studio.change(event_id, units=4)
    studio.order()
    plan = studio.night()
    assert [(step.event_id, step.units) for step in plan.dates] == [(100, 1), (101, 4), (102, 4), (103, 1)]


@pytest.mark.rule("F2", "F8")
@pytest.mark.parametrize(("last", "events"), [(monday(3), 4), (monday(3) - DAY, 3), (monday(4) - DAY, 4)])
def test_a_period_pass_is_booked_to_its_last_day(studio: Studio, last: date, events: int) -> None:
    studio.sell(units=None, last=last)
    studio.order()
    plan = studio.night()
    assert acts(plan, Act.BOOK) == list(range(100, 100 + events))
    assert (plan.summary.short, plan.summary.waits_for) == (0, ())


@pytest.mark.rule("F8")
def test_days_before_a_pass_begins_are_passed_over_with_the_reason(studio: Studio) -> None:
    studio.sell(units=10, first=monday(1))
    studio.order(end=after_events(1))
    plan = studio.night()
    assert (codes(plan, 100), acts(plan, Act.BOOK)) == (("not-begun",), [101])


@pytest.mark.rule("F9", "F10", "F11")
def test_a_standing_booking_reaches_as_far_as_the_contract_and_follows_it_each_night(studio: Studio) -> None:
    studio.sell(units=None, bookable_until=monday(3))
    studio.order()
    plan = studio.night()
    assert acts(plan, Act.BOOK) == [100, 101, 102, 103]
    assert (plan.summary.short, plan.summary.waits_for) == (0, (Waits.RENEWAL,))
    studio.set_pass(bookable_until=monday(4) - DAY)
    assert studio.plans().steps == ()
    studio.set_pass(bookable_until=monday(4))
    assert acts(studio.night(), Act.BOOK) == [104]


@pytest.mark.rule("F11", "O48")
def test_a_contract_that_ends_takes_its_later_bookings_along_and_is_not_waited_for(studio: Studio) -> None:
    studio.sell(units=None, bookable_until=monday(9))
    studio.order()
    studio.night()
    studio.set_pass(last=monday(9))
    assert studio.plans().by_order[1].summary.waits_for == ()
    studio.set_pass(last=monday(4))
    plan = studio.night()
    assert acts(plan, Act.GIVE_BACK) == [105, 106, 107, 108, 109]
    assert set(codes(plan, 105)) == {"pass-ended"}
    assert (plan.summary.last, plan.summary.waits_for) == (monday(4), ())


@pytest.mark.rule("F9", "F22")
def test_a_standing_booking_waits_for_events_that_are_not_there_yet(studio: Studio) -> None:
    studio.sell(units=None)
    studio.events_until = monday(20) - DAY
    studio.order()
    assert studio.night().summary.waits_for == (Waits.EVENTS,)
    studio.weekly(MONDAYS, 2, since=monday(20))
    studio.events_until = None
    plan = studio.night()
    assert (acts(plan, Act.BOOK), plan.summary.waits_for) == ([120, 121], ())


@pytest.mark.rule("F12")
@pytest.mark.parametrize(("day", "events"), [(monday(7) - DAY, 7), (monday(7), 8), (monday(7) + DAY, 8)])
def test_a_date_is_the_last_day_itself_included_also_after_the_clocks_changed(
    studio: Studio, day: date, events: int
) -> None:
    studio.order(end=on_day(day, START))
    plan = studio.night()
    assert acts(plan, Act.BOOK) == list(range(100, 100 + events))
    assert (plan.summary.ends, plan.summary.short, plan.summary.waits_for) == (day, 0, ())


@pytest.mark.rule("F12", "F22")
def test_a_date_after_the_end_of_the_pass_reaches_to_its_end_and_names_the_rest(studio: Studio) -> None:
    studio.sell(units=None, last=monday(2))
    studio.order(end=on_day(monday(4), START))
    plan = studio.night()
    assert acts(plan, Act.BOOK) == [100, 101, 102]
    assert {event: codes(plan, event) for event in acts(plan, Act.SKIP)} == {103: ("pass-ended",), 104: ("pass-ended",)}
    assert (plan.summary.short, plan.summary.waits_for) == (2, (Waits.NEW_PASS,))
    assert plan.summary.why == (Reason("pass-ended", None, {"events": 2}),)


@pytest.mark.rule("F12", "F13", "F22")
def test_a_date_with_too_few_units_is_short_and_goes_on_after_the_top_up(studio: Studio) -> None:
    studio.order(end=on_day(monday(11), START))
    plan = studio.night()
    assert (plan.summary.kept, plan.summary.short) == (10, 2)
    assert (plan.summary.why, plan.summary.waits_for) == (
        (Reason("pass-units", None, {"events": 2}),),
        (Waits.TOP_UP,),
    )
    assert plan.dates[-1].reasons == (Reason("pass-units", None, {"units": 1, "left": 0}),)
    studio.set_pass(units=15)
    plan = studio.night()
    assert acts(plan, Act.BOOK) == [110, 111]
    assert (plan.summary.short, studio.units()) == (0, 3)


@pytest.mark.rule("F14", "F22")
def test_a_date_beyond_the_minimum_term_waits_for_the_contract(studio: Studio) -> None:
    studio.sell(units=None, bookable_until=monday(2))
    studio.order(end=on_day(monday(4), START))
    plan = studio.night()
    assert (acts(plan, Act.BOOK), plan.summary.short) == ([100, 101, 102], 2)
    assert (codes(plan, 104), plan.summary.waits_for) == (("not-renewed",), (Waits.RENEWAL,))
    studio.set_pass(bookable_until=monday(14))
    plan = studio.night()
    assert (acts(plan, Act.BOOK), plan.summary.waits_for) == ([103, 104], ())


@pytest.mark.rule("F15", "F22")
@pytest.mark.parametrize(
    ("fields", "count", "why", "waits"),
    [
        ({"units": 4}, 6, [("pass-units", 2)], (Waits.TOP_UP,)),
        ({"last": monday(3)}, 6, [("pass-ended", 2)], (Waits.NEW_PASS,)),
        ({"bookable_until": monday(3)}, 6, [("not-renewed", 2)], (Waits.RENEWAL,)),
        ({"bookable_until": monday(3), "last": monday(4)}, 6, [("not-renewed", 1), ("pass-ended", 1)], None),
        ({}, 23, [("series-ended", 3)], ()),
        ({"bookable_until": monday(25)}, 23, [("series-ended", 3)], ()),
        ({"units": 18}, 23, [("pass-units", 2), ("series-ended", 3)], (Waits.TOP_UP,)),
    ],
)
def test_an_order_of_n_events_says_how_many_it_is_short_and_why(
    studio: Studio, fields: dict[str, object], count: int, why: list[tuple[str, int]], waits: tuple[Waits, ...] | None
) -> None:
    studio.sell(**{"units": None, **fields})  # type: ignore[arg-type]
    studio.order(end=after_events(count))
    summary = studio.night().summary
    assert (summary.wanted, summary.kept + summary.short) == (count, count)
    assert [(reason.code, reason.values["events"]) for reason in summary.why] == why
    assert waits is None or summary.waits_for == waits


@pytest.mark.rule("F19", "F22")
def test_only_dates_that_the_pass_alone_forbids_are_lacks_and_a_preview_ends_with_the_last_of_them(
    studio: Studio,
) -> None:
    studio.set_pass(units=2)
    studio.fill(102)
    studio.order(end=after_events(4))
    plan = studio.night()
    assert acts(plan, Act.SKIP) == [102, 103, 104]
    assert codes(plan, 102) == ("full", "pass-units")
    assert plan.summary.why == (Reason("pass-units", None, {"events": 2}),)
    assert studio.skipped[1] == set()


@pytest.mark.rule("F22")
def test_an_order_of_n_events_waits_for_the_horizon(studio: Studio) -> None:
    studio.sell(units=None)
    studio.events_until = monday(20) - DAY
    studio.order(end=after_events(22))
    summary = studio.night().summary
    assert (summary.short, summary.waits_for) == (2, (Waits.EVENTS,))
    assert summary.why == (Reason("horizon", None, {"events": 2, "until": "2027-01-24"}),)
    studio.weekly(MONDAYS, 5, since=monday(20))
    assert acts(studio.night(), Act.BOOK) == [120, 121]


@pytest.mark.rule("F21")
def test_events_in_a_freeze_are_skipped_and_n_counts_on(studio: Studio) -> None:
    studio.order(end=after_events(4))
    studio.night()
    studio.freeze(monday(1), monday(2))
    plan = studio.night()
    assert (acts(plan, Act.GIVE_BACK), acts(plan, Act.BOOK)) == ([101, 102], [104, 105])
    assert codes(plan, 101) == ("frozen",)
    assert (plan.summary.kept, studio.units()) == (4, 6)


@pytest.mark.rule("F21", "O38")
@pytest.mark.parametrize(
    ("first", "last", "ends", "booked"),
    [
        (monday(1) + DAY, monday(2), monday(5) + 7 * DAY, [100, 101, 103, 104, 105, 106]),
        (monday(5), monday(5) + 13 * DAY, monday(5) + 14 * DAY, [100, 101, 102, 103, 104, 107]),
        (monday(5) + DAY, monday(6), monday(5), [100, 101, 102, 103, 104, 105]),
        (monday(0) - 9 * DAY, monday(0) - DAY, monday(5), [100, 101, 102, 103, 104, 105]),
    ],
    ids=["inside", "over the last day", "after the end", "before the start"],
)
def test_an_order_to_a_date_ends_later_by_as_much_as_the_pass(
    studio: Studio, first: date, last: date, ends: date, booked: list[int]
) -> None:
    studio.sell(units=None, last=monday(5))
    studio.order(end=on_day(monday(5), START))
    studio.night()
    studio.now += HOUR
    studio.freeze(first, last)
    plan = studio.night()
    assert plan.summary.ends == ends
    assert acts(plan, Act.KEEP, Act.BOOK) == booked


@pytest.mark.rule("F12", "F21")
def test_a_freeze_known_when_the_date_was_chosen_does_not_move_it_and_a_lifted_one_no_more(studio: Studio) -> None:
    studio.freeze(monday(1), monday(1) + 6 * DAY)
    studio.order(end=on_day(monday(3), START + HOUR))
    plan = studio.night()
    assert (acts(plan, Act.BOOK), plan.summary.ends) == ([100, 102, 103], monday(3))
    studio.set_pass(freezes=())
    assert acts(studio.night(), Act.BOOK) == [101]


@pytest.mark.rule("F18", "F21")
def test_the_pass_on_which_an_order_ends_moves_its_end(studio: Studio) -> None:
    studio.sell(NEW_CARD)
    studio.order(end=on_day(monday(3), START))
    studio.orders[1] = studio.orders[1].changed(monday(2), pass_id=NEW_CARD)
    studio.now += HOUR
    studio.freeze(monday(1), monday(1) + 6 * DAY)
    assert studio.plans().by_order[1].summary.ends == monday(3)
    studio.freeze(monday(2), monday(2) + 6 * DAY, NEW_CARD)
    assert acts(studio.night(), Act.BOOK) == [100, 103, 104]


@pytest.mark.rule("F21")
def test_two_freezes_move_the_end_one_after_the_other(studio: Studio) -> None:
    """The second begins after the day chosen, but before the end that the first has moved."""
    studio.order(end=on_day(monday(2), START))
    studio.now += HOUR
    studio.freeze(monday(1), monday(1) + 6 * DAY)
    studio.freeze(monday(3), monday(3) + 6 * DAY)
    assert acts(studio.night(), Act.BOOK) == [100, 102, 104]


@pytest.mark.rule("F19")
def test_a_preview_lists_each_date_with_what_happens_and_why_not(studio: Studio) -> None:
    studio.weekly(LATE_MONDAYS, 20)
    studio.fill(101)
    studio.book(302)
    studio.book(103)
    studio.cancel_event(104)
    studio.change(105, refusals=(Reason("too-young"), Reason("no-club-card")))
    studio.fill(106)
    studio.change(106, refusals=(Reason("too-young"),))
    studio.freeze(monday(7), monday(7))
    studio.set_pass(units=2)
    studio.order(end=on_day(monday(9), START + HOUR))
    plan = studio.plans().by_order[1]
    assert [(step.event_id, step.act, tuple(reason.code for reason in step.reasons)) for step in plan.dates] == [
        (100, Act.BOOK, ()),
        (101, Act.SKIP, ("full",)),
        (102, Act.SKIP, ("clash",)),
        (103, Act.ADOPT, ()),
        (104, Act.SKIP, ("event-cancelled",)),
        (105, Act.SKIP, ("too-young", "no-club-card")),
        (106, Act.SKIP, ("too-young", "full")),
        (107, Act.SKIP, ("frozen",)),
        (108, Act.BOOK, ()),
        (109, Act.SKIP, ("pass-units",)),
    ]
    assert studio.night() == plan


@pytest.mark.rule("F19")
def test_a_plan_tells_a_booking_whose_event_was_not_gathered(studio: Studio) -> None:
    studio.order()
    studio.night()
    facts = studio.facts()
    with pytest.raises(ValueError, match="event 100 of a booking of order 1"):
        plan_order(replace(facts, candidates=facts.candidates[1:]), studio.passes, studio.now)


@pytest.mark.rule("F17")
def test_the_summary_says_until_when_and_what_lies_ahead(studio: Studio) -> None:
    studio.order(end=after_events(4))
    studio.night()
    studio.now = at(monday(2), 20)
    studio.become(100, Standing.ATTENDED)
    summary = studio.night().summary
    assert (summary.kept, summary.coming, summary.last) == (4, 1, monday(3))


def counted(weeks: int) -> tuple[float, int]:
    """The least processor time of several plans of as many events, in seconds, and the calls that one makes."""
    studio = Studio()
    studio.weekly(MONDAYS, weeks)
    studio.sell(units=None)
    studio.order()
    facts, took, calls = studio.facts(), [], Counter[str]()
    for _ in range(7):
        begin = time.thread_time()
        plans = plan_orders((facts,), studio.passes, studio.now)
        took.append(time.thread_time() - begin)
        assert len(plans.steps) == weeks
    sys.setprofile(lambda _frame, kind, _value: calls.update((kind,)))
    plan_orders((facts,), studio.passes, studio.now)
    sys.setprofile(None)
    return min(took), calls["call"]


def test_fifty_events_are_planned_in_well_under_a_millisecond_and_each_costs_the_same() -> None:
    """Calls are counted rather than timed for the growth; the bound in time leaves room for a busy machine."""
    seconds, few = counted(50)
    _, many = counted(1600)
    assert seconds < 0.002
    assert many <= 32 * few
