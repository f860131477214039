"""A mail as the customer sees it, without the door codes: shown in a frame that can run and load nothing (SPEC S11)."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from flask import Response

from papers.mails import Draft
from web.security import POLICY

MASK = "••••"
FRAMED = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
_CODE_CELL = re.compile(r'(<div class="code"[^>]*>)[^<]*(</div>)')
_STATUS_LINK = re.compile(r"/b/[A-Za-z0-9_-]{20,}")


@dataclass(frozen=True, slots=True)
class Body:
    """A mail without its envelope. `files` are the names of what is attached."""

    subject: str
    html: str
    text: str
    files: tuple[str, ...]


def read_mail(data: bytes) -> Body:
    """The parts of a frozen mail, its pictures inside the HTML. Door codes are still in it."""
    message = message_from_bytes(data, policy=SMTP)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy makes it one
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    page = html.get_content() if html is not None else ""
    for part in message.walk():
        cid = str(part.get("Content-ID", "")).strip("<>")
        if cid:
            page = page.replace(f"cid:{cid}", _data(part.get_content_type(), part.get_payload(decode=True)))
    files = tuple(part.get_filename() or "" for part in message.iter_attachments())
    words = text.get_content() if text is not None else ""
    return Body(str(message.get("Subject", "")), page, words, tuple(name for name in files if name))


def read_draft(draft: Draft) -> Body:
    page = draft.html
    for picture in draft.pictures:
        page = page.replace(f"cid:{picture.cid}", _data("image/png", picture.png))
    return Body(draft.subject, page, draft.text, ())


def masked(text: str, codes: Iterable[str]) -> str:
    """Every code, and whatever stands where codes stand, replaced by dots; the customer's own link as well."""
    known = sorted({code for code in codes if code}, key=len, reverse=True)
    for code in known:
        text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(code)}(?![0-9A-Za-z])", MASK, text)
    return _STATUS_LINK.sub(f"/b/{MASK}", _CODE_CELL.sub(rf"\g<1>{MASK}\g<2>", text))


def codes_in(body: Body, codes: Iterable[str]) -> frozenset[str]:
    """Which of these codes the mail shows."""
    return frozenset(code for code in codes if code and code in body.text)


def framed(html: str) -> Response:
    """The mail as a document of its own, for a frame of ours only."""
    response = Response(html or f"<!doctype html><p>{escape(MASK)}</p>", mimetype="text/html")
    response.headers["Content-Security-Policy"] = FRAMED
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def with_frames(response: Response) -> Response:
    """A page of ours that shows such a frame."""
    response.headers["Content-Security-Policy"] = f"{POLICY}; frame-src 'self'"
    return response


def _data(media_type: str, content: object) -> str:
    raw = content if isinstance(content, bytes) else b""
    return f"data:{media_type};base64,{base64.b64encode(raw).decode()}"
