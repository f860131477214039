"""New codes of a door: drawn or read outside of the write, sealed, then kept as free ones (SPEC S1, S22)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from booking.actions.codes import lock_door
from booking.actions.tools import Tools
from booking.actions.vault import Sealed
from booking.reads.code_texts import bound_to
from booking.reads.doors import DoorFacts
from booking.reads.house import House
from booking.rules.doorcodes import TRIES_PER_CODE, LockFormat, new_codes
from booking.tables.doors import DoorCode
from booking.values.house import Season
from booking.values.identity import new_uuid
from booking.values.refusals import NotFound, Refused, refused
from booking.values.slot import Slot
from booking.values.states import CodeState

_BATCH = 500


@dataclass(frozen=True, slots=True)
class NewCode:
    """A sealed code that is not in the database yet."""

    public_id: UUID
    season_id: int | None
    window: Slot
    sealed: Sealed
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Drawn:
    """Codes made outside of the write. `seen` is the door's newest code then: with a newer one they are drawn again."""

    door_id: int
    seen: int
    codes: tuple[NewCode, ...]


def season_of(house: House, season_id: int) -> Season:
    """Raises NotFound where the house has no such season."""
    found = next((season for season in house.seasons if season.season_id == season_id), None)
    if found is None:
        raise NotFound("season", season_id)
    return found


def draw(
    session: Session, now: datetime, tools: Tools, door: DoorFacts, season_id: int | None, needed: Sequence[Slot]
) -> Drawn | Refused:
    """One code for each window, none equal to one that the door has or had at an overlapping time (SPEC S1, S22)."""
    seen, taken = newest(session, door.door_id), taken_by(session, door.door_id)
    drawn = []
    for window in needed:
        text = _unused(tools, door.door_id, door.lock, window, taken)
        if text is None:
            return refused("format-exhausted")
        drawn.append(sealed_code(now, tools, door.door_id, season_id, text, window))
        taken[drawn[-1].fingerprint].append(window)
    return Drawn(door.door_id, seen, tuple(drawn))


def keep(session: Session, house: House, drawn: Drawn) -> Refused | None:
    """Write drawn codes as free ones, unless the door got others since they were drawn."""
    lock_door(session, drawn.door_id)
    if newest(session, drawn.door_id) != drawn.seen:
        return refused("codes-changed")
    rows = [
        {
            "organisation_id": house.organisation_id,
            "public_id": code.public_id,
            "door_id": drawn.door_id,
            "season_id": code.season_id,
            "starts_at": code.window.start,
            "ends_at": code.window.end,
            "state": CodeState.FREE,
            "cipher": code.sealed.cipher,
            "key_id": code.sealed.key_id,
            "code_hmac": code.fingerprint,
            "told_by_phone": False,
        }
        for code in drawn.codes
    ]
    for first in range(0, len(rows), _BATCH):
        session.execute(insert(DoorCode), rows[first : first + _BATCH])
    return None


def _unused(tools: Tools, door_id: int, lock: LockFormat, window: Slot, taken: dict[bytes, list[Slot]]) -> str | None:
    tried: set[str] = set()
    for _ in range(TRIES_PER_CODE):
        drawn = new_codes(1, lock, tried)
        if isinstance(drawn, Refused):
            return None
        others = (other for mark in marks(tools, door_id, drawn[0]) for other in taken.get(mark, ()))
        if not any(window.overlaps(other) for other in others):
            return drawn[0]
        tried.add(drawn[0])
    return None


def sealed_code(now: datetime, tools: Tools, door_id: int, season_id: int | None, text: str, window: Slot) -> NewCode:
    public_id = new_uuid(now)
    sealed = tools.vault.seal(text.encode(), bound_to(public_id))
    return NewCode(public_id, season_id, window, sealed, marks(tools, door_id, text)[0])


def marks(tools: Tools, door_id: int, text: str) -> tuple[bytes, ...]:
    """The code's fingerprints on this door, under the first key first."""
    return tools.vault.fingerprints(text, f"door:{door_id}")


def newest(session: Session, door_id: int) -> int:
    return session.scalar(select(func.max(DoorCode.id)).where(DoorCode.door_id == door_id)) or 0


def taken_by(session: Session, door_id: int) -> dict[bytes, list[Slot]]:
    """Fingerprint → windows of all codes that the door has or had, under whatever key."""
    rows = session.execute(
        select(DoorCode.code_hmac, DoorCode.starts_at, DoorCode.ends_at).where(DoorCode.door_id == door_id)
    )
    found: defaultdict[bytes, list[Slot]] = defaultdict(list)
    for mark, start, end in rows:
        found[mark].append(Slot(start, end))
    return found


def windows_of(session: Session, door_id: int, season_id: int) -> list[Slot]:
    rows = session.execute(
        select(DoorCode.starts_at, DoorCode.ends_at).where(
            DoorCode.door_id == door_id, DoorCode.season_id == season_id, DoorCode.state != CodeState.RETIRED
        )
    )
    return [Slot(start, end) for start, end in rows]
