from datetime import date, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.values.recurrence import Frequency, Rule, planned_days
from booking.values.slot import Slot
from booking.values.states import ItemStatus
from ical.series import Revision, Series, Texts, occurrences, single_entry
from tests.ical.series_builders import MADE, ZONES, at, change, generated, local, made, meant, planned_by_hand, utc

RULES = st.builds(
    lambda weekly, interval, weekdays, ends: Rule(
        Frequency.WEEKLY if weekly else Frequency.DAILY, interval, frozenset(weekdays if weekly else ()), **ends
    ),
    st.booleans(),
    st.integers(1, 5),
    st.sets(st.integers(0, 6)),
    st.one_of(
        st.fixed_dictionaries({"count": st.integers(1, 60)}),
        st.fixed_dictionaries({"until": st.dates(date(2026, 9, 7), date(2027, 12, 31))}),
    ),
)


@settings(deadline=None)  # rules of many years, on a machine that does more
@given(rule=RULES, first=st.dates(date(2026, 1, 1), date(2026, 9, 6)))
def test_a_rule_has_the_days_that_one_finds_by_asking_of_each(rule: Rule, first: date) -> None:
    weekdays = rule.weekdays | {first.weekday()} if rule.weekdays else frozenset[int]()
    given_rule = Rule(rule.frequency, rule.interval, weekdays, rule.until, rule.count)
    series = made(first=first, rule=given_rule)
    assert list(planned_days(first, given_rule)) == [one.date() for one in planned_by_hand(series)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 3, "until": date(2027, 1, 1)},
        {"count": 0},
        {"count": 1, "interval": 0},
        {"count": 1, "weekdays": frozenset({7})},
        {"count": 1, "frequency": Frequency.DAILY, "weekdays": frozenset({1})},
    ],
)
def test_a_rule_that_makes_no_sense_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"rule|interval|weekdays"):
        Rule(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"length": timedelta(0)},
        {"rule": Rule()},
        {"rule": Rule(weekdays=frozenset({2}), count=3)},
        {"rule": Rule(until=date(2026, 8, 31))},
    ],
)
def test_a_series_that_makes_no_sense_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"length|weekday|ends"):
        made(**wrong)


def rows(series: Series) -> list[tuple[str, str, str]]:
    return sorted(
        (f"{one.slot.start:%Y-%m-%dT%H:%M:%SZ}", f"{one.slot.end:%Y-%m-%dT%H:%M:%SZ}", str(one.status))
        for one in occurrences(series)
    )


@pytest.mark.parametrize("zone", ZONES)
def test_occurrences_are_what_was_planned_but_for_what_happened(zone: str) -> None:
    for seed in range(10):
        series = generated(zone, seed)
        assert rows(series) == meant(series)


def test_a_planned_time_that_clocks_skip_is_as_far_after_the_gap_and_a_repeated_one_is_the_first() -> None:
    night = made(first=date(2026, 3, 28), wall=time(2, 30), rule=Rule(Frequency.DAILY, count=3))
    assert [one.slot.start for one in occurrences(night)][1] == utc(2026, 3, 29, 1, 30)
    autumn = made(first=date(2026, 10, 24), wall=time(2, 30), rule=Rule(Frequency.DAILY, count=3))
    assert [one.slot for one in occurrences(autumn)][1] == Slot(utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 2, 30))


def test_a_date_left_out_stays_out_whatever_became_of_it_and_one_added_by_hand_comes_in_its_order() -> None:
    series = made(
        left_out=frozenset({date(2026, 9, 8)}),
        changes={at(2026, 9, 8, 18): change(texts=Texts("X")), at(2026, 9, 10, 9): change(slot=None)},
    )
    found = occurrences(series)
    assert [one.original.day for one in found][:3] == [1, 10, 15]
    assert found[1].planned is None
    assert found[1].slot == local("Europe/Berlin", 2026, 9, 10, 9)


def test_an_occurrence_carries_the_later_of_the_common_change_and_its_own() -> None:
    common = Revision(2, MADE.last_modified)
    series = made(revision=Revision(9, utc(2026, 6, 1)), common=common, changes={at(2026, 9, 8, 18): change(4)})
    first, second, *_ = occurrences(series)
    assert first.revision == common
    assert second.revision.sequence == 4
    assert not second.is_changed  # taken back, but its SEQUENCE does not fall
    late = made(common=Revision(7, utc(2026, 6, 1)), changes={at(2026, 9, 8, 18): change(4)})
    assert occurrences(late)[1].revision == Revision(7, utc(2026, 6, 1))


@pytest.mark.rule("C2")
def test_the_end_of_a_series_is_that_of_all_occurrences_but_of_those_that_ended_before() -> None:
    series = made(
        status=ItemStatus.CANCELLED,
        ended_at=utc(2026, 8, 1),
        changes={
            at(2026, 9, 8, 18): change(status=ItemStatus.CANCELLED, ended_at=utc(2026, 7, 1)),
            at(2026, 9, 15, 18): change(status=ItemStatus.CONFIRMED),
            at(2026, 9, 22, 18): change(4, status=ItemStatus.CANCELLED),
        },
    )
    found = occurrences(series)
    assert {one.status for one in found} == {ItemStatus.CANCELLED}
    ends = [one.ended_at for one in found[:4]]
    assert ends == [utc(2026, 8, 1), utc(2026, 7, 1), utc(2026, 8, 1), change(4).revision.last_modified]


@pytest.mark.rule("C2")
def test_an_occurrence_of_its_own_has_a_uid_that_depends_on_its_original_alone() -> None:
    plain = single_entry(made(), occurrences(made())[1])
    moved = made(changes={at(2026, 9, 8, 18): change(slot=local("Europe/Berlin", 2026, 9, 10, 7))})
    assert single_entry(moved, occurrences(moved)[1]).uid == plain.uid
    assert len({single_entry(made(), one).uid for one in occurrences(made())} | {made().uid}) == 13
    assert single_entry(made(uid=generated("Asia/Kolkata", 1).uid), occurrences(made())[1]).uid != plain.uid


def test_details_are_in_no_representation() -> None:
    assert "482915" not in repr(made(texts=Texts("Yoga", details="Code 482915")))
