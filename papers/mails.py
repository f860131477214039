"""A letter becomes a mail: `render` writes it in the reader's language, `compose` packs it into bytes for SMTP.

Both are pure, so that a mail that is frozen at its first attempt can be made again byte by byte (DESIGN rule 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from papers import customer_wording, house_wording
from papers.content import Content, Picture
from papers.i18n import Translator, translations
from papers.letters import (
    Acknowledgement,
    AddressCheck,
    Cancellation,
    CancelStuck,
    CodesArrive,
    CodesReplaced,
    CodesRunningOut,
    Confirmation,
    DeskDigest,
    Expired,
    Letter,
    Moved,
    Rejection,
    RequestNotice,
    SiteSilent,
)
from papers.phrases import one_line, tidy
from papers.plain import plain

_WORDINGS: dict[type, Callable[[Any, Translator], Content]] = {
    AddressCheck: customer_wording.address_check,
    Acknowledgement: customer_wording.acknowledgement,
    Confirmation: customer_wording.confirmation,
    CodesArrive: customer_wording.codes_arrive,
    CodesReplaced: customer_wording.codes_replaced,
    Rejection: customer_wording.rejection,
    Cancellation: customer_wording.cancellation,
    Moved: customer_wording.moved,
    Expired: customer_wording.expired,
    RequestNotice: house_wording.request_notice,
    DeskDigest: house_wording.desk_digest,
    CodesRunningOut: house_wording.codes_running_out,
    CancelStuck: house_wording.cancel_stuck,
    SiteSilent: house_wording.site_silent,
}


MOST_LOCAL, MOST_ADDRESS = 64, 254


@dataclass(frozen=True, slots=True)
class Picked:
    """A picture that the HTML shows by its Content-ID."""

    cid: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A written mail without its envelope. Where `greets_by_name` is False the headers must not name the reader."""

    language: str
    subject: str
    text: str
    html: str
    pictures: tuple[Picked, ...]
    greets_by_name: bool


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name, which may be empty, and an address `local@domain`."""

    name: str
    address: str


class UnwritableAddress(Exception):  # noqa: N818 - it names what is wrong
    """No mail can carry this address; trying again would not change that."""

    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__("an address is local@domain, with an ASCII local part")
        self.mailbox = mailbox


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file; `media_type` such as `application/pdf`."""

    filename: str
    media_type: str
    content: bytes


class Method(StrEnum):
    """iTIP methods (RFC 5546). PUBLISH goes as an attached file, the others also as a part that clients act on."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An iCalendar object in UTF-8 whose METHOD is *method* (RFC 6047; SPEC C5)."""

    content: bytes
    method: Method
    filename: str = "termin.ics"


def render(letter: Letter) -> Draft:
    """Write the letter in its language. Foreign text is tidied first, so nothing in it can add a line or an element."""
    tidied = tidy(letter)
    content = _WORDINGS[type(tidied)](tidied, translations(tidied.language))
    html = _inliner().inline(_template().render(content=content, colour=content.house.colour))
    pictures = tuple(Picked(block.cid, block.png) for block in content.blocks if isinstance(block, Picture))
    return Draft(
        language=content.language,
        subject=one_line(content.subject),
        text=plain(content),
        html=html,
        pictures=pictures,
        greets_by_name=content.greets_by_name,
    )


@lru_cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("papers"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )
    return environment.get_template("mail.html")


@lru_cache
def _inliner() -> CSSInliner:
    """Rules go into `style` attributes; what needs a media query stays in the head."""
    return CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)


def compose(
    draft: Draft,
    *,
    sender: Mailbox,
    recipient: Mailbox,
    message_id: str,
    date: datetime,
    attachments: tuple[Attachment, ...] = (),
    calendar: CalendarPart | None = None,
) -> bytes:
    """The message for SMTP, lines ending in CRLF: `mixed{alternative{text, related{html, png}, calendar}, files}`.

    The same arguments give the same bytes. `message_id` has its angle brackets; `date` is aware. Raises
    UnwritableAddress.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(sender)
    message["To"] = _address(recipient if draft.greets_by_name else Mailbox("", recipient.address))
    message["Subject"] = _header_text(draft.subject)
    message["Date"] = date
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answer to an automatic mail
    _write_body(message, draft, calendar)
    for attachment in _files(attachments, calendar):
        maintype, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(
            attachment.content, maintype=maintype, subtype=subtype, filename=_header_text(attachment.filename)
        )
    message["Content-Language"] = draft.language  # last, because the library moves such headers into the parts
    _fix_boundaries(message, message_id)
    return message.as_bytes()


def _address(mailbox: Mailbox) -> Address:
    """`local@domain`, the local part in ASCII, no longer than RFC 5321 section 4.5.3.1 lets it be."""
    local, _, domain = mailbox.address.rpartition("@")
    try:
        written = f"{local}@{domain.encode('idna').decode()}"
        if len(local) > MOST_LOCAL or len(written) > MOST_ADDRESS:
            raise UnwritableAddress(mailbox)
        return Address(_header_text(mailbox.name), addr_spec=written)
    except (MessageError, ValueError, IndexError) as error:  # the standard library has many words for it
        raise UnwritableAddress(mailbox) from error


def _header_text(text: str) -> str:
    """One line without the start of an encoded word: the library decodes those, a line feed in them makes a header."""
    return one_line(text).replace("=?", "= ?")


def _write_body(message: EmailMessage, draft: Draft, calendar: CalendarPart | None) -> None:
    message.set_content(draft.text, cte="quoted-printable")
    message.add_alternative(draft.html, subtype="html", cte="quoted-printable")
    html = message.get_body(("html",))
    if html is not None:
        for picture in draft.pictures:
            cid = f"<{picture.cid}>"
            html.add_related(picture.png, "image", "png", cid=cid, disposition="inline", filename="girocode.png")
    if calendar and calendar.method is not Method.PUBLISH:
        message.add_alternative(
            calendar.content.decode(),
            subtype="calendar",
            cte="base64",
            params={"method": calendar.method.value},
        )


def _files(attachments: tuple[Attachment, ...], calendar: CalendarPart | None) -> tuple[Attachment, ...]:
    """The attachments, the calendar object as a file behind them: that is how Outlook reads a PUBLISH."""
    if calendar is None:
        return attachments
    kind = "text/calendar" if calendar.method is Method.PUBLISH else "application/ics"
    return (*attachments, Attachment(calendar.filename, kind, calendar.content))


def _fix_boundaries(message: EmailMessage, message_id: str) -> None:
    """Boundaries from the Message-ID instead of chance. A digest of 128 bit occurs in no part."""
    multiparts = (part for part in message.walk() if part.is_multipart())
    for place, part in enumerate(multiparts):
        part.set_boundary(f"=_{sha256(f'{place} {message_id}'.encode()).hexdigest()[:32]}")
