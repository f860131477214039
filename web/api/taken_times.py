"""Refusals of a time that is taken, kept for all who ask for the same: in a race most want the same few times.

What is answered depends on the house, the wish, what is taken around it, the language and the moment. All but the
moment are compared as a whole, and from when on the moment makes a difference is worked out with the answer: what is
kept cannot be out of date (docs/decisions/0008).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response

from booking.reads.house import House
from booking.tables.prepared import Unread
from booking.values.house import PriceBasis, RoomTerms
from booking.values.slot import Slot

MOST = 500
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Question:
    """All that the answer depends on but the house and the moment: how many people is said by `basis`, `others` is what
    is taken around the slot.
    """

    room_id: int
    slot: Slot
    basis: PriceBasis
    others: Unread
    language: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, and for whom: this very house, from `since` to before `until`."""

    house: House
    since: datetime
    until: datetime
    status: int
    body: bytes
    mimetype: str

    @property
    def response(self) -> Response:
        return Response(self.body, self.status, mimetype=self.mimetype)


class Refusals:
    """At most `MOST` of them, for one process."""

    def __init__(self) -> None:
        self._kept: dict[Question, Kept] = {}

    def find(self, house: House, now: datetime, question: Question) -> Response | None:
        """What would be answered now as well. A house that was read anew is another one."""
        kept = self._kept.get(question)
        is_good = kept is not None and kept.house is house and kept.since <= now < kept.until
        return kept.response if kept is not None and is_good else None

    def keep(
        self, house: House, now: datetime, question: Question, answer: Response, starts: Sequence[datetime]
    ) -> Response:
        """`starts` are all that were considered for the answer, in order."""
        if len(self._kept) >= MOST:
            self._kept.clear()
        terms = house.room(question.room_id).terms
        until = min(same_until(now, terms, (question.slot.start,)), same_until(now, terms, starts))
        self._kept[question] = Kept(house, now, until, answer.status_code, answer.get_data(), answer.mimetype or "")
        return answer


def same_until(now: datetime, terms: RoomTerms, starts: Sequence[datetime]) -> datetime:
    """Before which moment each of these starts, which are in order, is past, too soon or beyond reach just as it is
    now.

    The end of time where none of them changes any more; now where one changes this very moment.
    """
    befores = (NO_TIME, terms.notice, terms.horizon)
    first = ((before, bisect_left(starts, now + before)) for before in befores)
    turns = (starts[at] - before for before, at in first if at < len(starts))
    return min(turns, default=datetime.max.replace(tzinfo=now.tzinfo))
