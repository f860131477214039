"""Two secret addresses of one rental: the link in the mails, and the page that follows a request at once.

The mail's link is found by its hash alone, and who opens it has read the mail. The page's link is for whoever filled in
the form; it proves nothing about the address, so it neither verifies it nor opens the customer's whole calendar.
"""

import hmac
from dataclasses import dataclass
from uuid import UUID

from flask import abort, g, session

from booking.actions.requests import STATUS_LINK
from booking.reads.status import StatusFacts, status_by_id, status_by_link
from booking.values.tokens import hash_token, link_token, looks_like_token
from web.i18n import CHOSEN, speak
from web.request import belong_to, read, tools

PAGE_LINK = "page"
HEX = 32


@dataclass(frozen=True, slots=True)
class Opened:
    """A rental behind the link that opened it. `by_mail` is proof that the reader gets the customer's mails."""

    facts: StatusFacts
    token: str
    by_mail: bool


def open_link(token: str) -> Opened:
    """The rental behind a link, in its customer's language unless this browser chose another; 404 for any other."""
    by_mail = looks_like_token(token)
    facts = status_by_link(read(), hash_token(token)) if by_mail else _by_page(token)
    if facts is None:
        abort(404)
    belong_to(facts.organisation_id)
    if CHOSEN not in session and not g.get("staff_language"):
        speak(facts.language)
    return Opened(facts, token, by_mail)


def link_to(public_id: UUID, generation: int, *, by_mail: bool = False) -> str:
    """The token of a rental's address. Hand out one of `by_mail` only to who came with one."""
    if by_mail:
        return link_token(tools().link_key, STATUS_LINK, public_id, generation)
    return public_id.hex + link_token(tools().link_key, PAGE_LINK, public_id, generation)


def _by_page(token: str) -> StatusFacts | None:
    """The page's token names the rental before its proof."""
    try:
        public_id = UUID(hex=token[:HEX])
    except ValueError:
        return None
    facts = status_by_id(read(), public_id)
    if facts is None:
        return None
    right = link_to(public_id, facts.link_generation)
    return facts if hmac.compare_digest(right.encode(), token.encode(errors="replace")) else None
