"""How far an order came, what it lacks and waits for (SPEC F17, F19, F22). Inside of `booking.rules.orders`."""

from booking.rules.order_days import awaits_events, awaits_renewal
from booking.rules.order_run import Run
from booking.values.orders import Act, EndKind, PassFacts, Summary, Waits
from booking.values.refusals import Reason

KEPT = frozenset({Act.KEEP, Act.MOVE, Act.BOOK, Act.ADOPT})
WAITS_FOR = {"pass-units": Waits.TOP_UP, "not-renewed": Waits.RENEWAL, "pass-ended": Waits.NEW_PASS}


def summary(run: Run) -> Summary:
    """Reasons of `why`, each with the number of `events` that are short for it, where that is known:

    pass-units   the pass has too few units left   horizon       later events are not there yet; `until` when they are
    pass-ended   the pass ends first               series-ended  the series have no more events
    not-renewed  the contract is not renewed yet   paused        the order is paused without end
    """
    order, its_pass = run.order, run.pool.passes[run.order.parts[-1].pass_id]
    days = [step.day for step in run.dates.values() if step.act in KEPT]
    ahead = sum(not run.is_past(run.events[one.event_id]) for one in run.dates.values() if one.act in KEPT)
    count, stopped = order.end.count, order.stopped is not None
    why = () if stopped else _why(run, its_pass)
    short = 0 if stopped or run.runs_with_pass else run.lacks.total()
    return Summary(
        kept=run.kept,
        coming=ahead,
        wanted=count,
        short=short if count is None or stopped else max(0, count - run.kept),
        why=why,
        waits_for=() if stopped else _waits_for(run, its_pass),
        last=max(days, default=None),
        ends=run.ends,
    )


def _why(run: Run, its_pass: PassFacts) -> tuple[Reason, ...]:
    count = run.order.end.count
    if run.runs_with_pass:
        return ()
    if count is None:
        return (*_lacks(run), *_later(run, its_pass))
    missing = count - run.kept - run.lacks.total()
    return (*_lacks(run), *(_not_there(run, missing) if missing > 0 else ()))


def _lacks(run: Run) -> tuple[Reason, ...]:
    return tuple(Reason(code, None, {"events": number}) for code, number in run.lacks.items())


def _later(run: Run, its_pass: PassFacts) -> tuple[Reason, ...]:
    until = run.facts.events_until
    if until is None or not awaits_events(run.facts, its_pass, run.ends):
        return ()
    return (Reason("horizon", None, {"until": until.isoformat()}),)


def _not_there(run: Run, events: int) -> tuple[Reason, ...]:
    if any(pause.last is None for pause in run.order.pauses):
        return (Reason("paused", None, {"events": events}),)
    until = run.facts.events_until
    if until is None:
        return (Reason("series-ended", None, {"events": events}),)
    return (Reason("horizon", None, {"events": events, "until": until.isoformat()}),)


def _waits_for(run: Run, its_pass: PassFacts) -> tuple[Waits, ...]:
    """In the order of `Waits`. An order with the pass, or to a day, waits also for events that nobody can name yet."""
    found = {WAITS_FOR[code] for code in run.lacks if code in WAITS_FOR}
    if run.runs_with_pass:
        found.discard(Waits.NEW_PASS)
    if not run.is_complete and awaits_renewal(its_pass, run.ends) and run.order.end.kind is not EndKind.COUNT:
        found.add(Waits.RENEWAL)
    if not run.is_complete and awaits_events(run.facts, its_pass, run.ends):
        found.add(Waits.EVENTS)
    return tuple(one for one in Waits if one in found)
