"""The booking code (SPEC S13): any single wrong character and any swap of neighbours is found."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.codes import (
    ALPHABET,
    LENGTH,
    is_booking_code,
    new_booking_code,
    read_booking_code,
    spoken,
    with_check_character,
)

SEED = random.Random(13)
CODES = [new_booking_code(SEED.choice) for _ in range(300)]


@pytest.mark.rule("S13")
def test_every_new_code_is_a_code_of_eight_characters_that_are_read_aloud_without_doubt() -> None:
    for code in CODES:
        assert is_booking_code(code)
        assert len(code) == LENGTH
        assert set(code).isdisjoint("01OISZGBEPVDN")  # 0 O, 1 I, 5 S, 2 Z, 6 G, B D E G P V, M N


@pytest.mark.rule("S13")
def test_any_single_wrong_character_is_found() -> None:
    for code, place in itertools.product(CODES, range(LENGTH)):
        for wrong in set(ALPHABET) - {code[place]}:
            assert not is_booking_code(code[:place] + wrong + code[place + 1 :])


@pytest.mark.rule("S13")
def test_any_swap_of_two_different_characters_is_found_neighbours_or_not() -> None:
    for code, (first, second) in itertools.product(CODES, itertools.combinations(range(LENGTH), 2)):
        swapped = list(code)
        swapped[first], swapped[second] = code[second], code[first]
        assert is_booking_code("".join(swapped)) is (code[first] == code[second])


@pytest.mark.rule("S13")
@given(st.text(ALPHABET, min_size=7, max_size=7))
def test_each_seven_characters_have_exactly_one_check_character(payload: str) -> None:
    fitting = [check for check in ALPHABET if is_booking_code(payload + check)]
    assert [payload + check for check in fitting] == [with_check_character(payload)]


@pytest.mark.rule("S13")
def test_a_code_is_read_as_people_type_it() -> None:
    code = CODES[0]
    assert read_booking_code(spoken(code)) == code
    assert read_booking_code(f"  {code[:4].lower()} - {code[4:].lower()}\n") == code
    assert read_booking_code(f"{code[:4]}\N{EN DASH}{code[4:]}") == code


@pytest.mark.parametrize(
    "typed", ["", "AAAA", "0000-0000", CODES[0] + "2", CODES[0][:-1], "ÄÖÜÄ-ÖÜÄÖ", "K\N{KELVIN SIGN}"]
)
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert read_booking_code(typed) is None


@pytest.mark.rule("S13")
def test_codes_are_random() -> None:
    assert len({new_booking_code() for _ in range(2000)}) == 2000
    assert {code[place] for code in CODES for place in range(LENGTH)} == set(ALPHABET)
