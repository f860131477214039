"""No cent is lost."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.values.money import BasisPoints, Cents, round_half_up, share, split_gross

amounts = st.integers(-(10**9), 10**9)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 2, 1), (-1, 2, -1), (1, -2, -1), (149, 100, 1), (150, 100, 2), (-250, 100, -3), (0, 7, 0)],
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, expected: int) -> None:
    assert round_half_up(numerator, denominator) == expected


@pytest.mark.rule("S12")
@given(amounts, st.sampled_from([0, 700, 1900, 2500]))
def test_net_and_vat_are_the_gross_and_the_net_is_within_half_a_cent(gross: int, rate: int) -> None:
    parts = split_gross(Cents(gross), BasisPoints(rate))
    assert parts.net + parts.vat == parts.gross == gross
    assert abs(Fraction(gross * 10_000, 10_000 + rate) - parts.net) <= Fraction(1, 2)


@given(amounts, st.lists(st.integers(0, 1000), min_size=1, max_size=9).filter(any))
def test_shares_add_up_and_each_is_within_a_cent(amount: int, weights: list[int]) -> None:
    parts = share(Cents(amount), weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_shares_without_weight_are_an_error(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        share(Cents(1), weights)
