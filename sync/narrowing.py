"""Which rows a complete listing asks for, so that a run costs what changed and not what is there (SPEC C9, C10). Pure.

What is listed as it was agreed on, has not changed here and waits for nothing would give no step, so it is neither
loaded nor planned; the plan is told how many such items there are. A plan of all rows gives the same steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import filterfalse
from operator import itemgetter
from typing import Protocol

from sync.remotes.protocol import Listed, Listing


class Mark(Protocol):
    """What is asked of each row (`booking.reads.link_marks`)."""

    @property
    def href(self) -> str: ...
    @property
    def etag(self) -> str | None: ...
    @property
    def waits(self) -> int: ...
    @property
    def lives(self) -> int: ...
    @property
    def is_theirs(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`hrefs`: addresses of the rows to load. `listed`: what of the listing is new, changed or waited for.

    `others`: further items that were listed as they were agreed on.
    """

    hrefs: tuple[str, ...]
    listed: tuple[Listed, ...]
    others: int


def narrow(listing: Listing, marks: Sequence[Mark]) -> Narrowed | None:
    """None where all rows are to be looked at: what is missing or changed is more than half of it, or nothing is known
    of what is missing. So whoever judges a calendar as a whole (does it make up new UIDs?) has the whole of it.
    """
    if listing.is_delta or not listing.is_whole or not marks:
        return None
    known = {mark.href for mark in marks}
    waiting = {mark.href for mark in marks if mark.waits}
    settled = {mark.href: mark.etag for mark in marks if mark.etag is not None and not mark.waits}
    listed = tuple(filterfalse(settled.items().__contains__, listing.there))
    named = set(map(itemgetter(0), listing.there))
    absent = [mark for mark in marks if mark.lives and mark.href not in named]
    asked = waiting.union([mark.href for mark in absent], [one.href for one in listed if one.href in known])
    theirs = sum([mark.is_theirs for mark in marks])
    if 2 * len(asked) > len(marks) or 2 * sum([mark.is_theirs for mark in absent]) > theirs:
        return None
    return Narrowed(tuple(asked), listed, len(named & known) - len(named & asked))
