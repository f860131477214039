"""Archiving, restoring and deleting pass types (SPEC O39 to O46)."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from booking.rules.pass_archive import (
    Deletion,
    Holder,
    can_be_picked,
    is_in_reports,
    may_archive,
    may_delete,
    may_restore,
)
from booking.values.pass_types import PassType
from booking.values.refusals import Reason, Refused, refused
from tests.booking.rules.studio import TEN_VISITS

THEN = datetime(2027, 1, 1, tzinfo=UTC)
SOLD = TEN_VISITS
ARCHIVED = replace(TEN_VISITS, archived_at=THEN)
DELETED = replace(TEN_VISITS, archived_at=THEN, deleted_at=THEN)


@pytest.mark.rule("O39", "O40", "O41", "O43")
@pytest.mark.parametrize(
    ("pass_type", "archive", "restore", "picked", "reported"),
    [
        (SOLD, None, "type-not-archived", True, True),
        (ARCHIVED, "type-archived", None, False, True),
        (DELETED, "type-deleted", "type-deleted", False, False),
    ],
)
def test_an_archived_type_is_in_reports_alone_and_can_come_back(
    pass_type: PassType, archive: str | None, restore: str | None, *, picked: bool, reported: bool
) -> None:
    assert may_archive(pass_type) == (refused(archive) if archive else None)
    assert may_restore(pass_type) == (refused(restore) if restore else None)
    assert can_be_picked(pass_type) is picked
    assert is_in_reports(pass_type) is reported


@pytest.mark.rule("O42", "O46")
@pytest.mark.parametrize("pass_type", [SOLD, ARCHIVED])
def test_deleting_warns_of_what_was_sold(pass_type: PassType) -> None:
    assert may_delete(pass_type, [], [DELETED], 12, 97) == Deletion(sold=12, visits=97)


@pytest.mark.rule("O44")
def test_a_type_that_somebody_holds_is_not_deleted_and_each_is_named() -> None:
    holders = [Holder(3, "Ada", date(2027, 4, 1)), Holder(4, "Ben")]
    assert may_delete(SOLD, holders, [ARCHIVED], 2, 0) == Refused(
        (
            Reason("type-held", "pass-3", {"holder": "Ada", "last": "2027-04-01"}),
            Reason("type-held", "pass-4", {"holder": "Ben"}),
            Reason("type-in-package", None, {"name": "Ten visits"}),
        )
    )
    assert may_delete(DELETED, [], [], 0, 0) == refused("type-deleted")
