"""The end of a link that is to leave nothing behind: what we wrote there is removed, and only that."""

from collections.abc import Callable, Sequence
from itertools import islice

from outside.errors import SiteRefused
from sync.remotes.protocol import Remote
from sync.values import ItemLink, LinkState, Side

BATCH = 20


def ours_there(rows: Sequence[ItemLink]) -> list[ItemLink]:
    """What lies there by our doing and is not known to be gone."""
    return [row for row in rows if row.origin is Side.LOCAL and row.href and row.state is not LinkState.TOMBSTONE]


def remove_ours(
    remote: Remote, rows: Sequence[ItemLink], store: Callable[[list[ItemLink]], None], has_time: Callable[[], bool]
) -> tuple[int, int]:
    """Remove it, whoever changed it since; `store` is told the rows of each batch. How many are removed, and left.

    Raises the errors of `outside.errors`, but for an item that the server does not let go: that one is left behind.
    """
    waiting = iter(ours_there(rows))
    removed = 0
    while has_time() and (batch := list(islice(waiting, BATCH))):
        for row in batch:
            try:
                remote.delete(row.href, None)
            except SiteRefused:
                continue
        store(batch)
        removed += len(batch)
    return removed, sum(1 for _ in waiting)
