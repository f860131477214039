"""How a series booking is changed: end, series, start, pause, stop, another pass; and what freezes and ends take."""

from datetime import date, timedelta

import pytest

from booking.values.orders import Act, Stretch, Waits, after_events, on_day
from booking.values.refusals import Reason
from tests.booking.rules.houses import HOUR, MINUTE, at
from tests.booking.rules.order_world import (
    CARD,
    DAY,
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
NOTHING: list[int] = []


@pytest.fixture
def studio() -> Studio:
    made = Studio()
    made.weekly(MONDAYS, 20)
    made.weekly(THURSDAYS, 20)
    made.weekly(LATE_MONDAYS, 20)
    made.sell()
    return made


@pytest.mark.rule("F18")
@pytest.mark.parametrize("keeping", [False, True])
def test_an_earlier_end_cancels_or_keeps_what_lies_behind_it(studio: Studio, *, keeping: bool) -> None:
    studio.order(end=on_day(monday(5), START))
    studio.night()
    studio.set_order(end=on_day(monday(3), START))
    plan = studio.night(keeping=keeping)
    assert acts(plan, Act.LET_GO if keeping else Act.GIVE_BACK) == [104, 105]
    assert (codes(plan, 104), studio.units()) == (("after-end",), 4 if keeping else 6)
    assert studio.plans().steps == ()


@pytest.mark.rule("F18")
@pytest.mark.parametrize("keeping", [False, True])
def test_fewer_events_give_back_or_let_go_the_last(studio: Studio, *, keeping: bool) -> None:
    studio.order(end=after_events(5))
    studio.night()
    studio.set_order(end=after_events(3))
    plan = studio.night(keeping=keeping)
    assert acts(plan, Act.LET_GO if keeping else Act.GIVE_BACK) == [103, 104]
    assert studio.plans().steps == ()
    studio.set_order(end=after_events(4))
    assert acts(studio.night(), Act.ADOPT if keeping else Act.BOOK) == [103]


@pytest.mark.rule("F18")
def test_other_series_from_a_day_on_leave_what_comes_before_it(studio: Studio) -> None:
    studio.order(end=after_events(5))
    studio.night()
    studio.orders[1] = studio.orders[1].changed(monday(2), series_ids=frozenset({THURSDAYS}))
    plan = studio.night()
    assert acts(plan, Act.KEEP, Act.BOOK) == [100, 101, 202, 203, 204]
    assert (acts(plan, Act.GIVE_BACK), codes(plan, 102)) == ([102, 103, 104], ("other-series",))


@pytest.mark.rule("F18")
def test_a_later_start_gives_back_what_comes_before_it(studio: Studio) -> None:
    studio.order(end=after_events(2))
    studio.night()
    part = studio.orders[1].parts[0]
    studio.set_order(parts=(type(part)(monday(1), part.series_ids, part.pass_id),))
    plan = studio.night()
    assert (acts(plan, Act.GIVE_BACK), acts(plan, Act.BOOK)) == ([100], [102])
    assert codes(plan, 100) == ("before-start",)


@pytest.mark.rule("F18")
@pytest.mark.parametrize(("last", "back"), [(monday(2), [101, 102]), (None, [101, 102, 103])])
def test_a_pause_gives_back_what_lies_in_it_and_n_counts_on_after_it(
    studio: Studio, last: date | None, back: list[int]
) -> None:
    studio.order(end=after_events(4))
    studio.night()
    studio.set_order(pauses=(Stretch(monday(1), last),))
    plan = studio.night()
    assert (acts(plan, Act.GIVE_BACK), acts(plan, Act.BOOK)) == (back, [104, 105] if last else [])
    assert plan.summary.why == (() if last else (Reason("paused", None, {"events": 3}),))
    studio.set_order(pauses=())
    assert acts(studio.night(), Act.BOOK) == ([] if last else [101, 102, 103])


@pytest.mark.rule("F18")
@pytest.mark.parametrize("keeping", [False, True])
def test_a_stop_cancels_or_keeps_from_its_day_on_and_asks_for_nothing_more(studio: Studio, *, keeping: bool) -> None:
    studio.events_until = monday(20) - DAY
    studio.order(end=after_events(5))
    studio.night()
    studio.set_order(stopped=monday(2))
    plan = studio.night(keeping=keeping)
    assert acts(plan, Act.KEEP) == [100, 101]
    assert acts(plan, Act.LET_GO if keeping else Act.GIVE_BACK) == [102, 103, 104]
    assert (plan.summary.short, plan.summary.why, plan.summary.waits_for) == (0, (), ())
    assert studio.plans().steps == ()


@pytest.mark.rule("F18", "V15")
@pytest.mark.parametrize(("late", "stays"), [(0 * MINUTE, False), (MINUTE, True)])
def test_what_is_too_late_to_cancel_for_nothing_stays_when_an_order_stops(
    studio: Studio, late: timedelta, *, stays: bool
) -> None:
    studio.order(end=after_events(2))
    studio.night()
    studio.now = at(monday(0) - DAY, 18) + late
    studio.set_order(stopped=monday(0))
    plan = studio.night()
    assert acts(plan, Act.KEEP) == ([100] if stays else [])
    assert codes(plan, 100) == (("stopped", "too-late") if stays else ("stopped",))
    assert studio.plans().steps == ()


@pytest.mark.rule("F18", "F20")
def test_an_adopted_booking_is_let_go_when_the_order_stops(studio: Studio) -> None:
    studio.book(100)
    studio.order(end=after_events(2))
    studio.night()
    studio.set_order(stopped=monday(0))
    plan = studio.night()
    assert (acts(plan, Act.LET_GO), acts(plan, Act.GIVE_BACK)) == ([100], [101])


@pytest.mark.rule("F18")
def test_another_pass_takes_over_the_bookings_from_its_day_on(studio: Studio) -> None:
    studio.sell(NEW_CARD)
    studio.book(103)
    studio.order(end=after_events(5))
    studio.night()
    studio.orders[1] = studio.orders[1].changed(monday(2), pass_id=NEW_CARD)
    plan = studio.night()
    assert (acts(plan, Act.MOVE), acts(plan, Act.KEEP)) == ([102, 104], [100, 101, 103])
    assert (studio.units(CARD), studio.units(NEW_CARD)) == (8, 8)
    assert studio.plans().steps == ()


@pytest.mark.rule("F18")
def test_another_pass_and_fewer_events_at_once_leave_the_units_where_they_belong(studio: Studio) -> None:
    studio.sell(NEW_CARD)
    studio.order(end=after_events(4))
    studio.night()
    studio.orders[1] = studio.orders[1].changed(monday(0), pass_id=NEW_CARD)
    studio.set_order(end=after_events(2))
    plans = studio.plans()
    assert [step.pass_id for step in plans.steps if step.act is Act.GIVE_BACK] == [NEW_CARD, NEW_CARD]
    studio.night()
    assert (studio.units(CARD), studio.units(NEW_CARD)) == (10, 8)


@pytest.mark.rule("F18", "F20")
def test_fewer_events_let_an_adopted_booking_go(studio: Studio) -> None:
    studio.book(102)
    studio.order(end=after_events(3))
    studio.night()
    studio.set_order(end=after_events(1))
    plan = studio.night()
    assert (acts(plan, Act.LET_GO), acts(plan, Act.GIVE_BACK)) == ([102], [101])
    assert studio.plans().steps == ()


@pytest.mark.rule("F18", "F22")
def test_what_the_new_pass_has_no_units_for_stays_on_the_old_while_that_is_good(studio: Studio) -> None:
    studio.sell(NEW_CARD, units=2)
    studio.order(end=after_events(4))
    studio.night()
    studio.orders[1] = studio.orders[1].changed(monday(1), pass_id=NEW_CARD)
    plan = studio.night()
    assert (acts(plan, Act.MOVE), acts(plan, Act.KEEP)) == ([101, 102], [100, 103])
    studio.set_pass(last=monday(2))
    plan = studio.night()
    assert (acts(plan, Act.GIVE_BACK), codes(plan, 103)) == ([103], ("pass-ended",))
    assert (plan.summary.short, plan.summary.waits_for) == (1, (Waits.TOP_UP,))
    studio.set_pass(NEW_CARD, units=3)
    assert acts(studio.night(), Act.BOOK) == [103]


@pytest.mark.rule("O48", "F18", "F20")
def test_the_end_of_the_pass_takes_even_what_is_too_late_or_asked_to_be_kept(studio: Studio) -> None:
    studio.order(end=after_events(3))
    studio.night()
    studio.now = at(monday(0), 17)
    studio.set_pass(last=monday(0) - DAY)
    studio.set_order(stopped=monday(1))
    plan = studio.night(keeping=True)
    assert acts(plan, Act.GIVE_BACK) == [100, 101, 102]
    assert codes(plan, 101) == ("stopped", "pass-ended")


@pytest.mark.rule("F21", "F20")
def test_a_freeze_lets_go_what_another_purse_pays_for(studio: Studio) -> None:
    studio.book(100)
    studio.order(end=after_events(2))
    studio.night()
    studio.freeze(monday(0), monday(0))
    plan = studio.night()
    assert (acts(plan, Act.LET_GO), acts(plan, Act.BOOK)) == ([100], [102])
    assert studio.plans().steps == ()


@pytest.mark.rule("F23")
def test_nothing_that_was_given_back_for_a_freeze_is_forgotten_when_it_is_lifted(studio: Studio) -> None:
    studio.order(end=on_day(monday(2), START + HOUR))
    studio.night()
    studio.freeze(monday(1), monday(1))
    assert acts(studio.night(), Act.GIVE_BACK) == [101]
    studio.set_pass(freezes=())
    assert acts(studio.night(), Act.BOOK) == [101]
    assert studio.plans().steps == ()
