"""Rooms within rooms, names in addresses, forms of codes: what an operator's plan of the house means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.rules.doorcodes import NUKI, LockFormat, new_codes
from booking.rules.locks import count_codes, wrong_with
from booking.rules.parts import NEW, Layout, around, blocking, inside, lay_out
from booking.rules.slugs import is_slug, slug_of
from booking.values.refusals import Refused

HALL, LEFT, RIGHT, GYM, SITE = 1, 2, 3, 4, 5
UNITS = {
    HALL: frozenset({10, 11}),
    LEFT: frozenset({10}),
    RIGHT: frozenset({11}),
    GYM: frozenset({12}),
    SITE: frozenset({10, 11, 12, 13}),
}


def after(layout: Layout | Refused, units: dict[int, frozenset[int]], new: int) -> dict[int, frozenset[int]]:
    """The house once the layout is written, the new unit and the new room with real numbers."""
    assert isinstance(layout, Layout), layout
    return units | {
        room or new: frozenset(one if one != NEW else 99 for one in parts) for room, parts in layout.units.items()
    }


def test_a_room_that_holds_none_gets_a_unit_of_its_own_and_blocks_nothing() -> None:
    house = after(lay_out(None, (), UNITS), UNITS, 6)
    assert blocking(6, house) == frozenset()
    assert house[6] == {99}


@pytest.mark.rule("S5")
def test_a_room_that_holds_others_blocks_them_and_is_blocked_by_them() -> None:
    house = after(lay_out(None, (LEFT, GYM), UNITS), UNITS, 6)
    assert blocking(6, house) == {LEFT, GYM, HALL, SITE}
    assert inside(6, house) == {LEFT, GYM}
    assert 6 in blocking(LEFT, house)


def test_a_room_made_of_exactly_what_another_holds_still_holds_that_one() -> None:
    house = after(lay_out(None, (HALL,), UNITS), UNITS, 6)
    assert house[6] == {10, 11, 99}
    assert inside(6, house) == {HALL, LEFT, RIGHT}


@pytest.mark.rule("S5")
def test_what_holds_a_room_holds_also_what_the_room_newly_holds() -> None:
    """The site holds the hall; a cellar that becomes part of the hall is part of the site from then on."""
    units = UNITS | {6: frozenset({14})}
    house = after(lay_out(HALL, (LEFT, RIGHT, 6), units), units, 0)
    assert inside(HALL, house) == {LEFT, RIGHT, 6}
    assert {6, HALL} <= inside(SITE, house)


def test_a_room_that_holds_nothing_any_more_stands_alone() -> None:
    house = after(lay_out(SITE, (), UNITS), UNITS, 0)
    assert blocking(SITE, house) == frozenset()


def test_saying_again_what_holds_changes_nothing() -> None:
    assert lay_out(HALL, (LEFT, RIGHT), UNITS) == Layout({})
    assert lay_out(SITE, (HALL, GYM), UNITS) == Layout({})
    assert lay_out(GYM, (), UNITS) == Layout({})


@pytest.mark.parametrize("within", [(HALL,), (SITE,), (GYM, SITE)])
def test_a_room_never_lies_within_itself(within: tuple[int, ...]) -> None:
    no = lay_out(HALL, within, UNITS)
    assert isinstance(no, Refused)
    assert (no.codes, no.reasons[0].at) == (("inside-itself",), "inside")


@pytest.mark.rule("S5")
@given(
    st.lists(st.frozensets(st.integers(1, 6), min_size=1), min_size=1, max_size=5),
    st.data(),
)
def test_whatever_the_plan_rooms_that_hold_each_other_share_a_unit(
    drawn: list[frozenset[int]], data: st.DataObject
) -> None:
    units = dict(enumerate(drawn, start=1))
    room = data.draw(st.sampled_from([None, *units]))
    within = data.draw(st.frozensets(st.sampled_from(list(units))))
    layout = lay_out(room, within, units)
    if isinstance(layout, Refused):
        assert room is not None
        return
    house = after(layout, units, 50)
    here = room or 50
    assert all(house.values())
    assert within <= inside(here, house)
    for other in around(room, units) if room is not None else ():
        assert house[here] <= house[other]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Große Halle", "grosse-halle"),
        ("  Übungsraum 2 (oben) ", "uebungsraum-2-oben"),
        ("Café", "cafe"),
        ("Зал", ""),
        ("a" * 80, "a" * 60),
    ],
)
def test_a_name_makes_the_part_of_an_address(name: str, slug: str) -> None:
    assert slug_of(name) == slug
    assert is_slug(slug) is bool(slug)


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "ä", "a b", "a/b", "a" * 61, "a\n"])
def test_what_would_break_an_address_is_no_slug(text: str) -> None:
    assert not is_slug(text)


@pytest.mark.rule("S23")
@pytest.mark.parametrize(
    ("lock", "codes"),
    [
        (LockFormat(), []),
        (NUKI, []),
        (LockFormat(length=3, no_leading_zero=False), []),
        (LockFormat(length=2), ["out-of-range"]),
        (LockFormat(length=13), ["out-of-range"]),
        (LockFormat(longest_run=-1), ["out-of-range"]),
        (LockFormat(alphabet="1123"), ["bad-alphabet"]),
        (LockFormat(alphabet="1"), ["bad-alphabet"]),
        (LockFormat(alphabet="12ä"), ["bad-alphabet"]),
        (LockFormat(forbidden_prefixes=("x",)), ["bad-prefix"]),
        (LockFormat(forbidden_prefixes=("123456",)), ["bad-prefix"]),
        (LockFormat(length=3), ["format-too-small"]),
        (LockFormat(length=9, alphabet="12"), ["format-too-small"]),
        (LockFormat(length=4, alphabet="123456", forbidden_prefixes=("1", "2")), ["format-too-small"]),
    ],
)
def test_a_lock_has_a_form_of_which_no_code_is_guessed(lock: LockFormat, codes: list[str]) -> None:
    assert [reason.code for reason in wrong_with(lock)] == codes


@pytest.mark.parametrize(
    "lock",
    [
        LockFormat(length=3, alphabet="0123", longest_run=0),
        LockFormat(length=3, alphabet="0123", longest_run=0, forbidden_prefixes=("1", "12", "30")),
        LockFormat(length=4, alphabet="AB", no_leading_zero=False, longest_run=0),
    ],
)
def test_the_number_of_codes_is_how_many_can_be_drawn(lock: LockFormat) -> None:
    count = count_codes(lock)
    assert isinstance(new_codes(count, lock), tuple)
    assert isinstance(new_codes(count + 1, lock), Refused)
