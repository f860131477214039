"""What § 14 UStG asks for and nobody entered (SPEC S12)."""

import pytest

from booking.rules.invoicing import lacking
from booking.values.money import Cents

SELLER = ("Haus GmbH", "Domplatz 1", "50667", "Köln")
BUYER = ("Erika", "Ringstr. 7", "50674", "Köln")


@pytest.mark.rule("S12")
@pytest.mark.parametrize(
    ("seller", "tax", "buyer", "cents", "expected"),
    [
        (SELLER, "DE1", BUYER, 25001, ()),
        (("Haus GmbH", " ", "50667", "Köln"), "DE1", BUYER, 100, ("seller",)),
        (SELLER, " ", BUYER, 100, ("tax-number",)),
        (SELLER, "DE1", ("Erika", "", "", ""), 25000, ()),
        (SELLER, "DE1", ("Erika", "", "", ""), 25001, ("buyer",)),
        (SELLER, "DE1", ("", *BUYER[1:]), 100, ("buyer",)),
    ],
    ids=["whole", "no street", "no tax number", "small", "above small", "no name"],
)
def test_what_an_invoice_lacks(
    seller: tuple[str, ...], tax: str, buyer: tuple[str, ...], cents: int, expected: tuple[str, ...]
) -> None:
    assert lacking(seller, tax, buyer, Cents(cents)) == expected
