"""Passes that were sold: their days, their freezes, their contract, their ledger of units (SPEC Words, O).

Days are local days, first and last inclusive. A ledger is insert-only: what is left on a pass is the sum of its
entries, and that is never below 0 (DESIGN rule 6).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from booking.values.pass_types import PLAIN_RULES, ContractTerms, PassRules, PassUse, Renewal
from booking.values.term import Term, last_day_of


class UnitEntryKind(StrEnum):
    """SALE adds what was sold, at the sale and at every top-up. RESERVE takes units for a booking, CONSUME marks them
    as used: that adds 0, or takes them where nothing was reserved. GIVE_BACK returns what a booking holds. EXPIRE
    takes what is left at the end. CORRECT adds or takes with a reason.
    """

    SALE = "sale"
    RESERVE = "reserve"
    CONSUME = "consume"
    GIVE_BACK = "give_back"
    EXPIRE = "expire"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class UnitEntry:
    """One row of a pass's ledger, signed: what it adds to the units that are left. Some add 0 and say what happened."""

    kind: UnitEntryKind
    units: int
    booking_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HeldVisit:
    """A booking whose event a pass pays for, and which has not been marked yet. `day` is the local day of its start."""

    booking_id: int
    starts_at: datetime
    day: date
    units: int = 1


@dataclass(frozen=True, slots=True)
class Freeze:
    """A stretch in which a pass rests, both days inclusive."""

    first_day: date
    last_day: date

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    def has(self, day: date) -> bool:
        return self.first_day <= day <= self.last_day

    def overlaps(self, other: "Freeze") -> bool:
        return self.first_day <= other.last_day and other.first_day <= self.last_day


def frozen_end(last_day: date, freezes: Iterable[Freeze]) -> date:
    """Where an end comes to lie: later by the days of each freeze that begins up to it (SPEC O38)."""
    for freeze in sorted(freezes, key=lambda one: one.first_day):
        if freeze.first_day <= last_day:
            last_day += timedelta(days=freeze.days)
    return last_day


@dataclass(frozen=True, slots=True)
class Notice:
    """A contract's end, said on `given_on`: its last day is fixed. `special`: for a grave reason, with its proof."""

    given_on: date
    last_day: date
    special: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Contract:
    """What binds a customer: from when, on which terms, moved by which freezes, ended by which notice (SPEC O47)."""

    first_day: date
    terms: ContractTerms
    freezes: tuple[Freeze, ...] = ()
    notice: Notice | None = None

    @property
    def minimum_end(self) -> date:
        """The last day of the minimum term, later by the days that rested until then."""
        return frozen_end(last_day_of(self.first_day, self.terms.minimum), self.freezes)

    @property
    def last_day(self) -> date | None:
        """The last day as it stands: by a notice, or because nothing renews it; else None."""
        if self.notice is not None:
            return self.notice.last_day
        return self.minimum_end if self.terms.renewal is Renewal.NONE else None


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass of one participant, with the settings that its sale copied from the type.

    `first_day` None: it begins with the first visit and has not begun (SPEC O33). `visits` None: any number, so it has
    no units and no ledger. `ended_on`: an early end's last day, set by hand. `terms` and `notice` belong to contracts.
    """

    pass_id: int
    type_id: int
    sold_on: date
    first_day: date | None
    term: Term | None = None
    visits: int | None = None
    rules: PassRules = PLAIN_RULES
    freezes: tuple[Freeze, ...] = ()
    terms: ContractTerms | None = None
    notice: Notice | None = None
    ended_on: date | None = None
    deleted_at: datetime | None = None

    @property
    def is_club_card(self) -> bool:
        return self.rules.use is PassUse.CLUB_CARD

    @property
    def contract(self) -> Contract | None:
        if self.terms is None or self.first_day is None:
            return None
        return Contract(self.first_day, self.terms, self.freezes, self.notice)

    @property
    def last_day(self) -> date | None:
        """The last day on which it is good: derived from its first day and moved by its freezes, or as an early end
        says. None: without an end, or not begun.
        """
        if self.ended_on is not None:
            return self.ended_on
        if self.contract is not None:
            return self.contract.last_day
        if self.first_day is None or self.term is None:
            return None
        return frozen_end(last_day_of(self.first_day, self.term), self.freezes)

    def begun(self, attended: Iterable[date]) -> "Pass":
        """The pass with the first day that its attended visits give it, where it begins with the first of them; a mark
        that is taken back takes the beginning back (SPEC O33).
        """
        return replace(self, first_day=min(attended, default=None)) if self.rules.starts_at_first_visit else self

    def freeze_on(self, day: date) -> Freeze | None:
        """The freeze in which this day lies."""
        return next((freeze for freeze in self.freezes if freeze.has(day)), None)
