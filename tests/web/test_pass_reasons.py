"""What is against a pass, a type, a sale, a freeze or a contract is said in words (SPEC O, X8)."""

from typing import TYPE_CHECKING

import pytest

from booking.rules.pass_ends import Warned
from booking.values.refusals import Reason
from tests.web.written_codes import written_codes
from web.class_reasons import CLASS_TEXTS
from web.house_reasons import HOUSE_TEXTS
from web.office_reasons import OFFICE_TEXTS
from web.pass_reasons import PASS_TEXTS, warning
from web.reasons import known_codes, message

if TYPE_CHECKING:
    from tests.web.conftest import Site

PARTS = ("pass_*", "passes", "units", "freezes", "contracts", "contract_terms", "auto_booking")
WARNINGS = {"about-to-end", "units-low", "debt"}
VALUES = {
    **dict.fromkeys(("first", "last", "until", "booked", "earliest", "next", "today"), "2026-12-07"),
    **dict.fromkeys(("left", "needed", "days", "most", "least"), 3),
    "unit": "weeks",
    "weekday": 0,
    "time": "18:00",
    "name": "Yoga",
    "holder": "Ada Byron",
}


@pytest.mark.rule("X8")
def test_every_reason_of_passes_has_a_text_and_none_says_what_another_part_says() -> None:
    codes = written_codes(*PARTS) - WARNINGS
    assert codes - set(PASS_TEXTS) - known_codes() == set()
    assert set(PASS_TEXTS) <= codes
    assert not set(PASS_TEXTS) & (set(CLASS_TEXTS) | set(OFFICE_TEXTS) | set(HOUSE_TEXTS))


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "de",
            {
                "pass-over": "Dieses Abonnement gilt bis Mo, 7. Dezember 2026.",
                "wrong-weekday": "Dieses Abonnement gilt nicht am Montag.",
                "consumer-notice": "Für Verbraucher beträgt die Kündigungsfrist höchstens 3 Wochen.",
            },
        ),
        (
            "en",
            {
                "pass-over": "This pass is good until Mon, 7 December 2026.",
                "wrong-weekday": "This pass is not good on a Monday.",
                "consumer-notice": "For consumers the notice period is 3 weeks at most.",
            },
        ),
    ],
)
def test_texts_carry_their_values_in_the_page_s_language(site: "Site", language: str, expected: dict[str, str]) -> None:
    with site.app.test_request_context(headers={"Accept-Language": language}):
        site.app.preprocess_request()
        texts = {code: text(VALUES) for code, text in PASS_TEXTS.items()}
        bare = [text({}) for text in PASS_TEXTS.values()]
    assert all(bare)
    assert len(set(texts.values())) == len(texts)
    assert not any("%(" in text for text in texts.values())
    assert {code: texts[code] for code in expected} == expected


@pytest.mark.rule("O37", "O44", "X8")
def test_what_has_no_day_or_no_limit_is_said_without_one(site: "Site") -> None:
    held = {"holder": "Ada Byron"}
    with site.app.test_request_context(headers={"Accept-Language": "en"}):
        site.app.preprocess_request()
        assert message(Reason("freeze-number", None, {"most": 0})) == "This pass cannot rest."
        assert message(Reason("freeze-not-begun")).startswith("The pass begins with its first visit")
        assert message(Reason("type-held", "pass-1", held)).startswith("Ada Byron holds a pass of this type without")
        assert message(Reason("out-of-range", "price", {"least": 0})) == "Please enter 0 or more."
        assert message(Reason("out-of-range", "visits", {"least": 1, "most": 9})).endswith("a number from 1 to 9.")


@pytest.mark.rule("O49")
def test_warnings_are_said_with_their_numbers(site: "Site") -> None:
    found = [
        Warned("about-to-end", {"last": "2026-12-07", "days": 3}),
        Warned("units-low", {"left": 1}),
        Warned("debt", {"cents": 1250}),
    ]
    assert {one.code for one in found} == WARNINGS
    with site.app.test_request_context(headers={"Accept-Language": "de"}):
        site.app.preprocess_request()
        assert [warning(one) for one in found] == [
            "Dieses Abonnement endet am Mo, 7. Dezember 2026.",
            "Auf diesem Abonnement ist noch 1 Punkt.",
            "Für dieses Abonnement noch offen: 12,50\xa0€.",
        ]
