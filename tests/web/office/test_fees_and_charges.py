"""The office sees the fee of a late move before it decides, and charges an amount with its reason (SPEC S18, S27)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from booking.actions.audit import CUSTOMER
from booking.actions.requests import Made
from booking.actions.shifting import move_rental
from booking.rules import moving
from booking.tables.bookings import CaseFile
from tests.builders import make_tools, set_steps, slot_in
from tests.web.office.conftest import Desk


def move_asked(desk: Desk, *steps: tuple[int, int]) -> Made:
    desk.write(lambda db, _: set_steps(db, desk.ids, *steps))
    old, to = desk.confirmed(days=3), slot_in(12, 18, 20)
    desk.code(to, "7733")
    made = desk.write(
        lambda db, here: move_rental(
            db, desk.site.now, make_tools(), here, old.booking_id, to, moving.Actor.CUSTOMER, CUSTOMER
        )
    )
    assert isinstance(made, Made)
    return made


@pytest.mark.rule("S27")
def test_the_review_of_a_move_shows_what_it_costs_and_so_does_the_mail_to_come(desk: Desk) -> None:
    made = move_asked(desk, (7, 50))
    page = desk.get(f"/office/requests/{made.public_id}")
    assert "So spät zu verschieben kostet 50,00\N{NO-BREAK SPACE}€" in page
    mail = desk.get(f"/office/requests/{made.public_id}/mail/approve")
    assert "Die Verschiebung kostet zusätzlich 50,00&nbsp;€" in mail


@pytest.mark.rule("S27")
def test_the_review_of_an_early_move_says_that_it_costs_nothing(desk: Desk) -> None:
    made = move_asked(desk)
    page = desk.get(f"/office/requests/{made.public_id}")
    assert "Das Verschieben kostet nichts." in page
    assert "So spät" not in page


@pytest.mark.rule("S27")
def test_the_office_does_not_cancel_for_a_fee_that_it_did_not_see(desk: Desk) -> None:
    desk.write(lambda db, _: set_steps(db, desk.ids, (7, 50)))
    made = desk.confirmed(days=3)
    path = f"/office/bookings/{made.public_id}"
    desk.write(lambda db, _: set_steps(db, desk.ids, (7, 80)))
    answer = desk.visitor.post(f"{path}/cancel", {"reason": "Rohrbruch", "fee_cents": "5000"}, of=path)
    assert answer.status_code == 422
    assert "Die Gebühr hat sich geändert" in answer.text
    assert desk.visitor.post(f"{path}/cancel", {"reason": "Rohrbruch", "fee_cents": "8000"}, of=path).status_code == 302


@pytest.mark.rule("S18", "X8")
def test_an_amount_is_charged_and_a_wrong_one_is_refused_with_all_that_was_typed(desk: Desk) -> None:
    made = desk.confirmed(days=1)
    desk.site.now += timedelta(days=5)
    path = f"/office/bookings/{made.public_id}"
    given = {"what": "charge", "text": "Heizung fiel aus", "amount": "100,01"}
    for amount, said in (("100,01", "bis zum geschuldeten Preis ein: 100,00"), ("viel", "Zahl")):
        answer = desk.visitor.post(f"{path}/afterwards", given | {"amount": amount}, of=path)
        assert answer.status_code == 422
        assert said in answer.text
        assert f'value="{amount}"' in answer.text
    assert desk.visitor.post(f"{path}/afterwards", given | {"amount": "40,00"}, of=path).status_code == 302
    assert desk.booking(made).price_cents == 4000
    assert desk.rows(select(CaseFile.kind)) == ["invoice-differs"]
    page = desk.get(path)
    assert "<del>100,00\N{NO-BREAK SPACE}€</del>" in page
    assert "<ins>40,00\N{NO-BREAK SPACE}€</ins>" in page
    program = desk.site.api()
    more = program.post(f"/bookings/{made.public_id}/afterwards", {"what": "charge", "text": "Doch", "cents": 10001})
    assert (more.status_code, more.get_json()["reasons"][0]["at"]) == (422, "cents")
    all_of_it = program.post(f"/bookings/{made.public_id}/afterwards", {"what": "charge", "text": "Doch"})
    assert (all_of_it.status_code, desk.booking(made).price_cents) == (200, 10000)
