"""How a series booking is kept so: replaced, adopted, skipped, waited for, taken after all."""

from datetime import timedelta

import pytest

from booking.values.orders import Act, Standing, Stretch, WhenFull, after_events, on_day
from booking.values.refusals import Reason
from tests.booking.rules.houses import MINUTE, at
from tests.booking.rules.order_world import (
    ANNA,
    BEN,
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


@pytest.mark.rule("F16", "F20")
@pytest.mark.parametrize("state", [Standing.CANCELLED_IN_TIME, Standing.DELETED, Standing.EXCUSED])
def test_what_is_cancelled_or_deleted_is_replaced_at_the_end_and_not_booked_again(
    studio: Studio, state: Standing
) -> None:
    studio.order(end=after_events(4))
    studio.night()
    studio.become(101, state)
    plan = studio.night()
    assert acts(plan, Act.BOOK) == [104]
    assert codes(plan, 101) == (state.value,)
    assert (plan.summary.kept, studio.plans().steps) == (4, ())


@pytest.mark.rule("F16", "O38")
def test_what_the_operator_cancels_is_replaced_and_booked_again_only_where_it_is_wanted(studio: Studio) -> None:
    studio.order(end=on_day(monday(3), START))
    studio.night()
    studio.cancel_event(101)
    assert codes(studio.night(), 101) == ("event-cancelled",)
    studio.change(101, is_cancelled=False)
    assert acts(studio.night(), Act.BOOK) == [101]


@pytest.mark.rule("F16")
def test_a_booking_of_an_event_that_is_cancelled_counts_no_more(studio: Studio) -> None:
    studio.order(end=after_events(2))
    studio.night()
    studio.book(102)
    for event_id in (100, 102):
        studio.change(event_id, is_cancelled=True)
    plan = studio.night()
    assert (acts(plan, Act.ADOPT), acts(plan, Act.BOOK)) == (NOTHING, [103])


@pytest.mark.rule("F16", "F22")
def test_a_replacement_needs_a_unit_and_comes_after_the_top_up(studio: Studio) -> None:
    """A late cancellation keeps its unit, so that a card of ten has none for another."""
    studio.order(end=after_events(10))
    studio.night()
    studio.become(109, Standing.CANCELLED_LATE)
    plan = studio.night()
    assert (acts(plan, Act.BOOK), plan.summary.short) == (NOTHING, 1)
    assert plan.summary.why == (Reason("pass-units", None, {"events": 1}),)
    studio.set_pass(units=11)
    assert acts(studio.night(), Act.BOOK) == [110]


@pytest.mark.rule("F20")
@pytest.mark.parametrize(
    ("state", "fields", "kept"),
    [
        (Standing.NO_SHOW, {}, False),
        (Standing.NO_SHOW, {"counts_no_shows": True}, True),
        (Standing.NO_SHOW, {"counts_late_cancellations": True}, False),
        (Standing.CANCELLED_LATE, {}, False),
        (Standing.CANCELLED_LATE, {"counts_late_cancellations": True}, True),
        (Standing.CANCELLED_LATE, {"counts_no_shows": True}, False),
        (Standing.ATTENDED, {}, True),
        (Standing.CANCELLED_IN_TIME, {"counts_no_shows": True, "counts_late_cancellations": True}, False),
    ],
)
def test_late_cancellations_and_no_shows_are_replaced_unless_the_organisation_counts_them(
    studio: Studio, state: Standing, fields: dict[str, bool], *, kept: bool
) -> None:
    studio.order(end=after_events(3), **fields)
    studio.night()
    studio.now = at(monday(0), 20)
    studio.become(100, state)
    assert acts(studio.night(), Act.BOOK) == ([] if kept else [103])


@pytest.mark.rule("F20", "O29")
def test_attendance_that_is_marked_later_gives_the_replacement_back(studio: Studio) -> None:
    studio.order(end=after_events(3))
    studio.night()
    studio.now = at(monday(0), 20)
    studio.become(100, Standing.NO_SHOW)
    assert acts(studio.night(), Act.BOOK) == [103]
    studio.become(100, Standing.ATTENDED)
    plan = studio.night()
    assert (acts(plan, Act.GIVE_BACK), codes(plan, 103)) == ([103], ("more-than-asked",))
    assert studio.plans().steps == ()


@pytest.mark.rule("F20")
def test_a_booking_made_otherwise_is_adopted_without_a_unit_and_never_doubled(studio: Studio) -> None:
    booking_id = studio.book(101)
    studio.order(end=after_events(3))
    plan = studio.night()
    step = plan.dates[1]
    assert (step.act, step.booking_id, step.units) == (Act.ADOPT, booking_id, 0)
    assert (acts(plan, Act.BOOK), studio.units()) == ([100, 102], 8)


@pytest.mark.rule("F20", "F21")
def test_a_booking_whose_own_pass_rests_is_not_adopted(studio: Studio) -> None:
    """The freeze gives it back; until then it is in the way."""
    studio.sell(NEW_CARD)
    studio.freeze(monday(0), monday(0), NEW_CARD)
    studio.rows[studio.book(100)].pass_id = NEW_CARD
    studio.order(end=after_events(1))
    plan = studio.night()
    assert (codes(plan, 100), acts(plan, Act.BOOK)) == (("booked-otherwise",), [101])


@pytest.mark.rule("F20")
def test_a_booking_that_the_order_needs_no_more_is_left_as_it_is(studio: Studio) -> None:
    studio.order(end=after_events(2))
    studio.night()
    studio.book(105)
    assert studio.plans().steps == ()


@pytest.mark.rule("F20")
def test_a_full_event_is_put_on_the_skipped_list_and_n_counts_on(studio: Studio) -> None:
    studio.fill(101)
    studio.order(end=after_events(3))
    plan = studio.night()
    assert [(step.act, step.event_id) for step in plan.dates if step.changes] == [
        (Act.BOOK, 100),
        (Act.SKIP, 101),
        (Act.BOOK, 102),
        (Act.BOOK, 103),
    ]
    assert codes(plan, 101) == ("full",)


@pytest.mark.rule("F20")
@pytest.mark.parametrize("left", [0, 1])
def test_an_event_is_full_exactly_when_no_place_is_left(studio: Studio, left: int) -> None:
    studio.fill(100, left)
    studio.order(end=after_events(1))
    assert acts(studio.night(), Act.BOOK) == [100 if left else 101]


@pytest.mark.rule("F20", "F23")
def test_a_skipped_date_whose_reason_went_away_is_offered_not_taken(studio: Studio) -> None:
    studio.fill(101)
    studio.order(end=on_day(monday(3), START))
    studio.night()
    studio.events[101].capacity += 1
    plan = studio.plans().by_order[1]
    assert studio.plans().steps == ()
    assert [(step.event_id, step.act) for step in plan.skipped] == [(101, Act.OPEN)]
    studio.fill(101)
    assert [step.act for step in studio.plans().by_order[1].skipped] == [Act.SKIP]


@pytest.mark.rule("F20")
def test_one_click_takes_a_skipped_date_instead_of_the_one_appended_for_it(studio: Studio) -> None:
    studio.fill(101)
    studio.order(end=after_events(10))
    studio.night()
    studio.events[101].capacity += 1
    assert [(step.event_id, step.act) for step in studio.plans().by_order[1].skipped] == [(101, Act.OPEN)]
    plan = studio.night(wish=101)
    assert (acts(plan, Act.BOOK), acts(plan, Act.GIVE_BACK), codes(plan, 110)) == ([101], [110], ("swapped",))
    assert (plan.summary.kept, studio.units(), studio.skipped[1]) == (10, 0, set())
    assert studio.plans().steps == ()


@pytest.mark.rule("F20")
def test_one_click_takes_a_skipped_date_beside_the_others_where_there_is_room(studio: Studio) -> None:
    studio.fill(101)
    studio.order(end=on_day(monday(3), START))
    studio.night()
    studio.events[101].capacity += 1
    plan = studio.night(wish=101)
    assert (acts(plan, Act.BOOK), acts(plan, Act.GIVE_BACK), plan.summary.kept) == ([101], NOTHING, 4)


@pytest.mark.rule("F20")
def test_one_click_takes_nothing_while_a_reason_stands(studio: Studio) -> None:
    studio.fill(101)
    studio.change(102, refusals=(Reason("too-young"),))
    studio.order(end=after_events(2))
    studio.night()
    assert studio.plans(wish=101).steps == ()
    assert codes(studio.plans(wish=102).by_order[1], 102) == ("too-young",)
    studio.events[101].capacity += 1
    studio.now = at(monday(1), 18) + MINUTE
    assert codes(studio.plans(wish=101).by_order[1], 101) == ("past",)
    studio.now = at(monday(0), 20)
    studio.change(101, is_cancelled=True)
    assert codes(studio.plans(wish=101).by_order[1], 101) == ("event-cancelled",)


@pytest.mark.rule("F20")
@pytest.mark.parametrize(("late", "act"), [(0 * MINUTE, Act.BOOK), (MINUTE, Act.SKIP)])
def test_a_swap_gives_back_only_what_is_still_free_to_give(studio: Studio, late: timedelta, act: Act) -> None:
    """103 is the only one left to give back, and free of charge until the day before, to the instant."""
    studio.fill(102)
    studio.order(end=after_events(3))
    studio.night()
    studio.change(102, slot=studio.events[203].candidate.slot, day=studio.events[203].candidate.day)
    studio.events[102].capacity += 1
    studio.now = at(monday(3) - DAY, 18) + late
    plan = studio.night(wish=102)
    assert next(step.act for step in plan.dates if step.event_id == 102) is act
    assert codes(plan, 102) == (() if act is Act.BOOK else ("complete",))


@pytest.mark.rule("F20")
def test_a_swap_never_gives_back_what_was_adopted(studio: Studio) -> None:
    studio.fill(101)
    studio.book(103)
    studio.order(end=after_events(3))
    studio.night()
    studio.events[101].capacity += 1
    assert acts(studio.night(wish=101), Act.GIVE_BACK) == [102]


@pytest.mark.rule("F20")
def test_a_swap_needs_as_many_units_as_the_date_costs(studio: Studio) -> None:
    studio.fill(101)
    studio.change(101, units=2)
    studio.order()
    studio.night()
    studio.events[101].capacity += 1
    plan = studio.plans(wish=101).by_order[1]
    assert codes(plan, 101) == ("pass-units",)
    assert [step.act for step in studio.plans().by_order[1].skipped] == [Act.SKIP]


@pytest.mark.rule("F20", "V16", "V18")
def test_a_full_event_is_waited_for_where_the_order_says_so(studio: Studio) -> None:
    studio.fill(101)
    studio.fill(102)
    studio.change(102, can_wait=False)
    studio.fill(103)
    studio.change(103, refusals=(Reason("too-young"),))
    studio.order(end=after_events(2), when_full=WhenFull.WAIT)
    plan = studio.night()
    assert (acts(plan, Act.WAIT), acts(plan, Act.SKIP), acts(plan, Act.BOOK)) == ([101], [102, 103], [100, 104])
    assert studio.units() == 8
    assert studio.plans().steps == ()


@pytest.mark.rule("F20", "V18")
def test_a_place_from_the_waiting_list_takes_the_place_of_the_last(studio: Studio) -> None:
    studio.fill(101)
    studio.order(end=after_events(2), when_full=WhenFull.WAIT)
    studio.night()
    studio.events[101].capacity += 1
    assert studio.plans(wish=101).steps == ()
    studio.offered.add((101, ANNA))
    assert studio.plans().steps == ()
    plan = studio.night(wish=101)
    assert (acts(plan, Act.BOOK), acts(plan, Act.GIVE_BACK), plan.summary.kept) == ([101], [102], 2)
    assert all(row.state is not Standing.WAITING for row in studio.rows.values())


@pytest.mark.rule("F20", "V18")
def test_the_waiting_list_goes_before_a_replacement(studio: Studio) -> None:
    """A place comes free for those who wait: the order finds none."""
    studio.sell(NEW_CARD)
    studio.fill(100)
    studio.order(participant=BEN, pass_id=NEW_CARD, when_full=WhenFull.WAIT, end=after_events(1))
    studio.night()
    studio.events[100].capacity += 1
    studio.order(end=after_events(1))
    assert acts(studio.night(2), Act.BOOK) == [101]


@pytest.mark.rule("F18", "F20")
def test_the_waiting_list_is_left_with_the_order(studio: Studio) -> None:
    studio.fill(101)
    studio.order(when_full=WhenFull.WAIT, end=after_events(2))
    studio.night()
    studio.set_order(pauses=(Stretch(monday(1), monday(1)),))
    plan = studio.night()
    assert (acts(plan, Act.LEAVE), codes(plan, 101)) == ([101], ("paused",))
    assert studio.plans().steps == ()


@pytest.mark.rule("F18")
def test_an_order_that_waits_from_now_on_waits_for_what_it_skipped(studio: Studio) -> None:
    studio.fill(101)
    studio.order(end=on_day(monday(3), START))
    studio.night()
    studio.set_order(when_full=WhenFull.WAIT)
    assert (acts(studio.night(), Act.WAIT), studio.skipped[1]) == ([101], set())
