"""How a setting's row is written: changed fields only, audited before and after, the house's revision bumped."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from booking.actions.audit import Actor, note
from booking.tables.houses import Organisation
from booking.values.refusals import NotFound, Reason

Row = TypeVar("Row")
Range = tuple[int, int]


def bump(session: Session, organisation_id: int) -> None:
    """Make every process read the house anew."""
    session.flush()
    session.execute(
        update(Organisation)
        .where(Organisation.id == organisation_id)
        .values(settings_revision=Organisation.settings_revision + 1)
        .execution_options(synchronize_session=False)
    )


def put(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    table: type[Any],
    row: Any,
    wanted: Mapping[str, Any],
) -> int:
    """Change the row, or make one where it is None. Returns its id."""
    if row is not None:
        set_fields(session, now, organisation_id, actor, row, table.__tablename__, wanted)
        return int(row.id)
    made = table(organisation_id=organisation_id, **wanted)
    session.add(made)
    session.flush()  # the audit entry names the row
    note(session, now, organisation_id, actor, table.__tablename__, made.id, "made", after=plain(wanted))
    bump(session, organisation_id)
    return int(made.id)


def set_fields(
    session: Session,
    now: datetime,
    organisation_id: int,
    actor: Actor,
    row: Any,
    subject: str,
    wanted: Mapping[str, Any],
) -> None:
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not changed:
        return
    before = {name: getattr(row, name) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    if isinstance(row, Organisation):
        row.changed_at = now
    note(session, now, organisation_id, actor, subject, row.id, "changed", before=plain(before), after=plain(changed))
    bump(session, organisation_id)


def remove(session: Session, now: datetime, organisation_id: int, actor: Actor, table: type[Any], row_id: int) -> None:
    row = own(session, table, organisation_id, row_id)
    columns = (
        column.key for column in table.__table__.columns if column.key not in {"id", "organisation_id", "public_id"}
    )
    before = {name: getattr(row, name) for name in columns}
    session.delete(row)
    note(session, now, organisation_id, actor, table.__tablename__, row_id, "removed", before=plain(before))
    bump(session, organisation_id)


def own(session: Session, table: type[Row], organisation_id: int, row_id: int | None) -> Row:
    """The row, locked. Raises NotFound where the organisation has no such one."""
    columns: Any = table
    query = select(table).where(columns.organisation_id == organisation_id, columns.id == row_id).with_for_update()
    row = session.scalar(query)
    if row is None:
        raise NotFound(columns.__tablename__, row_id)
    return row


def require_known(wanted: Mapping[str, Any], names: Iterable[str]) -> None:
    strange = set(wanted) - set(names)
    if strange:
        raise ValueError(f"no settings of this kind: {sorted(strange)}")


def out_of_range(ranges: Mapping[str, Range], wanted: Mapping[str, Any]) -> list[Reason]:
    return [
        Reason("out-of-range", name, {"least": least, "most": most})
        for name, (least, most) in ranges.items()
        if wanted.get(name) is not None and not least <= wanted[name] <= most
    ]


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as an audit entry can hold them."""
    return {name: _word(value) for name, value in values.items()}


def _word(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if hasattr(value, "isoformat") else value
