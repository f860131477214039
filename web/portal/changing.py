"""The customer takes another time, or cancels: the fee is shown first (SPEC S27)."""

from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import audit
from booking.actions.endings import cancel_rental
from booking.actions.group_prices import basis_of_move
from booking.actions.occupy import lock_units
from booking.actions.rentals import load_rental
from booking.actions.requests import Made, look
from booking.actions.reviews import approve_if_trusted
from booking.actions.shifting import Moved, move_rental
from booking.reads.house import House, RoomFacts, read_house
from booking.reads.status import StatusFacts, status_by_id
from booking.rules.admission import Admitted
from booking.rules.moving import Actor, CancelTerms, cancel_terms, may_cancel
from booking.values.house import Price
from booking.values.refusals import Overlap, Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState
from web.access import public
from web.i18n import gettext
from web.limits import limited
from web.portal import rooms
from web.portal.calling import call_for
from web.portal.choosing import Unclear, read_cells, read_time, time_value
from web.portal.frame import secret
from web.portal.links import Opened, link_to, open_link
from web.portal.rooms import Trouble
from web.price_words import price_words
from web.reasons import message
from web.request import house, now, read, tools, write
from web.request_form import lines

blueprint = Blueprint("portal_changing", __name__)
LONGEST_REASON = 500
SUMS = frozenset({"fee-changed", "price-changed"})


@dataclass(frozen=True, slots=True)
class Changing:
    """A rental that may still change, with what a change costs now."""

    opened: Opened
    house: House
    room: RoomFacts
    cost: CancelTerms

    @property
    def facts(self) -> StatusFacts:
        return self.opened.facts


@blueprint.get("/b/<token>/change")
@public
def choose(token: str) -> AnyResponse:
    changing = _open(token)
    return changing if isinstance(changing, Response) else _week(changing)


@blueprint.get("/b/<token>/change/check")
@public
def check(token: str) -> AnyResponse:
    """The new time, its price and the fee before anything is changed."""
    changing = _open(token)
    if isinstance(changing, Response):
        return changing
    picked = read_time(request.args.get("time", "")) or read_cells(request.args.getlist("slot"), changing.room)
    if isinstance(picked, Unclear):
        return _week(changing, Trouble((_unclear_words(picked),), picked.starts))
    verdict = _verdict(changing, picked)
    if isinstance(verdict, Refused):
        return _week(changing, Trouble(_texts(verdict), (picked.start,)))
    return _preview(changing, picked, verdict.price or Price(()))


@blueprint.post("/b/<token>/change")
@public
@limited("30 per minute")
def change(token: str) -> AnyResponse:
    picked = read_time(request.form.get("time", ""))
    opened = open_link(token)
    done = _done(opened, picked)
    if done:
        return done
    changing = _open(token)
    if isinstance(changing, Response):
        return changing
    if picked is None:
        return _week(changing, Trouble((_unclear_words(Unclear("unreadable")),)))
    verdict = _verdict(changing, picked)
    if isinstance(verdict, Admitted) and _sums(changing, verdict.price or Price(())) != _sent_sums():
        return _preview(changing, picked, verdict.price or Price(()), changed=True)
    made = verdict if isinstance(verdict, Refused) else _move(changing, picked, verdict.price or Price(()))
    if isinstance(made, Refused):
        return _not_moved(changing, picked, made)
    return _moved(changing, made)


@blueprint.get("/b/<token>/cancel")
@public
def ask_cancel(token: str) -> AnyResponse:
    changing = _open(token, for_move=False)
    return changing if isinstance(changing, Response) else _cancel_page(changing)


@blueprint.post("/b/<token>/cancel")
@public
@limited("30 per minute")
def cancel(token: str) -> AnyResponse:
    changing = _open(token, for_move=False)
    if isinstance(changing, Response):
        return changing
    if request.form.get("fee_cents") != str(changing.cost.fee_cents):
        return _cancel_page(changing, 409, changed=True)
    reason = lines(request.form.get("reason"))[:LONGEST_REASON]
    ended = write(lambda session: _cancel_within(session, changing, reason))
    if isinstance(ended, Refused) and "fee-changed" in ended.codes:
        fresh = _open(token, for_move=False)
        return fresh if isinstance(fresh, Response) else _cancel_page(fresh, 409, changed=True)
    if isinstance(ended, Refused):
        flash(message(ended.reasons[0]), "stop")
    else:
        flash(gettext("Your booking is cancelled. The time is free for others."), "ok")
    return _status(changing.opened)


def _cancel_within(session: Session, changing: Changing, reason: str) -> CancelTerms | Refused:
    """By the steps as they stand now: what the customer agreed to, or nothing."""
    here, seen = read_house(session, changing.house.organisation_id), changing.cost.fee_cents
    booking_id, who = changing.facts.booking_id, Actor.CUSTOMER
    return cancel_rental(session, now(), here, booking_id, who, audit.CUSTOMER, reason=reason, seen_fee=seen)


def _open(token: str, *, for_move: bool = True) -> Changing | Response:
    """The rental, or the way back to its status page where there is nothing left to change."""
    opened = open_link(token)
    here, facts = house(), opened.facts
    no = may_cancel(Actor.CUSTOMER, facts.state, now(), facts.slot)
    if no is None and for_move and facts.replaced_by:
        no = refused("move-pending")
    if no:
        flash(_texts(no)[0], "info")
        return _status(opened)
    room = here.room(facts.room_id)
    cost = cancel_terms(now(), facts.slot, room.zone, room.terms.cancel_steps, facts.gross, facts.state)
    return Changing(opened, here, room, cost)


def _status(opened: Opened) -> Response:
    return _to(url_for("portal_status.page", token=opened.token))


def _to(address: str) -> Response:
    answer = redirect(address, 303)
    assert isinstance(answer, Response)  # noqa: S101 - Flask's own, typed as werkzeug's
    return answer


def _verdict(changing: Changing, picked: Slot) -> Admitted | Refused:
    """Whether the new time would do now, the old one counted as free."""
    facts = changing.facts
    if picked == facts.slot:
        return refused("same-time")
    rental = load_rental(read(), changing.house.organisation_id, facts.booking_id)
    basis = basis_of_move(rental, changing.room, is_known=changing.opened.by_mail)
    here, mine = changing.house, facts.booking_id
    return look(read(), now(), here, changing.room, picked, facts.people, but_booking_id=mine, basis=basis)


def _move(changing: Changing, picked: Slot, shown: Price) -> Moved | Made | Refused:
    try:
        return write(lambda session: _move_within(session, changing, picked, shown))
    except Overlap:
        return refused("taken")


def _move_within(session: Session, changing: Changing, picked: Slot, shown: Price) -> Moved | Made | Refused:
    """One move at a time, by steps and prices as they stand now: what the customer agreed to, or nothing."""
    facts = changing.facts
    here = read_house(session, changing.house.organisation_id)
    lock_units(session, here.organisation_id, [facts.room_id])
    fresh = status_by_id(session, facts.public_id)
    if fresh is None or fresh.replaced_by:
        return refused("move-pending")
    made = move_rental(
        session,
        now(),
        tools(),
        here,
        facts.booking_id,
        picked,
        Actor.CUSTOMER,
        audit.CUSTOMER,
        is_proven=changing.opened.by_mail,
        seen_fee=changing.cost.fee_cents,
        seen_price=shown.gross,
    )
    if isinstance(made, Made):
        approve_if_trusted(session, now(), here, made)
    return made


def _not_moved(changing: Changing, picked: Slot, no: Refused) -> Response:
    """To what the same click already did, else the page again with what stands against it."""
    token = changing.opened.token
    if not SUMS & set(no.codes):
        return _done(open_link(token), picked) or _week(changing, Trouble(_texts(no), (picked.start,)))
    fresh = _open(token)
    if isinstance(fresh, Response):
        return fresh
    verdict = _verdict(fresh, picked)
    if isinstance(verdict, Refused):
        return _week(fresh, Trouble(_texts(verdict), (picked.start,)))
    return _preview(fresh, picked, verdict.price or Price(()), changed=True)


def _moved(changing: Changing, made: Moved | Made) -> Response:
    if isinstance(made, Moved):
        flash(gettext("Your request is for the new time now."), "ok")
        return _status(changing.opened)
    flash(gettext("You have asked for the new time. The old one stays yours until we confirm it."), "ok")
    return _to(url_for("portal_status.page", token=link_to(made.public_id, 0, by_mail=changing.opened.by_mail)))


def _done(opened: Opened, picked: Slot | None) -> Response | None:
    """Where the same click already did it: to what it did."""
    facts = opened.facts
    if picked is not None and picked == facts.slot and facts.state is BookingState.REQUESTED:
        return _status(opened)
    after = facts.replaced_by
    if picked is None or after is None or after.slot != picked:
        return None
    return _to(
        url_for("portal_status.page", token=link_to(after.public_id, after.link_generation, by_mail=opened.by_mail))
    )


def _week(changing: Changing, trouble: Trouble | None = None) -> Response:
    token = changing.opened.token
    week = rooms.shown_week(
        changing.room,
        lambda day: url_for("portal_changing.choose", token=token, week=day.isoformat()),
        trouble.starts if trouble else (),
        changing.facts.booking_id,
    )
    page = render_template("portal/change.html", changing=changing, week=week, trouble=trouble)
    return secret(page, 422 if trouble else 200)


def _preview(changing: Changing, picked: Slot, price: Price, *, changed: bool = False) -> Response:
    new, fee = _sums(changing, price)
    deadline = rooms.deadline()
    page = render_template(
        "portal/change_check.html",
        changing=changing,
        slot=picked,
        price=price_words(price, changing.house),
        old_price=changing.facts.gross,
        sums={"time": time_value(picked), "price_cents": new, "fee_cents": fee},
        is_new_request=changing.facts.state is BookingState.CONFIRMED,
        deadline=deadline,
        call=call_for(now(), changing.house, picked, deadline),
        changed=changed,
    )
    return secret(page, 409 if changed else 200)


def _sums(changing: Changing, price: Price) -> tuple[str, str]:
    """What the customer agrees to: the new price and the fee of the change."""
    return str(price.gross), str(changing.cost.fee_cents)


def _sent_sums() -> tuple[str, str]:
    return request.form.get("price_cents", ""), request.form.get("fee_cents", "")


def _cancel_page(changing: Changing, status: int = 200, *, changed: bool = False) -> Response:
    reason = request.form.get("reason", "")
    return secret(
        render_template("portal/cancel.html", changing=changing, reason=reason, changed=changed, most=LONGEST_REASON),
        status,
    )


def _texts(no: Refused) -> tuple[str, ...]:
    own = {
        "same-time": gettext("This is the time that you have already."),
        "move-pending": gettext("You have asked for another time already. We answer that request first."),
    }
    return tuple(own.get(reason.code) or message(reason) for reason in no.reasons)


def _unclear_words(picked: Unclear) -> str:
    words = {
        "none": gettext("Please choose a time first."),
        "broken": gettext(
            "The times have to follow each other. We have chosen those in between as far as they are free."
        ),
        "unreadable": gettext("This time cannot be read. Please choose it again."),
    }
    return words[picked.why]
