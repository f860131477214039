"""A folder of received mails, one file each, written so that an accepted mail survives a crash."""

import itertools
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import MIMEPart
from email.parser import BytesParser
from functools import lru_cache
from pathlib import Path

SUFFIX = ".eml"
ENVELOPE_FROM, ENVELOPE_TO = "X-Envelope-From", "X-Envelope-To"
CONTENT_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a mail that is not its text: an attachment, an inline image, an invitation."""

    number: int
    name: str
    content_type: str
    content_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A received mail, decoded. `mail_id` names its file; `html` is as sent and must be shown in a sandbox."""

    mail_id: str
    received_at: datetime
    envelope_from: str
    envelope_to: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    parts: tuple[Part, ...]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class MailStore:
    """Writes and reads mails. Safe for one writing process and any number of readers."""

    def __init__(self, folder: Path) -> None:
        self._new, self._draft = folder / "new", folder / "tmp"
        for part in (self._new, self._draft):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._count = itertools.count()

    def keep(self, content: bytes, sender: str, receivers: tuple[str, ...]) -> str:
        """Store one mail on the disk. Returns its id; ids sort by time of arrival."""
        name = f"{time.time_ns()}-{os.getpid()}-{next(self._count)}{SUFFIX}"
        envelope = f"{ENVELOPE_FROM}: {sender}\r\n{ENVELOPE_TO}: {', '.join(receivers)}\r\n"
        with (self._draft / name).open("xb") as file:
            file.write(envelope.encode("utf-8", "replace") + content)
            file.flush()
            os.fsync(file.fileno())
        (self._draft / name).rename(self._new / name)
        _sync_folder(self._new)
        return name.removesuffix(SUFFIX)

    def ids(self) -> list[str]:
        """All mails, newest first."""
        names = (name for name in os.listdir(self._new) if name.endswith(SUFFIX))  # noqa: PTH208  # thousands of them
        return sorted((name.removesuffix(SUFFIX) for name in names), key=_age, reverse=True)

    def raw(self, mail_id: str) -> bytes | None:
        """The mail as it came, without the two envelope lines; None where there is none of that id."""
        return None if (stored := self._stored(mail_id)) is None else stored.split(b"\n", 2)[2]

    def mail(self, mail_id: str) -> Mail | None:
        return None if (stored := self._stored(mail_id)) is None else parse(mail_id, stored)

    def mails(self, limit: int) -> Iterator[Mail]:
        """The newest mails, newest first."""
        for mail_id in self.ids()[:limit]:
            if mail := self.mail(mail_id):
                yield mail

    def _stored(self, mail_id: str) -> bytes | None:
        if mail_id != Path(mail_id).name:
            return None
        try:
            return (self._new / f"{mail_id}{SUFFIX}").read_bytes()
        except OSError:
            return None


def _age(mail_id: str) -> tuple[int, ...]:
    return tuple(int(number) for number in mail_id.split("-") if number.isdigit())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@lru_cache(maxsize=256)
def parse(mail_id: str, stored: bytes) -> Mail:
    """Decode a stored mail. Broken mails are shown as far as they can be read; this never raises for their content."""
    message = BytesParser(policy=policy.default).parsebytes(stored)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    leaves = [leaf for leaf in message.walk() if not leaf.is_multipart() and leaf is not text and leaf is not html]
    headers = tuple((name, str(value)) for name, value in message.items())
    return Mail(
        mail_id=mail_id,
        received_at=datetime.fromtimestamp(_age(mail_id)[0] / 1e9, UTC),
        envelope_from=str(message.get(ENVELOPE_FROM, "")),
        envelope_to=tuple(part.strip() for part in str(message.get(ENVELOPE_TO, "")).split(",") if part.strip()),
        headers=tuple(header for header in headers if header[0] not in {ENVELOPE_FROM, ENVELOPE_TO}),
        text=_text(text),
        html=_text(html),
        parts=tuple(_part(number, leaf) for number, leaf in enumerate(leaves)),
    )


def _text(body: MIMEPart | None) -> str:
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (LookupError, UnicodeError):
        return _bytes_of(body).decode("utf-8", "replace")


def _bytes_of(leaf: MIMEPart) -> bytes:
    payload = leaf.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _safe_type(content_type: str) -> str:
    return content_type if CONTENT_TYPE.fullmatch(content_type) else "application/octet-stream"


def _part(number: int, leaf: MIMEPart) -> Part:
    return Part(
        number=number,
        name=leaf.get_filename() or leaf.get_content_type().replace("/", "."),
        content_type=_safe_type(leaf.get_content_type()),
        content_id=str(leaf.get("Content-ID", "")).strip("<> "),
        content=_bytes_of(leaf),
    )
