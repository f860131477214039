"""How passes end and what that leaves (SPEC O44, O45, O48, O49)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from booking.rules.pass_ends import Ended, WarnAt, Warned, delete, end_by_date, is_active, released, use_up, warnings
from booking.rules.units import Ledger, expire, reserve, sale
from booking.values.money import Cents
from booking.values.pass_types import Renewal
from booking.values.passes import Notice, Pass, UnitEntry, UnitEntryKind
from booking.values.refusals import Reason, Refused
from tests.booking.rules.houses import at
from tests.booking.rules.studio import DAY, MONDAY, YEAR, a_pass, contract_pass, days, visit

K = UnitEntryKind
TODAY = MONDAY + 10 * DAY
NOW = at(TODAY, 12)
TOMORROW = visit(1, TODAY + DAY)
LATER = visit(2, TODAY + 5 * DAY, units=2)
HELD = (TOMORROW, LATER)
UNCOUNTED = Ledger(counted=False)


def booked() -> Ledger:
    """Ten units sold, three of them reserved for the two bookings."""
    ledger = Ledger(sale(10))
    for one in HELD:
        entries = reserve(ledger, one.booking_id, one.units)
        assert not isinstance(entries, Refused)
        ledger = ledger.with_more(entries)
    return ledger


def end(last_day: date, own: Pass | None = None, reason: str = " moved away ") -> Ended | Refused:
    return end_by_date(own or a_pass(), booked(), last_day, reason, HELD, NOW, TODAY)


@pytest.mark.rule("O44")
@pytest.mark.parametrize(
    ("own", "ledger", "active"),
    [
        (a_pass(), Ledger(sale(1)), True),
        (a_pass(), Ledger(), False),
        (a_pass(), booked().with_more([UnitEntry(K.CORRECT, -7, reason="all")]), True),
        (a_pass(term=days(11)), Ledger(sale(1)), True),
        (a_pass(term=days(10)), Ledger(sale(1)), False),
        (a_pass(deleted_at=datetime(2027, 3, 2, tzinfo=UTC)), Ledger(sale(1)), False),
        (a_pass(visits=None, term=None), UNCOUNTED, True),
        (a_pass(first_day=None, starts_at_first_visit=True), Ledger(sale(1)), True),
        (contract_pass(), UNCOUNTED, True),
    ],
)
def test_a_pass_is_held_while_it_is_good_and_has_units_left_or_booked(
    own: Pass, ledger: Ledger, *, active: bool
) -> None:
    assert is_active(own, ledger, TODAY) is active


@pytest.mark.rule("O48")
def test_an_early_end_releases_the_coming_bookings_after_its_last_day() -> None:
    assert released(HELD, TODAY, NOW) == HELD
    assert released(HELD, TODAY + DAY, NOW) == (LATER,)
    assert released(HELD, TODAY + 5 * DAY, NOW) == ()
    assert released(HELD, TODAY, LATER.starts_at) == ()


@pytest.mark.rule("O45", "O48")
def test_an_end_ahead_gives_back_what_lies_after_it_and_leaves_the_rest_to_the_night() -> None:
    found = end(TODAY + 2 * DAY)
    assert isinstance(found, Ended)
    assert found.ended == a_pass(ended_on=TODAY + 2 * DAY)
    assert found.entries == (UnitEntry(K.GIVE_BACK, 2, 2), UnitEntry(K.EXPIRE, 0, reason="moved away"))
    assert found.released == (LATER,)
    after = booked().with_more(found.entries)
    assert (after.left, after.reserved) == (9, 1)


@pytest.mark.rule("O45")
def test_an_end_in_the_past_takes_all_at_once_and_the_night_nothing_more() -> None:
    found = end(TODAY - DAY)
    assert isinstance(found, Ended)
    after = booked().with_more(found.entries)
    assert found.entries[-1] == UnitEntry(K.EXPIRE, -10, reason="moved away")
    assert (after.left, after.reserved) == (0, 0)
    assert expire(after, found.ended.last_day, TODAY) == ()
    assert not is_active(found.ended, after, TODAY)


@pytest.mark.rule("O45")
@pytest.mark.parametrize(
    ("last_day", "changes", "reason", "expected"),
    [
        (MONDAY - DAY, {}, "never came", ()),
        (MONDAY - 2 * DAY, {}, "never came", ("end-before-start",)),
        (date(2027, 8, 31), {}, "why", ()),
        (date(2027, 9, 1), {}, "why", ("ends-sooner",)),
        (TODAY, {}, "  ", ("missing",)),
        (TODAY, {"deleted_at": NOW}, "why", ("pass-deleted",)),
        (TODAY, {"term": None}, "why", ()),
    ],
)
def test_an_end_lies_within_the_pass_and_has_a_reason(
    last_day: date, changes: dict[str, Any], reason: str, expected: tuple[str, ...]
) -> None:
    found = end(last_day, a_pass(**changes), reason)
    assert (found.codes if isinstance(found, Refused) else ()) == expected


@pytest.mark.rule("O45")
def test_marking_off_the_rest_uses_it_and_leaves_what_is_booked() -> None:
    found = use_up(a_pass(), booked(), "agreed")
    assert isinstance(found, Ended)
    assert found.entries == (UnitEntry(K.CONSUME, -7, reason="agreed"),)
    assert (found.ended, found.released) == (a_pass(), ())
    after = booked().with_more(found.entries)
    assert (after.left, after.reserved) == (0, 3)
    assert use_up(a_pass(), after, "agreed") == Refused((Reason("no-units", None, {"left": 0, "needed": 1}),))
    assert use_up(a_pass(), UNCOUNTED, "") == Refused((Reason("missing", "reason"), Reason("not-counted")))


@pytest.mark.rule("O45", "O46", "O48")
def test_deleting_takes_every_unit_and_every_coming_booking_and_keeps_the_history() -> None:
    found = delete(a_pass(), booked(), "sold twice", HELD, NOW)
    assert isinstance(found, Ended)
    assert found.released == HELD
    after = booked().with_more(found.entries)
    assert (after.left, after.reserved) == (0, 0)
    assert after.entries[: len(booked().entries)] == booked().entries
    assert found.entries[-1] == UnitEntry(K.CORRECT, -10, reason="sold twice")
    assert not is_active(found.ended, after, TODAY)
    assert delete(found.ended, after, " ", HELD, NOW) == Refused((Reason("missing", "reason"), Reason("pass-deleted")))


@pytest.mark.rule("O45")
def test_a_pass_without_units_ends_with_an_entry_too() -> None:
    found = delete(contract_pass(), UNCOUNTED, "sold twice", (), NOW)
    assert isinstance(found, Ended)
    assert found.entries == (UnitEntry(K.CORRECT, 0, reason="sold twice"),)


@pytest.mark.rule("O49")
@pytest.mark.parametrize(
    ("own", "left", "debt", "expected"),
    [
        (a_pass(), 3, 0, []),
        (a_pass(), 2, 0, [Warned("units-low", {"left": 2})]),
        (a_pass(term=days(25)), 3, 0, [Warned("about-to-end", {"last": "2027-03-25", "days": 14})]),
        (a_pass(term=days(26)), 3, 0, []),
        (a_pass(term=days(11)), 3, 0, [Warned("about-to-end", {"last": "2027-03-11", "days": 0})]),
        (a_pass(term=days(10)), 0, 500, [Warned("debt", {"cents": 500})]),
        (a_pass(deleted_at=NOW), 0, 0, []),
        (contract_pass(), 3, 0, []),
        (
            contract_pass(notice=Notice(MONDAY, TODAY)),
            3,
            0,
            [Warned("about-to-end", {"last": "2027-03-11", "days": 0})],
        ),
        (contract_pass(replace(YEAR, minimum=days(20), renewal=Renewal.NONE)), 3, 0, ["about-to-end"]),
    ],
)
def test_an_end_that_is_near_few_units_and_debt_are_warned_of(
    own: Pass, left: int, debt: int, expected: list[Any]
) -> None:
    ledger = Ledger(sale(left)) if left else Ledger()
    found = warnings(own, ledger, TODAY, WarnAt(14, 2), Cents(debt))
    if expected == ["about-to-end"]:
        assert [one.code for one in found] == expected
    else:
        assert list(found) == expected


@pytest.mark.rule("O49")
def test_units_that_nobody_counts_are_never_low() -> None:
    assert warnings(a_pass(term=None), UNCOUNTED, TODAY, WarnAt()) == ()
