"""Several series bookings at once: one purse, one participant, one place; reserved first, what is left by date."""

import pytest

from booking.values.orders import Act, Standing, Stretch, Waits, WhenFull, after_events, on_day
from booking.values.refusals import Reason
from tests.booking.rules.houses import MINUTE
from tests.booking.rules.order_world import (
    ANNA,
    BEN,
    CARD,
    LATE_MONDAYS,
    MONDAYS,
    START,
    THURSDAYS,
    Studio,
    acts,
    codes,
    monday,
)

OTHER_CARD = 2


@pytest.fixture
def studio() -> Studio:
    made = Studio()
    for series_id in (MONDAYS, THURSDAYS, LATE_MONDAYS):
        made.weekly(series_id, 12)
    made.sell()
    made.sell(OTHER_CARD)
    return made


@pytest.mark.rule("F20", "F13")
def test_a_later_order_on_the_same_pass_gets_what_is_left(studio: Studio) -> None:
    studio.order(MONDAYS, end=after_events(7))
    studio.night()
    studio.order(THURSDAYS, end=after_events(7))
    studio.night()
    plans = studio.plans()
    assert plans.steps == ()
    assert (plans.by_order[1].summary.kept, plans.by_order[2].summary.kept) == (7, 3)
    assert plans.by_order[2].summary.why == (Reason("pass-units", None, {"events": 4}),)


@pytest.mark.rule("F20", "F22")
def test_what_is_not_reserved_yet_goes_by_date_whichever_order_is_older(studio: Studio) -> None:
    studio.set_pass(units=4)
    studio.order(MONDAYS, end=on_day(monday(9), START))
    studio.night()
    studio.order(THURSDAYS, end=on_day(monday(9), START))
    studio.night()
    studio.set_pass(units=9)
    plans = studio.plans()
    assert [(step.order_id, step.event_id) for step in plans.steps] == [
        (2, 200),
        (2, 201),
        (2, 202),
        (2, 203),
        (1, 104),
    ]


@pytest.mark.rule("F20")
def test_on_one_day_the_earlier_created_order_goes_first(studio: Studio) -> None:
    """Also where the later one's event begins earlier, and whatever order they are gathered in."""
    studio.set_pass(units=1)
    studio.order(LATE_MONDAYS, participant=BEN, end=after_events(1))
    studio.order(MONDAYS, end=after_events(1))
    assert [(step.order_id, step.event_id) for step in studio.plans(2, 1).steps] == [(1, 300)]
    studio.set_order(2, created_at=START - MINUTE)
    assert [(step.order_id, step.event_id) for step in studio.plans(2, 1).steps] == [(2, 100)]


@pytest.mark.rule("F20")
def test_a_clash_of_two_series_takes_the_earlier_created_order(studio: Studio) -> None:
    studio.order(LATE_MONDAYS, end=after_events(2))
    studio.order(MONDAYS, pass_id=OTHER_CARD, end=after_events(2))
    plans = studio.plans()
    assert acts(plans.by_order[1], Act.BOOK) == [300, 301]
    assert acts(plans.by_order[2], Act.SKIP, Act.BOOK) == [100, 101, 102, 103]
    assert codes(plans.by_order[2], 100) == ("clash",)
    assert plans.by_order[2].dates[0].reasons[0].values == {"event": 300}


@pytest.mark.rule("F20")
def test_a_clash_of_two_series_of_one_order_takes_the_earlier_start(studio: Studio) -> None:
    studio.order(LATE_MONDAYS, MONDAYS, end=after_events(2))
    plan = studio.night()
    assert (acts(plan, Act.BOOK), acts(plan, Act.SKIP)) == ([100, 101], [300])


@pytest.mark.rule("F20")
def test_a_booked_date_stays_with_the_later_order_though_the_earlier_one_would_want_it(studio: Studio) -> None:
    """What is reserved stays reserved: the earlier-created order was short when the later one booked."""
    studio.set_pass(units=1)
    studio.order(LATE_MONDAYS, end=after_events(2))
    studio.order(MONDAYS, pass_id=OTHER_CARD, end=after_events(2))
    studio.night()
    studio.set_pass(units=3)
    plans = studio.plans()
    assert acts(plans.by_order[2], Act.KEEP) == [101, 102]
    assert (acts(plans.by_order[1], Act.SKIP), acts(plans.by_order[1], Act.BOOK)) == ([301, 302], [303])


@pytest.mark.rule("F20")
def test_an_event_that_another_order_has_booked_is_not_adopted(studio: Studio) -> None:
    studio.order(MONDAYS, end=after_events(1))
    studio.night()
    studio.order(MONDAYS, pass_id=OTHER_CARD, end=after_events(1))
    for chosen in ((1, 2), (2,)):
        plan = studio.plans(*chosen).by_order[2]
        assert (codes(plan, 100), acts(plan, Act.BOOK)) == (("booked-otherwise",), [101])


@pytest.mark.rule("F20", "F18")
def test_what_one_order_lets_go_another_one_adopts_in_the_same_night(studio: Studio) -> None:
    studio.order(MONDAYS, end=after_events(1))
    studio.order(MONDAYS, pass_id=OTHER_CARD, end=after_events(1))
    studio.night()
    studio.set_order(2, end=after_events(2))
    studio.set_order(1, stopped=monday(0))
    plans = studio.plans(keeping=True)
    assert [(step.order_id, step.act, step.event_id) for step in plans.steps] == [
        (1, Act.LET_GO, 100),
        (2, Act.ADOPT, 100),
    ]


@pytest.mark.rule("F1", "F20")
def test_the_last_place_goes_to_one_of_two_orders(studio: Studio) -> None:
    studio.fill(100, left=1)
    studio.order(MONDAYS, participant=ANNA, end=after_events(1))
    studio.order(MONDAYS, participant=BEN, pass_id=OTHER_CARD, end=after_events(1))
    plans = studio.plans()
    assert acts(plans.by_order[1], Act.BOOK) == [100]
    assert (codes(plans.by_order[2], 100), acts(plans.by_order[2], Act.BOOK)) == (("full",), [101])


@pytest.mark.rule("F20", "V10", "V18")
@pytest.mark.parametrize("queued", [False, True])
def test_a_place_that_an_order_gives_back_goes_to_those_who_wait_first(studio: Studio, *, queued: bool) -> None:
    studio.fill(100, left=1)
    studio.order(MONDAYS, end=after_events(1))
    studio.night()
    if queued:
        studio.book(100, 999, Standing.WAITING)
    studio.set_order(pauses=(Stretch(monday(0), monday(0)),))
    studio.order(MONDAYS, participant=BEN, pass_id=OTHER_CARD, end=after_events(1))
    assert acts(studio.plans().by_order[2], Act.BOOK) == [101 if queued else 100]


@pytest.mark.rule("F18", "F20")
def test_units_that_come_back_serve_the_other_order_in_the_same_night(studio: Studio) -> None:
    studio.order(MONDAYS)
    studio.order(THURSDAYS, participant=BEN, end=after_events(4))
    studio.night(1)
    assert studio.plans(2).by_order[2].summary.waits_for == (Waits.TOP_UP,)
    studio.set_order(1, stopped=monday(7))
    plans = studio.plans()
    assert (acts(plans.by_order[1], Act.GIVE_BACK), acts(plans.by_order[2], Act.BOOK)) == (
        [107, 108, 109],
        [200, 201, 202],
    )


@pytest.mark.rule("F18", "F23")
def test_orders_that_swap_their_passes_are_done_in_one_night(studio: Studio) -> None:
    """The first can move only what the second has made room for, by moving itself."""
    studio.sell(CARD, units=3)
    studio.sell(OTHER_CARD, units=2)
    studio.order(MONDAYS, end=after_events(2))
    studio.order(THURSDAYS, participant=BEN, pass_id=OTHER_CARD, end=after_events(2))
    studio.night()
    studio.orders[1] = studio.orders[1].changed(monday(0), pass_id=OTHER_CARD)
    studio.orders[2] = studio.orders[2].changed(monday(0), pass_id=CARD)
    studio.night()
    assert {row.event_id: row.pass_id for row in studio.rows.values()} == {100: 2, 101: 2, 200: 1, 201: 1}
    assert studio.plans().steps == ()


@pytest.mark.rule("F20", "V18")
def test_two_orders_may_wait_for_one_event(studio: Studio) -> None:
    studio.fill(100)
    studio.order(MONDAYS, participant=ANNA, end=after_events(1), when_full=WhenFull.WAIT)
    studio.order(MONDAYS, participant=BEN, pass_id=OTHER_CARD, end=after_events(1), when_full=WhenFull.WAIT)
    studio.night()
    assert [row.participant_id for row in studio.rows.values() if row.state is Standing.WAITING] == [ANNA, BEN]
    assert studio.plans().steps == ()


@pytest.mark.rule("F18", "F20")
def test_time_that_one_order_gives_back_is_free_for_another_in_the_same_night(studio: Studio) -> None:
    studio.order(MONDAYS, end=after_events(1))
    studio.night()
    studio.set_order(1, pauses=(Stretch(monday(0), monday(0)),))
    studio.order(LATE_MONDAYS, pass_id=OTHER_CARD, end=after_events(1))
    assert acts(studio.plans().by_order[2], Act.BOOK) == [300]


@pytest.mark.rule("F20", "V16", "V18")
@pytest.mark.parametrize(("more", "event"), [(1, 101), (2, 100)])
def test_who_waited_takes_the_place_that_was_held_and_leaves_the_others(studio: Studio, more: int, event: int) -> None:
    studio.fill(100)
    studio.order(MONDAYS, participant=ANNA, end=after_events(1), when_full=WhenFull.WAIT)
    studio.night()
    studio.events[100].capacity += more
    studio.offered.add((100, ANNA))
    studio.order(MONDAYS, participant=BEN, pass_id=OTHER_CARD, end=after_events(1))
    plans = studio.plans(1, 2, wish=100)
    assert (acts(plans.by_order[1], Act.BOOK), acts(plans.by_order[2], Act.BOOK)) == ([100], [event])


@pytest.mark.rule("F18", "V18")
def test_a_place_for_which_nobody_waits_any_more_is_free_for_another_order(studio: Studio) -> None:
    studio.fill(100)
    studio.order(MONDAYS, participant=ANNA, end=after_events(1), when_full=WhenFull.WAIT)
    studio.night()
    studio.events[100].capacity += 1
    studio.order(MONDAYS, participant=BEN, pass_id=OTHER_CARD, end=after_events(1))
    assert acts(studio.plans().by_order[2], Act.BOOK) == [101]
    studio.set_order(1, stopped=monday(0))
    plans = studio.plans()
    assert (acts(plans.by_order[1], Act.LEAVE), acts(plans.by_order[2], Act.BOOK)) == ([100], [100])
