"""Refusals of a time that is taken, kept for all who ask for the same: in a race most want the same few times.

What is answered depends on the house, the wish, what is taken around it, the language and the moment. All but the
moment are compared as a whole, and from when on the moment makes a difference is worked out with the answer: what is
kept cannot be out of date (docs/decisions/0008).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import Response

from booking.reads.house import House
from booking.tables.prepared import Unread
from booking.values.house import PriceBasis, RoomTerms
from booking.values.slot import Slot

MOST = 500


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
        self, house: House, now: datetime, question: Question, answer: Response, starts: Iterable[datetime]
    ) -> Response:
        """`starts` are all that were considered for the answer."""
        if len(self._kept) >= MOST:
            self._kept.clear()
        until = same_until(now, house.room(question.room_id).terms, (question.slot.start, *starts))
        self._kept[question] = Kept(house, now, until, answer.status_code, answer.get_data(), answer.mimetype or "")
        return answer


def same_until(now: datetime, terms: RoomTerms, starts: Iterable[datetime]) -> datetime:
    """Before which moment each of these starts, one at least, is past, too soon or beyond reach just as it is now.

    The end of time where none of them changes any more; now where one changes this very moment.
    """
    turns = (turn for start in starts for turn in (start, start - terms.notice, start - terms.horizon))
    return min((turn for turn in turns if turn >= now), default=datetime.max.replace(tzinfo=now.tzinfo))
