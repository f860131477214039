"""Mails, cases, customers, invoices and payments by program: the office's rules, codes told by logged looks alone."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from booking.actions.cases import open_case
from booking.tables.bookings import AuditEntry
from booking.tables.doors import Door
from booking.tables.outgoing import Invoice, InvoiceFile
from booking.tables.people import Customer
from booking.values.states import MessageState, Role, Verdict
from tests.builders import build_house
from tests.fixtures.mail import SmtpSink
from tests.web.conftest import Caller
from tests.web.office.conftest import Desk
from tests.web.office.test_mails import bury
from web.mail_body import MASK


def program(desk: Desk, role: Role = Role.OFFICE) -> Caller:
    return desk.site.api(role)


def reasons(answer: Any) -> set[tuple[str, str | None]]:
    return {(one["code"], one["at"]) for one in answer.get_json()["reasons"]}


def pages(caller: Caller, what: str, **query: Any) -> list[dict[str, Any]]:
    """All that a list has, two at a time."""
    found: list[dict[str, Any]] = []
    query = {"limit": 2, **query}
    while True:
        page = caller.get(f"/{what}", query_string=query).get_json()
        found += page[what]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def open_one(desk: Desk, about: str = "1", kind: str = "codes-low", **facts: Any) -> None:
    now = desk.site.now
    desk.write(lambda db, here: open_case(db, now, here.organisation_id, kind, about, None, facts))


def billed(desk: Desk) -> str:
    """A confirmed booking with its invoice."""
    desk.confirmed()
    [invoice] = desk.rows(select(Invoice))
    return str(invoice.public_id)


@pytest.mark.rule("X4")
def test_mails_are_listed_page_by_page_and_a_dead_one_is_sent_again(desk: Desk) -> None:
    desk.ask()
    desk.ask(days=11, name="Bert Ohm")
    caller = program(desk)
    listed = pages(caller, "mails")
    assert len(listed) == len(desk.rows(select(Invoice.id))) + 6
    assert [one["id"] for one in listed] == sorted((one["id"] for one in listed), reverse=True)
    message = desk.mails("acknowledgement")[0]
    live = caller.post(f"/mails/{message.public_id}/again")
    assert (live.status_code, reasons(live)) == (409, {("not-dead", None)})
    bury(desk, message)
    [dead] = pages(caller, "mails", state="dead")
    assert (dead["id"], dead["last_error"], dead["attempts"]) == (str(message.public_id), "recipient refused: 550", 10)
    again = caller.post(f"/mails/{message.public_id}/again", key="again")
    assert (again.status_code, again.get_json()["state"]) == (200, "queued")
    assert caller.post(f"/mails/{message.public_id}/again", key="again").get_json() == again.get_json()
    assert desk.mails("acknowledgement")[0].state is MessageState.QUEUED
    assert [entry.actor for entry in desk.audit("booking", "mail-again")] == ["api:office"]
    assert [one["to_name"] for one in pages(caller, "mails", to="ohm", kind="acknowledgement")] == ["Bert Ohm"]


@pytest.mark.rule("S11", "X5")
def test_a_mails_codes_are_masked_and_told_by_a_logged_look_alone(
    desk: Desk, smtp_sink: SmtpSink, caplog: pytest.LogCaptureFixture
) -> None:
    desk.confirmed()
    path = f"/mails/{desk.mails('confirmation')[0].public_id}"
    caller = program(desk)
    assert caller.get(path).get_json()["text"] is None
    desk.send("confirmation", smtp_sink)
    shown = caller.get(path)
    assert MASK in shown.get_json()["text"]
    assert "4711" not in shown.get_json()["text"]
    assert desk.audit("booking", "code-shown") == []
    with caplog.at_level(logging.DEBUG):
        told = caller.post(f"{path}/codes")
    assert ([one["code"] for one in told.get_json()["codes"]], told.headers["Cache-Control"]) == (["4711"], "no-store")
    assert [entry.actor for entry in desk.audit("booking", "code-shown")] == ["api:office"]
    assert "4711" not in caplog.text


@pytest.mark.rule("S10")
def test_a_case_is_listed_and_decided_once(desk: Desk) -> None:
    for number in range(3):
        open_one(desk, str(number), left=number + 1, remote_booking_id=77)
    caller = program(desk)
    listed = pages(caller, "cases")
    assert [one["facts"] for one in listed] == [{"left": 3}, {"left": 2}, {"left": 1}]
    assert {one["title"] for one in listed} == {"Zugangscodes gehen aus"}
    path = f"/cases/{listed[0]['id']}"
    assert caller.get(path).get_json() == listed[0]
    wrong = caller.post(f"{path}/decide", {"way": "cancel"})
    assert (wrong.status_code, reasons(wrong)) == (422, {("no-such-way", None)})
    done = caller.post(f"{path}/decide", {"way": "settled"}, key="case")
    assert (done.status_code, done.get_json()["ways"], done.get_json()["resolution"]) == (200, [], "settled")
    assert caller.post(f"{path}/decide", {"way": "settled"}, key="case").get_json() == done.get_json()
    late = caller.post(f"{path}/decide", {"way": "settled"})
    assert (late.status_code, reasons(late)) == (409, {("case-closed", None)})
    assert [one["id"] for one in pages(caller, "cases", closed="true")] == [listed[0]["id"]]
    assert len(pages(caller, "cases")) == 2


@pytest.mark.rule("S19", "X5")
def test_a_standing_discount_is_kept_and_respected_on_the_invoice(desk: Desk) -> None:
    made = desk.ask()
    desk.code(made.slot)
    caller = program(desk)
    [found] = pages(caller, "customers", q="müller")
    path = f"/customers/{found['id']}"
    assert (found["bookings"], found["discount"]["percent"], found["contact"]["name"]) == (1, 0, "Anna Müller")
    wanted = {"percent": 20, "note": "Jugendtraining", "first_day": "2026-10-01", "last_day": None}
    kept = caller.call("PUT", f"{path}/discount", wanted)
    assert (kept.status_code, kept.get_json()["discount"]) == (200, wanted | {"amount_cents": 0}), kept.text
    assert caller.get(path).get_json() == kept.get_json()
    assert [one["id"] for one in pages(caller, "customers", discount="true")] == [found["id"]]
    desk.decide(made, Verdict.APPROVE)
    desk.settle()
    [invoice] = pages(caller, "invoices")
    assert (invoice["total_cents"], invoice["paid_at"], invoice["booking"]) == (8000, None, str(made.public_id))
    assert caller.get(path).get_json()["unpaid_cents"] == 8000


@pytest.mark.rule("X8")
def test_a_senseless_discount_is_refused_at_its_members(desk: Desk) -> None:
    desk.ask()
    [customer] = desk.rows(select(Customer))
    body = {"percent": 10, "amount_cents": 500, "first_day": "2026-12-02", "last_day": "2026-12-01"}
    answer = program(desk).call("PUT", f"/customers/{customer.public_id}/discount", body)
    assert answer.status_code == 422
    assert reasons(answer) == {("one-of-both", "amount_cents"), ("ends-before", "last_day"), ("no-note", "note")}
    assert "Bitte schreiben Sie, warum" in answer.text


def test_customers_are_listed_page_by_page_without_loss(desk: Desk) -> None:
    for number, name in enumerate(("Anna Müller", "Özlem Yıldız", "Bert Ohm")):
        desk.site.now += timedelta(minutes=1)
        desk.ask(days=10 + number, name=name)
    listed = pages(program(desk), "customers")
    assert [one["contact"]["name"] for one in listed] == ["Bert Ohm", "Özlem Yıldız", "Anna Müller"]


@pytest.mark.rule("S12")
def test_an_invoice_is_noted_as_paid_once_and_its_pdf_is_fetched(desk: Desk) -> None:
    path = f"/invoices/{billed(desk)}"
    caller = program(desk)
    assert caller.get(f"{path}/pdf").status_code == 404
    [row] = desk.rows(select(Invoice))
    facts = {"organisation_id": row.organisation_id, "invoice_id": row.id, "rendered_at": desk.site.now}
    desk.write(lambda db, _: db.add(InvoiceFile(**facts, pdf=b"%PDF-1.7")))
    pdf = caller.get(f"{path}/pdf")
    assert (pdf.data, pdf.content_type) == (b"%PDF-1.7", "application/pdf")
    assert [one["number"] for one in pages(caller, "invoices", paid="false")] == [row.number]
    paid = caller.post(f"{path}/paid", {"note": "Überweisung"}, key="paid")
    assert paid.status_code == 200, paid.text
    assert caller.post(f"{path}/paid", {"note": "Überweisung"}, key="paid").get_json() == paid.get_json()
    twice = caller.post(f"{path}/paid", {})
    assert (twice.status_code, reasons(twice)) == (409, {("already-paid", None)})
    assert caller.get(path).get_json()["paid_note"] == "Überweisung"
    assert pages(caller, "invoices", paid="false") == []


@pytest.mark.rule("S18")
def test_what_happened_is_marked_once_the_time_has_begun(desk: Desk) -> None:
    made = desk.confirmed()
    caller, path = program(desk), f"/bookings/{made.public_id}"
    waive = {"what": "waive", "text": "Heizung aus"}
    early = caller.post(f"{path}/afterwards", waive)
    assert (early.status_code, reasons(early)) == (409, {("not-started", None)})
    desk.site.now = made.slot.start + timedelta(minutes=5)
    marked = caller.post(f"{path}/afterwards", waive)
    assert marked.get_json() == {"id": str(made.public_id), "no_show": False, "follow_up": "waive: Heizung aus"}
    assert caller.post(f"{path}/no-show", {"came": False}).get_json()["no_show"] is True
    assert [one["kind"] for one in pages(caller, "cases")] == ["invoice-waived"]


@pytest.mark.rule("R1", "R5")
def test_neither_the_desk_nor_a_neighbour_reaches_the_offices_records(desk: Desk, smtp_sink: SmtpSink) -> None:
    invoice = billed(desk)
    open_one(desk)
    desk.send("confirmation", smtp_sink)
    caller = program(desk)
    mail, case = desk.mails("confirmation")[0].public_id, pages(caller, "cases")[0]["id"]
    [customer] = desk.rows(select(Customer))
    other = desk.site.database.write(lambda db: build_house(db, slug="nachbar"))
    neighbour, partner = desk.site.api(organisation_id=other.organisation_id), program(desk, Role.DESK)
    for what in ("mails", "cases", "customers", "invoices"):
        assert partner.get(f"/{what}").status_code == 403
        assert neighbour.get(f"/{what}").get_json()[what] == []
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/mails/{mail}", None),
        ("POST", f"/mails/{mail}/codes", {}),
        ("POST", f"/mails/{mail}/again", {}),
        ("GET", f"/cases/{case}", None),
        ("POST", f"/cases/{case}/decide", {"way": "settled"}),
        ("GET", f"/customers/{customer.public_id}", None),
        ("PUT", f"/customers/{customer.public_id}/discount", {}),
        ("GET", f"/invoices/{invoice}", None),
        ("GET", f"/invoices/{invoice}/pdf", None),
        ("POST", f"/invoices/{invoice}/paid", {}),
    ]
    before = len(desk.rows(select(AuditEntry.id)))
    for method, path, body in calls:
        assert partner.call(method, path, body).status_code == 403, path
        assert neighbour.call(method, path, body).status_code == 404, path
    assert len(desk.rows(select(AuditEntry.id))) == before


LISTS = ("mails", "cases", "customers", "invoices", "audit", "doors/{door}/codes", "door-stock", "desk/codes")


@pytest.mark.parametrize("what", LISTS)
def test_a_list_costs_as_many_statements_with_many_rows_as_with_few(
    desk: Desk, count_queries: Callable[[Callable[[], object]], int], what: str
) -> None:
    [door] = desk.rows(select(Door))
    caller, path = program(desk, Role.ADMIN), f"/{what.format(door=door.public_id)}"

    def fill(day: int) -> None:
        made = desk.ask(days=day, name=f"Gast {day}")
        desk.code(made.slot, f"4711{day}")
        desk.decide(made, Verdict.APPROVE)
        desk.settle()
        open_one(desk, f"{day}", left=day)

    fill(2)
    caller.get(path)
    few, first = count_queries(lambda: caller.get(path)), caller.get(path).text
    for day in range(3, 7):
        fill(day)
    caller.get(path)
    assert count_queries(lambda: caller.get(path)) == few <= 12
    assert (caller.get(path).text != first) or what == "desk/codes"
