"""Public identities: UUIDs of version 7 (RFC 9562 section 5.7), ordered by the moment they were made."""

import secrets
from datetime import datetime
from uuid import UUID

from booking.values.clock import require_utc


def new_uuid(now: datetime) -> UUID:
    """48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = int(require_utc(now).timestamp() * 1000)
    random = secrets.randbits(74)
    high = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64
    return UUID(int=high | 0b10 << 62 | random & (1 << 62) - 1)


def new_token() -> str:
    """256 random bits, URL-safe: sessions, API tokens, webhook secrets. Shown once, stored as a hash."""
    return secrets.token_urlsafe(32)


def host_id(organisation: UUID) -> str:
    """What follows the @ in an organisation's UIDs, for good, whatever its address becomes (RFC 7986 section 5.3)."""
    return f"{organisation.hex[-12:]}.platzwart"
