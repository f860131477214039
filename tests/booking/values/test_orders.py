"""What a series order may be: its ends, its stretches, its parts and how a change divides them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from booking.values.orders import WITH_THE_PASS, End, EndKind, Part, SeriesOrder, Stretch, after_events, on_day

DAY = timedelta(days=1)
MONDAY = date(2026, 9, 7)
NOW = datetime(2026, 9, 1, tzinfo=UTC)
YOGA, PILATES = frozenset({1}), frozenset({2})


def order(*parts: Part) -> SeriesOrder:
    return SeriesOrder(1, NOW, 1, parts)


@pytest.mark.rule("F8", "F12", "F15")
def test_an_end_has_what_its_kind_needs() -> None:
    assert (WITH_THE_PASS.day, WITH_THE_PASS.count) == (None, None)
    assert (on_day(MONDAY, NOW).kind, after_events(1).kind) == (EndKind.DAY, EndKind.COUNT)


@pytest.mark.rule("F8", "F12", "F15")
@pytest.mark.parametrize(
    "make",
    [
        lambda: End(EndKind.DAY),
        lambda: End(EndKind.DAY, day=MONDAY),
        lambda: End(EndKind.PASS, day=MONDAY, chosen_at=NOW),
        lambda: End(EndKind.COUNT),
        lambda: End(EndKind.COUNT, count=0),
        lambda: End(EndKind.PASS, count=3),
    ],
    ids=["no day", "no moment", "a day with the pass", "no count", "nothing", "a count with the pass"],
)
def test_an_end_that_names_none_is_refused(make: type[End]) -> None:
    with pytest.raises(ValueError, match="an end"):
        make()


@pytest.mark.rule("F18")
def test_a_stretch_has_both_its_days_or_no_end() -> None:
    assert [MONDAY + shift * DAY in Stretch(MONDAY, MONDAY + DAY) for shift in (-1, 0, 1, 2)] == [
        False,
        True,
        True,
        False,
    ]
    assert MONDAY + 999 * DAY in Stretch(MONDAY)
    with pytest.raises(ValueError, match="ends before it begins"):
        Stretch(MONDAY, MONDAY - DAY)


@pytest.mark.rule("F7", "F18")
def test_the_parts_of_an_order_follow_each_other() -> None:
    first, second = Part(MONDAY, YOGA, 1), Part(MONDAY + DAY, PILATES, 2)
    made = order(first, second)
    assert [made.part_on(MONDAY + shift * DAY) for shift in (-1, 0, 1, 2)] == [None, first, second, second]
    for wrong in ((), (second, first), (first, first)):
        with pytest.raises(ValueError, match="at least one part"):
            order(*wrong)


@pytest.mark.rule("F18")
@pytest.mark.parametrize(
    ("shift", "parts"),
    [
        (3, (Part(MONDAY, YOGA, 1), Part(MONDAY + 2 * DAY, PILATES, 1), Part(MONDAY + 3 * DAY, PILATES, 7))),
        (2, (Part(MONDAY, YOGA, 1), Part(MONDAY + 2 * DAY, PILATES, 7))),
        (1, (Part(MONDAY, YOGA, 1), Part(MONDAY + DAY, YOGA, 7))),
        (0, (Part(MONDAY, YOGA, 7),)),
        (-1, (Part(MONDAY - DAY, YOGA, 7),)),
    ],
)
def test_a_change_holds_from_its_day_on_and_later_parts_give_way(shift: int, parts: tuple[Part, ...]) -> None:
    before = order(Part(MONDAY, YOGA, 1), Part(MONDAY + 2 * DAY, PILATES, 1))
    assert before.changed(MONDAY + shift * DAY, pass_id=7).parts == parts


@pytest.mark.rule("F18")
def test_a_change_of_series_keeps_the_pass() -> None:
    assert order(Part(MONDAY, YOGA, 1)).changed(MONDAY, series_ids=PILATES).parts == (Part(MONDAY, PILATES, 1),)
