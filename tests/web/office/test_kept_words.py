"""A refusal loses nothing that was typed into a dialog (SPEC X8)."""

import re
from datetime import timedelta

import pytest

from tests.builders import set_steps
from tests.web.office.conftest import Desk

WORDS = "Die Heizung fiel aus & <blieb> kalt"
SHOWN = "Die Heizung fiel aus &amp; &lt;blieb&gt; kalt"


@pytest.mark.rule("X8")
def test_the_note_on_a_rental_that_began_is_kept(desk: Desk) -> None:
    made = desk.confirmed(days=1)
    desk.site.now += timedelta(days=5)
    page = f"/office/bookings/{made.public_id}"
    answer = desk.visitor.post(f"{page}/afterwards", {"what": "waive", "text": "  "}, of=page)
    assert answer.status_code == 422
    assert '<option value="waive" selected>' in answer.text


@pytest.mark.rule("X8")
def test_that_the_fee_is_waived_is_kept_when_the_reason_was_forgotten(desk: Desk) -> None:
    desk.write(lambda db, _: set_steps(db, desk.ids, (30, 50)))
    made = desk.confirmed()
    page = f"/office/bookings/{made.public_id}"
    answer = desk.visitor.post(f"{page}/cancel", {"reason": " ", "waive": "yes"}, of=page)
    assert answer.status_code == 422
    assert re.search(r'name="waive"[^>]* checked>', answer.text)
    assert not re.search(r'name="waive"[^>]* checked>', desk.get(page))


@pytest.mark.rule("X8")
def test_the_reason_of_a_rejection_is_kept_when_the_request_has_changed(desk: Desk) -> None:
    made = desk.ask()
    page = f"/office/requests/{made.public_id}"
    answer = desk.visitor.post(f"{page}/reject", {"preset": "people", "reason": WORDS, "seen": "another"}, of=page)
    assert answer.status_code == 409
    assert SHOWN in answer.text
    assert '<option value="people" selected>' in answer.text
