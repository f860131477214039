"""The end of a link that is to leave nothing behind: what we wrote there is removed, and only that."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from outside.errors import SiteRefused
from sync.remotes.protocol import Remote
from sync.values import ItemLink, LinkState, Side

BATCH, BATCH_SECONDS = 20, 20.0
"""With one call more it is well within the lease."""


def ours_there(rows: Sequence[ItemLink]) -> list[ItemLink]:
    """What lies there by our doing and is not known to be gone."""
    return [row for row in rows if row.origin is Side.LOCAL and row.href and row.state is not LinkState.TOMBSTONE]


def remove_ours(
    remote: Remote,
    rows: Sequence[ItemLink],
    store: Callable[[list[ItemLink]], None],
    has_time: Callable[[], bool],
    batch_seconds: float = BATCH_SECONDS,
) -> tuple[int, int]:
    """Remove it, whoever changed it since; `store` is told the rows of each batch, with which it renews the lease. How
    many are removed, and left.

    Raises the errors of `outside.errors`, but for an item that the server does not let go: that one is left behind.
    """
    waiting = ours_there(rows)
    removed = 0
    while has_time() and removed < len(waiting):
        batch: list[ItemLink] = []
        end = time.monotonic() + batch_seconds
        for row in waiting[removed : removed + BATCH]:
            with suppress(SiteRefused):
                remote.delete(row.href, None)
            batch.append(row)
            if time.monotonic() >= end:
                break
        store(batch)
        removed += len(batch)
    return removed, len(waiting) - removed
