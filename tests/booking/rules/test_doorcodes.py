"""Codes of a season: made, chosen, sent (SPEC S1, S11, S22)."""

import dataclasses
import itertools
import random
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.doorcodes import (
    NUKI,
    FreeCode,
    HeldCode,
    LockFormat,
    Pattern,
    Sending,
    choose_codes,
    code_window,
    is_accepted,
    may_send,
    new_codes,
    sending,
    sent_from,
    windows,
)
from booking.values.house import ClosingDay, Hours, Season
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot, covered
from booking.values.states import BookingState, CodeState
from tests.booking.rules.houses import CALENDAR, FRIDAY, HOUR, MINUTE, SATURDAY, TERMS, at, slot

QUARTER = 15 * MINUTE
WEEKEND = Season(1, "Weekend", SATURDAY, SATURDAY + timedelta(days=1))


def free(code_id: int, window: Slot, fingerprint: bytes | None = None) -> FreeCode:
    return FreeCode(code_id, fingerprint or f"f{code_id}".encode(), window)


def hourly(*hours: int) -> list[FreeCode]:
    return [free(hour, code_window(slot(SATURDAY, hour, hour + 1), TERMS)) for hour in hours]


def chosen(need: Slot, codes: list[FreeCode], *held: HeldCode) -> list[int] | str:
    found = choose_codes(need, codes, held)
    return found.codes[0] if isinstance(found, Refused) else [code.code_id for code in found]


@pytest.mark.rule("S1")
@pytest.mark.parametrize(
    ("code", "lock", "accepted"),
    [
        ("104729", LockFormat(), True),
        ("004729", LockFormat(), False),
        ("004729", LockFormat(no_leading_zero=False), True),
        ("10472", LockFormat(), False),
        ("1047299", LockFormat(), False),
        ("10472A", LockFormat(), False),
        ("111729", LockFormat(), False),
        ("112729", LockFormat(), True),
        ("111729", LockFormat(longest_run=0), True),
        ("112729", LockFormat(longest_run=1), False),
        ("127295", NUKI, False),
        ("172905", NUKI, False),
        ("172995", NUKI, True),
        ("", LockFormat(), False),
    ],
)
def test_a_lock_accepts_codes_by_its_format(code: str, lock: LockFormat, *, accepted: bool) -> None:
    assert is_accepted(code, lock) is accepted


@pytest.mark.rule("S1")
@pytest.mark.parametrize("lock", [LockFormat(), NUKI, LockFormat(length=4, longest_run=0, no_leading_zero=False)])
def test_new_codes_are_different_acceptable_and_not_those_to_avoid(lock: LockFormat) -> None:
    first = new_codes(500, lock, choose=random.Random(1).choice)
    again = new_codes(500, lock, avoid=first, choose=random.Random(1).choice)  # type: ignore[arg-type]  # a tuple here
    assert isinstance(first, tuple)
    assert isinstance(again, tuple)
    assert len({*first, *again}) == 1000
    assert all(is_accepted(code, lock) for code in (*first, *again))


@pytest.mark.rule("S1")
def test_new_codes_are_drawn_character_by_character_from_the_whole_alphabet() -> None:
    codes = new_codes(3000, LockFormat(no_leading_zero=False, longest_run=0), choose=random.Random(7).choice)
    assert isinstance(codes, tuple)
    for place in range(6):
        counts = [sum(code[place] == digit for code in codes) for digit in "0123456789"]
        assert min(counts) > 220
        assert max(counts) < 380
    assert sorted(codes) != list(codes)


@pytest.mark.rule("S1")
def test_a_format_with_too_few_codes_is_refused() -> None:
    tiny = LockFormat(length=1, alphabet="123", longest_run=0)
    assert new_codes(4, tiny) == refused("format-exhausted")
    assert new_codes(1, tiny, avoid="123") == refused("format-exhausted")
    assert new_codes(0, tiny) == ()


@pytest.mark.rule("S1")
def test_each_slot_of_the_season_gets_a_window_with_tolerance() -> None:
    found = windows(Pattern.EACH_SLOT, WEEKEND, CALENDAR, TERMS)
    assert len(found) == 2 * 14
    assert found[0] == Slot(at(SATURDAY, 7, 45), at(SATURDAY, 9, 15))
    assert found[13] == Slot(at(SATURDAY, 20, 45), at(SATURDAY, 22, 15))


@pytest.mark.rule("S1")
def test_each_day_of_the_season_gets_a_pool_of_windows_and_closed_days_none() -> None:
    shut = dataclasses.replace(CALENDAR, closings=(ClosingDay(SATURDAY, SATURDAY, "Flood"),))
    found = windows(Pattern.EACH_DAY, WEEKEND, shut, TERMS, pool=3)
    sunday = SATURDAY + timedelta(days=1)
    assert found == (Slot(at(sunday, 7, 45), at(sunday, 22, 15)),) * 3


def test_what_a_slot_leaves_before_closing_is_a_window_too() -> None:
    calendar = dataclasses.replace(CALENDAR, hours=(Hours(5, time(8), time(9, 30)),))
    found = windows(Pattern.EACH_SLOT, WEEKEND, calendar, dataclasses.replace(TERMS, tolerance_before=0 * HOUR))
    assert [window.start for window in found] == [at(SATURDAY, 8), at(SATURDAY, 9)]
    assert found[1].end == at(SATURDAY, 9, 45)


@pytest.mark.rule("S1", "S22")
def test_the_windows_of_a_season_serve_every_booking_that_fits_its_slots() -> None:
    codes = [free(n, window) for n, window in enumerate(windows(Pattern.EACH_SLOT, WEEKEND, CALENDAR, TERMS))]
    for first, last in itertools.combinations(range(8, 23), 2):
        found = choose_codes(code_window(slot(SATURDAY, first, last), TERMS), codes)
        assert isinstance(found, tuple)
        assert len(found) == last - first


@pytest.mark.rule("S1", "S22")
def test_one_code_serves_if_its_window_covers_the_time_with_tolerance() -> None:
    need = code_window(slot(SATURDAY, 18, 19), TERMS)
    assert need == Slot(at(SATURDAY, 17, 45), at(SATURDAY, 19, 15))
    assert chosen(need, hourly(17, 18, 19)) == [18]
    assert chosen(need, [free(1, slot(SATURDAY, 18, 19))]) == "no-code"
    assert chosen(need, [free(1, Slot(need.start + MINUTE, need.end))]) == "no-code"
    assert chosen(need, [free(1, Slot(need.start, need.end - MINUTE))]) == "no-code"


@pytest.mark.rule("S1")
def test_the_shortest_covering_window_is_taken_so_that_long_ones_stay_for_long_bookings() -> None:
    day = [free(1, slot(SATURDAY, 7, 23)), free(2, slot(SATURDAY, 7, 23))]
    need = code_window(slot(SATURDAY, 18, 19), TERMS)
    assert chosen(need, day + hourly(18)) == [18]
    assert chosen(need, day) == [1]


@pytest.mark.rule("S1")
def test_a_booking_over_several_windows_gets_their_codes_in_order() -> None:
    need = code_window(slot(SATURDAY, 18, 21), TERMS)
    assert chosen(need, hourly(20, 17, 19, 18, 21)) == [18, 19, 20]
    assert chosen(need, hourly(18, 20)) == "no-code"
    assert chosen(need, hourly(18, 19)) == "no-code"
    assert chosen(need, hourly(19, 20)) == "no-code"
    assert chosen(need, []) == "no-code"


@pytest.mark.rule("S22")
@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (HeldCode(b"f18", slot(SATURDAY, 19, 20)), "no-code"),
        (HeldCode(b"f18", Slot(at(SATURDAY, 19, 15), at(SATURDAY, 20))), [18]),
        (HeldCode(b"f18", slot(FRIDAY, 8, 22)), [18]),
        (HeldCode(b"other", slot(SATURDAY, 18, 19)), [18]),
    ],
    ids=["overlaps", "touches", "another day", "another code"],
)
def test_two_parties_never_hold_one_code_at_one_time(held: HeldCode, expected: list[int] | str) -> None:
    assert chosen(code_window(slot(SATURDAY, 18, 19), TERMS), hourly(18), held) == expected


quarters = st.integers(0, 60)
windows_drawn = st.tuples(quarters, st.integers(1, 12)).map(
    lambda pair: Slot(at(SATURDAY, 8) + pair[0] * QUARTER, at(SATURDAY, 8) + sum(pair) * QUARTER)
)


@pytest.mark.rule("S1")
@given(windows_drawn, st.lists(windows_drawn, max_size=9))
def test_codes_are_found_exactly_when_the_windows_cover_the_need_and_none_is_too_many(
    need: Slot, drawn: list[Slot]
) -> None:
    codes = [free(n, window) for n, window in enumerate(drawn)]
    found = choose_codes(need, codes)
    assert isinstance(found, tuple) is covered(need, drawn)
    if isinstance(found, tuple):
        assert covered(need, [code.window for code in found])
        assert [code.window.end for code in found] == sorted(code.window.end for code in found)
        fewer = itertools.combinations(drawn, len(found) - 1)
        assert not any(covered(need, some) for some in fewer)


REQUESTED, CONFIRMED = BookingState.REQUESTED, BookingState.CONFIRMED
WINDOW = code_window(slot(SATURDAY, 18, 20), TERMS)
SECOND = timedelta(seconds=1)


@pytest.mark.rule("S11", "S22")
@pytest.mark.parametrize(
    ("booking", "code", "now", "expected"),
    [
        (CONFIRMED, CodeState.ISSUED, WINDOW.end - SECOND, Sending.NOW),
        (CONFIRMED, CodeState.ISSUED, WINDOW.end, Sending.NEVER),
        (CONFIRMED, CodeState.RESERVED, WINDOW.start, Sending.NOW),
        (CONFIRMED, CodeState.RETIRED, WINDOW.start, Sending.NEVER),
        (CONFIRMED, CodeState.FREE, WINDOW.start, Sending.NEVER),
        (REQUESTED, CodeState.RESERVED, WINDOW.start, Sending.LATER),
        (BookingState.REJECTED, CodeState.ISSUED, WINDOW.start, Sending.NEVER),
        (BookingState.CANCELLED, CodeState.ISSUED, WINDOW.start, Sending.NEVER),
        (BookingState.EXPIRED, CodeState.ISSUED, WINDOW.start, Sending.NEVER),
    ],
)
def test_a_code_is_sent_only_while_its_booking_and_window_are_good(
    booking: BookingState, code: CodeState, now: datetime, expected: Sending
) -> None:
    assert sending(booking, code, now, WINDOW) is expected
    assert may_send(booking, code, now, WINDOW) is (expected is Sending.NOW)


@pytest.mark.rule("S22")
def test_a_code_may_wait_for_payment_or_the_hours_before() -> None:
    early = WINDOW.start - 3 * HOUR

    def at_moment(now: datetime, *, needs: bool = False, paid: bool = False, hours: int | None = None) -> Sending:
        from_then = sent_from(WINDOW, hours)
        return sending(
            CONFIRMED, CodeState.ISSUED, now, WINDOW, needs_payment=needs, is_paid=paid, not_before=from_then
        )

    assert at_moment(early) is Sending.NOW
    assert at_moment(early, needs=True) is Sending.LATER
    assert at_moment(early, needs=True, paid=True) is Sending.NOW
    assert at_moment(early, hours=3) is Sending.NOW
    assert at_moment(early - SECOND, hours=3) is Sending.LATER
    assert at_moment(early - SECOND, hours=3, needs=True, paid=True) is Sending.LATER
