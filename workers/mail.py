"""Send one mail: gather and freeze it at the first attempt, hand it to the SMTP server, mark it sent (SPEC S22, X4).

Three steps, each its own transaction, SMTP outside of all: a crash between them repeats the same bytes under the same
Message-ID. A mail whose booking is no longer what it says is superseded instead.
"""

import smtplib
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser
from email.policy import SMTP
from urllib.parse import unquote, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.messages import BAD_ADDRESS, BAD_SENDER, INVOICE_LACKS, NO_ADDRESS, MailKind
from booking.actions.moves import move_message
from booking.actions.outbox import Duty
from booking.actions.rentals import load_rental
from booking.actions.vault import Sealed
from booking.reads.agenda import Whose, items_of
from booking.reads.house import House, read_house
from booking.tables.outgoing import Invoice, InvoiceFile, Message
from booking.values.agenda import AgendaEntry
from booking.values.states import MessageState, SubjectKind
from config.faults import fault
from ical.mail_part import publish
from papers.i18n import translations
from papers.invoice import LackingError
from papers.mails import Attachment, CalendarPart, Draft, Mailbox, Method, UnwritableAddress, compose, render
from workers.context import Context, clock
from workers.house_letters import HOUSE_KINDS, house_letter
from workers.invoices import ensure_pdf
from workers.letters import STILL_TRUE, Desk, customer_letter
from workers.outcome import Done, Failed, GaveUp, Outcome, Waiting

SMTP_SECONDS = 8.0
LACKING_PAUSE = timedelta(minutes=5)  # the office may enter what is missing at any time
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
WITH_CALENDAR = frozenset(
    {MailKind.ACKNOWLEDGEMENT, MailKind.CONFIRMATION, MailKind.MOVED, MailKind.REJECTION, MailKind.CANCELLATION}
)


@dataclass(frozen=True, slots=True)
class Written:
    """A mail before it is frozen."""

    draft: Draft
    attachments: tuple[Attachment, ...]
    calendar: CalendarPart | None
    sender: Mailbox


def send_mail(context: Context, duty: Duty) -> Outcome:
    """Work off one mail duty."""
    try:
        data = _frozen(context, duty)
    except LackingError as error:
        return Waiting(LACKING_PAUSE, f"{INVOICE_LACKS}: {', '.join(error.missing)}")
    except UnwritableAddress as error:
        return _unwritable(context, duty, error.mailbox.address)
    if data is None:
        return Done()
    fault("mail.frozen")
    outcome = deliver(context.settings.smtp_url, data)
    fault("mail.delivered")
    if isinstance(outcome, Done):
        context.database.write(lambda session: _mark_sent(session, clock(), duty.subject_id))
    return outcome


def bury_mail(session: Session, duty: Duty) -> None:
    """After the last try the office sees the mail as dead and can send it again."""
    message = session.get_one(Message, duty.subject_id)
    if message.state is MessageState.QUEUED:
        move_message(session, message, MessageState.DEAD)


def _unwritable(context: Context, duty: Duty, address: str) -> Outcome:
    """The recipient's address stays what it is; the house's own is waited for, since the office can set it right."""
    with context.database.read() as session:
        recipient = session.get_one(Message, duty.subject_id).recipient
    if address != recipient:
        return Failed(BAD_SENDER)
    return GaveUp(BAD_ADDRESS if address else NO_ADDRESS)


def _frozen(context: Context, duty: Duty) -> bytes | None:
    """The bytes of a mail that may go out now, frozen if it was not; None if it may not."""
    now = clock()
    ensure_pdf(context, duty)
    with context.database.read() as session:
        message = session.get_one(Message, duty.subject_id)
        house = read_house(session, duty.organisation_id)
        written = None if message.frozen else _write(context, session, now, house, message)
    return context.database.write(lambda session: _freeze(context, session, now, house, duty.subject_id, written))


def _write(context: Context, session: Session, now: datetime, house: House, message: Message) -> Written | None:
    desk = Desk(session, now, context.tools, house, context.settings.base_url)
    kind = MailKind(message.kind)
    letter = house_letter(desk, message) if kind in HOUSE_KINDS else customer_letter(desk, message)
    if letter is None:
        return None
    return Written(
        draft=render(letter),
        attachments=_attachments(session, message),
        calendar=_calendar(session, house, message) if kind in WITH_CALENDAR else None,
        sender=Mailbox(house.name, house.letterhead.email or context.settings.mail_from),
    )


def _attachments(session: Session, message: Message) -> tuple[Attachment, ...]:
    invoice_id = message.facts.get("invoice_id")
    if invoice_id is None:
        return ()
    query = select(InvoiceFile.pdf, Invoice.number).join(Invoice, Invoice.id == InvoiceFile.invoice_id)
    pdf, number = session.execute(query.where(Invoice.id == invoice_id)).one()
    kind = translations(message.language).gettext("Invoice")
    return (Attachment(f"{kind}-{number}.pdf", "application/pdf", pdf),)


def _calendar(session: Session, house: House, message: Message) -> CalendarPart | None:
    entry = _entry(session, house, message)
    if entry is None:
        return None
    return CalendarPart(publish(entry, message.language, house.host_id), Method.PUBLISH)


def _entry(session: Session, house: House, message: Message) -> AgendaEntry | None:
    """Until a person has confirmed it, the room is its title: a stranger's words go to nobody's calendar (SPEC S4)."""
    whose = Whose(house.organisation_id, SubjectKind.BOOKING, message.booking_id or 0)
    found = items_of(session, whose, BEGINNING)
    if not found:
        return None
    booking = load_rental(session, house.organisation_id, message.booking_id or 0).booking
    return found[0] if booking.confirmed_at else replace(found[0], title=found[0].room, details="")


def _freeze(
    context: Context, session: Session, now: datetime, house: House, message_pk: int, written: Written | None
) -> bytes | None:
    """Store the bytes unless another attempt did; supersede the mail where it is no longer true."""
    message = session.scalars(select(Message).where(Message.id == message_pk).with_for_update()).one()
    if message.state is not MessageState.QUEUED:
        return None
    if not _is_true(session, house, message) or not (written or message.frozen):
        move_message(session, message, MessageState.SUPERSEDED)
        return None
    bound = f"message:{message.public_id}"
    if message.frozen is None and written is not None:
        data = _compose(message, written, now)
        sealed = context.tools.vault.seal(data, bound)
        message.frozen, message.frozen_key_id = sealed.cipher, sealed.key_id
        message.subject = written.draft.subject
        return data
    sealed = Sealed(message.frozen or b"", message.frozen_key_id or "")
    return context.tools.vault.unseal(sealed, bound)


def _compose(message: Message, written: Written, now: datetime) -> bytes:
    return compose(
        written.draft,
        sender=written.sender,
        recipient=Mailbox(message.recipient_name if written.draft.greets_by_name else "", message.recipient),
        message_id=message.message_id,
        date=now,
        attachments=written.attachments,
        calendar=written.calendar,
    )


def _is_true(session: Session, house: House, message: Message) -> bool:
    kind = MailKind(message.kind)
    if kind in HOUSE_KINDS:
        return True
    return load_rental(session, house.organisation_id, message.booking_id or 0).booking.state in STILL_TRUE[kind]


def _mark_sent(session: Session, now: datetime, message_pk: int) -> None:
    message = session.get_one(Message, message_pk)
    if message.state is MessageState.QUEUED:
        move_message(session, message, MessageState.SENT, sent_at=now)


def deliver(smtp_url: str, data: bytes) -> Outcome:
    """Hand the bytes to the SMTP server. A 5xx for the recipient is final, everything else is tried again."""
    address = urlsplit(smtp_url)
    headers = BytesHeaderParser(policy=SMTP).parsebytes(data)
    sender, recipient = (str(headers[name].addresses[0].addr_spec) for name in ("From", "To"))
    try:
        with _connection(smtp_url) as server:
            if address.username:
                server.login(unquote(address.username), unquote(address.password or ""))
            server.sendmail(sender, [recipient], data)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        return GaveUp(f"recipient refused: {code}") if code >= 500 else Failed(f"recipient deferred: {code}")
    except smtplib.SMTPResponseException as error:
        return Failed(f"server answered {error.smtp_code}")
    except (smtplib.SMTPException, OSError) as error:
        return Failed(type(error).__name__)
    return Done()


def _connection(smtp_url: str) -> smtplib.SMTP:
    address = urlsplit(smtp_url)
    host, port = address.hostname or "localhost", address.port
    if address.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port or 465, timeout=SMTP_SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port or 25, timeout=SMTP_SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    return server
