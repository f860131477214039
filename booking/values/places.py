"""Places in events: who takes one, what a course asks of them, what pays for it, who came (SPEC V1 to V21)."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from booking.values.money import Cents
from booking.values.refusals import Reason
from booking.values.slot import Slot
from booking.values.timetable import FREE


class ClassActor(StrEnum):
    """Who acts on a place. A TRAINER sees no prices and debts (SPEC R5); STAFF are those who sell and book."""

    CUSTOMER = "customer"
    TRAINER = "trainer"
    STAFF = "staff"
    ADMIN = "admin"


class Consent(StrEnum):
    """What a participant, or the guardian, agreed to (SPEC V21)."""

    PHOTO = "photo"
    HEALTH = "health"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a course asks of those who take part (SPEC V21), and when customers can book it.

    Ages are completed years on the event's local day, levels the course's own numbers; all limits are inclusive. Online
    booking opens `opens` before the start (None: as soon as the event is there) and closes `closes` before it, both
    instants included. `club_card`: one has to be valid on the event's day.
    """

    youngest: int | None = None
    oldest: int | None = None
    least_level: int | None = None
    most_level: int | None = None
    consents: frozenset[Consent] = frozenset()
    emergency_contact: bool = False
    club_card: bool = False
    roster_only: bool = False
    opens: timedelta | None = None
    closes: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Participant:
    """Who takes part, as their file has it. `card_until` is the last day of the club card."""

    participant_id: int
    customer_id: int
    born: date | None = None
    level: int | None = None
    consents: frozenset[Consent] = frozenset()
    has_emergency_contact: bool = False
    card_until: date | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """How full an event is: places booked, guests among them, and places held by offers to those who wait."""

    taken: int
    held: int = 0

    def free(self, capacity: int) -> int:
        """Never below 0: an event that staff filled beyond its capacity has none."""
        return max(0, capacity - self.taken - self.held)


@dataclass(frozen=True, slots=True)
class OtherPlace:
    """A place that the participant has already."""

    booking_id: int
    event_id: int
    slot: Slot


@dataclass(frozen=True, slots=True)
class PassAnswer:
    """What a pass says about paying for this event: its reasons against it; without any it pays."""

    pass_id: int
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class PassPays:
    pass_id: int
    units: int


@dataclass(frozen=True, slots=True)
class MoneyPays:
    price: Cents


@dataclass(frozen=True, slots=True)
class NothingDue:
    """The event is free, or staff gave the place without pay."""


Payment = PassPays | MoneyPays | NothingDue


class GuestPayer(StrEnum):
    """Who pays for a guest, as the event says (SPEC V4)."""

    HOST = "host"
    GUEST = "guest"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class GuestTerms:
    """How many guests an event takes in all (0: none), what each costs and who pays."""

    most: int = 0
    price: Cents = FREE
    payer: GuestPayer = GuestPayer.GUEST


@dataclass(frozen=True, slots=True)
class Guest:
    """With a mail address, which the form has checked, a guest gets all mails of the event."""

    name: str
    mail: str | None = None


class Attendance(StrEnum):
    """Whether a booked participant came. OPEN: nobody marked it. MAKE_UP: missed, and may be made up for."""

    OPEN = "open"
    ATTENDED = "attended"
    EXCUSED = "excused"
    NO_SHOW = "no-show"
    SICK = "sick"
    MAKE_UP = "make-up"


MARKS = frozenset(Attendance) - {Attendance.OPEN}
# Any mark can be corrected to any other or taken back; who may, and until when, is booking.rules.attendance.
ATTENDANCE_MOVES: dict[Attendance, frozenset[Attendance]] = {one: frozenset(Attendance) - {one} for one in Attendance}


class UnitHold(StrEnum):
    """How the units of a place stand on the pass that pays for it."""

    NONE = "none"
    RESERVED = "reserved"
    CONSUMED = "consumed"


class UnitStep(StrEnum):
    """What the unit ledger has to write. RESERVE turns units that were consumed back into reserved ones."""

    NOTHING = "nothing"
    RESERVE = "reserve"
    CONSUME = "consume"
    GIVE_BACK = "give-back"


UNIT_STEPS: dict[UnitHold, dict[UnitHold, UnitStep]] = {
    UnitHold.NONE: {
        UnitHold.NONE: UnitStep.NOTHING,
        UnitHold.RESERVED: UnitStep.RESERVE,
        UnitHold.CONSUMED: UnitStep.CONSUME,
    },
    UnitHold.RESERVED: {
        UnitHold.NONE: UnitStep.GIVE_BACK,
        UnitHold.RESERVED: UnitStep.NOTHING,
        UnitHold.CONSUMED: UnitStep.CONSUME,
    },
    UnitHold.CONSUMED: {
        UnitHold.NONE: UnitStep.GIVE_BACK,
        UnitHold.RESERVED: UnitStep.RESERVE,
        UnitHold.CONSUMED: UnitStep.NOTHING,
    },
}


@dataclass(frozen=True, slots=True)
class AttendanceTerms:
    """How an organisation keeps attendance.

    `charged`: the marks that cost the units; the others give them back. Check-in opens `check_in` before the start. A
    mark is everybody's until the end of the `days`-th local day after the event's, then an admin's.
    """

    charged: frozenset[Attendance] = frozenset({Attendance.ATTENDED, Attendance.NO_SHOW})
    check_in: timedelta = timedelta(hours=1)
    days: int = 14


def age_on(day: date, born: date) -> int:
    """Completed years; whoever was born on 29 February completes one on 1 March where there is no such day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
