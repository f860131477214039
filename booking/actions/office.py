"""What the office keeps by hand: no-shows, standing discounts, mails sent again, looks at codes (SPEC S19, X4, X5)."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions import audit, messages
from booking.actions.audit import Actor
from booking.actions.messages import MailKind
from booking.actions.rentals import load_rental
from booking.reads.customers import StandingDiscount, discount_of
from booking.reads.house import House
from booking.tables.outgoing import Message, Outbox
from booking.tables.people import Customer
from booking.values.clock import local_day
from booking.values.money import Cents
from booking.values.refusals import NotFound, Reason, Refused, refused
from booking.values.states import BookingState, MessageState


def mark_no_show(
    session: Session, now: datetime, house: House, booking_id: int, actor: Actor, *, came: bool
) -> Refused | None:
    """Note that nobody came, or take that back. Refused: not-active (it was never confirmed), not-started."""
    booking = load_rental(session, house.organisation_id, booking_id)
    if booking.booking.state is not BookingState.CONFIRMED:
        return refused("not-active")
    if now < booking.event.starts_at:
        return refused("not-started")
    before, booking.booking.no_show = booking.booking.no_show, not came
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "booking",
        booking_id,
        "came" if came else "no-show",
        before={"no_show": before},
        after={"no_show": not came},
    )
    return None


def keep_discount(
    session: Session, now: datetime, house: House, customer_id: UUID, wanted: StandingDiscount, actor: Actor
) -> Refused | None:
    """Keep a customer's standing discount; it holds for invoices issued from now on (SPEC S19).

    Refused at percent: not-a-percentage; at amount: below-zero, one-of-both; at until: ends-before; at note: no-note.
    """
    reasons = _against(wanted)
    if reasons:
        return Refused(reasons)
    query = select(Customer).where(Customer.organisation_id == house.organisation_id, Customer.public_id == customer_id)
    customer = session.scalars(query.with_for_update()).one_or_none()
    if customer is None:
        raise NotFound("customer", customer_id)
    before = discount_of(customer)
    customer.discount_percent, customer.discount_cents = wanted.percent, Cents(wanted.cents)
    customer.discount_note = wanted.note.strip()
    customer.discount_from, customer.discount_until = wanted.first_day, wanted.last_day
    audit.note(
        session,
        now,
        house.organisation_id,
        actor,
        "customer",
        customer.id,
        "discount",
        before=_plain(before),
        after=_plain(wanted),
    )
    return None


def resend_mail(session: Session, now: datetime, house: House, message_id: UUID, actor: Actor) -> Refused | None:
    """Let a dead mail run again, the same mail under the same Message-ID (SPEC X4).

    Refused: not-dead, earlier-day (a digest tells the codes of its own day and those that follow, SPEC S3).
    """
    message = _message(session, house, message_id)
    if message.state is not MessageState.DEAD:
        return refused("not-dead")
    if message.kind == MailKind.DESK_DIGEST.value and message.facts["day"] < local_day(now, house.zone).isoformat():
        return refused("earlier-day")
    messages.send_again(session, now, message)
    subject, key = ("booking", message.booking_id) if message.booking_id else ("message", message.id)
    audit.note(session, now, house.organisation_id, actor, subject, key, "mail-again", after={"kind": message.kind})
    return None


def note_mail_codes_shown(session: Session, now: datetime, house: House, message_id: UUID, actor: Actor) -> None:
    """Somebody looks at the codes that a mail shows: logged before they are read."""
    message = _message(session, house, message_id)
    subject, key = ("booking", message.booking_id) if message.booking_id else ("message", message.id)
    audit.note(session, now, house.organisation_id, actor, subject, key, "code-shown", after={"mail": message.kind})


def try_again(session: Session, now: datetime, house: House, outbox_id: int, actor: Actor) -> Refused | None:
    """Let a dead duty that is no mail run again from its first try. Refused: not-dead."""
    revived = session.scalar(
        update(Outbox)
        .where(
            Outbox.organisation_id == house.organisation_id,
            Outbox.id == outbox_id,
            Outbox.topic != messages.TOPIC,
            Outbox.dead_at.is_not(None),
            Outbox.done_at.is_(None),
        )
        .values(dead_at=None, due_at=now, attempts=0, claimed_until=None)
        .returning(Outbox.id)
        .execution_options(synchronize_session=False)
    )
    if revived is None:
        return refused("not-dead")
    audit.note(session, now, house.organisation_id, actor, "duty", outbox_id, "tried-again")
    return None


def _message(session: Session, house: House, message_id: UUID) -> Message:
    query = select(Message).where(Message.organisation_id == house.organisation_id, Message.public_id == message_id)
    message = session.scalars(query.with_for_update()).one_or_none()
    if message is None:
        raise NotFound("message", message_id)
    return message


def _against(wanted: StandingDiscount) -> tuple[Reason, ...]:
    first, last = wanted.first_day, wanted.last_day
    against = {
        ("not-a-percentage", "percent"): not 0 <= wanted.percent <= 100,
        ("below-zero", "amount"): wanted.cents < 0,
        ("one-of-both", "amount"): bool(wanted.percent and wanted.cents),
        ("ends-before", "until"): first is not None and last is not None and last < first,
        ("no-note", "note"): wanted.is_set and not wanted.note.strip(),
    }
    return tuple(Reason(code, at) for (code, at), holds in against.items() if holds)


def _plain(discount: StandingDiscount) -> dict[str, Any]:
    return {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in asdict(discount).items()}
