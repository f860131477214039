"""What a sale makes of a pass type: passes, their units, the price and its VAT (SPEC O13 to O20, O30 to O33, O39).

A sale copies the type's settings into the pass and can only narrow them. Prices are gross cents; discounts are lines of
their own, made later by the one who bills.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from booking.rules.pass_types import MOST_VISITS, component_gone
from booking.rules.units import Entries
from booking.rules.units import sale as sold_units
from booking.values.money import BasisPoints, Cents, Gross, share, split_gross
from booking.values.pass_types import NEVER_FROZEN, ContractTerms, PassKind, PassRules, PassType, Scope
from booking.values.passes import Pass
from booking.values.refusals import Reason, Refused
from booking.values.term import Term


@dataclass(frozen=True, slots=True)
class SaleWish:
    """What is said at a sale. None: as the type has it; `first_day` None: today, or the first visit.

    For a service package nothing but `parts`: one wish for each component in its order, or none at all.
    """

    visits: int | None = None
    first_day: date | None = None
    branch_ids: frozenset[int] | None = None
    course_ids: frozenset[int] | None = None
    parts: tuple["SaleWish", ...] = ()


@dataclass(frozen=True, slots=True)
class SoldPass:
    """One pass to write, with its first ledger entries. `price`: its share of the total.

    `instalment`: what each instalment of a contract costs; its sale itself costs nothing.
    """

    pass_type: PassType
    rules: PassRules
    first_day: date | None
    term: Term | None
    visits: int | None
    terms: ContractTerms | None
    price: Cents
    instalment: Cents | None = None

    @property
    def entries(self) -> Entries:
        return sold_units(self.visits)

    @property
    def roster_course_ids(self) -> frozenset[int]:
        """The courses whose rosters the participant joins without choice (SPEC O32)."""
        return (self.rules.scope.course_ids or frozenset()) if self.rules.add_to_rosters else frozenset()

    def as_pass(self, pass_id: int, type_id: int, sold_on: date) -> Pass:
        return Pass(pass_id, type_id, sold_on, self.first_day, self.term, self.visits, self.rules, terms=self.terms)


@dataclass(frozen=True, slots=True)
class Sale:
    """One position: a price, its VAT by rate (lowest first), the passes that it brings."""

    total: Cents
    vat: tuple[Gross, ...]
    passes: tuple[SoldPass, ...]


def sell(pass_type: PassType, wish: SaleWish, today: date, *, trial_used: bool = False) -> Sale | Refused:
    """The sale of a type as wished, or every reason against it; those about a part of a package at parts.<n>.<field>.

    `trial_used`: the participant had a trial, and the organisation gives each one only (SPEC O17).

    type-archived, type-deleted   it cannot be sold any more (SPEC O39, O43)
    component-gone        at parts.<n>: a part of the package cannot be sold any more: `name`
    component-package     at parts.<n>: a part became a package itself: `name`
    trial-used            the participant had a trial already
    missing, out-of-range at visits: a dynamic type needs their number, 1 to 1000
    visits-fixed          at visits: the type says how many (SPEC O13)
    starts-at-first-visit at first_day: it begins with the first visit
    starts-at-sale        at first_day: a one-off pass is good on the day of its sale (SPEC O19)
    starts-in-the-past    at first_day
    not-in-type           at branches, courses: the type is not good there: `branch` or `course` (SPEC O31)
    nowhere               at branches, courses: none is left
    no-choice             at courses: the participant joins all rosters (SPEC O32)
    choose-one-course     at courses: a one-off pass is for one chosen course (SPEC O15)
    package-part          at visits, first_day, branches, courses: to be said of the parts
    Raises ValueError where a package has wishes for some of its parts only.
    """
    if pass_type.is_package:
        return _package(pass_type, wish, today, trial_used=trial_used)
    reasons = (*_gone(pass_type), *_against(pass_type, wish, today, trial_used=trial_used))
    if reasons:
        return Refused(reasons)
    price = _price(pass_type, wish.visits)
    one = _sold(pass_type, wish, today, price)
    return Sale(one.price, _vat([(one.price, pass_type.vat_rate)]), (one,))


def _package(package: PassType, wish: SaleWish, today: date, *, trial_used: bool) -> Sale | Refused:
    wishes = wish.parts or (SaleWish(),) * len(package.components)
    parts = [
        (component, own if own.visits is not None else replace(own, visits=component.visits))
        for component, own in zip(package.components, wishes, strict=True)
    ]
    reasons = [*_gone(package), *_against_whole(wish)]
    for place, (component, own) in enumerate(parts):
        part, at = component.part, f"parts.{place}"
        if component_gone(component):
            reasons.append(Reason("component-gone", at, {"name": part.name}))
        if part.is_package:
            reasons.append(Reason("component-package", at, {"name": part.name}))
        against = _against(part, own, today, trial_used=trial_used, inside=component.visits)
        reasons += [replace(one, at=at if one.at is None else f"{at}.{one.at}") for one in against]
    if reasons:
        return Refused(tuple(reasons))
    shares = _shares(package.price, [component.list_price for component, _ in parts])
    passes = tuple(
        _sold(component.part, own, today, cents) for (component, own), cents in zip(parts, shares, strict=True)
    )
    return Sale(package.price, _vat([(one.price, one.pass_type.vat_rate) for one in passes]), passes)


def _shares(price: Cents, list_prices: list[Cents]) -> tuple[Cents, ...]:
    """A package's price split by what its parts cost on their own; evenly where they are all free."""
    return share(price, list_prices if any(list_prices) else [1] * len(list_prices))


def _vat(shares: Iterable[tuple[Cents, BasisPoints]]) -> tuple[Gross, ...]:
    """Each rate's share split once, so that the position loses no cent."""
    by_rate = groupby(sorted(shares, key=lambda one: one[1]), key=lambda one: one[1])
    return tuple(split_gross(Cents(sum(cents for cents, _ in group)), rate) for rate, group in by_rate)


def _price(pass_type: PassType, visits: int | None) -> Cents:
    if pass_type.contract is not None:
        return Cents(0)
    return Cents(pass_type.price * (visits or 0)) if pass_type.kind is PassKind.DYNAMIC else pass_type.price


def _sold(pass_type: PassType, wish: SaleWish, today: date, price: Cents) -> SoldPass:
    rules = replace(pass_type.rules, scope=_narrowed(pass_type.rules.scope, wish))
    if pass_type.one_off:
        rules = replace(rules, freezes=NEVER_FROZEN)  # a freeze would make its one day another
    dynamic = pass_type.kind is PassKind.DYNAMIC
    return SoldPass(
        pass_type=pass_type,
        rules=rules,
        first_day=None if rules.starts_at_first_visit else wish.first_day or today,
        term=pass_type.own_term,
        visits=wish.visits if dynamic else pass_type.own_visits,
        terms=pass_type.contract,
        price=price,
        instalment=None if pass_type.contract is None else pass_type.price,
    )


def _narrowed(scope: Scope, wish: SaleWish) -> Scope:
    return Scope(
        scope.branch_ids if wish.branch_ids is None else wish.branch_ids,
        scope.course_ids if wish.course_ids is None else wish.course_ids,
    )


def _gone(pass_type: PassType) -> Iterable[Reason]:
    if pass_type.deleted_at is not None:
        yield Reason("type-deleted")
    elif pass_type.archived_at is not None:
        yield Reason("type-archived")


def _against(
    pass_type: PassType, wish: SaleWish, today: date, *, trial_used: bool, inside: int | None = None
) -> Iterable[Reason]:
    """All against one pass. `inside`: the visits that a package has of it."""
    if pass_type.trial and trial_used:
        yield Reason("trial-used")
    yield from _against_visits(pass_type, wish.visits, inside)
    yield from _against_first_day(pass_type, wish.first_day, today)
    yield from _against_places(pass_type, wish)


def _against_visits(pass_type: PassType, visits: int | None, inside: int | None) -> Iterable[Reason]:
    fixed = pass_type.own_visits if pass_type.kind is PassKind.FIXED else inside
    if pass_type.kind is PassKind.FIXED or inside is not None:
        if visits not in {None, fixed}:
            yield Reason("visits-fixed", "visits")
    elif visits is None:
        yield Reason("missing", "visits")
    elif not 1 <= visits <= MOST_VISITS:
        yield Reason("out-of-range", "visits", {"least": 1, "most": MOST_VISITS})


def _against_first_day(pass_type: PassType, first_day: date | None, today: date) -> Iterable[Reason]:
    if first_day is None:
        return
    if pass_type.rules.starts_at_first_visit:
        yield Reason("starts-at-first-visit", "first_day")
    elif pass_type.one_off and first_day != today:
        yield Reason("starts-at-sale", "first_day", {"today": today.isoformat()})
    elif first_day < today:
        yield Reason("starts-in-the-past", "first_day", {"today": today.isoformat()})


def _against_places(pass_type: PassType, wish: SaleWish) -> Iterable[Reason]:
    scope = pass_type.rules.scope
    yield from _beyond("branches", "branch", scope.branch_ids, wish.branch_ids)
    if pass_type.rules.add_to_rosters and wish.course_ids is not None and wish.course_ids != scope.course_ids:
        yield Reason("no-choice", "courses")
    yield from _beyond("courses", "course", scope.course_ids, wish.course_ids)
    chosen = _narrowed(scope, wish).course_ids
    if pass_type.one_off and not pass_type.trial and (chosen is None or len(chosen) > 1):
        yield Reason("choose-one-course", "courses")


def _beyond(at: str, name: str, allowed: frozenset[int] | None, chosen: frozenset[int] | None) -> Iterable[Reason]:
    """What was chosen and is not allowed: a sale narrows, it never widens."""
    if chosen is None:
        return
    if not chosen:
        yield Reason("nowhere", at)
    if allowed is not None:
        yield from (Reason("not-in-type", at, {name: one}) for one in sorted(chosen - allowed))


def _against_whole(wish: SaleWish) -> Iterable[Reason]:
    said = {
        "visits": wish.visits,
        "first_day": wish.first_day,
        "branches": wish.branch_ids,
        "courses": wish.course_ids,
    }
    yield from (Reason("package-part", at) for at, value in said.items() if value is not None)
