"""On which days an order and its pass hold: pure, by local days (SPEC F7, F8, F12, F14, F18, F21)."""

from collections.abc import Iterator
from datetime import date, timedelta

from booking.values.orders import Candidate, OrderFacts, PassFacts, SeriesOrder
from booking.values.refusals import Reason

DAY = timedelta(days=1)


def last_day(order: SeriesOrder, its_pass: PassFacts) -> date | None:
    """The local day on which an order with a day as its end ends; None for other ends (SPEC F12, F21).

    A freeze of the pass on which it ends, entered after that day was chosen, moves the day by all its days, as it moves
    the pass. One that begins after the end, as moved by those before, or ends before the order begins does not.
    """
    day, chosen_at = order.end.day, order.end.chosen_at
    if day is None or chosen_at is None:
        return None
    for freeze in sorted(its_pass.freezes, key=lambda one: one.first):
        if freeze.entered_at > chosen_at and freeze.first <= day and freeze.last >= order.parts[0].first:
            day += freeze.last - freeze.first + DAY
    return day


def order_reasons(order: SeriesOrder, ends: date | None, event: Candidate) -> tuple[Reason, ...]:
    """Why an event is none of the order's, or not now; all reasons.

    before-start   begins before the order             stopped    on or after the day from which it is stopped
    other-series   of a series not chosen on that day  after-end  after the day on which the order ends
    paused         in a pause of the order
    """
    part = order.part_on(event.day)
    if part and event.series_id in part.series_ids and not order.pauses and order.stopped is None and ends is None:
        return ()
    return tuple(_order_reasons(order, ends, event))


def _order_reasons(order: SeriesOrder, ends: date | None, event: Candidate) -> Iterator[Reason]:
    part = order.part_on(event.day)
    if part is None:
        yield Reason("before-start", None, {"day": order.parts[0].first.isoformat()})
    elif event.series_id not in part.series_ids:
        yield Reason("other-series")
    if order.stopped is not None and event.day >= order.stopped:
        yield Reason("stopped", None, {"day": order.stopped.isoformat()})
    if ends is not None and event.day > ends:
        yield Reason("after-end", None, {"day": ends.isoformat()})
    if any(event.day in pause for pause in order.pauses):
        yield Reason("paused")


def rest_reasons(its_pass: PassFacts, day: date) -> tuple[Reason, ...]:
    """Why what is booked on a pass cannot stay on a day (SPEC F21, O38, O48).

    not-begun   before the pass can be used        pass-ended   after its last day
    frozen      in a freeze of the pass
    """
    reasons = []
    if its_pass.first is not None and day < its_pass.first:
        reasons.append(Reason("not-begun", None, {"day": its_pass.first.isoformat()}))
    if its_pass.last is not None and day > its_pass.last:
        reasons.append(Reason("pass-ended", None, {"day": its_pass.last.isoformat()}))
    reasons += [
        Reason("frozen", None, {"first": freeze.first.isoformat(), "last": freeze.last.isoformat()})
        for freeze in its_pass.freezes
        if freeze.first <= day <= freeze.last
    ]
    return tuple(reasons)


def pass_reasons(its_pass: PassFacts, day: date) -> tuple[Reason, ...]:
    """Why a pass cannot be booked for a day: `rest_reasons`, and

    not-renewed   after the day to which a running contract can be booked now (SPEC F10, F11, F14)
    """
    until = its_pass.bookable_until
    if until is None or day <= until:
        return rest_reasons(its_pass, day)
    return (*rest_reasons(its_pass, day), Reason("not-renewed", None, {"day": until.isoformat()}))


def awaits_renewal(its_pass: PassFacts, ends: date | None) -> bool:
    """Whether a contract may still be renewed towards the end of an order, or without end (SPEC F11, F14)."""
    until = its_pass.bookable_until
    return until is not None and _ends_later(until, its_pass, ends)


def awaits_events(facts: OrderFacts, its_pass: PassFacts, ends: date | None) -> bool:
    """Whether events that are not there yet may still belong to the order (SPEC F22)."""
    until = facts.events_until
    return until is not None and _ends_later(until, its_pass, ends)


def _ends_later(until: date, its_pass: PassFacts, ends: date | None) -> bool:
    return all(last is None or last > until for last in (its_pass.last, ends))
