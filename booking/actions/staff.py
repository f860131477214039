"""Staff is kept (SPEC R2): roles, passwords, leaving. Making somebody: `booking.actions.accounts.make_staff`."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.accounts import close_other_sessions
from booking.actions.audit import Actor, note
from booking.actions.setting_rows import own
from booking.tables.people import Staff
from booking.values.refusals import Refused, refused
from booking.values.states import Role


def may_touch(by: Role, role: Role) -> bool:
    """Owners are made, changed and ended by owners only."""
    return role is not Role.OWNER or by is Role.OWNER


def change_role(
    session: Session, now: datetime, organisation_id: int, actor: Actor, by: Role, staff_id: int, role: Role
) -> Refused | None:
    """Give somebody another role. Refused: yourself, only-owners, last-owner."""
    row = own(session, Staff, organisation_id, staff_id)
    if row.role is role:
        return None
    no = _against(session, row, actor, by, role)
    if no:
        return no
    before, row.role = row.role, role
    told = {"before": {"role": before.value}, "after": {"role": role.value}}
    note(session, now, organisation_id, actor, "staff", row.id, "changed", **told)
    return None


def set_disabled(
    session: Session, now: datetime, organisation_id: int, actor: Actor, by: Role, staff_id: int, *, disabled: bool
) -> Refused | None:
    """End somebody's log-ins for good, or let them in again. Refused: yourself, only-owners, last-owner."""
    row = own(session, Staff, organisation_id, staff_id)
    if disabled == (row.disabled_at is not None):
        return None
    no = _against(session, row, actor, by, None if disabled else row.role)
    if no:
        return no
    row.disabled_at = now if disabled else None
    if disabled:
        close_other_sessions(session, now, organisation_id, staff_id)
    note(session, now, organisation_id, actor, "staff", row.id, "disabled" if disabled else "enabled")
    return None


def set_password(
    session: Session, now: datetime, organisation_id: int, actor: Actor, by: Role, staff_id: int, password_hash: str
) -> Refused | None:
    """Another password; all log-ins of the person end. Refused: only-owners."""
    row = own(session, Staff, organisation_id, staff_id)
    if not may_touch(by, row.role):
        return refused("only-owners")
    row.password_hash = password_hash
    close_other_sessions(session, now, organisation_id, staff_id)
    note(session, now, organisation_id, actor, "staff", row.id, "password-reset")
    return None


def _against(session: Session, row: Staff, actor: Actor, by: Role, role: Role | None) -> Refused | None:
    """`role` is what the person becomes; None: nobody."""
    if row.id == actor.staff_id:
        return refused("yourself")
    if not may_touch(by, row.role) or (role is not None and not may_touch(by, role)):
        return refused("only-owners")
    if row.role is Role.OWNER and role is not Role.OWNER and _owners(session, row.organisation_id) < 2:
        return refused("last-owner")
    return None


def _owners(session: Session, organisation_id: int) -> int:
    """How many owners can log in; their rows are locked, so that two do not end each other at once."""
    locked = select(Staff.id).where(
        Staff.organisation_id == organisation_id, Staff.role == Role.OWNER, Staff.disabled_at.is_(None)
    )
    return len(session.scalars(locked.order_by(Staff.id).with_for_update()).all())
