"""The ledger of a pass: which entries a booking, a mark, an end or a correction writes (SPEC F20, O44, O45, V11, V20).

Every function takes the ledger as it stands, under the lock of the pass, and returns the entries to append: none where
nothing is left to do, so a second run writes nothing. A pass that is good for any number of visits has no ledger
(`counted` False): bookings on it write nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from booking.values.passes import UnitEntry, UnitEntryKind
from booking.values.refusals import Reason, Refused

Entries = tuple[UnitEntry, ...]
NOTHING: Entries = ()
MOST_UNITS = 1000


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries of a pass in the order in which they were written. `counted`: whether the pass has units at all."""

    entries: Entries = ()
    counted: bool = True

    @property
    def left(self) -> int:
        """Units that are neither reserved nor used nor expired: the sum, never below 0."""
        return sum(entry.units for entry in self.entries)

    def held(self, booking_id: int) -> int:
        """Units that a booking has of this pass, reserved or used."""
        return -sum(entry.units for entry in self.entries if entry.booking_id == booking_id)

    def is_used(self, booking_id: int) -> bool:
        """Whether the last word on a booking is that its units are used."""
        told = [entry.kind for entry in self.entries if entry.booking_id == booking_id]
        return told[-1:] == [UnitEntryKind.CONSUME]

    @property
    def reserved(self) -> int:
        """Units that bookings hold and have not used yet."""
        bookings = {entry.booking_id for entry in self.entries if entry.booking_id is not None}
        return sum(self.held(one) for one in bookings if not self.is_used(one))

    def with_more(self, entries: Iterable[UnitEntry]) -> "Ledger":
        return Ledger((*self.entries, *entries), self.counted)


def sale(units: int | None, reason: str = "") -> Entries:
    """What a sale or a top-up writes; nothing where the pass is good for any number. ValueError unless it is some."""
    if units is None:
        return NOTHING
    if units < 1:
        raise ValueError("a sale is of at least one unit")
    return (UnitEntry(UnitEntryKind.SALE, units, reason=reason),)


def reserve(ledger: Ledger, booking_id: int, units: int) -> Entries | Refused:
    """Take units for a booking; only what it does not hold yet. Used ones become reserved again: the entry adds 0.

    no-units         fewer are left than it needs: `left`, `needed`
    """
    if ledger.is_used(booking_id) and ledger.held(booking_id) >= units:
        return (UnitEntry(UnitEntryKind.RESERVE, 0, booking_id),)
    return _take(ledger, booking_id, units, UnitEntryKind.RESERVE)


def consume(ledger: Ledger, booking_id: int, units: int) -> Entries | Refused:
    """Mark the units of a booking as used, at the mark or at the event's end (SPEC V20).

    What was reserved is used as it was reserved, whatever the event would cost today: the entry adds 0. A walk-in,
    which reserved nothing, takes its units now, and is refused as `reserve` says. Used ones stay used: no entry.
    """
    if ledger.held(booking_id):
        return use(ledger, booking_id)
    return _take(ledger, booking_id, units, UnitEntryKind.CONSUME)


def use(ledger: Ledger, booking_id: int) -> Entries:
    """Mark what a booking has reserved as used; nothing where that is none, or used already."""
    if not ledger.held(booking_id) or ledger.is_used(booking_id):
        return NOTHING
    return (UnitEntry(UnitEntryKind.CONSUME, 0, booking_id),)


def give_back(ledger: Ledger, booking_id: int, reason: str = "") -> Entries:
    """Return all that a booking holds, reserved or used: it was cancelled in time, froze, or its mark was corrected.

    On a pass that is over they expire again in the next night.
    """
    held = ledger.held(booking_id)
    return (UnitEntry(UnitEntryKind.GIVE_BACK, held, booking_id, reason),) if held else NOTHING


def expire(ledger: Ledger, last_day: date | None, today: date) -> Entries:
    """What the night takes from a pass whose last day is before `today`: all that is left, not what bookings hold."""
    if last_day is None or today <= last_day or not ledger.left:
        return NOTHING
    return (UnitEntry(UnitEntryKind.EXPIRE, -ledger.left),)


def correct(ledger: Ledger, units: int, reason: str) -> Entries | Refused:
    """Add or take units by hand.

    not-counted      at units: the pass is good for any number
    out-of-range     at units: 0, or more than 1000 at once
    units-below-zero at units: more than are left: `left`
    missing          at reason
    """
    reasons = [*_against(ledger, units), *([] if reason.strip() else [Reason("missing", "reason")])]
    if reasons:
        return Refused(tuple(reasons))
    return (UnitEntry(UnitEntryKind.CORRECT, units, reason=reason.strip()),)


def _take(ledger: Ledger, booking_id: int, units: int, kind: UnitEntryKind) -> Entries | Refused:
    needed = units - ledger.held(booking_id)
    if not ledger.counted or needed <= 0:
        return NOTHING
    if needed > ledger.left:
        return Refused((Reason("no-units", None, {"left": ledger.left, "needed": needed}),))
    return (UnitEntry(kind, -needed, booking_id),)


def _against(ledger: Ledger, units: int) -> Iterable[Reason]:
    if not ledger.counted:
        yield Reason("not-counted", "units")
    elif not 0 < abs(units) <= MOST_UNITS:
        yield Reason("out-of-range", "units", {"least": -MOST_UNITS, "most": MOST_UNITS})
    elif ledger.left + units < 0:
        yield Reason("units-below-zero", "units", {"left": ledger.left})
