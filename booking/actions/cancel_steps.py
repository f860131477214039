"""The steps of cancelling a room are kept (SPEC S27): all of them at once, audited before and after."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.actions.setting_rows import bump
from booking.tables.houses import CancelStep as Row
from booking.tables.houses import Room
from booking.values.house import CancelStep


def write_steps(session: Session, now: datetime, actor: Actor, room: Room, steps: Iterable[CancelStep]) -> None:
    """Replace the steps of a room, which the caller has locked and checked (`booking.rules.moving.step_reasons`)."""
    wanted = in_order(steps)
    mine = Row.room_id == room.id
    before = in_order(CancelStep(row.days_before, row.fee_percent) for row in session.scalars(select(Row).where(mine)))
    if wanted == before:
        return
    session.execute(delete(Row).where(mine))
    session.add_all(
        [
            Row(
                organisation_id=room.organisation_id,
                room_id=room.id,
                days_before=step.days_before,
                fee_percent=step.fee_percent,
            )
            for step in wanted
        ]
    )
    told = {"before": _told(before), "after": _told(wanted)}
    note(session, now, room.organisation_id, actor, "room", room.id, "changed", **told)
    bump(session, room.organisation_id)


def in_order(steps: Iterable[CancelStep]) -> tuple[CancelStep, ...]:
    """As they come one after the other: the earliest first."""
    return tuple(sorted(steps, key=lambda step: -step.days_before))


def _told(steps: Sequence[CancelStep]) -> dict[str, Any]:
    return {"cancel_steps": [{"days": step.days_before, "percent": step.fee_percent} for step in steps]}
