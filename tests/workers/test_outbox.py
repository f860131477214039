"""The outbox against a real SMTP server: who gets which mail, what a repeat looks like, what never goes out."""

import gc
import re
import socket
import threading
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import select, update

from booking.actions import outbox
from booking.actions.endings import cancel_rental
from booking.actions.messages import BAD_ADDRESS, BAD_SENDER, NO_ADDRESS, TOPIC, MailKind, send_again
from booking.actions.replacing import Replaced, replace_code
from booking.rules import moving
from booking.tables.doors import DoorCode
from booking.tables.outgoing import Invoice, Message
from booking.values.states import BookingState, MessageState, Verdict
from tests.builders import change_house, slot_in
from tests.workers.conftest import OFFICE, Works, die_at, job_limit
from workers.context import clock
from workers.mail import send_mail
from workers.outbox import drain_once
from workers.outcome import Done

SLOT = slot_in(10, 18, 20)
LEASE = outbox.LEASE + timedelta(seconds=1)


def parts(mail: EmailMessage) -> dict[str, EmailMessage]:
    """The leaves of a mail by content type."""
    return {part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}  # type: ignore[misc]


def text_of(mail: EmailMessage) -> str:
    return str(parts(mail)["text/plain"].get_content())


def packed(text: str) -> str:
    """Without the spaces that codes and account numbers are printed with."""
    return re.sub(r"[\s\u202f-]", "", text)


def to(works: Works) -> list[str]:
    return sorted(receiver for mail in works.sink.received for receiver in mail.receivers)


@pytest.mark.rule("S6", "S7")
def test_a_request_sends_the_acknowledgement_and_two_notices(works: Works) -> None:
    made = works.request(SLOT)
    works.drain()
    assert to(works) == ["anna.mueller@verein.example", "buero@kirche.example", "theke@kirche.example"]
    acknowledgement = next(mail.message for mail in works.sink.received if mail.receivers[0].startswith("anna"))
    assert made.code in packed(text_of(acknowledgement))
    assert "STATUS:TENTATIVE" in parts(acknowledgement)["text/calendar"].get_content()
    assert works.drain() == 0


@pytest.mark.rule("S11", "S12", "S13")
def test_an_approval_sends_one_mail_with_code_payment_invoice_and_calendar(works: Works) -> None:
    made = works.confirmed(SLOT, "482915")
    works.drain()
    assert works.state(made.booking_id) is BookingState.CONFIRMED
    assert to(works) == ["anna.mueller@verein.example"]
    mail = works.sink.received[0].message
    leaves, text = parts(mail), text_of(mail)
    with works.context.database.read() as session:
        invoice = session.scalars(select(Invoice).where(Invoice.booking_id == made.booking_id)).one()
    expected = ("482915", made.code, "DE02120300000000202051", packed(invoice.number))
    assert [word for word in expected if word not in packed(text)] == []
    assert leaves["application/pdf"].get_content().startswith(b"%PDF")
    calendar = leaves["text/calendar"].get_content()
    assert "STATUS:CONFIRMED" in calendar
    assert "482915" not in str(mail["Subject"]) + calendar


@pytest.mark.rule("S9", "S10")
def test_a_rejection_tells_the_customer_why_and_frees_the_time(works: Works) -> None:
    made = works.request(SLOT)
    works.drain()
    works.sink.received.clear()
    works.decide(made.booking_id, Verdict.REJECT, "Das Haus ist an diesem Abend selbst belegt.")
    works.drain()
    assert works.state(made.booking_id) is BookingState.REJECTED
    assert to(works) == ["anna.mueller@verein.example"]
    assert "selbst belegt" in text_of(works.sink.received[0].message)
    assert works.request(SLOT, "Zweite Kundin").slot == SLOT


@pytest.mark.rule("X4", "S22")
@pytest.mark.parametrize(("point", "copies"), [("mail.frozen:1", 1), ("mail.delivered:1", 2), ("outbox.done:2", 1)])
def test_a_repeat_after_a_death_is_the_same_mail(works: Works, point: str, copies: int) -> None:
    """`outbox.done:2`: the first duty settles the decision, the second is the mail."""
    made = works.confirmed(SLOT, "482915")
    die_at(works, point)
    assert works.drain() == 0, "the lease has not run out"
    works.later(LEASE)
    works.drain()
    assert len(works.sink.received) == copies
    assert len({mail.content for mail in works.sink.received}) == 1
    (message_id,) = {mail.message["Message-ID"] for mail in works.sink.received}
    message = works.message(made.booking_id, MailKind.CONFIRMATION)
    assert (message.message_id, message.state) == (message_id, MessageState.SENT)
    assert "482915" in text_of(works.sink.received[-1].message)
    works.later(LEASE)
    assert works.drain() == 0


@pytest.mark.rule("S22", "X4")
def test_what_was_cancelled_meanwhile_never_goes_out(works: Works) -> None:
    made = works.confirmed(SLOT)
    works.sink.refusals, works.sink.refuse_with = 1, "451 4.3.0 later"
    works.drain()
    assert works.message(made.booking_id, MailKind.CONFIRMATION).frozen is not None
    house = works.house
    works.write(lambda s: cancel_rental(s, clock(), house, made.booking_id, moving.Actor.CUSTOMER, OFFICE))
    works.later(timedelta(hours=1))
    works.drain()
    assert works.message(made.booking_id, MailKind.CONFIRMATION).state is MessageState.SUPERSEDED
    assert [kind for kind in works.sink.received if "482915" in text_of(kind.message)] == []
    assert len(works.sink.received) == 1


@pytest.mark.rule("S22")
def test_a_mail_whose_booking_ended_between_claim_and_sending_is_superseded(works: Works) -> None:
    """Even where nobody withdrew its duty: the booking is looked at in the moment of sending."""
    made = works.confirmed(SLOT)
    drain_once(works.context)
    duties = [d for d in works.context.database.write(lambda s: outbox.claim(s, clock(), 10)) if d.topic == TOPIC]
    house = works.house
    works.write(lambda s: cancel_rental(s, clock(), house, made.booking_id, moving.Actor.CUSTOMER, OFFICE))
    works.write(
        lambda s: s.execute(update(Message).where(Message.id == duties[0].subject_id).values(state=MessageState.QUEUED))
    )
    assert isinstance(send_mail(works.context, duties[0]), Done)
    assert works.sink.received == []
    assert works.message(made.booking_id, MailKind.CONFIRMATION).state is MessageState.SUPERSEDED


@pytest.mark.rule("S22")
def test_a_replaced_code_supersedes_what_was_frozen_with_the_old_one(works: Works) -> None:
    made = works.confirmed(SLOT, "482915")
    works.sink.refusals = 1
    works.drain()
    works.code("730164", SLOT)
    house = works.house
    with works.context.database.read() as session:
        code_id = session.scalars(select(DoorCode.id).where(DoorCode.booking_id == made.booking_id)).one()
    replaced = works.context.database.write(lambda s: replace_code(s, clock(), house, code_id, "leaked", OFFICE))
    assert isinstance(replaced, Replaced), replaced
    works.later(timedelta(hours=1))
    works.drain()
    texts = [text_of(mail.message) for mail in works.sink.received]
    assert ["482915" in text for text in texts] == [False]
    assert ["730164" in text for text in texts] == [True]


def refuse_recipients(works: Works, answer: str | None) -> None:
    """Let the server answer RCPT TO so; None accepts again."""

    async def refuse(_server: object, _session: object, envelope: object, address: str, _options: object) -> str:
        if answer is None:
            envelope.rcpt_tos.append(address)  # type: ignore[attr-defined]  # aiosmtpd's
            return "250 OK"
        return answer

    works.sink.__class__.handle_RCPT = staticmethod(refuse)  # type: ignore[attr-defined]


@pytest.fixture
def plain_recipients(works: Works) -> object:
    yield None
    if hasattr(works.sink.__class__, "handle_RCPT"):
        del works.sink.__class__.handle_RCPT


@pytest.mark.rule("X4")
@pytest.mark.usefixtures("plain_recipients")
def test_a_refused_recipient_is_dead_at_once_and_the_office_can_send_again(works: Works) -> None:
    made = works.confirmed(SLOT)
    refuse_recipients(works, "550 5.1.1 nobody of that name")
    works.drain()
    dead = works.message(made.booking_id, MailKind.CONFIRMATION)
    assert dead.state is MessageState.DEAD
    (duty,) = works.duties(TOPIC, dead.id)
    assert (duty.dead_at is not None, duty.last_error) == (True, "recipient refused: 550")
    works.later(timedelta(days=2))
    assert works.drain() == 0
    refuse_recipients(works, None)
    works.write(lambda session: send_again(session, clock(), session.get_one(Message, dead.id)))
    works.drain()
    (mail,) = works.sink.received
    assert mail.message["Message-ID"] == dead.message_id
    assert works.message(made.booking_id, MailKind.CONFIRMATION).state is MessageState.SENT


@pytest.mark.rule("X4")
@pytest.mark.parametrize("answer", ["451 4.3.0 later", "554 5.7.1 your server is on a list"])
def test_a_server_that_says_no_is_asked_again_until_it_says_yes(works: Works, answer: str) -> None:
    works.request(SLOT)
    works.sink.refusals, works.sink.refuse_with = 5, answer
    works.drain()
    for _ in range(4):
        works.later(timedelta(minutes=2))
        works.drain()
    assert len(works.sink.received) == 3
    assert len({mail.message["Message-ID"] for mail in works.sink.received}) == 3


@pytest.mark.rule("X4")
def test_a_server_that_is_away_for_good_leaves_a_dead_mail_that_the_office_sees(works: Works) -> None:
    made = works.request(SLOT)
    away = replace(works.context.settings, smtp_url="smtp://127.0.0.1:1")
    works.context = replace(works.context, settings=away)
    for _ in range(outbox.TRIES):
        works.drain()
        works.later(outbox.BACKOFF[-1] * 1.2)
    message = works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT)
    (duty,) = works.duties(TOPIC, message.id)
    assert (message.state, duty.attempts, duty.dead_at is not None) == (MessageState.DEAD, outbox.TRIES, True)
    assert duty.last_error == "ConnectionRefusedError"


def test_two_drains_at_once_send_each_mail_once(works: Works) -> None:
    bookings = 6
    for day in range(bookings):
        works.request(slot_in(10 + day, 18, 20), f"Kundin {day}")
    go = threading.Barrier(4)

    def drain() -> None:
        go.wait(10)
        while drain_once(works.context):
            pass

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    identities = [mail.message["Message-ID"] for mail in works.sink.received]
    assert len(identities) == len(set(identities)) == 3 * bookings


def test_a_worker_whose_lease_ran_out_neither_sends_nor_marks(works: Works) -> None:
    works.request(SLOT)
    slow = works.context.database.write(lambda session: outbox.claim(session, clock(), 10))
    works.later(LEASE)
    fast = works.context.database.write(lambda session: outbox.claim(session, clock(), 10))
    assert [duty.outbox_id for duty in slow] == [duty.outbox_id for duty in fast]
    database = works.context.database
    for old, new in zip(slow, fast, strict=True):
        assert not database.write(lambda session, duty=old: outbox.renew(session, clock(), duty))  # type: ignore[misc]
        assert not database.write(lambda session, duty=old: outbox.finish(session, clock(), [duty]))  # type: ignore[misc]
        assert not database.write(lambda session, duty=old: outbox.kill(session, clock(), duty, ""))  # type: ignore[misc]
        assert database.write(lambda session, duty=new: outbox.finish(session, clock(), [duty]))  # type: ignore[misc]


@pytest.mark.rule("X4")
def test_a_mail_that_takes_its_worker_down_is_tried_after_all_others(works: Works) -> None:
    """It dies at the first mail, the acknowledgement, and then at the third it comes to: the same one again."""
    made = works.request(SLOT)
    die_at(works, "mail.frozen:1")
    works.later(LEASE)
    die_at(works, "mail.frozen:3")
    assert to(works) == ["buero@kirche.example", "theke@kirche.example"]
    (duty,) = works.duties(TOPIC, works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT).id)
    assert (duty.attempts, duty.done_at) == (2, None)


@pytest.mark.rule("X4")
def test_a_mail_that_always_takes_its_worker_down_is_dead_in_the_end_and_the_office_sees_it(works: Works) -> None:
    made = works.request(SLOT)
    database = works.context.database
    mail = works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT)

    def take_and_die() -> None:
        taken = database.write(lambda session: outbox.claim(session, clock(), 10))
        works.later(timedelta(seconds=1))
        mine = next(duty for duty in taken if duty.subject_id == mail.id)
        assert database.write(lambda session: outbox.begin(session, clock(), mine)) is not None

    for tries in range(outbox.TRIES):
        assert works.duties(TOPIC, mail.id)[0].attempts == tries
        take_and_die()
        works.later(max(outbox.BACKOFF[tries], LEASE) + timedelta(seconds=1))
    works.drain()
    assert works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT).state is MessageState.DEAD
    assert to(works) == ["buero@kirche.example", "theke@kirche.example"]
    others = [row for row in works.all_duties() if row.subject_id != mail.id]
    assert [(row.attempts, row.done_at is not None) for row in others] == [(1, True), (1, True)]


def test_after_each_death_the_next_try_waits_as_long_as_after_a_failure(works: Works) -> None:
    works.request(SLOT)
    database = works.context.database
    for pause in outbox.BACKOFF[:5]:
        (*_, duty) = database.write(lambda session: outbox.claim(session, clock(), 10))
        assert database.write(lambda session, duty=duty: outbox.begin(session, clock(), duty))  # type: ignore[misc]
        works.later(max(pause, LEASE) - timedelta(seconds=2))
        assert duty.outbox_id not in {d.outbox_id for d in database.write(lambda s: outbox.claim(s, clock(), 10))}
        works.later(LEASE + timedelta(seconds=2))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # smtplib leaves its socket open
def test_a_job_whose_time_is_over_ends(works: Works) -> None:
    """The limit that RQ sets is an exception; whoever swallowed it would go on without one."""
    made = works.request(SLOT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = replace(works.context.settings, smtp_url=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(JobTimeoutException), job_limit(1):
            drain_once(replace(works.context, settings=slow))
    gc.collect()
    works.later(LEASE)
    works.drain()
    assert works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT).state is MessageState.SENT


def test_a_duty_that_raises_costs_its_own_turn_only(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    made = works.request(SLOT)
    notice = works.message(made.booking_id, MailKind.NOTICE_DESK)
    works.write(
        lambda s: s.execute(update(Message).where(Message.id == notice.id).values(kind="a kind that nobody knows"))
    )
    works.drain()
    assert len(works.sink.received) == 2
    (duty,) = works.duties(TOPIC, notice.id)
    assert (duty.done_at, duty.last_error) == (None, "ValueError")


@pytest.mark.rule("X4")
@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("", NO_ADDRESS),
        ("müller@verein.example", BAD_ADDRESS),
        ("nobody", BAD_ADDRESS),
        ("x" * 5000, BAD_ADDRESS),
        ("x@" + "y" * 5000, BAD_ADDRESS),
        ("a@b@c.example", BAD_ADDRESS),
    ],
)
def test_a_mail_to_an_address_that_cannot_be_written_is_dead_at_once(works: Works, address: str, error: str) -> None:
    """The office sees it today, not when ten tries are over."""
    made = works.request(SLOT)
    message = works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT)
    works.write(lambda s: s.execute(update(Message).where(Message.id == message.id).values(recipient=address)))
    works.drain()
    assert works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT).state is MessageState.DEAD
    assert [duty.last_error for duty in works.duties(TOPIC, message.id)] == [error]
    assert len(works.sink.received) == 2


@pytest.mark.rule("X4")
def test_a_mail_goes_to_a_domain_with_an_umlaut(works: Works) -> None:
    made = works.request(SLOT)
    message = works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT)
    values = {"recipient": "anna@bücher.example"}
    works.write(lambda s: s.execute(update(Message).where(Message.id == message.id).values(values)))
    works.drain()
    assert "anna@xn--bcher-kva.example" in to(works)


@pytest.mark.rule("X4")
def test_a_house_whose_own_address_cannot_be_written_loses_no_mail(works: Works) -> None:
    made = works.request(SLOT)
    works.write(lambda session: change_house(session, works.ids, email="büro@kirche.example"))
    works.drain()
    waiting = works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT)
    assert (waiting.state, works.duties(TOPIC, waiting.id)[0].last_error) == (MessageState.QUEUED, BAD_SENDER)
    works.write(lambda session: change_house(session, works.ids, email="buero@kirche.example"))
    works.later(timedelta(minutes=1))
    works.drain()
    assert works.message(made.booking_id, MailKind.ACKNOWLEDGEMENT).state is MessageState.SENT
