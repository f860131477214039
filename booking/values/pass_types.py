"""Pass types: the products of a studio and all that the office sets about them (SPEC O10 to O37, O47).

Any settings can be said here, impossible ones too, so that a form can be refused with every reason at its field
(`booking.rules.pass_types`). Money is gross cents, days of the week are 0 (Monday) to 6, times are wall times.
"""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from booking.values.clock import local_time
from booking.values.money import BasisPoints, Cents
from booking.values.term import Term, TermUnit
from booking.values.timetable import CourseEvent

ONE_DAY_TERM = Term(1, TermUnit.DAYS)
UNTAXED = BasisPoints(0)


class PassKind(StrEnum):
    """FIXED: price and visits are the type's (SPEC O13). DYNAMIC: a price for each visit, their number is said at the
    sale (SPEC O14).
    """

    FIXED = "fixed"
    DYNAMIC = "dynamic"


class PassUse(StrEnum):
    """What a pass is for (SPEC O21). A CLUB_CARD pays for nothing itself; other passes may demand one."""

    PASS = "pass"  # noqa: S105 - a way of using it, no password
    CLUB_CARD = "club_card"
    INDIVIDUAL = "individual"


class Rebooking(StrEnum):
    """Where the night moves whom who missed a booked event: nowhere, into any course of the pass, or only into the
    course that was missed (SPEC O27, O28).
    """

    NONE = "none"
    ANY_COURSE = "any_course"
    SAME_COURSE = "same_course"


class Renewal(StrEnum):
    """What becomes of a contract after its minimum term without notice (SPEC O47).

    NONE: it ends. FIXED: it goes on for another fixed term, again and again. INDEFINITE: it goes on until notice is
    given, which then takes effect when the notice period is over.
    """

    NONE = "none"
    FIXED = "fixed"
    INDEFINITE = "indefinite"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a pass is good for. None: every branch, every course, those of the future too (SPEC O30)."""

    branch_ids: frozenset[int] | None = None
    course_ids: frozenset[int] | None = None

    def has_branch(self, branch_id: int) -> bool:
        return self.branch_ids is None or branch_id in self.branch_ids

    def has_course(self, course_id: int) -> bool:
        return self.course_ids is None or course_id in self.course_ids


@dataclass(frozen=True, slots=True)
class VisitWindow:
    """When an event has to start: on one of the weekdays (none named: any), from `from_time`, before `to_time`.

    All of it is about the local day of the start. `to_time` 00:00 is the day's end; one before `from_time` reaches
    around midnight of the same day; two equal times mean the whole day.
    """

    weekdays: frozenset[int] = frozenset()
    from_time: time = time(0)
    to_time: time = time(0)

    def has_weekday(self, weekday: int) -> bool:
        return not self.weekdays or weekday in self.weekdays

    def has_time(self, wall: time) -> bool:
        if self.from_time < self.to_time:
            return self.from_time <= wall < self.to_time
        return wall >= self.from_time or wall < self.to_time

    def has(self, event: CourseEvent) -> bool:
        return self.has_weekday(event.day.weekday()) and self.has_time(local_time(event.slot.start, event.zone))


@dataclass(frozen=True, slots=True)
class FreezeLimits:
    """How often and how long a pass may be frozen (SPEC O37). None: as often or as long as one likes.

    `number` freezes in all, each of at most `days_each` days, at most `days_in_all` together, entered `notice` days
    before they begin.
    """

    number: int | None = None
    days_each: int | None = None
    days_in_all: int | None = None
    notice: int = 0


NO_LIMITS = FreezeLimits()
NEVER_FROZEN = FreezeLimits(number=0)


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """The settings of a contract (SPEC O47).

    The type's price is one instalment; each pays for `every_months` months and is due on `instalment_day` (1 to 31; the
    month's last day where it has no such day). `renewal_term` belongs to FIXED alone. `for_consumers`: what § 309 Nr. 9
    BGB forbids in terms for consumers is refused. `freeze_pauses_billing`: frozen days are not billed (SPEC O38).
    """

    minimum: Term
    notice: Term
    renewal: Renewal = Renewal.INDEFINITE
    renewal_term: Term | None = None
    instalment_day: int = 1
    every_months: int = 1
    for_consumers: bool = True
    freeze_pauses_billing: bool = False


@dataclass(frozen=True, slots=True)
class PassRules:
    """What a pass does once it is sold. A sale copies them, so a later change of the type leaves sold ones as they are.

    `windows`: one of them has to fit; none: at any time (SPEC O36). `add_to_rosters`: SPEC O32. `auto_booking`: at the
    sale the nearest events are proposed; `rebook_most` times in a row a missed one is moved, and a miss costs its units
    only where `miss_costs` (SPEC O26 to O29).
    """

    use: PassUse = PassUse.PASS
    scope: Scope = Scope()
    windows: tuple[VisitWindow, ...] = ()
    needs_club_card: bool = False
    add_to_rosters: bool = False
    starts_at_first_visit: bool = False
    freezes: FreezeLimits = NO_LIMITS
    auto_booking: bool = False
    rebooking: Rebooking = Rebooking.NONE
    rebook_most: int = 3
    miss_costs: bool = False


PLAIN_RULES = PassRules()


@dataclass(frozen=True, slots=True)
class PassType:
    """One product. `price`: of the whole pass; DYNAMIC: of one visit; with a contract: of one instalment.

    `visits` None: any number, or said at the sale where it is DYNAMIC. `term` None: without an end of its own. A
    one-off type and a trial are one visit on one day, whatever is left open here (SPEC O18). With `components` it is a
    service package: it has a name and a price, all else is the components' (SPEC O16). `type_id` None: not stored yet.
    """

    name: str
    short_name: str
    price: Cents
    vat_rate: BasisPoints = UNTAXED
    kind: PassKind = PassKind.FIXED
    visits: int | None = None
    term: Term | None = None
    one_off: bool = False
    trial: bool = False
    rules: PassRules = PLAIN_RULES
    contract: ContractTerms | None = None
    components: tuple["Component", ...] = ()
    type_id: int | None = None
    archived_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def own_visits(self) -> int | None:
        return 1 if self.one_off else self.visits

    @property
    def own_term(self) -> Term | None:
        return ONE_DAY_TERM if self.one_off else self.term

    @property
    def is_package(self) -> bool:
        return bool(self.components)


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a service package. `visits` says how many of a DYNAMIC part are in it, of others nothing."""

    part: PassType
    visits: int | None = None

    @property
    def list_price(self) -> Cents:
        """What the part costs on its own; by it the package's price is split (SPEC O16)."""
        times = (self.visits or 0) if self.part.kind is PassKind.DYNAMIC else 1
        return Cents(self.part.price * times)
