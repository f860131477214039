"""The GiroCode holds exactly the lines of EPC069-12; the expected payloads are written by hand."""

import pytest
import segno

from booking.values.money import Cents
from papers.girocode import Transfer, girocode_png, girocode_svg

PNG = b"\x89PNG\r\n\x1a\n"
TRANSFER = Transfer("Krümpel GmbH", "DE89 3704 0044 0532 0130 00", Cents(6550), "W7RF-C4KA", "COBADEFFXXX")


def _as_svg(*lines: str) -> bytes:
    code = segno.make_qr("\n".join(lines).encode(), error="m", boost_error=False)
    return code.svg_inline(border=0, svgclass=None, lineclass=None, omitsize=True).encode()


def _drawing(svg: bytes) -> bytes:
    return svg[svg.index(b' d="') :]


@pytest.mark.rule("S12")
def test_the_code_holds_payee_account_amount_and_reference() -> None:
    expected = _as_svg(
        "BCD",
        "002",
        "1",
        "SCT",
        "COBADEFFXXX",
        "Krümpel GmbH",
        "DE89370400440532013000",
        "EUR65.5",
        "",
        "",
        "W7RF-C4KA",
    )
    assert _drawing(girocode_svg(TRANSFER)).strip() == _drawing(expected).strip()


def test_a_line_feed_in_a_name_forges_no_field() -> None:
    forged = Transfer("Krümpel\nDE00\nEUR9999", TRANSFER.iban, Cents(100), "A\nB")
    expected = _as_svg(
        "BCD", "002", "1", "SCT", "", "Krümpel DE00 EUR9999", "DE89370400440532013000", "EUR1", "", "", "A B"
    )
    assert _drawing(girocode_svg(forged)).strip() == _drawing(expected).strip()


def test_the_picture_is_the_same_bytes_each_time() -> None:
    assert girocode_png(TRANSFER).startswith(PNG)
    assert girocode_png(TRANSFER) == girocode_png(TRANSFER)


@pytest.mark.parametrize("cents", [0, -1, 100_000_000_000])
def test_an_amount_that_no_transfer_carries_is_an_error(cents: int) -> None:
    with pytest.raises(ValueError, match="cents"):
        girocode_png(Transfer("Krümpel", TRANSFER.iban, Cents(cents), "W7RF-C4KA"))
