"""Extras in the prices of mails: counted, with the VAT of each rate or why there is none (SPEC S25)."""

from collections.abc import Callable

import pytest

from booking.values.house import Price, PriceLine
from booking.values.money import BasisPoints, Cents
from papers.letters import Letter
from papers.mails import render


@pytest.mark.rule("S25")
@pytest.mark.parametrize("kind", ["Acknowledgement", "Confirmation"])
def test_extras_are_counted_and_both_rates_and_none_are_explained(build: Callable[..., Letter], kind: str) -> None:
    price = Price(
        (
            PriceLine("Halle", 60, Cents(100), Cents(100), BasisPoints(1900)),
            PriceLine("Bälle", 0, Cents(150), Cents(450), BasisPoints(700), 3),
            PriceLine("Spende", 0, Cents(50), Cents(50), BasisPoints(0), 1),
        ),
        "Steuerfrei nach § 4 Nr. 22 UStG",
    )
    draft = render(build(kind, price=price))
    for form in (draft.text, draft.html):
        said = " ".join(form.replace("&nbsp;", " ").split())
        for fact in ("3 × Bälle", "4,50 €", "Spende", "19 % + 7 %", "Steuerfrei nach § 4 Nr. 22 UStG"):
            assert fact in said, (fact, said)
        assert "1 × Spende" not in said
