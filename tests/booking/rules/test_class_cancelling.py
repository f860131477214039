"""Cancelling a place or a whole event, and what comes back (SPEC V9 to V15, V18)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking.rules.class_cancelling import (
    CancelView,
    CancelWish,
    EventCancelled,
    GiveBack,
    HeldPlace,
    Paid,
    PlaceCancelled,
    cancel_event,
    cancel_place,
    cancel_view,
)
from booking.values.money import Cents
from booking.values.places import ClassActor
from booking.values.refusals import Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent
from tests.booking.rules.classes import DAY, END, HOUR, NOW, SECOND, START, event

CUSTOMER, TRAINER, STAFF, ADMIN = ClassActor
UNIT = Paid(units=2)
NONE = Paid(units=0, cents=Cents(0))
LAST = START - DAY
ILL = CancelWish(text="Ill")


def cancel(
    now: datetime = LAST,
    wish: CancelWish = ILL,
    actor: ClassActor = CUSTOMER,
    *,
    is_active: bool = True,
    one: CourseEvent | None = None,
) -> PlaceCancelled | Refused:
    return cancel_place(now, one or event(), UNIT, wish, actor, is_active=is_active, reasons_offered={1, 2})


@pytest.mark.rule("V11", "V14", "V15")
@pytest.mark.parametrize(
    ("now", "in_time"),
    [
        (LAST - SECOND, True),
        (LAST, True),
        (LAST + timedelta(microseconds=1), False),
        (START - SECOND, False),
    ],
)
def test_all_comes_back_up_to_the_exact_instant_and_the_page_says_so_before(now: datetime, in_time: bool) -> None:
    back, lost = (UNIT, NONE) if in_time else (NONE, UNIT)
    assert cancel_view(now, event(), UNIT) == CancelView(in_time, LAST, back, lost)
    assert cancel(now) == PlaceCancelled(in_time, back, lost)


@pytest.mark.rule("V15")
def test_money_comes_back_as_units_do_and_each_event_has_its_own_limit() -> None:
    short = event(free_until=HOUR)
    assert cancel_view(START - HOUR, short, Paid(cents=Cents(1500))).comes_back == Paid(cents=Cents(1500))
    assert cancel_view(START - HOUR + SECOND, short, Paid(cents=Cents(1500))).is_lost == Paid(cents=Cents(1500))
    assert cancel_view(START - SECOND, event(free_until=timedelta(0)), UNIT).in_time


@pytest.mark.rule("V15")
def test_the_limit_is_elapsed_time_where_clocks_change_between() -> None:
    start = datetime(2026, 10, 25, 9, tzinfo=UTC)  # ten in the morning, after the change
    assert event(Slot(start, start + HOUR)).free_until == datetime(2026, 10, 24, 9, tzinfo=UTC)  # eleven the day before


@pytest.mark.rule("V11")
@pytest.mark.parametrize("actor", [STAFF, ADMIN])
@pytest.mark.parametrize(
    ("now", "give_back", "why", "expected"),
    [
        (LAST, GiveBack.NOTHING, "Third time", PlaceCancelled(True, NONE, UNIT, is_decided=True)),
        (LAST + SECOND, GiveBack.ALL, "Accident", PlaceCancelled(False, UNIT, NONE, is_decided=True)),
        (LAST, GiveBack.ALL, "", PlaceCancelled(True, UNIT, NONE)),
        (LAST + SECOND, GiveBack.NOTHING, "", PlaceCancelled(False, NONE, UNIT)),
        (LAST, GiveBack.NOTHING, " ", refused("give-back-unexplained")),
        (LAST + SECOND, GiveBack.ALL, "", refused("give-back-unexplained")),
    ],
)
def test_staff_decide_otherwise_with_a_reason(
    actor: ClassActor, now: datetime, give_back: GiveBack, why: str, expected: Any
) -> None:
    verdict = cancel(now, CancelWish(1, "", give_back, why), actor)
    assert (verdict.codes if isinstance(verdict, Refused) else verdict) == getattr(expected, "codes", expected)


@pytest.mark.rule("V11", "R5")
@pytest.mark.parametrize("actor", [CUSTOMER, TRAINER])
@pytest.mark.parametrize("give_back", [GiveBack.ALL, GiveBack.NOTHING])
def test_customers_and_trainers_cancel_by_the_rule(actor: ClassActor, give_back: GiveBack) -> None:
    assert cancel(LAST + SECOND, CancelWish(1, "", give_back, "I say so"), actor) == Refused(
        (Reason("give-back-not-yours", "give_back"),)
    )


@pytest.mark.rule("V9", "V13")
@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (CancelWish(), "cancel-without-reason"),
        (CancelWish(text="  "), "cancel-without-reason"),
        (CancelWish(text="Ill"), None),
        (CancelWish(2), None),
        (CancelWish(3, "Ill"), "no-such-cancel-reason"),
    ],
)
@pytest.mark.parametrize("actor", list(ClassActor))
def test_everybody_gives_a_reason_of_the_list_or_in_own_words(
    actor: ClassActor, wish: CancelWish, expected: str | None
) -> None:
    verdict = cancel(LAST, wish, actor)
    assert (verdict.codes if isinstance(verdict, Refused) else ()) == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("now", "expected"), [(START - SECOND, ()), (START, ("place-begun",)), (END, ("place-begun",))]
)
@pytest.mark.parametrize("actor", [CUSTOMER, ADMIN])
def test_from_the_start_on_it_is_a_matter_of_attendance(actor: ClassActor, now: datetime, expected: Any) -> None:
    verdict = cancel(now, actor=actor)
    assert (verdict.codes if isinstance(verdict, Refused) else ()) == expected


def test_a_second_click_returns_nothing_twice_and_all_reasons_are_named() -> None:
    verdict = cancel(LAST, CancelWish(give_back=GiveBack.NOTHING), STAFF, is_active=False)
    assert isinstance(verdict, Refused)
    assert verdict.codes == ("place-not-active", "cancel-without-reason", "give-back-unexplained")


@pytest.mark.rule("V18")
@pytest.mark.parametrize("now", [NOW, START - SECOND, START, END - SECOND])
def test_the_operator_s_cancelling_returns_everything_whenever_and_tells_everyone(now: datetime) -> None:
    booked = (HeldPlace(31, None, Paid(cents=Cents(1200))), HeldPlace(30, 1, UNIT), HeldPlace(32, 2, NONE))
    assert cancel_event(now, event(), booked, (4, 5), "The trainer is ill") == EventCancelled(
        comes_back=((30, UNIT), (31, Paid(cents=Cents(1200))), (32, NONE)), told=(30, 31, 32), leave_line=(4, 5)
    )


@pytest.mark.rule("V18")
def test_an_event_is_cancelled_once_before_its_end_and_with_words_for_those_who_wanted_to_come() -> None:
    verdict = cancel_event(END, event(cancelled_at=NOW), (), (), " ")
    assert isinstance(verdict, Refused)
    assert verdict.codes == ("event-cancelled", "event-over", "cancel-without-reason")
