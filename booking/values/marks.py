"""Marks of the bookings that we write on an external site: they prove that a block is ours and stands as we wrote it.

A mark is the id of what it stands for, a point, and the first half of HMAC-SHA256(key, "block" ‖ 0 ‖ connection ‖ id ‖
start ‖ end ‖ page), both in hexadecimal. Anybody may read a mark or type one; without the server's key nobody makes one
that is good for another page or time (SPEC Y8).
"""

import hmac
import re
from uuid import UUID

from booking.values.slot import Slot

_FORM = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{32})")


def block_mark(key: bytes, connection: UUID, page: str, slot: Slot, subject: UUID) -> str:
    """The mark of a block for `subject`. Raises ValueError without a key."""
    if not key:
        raise ValueError("a mark needs a key")
    times = b"".join(int(moment.timestamp()).to_bytes(8, "big", signed=True) for moment in (slot.start, slot.end))
    named = page.encode(errors="surrogatepass")
    digest = hmac.digest(key, b"block\0" + connection.bytes + subject.bytes + times + named, "sha256")
    return f"{subject.hex}.{digest[:16].hex()}"


def named_in(mark: str) -> UUID | None:
    """What a mark says that it stands for; prove it by `is_good_mark`. None for any other text."""
    found = _FORM.fullmatch(mark)
    return UUID(found[1]) if found else None


def is_good_mark(key: bytes, connection: UUID, page: str, slot: Slot, mark: str) -> bool:
    """Whether we made this mark, for this page and this time."""
    subject = named_in(mark)
    return subject is not None and hmac.compare_digest(block_mark(key, connection, page, slot, subject), mark)
