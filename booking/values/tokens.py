"""Tokens that can be shown again: derived from the server key, never stored (DESIGN rule 7, decision record 0005).

A token is base64url of HMAC-SHA256(key, purpose ‖ 0 ‖ public id ‖ generation): 256 bits, 43 characters. The database
holds its SHA-256 only. Raising the generation makes a new token; the purpose keeps one kind from passing as another.
"""

import base64
import hashlib
import hmac
import re
from uuid import UUID

FEED = "feed"
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


def link_token(key: bytes, purpose: str, public_id: UUID, generation: int) -> str:
    """The token of one thing for one purpose. Raises ValueError without a key, or on a purpose not plain ASCII."""
    if not key or not purpose.isascii() or not purpose.isprintable() or not purpose:
        raise ValueError("a token needs a key and a purpose in printable ASCII")
    message = purpose.encode() + b"\0" + public_id.bytes + generation.to_bytes(8, "big")
    return base64.urlsafe_b64encode(hmac.digest(key, message, "sha256")).rstrip(b"=").decode()


def token_of(key: bytes, public_id: UUID, generation: int) -> str:
    """The token in a feed's address (SPEC C1)."""
    return link_token(key, FEED, public_id, generation)


def setup_path(key: bytes) -> str:
    """The page that makes the first organisation, with its key; closed for good once there is one."""
    return f"/setup?key={setup_key(key)}"


def setup_key(key: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(key, b"set-up", "sha256")).rstrip(b"=").decode()


def hash_token(token: str) -> bytes:
    """What the database holds of a token: SHA-256, 32 bytes. Any text may be given; it is what somebody sent."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


def looks_like_token(text: str) -> bool:
    """Whether a text has the form of a token, so that nobody needs to look for others."""
    return _FORM.fullmatch(text) is not None
