"""Pass types that are no longer sold: archived, restored, deleted (SPEC O39 to O46).

A pass carries the settings of its sale, so nothing here touches what was sold: it stays valid, its sales and visits
stay in the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from booking.values.pass_types import PassType
from booking.values.refusals import Reason, Refused, refused


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an active pass of a type (`booking.rules.pass_ends.is_active`); `last_day` None: without an end."""

    pass_id: int
    name: str
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Deletion:
    """What is to be warned of before a type is deleted: so much was sold of it and attended on it, and reports can then
    no longer be filtered by it (SPEC O42, O43).
    """

    sold: int
    visits: int


def may_archive(pass_type: PassType) -> Refused | None:
    """None, or: type-deleted, type-archived (it is already)."""
    if pass_type.deleted_at is not None:
        return refused("type-deleted")
    return refused("type-archived") if pass_type.archived_at is not None else None


def may_restore(pass_type: PassType) -> Refused | None:
    """None, or: type-deleted, type-not-archived."""
    if pass_type.deleted_at is not None:
        return refused("type-deleted")
    return refused("type-not-archived") if pass_type.archived_at is None else None


def may_delete(
    pass_type: PassType, holders: Sequence[Holder], packages: Sequence[PassType], sold: int, visits: int
) -> Deletion | Refused:
    """What to warn of before deleting, or why it cannot be. `packages`: those of which it is a part, gone ones or not.

    type-deleted     it is already
    type-held        at pass-<id>: somebody holds an active one: `holder`, and `last` where it ends; one for each
    type-in-package  a package that is sold, or could be restored, bundles it: `name`
    """
    reasons = [Reason("type-deleted")] if pass_type.deleted_at is not None else []
    reasons += [_held(holder) for holder in holders]
    reasons += [Reason("type-in-package", None, {"name": one.name}) for one in packages if one.deleted_at is None]
    return Refused(tuple(reasons)) if reasons else Deletion(sold, visits)


def can_be_picked(pass_type: PassType) -> bool:
    """Whether a pick list shows it (SPEC O41, O43)."""
    return pass_type.archived_at is None and pass_type.deleted_at is None


def is_in_reports(pass_type: PassType) -> bool:
    """Whether the filters of reports show it: archived ones too, deleted ones not (SPEC O41, O43)."""
    return pass_type.deleted_at is None


def _held(holder: Holder) -> Reason:
    values: dict[str, str | int] = {"holder": holder.name}
    if holder.last_day is not None:
        values["last"] = holder.last_day.isoformat()
    return Reason("type-held", f"pass-{holder.pass_id}", values)
