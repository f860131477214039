"""Which settings of a pass type are possible, every reason at its field (SPEC O9 to O37, O47)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

from booking.rules.contract_terms import contract_reasons, term_reasons
from booking.values.money import Cents
from booking.values.pass_types import (
    NEVER_FROZEN,
    NO_LIMITS,
    ONE_DAY_TERM,
    Component,
    FreezeLimits,
    PassKind,
    PassRules,
    PassType,
    PassUse,
    Rebooking,
    Renewal,
    VisitWindow,
)
from booking.values.refusals import Reason, Refused

MOST_VISITS, MOST_IN_A_ROW, MOST_FREEZES, MOST_FROZEN_DAYS, MOST_NOTICE = 1000, 20, 100, 3660, 365
LEAST_COMPONENTS = 2
DAYS_OF_WEEK = frozenset(range(7))
UNSET = PassType("", "", Cents(0))


@dataclass(frozen=True, slots=True)
class CourseFact:
    branch_id: int
    individual: bool = False


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """What the organisation has. `names` and `short_names` are those of its other types, archived ones too, folded by
    `folded`. `club_cards`: it works with club cards (SPEC O22).
    """

    branch_ids: frozenset[int] = frozenset()
    courses: Mapping[int, CourseFact] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    short_names: frozenset[str] = frozenset()
    club_cards: bool = False


def folded(name: str) -> str:
    """A name as it is compared: two that differ in case or blanks alone are the same (SPEC O10)."""
    return " ".join(name.split()).casefold()


def check_type(wish: PassType, facts: TypeFacts) -> Refused | None:
    """None if a type can be set up so, else all reasons at once.

    missing             at name, short_name
    name-taken          at name, short_name: another type of the organisation has it
    out-of-range        at price, visits, term, rebook_most, freezes.<limit>, contract.<setting>, components.<n>.visits
    price-needed        at price: a visit, or an instalment, that costs nothing
    dynamic-visits      at visits: their number is said at the sale
    dynamic-one-off     at one_off: only a fixed type is one visit
    trial-not-fixed, trial-not-one-off   at trial: it is a fixed type and one-off
    one-off-visits, one-off-term, one-off-freezes   at visits, term, freezes: it is one visit on one day
    no-limit            at visits: neither visits nor a term nor a contract would ever end it
    contract-dynamic, contract-one-off   at kind, one_off: a contract binds for a term, at a price for each instalment
    contract-term       at term: its minimum term and renewal say how long it runs
    contract-visits     at visits: it renews, its visits would not
    contract-at-first-visit   at starts_at_first_visit: its instalments need a first day
    club-cards-off      at use, needs_club_card: the organisation does not work with club cards
    club-card-only      at visits, kind, one_off, needs_club_card, auto_booking, add_to_rosters, starts_at_first_visit,
                        windows, courses: a club card pays for no visit, so nothing about visits can be set
    nowhere             at branches, courses: none is left
    no-such-branch, no-such-course   at branches, courses: `branch`, `course`
    course-elsewhere    at courses: none of the branches has it: `course`
    not-individual      at courses: not for individual lessons: `course` (SPEC O25)
    rosters-need-courses   at add_to_rosters: it has to say which courses (SPEC O32)
    not-a-weekday       at windows.<n>.weekdays
    rebooking-without-booking   at rebooking: offered only with automatic booking (SPEC O28)
    misses-without-rebooking    at miss_costs
    freeze-limits-exclude       at freezes.<limit>: one at a time may be longer than all, or none is allowed anyway
    package-part        at each field that only the parts of a package have (at courses for branches, too)
    package-too-small   at components: a package bundles several types
    component-package, component-contract, component-gone, component-itself   at components.<n>: `name`
    component-visits    at components.<n>.visits: the type says how many
    The reasons of contract settings: `booking.rules.contract_terms.contract_reasons`.
    """
    own = _against_package(wish) if wish.is_package else _against_pass(wish, facts)
    reasons = (*_against_names(wish, facts), *_against_price(wish), *own)
    return Refused(reasons) if reasons else None


def component_gone(component: Component) -> bool:
    """Whether a part of a package cannot be sold any more, and so the package neither (SPEC O39)."""
    return component.part.archived_at is not None or component.part.deleted_at is not None


def _against_names(wish: PassType, facts: TypeFacts) -> Iterable[Reason]:
    named = (("name", wish.name, facts.names), ("short_name", wish.short_name, facts.short_names))
    for at, text, taken in named:
        if not text.strip():
            yield Reason("missing", at)
        elif folded(text) in taken:
            yield Reason("name-taken", at, {"name": text.strip()})


def _against_price(wish: PassType) -> Iterable[Reason]:
    if wish.price < 0:
        yield Reason("out-of-range", "price", {"least": 0})
    elif not wish.price and (wish.kind is PassKind.DYNAMIC or wish.contract is not None):
        yield Reason("price-needed", "price")


def _against_pass(wish: PassType, facts: TypeFacts) -> Iterable[Reason]:
    yield from _against_kind(wish)
    yield from _against_size(wish)
    yield from _against_contract(wish)
    yield from _against_use(wish, facts)
    yield from _against_scope(wish.rules, facts)
    yield from _against_windows(wish.rules.windows)
    yield from _against_booking(wish.rules)
    yield from _against_freezes(wish.rules.freezes)


def _against_kind(wish: PassType) -> Iterable[Reason]:
    dynamic = wish.kind is PassKind.DYNAMIC
    if dynamic and wish.visits is not None:
        yield Reason("dynamic-visits", "visits")
    if dynamic and wish.one_off:
        yield Reason("dynamic-one-off", "one_off")
    if dynamic and wish.trial:
        yield Reason("trial-not-fixed", "trial")
    if wish.trial and not wish.one_off:
        yield Reason("trial-not-one-off", "trial")


def _against_size(wish: PassType) -> Iterable[Reason]:
    if wish.visits is not None and not 1 <= wish.visits <= MOST_VISITS:
        yield Reason("out-of-range", "visits", {"least": 1, "most": MOST_VISITS})
    elif wish.one_off and wish.visits not in {None, 1}:
        yield Reason("one-off-visits", "visits")
    if wish.one_off and wish.term not in {None, ONE_DAY_TERM}:
        yield Reason("one-off-term", "term")
    elif wish.term is not None:
        yield from term_reasons(wish.term, "term")
    if wish.one_off and wish.rules.freezes not in {NO_LIMITS, NEVER_FROZEN}:
        yield Reason("one-off-freezes", "freezes")
    counted = wish.kind is PassKind.DYNAMIC or wish.own_visits is not None
    if not counted and wish.own_term is None and wish.contract is None:
        yield Reason("no-limit", "visits")


def _against_contract(wish: PassType) -> Iterable[Reason]:
    terms = wish.contract
    if terms is None:
        return
    clashes = (
        (wish.kind is PassKind.DYNAMIC, "contract-dynamic", "kind"),
        (wish.one_off, "contract-one-off", "one_off"),
        (wish.term is not None, "contract-term", "term"),
        (wish.visits is not None and terms.renewal is not Renewal.NONE, "contract-visits", "visits"),
        (wish.rules.starts_at_first_visit, "contract-at-first-visit", "starts_at_first_visit"),
    )
    yield from (Reason(code, at) for clash, code, at in clashes if clash)
    yield from contract_reasons(terms)


def _against_use(wish: PassType, facts: TypeFacts) -> Iterable[Reason]:
    rules = wish.rules
    if rules.use is not PassUse.CLUB_CARD:
        if rules.needs_club_card and not facts.club_cards:
            yield Reason("club-cards-off", "needs_club_card")
        return
    if not facts.club_cards:
        yield Reason("club-cards-off", "use")
    about_visits = {
        "visits": wish.visits is not None,
        "kind": wish.kind is PassKind.DYNAMIC,
        "one_off": wish.one_off,
        "needs_club_card": rules.needs_club_card,
        "auto_booking": rules.auto_booking,
        "add_to_rosters": rules.add_to_rosters,
        "starts_at_first_visit": rules.starts_at_first_visit,
        "windows": bool(rules.windows),
        "courses": rules.scope.course_ids is not None,
    }
    yield from (Reason("club-card-only", at) for at, is_set in about_visits.items() if is_set)


def _against_scope(rules: PassRules, facts: TypeFacts) -> Iterable[Reason]:
    branch_ids, course_ids = rules.scope.branch_ids, rules.scope.course_ids
    if branch_ids is not None:
        yield from _against_branches(branch_ids, facts)
    if course_ids is not None:
        if not course_ids:
            yield Reason("nowhere", "courses")
        for course_id in sorted(course_ids):
            yield from _against_course(course_id, rules, facts)
    elif rules.add_to_rosters:
        yield Reason("rosters-need-courses", "add_to_rosters")


def _against_branches(branch_ids: frozenset[int], facts: TypeFacts) -> Iterable[Reason]:
    if not branch_ids:
        yield Reason("nowhere", "branches")
    for branch_id in sorted(branch_ids - facts.branch_ids):
        yield Reason("no-such-branch", "branches", {"branch": branch_id})


def _against_course(course_id: int, rules: PassRules, facts: TypeFacts) -> Iterable[Reason]:
    course = facts.courses.get(course_id)
    if course is None:
        yield Reason("no-such-course", "courses", {"course": course_id})
        return
    if not rules.scope.has_branch(course.branch_id):
        yield Reason("course-elsewhere", "courses", {"course": course_id})
    if rules.use is PassUse.INDIVIDUAL and not course.individual:
        yield Reason("not-individual", "courses", {"course": course_id})


def _against_windows(windows: tuple[VisitWindow, ...]) -> Iterable[Reason]:
    for place, window in enumerate(windows):
        if not window.weekdays <= DAYS_OF_WEEK:
            yield Reason("not-a-weekday", f"windows.{place}.weekdays")


def _against_booking(rules: PassRules) -> Iterable[Reason]:
    rebooks = rules.rebooking is not Rebooking.NONE
    if rebooks and not rules.auto_booking:
        yield Reason("rebooking-without-booking", "rebooking")
    if rules.miss_costs and not rebooks:
        yield Reason("misses-without-rebooking", "miss_costs")
    if rebooks and not 1 <= rules.rebook_most <= MOST_IN_A_ROW:
        yield Reason("out-of-range", "rebook_most", {"least": 1, "most": MOST_IN_A_ROW})


def _against_freezes(limits: FreezeLimits) -> Iterable[Reason]:
    ranges = (
        ("number", limits.number, 0, MOST_FREEZES),
        ("days_each", limits.days_each, 1, MOST_FROZEN_DAYS),
        ("days_in_all", limits.days_in_all, 1, MOST_FROZEN_DAYS),
        ("notice", limits.notice, 0, MOST_NOTICE),
    )
    for name, value, least, most in ranges:
        if value is not None and not least <= value <= most:
            yield Reason("out-of-range", f"freezes.{name}", {"least": least, "most": most})
    each, in_all = limits.days_each, limits.days_in_all
    if limits.number == 0 and (each is not None or in_all is not None):
        yield Reason("freeze-limits-exclude", "freezes.number")
    if each is not None and in_all is not None and each > in_all:
        yield Reason("freeze-limits-exclude", "freezes.days_each")


def _against_package(wish: PassType) -> Iterable[Reason]:
    if wish.kind is PassKind.DYNAMIC:
        yield Reason("package-part", "kind")
    own = ("visits", "term", "one_off", "trial", "contract")
    yield from (Reason("package-part", name) for name in own if getattr(wish, name) != getattr(UNSET, name))
    for one in fields(PassRules):
        if getattr(wish.rules, one.name) != getattr(UNSET.rules, one.name):
            yield Reason("package-part", "courses" if one.name == "scope" else one.name)
    if len(wish.components) < LEAST_COMPONENTS:
        yield Reason("package-too-small", "components", {"least": LEAST_COMPONENTS})
    for place, component in enumerate(wish.components):
        yield from _against_component(wish, component, f"components.{place}")


def _against_component(wish: PassType, component: Component, at: str) -> Iterable[Reason]:
    part = component.part
    faults = (
        (part.is_package, "component-package"),
        (part.contract is not None, "component-contract"),
        (component_gone(component), "component-gone"),
        (part.type_id is not None and part.type_id == wish.type_id, "component-itself"),
    )
    yield from (Reason(code, at, {"name": part.name}) for fault, code in faults if fault)
    if part.kind is PassKind.FIXED and component.visits is not None:
        yield Reason("component-visits", f"{at}.visits")
    if part.kind is PassKind.DYNAMIC and not 1 <= (component.visits or 0) <= MOST_VISITS:
        yield Reason("out-of-range", f"{at}.visits", {"least": 1, "most": MOST_VISITS})
