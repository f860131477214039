"""Guests: several at once, all or none (SPEC V4)."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from booking.rules.class_guests import GuestPlace, GuestsGranted, admit_guests
from booking.rules.class_obstacles import Denied, Help, Override
from booking.values.money import Cents
from booking.values.places import ClassActor, Guest, GuestPayer, GuestTerms, Places
from booking.values.refusals import Reason
from booking.values.timetable import CourseEvent
from tests.booking.rules.classes import END, NOW, SECOND, START, event

TERMS = GuestTerms(most=4, price=Cents(1200), payer=GuestPayer.GUEST)
MIA, BEN = Guest("Mia Groß", "mia@example.org"), Guest("Ben")


def ask(
    *guests: Guest, one: CourseEvent | None = None, terms: GuestTerms = TERMS, now: datetime = NOW, **more: Any
) -> GuestsGranted | Denied:
    asked = {"places": Places(0), "guests_already": 0, "actor": ClassActor.STAFF, **more}
    return admit_guests(now, one or event(), terms, guests, **asked)


def reasons(verdict: GuestsGranted | Denied) -> list[tuple[str, str | None]]:
    return [(one.code, one.at) for one in verdict.refused.reasons] if isinstance(verdict, Denied) else []


@pytest.mark.rule("V4")
@pytest.mark.parametrize(("payer", "due"), [(GuestPayer.GUEST, 1200), (GuestPayer.HOST, 1200), (GuestPayer.NOBODY, 0)])
def test_each_guest_has_a_place_that_says_who_pays_what(payer: GuestPayer, due: int) -> None:
    verdict = ask(MIA, BEN, terms=replace(TERMS, payer=payer), host_id=1)
    assert verdict == GuestsGranted((GuestPlace(MIA, payer, Cents(due)), GuestPlace(BEN, payer, Cents(due))))


@pytest.mark.rule("V4")
@pytest.mark.parametrize(
    ("places", "already", "expected"),
    [
        (Places(8), 0, []),
        (Places(9), 0, [("event-full", None)]),
        (Places(7, 1), 0, []),
        (Places(7, 2), 0, [("event-full", None)]),
        (Places(0), 2, []),
        (Places(0), 3, [("too-many-guests", "guests")]),
    ],
)
def test_there_is_a_place_for_all_of_them_or_for_none(places: Places, already: int, expected: Any) -> None:
    assert reasons(ask(MIA, BEN, places=places, guests_already=already)) == expected


@pytest.mark.rule("V4")
def test_what_is_wrong_with_the_names_stands_at_each_name() -> None:
    again = Guest(" mia  GROß", "Mia@example.org")
    assert reasons(ask(MIA, Guest("  "), again, BEN)) == [
        ("guest-without-name", "guests.1.name"),
        ("guest-twice", "guests.2.name"),
    ]
    assert reasons(ask(BEN, BEN)) == []
    assert reasons(ask(MIA, replace(MIA, name="Tim"))) == []


@pytest.mark.rule("V4")
def test_a_list_names_one_to_fifty_guests() -> None:
    assert reasons(ask(BEN, terms=replace(TERMS, most=1))) == []
    wide = event(capacity=100)
    terms = replace(TERMS, most=100)
    assert reasons(ask(terms=terms, one=wide)) == [("no-guest-named", "guests")]
    assert reasons(ask(*[BEN] * 50, terms=terms, one=wide)) == []
    assert reasons(ask(*[BEN] * 51, terms=terms, one=wide)) == [("no-guest-named", "guests")]


def test_all_that_stands_in_the_way_is_named() -> None:
    verdict = ask(
        MIA,
        one=event(cancelled_at=NOW),
        now=END,
        terms=GuestTerms(payer=GuestPayer.HOST),
        places=Places(10),
        actor=ClassActor.CUSTOMER,
    )
    assert [code for code, _ in reasons(verdict)] == [
        "event-cancelled",
        "event-over",
        "not-online",
        "no-guests",
        "event-full",
        "host-missing",
    ]


@pytest.mark.parametrize(("now", "taken"), [(START, True), (END - SECOND, True), (END, False)])
def test_guests_come_at_the_door_until_the_end(now: datetime, taken: bool) -> None:
    assert isinstance(ask(BEN, now=now), GuestsGranted) is taken


def test_a_full_event_takes_guests_by_a_named_override_and_none_of_them_waits() -> None:
    verdict = ask(BEN, places=Places(10))
    assert isinstance(verdict, Denied)
    (obstacle,) = verdict.obstacles
    assert obstacle.reason == Reason("event-full", None, {"capacity": 10, "free": 0})
    assert obstacle.helps == (Help.OTHER_EVENT,)
    assert obstacle.can_set_aside
    named = Override(frozenset({"event-full"}), "A journalist")
    granted = ask(BEN, places=Places(10), override=named)
    assert isinstance(granted, GuestsGranted)
    assert granted.set_aside == ("event-full",)
