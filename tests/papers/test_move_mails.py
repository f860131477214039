"""What the mails about another time say of price and fee, and of the time that stays (SPEC S26, S27)."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from booking.values.money import Cents
from booking.values.slot import Slot
from papers.letters import Letter
from papers.mails import render

Build = Callable[..., Letter]
FEE = Cents(2550)


def text(letter: Letter) -> str:
    return " ".join(render(letter).text.split())


@pytest.mark.rule("S27")
def test_the_mail_of_a_new_time_names_the_price_that_it_has(build: Build) -> None:
    assert "Gesamt 65,00 €" in text(build("Moved"))
    assert "Total €65.00" in text(build("Moved", "en"))


@pytest.mark.rule("S27")
@pytest.mark.parametrize(
    ("kind", "language", "told"),
    [
        ("Acknowledgement", "de", "Die Verschiebung kostet 25,50 €, sobald wir sie bestätigen."),
        ("Acknowledgement", "en", "Changing the time costs €25.50 once we confirm it."),
        ("Confirmation", "de", "Die Verschiebung kostet zusätzlich 25,50 €."),
        ("Confirmation", "en", "Changing the time costs €25.50 besides."),
    ],
)
def test_the_fee_of_a_late_move_is_named_and_no_fee_is_not(build: Build, kind: str, language: str, told: str) -> None:
    assert told in text(build(kind, language, move_fee=FEE))
    assert told[:16] not in text(build(kind, language))


@pytest.mark.rule("S26", "S27")
def test_a_wish_for_another_time_that_expired_says_that_the_booking_stays(build: Build) -> None:
    stays = Slot(datetime(2026, 11, 28, 17, tzinfo=UTC), datetime(2026, 11, 28, 18, tzinfo=UTC))
    told = text(build("Expired", stays=stays))
    assert "Ihre Buchung bleibt bei ihrer bisherigen Zeit: Sa, 28. November 2026, 18:00\N{EN DASH}19:00." in told
    assert "bleibt bei" not in text(build("Expired"))
