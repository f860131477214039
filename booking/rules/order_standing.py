"""What becomes of the bookings that an order has: kept, moved, let go, given back. Inside of `booking.rules.orders`."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice

from booking.rules.order_days import pass_reasons, rest_reasons
from booking.rules.order_run import FREE_AGAIN, Run
from booking.values.orders import Act, Candidate, OrderBooking, Standing
from booking.values.refusals import Reason

TOO_LATE = Reason("too-late")


def settle(run: Run) -> None:
    """Decide on each booking by itself; those that might go to another pass are only noted as movers."""
    for event, booking in sorted(
        ((run.events[event_id], booking) for event_id, booking in run.standing.items()), key=lambda entry: entry[0].slot
    ):
        if booking.state is Standing.WAITING:
            _settle_waiting(run, event, booking)
        elif booking.state is Standing.COMING:
            _settle_coming(run, event, booking)
        elif booking.state not in FREE_AGAIN:
            _settle_over(run, event, booking)


def _settle_over(run: Run, event: Candidate, booking: OrderBooking) -> None:
    counted = {
        Standing.ATTENDED: True,
        Standing.NO_SHOW: run.order.counts_no_shows,
        Standing.CANCELLED_LATE: run.order.counts_late_cancellations,
    }
    if counted.get(booking.state, False):
        _keep(run, event, booking)
    else:
        reasons = (Reason(booking.state.value),)
        run.note(Act.SKIP, event, reasons, changes=False, booking_id=booking.booking_id)


def _settle_waiting(run: Run, event: Candidate, booking: OrderBooking) -> None:
    if run.is_past(event) or event.is_cancelled:
        return
    reasons = run.reasons(event) or rest_reasons(run.pass_on(event.day), event.day)
    act = Act.LEAVE if reasons else Act.WAIT
    run.pool.waiting[event.event_id] -= act is Act.LEAVE
    run.note(act, event, reasons, changes=bool(reasons), booking_id=booking.booking_id)


def _settle_coming(run: Run, event: Candidate, booking: OrderBooking) -> None:
    if event.is_cancelled:
        run.note(Act.SKIP, event, (Reason("event-cancelled"),), changes=False, booking_id=booking.booking_id)
    elif run.is_past(event):
        _keep(run, event, booking)
    elif reasons := run.reasons(event):
        _outside(run, event, booking, reasons)
    else:
        _inside(run, event, booking)


def _outside(run: Run, event: Candidate, booking: OrderBooking, reasons: tuple[Reason, ...]) -> None:
    """The order does not want it any more. Where it rests on a pass that rests or has ended, it goes in any case."""
    rests = run.pool.rest_reasons(booking.pass_id, event.day)
    if rests:
        run.give_back(event, booking, (*reasons, *rests))
    elif booking.adopted or run.facts.keeping:
        run.let_go(event, booking, reasons)
    elif run.now > event.free_until:
        _keep(run, event, booking, (*reasons, TOO_LATE))
    else:
        run.give_back(event, booking, reasons)


def _inside(run: Run, event: Candidate, booking: OrderBooking) -> None:
    its_pass = run.pass_on(event.day)
    if booking.adopted:
        rests, ordered = run.pool.rest_reasons(booking.pass_id, event.day), rest_reasons(its_pass, event.day)
        if rests:
            run.give_back(event, booking, rests)
        elif ordered:
            run.let_go(event, booking, ordered)
        else:
            _keep(run, event, booking)
    elif booking.pass_id != its_pass.pass_id:
        _keep(run, event, booking)
        run.movers.append((event, booking))
    elif rests := rest_reasons(its_pass, event.day):
        run.give_back(event, booking, rests)
    else:
        _keep(run, event, booking)


def _keep(run: Run, event: Candidate, booking: OrderBooking, reasons: tuple[Reason, ...] = ()) -> None:
    run.kept += 1
    run.note(
        Act.KEEP,
        event,
        reasons,
        changes=False,
        booking_id=booking.booking_id,
        pass_id=booking.pass_id,
        units=booking.units,
    )
    if not run.is_past(event) and booking.state is Standing.COMING:
        run.coming.append((event, booking))


def balance(runs: Sequence[Run]) -> None:
    """Move bookings to their order's new pass and give back what is more than asked, until neither finds anything.

    What comes back may let another booking move, so that one look would leave work for the next night (SPEC F23).
    """
    while any(_move(run) for run in runs) or any(_drop(run) for run in runs) or any(_trim(run) for run in runs):
        pass


def _move(run: Run) -> bool:
    moved: dict[int, OrderBooking] = {}
    for event, booking in run.movers:
        its_pass = run.pass_on(event.day)
        if not pass_reasons(its_pass, event.day) and run.pool.has_units(its_pass.pass_id, booking.units):
            run.pool.spend(its_pass.pass_id, booking.units)
            run.pool.spend(booking.pass_id, -booking.units)
            moved[event.event_id] = replace(booking, pass_id=its_pass.pass_id)
            run.note(Act.MOVE, event, booking_id=booking.booking_id, pass_id=its_pass.pass_id, units=booking.units)
    if moved:
        run.movers = [entry for entry in run.movers if entry[0].event_id not in moved]
        run.coming = [(event, moved.get(event.event_id, booking)) for event, booking in run.coming]
    return bool(moved)


def _drop(run: Run) -> bool:
    """Give back what can neither move nor stay, because its old pass rests or has ended on that day."""
    lost = {
        event.event_id: rests
        for event, booking in run.movers
        if (rests := run.pool.rest_reasons(booking.pass_id, event.day))
    }
    for event, booking in run.movers:
        if event.event_id in lost:
            run.give_back(event, booking, lost[event.event_id])
    run.kept -= len(lost)
    _forget(run, lost)
    return bool(lost)


def _trim(run: Run) -> bool:
    """Give back the latest where more is kept than asked: what was added for a date that came back after all."""
    count = run.order.end.count
    surplus = 0 if count is None else max(0, run.kept - count)
    given = list(islice(run.giveable(), surplus))
    reasons = (Reason("more-than-asked", None, {"count": count or 0}),)
    for event, booking in given:
        if booking.adopted or run.facts.keeping:
            run.let_go(event, booking, reasons)
        else:
            run.give_back(event, booking, reasons)
    run.kept -= len(given)
    _forget(run, {event.event_id for event, _ in given})
    return bool(given)


def swap(run: Run, wish: Candidate, given: tuple[Candidate, OrderBooking]) -> None:
    """Give a booking back for the date that a person wishes instead."""
    event, booking = given
    run.give_back(event, booking, (Reason("swapped", None, {"day": wish.day.isoformat()}),))
    run.kept -= 1
    _forget(run, {event.event_id})


def _forget(run: Run, event_ids: Collection[int]) -> None:
    run.coming = [entry for entry in run.coming if entry[0].event_id not in event_ids]
    run.movers = [entry for entry in run.movers if entry[0].event_id not in event_ids]
