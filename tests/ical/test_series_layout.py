from datetime import date, time, timedelta

import pytest

from booking.values.recurrence import Frequency, Rule
from booking.values.slot import Slot
from booking.values.states import ItemStatus
from ical.series import Series, Texts, occurrences
from ical.series_layout import Group, Layout, laid_out, rule_text
from tests.ical.series_builders import at, change, local, made, utc

BERLIN = "Europe/Berlin"
SECOND = at(2026, 9, 8, 18)


def layout(series: Series) -> Layout:
    return laid_out(series, occurrences(series))


def group(series: Series) -> Group:
    found = layout(series).group
    assert found is not None
    return found


def apart(series: Series) -> list[int]:
    return [one.original.day for one in layout(series).singles]


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule(count=12), "FREQ=WEEKLY;COUNT=12;BYDAY=TU"),
        (Rule(interval=2, weekdays=frozenset({3, 1}), count=4), "FREQ=WEEKLY;COUNT=4;INTERVAL=2;BYDAY=TU,TH"),
        # The last second of the local day: 23:59:59 in summer, and in winter.
        (Rule(until=date(2026, 10, 6)), "FREQ=WEEKLY;UNTIL=20261006T215959Z;BYDAY=TU"),
        (Rule(until=date(2026, 12, 1)), "FREQ=WEEKLY;UNTIL=20261201T225959Z;BYDAY=TU"),
        (Rule(Frequency.DAILY, until=date(2026, 9, 3)), "FREQ=DAILY;UNTIL=20260903T215959Z"),
    ],
)
def test_a_rule_is_written_so(rule: Rule, text: str) -> None:
    assert rule_text(made(rule=rule)) == text


def test_a_plain_series_is_a_master_and_nothing_else() -> None:
    found = group(made())
    assert found.start == local(BERLIN, 2026, 9, 1, 18)
    assert (found.left_out, found.overrides, len(found.members)) == ((), (), 12)
    assert layout(made()).singles == ()


def test_what_is_left_out_at_the_front_is_not_counted_and_later_is_named() -> None:
    series = made(left_out=frozenset({date(2026, 9, 1), date(2026, 9, 15), date(2026, 11, 17)}))
    found = group(series)
    assert found.rule == "FREQ=WEEKLY;COUNT=11;BYDAY=TU"
    assert found.start == local(BERLIN, 2026, 9, 8, 18)
    assert found.left_out == (at(2026, 9, 15, 18), at(2026, 11, 17, 18))


def test_nothing_that_stands_needs_no_master() -> None:
    assert layout(made(rule=Rule(count=1), left_out=frozenset({date(2026, 9, 1)}))) == Layout(None, ())


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("moved_to", "stands_apart"),
    [
        (local(BERLIN, 2026, 9, 8, 20), False),
        (local(BERLIN, 2026, 9, 14, 23, hours=1), False),
        (local(BERLIN, 2026, 9, 2, 0), False),
        (local(BERLIN, 2026, 9, 15, 7), True),  # the day of its successor
        (local(BERLIN, 2026, 9, 1, 22), True),  # the day of its predecessor
        (local(BERLIN, 2026, 9, 17, 18), True),  # past its successor
        (local(BERLIN, 2026, 8, 20, 18), True),  # past its predecessor
        (local(BERLIN, 2026, 9, 14, 23, hours=30), True),  # over its successor
    ],
)
def test_a_move_that_outlook_forbids_is_written_apart(moved_to: Slot, stands_apart: bool) -> None:
    series = made(changes={SECOND: change(slot=moved_to)})
    assert apart(series) == ([8] if stands_apart else [])
    found = group(series)
    assert [one.original for one in found.overrides] == ([] if stands_apart else [SECOND])
    assert found.left_out == ((SECOND,) if stands_apart else ())


def test_moves_are_measured_by_the_others_as_they_stand() -> None:
    """The second may take the third's day where the third itself moved on, and the day of one left out."""
    tuesday = local(BERLIN, 2026, 9, 15, 18)
    both = {SECOND: change(slot=tuesday), at(2026, 9, 15, 18): change(slot=local(BERLIN, 2026, 9, 16, 18))}
    assert apart(made(changes=both)) == []
    assert apart(made(changes={SECOND: change(slot=tuesday)}, left_out=frozenset({date(2026, 9, 15)}))) == []
    over = {SECOND: change(slot=local(BERLIN, 2026, 9, 24, 18)), at(2026, 9, 15, 18): both[at(2026, 9, 15, 18)]}
    assert apart(made(changes=over)) == [8]


def test_a_cancelled_occurrence_and_one_with_other_texts_stay_in_the_group() -> None:
    changes = {SECOND: change(status=ItemStatus.CANCELLED), at(2026, 9, 15, 18): change(texts=Texts("Vertretung"))}
    found = group(made(changes=changes))
    assert [one.original.day for one in found.overrides] == [8, 15]
    assert found.left_out == ()


def test_a_date_added_by_hand_is_written_apart() -> None:
    assert apart(made(changes={at(2026, 9, 4, 9): change()})) == [4]


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("first", "wall", "hours", "singles", "overrides"),
    [
        (date(2026, 3, 27), time(2, 30), 1, [29], []),  # starts in the gap
        (date(2026, 3, 27), time(3), 1, [], []),
        (date(2026, 3, 27), time(1, 30), 2, [], [29]),  # ends after it, an hour later by the wall
        (date(2026, 10, 23), time(2), 2, [25], []),  # starts in the hour that comes twice
        (date(2026, 10, 23), time(1, 30), 1, [], [25]),  # ends there
        (date(2026, 10, 23), time(1), 4, [], [25]),
        (date(2026, 10, 23), time(3), 1, [], []),
        (date(2026, 10, 24), time(22), 8, [24], []),  # the master cannot begin with one of an unsure length
    ],
)
def test_nights_in_which_clocks_change_are_taken_out_of_the_rule(
    first: date, wall: time, hours: int, singles: list[int], overrides: list[int]
) -> None:
    rule = Rule(Frequency.DAILY, count=5)
    series = made(first=first, wall=wall, length=timedelta(hours=hours), rule=rule)
    assert apart(series) == singles
    assert [one.original.day for one in group(series).overrides] == overrides


@pytest.mark.rule("C3")
@pytest.mark.parametrize(
    ("zone", "first", "until", "has_master"),
    [
        ("America/New_York", date(2006, 9, 5), date(2006, 12, 1), False),
        ("America/New_York", date(2006, 9, 5), date(2007, 6, 1), False),
        ("America/New_York", date(2007, 1, 2), date(2007, 6, 1), True),
        ("Africa/Casablanca", date(2026, 9, 1), date(2026, 10, 1), False),
        ("Europe/Volgograd", date(2020, 9, 1), date(2021, 3, 1), False),  # from a year of another offset
        ("Europe/Volgograd", date(2021, 9, 7), date(2022, 3, 1), True),
        ("Asia/Jerusalem", date(2028, 9, 5), date(2029, 6, 1), True),
        ("Asia/Jerusalem", date(2029, 9, 4), date(2030, 6, 1), False),
    ],
)
def test_a_series_that_runs_through_a_year_whose_offsets_cannot_be_told_is_expanded(
    zone: str, first: date, until: date, has_master: bool
) -> None:
    series = made(zone=zone, first=first, rule=Rule(until=until))
    found = layout(series)
    assert (found.group is not None) is has_master
    assert len(found.singles) == (0 if has_master else len(occurrences(series)))


def test_occurrences_that_overlap_by_plan_are_expanded() -> None:
    assert layout(made(rule=Rule(Frequency.DAILY, count=3), length=timedelta(hours=24))).group is not None
    assert layout(made(rule=Rule(Frequency.DAILY, count=3), length=timedelta(hours=25))).group is None


def test_a_series_can_be_expanded_on_demand() -> None:
    found = laid_out(made(), occurrences(made()), expanded=True)
    assert (found.group, len(found.singles)) == (None, 12)
    assert found.singles[0].slot.start == utc(2026, 9, 1, 16)
