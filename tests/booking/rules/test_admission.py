"""Which times may be requested (SPEC S4, S22, S26)."""

import dataclasses
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.admission import (
    Admitted,
    OpenRequests,
    RequestLimits,
    admit,
    free_slots,
    nearest_free,
    shortest_length,
)
from booking.rules.opening import open_between
from booking.values.house import Hours, Price, PriceLine, RoomCalendar, RoomTerms
from booking.values.money import BasisPoints, Cents
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot
from tests.booking.rules.houses import BERLIN, CALENDAR, HOUR, MINUTE, SATURDAY, TERMS, at, slot, utc

NOW = at(SATURDAY, 9)
OPEN = (slot(SATURDAY, 8, 22),)
PRICE = Price((PriceLine("Hall", 60, Cents(6000), Cents(6000), BasisPoints(1900)),))


def span(hour: int, minute: int, minutes: int) -> Slot:
    start = at(SATURDAY, hour, minute)
    return Slot(start, start + minutes * MINUTE)


def reasons(wish: Slot, taken: tuple[Slot, ...] = (), people: int = 10, now: datetime = NOW) -> tuple[str, ...]:
    verdict = admit(wish, people, now, TERMS, OPEN, taken)
    return verdict.codes if isinstance(verdict, Refused) else ()


@pytest.mark.rule("S4", "S22")
def test_an_admitted_time_occupies_its_buffers_too() -> None:
    wish = span(18, 0, 60)
    terms = dataclasses.replace(TERMS, buffer_before=10 * MINUTE)
    verdict = admit(wish, 30, NOW, terms, OPEN, (), price_of=lambda _: PRICE)
    assert verdict == Admitted(wish, Slot(wish.start - 10 * MINUTE, wish.end + 15 * MINUTE), PRICE)


@pytest.mark.rule("S4")
@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (span(8, 30, 60), ("past",)),
        (span(9, 0, 60), ("too-soon",)),
        (span(10, 30, 60), ("too-soon",)),
        (span(11, 0, 60), ()),
        (span(21, 0, 60), ()),
        (span(21, 30, 60), ("closed",)),
        (span(22, 0, 60), ("closed",)),
        (span(18, 30, 60), ()),
        (span(18, 15, 60), ("off-grid",)),
        (span(18, 0, 30), ("too-short", "not-a-multiple")),
        (span(18, 0, 90), ("not-a-multiple",)),
        (span(17, 0, 240), ()),
        (span(17, 0, 300), ("too-long",)),
    ],
)
def test_each_rule_refuses_for_its_own_reason(wish: Slot, expected: tuple[str, ...]) -> None:
    assert reasons(wish) == expected


def test_the_last_bookable_instant_is_the_horizon() -> None:
    wish = span(18, 0, 60)
    assert reasons(wish, now=wish.start - TERMS.horizon) == ()
    assert reasons(wish, now=wish.start - TERMS.horizon - MINUTE) == ("beyond-horizon",)


@pytest.mark.parametrize(
    ("people", "expected"), [(0, "too-few-people"), (1, None), (30, None), (31, "too-many-people")]
)
def test_the_number_of_people_fits_the_room(people: int, expected: str | None) -> None:
    assert reasons(span(18, 0, 60), people=people) == ((expected,) if expected else ())


@pytest.mark.rule("S4", "S22")
@pytest.mark.parametrize(
    ("other", "clash"),
    [
        (span(16, 0, 120), False),
        (span(16, 0, 121), True),
        (span(18, 0, 60), True),
        (span(18, 30, 10), True),
        (span(19, 14, 60), True),  # within my own buffer
        (span(19, 15, 60), False),
    ],
    ids=["right before", "reaches in", "the same", "inside", "in my buffer", "right after my buffer"],
)
def test_a_time_is_taken_exactly_when_what_it_occupies_overlaps(other: Slot, *, clash: bool) -> None:
    assert reasons(span(18, 0, 60), (other,)) == (("taken",) if clash else ())


@pytest.mark.rule("S4")
def test_a_refusal_names_all_its_reasons_and_their_fields() -> None:
    verdict = admit(
        span(7, 10, 20),
        99,
        NOW,
        TERMS,
        OPEN,
        (span(7, 0, 60),),
        waiting=OpenRequests(1, 2, 3),
        limits=RequestLimits(1, 2, 3),
        price_of=lambda _: refused("no-price"),
    )
    assert isinstance(verdict, Refused)
    own = ("past", "closed", "taken", "too-short", "not-a-multiple", "too-many-people")
    assert verdict.codes == (*own, "contact-limit", "address-limit", "room-limit", "no-price")
    assert [reason.at for reason in verdict.reasons] == ["start"] * 3 + ["end"] * 2 + ["people"] + [None] * 4


@pytest.mark.rule("S26")
@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        (OpenRequests(4, 9, 199), ()),
        (OpenRequests(5, 0, 0), ("contact-limit",)),
        (OpenRequests(0, 10, 0), ("address-limit",)),
        (OpenRequests(0, 0, 200), ("room-limit",)),
    ],
)
def test_open_requests_are_limited_per_contact_address_and_room(
    waiting: OpenRequests, expected: tuple[str, ...]
) -> None:
    verdict = admit(span(18, 0, 60), 1, NOW, TERMS, OPEN, (), waiting=waiting)
    assert (verdict.codes if isinstance(verdict, Refused) else ()) == expected


@pytest.mark.rule("S4")
def test_free_times_are_every_start_of_the_grid_that_admission_takes() -> None:
    offers = free_slots(NOW, TERMS, OPEN, (span(12, 0, 15), span(19, 0, 60)), price_of=lambda _: PRICE)
    hours = [offer.slot.start.astimezone(BERLIN).hour + offer.slot.start.minute / 60 for offer in offers]
    assert hours == [12.5, 13, 13.5, 14, 14.5, 15, 15.5, 16, 16.5, 17, 17.5, 20, 20.5, 21]
    assert {offer.price for offer in offers} == {PRICE}
    assert {offer.slot.duration for offer in offers} == {HOUR}


def test_a_time_without_a_price_is_not_offered() -> None:
    assert free_slots(NOW, TERMS, OPEN, (), price_of=lambda _: refused("no-price")) == ()


@pytest.mark.parametrize(("shortest", "expected"), [(60, 60), (90, 120), (30, 60), (120, 120)])
def test_the_shortest_length_is_a_multiple_of_the_slot(shortest: int, expected: int) -> None:
    terms = dataclasses.replace(TERMS, shortest=shortest * MINUTE)
    assert shortest_length(terms) == expected * MINUTE
    assert {offer.slot.duration for offer in free_slots(NOW, terms, OPEN, ())} == {expected * MINUTE}


@pytest.mark.rule("S4")
@pytest.mark.parametrize(
    ("day", "starts"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)]
)
def test_a_day_with_a_clock_change_offers_each_of_its_hours_once(day: date, starts: int) -> None:
    always = RoomCalendar(BERLIN, tuple(Hours(weekday, time(0), time(0)) for weekday in range(7)))
    terms = dataclasses.replace(TERMS, grid=HOUR, notice=0 * HOUR, buffer_after=0 * HOUR)
    offers = free_slots(at(day, 0), terms, open_between(day, day, always), ())
    assert len([offer for offer in offers if offer.slot.start >= at(day, 0)]) == starts
    assert len({offer.slot.start for offer in offers}) == len(offers)


def test_a_booking_may_run_over_midnight_where_both_days_are_open() -> None:
    always = RoomCalendar(BERLIN, tuple(Hours(weekday, time(0), time(0)) for weekday in range(7)))
    days = open_between(SATURDAY, SATURDAY + timedelta(days=1), always)
    assert isinstance(admit(slot(SATURDAY, 23, 25), 1, NOW, TERMS, days, ()), Admitted)


@pytest.mark.rule("S4")
def test_the_nearest_free_times_come_first_and_of_two_equally_near_the_earlier() -> None:
    wish = span(18, 0, 60)
    offers = nearest_free(wish, 3, NOW, TERMS, OPEN, (span(18, 0, 60),))
    assert [offer.slot for offer in offers] == [span(19, 0, 60), span(16, 30, 60), span(19, 30, 60)]
    assert nearest_free(wish, 1, NOW, TERMS, OPEN, ())[0].slot == wish
    assert nearest_free(wish, 3, NOW, TERMS, OPEN, OPEN) == ()


quarter_hours = st.integers(0, 4 * 24)
spans = st.tuples(quarter_hours, st.integers(1, 40)).map(
    lambda pair: Slot(utc(2026, 12, 4, 20) + pair[0] * 15 * MINUTE, utc(2026, 12, 4, 20) + sum(pair) * 15 * MINUTE)
)
rooms = st.builds(
    dataclasses.replace,
    st.just(TERMS),
    grid=st.sampled_from([15 * MINUTE, 30 * MINUTE, HOUR]),
    buffer_before=st.sampled_from([0 * MINUTE, 10 * MINUTE]),
    buffer_after=st.sampled_from([0 * MINUTE, 20 * MINUTE]),
)


@pytest.mark.rule("S4", "S22")
@given(st.lists(spans, max_size=6), rooms)
def test_free_times_never_meet_what_is_taken_and_are_always_admitted(taken: list[Slot], terms: RoomTerms) -> None:
    opened = open_between(SATURDAY, SATURDAY, CALENDAR)
    for offer in free_slots(NOW, terms, opened, taken):
        verdict = admit(offer.slot, 1, NOW, terms, opened, taken)
        assert isinstance(verdict, Admitted)
        assert not any(verdict.occupied.overlaps(other) for other in taken)
        assert opened[0].covers(offer.slot)
