"""What a time costs (SPEC S25, S19, K39). Gross cents, one line per stretch of a rule, frozen by the caller.

Which rule applies, in this order: one of the customer's own group before those for everybody; then the one that names
most of season, weekday and time of day; then the higher rank; then the older one. Rules of other groups never apply.
Extras come on top of the price of the time (`booking.rules.extras`); a list's minimum counts without them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from booking.rules.extras import extra_lines
from booking.rules.opening import in_season
from booking.values.clock import day_bounds, days_between, instant_of, local_day
from booking.values.house import GENERAL, Discount, Price, PriceBasis, PriceLine, PriceList, PriceRule, Season
from booking.values.money import Cents, round_half_up, share
from booking.values.refusals import Refused, refused
from booking.values.slot import Slot

MINIMUM = "Minimum charge"  # msgid; the only text of a price that no operator wrote
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def price(
    slot: Slot,
    zone: ZoneInfo,
    price_list: PriceList,
    seasons: Sequence[Season],
    room_slot: timedelta,
    basis: PriceBasis = GENERAL,
) -> Price | Refused:
    """The price of a time, cut where the rule that applies changes; `room_slot` is what a per-slot price is counted in.

    Refused("no-price") where some part of the time has no rule. A price below the list's minimum gets a line with the
    difference. A rule's times are wall times of a day, `to_time` at or before `from_time` reaches around midnight.
    An extra that was booked untaxed brings its reason where the list has none (any more).
    """
    rules = [rule for rule in price_list.rules if rule.group_id in {None, basis.group_id}]
    pieces = _pieces(slot, zone, rules, seasons)
    lines = []
    for rule, stretch in pieces:
        if rule is None:
            return refused("no-price")
        lines.append(_line(rule, stretch, price_list, room_slot))
    missing = price_list.minimum - sum(line.gross for line in lines)
    if missing > 0:
        lines.append(PriceLine(MINIMUM, 0, Cents(missing), Cents(missing), price_list.vat_rate))
    kept = (one.exemption for one in basis.extras if one.exemption)
    return Price((*lines, *extra_lines(basis.extras, slot, basis.people)), price_list.exemption or next(kept, None))


def discounted(full: Price, discount: Discount) -> Price:
    """The price with the discount as its own negative line, one for each VAT rate, never below 0 (SPEC S19, K39)."""
    amount = min(max(discount.cents, round_half_up(full.gross * discount.percent, 100)), full.gross)
    if amount <= 0:
        return full
    by_rate = {
        rate: sum(line.gross for line in lines)
        for rate, lines in groupby(sorted(full.lines, key=lambda line: line.rate), key=lambda line: line.rate)
    }
    parts = share(Cents(amount), [max(0, gross) for gross in by_rate.values()])
    lines = tuple(
        PriceLine(discount.reason, 0, Cents(-part), Cents(-part), rate)
        for rate, part in zip(by_rate, parts, strict=True)
        if part
    )
    return replace(full, lines=full.lines + lines)


def listed(reduced: Price) -> Price:
    """The price of the list again, without the reductions made from it: those are its lines below zero."""
    return replace(reduced, lines=tuple(line for line in reduced.lines if line.gross >= 0))


def best_discounted(full: Price, discounts: Iterable[Discount]) -> Price:
    """The price under the one discount that lowers it most; the first of equals. Without any, the price itself."""
    return min((full, *(discounted(full, discount) for discount in discounts)), key=lambda offer: offer.gross)


def _pieces(
    slot: Slot, zone: ZoneInfo, rules: Sequence[PriceRule], seasons: Sequence[Season]
) -> list[tuple[PriceRule | None, Slot]]:
    """The time in order, cut where the winning rule changes."""
    days = days_between(local_day(slot.start, zone), local_day(slot.end, zone))
    plan = [(rule, part) for day in days for rule in rules for part in _stretches(rule, day, zone, seasons)]
    edges = {edge for _, part in plan for edge in (part.start, part.end) if slot.start < edge < slot.end}
    cuts = sorted({slot.start, slot.end} | edges)
    winners = [(_winner(plan, Slot(start, end)), Slot(start, end)) for start, end in pairwise(cuts)]
    pieces = []
    for rule, group in groupby(winners, key=lambda piece: piece[0]):
        parts = [part for _, part in group]
        pieces.append((rule, Slot(parts[0].start, parts[-1].end)))
    return pieces


def _stretches(rule: PriceRule, day: date, zone: ZoneInfo, seasons: Sequence[Season]) -> Iterable[Slot]:
    """When the rule applies on a local day; times that the clock skips shrink it, up to nothing."""
    if rule.weekdays and day.weekday() not in rule.weekdays:
        return
    if rule.season_id is not None and not in_season(day, seasons, rule.season_id):
        return
    midnight, next_midnight = day_bounds(day, zone)
    begin, end = instant_of(day, rule.from_time, zone), instant_of(day, rule.to_time, zone)
    spans = [(begin, end)] if rule.from_time < rule.to_time else [(midnight, end), (begin, next_midnight)]
    yield from (Slot(start, stop) for start, stop in spans if start < stop)


def _winner(plan: Iterable[tuple[PriceRule, Slot]], piece: Slot) -> PriceRule | None:
    matching = (rule for rule, part in plan if part.covers(piece))
    return max(matching, key=_precedence, default=None)


def _precedence(rule: PriceRule) -> tuple[bool, int, int, int]:
    """The order of the module's first paragraph; no two rules are equal in it."""
    return rule.group_id is not None, _specificity(rule), rule.rank, -rule.rule_id


def _specificity(rule: PriceRule) -> int:
    """How many of season, weekday and time of day the rule names."""
    return (rule.season_id is not None) + bool(rule.weekdays) + (rule.from_time != rule.to_time)


def _line(rule: PriceRule, piece: Slot, price_list: PriceList, room_slot: timedelta) -> PriceLine:
    per = HOUR if rule.per_hour else room_slot
    gross = round_half_up(rule.cents * (piece.duration // SECOND), per // SECOND)
    minutes = piece.duration // timedelta(minutes=1)
    return PriceLine(rule.name, minutes, rule.cents, Cents(gross), price_list.vat_rate)
