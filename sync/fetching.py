"""The content of what a listing names, fetched in batches side by side while what came is read (SPEC C6, C12)."""

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from sync.remotes.protocol import Remote, Resource
from sync.values import RemoteItem

T = TypeVar("T")
Patience = Callable[[], bool]
Read = Callable[[Sequence[Resource]], list[RemoteItem]]

MOST_FETCHES = 2
"""At a time: so that nobody waits for anybody, and no server is flooded."""
PIECE = 100
SLOW = 2.0
"""Seconds; a server that takes longer for a piece is given smaller ones, between which patience is asked for."""
RENEWED = 10.0
"""Seconds; whoever waits longer holds on to the lease meanwhile."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a batch holds. `unread`: the addresses for which there was no time."""

    items: Sequence[RemoteItem]
    unread: Sequence[str] = ()


def brought(
    remote: Remote, batches: Sequence[Sequence[str]], read: Read, patience: Patience
) -> Generator[Brought, None, None]:
    """What each batch holds, in their order; some are fetched while others are read. `patience` as `Gatherer` has it.

    Once the generator is closed, or anything raises, nothing more is begun. Raises what fetching, reading and patience
    raise.
    """
    side_by_side = min(remote.parallel, MOST_FETCHES, len(batches))
    with ThreadPoolExecutor(1) as readers, ThreadPoolExecutor(max(side_by_side, 1)) as fetchers:
        work = _Work(remote, patience)

        def bring(batch: Sequence[str]) -> tuple[Future[list[RemoteItem]], Sequence[str]]:
            resources, unread = work.fetch(batch)
            return readers.submit(read, resources), unread

        coming = [fetchers.submit(bring, batch) for batch in batches]
        try:
            for fetched in coming:
                reading, unread = _awaited(fetched, patience)
                items = _awaited(reading, patience)
                yield Brought(items, unread)
        finally:
            work.is_over = True
            fetchers.shutdown(wait=True, cancel_futures=True)
            readers.shutdown(wait=True, cancel_futures=True)


class _Work:
    """Threads share it; that two of them change `piece` at once does no harm."""

    def __init__(self, remote: Remote, patience: Patience) -> None:
        self.remote, self.patience = remote, patience
        self.piece = PIECE
        self.is_over = False

    def fetch(self, batch: Sequence[str]) -> tuple[list[Resource], Sequence[str]]:
        """What came, and what there was no time for. A server that answers quickly is asked for all of it at once."""
        found: list[Resource] = []
        first = 0
        while first < len(batch) and not self.is_over and self.patience():
            asked = time.monotonic()
            while first < len(batch) and time.monotonic() - asked <= SLOW:
                begin = time.monotonic()
                piece = batch[first : first + self.piece]
                found += self.remote.fetch(piece)
                first += len(piece)
                if time.monotonic() - begin > SLOW:
                    self.piece = max(len(piece) // 4, 1)
        return found, batch[first:]


def _awaited(future: Future[T], patience: Patience) -> T:
    while not wait([future], RENEWED).done:
        patience()
    return future.result()
