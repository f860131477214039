"""Every mail with its state; its codes masked; looking at them is logged; a dead one is sent again."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from booking.actions.messages import BAD_ADDRESS, NO_ADDRESS
from booking.actions.moves import move_message
from booking.tables.bookings import AuditEntry
from booking.tables.outgoing import Message, Outbox
from booking.values.states import MessageState
from tests.builders import build_house, contact, request, slot_in
from tests.fixtures.mail import SmtpSink
from tests.web.office.conftest import Desk
from web.mail_body import MASK
from workers.outcome import Done


def path(message: Message, what: str = "") -> str:
    return f"/office/mails/{message.public_id}{what}"


def bury(desk: Desk, message: Message, error: str = "recipient refused: 550") -> None:
    def work(db: object, _: object) -> None:
        row = db.get(Message, message.id)  # type: ignore[attr-defined]  # a session
        move_message(db, row, MessageState.DEAD)  # type: ignore[arg-type]
        dead = update(Outbox).where(Outbox.topic == "mail", Outbox.subject_id == message.id)
        db.execute(dead.values(dead_at=desk.site.now, attempts=10, last_error=error))  # type: ignore[attr-defined]

    desk.write(work)


@pytest.mark.rule("X4")
def test_a_dead_mail_is_seen_and_the_same_mail_can_be_sent_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.ask()
    message = desk.mails("acknowledgement")[0]
    bury(desk, message)
    assert "E-Mail gescheitert" in desk.get("/office/")
    listed = desk.get("/office/mails?state=dead")
    assert "Gescheitert" in listed
    assert "recipient refused: 550" in listed
    assert "10-mal versucht" in desk.get(path(message))
    assert desk.visitor.post(path(message, "/again"), of=path(message)).status_code == 302
    again = desk.mails("acknowledgement")
    assert [(one.id, one.message_id, one.state) for one in again] == [
        (message.id, message.message_id, MessageState.QUEUED)
    ]
    duty = desk.duty(message)
    assert (duty.dead_at, duty.attempts, duty.due_at) == (None, 0, desk.site.now)
    assert desk.audit("booking", "mail-again")[0].actor == "Frau Office"
    assert isinstance(desk.send("acknowledgement", smtp_sink), Done)
    assert desk.mails("acknowledgement")[0].state is MessageState.SENT


@pytest.mark.rule("X4")
@pytest.mark.parametrize(
    ("error", "told"), [(NO_ADDRESS, "Mailadresse ist nicht angegeben"), (BAD_ADDRESS, "keine Mail gehen")]
)
def test_a_mail_without_a_usable_address_says_what_to_do(desk: Desk, error: str, told: str) -> None:
    desk.ask()
    message = desk.mails("acknowledgement")[0]
    bury(desk, message, error)
    for page in ("/office/", "/office/mails?state=dead", path(message)):
        assert told in desk.get(page)
        assert error not in desk.get(page)


def test_only_a_dead_mail_is_sent_again(desk: Desk) -> None:
    desk.ask()
    message = desk.mails("acknowledgement")[0]
    before = desk.duty(message).due_at
    desk.site.now += timedelta(minutes=5)
    desk.visitor.post(path(message, "/again"), of="/office/requests")
    assert desk.duty(message).due_at == before
    assert desk.audit("booking", "mail-again") == []


@pytest.mark.rule("S11", "X5")
def test_the_mail_is_shown_masked_and_its_code_only_by_a_logged_look(desk: Desk, smtp_sink: SmtpSink) -> None:
    made = desk.ask()
    desk.code(made.slot, "835512")
    desk.visitor.post(f"/office/requests/{made.public_id}/approve", of="/office/requests")
    desk.settle()
    desk.send("confirmation", smtp_sink)
    assert b"835512" in smtp_sink.received[0].content
    message = desk.mails("confirmation")[0]
    page, body = desk.visitor.get(path(message)), desk.visitor.get(path(message, "/body"))
    for shown in (page, body):
        assert "835512" not in shown.text
    assert MASK in body.text
    assert "Ihre Buchung ist bestätigt" in body.text
    assert "data:image/png;base64," in body.text  # the payment code is no door code
    assert "sandbox" in body.headers["Content-Security-Policy"]
    assert "/b/A" not in body.text
    assert "Rechnung-2026-00001.pdf" in page.text
    assert desk.rows(select(AuditEntry).where(AuditEntry.action == "code-shown")) == []
    looked = desk.visitor.post(path(message, "/code"), of=path(message))
    assert "8 3 5 5 1 2" in looked.text
    entry = desk.audit("booking", "code-shown")[0]
    assert (entry.subject_id, entry.actor, entry.after) == (made.booking_id, "Frau Office", {"mail": "confirmation"})
    assert "Code angesehen" in desk.get(f"/office/bookings/{made.public_id}")


def test_a_code_that_was_replaced_since_stays_masked(desk: Desk, smtp_sink: SmtpSink) -> None:
    made = desk.ask()
    desk.code(made.slot, "835512")
    desk.visitor.post(f"/office/requests/{made.public_id}/approve", of="/office/requests")
    desk.settle()
    desk.send("confirmation", smtp_sink)
    desk.visitor.post(f"/office/bookings/{made.public_id}/cancel", {"reason": "x"}, of="/office/mails")
    assert "835512" not in desk.visitor.get(path(desk.mails("confirmation")[0], "/body")).text


def test_a_look_is_a_post(desk: Desk) -> None:
    desk.ask()
    assert desk.visitor.get(path(desk.mails("acknowledgement")[0], "/code")).status_code == 405


def test_a_mail_before_its_first_attempt_says_when_it_is_written(desk: Desk) -> None:
    desk.ask()
    message = desk.mails("acknowledgement")[0]
    assert "beim Senden geschrieben" in desk.get(path(message))
    assert desk.visitor.get(path(message, "/body")).status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("state=queued", 3),
        ("state=sent", 0),
        ("kind=acknowledgement", 1),
        ("to=anna", 1),
        ("to=nobody", 0),
        ("state=nonsense", 3),
        ("before=nonsense", 3),
    ],
)
def test_the_list_is_filtered_by_state_kind_and_recipient(desk: Desk, query: str, count: int) -> None:
    desk.ask()
    assert desk.get(f"/office/mails?{query}").count('<tr role="row"><th scope="row"') == count


def test_the_list_goes_on_over_pages_without_loss(desk: Desk) -> None:
    for turn in range(18):  # three mails each
        desk.ask(days=3 + turn // 3, first=8 + 4 * (turn % 3), last=10 + 4 * (turn % 3), name=f"Gast {turn}")
    first = desk.get("/office/mails")
    assert first.count('<tr role="row"><th scope="row"') == 50
    before = first.split("before=")[1].split('"')[0]
    assert desk.get(f"/office/mails?before={before}").count('<tr role="row"><th scope="row"') == 4


@pytest.mark.rule("R1")
def test_another_organisations_mail_is_not_there(desk: Desk) -> None:
    other = desk.site.database.write(lambda db: build_house(db, slug="andere"))
    tools, now, slot = desk.site.context.tools, desk.site.now, slot_in(10, 18, 20)
    desk.site.database.write(lambda db: request(db, now, tools, other, other.left, slot, contact()))
    theirs = desk.mails("acknowledgement")[0]
    desk.ask(days=12)
    for what in ("", "/body"):
        assert desk.visitor.get(path(theirs, what)).status_code == 404
    for what in ("/code", "/again"):
        assert desk.visitor.post(path(theirs, what), of="/office/requests").status_code == 404
    assert str(theirs.public_id) not in desk.get("/office/mails")
    assert desk.rows(select(AuditEntry).where(AuditEntry.action == "code-shown")) == []


def test_the_desk_neither_reads_mails_nor_looks_at_codes_here(desk: Desk) -> None:
    desk.ask()
    visitor = desk.site.client()
    visitor.log_in("desk@kirche.example")
    message = desk.mails("acknowledgement")[0]
    assert visitor.get(path(message)).status_code == 403
    assert visitor.post(path(message, "/code"), of="/sessions").status_code in {400, 403}
