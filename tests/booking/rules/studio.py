"""One studio that the tests of passes share: two branches in Cologne, its courses, its passes."""

from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import settings

from booking.rules.passes import Candidate, Occasion
from booking.values.clock import instant_of
from booking.values.money import BasisPoints, Cents
from booking.values.pass_types import NO_LIMITS, ContractTerms, PassRules, PassType, PassUse, Renewal
from booking.values.passes import HeldVisit, Pass
from booking.values.slot import Slot
from booking.values.term import Term, TermUnit
from booking.values.timetable import CourseEvent, EventTerms
from tests.booking.rules.houses import BERLIN

CENTRE, NORTH = 1, 2
YOGA, PILATES, SINGING = 11, 12, 13
MONDAY = date(2027, 3, 1)
DAY = timedelta(days=1)
EIGHTEEN = time(18)
unhurried = settings(deadline=None)  # a busy machine pauses for longer than Hypothesis lets an example take
RULE_NAMES = {one.name for one in fields(PassRules)} - {"freezes"}


def days(count: int) -> Term:
    return Term(count, TermUnit.DAYS)


def months(count: int) -> Term:
    return Term(count, TermUnit.MONTHS)


TEN_VISITS = PassType("Ten visits", "10", Cents(12000), BasisPoints(1900), visits=10, term=months(6))
YEAR = ContractTerms(minimum=months(12), notice=months(1), renewal=Renewal.INDEFINITE)


def event(day: date = MONDAY, wall: time = EIGHTEEN, event_id: int = 1, **changes: Any) -> CourseEvent:
    """An hour of yoga in the centre that costs a unit."""
    start = instant_of(day, wall, BERLIN)
    terms = EventTerms(capacity=12, units=changes.pop("units", 1), price=Cents(changes.pop("price", 0)))
    where = {"course_id": YOGA, "branch_id": CENTRE, "room_id": 1} | changes
    return CourseEvent(
        event_id=event_id, slot=Slot(start, start + timedelta(hours=1)), zone=BERLIN, terms=terms, **where
    )


def a_pass(pass_id: int = 1, first_day: date | None = MONDAY, **changes: Any) -> Pass:
    """Ten visits within half a year from the first Monday of March on, with changes of it or of its rules.

    `freezes` are those of the pass, `limits` what its rules say about them.
    """
    named = {name: changes.pop(name) for name in tuple(changes) if name in RULE_NAMES}
    rules = PassRules(**named, freezes=changes.pop("limits", NO_LIMITS))
    known: dict[str, Any] = {"sold_on": MONDAY, "term": months(6), "visits": 10, "rules": rules}
    return Pass(pass_id=pass_id, type_id=7, first_day=first_day, **(known | changes))


def contract_pass(terms: ContractTerms = YEAR, first_day: date = MONDAY, **changes: Any) -> Pass:
    return a_pass(first_day=first_day, **({"term": None, "visits": None, "terms": terms} | changes))


def club_card(pass_id: int = 90, **changes: Any) -> Pass:
    return a_pass(pass_id, **({"visits": None, "use": PassUse.CLUB_CARD} | changes))


def candidate(own: Pass | None = None, left: int | None = 10, **changes: Any) -> Candidate:
    return Candidate(own or a_pass(), left, **changes)


def occasion(of: CourseEvent | None = None, at: datetime | None = None, **changes: Any) -> Occasion:
    one = of or event()
    return Occasion(one, at or one.slot.start - 2 * DAY, **changes)


def visit(booking_id: int, day: date, wall: time = EIGHTEEN, units: int = 1) -> HeldVisit:
    return HeldVisit(booking_id, instant_of(day, wall, BERLIN), day, units)
