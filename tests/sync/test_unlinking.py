"""The end of a link: what we wrote there is removed in batches that no lease is too short for."""

import pytest

from outside.errors import SiteRefused
from sync.remotes.memory import MemoryRemote
from sync.unlinking import BATCH, remove_ours
from sync.values import ItemLink, Side

MANY = 2 * BATCH + 3


def rows_on(remote: MemoryRemote, number: int = MANY) -> list[ItemLink]:
    """Ours, and one that somebody else wrote."""
    made = [ItemLink(one, one, f"/{one}", f"uid-{one}", Side.LOCAL) for one in range(number)]
    for row in made:
        remote.edit(row.href, b"x")
    remote.edit("/theirs", b"x")
    return [*made, ItemLink(number, None, "/theirs", "theirs", Side.REMOTE)]


@pytest.mark.rule("C10")
@pytest.mark.parametrize(
    ("seconds", "sizes"), [(60.0, [BATCH, BATCH, 3]), (0.0, [1] * MANY)], ids=["a quick server", "a slow one"]
)
def test_what_was_removed_is_stored_before_the_lease_can_end(seconds: float, sizes: list[int]) -> None:
    remote, stored = MemoryRemote(), list[int]()
    done = remove_ours(remote, rows_on(remote), lambda rows: stored.append(len(rows)), lambda: True, seconds)
    assert (done, stored, list(remote.bodies)) == ((MANY, 0), sizes, ["/theirs"])


@pytest.mark.rule("C10")
def test_what_there_was_no_time_for_is_left_to_the_next_run_and_what_is_refused_to_itself() -> None:
    remote, stored = MemoryRemote(), list[int]()

    def refuse(moment: str, _method: str) -> None:
        if moment == "before" and remote.writes == 3:
            remote.writes += 1
            raise SiteRefused("", 423)

    remote.hook = refuse
    done = remove_ours(remote, rows_on(remote), lambda rows: stored.append(len(rows)), lambda: not stored)
    assert (done, stored, len(remote.bodies)) == ((BATCH, MANY - BATCH), [BATCH], MANY - BATCH + 2)
