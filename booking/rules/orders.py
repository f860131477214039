"""Where every series booking should be: the plan of one or several orders (SPEC F1 to F23). Pure.

The caller gathers inside its transaction, writes the steps in their order, and shows the dates; a preview is the same
plan, not written (F19).

First what is booked is settled: kept, moved to another pass, let go, given back; places and units come back. Then what
is free is given out by local day, on a day to the earlier-created order first, within an order to the earlier start. So
what is reserved stays reserved, and a second plan on the outcome of the first has no steps (F23).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from booking.rules.order_days import pass_reasons
from booking.rules.order_run import Run, make_runs
from booking.rules.order_standing import balance, settle, swap
from booking.rules.order_summary import summary
from booking.values.orders import Act, Candidate, OrderBooking, OrderFacts, PassFacts, Plan, Plans, Standing, WhenFull
from booking.values.refusals import Reason

DONE = frozenset({Act.KEEP, Act.MOVE, Act.BOOK, Act.ADOPT, Act.WAIT})
DECLINED = frozenset(
    {Standing.CANCELLED_IN_TIME, Standing.CANCELLED_LATE, Standing.DELETED, Standing.EXCUSED, Standing.NO_SHOW}
)
FULL, PAST, CANCELLED = Reason("full"), Reason("past"), Reason("event-cancelled")
LACKS = ENDED, NOT_RENEWED, NO_UNITS = "pass-ended", "not-renewed", "pass-units"


def plan_order(facts: OrderFacts, passes: Mapping[int, PassFacts], now: datetime) -> Plan:
    """The plan of an order that shares its passes with no other; see `plan_orders`."""
    return plan_orders((facts,), passes, now).by_order[facts.order.order_id]


def plan_orders(all_facts: Sequence[OrderFacts], passes: Mapping[int, PassFacts], now: datetime) -> Plans:
    """The plans of orders that share passes, participants or events; nothing is lost where they share none.

    `passes` has those of all parts of the orders, and those that pay for bookings which are to move. Raises KeyError
    where an order's own pass is missing, ValueError where the event of one of its bookings is no candidate.

    Reasons of a date, beside those of `order_reasons`, `pass_reasons` and admission's own refusals:

    pass-units    the pass has too few units left       event-cancelled  the operator cancelled it
    full          no place that an order may take       clash            the participant is in another event then
    booked-otherwise  booked already, by another order or on a pass that rests on that day
    no-show, cancelled-late, excused, cancelled-in-time, deleted   what became of the order's booking
    too-late      kept, since giving back is not free   more-than-asked  given back: more than N are kept
    swapped       given back for the date wished        past             a wish that has begun
    complete      N are kept and none can be given back for the date wished
    """
    pool, runs = make_runs(all_facts, passes, now)
    for run in runs:
        settle(run)
    balance(runs)
    for run in runs:
        if run.facts.wish is not None:
            _take(run, run.events[run.facts.wish])
    for run, event in _by_date(runs):
        _consider(run, event)
    for run in runs:
        for event in run.lacking:
            _lack(run, event)
    by_order = {run.order.order_id: _plan(run) for run in runs}
    return Plans(tuple(pool.steps), by_order)


def _plan(run: Run) -> Plan:
    dates = sorted(run.dates.values(), key=lambda step: (run.events[step.event_id].slot.start, step.event_id))
    return Plan(run.order.order_id, tuple(dates), summary(run))


def _by_date(runs: Sequence[Run]) -> list[tuple[Run, Candidate]]:
    """Every candidate that is not settled for good, in the order in which what is free is given out."""
    keyed = [
        (event.day, rank, event.slot.start, event.event_id)
        for rank, run in enumerate(runs)
        for event in run.events.values()
        if (step := run.dates.get(event.event_id)) is None or step.act not in DONE
    ]
    return [(runs[rank], runs[rank].events[event_id]) for _, rank, _, event_id in sorted(keyed)]


def _consider(run: Run, event: Candidate) -> None:
    reasons = run.reasons(event)
    if not reasons and _adopt(run, event):
        return
    if run.is_past(event) or _is_declined(run, event) or _is_enough(run, event):
        return
    if reasons:
        if tuple(reason.code for reason in reasons) == ("paused",):
            _skip(run, event, reasons)
        return
    blocked = pass_reasons(run.pass_on(event.day), event.day)
    if event.is_cancelled:
        _skip(run, event, (CANCELLED, *blocked))
    elif blocked:
        _blocked(run, event, blocked)
    else:
        _decide(run, event)


def _adopt(run: Run, event: Candidate) -> bool:
    """Take a booking made otherwise as one of the order's (SPEC F20), on days on which both their passes hold."""
    key = (run.order.participant_id, event.event_id)
    loose = run.pool.loose.get(key)
    if loose is None or run.is_complete or event.is_cancelled:
        return False
    if pass_reasons(run.pass_on(event.day), event.day) or run.pool.rest_reasons(loose.pass_id, event.day):
        return False
    run.kept += 1
    run.note(Act.ADOPT, event, booking_id=run.pool.loose.pop(key).booking_id)
    return True


def _is_declined(run: Run, event: Candidate) -> bool:
    before = run.standing.get(event.event_id)
    return before is not None and before.state in DECLINED


def _is_enough(run: Run, event: Candidate) -> bool:
    """The count is reached; what stands on the skipped list is shown all the same."""
    return run.is_complete and event.event_id not in run.facts.skipped


def _blocked(run: Run, event: Candidate, reasons: tuple[Reason, ...]) -> None:
    """A day on which the pass cannot be booked: a freeze is passed over, an end or a renewal to come is a lack."""
    codes = {reason.code for reason in reasons}
    if ENDED in codes or NOT_RENEWED in codes:
        run.lacking.append(event)
    else:
        _skip(run, event, reasons)


def _decide(run: Run, event: Candidate) -> None:
    reasons = _date_reasons(run, event)
    pass_id = run.pass_on(event.day).pass_id
    has_units = run.pool.has_units(pass_id, event.units)
    waits = reasons == (FULL,) and event.can_wait and run.order.when_full is WhenFull.WAIT and has_units
    if waits:
        run.note(Act.WAIT, event, reasons)
    elif event.event_id in run.facts.skipped:
        _skipped_before(run, event, reasons)
    elif not has_units:
        run.lacking.append(event)
    elif reasons:
        run.note(Act.SKIP, event, reasons)
    else:
        run.book(event)


def _skipped_before(run: Run, event: Candidate, reasons: tuple[Reason, ...]) -> None:
    """What was passed over is not taken unasked: N has counted on, and its participant has made other plans."""
    if not reasons and not _has_room(run, event) and _swappable(run, event) is None:
        reasons = _no_room(run, event)
    run.note(Act.SKIP if reasons else Act.OPEN, event, reasons, changes=False)


def _date_reasons(run: Run, event: Candidate) -> tuple[Reason, ...]:
    """Why the participant cannot be in this event, units and the pass's days aside."""
    full = (FULL,) if run.pool.is_full(event) else ()
    return (*event.refusals, *full, *run.diary.conflicts(event.slot, event.event_id))


def _skip(run: Run, event: Candidate, reasons: tuple[Reason, ...]) -> None:
    """Passed over for something that lies in order, pass or event and may end; nothing to remember."""
    if event.event_id not in run.dates:
        run.note(Act.SKIP, event, reasons, changes=False)


def _lack(run: Run, event: Candidate) -> None:
    """An event that the order would take but for its pass, judged when all else is given out.

    One that it could not take anyway is no lack. An order with the pass simply ends there.
    """
    count = run.order.end.count
    if count is not None and run.kept + run.lacks.total() >= count:
        return
    reasons = _date_reasons(run, event)
    short = pass_reasons(run.pass_on(event.day), event.day) or _no_room(run, event)
    if not reasons:
        codes = {reason.code for reason in short}
        run.lacks[next(code for code in LACKS if code in codes)] += 1
    if not run.runs_with_pass:
        _skip(run, event, (*reasons, *short))


def _take(run: Run, event: Candidate) -> None:
    """Take a skipped date as a person wishes (SPEC F20), for the latest one to come where N or units leave no room."""
    step = run.dates.get(event.event_id)
    if step is not None and step.act in DONE - {Act.WAIT}:
        return
    blocked = pass_reasons(run.pass_on(event.day), event.day)
    reasons = (*run.reasons(event), *blocked, *_date_reasons(run, event))
    reasons += ((PAST,) if run.is_past(event) else ()) + ((CANCELLED,) if event.is_cancelled else ())
    given = None if _has_room(run, event) else _swappable(run, event)
    if given is None and not _has_room(run, event):
        reasons += _no_room(run, event)
    if reasons:
        run.note(Act.SKIP, event, reasons, changes=False)
        return
    if given is not None:
        swap(run, event, given)
    run.book(event)


def _has_room(run: Run, event: Candidate) -> bool:
    return not run.is_complete and run.pool.has_units(run.pass_on(event.day).pass_id, event.units)


def _no_room(run: Run, event: Candidate) -> tuple[Reason, ...]:
    if run.is_complete:
        return (Reason("complete", None, {"count": run.kept}),)
    left = run.pool.units[run.pass_on(event.day).pass_id] or 0
    return (Reason(NO_UNITS, None, {"units": event.units, "left": left}),)


def _swappable(run: Run, event: Candidate) -> tuple[Candidate, OrderBooking] | None:
    """The latest booking that the order made, can give back at no cost, and whose units are enough for this event."""
    pass_id = run.pass_on(event.day).pass_id
    for other, booking in run.giveable():
        back = booking.units if booking.pass_id == pass_id else 0
        if not booking.adopted and run.pool.has_units(pass_id, event.units - back):
            return other, booking
    return None
