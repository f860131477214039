"""The only place that reads what a door code says: at the moment of sending, telling, or a logged look (SPEC S11).

Who calls: the mail worker, the desk's issue, the doors pages through `booking.actions.doors.reveal_codes`, the digest,
and customers' own feeds where the operator chose that (`booking.reads.agenda`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.tables.doors import Door, DoorCode
from booking.values.slot import Slot
from booking.values.states import CodeState

_BATCH = 500


class Opener(Protocol):
    """What opens a sealed row: the vault. A row that carries `cipher` and `key_id` is as good as a Sealed."""

    def unseal(self, sealed: Any, bound: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class CodeText:
    """A door code in plain text: pass it on to the reader and keep it nowhere. `window` is when it opens the door.

    `state` and `window` are what `booking.rules.doorcodes.sending` asks for; the caller of a mail must ask it.
    """

    text: str = field(repr=False)
    window: Slot
    door: str
    state: CodeState
    told_by_phone: bool


@dataclass(frozen=True, slots=True)
class SealedCode:
    """A code as its row holds it, for who reads rows of several tables at once."""

    public_id: UUID
    cipher: bytes
    key_id: str

    def text(self, vault: Opener) -> str:
        """In plain: pass it on to the reader and keep it nowhere."""
        return _read(vault, self)


def bound_to(public_id: UUID) -> str:
    """What a code's cipher is bound to: moved to another row it does not open."""
    return f"door_code:{public_id}"


def codes_for_mail(session: Session, vault: Opener, booking_id: int) -> tuple[CodeText, ...]:
    """The codes that a booking holds now, in their order; retired ones are not held. Empty where it has none."""
    query = (
        select(DoorCode, Door.name)
        .join(Door, Door.id == DoorCode.door_id)
        .where(DoorCode.booking_id == booking_id, DoorCode.state.in_((CodeState.RESERVED, CodeState.ISSUED)))
        .order_by(DoorCode.starts_at, DoorCode.id)
    )
    return tuple(
        CodeText(_read(vault, code), Slot(code.starts_at, code.ends_at), door, code.state, code.told_by_phone)
        for code, door in session.execute(query)
    )


def texts_of(session: Session, vault: Opener, organisation_id: int, code_ids: Iterable[int]) -> dict[int, str]:
    """Code id → text, of codes that a scoped query of `booking.reads.doors` named."""
    return {
        code.id: _read(vault, code)
        for some in _batches(tuple(code_ids))
        for code in session.scalars(
            select(DoorCode).where(DoorCode.organisation_id == organisation_id, DoorCode.id.in_(some))
        )
    }


def _read(vault: Opener, code: DoorCode | SealedCode) -> str:
    return vault.unseal(code, bound_to(code.public_id)).decode()


def _batches(ids: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    return (ids[first : first + _BATCH] for first in range(0, len(ids), _BATCH))
