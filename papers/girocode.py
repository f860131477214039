"""The GiroCode: a SEPA credit transfer as a QR code (EPC069-12 version 002, error correction M, at most version 13)."""

from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO

import segno
from segno.helpers import make_epc_qr

from booking.values.money import Cents

_LONGEST_PAYEE = 70
_LONGEST_TEXT = 140
_LARGEST = 99_999_999_999
_UTF_8 = 1
_QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer in euro. `bic` may be empty inside the EEA; `reference` is the remittance text."""

    payee: str
    iban: str
    amount: Cents
    reference: str
    bic: str = ""


def girocode_png(transfer: Transfer, scale: int = 5) -> bytes:
    """Black on white with its quiet zone, so that it can be scanned on a dark ground too. ValueError as `_code`."""
    out = BytesIO()
    _code(transfer).save(out, kind="png", scale=scale, border=_QUIET_ZONE, dark="#000", light="#fff")
    return out.getvalue()


def girocode_svg(transfer: Transfer) -> bytes:
    """The code without a quiet zone, for paper that is white anyway. ValueError as `_code`."""
    out = BytesIO()
    _code(transfer).save(out, kind="svg", border=0, svgclass=None, lineclass=None, omitsize=True, xmldecl=False)
    return out.getvalue()


def _code(transfer: Transfer) -> segno.QRCode:
    """ValueError where the amount is not 0.01 to 999 999 999.99 or a text is empty."""
    if not 0 < transfer.amount <= _LARGEST:
        raise ValueError(f"a GiroCode carries 1 to {_LARGEST} cents, not {transfer.amount}")
    return make_epc_qr(
        name=_line(transfer.payee)[:_LONGEST_PAYEE],
        iban=transfer.iban.replace(" ", ""),
        amount=Decimal(transfer.amount).scaleb(-2),
        text=_line(transfer.reference)[:_LONGEST_TEXT],
        bic=transfer.bic.replace(" ", "") or None,
        encoding=_UTF_8,
    )


def _line(text: str) -> str:
    """A line feed ends a field of the code, so that one in a text would forge the next field."""
    return " ".join(text.split())
