"""A booking in any state: its history, mails and money; cancel, move, no-show, follow-up, payment (SPEC S18, S27)."""

from datetime import date, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.codes import CodeLostError
from booking.actions.desk import Afterwards, mark_afterwards
from booking.actions.endings import cancel_rental, terms_of
from booking.actions.office import mark_no_show
from booking.actions.payments import note_payment
from booking.actions.rentals import Rental, load_rental
from booking.actions.requests import Made, look
from booking.actions.shifting import Moved, move_rental
from booking.reads.booking_file import (
    Entry,
    codes_of,
    history_of,
    invoice_of,
    invoice_pdf,
    marks_of,
)
from booking.reads.cases import cases_of
from booking.reads.house import House, RoomFacts
from booking.reads.mails import MailLine, mails_page
from booking.reads.requests import RequestFacts, request_by
from booking.reads.today import placed
from booking.rules import moving
from booking.rules.permissions import Capability
from booking.values.clock import instant_of, local_day, local_time, within_reach
from booking.values.refusals import MoveLost, Overlap, Reason, Refused, refused
from booking.values.slot import Slot
from booking.values.states import BookingState, MessageState
from web import field_readers as read_as
from web.access import require
from web.case_words import case_title
from web.filters import moment, money
from web.i18n import gettext
from web.office import lanes, words
from web.office.frame import act, slower
from web.price_words import price_words
from web.request import actor, house, now, organisation_id, read, tools

blueprint = Blueprint("office_bookings", __name__, url_prefix="/office/bookings")
LONGEST_TEXT = 1000


@blueprint.get("/<uuid:booking_id>")
@require(Capability.BOOKINGS)
def show(booking_id: UUID) -> AnyResponse:
    return _page(_facts(booking_id))


@blueprint.get("/<uuid:booking_id>/invoice.pdf")
@require(Capability.INVOICES)
def invoice(booking_id: UUID) -> Response:
    """The invoice as it was rendered once; 404 until a worker did."""
    found = _facts(booking_id)
    mark = invoice_of(read(), organisation_id(), found.booking_id)
    number, pdf = invoice_pdf(read(), organisation_id(), mark.public_id if mark else booking_id)
    response = Response(pdf, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{number}.pdf"'
    return response


@blueprint.post("/<uuid:booking_id>/cancel")
@require(Capability.BOOKINGS)
def cancel(booking_id: UUID) -> AnyResponse:
    """By the room's steps; the page showed the fee, and the form says whether it is waived (SPEC S27)."""
    found = _facts(booking_id)
    reason = request.form.get("reason", "").strip()[:LONGEST_TEXT]
    waived = request.form.get("waive") == "yes"
    if not reason:
        return _page(found, Refused((Reason("no-reason", "reason"),)))

    def work(db: Session, here: House) -> moving.CancelTerms | Refused:
        return cancel_rental(
            db,
            now(),
            here,
            found.booking_id,
            moving.Actor.OFFICE,
            actor(),
            reason=reason,
            waive_fee=waived,
            seen_fee=None if waived else request.form.get("fee_cents", type=int),
        )

    done = act(work)
    if isinstance(done, Refused):
        return _page(found, done)
    fee = gettext("Fee: %(fee)s.", fee=money(done.fee_cents)) if done.fee_cents else gettext("Without a fee.")
    return _done(booking_id, gettext("Cancelled; the time is free and the customer gets a mail.") + " " + fee)


@blueprint.get("/<uuid:booking_id>/move")
@require(Capability.BOOKINGS)
def move_form(booking_id: UUID) -> AnyResponse:
    """Choose the new time; with one chosen the page shows what moving to it does, before it is done."""
    return _move_page(_facts(booking_id))


@blueprint.post("/<uuid:booking_id>/move")
@require(Capability.BOOKINGS)
def move(booking_id: UUID) -> AnyResponse:
    found = _facts(booking_id)
    room = _room_wanted(found, request.form)
    to = _wanted(room, request.form)
    if isinstance(to, Refused):
        return _move_page(found, to)
    other = room.room_id if room.room_id != found.room_id else None

    def work(db: Session, here: House) -> Moved | Made | Refused:
        return move_rental(db, now(), tools(), here, found.booking_id, to, moving.Actor.OFFICE, actor(), room_id=other)

    try:
        done = act(work)
    except (MoveLost, Overlap, CodeLostError):
        done = refused("taken")
    if isinstance(done, Refused):
        return _move_page(found, done)
    return _done(booking_id, gettext("Moved. The customer gets a mail with the new time."))


@blueprint.post("/<uuid:booking_id>/no-show")
@require(Capability.BOOKINGS)
def no_show(booking_id: UUID) -> AnyResponse:
    found = _facts(booking_id)
    came = request.form.get("came") == "yes"
    no = act(lambda db, here: mark_no_show(db, now(), here, found.booking_id, actor(), came=came))
    return _page(found, no) if no else _done(booking_id, gettext("Noted."))


@blueprint.post("/<uuid:booking_id>/afterwards")
@require(Capability.BOOKINGS)
def afterwards(booking_id: UUID) -> AnyResponse:
    """Waive, charge or mark for follow-up, once the time has begun (SPEC S18)."""
    found = _facts(booking_id)
    given = request.form.get("what", "")
    what = Afterwards(given) if given in set(Afterwards) else Afterwards.FOLLOW_UP
    text, cents = request.form.get("text", "")[:LONGEST_TEXT], _amount()
    if isinstance(cents, Refused):
        return _page(found, cents)
    mark = partial(mark_afterwards, cents=cents)
    no = act(lambda db, here: mark(db, now(), here, found.booking_id, what, text, actor()))
    return _page(found, no) if no else _done(booking_id, gettext("Noted."))


@blueprint.post("/<uuid:booking_id>/paid")
@require(Capability.PAYMENTS)
def paid(booking_id: UUID) -> AnyResponse:
    """Note the invoice as paid; a code that waited for the payment goes out."""
    found = _facts(booking_id)
    mark = invoice_of(read(), organisation_id(), found.booking_id)
    if mark is None:
        return _page(found, refused("no-lines"))
    text = request.form.get("note", "").strip()[:LONGEST_TEXT]
    done = act(lambda db, here: note_payment(db, now(), here, mark.invoice_pk, actor(), note=text))
    if isinstance(done, Refused):
        return _page(found, done)
    sent = " " + gettext("The mail with the door code goes out now.") if done.code_mails else ""
    return _done(booking_id, gettext("Payment noted.") + sent)


def _amount() -> int | Refused | None:
    """What is to be charged, as people write it; None where nothing is said."""
    typed = request.form.get("amount", "").strip()
    try:
        return read_as.euros(typed) if typed else None
    except read_as.BadInput:
        return Refused((Reason("not-a-number", "amount"),))


def _facts(booking_id: UUID) -> RequestFacts:
    return request_by(read(), organisation_id(), booking_id)


def _done(booking_id: UUID, text: str) -> AnyResponse:
    flash(text, "ok")
    return redirect(url_for("office_bookings.show", booking_id=booking_id))


def _said() -> dict[str, str]:
    """What was typed into a dialog of the page, so that a refusal loses none of it (SPEC X8)."""
    return {name: request.form.get(name, "") for name in ("reason", "waive", "note", "what", "text", "amount")}


def _page(found: RequestFacts, no: Refused | None = None) -> AnyResponse:
    if no is not None and "decision-pending" in no.codes:
        return slower(found.booking_id, found.public_id, found.contact.company or found.contact.name)
    here, session = house(), read()
    rental = load_rental(session, here.organisation_id, found.booking_id)
    bill = invoice_of(session, here.organisation_id, found.booking_id)
    mails = mails_page(session, here.organisation_id, booking_pk=found.booking_id)
    marks = marks_of(session, here.organisation_id, found.booking_id)
    begun = found.slot.start <= now()
    stands = found.state in {BookingState.REQUESTED, BookingState.CONFIRMED}
    page = render_template(
        "office/booking.html",
        found=found,
        room=here.room(found.room_id),
        marks=marks,
        price=price_words(marks.price, here),
        invoice=bill,
        codes=codes_of(session, here.organisation_id, found.booking_id),
        mails=mails,
        mail_name=words.mail_name,
        cases=[(case, case_title(case.kind)) for case in cases_of(session, here.organisation_id, found.booking_id)],
        source=words.source_name(found.source),
        steps=_steps(
            found,
            rental,
            history_of(session, here.organisation_id, found.booking_id, bill.invoice_pk if bill else None),
            mails,
        ),
        terms=terms_of(now(), here, rental) if stands and not begun else None,
        begun=begun,
        over=found.slot.end <= now(),
        can_change=stands and not begun,
        said=_said(),
        errors=words.refusal(no) if no else [],
    )
    return make_response(page, 422 if no else 200)


def _steps(
    found: RequestFacts, rental: Rental, entries: tuple[Entry, ...], mails: tuple[MailLine, ...]
) -> list[dict[str, Any]]:
    """The history as a timeline: changes from the audit log, what became final, mails as they went out."""
    told = [(entry.at, _step(entry)) for entry in entries]
    if rental.booking.confirmed_at is not None:
        told.append(
            (rental.booking.confirmed_at, {"title": gettext("Confirmed"), "state": "done", "who": "", "changes": []})
        )
    if found.state is BookingState.REJECTED and rental.booking.ended_at is not None:
        told.append(
            (rental.booking.ended_at, {"title": gettext("Rejected"), "state": "failed", "who": "", "changes": []})
        )
    told += [
        (
            mail.sent_at,
            {
                "title": gettext("Mail: %(what)s", what=words.mail_name(mail.kind)),
                "state": "done",
                "who": mail.recipient,
                "changes": [],
            },
        )
        for mail in mails
        if mail.sent_at is not None and mail.state is MessageState.SENT
    ]
    ordered = sorted(told, key=lambda pair: pair[0])
    return [{**step, "when": moment(at)} for at, step in ordered]


FAILED = frozenset({"cancelled", "expired", "no-show", "code-refused"})


def _step(entry: Entry) -> dict[str, Any]:
    return {
        "title": words.action_name(entry),
        "who": words.joined((words.actor_name(entry.actor), entry.origin)),
        "changes": words.changes(entry),
        "state": "failed" if entry.action in FAILED else "done",
    }


def _move_page(found: RequestFacts, no: Refused | None = None) -> AnyResponse:
    here, session = house(), read()
    given = request.form if request.method == "POST" else request.args
    room = _room_wanted(found, given)
    to = _wanted(room, given) if given.get("day") else None
    slot = to if isinstance(to, Slot) else found.slot
    if isinstance(to, Refused) and no is None:
        no = to
    day = local_day(slot.start, room.zone)
    rooms = lanes.rooms_sharing(here, room.room_id)
    around = placed(session, here.organisation_id, lanes.window_of(day, room.zone))
    drawn = lanes.columns(here, rooms, around, day, here=found.public_id)
    if isinstance(to, Slot) and no is None:
        verdict = look(session, now(), here, room, to, found.people, but_booking_id=found.booking_id)
        no = verdict if isinstance(verdict, Refused) else None
    page = render_template(
        "office/move.html",
        found=found,
        room=room,
        room_now=here.room(found.room_id),
        rooms=[(str(one.public_id), one.name) for one in here.rooms.values() if not one.archived],
        to=to if isinstance(to, Slot) and no is None else None,
        values=_values(given, slot, here) | {"room": str(room.public_id)},
        lanes=lanes.as_lanes(drawn),
        scale=lanes.scale(rooms, day, drawn),
        day=day,
        errors=words.refusal(no) if no else [],
    )
    return make_response(page, 422 if no else 200)


def _values(given: Any, slot: Slot, here: House) -> dict[str, str]:
    zone = here.zone
    return {
        "day": given.get("day") or local_day(slot.start, zone).isoformat(),
        "from": given.get("from") or f"{local_time(slot.start, zone):%H:%M}",
        "to": given.get("to") or f"{local_time(slot.end, zone):%H:%M}",
    }


def _room_wanted(found: RequestFacts, given: Any) -> RoomFacts:
    """The room in the form, else the booking's own."""
    rooms = house().rooms
    named = next((room for room in rooms.values() if str(room.public_id) == given.get("room")), None)
    return named or rooms[found.room_id]


def _wanted(room: RoomFacts, given: Any) -> Slot | Refused:
    """The time in the form, in the room's zone; an end of 00:00 is midnight at the end of the day."""
    zone = room.zone
    try:
        day = within_reach(date.fromisoformat(given.get("day", "")))
        opens, closes = (time.fromisoformat(given.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return refused("not-a-date")
    last = day + timedelta(days=1) if closes == time(0) else day
    start, end = instant_of(day, opens, zone), instant_of(last, closes, zone)
    return Slot(start, end) if start < end else refused("not-a-slot")
