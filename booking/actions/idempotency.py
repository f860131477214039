"""One effect for one Idempotency-Key, however often and however parallel a call is repeated (SPEC X3).

The key's row is claimed first and filled last, in the transaction of the effect itself: who comes with the same key
meanwhile waits for it, and then finds the answer. A refusal has no effect, so its key stays free.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from booking.actions.calendar_items import insert_for
from booking.tables.outgoing import IdempotencyKey

KEPT = timedelta(days=2)
LONGEST_KEY = 200
_UNDER_WAY = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be repeated: whose, under which key, and what it said."""

    organisation_id: int
    key_hash: bytes
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer that the first call got. `is_other` tells that it was another call under the same key."""

    status: int
    body: dict[str, Any]
    is_other: bool


def call_of(organisation_id: int, caller: str, key: str, request: bytes) -> Call:
    """`caller` keeps the keys of one token apart from another's."""
    return Call(organisation_id, sha256(f"{caller}\0{key}".encode(errors="replace")).digest(), sha256(request).digest())


def answered(session: Session, call: Call) -> Stored | None:
    """What was answered to this key, where it was."""
    query = select(IdempotencyKey.status, IdempotencyKey.body, IdempotencyKey.request_hash).where(
        IdempotencyKey.organisation_id == call.organisation_id, IdempotencyKey.key_hash == call.key_hash
    )
    row = session.execute(query).one_or_none()
    return Stored(row.status, row.body, row.request_hash != call.request_hash) if row else None


def claim(session: Session, now: datetime, call: Call) -> Stored | None:
    """Take the key, or return the stored answer. Waits for a parallel call under the same key."""
    row = {
        "organisation_id": call.organisation_id,
        "key_hash": call.key_hash,
        "request_hash": call.request_hash,
        "status": _UNDER_WAY,
        "body": {},
        "at": now,
    }
    taken = (
        insert_for(session, IdempotencyKey)
        .values(row)
        .on_conflict_do_nothing(index_elements=["organisation_id", "key_hash"])
        .returning(IdempotencyKey.status)
    )
    return answered(session, call) if session.scalar(taken) is None else None


def keep(session: Session, call: Call, status: int, body: dict[str, Any]) -> None:
    """Fill the claimed key with the answer. The body is plain JSON and never secret."""
    session.execute(update(IdempotencyKey).where(*_is(call)).values(status=status, body=body))


def let_go(session: Session, call: Call) -> None:
    """The call had no effect: its key is free again."""
    session.execute(delete(IdempotencyKey).where(*_is(call)))


def forget(session: Session, before: datetime) -> None:
    """Keys that nobody repeats any more."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.at < before))


def _is(call: Call) -> tuple[Any, Any]:
    return IdempotencyKey.organisation_id == call.organisation_id, IdempotencyKey.key_hash == call.key_hash
