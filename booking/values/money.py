"""Money is integer cents; rates are basis points (1900 = 19 %). Nothing here loses a cent (DESIGN rule 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NewType

Cents = NewType("Cents", int)
BasisPoints = NewType("BasisPoints", int)


@dataclass(frozen=True, slots=True)
class Gross:
    """A gross amount split at one VAT rate; net + vat == gross always."""

    net: Cents
    vat: Cents
    rate: BasisPoints

    @property
    def gross(self) -> Cents:
        return Cents(self.net + self.vat)


def round_half_up(numerator: int, denominator: int) -> int:
    """Commercial rounding of a fraction: halves go away from zero."""
    sign = -1 if (numerator < 0) != (denominator < 0) else 1
    quotient, rest = divmod(abs(numerator), abs(denominator))
    return sign * (quotient + (2 * rest >= abs(denominator)))


def split_gross(gross: Cents, rate: BasisPoints) -> Gross:
    """Take the VAT out of a gross price, rounded once; the net is what remains."""
    net = round_half_up(gross * 10_000, 10_000 + rate)
    return Gross(Cents(net), Cents(gross - net), rate)


def share(amount: Cents, weights: Sequence[int]) -> tuple[Cents, ...]:
    """Split an amount by weights, to the cent, the remainder to the largest fractions. ValueError without weight."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("shares need weights that are not negative and not all zero")
    parts = [amount * weight // total for weight in weights]
    by_fraction = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for index in by_fraction[: amount - sum(parts)]:
        parts[index] += 1
    return tuple(Cents(part) for part in parts)
