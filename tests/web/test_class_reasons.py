"""What stands in the way of a place is said in words (SPEC V7, X8)."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import booking
from booking.rules.class_obstacles import STANDS
from web.class_reasons import CLASS_TEXTS
from web.office_reasons import OFFICE_TEXTS
from web.reasons import known_codes

if TYPE_CHECKING:
    from tests.web.conftest import Site

RULES = Path(booking.__file__).parent / "rules"
PARTS = ("class_*", "attendance", "waiting", "timetable*", "course_settings")
VALUES = {
    **dict.fromkeys(("opens", "closed", "start", "until"), "2026-12-07T17:00:00+00:00"),
    **dict.fromkeys(("capacity", "position", "years", "level", "units", "most", "least"), 3),
    "consent": "health",
    "cents": 1250,
}


def raised() -> set[str]:
    found = set(STANDS)
    for part in PARTS:
        for file in RULES.glob(f"{part}.py"):
            found |= set(re.findall(r'\b(?:Reason|refused)\(\s*"([a-z-]+)"', file.read_text(encoding="utf-8")))
    return found


@pytest.mark.rule("V7", "X8")
def test_every_reason_of_classes_has_a_text_and_none_says_what_another_part_says() -> None:
    assert raised() - set(CLASS_TEXTS) - known_codes() == set()
    assert set(CLASS_TEXTS) <= raised()
    assert not set(CLASS_TEXTS) & set(OFFICE_TEXTS)


@pytest.mark.rule("X8")
@pytest.mark.parametrize(
    ("language", "opens", "owed", "consent"),
    [
        ("de", "Buchbar ab Mo, 7. Dezember 2026, 18:00.", "Es ist noch etwas zu zahlen: 12,50\xa0€.", "Gesundheit"),
        (
            "en",
            "It can be booked from Mon, 7 December 2026, 18:00 on.",
            "Something is still to be paid: €12.50.",
            "health",
        ),
    ],
)
def test_texts_carry_their_values_in_the_page_s_language(
    site: "Site", language: str, opens: str, owed: str, consent: str
) -> None:
    with site.app.test_request_context(headers={"Accept-Language": language}):
        site.app.preprocess_request()
        texts = {code: text(VALUES) for code, text in CLASS_TEXTS.items()}
        assert all(text({}) for text in CLASS_TEXTS.values())
    assert len(set(texts.values())) == len(texts)
    assert not any("%(" in text for text in texts.values())
    assert (texts["booking-not-open"], texts["customer-blocked"]) == (opens, owed)
    assert consent in texts["consent-missing"]
