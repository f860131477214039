"""Every mail with its state, tries, next try and error (SPEC X4); and the codes that one may show."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from booking.reads.code_texts import Opener, texts_of
from booking.tables.bookings import Booking
from booking.tables.doors import Door, DoorCode
from booking.tables.outgoing import Message, Outbox
from booking.values.refusals import NotFound
from booking.values.slot import Slot
from booking.values.states import MessageState

TOPIC = "mail"
DIGEST = "desk-digest"
DIGEST_REACH = timedelta(days=32)


@dataclass(frozen=True, slots=True)
class MailLine:
    """One mail. `due_at` is its next try while it is queued; `attempts` and `last_error` are its duty's."""

    message_pk: int
    public_id: UUID
    kind: str
    state: MessageState
    recipient: str
    recipient_name: str
    language: str
    subject: str
    made_at: datetime
    sent_at: datetime | None
    attempts: int
    due_at: datetime | None
    last_error: str
    booking_pk: int | None
    booking_id: UUID | None
    booking_code: str
    is_frozen: bool
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailCode:
    """A door code that a mail may show, in plain text: for masking it, or a logged look."""

    text: str = field(repr=False)
    door: str
    window: Slot


def mails_page(
    session: Session,
    organisation_id: int,
    *,
    state: MessageState | None = None,
    kind: str = "",
    typed: str = "",
    booking_pk: int | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> tuple[MailLine, ...]:
    """The newest first. `before` is the last public id of the page before; one query."""
    query = _selected(organisation_id).order_by(Message.public_id.desc()).limit(limit)
    if state is not None:
        query = query.where(Message.state == state)
    if kind:
        query = query.where(Message.kind == kind)
    if typed.strip():
        query = query.where(_names(typed.strip()))
    if booking_pk is not None:
        query = query.where(Message.booking_id == booking_pk)
    if before is not None:
        query = query.where(Message.public_id < before)
    return tuple(_line(*row) for row in session.execute(query))


def mail_by(session: Session, organisation_id: int, public_id: UUID) -> MailLine:
    """Raises NotFound where the organisation has no such mail."""
    row = session.execute(_selected(organisation_id).where(Message.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("message", public_id)
    return _line(*row)


def frozen_mail(session: Session, organisation_id: int, vault: Opener, public_id: UUID) -> bytes | None:
    """The mail as it went out or will; None before its first attempt. It holds door codes: mask them."""
    query = select(Message).where(Message.organisation_id == organisation_id, Message.public_id == public_id)
    message = session.scalars(query).one_or_none()
    if message is None:
        raise NotFound("message", public_id)
    if message.frozen is None:
        return None
    return vault.unseal(_Sealed(message.frozen, message.frozen_key_id or ""), f"message:{message.public_id}")


def codes_in_reach(session: Session, organisation_id: int, vault: Opener, mail: MailLine) -> tuple[MailCode, ...]:
    """All codes that this mail can hold, whatever became of them: its booking's, or for the digest the days' codes."""
    query = select(DoorCode, Door.name).join(Door, Door.id == DoorCode.door_id)
    query = query.where(DoorCode.organisation_id == organisation_id)
    if mail.kind == DIGEST:
        first = datetime.combine(_day(mail), datetime.min.time(), mail.made_at.tzinfo)
        reach = Slot(first - timedelta(days=2), first + DIGEST_REACH)
        query = query.where(DoorCode.starts_at < reach.end, DoorCode.ends_at > reach.start)
    elif mail.booking_pk is not None:
        query = query.where(DoorCode.booking_id == mail.booking_pk)
    else:
        return ()
    rows = session.execute(query.order_by(DoorCode.starts_at, DoorCode.id)).all()
    texts = texts_of(session, vault, organisation_id, [code.id for code, _ in rows])
    return tuple(MailCode(texts[code.id], door, Slot(code.starts_at, code.ends_at)) for code, door in rows)


@dataclass(frozen=True, slots=True)
class _Sealed:
    cipher: bytes
    key_id: str


def _day(mail: MailLine) -> date:
    return date.fromisoformat(mail.facts["day"]) if "day" in mail.facts else mail.made_at.date()


def _names(typed: str) -> Any:
    literal = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    columns = (Message.recipient, Message.recipient_name, Message.subject, Booking.code)
    plain = typed.upper().replace("-", "")
    return or_(*(column.ilike(f"%{literal}%", escape="\\") for column in columns), Booking.code == plain)


def _selected(organisation_id: int) -> Select[Message, Outbox, UUID, str]:
    duty = (Outbox.topic == TOPIC) & (Outbox.subject_id == Message.id)
    return (
        select(Message, Outbox, Booking.public_id, Booking.code)
        .outerjoin(Outbox, duty)
        .outerjoin(Booking, Booking.id == Message.booking_id)
        .where(Message.organisation_id == organisation_id)
    )


def _line(message: Message, duty: Outbox | None, booking_id: UUID | None, booking_code: str | None) -> MailLine:
    queued = message.state is MessageState.QUEUED
    return MailLine(
        message_pk=message.id,
        public_id=message.public_id,
        kind=message.kind,
        state=message.state,
        recipient=message.recipient,
        recipient_name=message.recipient_name,
        language=message.language,
        subject=message.subject,
        made_at=message.made_at,
        sent_at=message.sent_at,
        attempts=duty.attempts if duty else 0,
        due_at=duty.due_at if duty and queued else None,
        last_error=duty.last_error if duty and message.state is not MessageState.SENT else "",
        booking_pk=message.booking_id,
        booking_id=booking_id,
        booking_code=booking_code or "",
        is_frozen=message.frozen is not None,
        facts=dict(message.facts),
    )
