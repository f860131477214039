"""The end of a link: what we wrote there is removed, and only that; then what it has here goes, piece by piece."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from booking.actions import link_ending, link_runs
from booking.actions.link_runs import Turn
from booking.tables.database import Database
from ical.item import Item
from outside.errors import SiteMissing, SiteRefused
from sync.fetching import Patience, Read, brought
from sync.remotes.protocol import Remote
from sync.values import ItemLink, Link, LinkState, Side
from sync.widening import breathe

BATCH, BATCH_SECONDS = 20, 20.0
"""With one call more it is well within the lease."""
FETCH = 500


def strays(remote: Remote, link: Link, known: Collection[str], read: Read, patience: Patience) -> list[ItemLink]:
    """Ours at addresses that no row knows, as far as there is time to look: a run may have been killed between the
    writing and its row, or the index may be lost (SPEC C10, C11). Raises the errors of `outside.errors`.
    """
    with suppress(SiteMissing):  # of a calendar that is gone nothing is left
        there = (one.href for one in remote.changes(None).there if one.href not in known)
        batches = list(iter(lambda: tuple(islice(there, FETCH)), ()))
        with closing(brought(remote, batches, read, patience)) as parts:
            found = [(one, one.item) for part in parts for one in part.items if one.item is not None]
        return [ItemLink(None, None, one.href, item.uid, Side.LOCAL) for one, item in found if _is_by_us(link, item)]
    return []


def _is_by_us(link: Link, item: Item) -> bool:
    """A copy that somebody made of it may bear our mark, too, but another UID."""
    return item.origin == link.mark and item.uid.endswith(f"@{link.instance}")


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


def end_pieces(database: Database, turn: Turn, clock: Callable[[], datetime], has_time: Callable[[], bool]) -> bool:
    """End what the link has here, piece by piece. False: there was no time for all of it."""
    while has_time():
        now = clock()

        def work(session: Session, now: datetime = now) -> bool:
            link_runs.hold_on(session, now, turn)
            return link_runs.is_unlinking(session, turn) and link_ending.end_some(session, now, turn.link_id)

        if not database.write(work):
            return True
        breathe()
    return False
