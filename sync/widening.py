"""Series are known some months ahead; what has come within reach meanwhile is taken now, the soonest dates first.

So is what a large link could not take at once (`booking.rules.link_dates`). One that may keep no more says so in words
of its own, and the office has a case until everything is kept (SPEC C9, C14).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from booking.actions import link_bulk, link_imports, link_runs
from booking.actions.link_runs import Turn
from booking.reads import link_dates
from booking.reads.link_dates import Short
from booking.reads.link_evidence import LinkFacts
from booking.rules.link_dates import FEW, MOST_DATES, MOST_ROWS, SPARE, size, soonest
from booking.tables.database import Database
from booking.values.links import ImportedTime
from ical.canon import item_of
from sync.store import imported_time

NEAR = timedelta(days=31)
MANY = 31
LATE = timedelta(hours=20)
"""Dates that are known so far short of what is wanted are let be: each night is soon enough."""
BREATH = 0.01
MOST_AT_ONCE = 500
MOST_ROUNDS = 1_000
Work = tuple[Short, ImportedTime]


@dataclass(frozen=True, slots=True)
class Seen:
    """Items that are known for too short, on how many units, and for how many further dates there is room: in all, and
    of each item.
    """

    found: Sequence[Short]
    units: int
    room: int
    share: int


def breathe() -> None:
    """Who waits for the database looks every few milliseconds whether it is free; many pieces in a row leave them a
    moment in between.
    """
    time.sleep(BREATH)


@dataclass(frozen=True, slots=True)
class Widening:
    """`waiting`: so many items of the calendar are not here yet; room for their next dates is left."""

    database: Database
    turn: Turn
    facts: LinkFacts
    zone: str
    clock: Callable[[], datetime]
    has_time: Callable[[], bool]
    waiting: int

    def run(self) -> bool:
        """Take what there is room and time for. True: the calendar holds more dates than may be kept."""
        is_full = False
        for _ in range(MOST_ROUNDS):
            if not self.has_time():
                return False
            now = self.clock()
            seen = self._look(now)
            is_over = True
            for works in self._pieces(now, seen):
                self._take(now, works)
                is_over = False
                breathe()
            if is_over:
                is_full = bool(seen.found)
                break
        self._tell(is_full=is_full)
        return is_full

    def _look(self, now: datetime) -> Seen:
        link_id, wanted = self.facts.link_id, self.facts.until - LATE
        with self.database.read() as session:
            found = link_dates.imports_to_widen(session, link_id, wanted, MOST_AT_ONCE)
            if not found:
                return Seen(found, 0, 0, 0)
            kept, units = link_dates.dates_kept(session, link_id, now)
            count = link_dates.how_many_to_widen(session, link_id, wanted)
        room = MOST_DATES - SPARE - FEW * self.waiting - kept
        return Seen(found, units, room, room // count)

    def _pieces(self, now: datetime, seen: Seen) -> Iterator[list[Work]]:
        """As many at a time as one transaction may take; each item has its share of the room that is left."""
        most, room = max(1, MOST_ROWS // max(1, seen.units)), seen.room
        works: list[Work] = []
        dates = 0
        for one in seen.found:
            if room <= 0:
                break
            given = self._further(now, one, min(most, room, max(1, seen.share)))
            if given.until is not None and given.until <= one.until:
                continue  # its next date alone is more than there is room for
            new = size(given.slots)
            if works and dates + new > most:
                yield works
                works, dates = [], 0
            works.append((one, given))
            dates, room = dates + new, room - new
        if works:
            yield works

    def _further(self, now: datetime, one: Short, most: int) -> ImportedTime:
        """Its dates from where they are known; one of few is looked for in a short time first, since to find the dates
        of years takes long.
        """
        until = self.facts.until
        if most < MANY:
            until = min(until, max(one.until, now) + NEAR)
        given = imported_time(item_of(one.content), now, until, self.zone)
        if given.problem or one.problem:
            return given
        new = tuple(slot for slot in given.slots if slot.start >= one.until)
        return soonest(replace(given, slots=new), now, most)

    def _take(self, now: datetime, works: Sequence[Work]) -> None:
        def work(session: Session) -> None:
            link_runs.hold_on(session, now, self.turn)
            link, units = link_imports.lock_room(session, self.turn.link_id)
            link_bulk.take_further(session, now, link, units, works)

        self.database.write(work)

    def _tell(self, *, is_full: bool) -> None:
        now = self.clock()
        with self.database.read() as session:
            is_told = link_dates.is_told_full(session, self.turn.organisation_id, self.turn.link_id)
        if is_full == is_told:
            return

        def work(session: Session) -> None:
            link_runs.hold_on(session, now, self.turn)
            link_imports.tell_full(session, now, self.turn.link_id, is_full=is_full)

        self.database.write(work)
