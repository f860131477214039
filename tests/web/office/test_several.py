"""Several requests at once: the preview lists exactly what follows, each is decided by itself."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from booking.tables.bookings import Decision, Event
from booking.values.states import DecisionState, Role
from tests.web.office.conftest import Desk

HERE = "/office/requests/several"


def three(desk: Desk) -> list[object]:
    """Three requests; the second finds no code."""
    made = [desk.ask(first=first, last=first + 2, name=name) for first, name in ((8, "Eva"), (12, "Max"), (16, "Uwe"))]
    for place in (0, 2):
        desk.code(made[place].slot, f"47{place}1")
    return made  # type: ignore[return-value]


def chosen(page: str) -> list[str]:
    return re.findall(r'name="booking" value="([^"]+)"', page)


def pending(desk: Desk) -> int:
    return len(desk.rows(select(Decision).where(Decision.state == DecisionState.PENDING)))


@pytest.mark.rule("S8")
def test_the_preview_lists_each_decision_and_mail_and_decides_nothing(desk: Desk) -> None:
    three(desk)
    ids = chosen(desk.get(HERE))
    answer = desk.visitor.post(f"{HERE}/preview", {"booking": ids, "verdict": "approve"}, of=HERE)
    assert answer.status_code == 200
    assert "3 Anfragen bestätigen" in answer.text
    for words in ("eva@verein.example", "max@verein.example", "uwe@verein.example", "100,00"):
        assert words in answer.text
    assert answer.text.count("wird abgewiesen") == 1
    assert (
        "kein freier Zugangscode" in answer.text
        or "keinen freien Zugangscode" in answer.text
        or "Zugangscode" in answer.text
    )
    assert pending(desk) == 0


@pytest.mark.rule("S8")
def test_each_is_applied_by_itself_and_one_that_fails_stops_no_other(desk: Desk) -> None:
    three(desk)
    preview = desk.visitor.post(f"{HERE}/preview", {"booking": chosen(desk.get(HERE)), "verdict": "approve"}, of=HERE)
    answer = desk.visitor.post(HERE, {"booking": chosen(preview.text), "verdict": "approve"}, of=HERE)
    assert answer.status_code == 200
    assert answer.text.count("kurz noch rückgängig") == 2
    assert "1 nicht entschieden" in answer.text
    assert pending(desk) == 2
    undone = desk.visitor.post(f"{HERE}/undo", {"booking": chosen(answer.text)}, of=HERE)
    assert undone.text.count("Zurückgenommen") == 2
    assert pending(desk) == 0


def test_what_changed_after_the_preview_is_not_decided(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    preview = desk.visitor.post(f"{HERE}/preview", {"booking": chosen(desk.get(HERE)), "verdict": "approve"}, of=HERE)
    desk.write(lambda db, _: db.execute(update(Event).values(ends_at=made.slot.end - timedelta(minutes=30))))
    answer = desk.visitor.post(HERE, {"booking": chosen(preview.text), "verdict": "approve"}, of=HERE)
    assert "Seit der Vorschau geändert" in answer.text
    assert pending(desk) == 0


def test_what_somebody_decided_meanwhile_is_told(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    preview = desk.visitor.post(f"{HERE}/preview", {"booking": chosen(desk.get(HERE)), "verdict": "approve"}, of=HERE)
    other = desk.site.logged_in(Role.OWNER)
    other.post(f"/office/requests/{made.public_id}/approve", of="/office/requests")
    answer = desk.visitor.post(HERE, {"booking": chosen(preview.text), "verdict": "approve"}, of="/office/requests")
    assert "Frau Owner war schneller" in answer.text


@pytest.mark.rule("S9")
def test_rejecting_several_needs_a_reason_and_keeps_what_was_typed(desk: Desk) -> None:
    three(desk)
    ids = chosen(desk.get(HERE))
    answer = desk.visitor.post(f"{HERE}/preview", {"booking": ids[:1], "verdict": "reject"}, of=HERE)
    assert answer.status_code == 422
    assert answer.text.count(" checked") == 1
    answer = desk.visitor.post(f"{HERE}/preview", {"booking": ids, "verdict": "reject", "reason": "Umbau"}, of=HERE)
    assert answer.text.count("Umbau") >= 3


def test_choosing_none_is_told(desk: Desk) -> None:
    three(desk)
    answer = desk.visitor.post(f"{HERE}/preview", {"verdict": "approve"}, of=HERE)
    assert answer.status_code == 422
    assert "mindestens eine" in answer.text


def test_rubbish_in_the_form_decides_nothing(desk: Desk) -> None:
    three(desk)
    answer = desk.visitor.post(HERE, {"booking": ["x", "../", "1@2"], "verdict": "approve"}, of=HERE)
    assert answer.status_code == 200
    assert pending(desk) == 0
