"""Who may have a place, who may wait, and what would help those who may not (SPEC V1 to V7, V16, V18, V20, V21)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from booking.rules.class_admission import LineGranted, PlaceGranted, Standing, admit_place, admit_to_line
from booking.rules.class_obstacles import STANDS, Denied, Help, Override
from booking.values.money import Cents
from booking.values.places import (
    ClassActor,
    Consent,
    MoneyPays,
    Needs,
    NothingDue,
    OtherPlace,
    Participant,
    PassAnswer,
    PassPays,
    Places,
)
from booking.values.refusals import Reason
from booking.values.slot import Slot
from booking.values.timetable import CourseEvent, WaitingPolicy
from tests.booking.rules.classes import ANNA, DAY, END, HOUR, MONDAY, NOW, SECOND, START, event

CUSTOMER, TRAINER, STAFF, ADMIN = ClassActor
PAYS = (PassAnswer(5),)
RUN_OUT = Reason("pass-run-out")
EMPTY = PassAnswer(4, (RUN_OUT,))
USUAL = Standing(Places(0), passes=PAYS)
FULL = replace(USUAL, places=Places(10))


def ask(
    one: CourseEvent | None = None,
    needs: Needs | None = None,
    who: Participant = ANNA,
    standing: Standing = USUAL,
    actor: ClassActor = CUSTOMER,
    now: datetime = NOW,
    **more: Any,
) -> PlaceGranted | Denied:
    return admit_place(now, one or event(), needs or Needs(), who, standing, actor, **more)


def line(
    one: CourseEvent | None = None, standing: Standing = FULL, actor: ClassActor = CUSTOMER, **more: Any
) -> LineGranted | Denied:
    return admit_to_line(more.pop("now", NOW), one or event(), Needs(), ANNA, standing, actor, **more)


def codes(verdict: PlaceGranted | LineGranted | Denied) -> tuple[str, ...]:
    return verdict.codes if isinstance(verdict, Denied) else ()


def helps(verdict: PlaceGranted | LineGranted | Denied, code: str) -> tuple[Help, ...]:
    assert isinstance(verdict, Denied)
    return next(one.helps for one in verdict.obstacles if one.reason.code == code)


@pytest.mark.rule("V7")
@pytest.mark.parametrize(
    ("terms", "passes", "payment"),
    [
        ({"units": 1}, (EMPTY, PassAnswer(5), PassAnswer(6)), PassPays(5, 1)),
        ({"units": 2, "price": Cents(1500)}, PAYS, PassPays(5, 2)),
        ({"units": 2, "price": Cents(1500)}, (EMPTY,), MoneyPays(Cents(1500))),
        ({"units": 0, "price": Cents(1500)}, PAYS, MoneyPays(Cents(1500))),
        ({"units": 0}, PAYS, NothingDue()),
    ],
)
def test_the_first_pass_that_pays_does_else_the_price(terms: Any, passes: Any, payment: Any) -> None:
    assert ask(event(**terms), standing=replace(USUAL, passes=passes)) == PlaceGranted(payment)


@pytest.mark.rule("V7")
def test_who_cannot_pay_is_told_why_of_each_pass_and_how_to_get_one() -> None:
    verdict = ask(event(units=2), standing=replace(USUAL, passes=(EMPTY,)))
    assert isinstance(verdict, Denied)
    (obstacle,) = verdict.obstacles
    assert obstacle.reason == Reason("no-pass-pays", None, {"units": 2})
    assert obstacle.passes == (EMPTY,)
    assert obstacle.helps == (Help.BUY, Help.ASK_OFFICE)


@pytest.mark.rule("V20")
@pytest.mark.parametrize(
    ("now", "alone", "walking_in"),
    [
        (START - SECOND, (), ()),
        (START, ("event-begun",), ()),
        (END - SECOND, ("event-begun",), ()),
        (END, ("event-over",), ("event-over",)),
    ],
)
def test_what_has_begun_takes_only_who_walks_in(now: datetime, alone: Any, walking_in: Any) -> None:
    assert codes(ask(now=now, actor=STAFF)) == alone
    assert codes(ask(now=now, actor=STAFF, walk_in=True)) == walking_in


@pytest.mark.rule("V2", "V5")
@pytest.mark.parametrize(("actor", "expected"), [(CUSTOMER, ("not-online",)), (TRAINER, ()), (STAFF, ())])
def test_without_online_booking_only_staff_book(actor: ClassActor, expected: Any) -> None:
    assert codes(ask(event(online=False), actor=actor)) == expected


@pytest.mark.rule("V5")
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (START - 7 * DAY - SECOND, ("booking-not-open",)),
        (START - 7 * DAY, ()),
        (START - 2 * HOUR, ()),
        (START - 2 * HOUR + SECOND, ("booking-closed",)),
        (START, ("event-begun",)),
    ],
)
def test_customers_book_in_the_window_both_its_instants_included(now: datetime, expected: Any) -> None:
    assert codes(ask(now=START - SECOND)) == codes(ask(now=START - 900 * DAY)) == ()
    needs = Needs(opens=7 * DAY, closes=2 * HOUR)
    assert codes(ask(needs=needs, now=now)) == expected
    assert codes(ask(needs=needs, now=now, actor=STAFF)) == tuple(one for one in expected if one == "event-begun")


@pytest.mark.rule("V5")
def test_who_comes_too_early_is_told_when_booking_opens() -> None:
    verdict = ask(needs=Needs(opens=2 * DAY))
    assert isinstance(verdict, Denied)
    assert verdict.refused.reasons[0].values == {"opens": "2026-12-05T17:00:00+00:00"}
    assert helps(verdict, "booking-not-open") == (Help.COME_BACK,)
    late = ask(needs=Needs(closes=4 * DAY))
    assert isinstance(late, Denied)
    assert late.refused.reasons[0].values == {"closed": "2026-12-03T17:00:00+00:00"}


@pytest.mark.rule("V16")
@pytest.mark.parametrize(
    ("places", "has_offer", "is_full"),
    [
        (Places(9), False, False),
        (Places(10), False, True),
        (Places(11), False, True),
        (Places(8, 1), False, False),
        (Places(9, 1), False, True),
        (Places(9, 1), True, False),
        (Places(8, 2), False, True),
        (Places(8, 2), True, False),
        (Places(10, 1), True, True),
        (Places(10, 0), True, True),
    ],
)
def test_a_held_place_is_free_only_for_whom_it_is_held(places: Places, has_offer: bool, is_full: bool) -> None:
    verdict = ask(standing=replace(USUAL, places=places, has_offer=has_offer))
    assert codes(verdict) == (("event-full",) if is_full else ())


@pytest.mark.rule("V16")
@pytest.mark.parametrize(
    ("policy", "standing", "waits"),
    [
        (WaitingPolicy.OFFER, FULL, True),
        (WaitingPolicy.NONE, FULL, False),
        (WaitingPolicy.OFFER, replace(FULL, position=2), False),
        (WaitingPolicy.OFFER, replace(FULL, passes=()), True),
        (WaitingPolicy.BOOK, replace(FULL, passes=()), False),
        (WaitingPolicy.OFFER, replace(FULL, debt=Cents(500)), False),
    ],
)
def test_waiting_is_offered_as_a_help_to_whom_the_line_would_take(
    policy: WaitingPolicy, standing: Standing, waits: bool
) -> None:
    full = event(waiting=policy)
    assert (Help.WAIT_IN_LINE in helps(ask(full, standing=standing), "event-full")) is waits
    assert isinstance(line(full, standing), LineGranted) is waits


@pytest.mark.rule("F20")
@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ((-60, 0), ()),
        ((-60, 1), ("time-clash",)),
        ((20, 40), ("time-clash",)),
        ((59, 90), ("time-clash",)),
        ((60, 90), ()),
    ],
)
def test_a_booking_that_meets_the_time_clashes(minutes: tuple[int, int], expected: Any) -> None:
    first, last = (START + timedelta(minutes=one) for one in minutes)
    other = OtherPlace(30, 8, Slot(first, last))
    assert codes(ask(standing=replace(USUAL, others=(other,)))) == expected


def test_each_clash_is_named_with_its_event_the_earliest_first() -> None:
    late, early = OtherPlace(30, 8, Slot(START, END)), OtherPlace(31, 9, Slot(START - HOUR, END))
    verdict = ask(standing=replace(USUAL, others=(late, early)))
    assert isinstance(verdict, Denied)
    assert [one.values["event"] for one in verdict.refused.reasons] == [9, 8]


@pytest.mark.rule("V21")
@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (None, ("birth-date-missing",)),
        (date(2014, 12, 7), ()),
        (date(2014, 12, 8), ("too-young",)),
        (date(2007, 12, 8), ()),
        (date(2007, 12, 7), ("too-old",)),
    ],
)
def test_ages_are_those_of_the_event_s_local_day(born: date | None, expected: Any) -> None:
    assert codes(ask(needs=Needs(youngest=12, oldest=18), who=replace(ANNA, born=born))) == expected


@pytest.mark.rule("V21")
def test_the_local_day_decides_where_the_day_in_utc_is_another() -> None:
    night = event(Slot(START + 6 * HOUR + 30 * timedelta(minutes=1), START + 8 * HOUR))  # 00:30 on the 8th in Berlin
    assert codes(ask(night, Needs(youngest=12), replace(ANNA, born=date(2014, 12, 8)))) == ()


@pytest.mark.rule("V21")
@pytest.mark.parametrize(
    ("level", "expected"),
    [(None, ("level-missing",)), (1, ("level-too-low",)), (2, ()), (3, ()), (4, ("level-too-high",))],
)
def test_levels_are_inclusive(level: int | None, expected: Any) -> None:
    assert codes(ask(needs=Needs(least_level=2, most_level=3), who=replace(ANNA, level=level))) == expected


@pytest.mark.rule("V21")
def test_one_limit_alone_is_asked_for() -> None:
    child, beginner = replace(ANNA, born=date(2020, 1, 1)), replace(ANNA, level=1)
    assert codes(ask(needs=Needs(youngest=12), who=child)) == ("too-young",)
    assert codes(ask(needs=Needs(oldest=12), who=child)) == ()
    assert codes(ask(needs=Needs(oldest=12))) == ("birth-date-missing",)
    assert codes(ask(needs=Needs(least_level=2), who=beginner)) == ("level-too-low",)
    assert codes(ask(needs=Needs(most_level=2), who=beginner)) == ()
    assert codes(ask(needs=Needs(most_level=2))) == ("level-missing",)


@pytest.mark.rule("V21")
def test_each_missing_consent_and_the_contact_are_asked_for_in_the_file() -> None:
    needs = Needs(consents=frozenset(Consent), emergency_contact=True)
    verdict = ask(needs=needs)
    assert codes(verdict) == ("consent-missing", "consent-missing", "emergency-contact-missing")
    assert isinstance(verdict, Denied)
    assert [one.values.get("consent") for one in verdict.refused.reasons] == ["health", "photo", None]
    assert [one.passes for one in verdict.obstacles] == [(), (), ()]
    assert helps(verdict, "consent-missing") == (Help.COMPLETE_FILE,)
    ready = replace(ANNA, consents=frozenset(Consent), has_emergency_contact=True)
    assert codes(ask(needs=needs, who=ready)) == ()


@pytest.mark.rule("O24")
@pytest.mark.parametrize(
    ("until", "expected"),
    [(None, ("club-card-missing",)), (MONDAY - DAY, ("club-card-missing",)), (MONDAY, ())],
)
def test_the_club_card_is_valid_on_its_last_day(until: date | None, expected: Any) -> None:
    assert codes(ask(needs=Needs(club_card=True), who=replace(ANNA, card_until=until))) == expected


def test_a_course_for_its_roster_takes_those_on_it_alone() -> None:
    needs = Needs(roster_only=True)
    assert codes(ask(needs=needs)) == ("roster-only",)
    assert codes(ask(needs=needs, standing=replace(USUAL, on_roster=True))) == ()


EVERYTHING_WRONG = Standing(
    Places(10),
    others=(OtherPlace(30, 7, Slot(START, END)), OtherPlace(31, 8, Slot(START, END))),
    position=3,
    passes=(EMPTY,),
    debt=Cents(900),
)


@pytest.mark.rule("V7")
def test_all_reasons_are_named_at_once() -> None:
    needs = Needs(youngest=12, least_level=2, emergency_contact=True, club_card=True, roster_only=True, opens=HOUR)
    broken = event(cancelled_at=NOW, online=False)
    assert codes(ask(broken, needs, standing=EVERYTHING_WRONG)) == (
        "event-cancelled",
        "not-online",
        "booking-not-open",
        "event-full",
        "already-waiting",
        "already-booked",
        "time-clash",
        "birth-date-missing",
        "level-missing",
        "emergency-contact-missing",
        "roster-only",
        "club-card-missing",
        "customer-blocked",
        "no-pass-pays",
    )


def override(*named: str, reason: str = "Called us") -> Override:
    return Override(frozenset(named), reason)


@pytest.mark.rule("V1")
def test_staff_set_aside_what_they_name_and_it_is_recorded() -> None:
    clash = replace(FULL, others=(OtherPlace(31, 8, Slot(START, END)),))
    assert codes(ask(standing=clash, actor=STAFF, override=override("event-full"))) == ("time-clash",)
    verdict = ask(standing=clash, actor=STAFF, override=override("time-clash", "event-full", "too-old"))
    assert verdict == PlaceGranted(PassPays(5, 1), ("event-full", "time-clash"))


def test_who_is_let_in_beside_the_line_does_not_wait() -> None:
    verdict = ask(standing=replace(FULL, position=1), actor=TRAINER, override=override("event-full"))
    assert verdict == PlaceGranted(PassPays(5, 1), ("event-full", "already-waiting"))


def test_nothing_is_due_where_staff_set_aside_that_nothing_pays() -> None:
    verdict = ask(standing=replace(USUAL, passes=()), actor=STAFF, override=override("no-pass-pays"))
    assert verdict == PlaceGranted(NothingDue(), ("no-pass-pays",))


@pytest.mark.parametrize("actor", [STAFF, ADMIN])
def test_no_override_books_twice_or_into_a_cancelled_event(actor: ClassActor) -> None:
    twice = replace(FULL, others=(OtherPlace(30, 7, Slot(START, END)),))
    verdict = ask(event(cancelled_at=NOW), standing=twice, actor=actor, override=override(*STANDS))
    assert {"event-cancelled", "already-booked", "event-full", "override-not-yours"} == set(codes(verdict))
    assert codes(ask(standing=twice, actor=actor, override=override("event-full"))) == ("already-booked",)


@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("event-full", {TRAINER, STAFF, ADMIN}),
        ("no-pass-pays", {STAFF, ADMIN}),
        ("customer-blocked", {STAFF, ADMIN}),
        ("club-card-missing", {ADMIN}),
    ],
)
@pytest.mark.parametrize("actor", list(ClassActor))
def test_who_may_set_aside_what(code: str, allowed: set[ClassActor], actor: ClassActor) -> None:
    standing = replace(EVERYTHING_WRONG, others=(), position=None)
    verdict = ask(needs=Needs(club_card=True), standing=standing, actor=actor, override=override(code))
    assert isinstance(verdict, Denied)
    assert (code not in verdict.codes) is (actor in allowed)
    assert ("override-not-yours" in verdict.codes) is (actor not in allowed)
    shown = ask(needs=Needs(club_card=True), standing=standing, actor=actor)
    assert isinstance(shown, Denied)
    assert [one.can_set_aside for one in shown.obstacles if one.reason.code == code] == [actor in allowed]


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_override_says_why(reason: str) -> None:
    verdict = ask(standing=FULL, actor=STAFF, override=override("event-full", reason=reason))
    assert codes(verdict) == ("event-full", "override-without-reason")


def test_an_override_of_what_does_not_stand_in_the_way_is_none() -> None:
    assert ask(actor=STAFF, override=override("event-full", reason="")) == PlaceGranted(PassPays(5, 1))


@pytest.mark.rule("V16", "V18")
@pytest.mark.parametrize(
    ("policy", "standing", "expected"),
    [
        (WaitingPolicy.OFFER, FULL, ()),
        (WaitingPolicy.NONE, FULL, ("no-waiting-list",)),
        (WaitingPolicy.OFFER, USUAL, ("place-free",)),
        (WaitingPolicy.OFFER, replace(FULL, places=Places(9, 1)), ()),
        (WaitingPolicy.OFFER, replace(FULL, position=4), ("already-waiting",)),
        (WaitingPolicy.OFFER, replace(FULL, passes=(EMPTY,)), ()),
        (WaitingPolicy.TELL_ALL, replace(FULL, passes=(EMPTY,)), ()),
        (WaitingPolicy.BOOK, replace(FULL, passes=(EMPTY,)), ("no-pass-pays",)),
        (WaitingPolicy.BOOK, replace(FULL, others=(OtherPlace(31, 8, Slot(START, END)),)), ("time-clash",)),
        (WaitingPolicy.OFFER, replace(FULL, others=(OtherPlace(31, 8, Slot(START, END)),)), ()),
        (WaitingPolicy.OFFER, replace(FULL, others=(OtherPlace(30, 7, Slot(START, END)),)), ("already-booked",)),
    ],
)
def test_the_line_takes_whom_only_the_number_of_places_keeps_out(
    policy: WaitingPolicy, standing: Standing, expected: Any
) -> None:
    assert codes(line(event(waiting=policy), standing)) == expected
    assert codes(line(event(waiting=policy), standing, STAFF)) == expected


def test_nobody_stands_in_line_twice_whatever_is_set_aside() -> None:
    verdict = line(standing=replace(FULL, position=1), actor=STAFF, override=override("event-full"))
    assert codes(verdict) == ("already-waiting",)


@pytest.mark.parametrize("now", [START, END])
def test_nobody_begins_to_wait_once_it_has_begun(now: datetime) -> None:
    assert codes(line(now=now)) == ("event-begun",) if now == START else ("event-over",)
