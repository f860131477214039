"""What the plan of a series booking says of its dates is said in words (SPEC F17 to F22, X8)."""

from typing import TYPE_CHECKING

import pytest

from booking.rules.order_summary import WAITS_FOR
from booking.rules.orders import DECLINED
from booking.values.orders import Waits
from booking.values.refusals import Reason
from tests.web.written_codes import written_codes
from web.order_reasons import date_message, lack_message, waits_message

if TYPE_CHECKING:
    from tests.web.conftest import Site

LACKS = {*WAITS_FOR, "horizon", "series-ended", "paused"}
VALUES = {
    **dict.fromkeys(("day", "first", "last", "until"), "2026-12-07"),
    **dict.fromkeys(("units", "left", "count", "events"), 3),
}


@pytest.mark.rule("F19", "X8")
@pytest.mark.parametrize("language", ["de", "en"])
def test_every_reason_of_a_plan_has_a_text_of_its_own(site: "Site", language: str) -> None:
    dates = (written_codes("orders", "order_*") | {state.value for state in DECLINED}) - {"horizon", "series-ended"}
    with site.app.test_request_context(headers={"Accept-Language": language}):
        site.app.preprocess_request()
        unknown = date_message(Reason("something-new"))
        said = {code: date_message(Reason(code, None, VALUES)) for code in dates}
        lacks = {code: lack_message(Reason(code, None, VALUES)) for code in LACKS}
        waits = {waits_message(one) for one in Waits}
    assert len(dates) > 20
    for texts in (said, lacks):
        assert unknown not in texts.values()
        assert len(set(texts.values())) == len(texts)
        assert not any("%(" in text for text in texts.values())
    assert len(waits) == len(Waits)


@pytest.mark.rule("F19", "F22")
def test_a_word_of_the_plan_is_not_mistaken_for_that_of_another_part(site: "Site") -> None:
    with site.app.test_request_context(headers={"Accept-Language": "de"}):
        site.app.preprocess_request()
        late = date_message(Reason("too-late"))
        ended = date_message(Reason("pass-ended", None, {"day": "2026-12-07"}))
        short = lack_message(Reason("pass-ended", None, {"events": 1}))
        refused = date_message(Reason("emergency-contact-missing"))
    assert late == "Er bleibt gebucht, denn das Zurückgeben ist nicht mehr kostenlos."
    assert ended == "Das Abonnement endet am Mo, 7. Dezember 2026."
    assert short == "Vor 1 Termin endet das Abonnement."
    assert refused == "Bitte tragen Sie einen Notfallkontakt ein."
