"""Mails to be: a message row and its duty, in the transaction that causes them (DESIGN rule 3).

What the mail says is read at its first attempt; the door code above all. `facts` hold what would be gone by then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions import outbox
from booking.actions.moves import move_message
from booking.reads.house import House
from booking.tables.outgoing import Message
from booking.tables.rows import write_rows
from booking.values.identity import new_uuid
from booking.values.states import MessageState

TOPIC = "mail"
# Why a mail does not go out, as `Outbox.last_error` says it; the office reads it in its own language.
INVOICE_LACKS = "invoice lacks"  # followed by what; such a mail waits
NO_ADDRESS, BAD_ADDRESS, BAD_SENDER = "no address", "address cannot be written", "own address cannot be written"
MOST_IDS = 500  # in one statement


class MailKind(StrEnum):
    ACKNOWLEDGEMENT = "acknowledgement"
    MAIL_CHECK = "mail-check"
    NOTICE_OFFICE = "notice-office"
    NOTICE_DESK = "notice-desk"
    CONFIRMATION = "confirmation"
    CODE_LATER = "code-later"
    CODE_REPLACED = "code-replaced"
    REJECTION = "rejection"
    CANCELLATION = "cancellation"
    MOVED = "moved"
    EXPIRED = "expired"
    DESK_DIGEST = "desk-digest"
    CODES_LOW = "codes-low"
    CANCEL_STUCK = "cancel-stuck"
    SITE_SILENT = "site-silent"


SHOWS_CODE = frozenset(
    {
        MailKind.CONFIRMATION,
        MailKind.CODE_LATER,
        MailKind.CODE_REPLACED,
        MailKind.MOVED,
        MailKind.DESK_DIGEST,
    }
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be posted. `due_at` None: at once."""

    kind: MailKind
    to: str
    name: str
    language: str
    booking_id: int | None
    facts: dict[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None


def post(
    session: Session,
    now: datetime,
    house: House,
    kind: MailKind,
    *,
    to: str,
    name: str,
    language: str,
    booking_id: int | None,
    facts: dict[str, Any] | None = None,
    due_at: datetime | None = None,
) -> int:
    """Write one mail to be sent from `due_at` on. The Message-ID is given here and never changes. Returns its id."""
    return post_all(session, now, house, [Mail(kind, to, name, language, booking_id, facts or {}, due_at)])[0]


def post_all(session: Session, now: datetime, house: House, mails: Sequence[Mail]) -> list[int]:
    """As `post` for several mails of one transaction, in two statements."""
    rows = [_row(now, house, mail) for mail in mails]
    ids = write_rows(session, Message, rows, known_by="public_id")
    due = [(ids[row["public_id"]], mail.due_at or now) for row, mail in zip(rows, mails, strict=True)]
    duties = [(row_id, f"mail-{row_id}", due_at) for row_id, due_at in due]
    outbox.put_all(session, now, house.organisation_id, TOPIC, duties)
    return [row_id for row_id, _ in due]


def _row(now: datetime, house: House, mail: Mail) -> dict[str, Any]:
    public_id = new_uuid(now)
    domain = house.letterhead.email.rpartition("@")[2] or house.host_id
    return {
        "organisation_id": house.organisation_id,
        "public_id": public_id,
        "booking_id": mail.booking_id,
        "kind": mail.kind.value,
        "state": MessageState.QUEUED,
        "recipient_name": mail.name,
        "recipient": mail.to,
        "language": mail.language,
        "facts": mail.facts,
        "message_id": f"<{public_id}.{house.epoch}@{domain}>",
        "made_at": now,
    }


def supersede(session: Session, now: datetime, booking_id: int, kinds: Iterable[MailKind]) -> frozenset[MailKind]:
    """Take back mails of a booking that were not sent: they are no longer true (SPEC S22). Returns their kinds."""
    query = select(Message).where(
        Message.booking_id == booking_id,
        Message.kind.in_([kind.value for kind in kinds]),
        Message.state.in_((MessageState.QUEUED, MessageState.DEAD)),
    )
    taken_back = session.scalars(query).all()
    for message in taken_back:
        move_message(session, message, MessageState.SUPERSEDED)
        outbox.withdraw(session, now, TOPIC, message.id)
    return frozenset(MailKind(message.kind) for message in taken_back)


def supersede_all(session: Session, now: datetime, booking_ids: Sequence[int], kinds: Iterable[MailKind]) -> None:
    """As `supersede` for many bookings, in a few statements."""
    names = [kind.value for kind in kinds]
    for first in range(0, len(booking_ids), MOST_IDS):
        taken_back = session.scalars(
            update(Message)
            .where(
                Message.booking_id.in_(booking_ids[first : first + MOST_IDS]),
                Message.kind.in_(names),
                Message.state.in_((MessageState.QUEUED, MessageState.DEAD)),
            )
            .values(state=MessageState.SUPERSEDED)
            .returning(Message.id)
            .execution_options(synchronize_session=False)
        ).all()
        outbox.withdraw_all(session, now, TOPIC, taken_back)


def renew_digest(session: Session, now: datetime, house: House) -> None:
    """A code was taken back: a digest that was not sent, and may hold it, gives way to one written anew (S3, S22)."""
    day = supersede_digests(session, now, house.organisation_id)
    if day and house.desk_email:
        post_digest(session, now, house, house.desk_email, day)


def supersede_digests(session: Session, now: datetime, organisation_id: int) -> str | None:
    """Take back the desk's digests that were not sent. Returns the day of the latest, None where there was none."""
    query = select(Message).where(
        Message.organisation_id == organisation_id,
        Message.kind == MailKind.DESK_DIGEST.value,
        Message.state.in_((MessageState.QUEUED, MessageState.DEAD)),
    )
    unsent = session.scalars(query).all()
    for message in unsent:
        move_message(session, message, MessageState.SUPERSEDED)
        outbox.withdraw(session, now, TOPIC, message.id)
    return max((str(message.facts["day"]) for message in unsent), default=None)


def post_digest(session: Session, now: datetime, house: House, to: str, day: str) -> None:
    """The desk's mail of a day, as ISO 8601. Its codes are read when it is sent."""
    facts = {"day": day}
    kind = MailKind.DESK_DIGEST
    post(session, now, house, kind, to=to, name=house.name, language=house.language, booking_id=None, facts=facts)


def send_again(session: Session, now: datetime, message: Message) -> None:
    """Let a dead mail run again: the same mail, under the same Message-ID. Raises ValueError unless it is dead."""
    move_message(session, message, MessageState.QUEUED)
    outbox.revive(session, now, TOPIC, message.id)
