"""What invoices need is asked for before a booking is confirmed, and the office sees what is missing (SPEC S12)."""

import pytest
from sqlalchemy import update

from booking.actions.audit import Actor
from booking.actions.desk import Issued, Named, issue_code
from booking.actions.reviews import decide_request
from booking.reads.doors import desk_reach
from booking.tables.houses import PriceRule
from booking.values.refusals import Refused
from booking.values.states import BookingState, Role, Verdict
from tests.builders import change_house
from tests.web.office.conftest import Desk

LETTERHEAD = "/office/settings/house"
MISSING = "Steuernummer oder USt-IdNr."
CALLER = Named(booking_code=True)


@pytest.fixture
def lacking(desk: Desk) -> Desk:
    desk.write(lambda db, _: change_house(db, desk.ids, vat_id=None, tax_number=None))
    return desk


@pytest.mark.rule("S12")
@pytest.mark.parametrize("role", [Role.OFFICE, Role.ADMIN])
def test_nothing_is_confirmed_for_which_no_invoice_can_be_written(lacking: Desk, role: Role) -> None:
    lacking.visitor = lacking.site.logged_in(role)
    made = lacking.ask()
    lacking.code(made.slot)
    page = f"/office/requests/{made.public_id}"
    answer = lacking.visitor.post(f"{page}/approve", of=page)
    assert answer.status_code == 422
    assert MISSING in answer.text
    assert (f'href="{LETTERHEAD}">Jetzt eintragen' in answer.text) is (role is Role.ADMIN)
    assert lacking.booking(made).state is BookingState.REQUESTED
    lacking.write(lambda db, _: change_house(db, lacking.ids, vat_id="DE123456789"))
    assert lacking.visitor.post(f"{page}/approve", of=page).status_code == 302


@pytest.mark.rule("S12")
def test_the_refusal_names_what_is_lacking(lacking: Desk) -> None:
    made = lacking.ask()
    lacking.code(made.slot)
    actor, now = Actor("Frau Office", lacking.ids.office, "test"), lacking.site.now
    no = lacking.write(lambda db, here: decide_request(db, now, here, made.booking_id, Verdict.APPROVE, actor))
    assert isinstance(no, Refused)
    assert [(reason.code, reason.values) for reason in no.reasons] == [("house-incomplete", {"lacking": "tax-number"})]


@pytest.mark.rule("S12")
def test_what_costs_nothing_needs_no_invoice(lacking: Desk) -> None:
    lacking.write(lambda db, _: db.execute(update(PriceRule).values(cents=0)))
    lacking.write(lambda db, _: change_house(db, lacking.ids))
    assert MISSING not in lacking.get("/office/")
    lacking.confirmed()


@pytest.mark.rule("S17", "S12")
def test_the_desk_still_lets_in_who_stands_at_the_door(lacking: Desk) -> None:
    made = lacking.ask(days=1)
    lacking.code(made.slot, "482915")
    now, tools, who = lacking.site.now, lacking.site.context.tools, Actor("Theke", lacking.ids.desk, "test")
    issued = lacking.write(
        lambda db, here: issue_code(db, now, tools, here, desk_reach(here, now.date()), made.booking_id, CALLER, who)
    )
    assert isinstance(issued, Issued)


@pytest.mark.rule("S12")
def test_today_says_what_is_missing_and_where_to_enter_it(lacking: Desk) -> None:
    lacking.write(lambda db, _: change_house(db, lacking.ids, iban=""))
    page = lacking.get("/office/")
    assert f"{MISSING}, Empfänger und IBAN" in page
    assert LETTERHEAD not in page, "the office cannot change settings"
    admin = Desk(lacking.site, lacking.site.logged_in(Role.ADMIN))
    assert LETTERHEAD in admin.get("/office/")
    lacking.write(lambda db, _: change_house(db, lacking.ids, vat_id="DE123456789", iban="DE02120300000000202051"))
    assert "Es kann keine Rechnung" not in lacking.get("/office/")
