"""Copies of values: what `dataclasses.replace` makes, only sooner."""

import dataclasses

import pytest

from sync.copying import replace
from sync.values import ItemLink, Kind, Operation, Reason, Side
from tests.sync.simulator import item

ROW = ItemLink(1, -2, "/a", "a", Side.REMOTE, base=item(), base_etag='"1"')


def test_a_copy_is_the_one_that_the_standard_library_makes() -> None:
    assert replace(ROW) == ROW
    assert replace(ROW) is not ROW
    assert replace(ROW, href="/b", flips=2) == dataclasses.replace(ROW, href="/b", flips=2)


def test_what_was_worked_out_for_the_one_is_not_taken_for_the_other() -> None:
    step = Operation(Kind.CREATE, Side.REMOTE, Reason.NEW_HERE, ROW, None, item())
    other = replace(step, payload=item("u2"))
    assert step.key != other.key
    assert replace(step, payload=item("u2")).key == other.key


def test_a_field_that_is_none_is_an_error() -> None:
    with pytest.raises(KeyError):
        replace(ROW, colour="red")
