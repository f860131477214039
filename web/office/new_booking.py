"""The office enters a booking for somebody who called: room, time, customer; looked at, then made (SPEC S4, S8)."""

from dataclasses import asdict, dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.by_office import Booked, book_by_office, may_override
from booking.actions.requests import Ask, file_of, look, price_of
from booking.actions.seen_prices import request_changed
from booking.reads.customers import customer_by
from booking.reads.house import House, RoomFacts
from booking.reads.records import contact_ids
from booking.reads.today import placed
from booking.rules.permissions import Capability
from booking.tables.people import Customer
from booking.values.clock import DAY, instant_of, local_day, within_reach
from booking.values.house import PriceBasis
from booking.values.refusals import NotFound, Overlap, Refused, refused
from booking.values.slot import Slot
from booking.values.states import Source
from papers.i18n import LOCALES
from web.access import require
from web.extras_form import ExtrasForm, extras_form
from web.i18n import gettext, translator
from web.office import lanes, words
from web.office.frame import act
from web.price_words import price_words
from web.request import actor, house, now, organisation_id, read, tools
from web.request_form import RequestForm

blueprint = Blueprint("office_new_booking", __name__, url_prefix="/office/bookings/new")
BEGIN, END = "18:00", "20:00"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the form names so far. `slot` is None until day and times are readable."""

    room: RoomFacts
    day: date
    begin: str
    end: str
    slot: Slot | None

    @property
    def values(self) -> dict[str, str]:
        room = str(self.room.public_id)
        return {"room": room, "day": self.day.isoformat(), "from": self.begin, "to": self.end}


@blueprint.get("")
@require(Capability.BOOKINGS)
def form() -> AnyResponse:
    """Choose room and time; with both chosen the page shows whether they do, and asks for the customer."""
    if not _rooms():
        return make_response(render_template("office/booking_none.html"))
    wanted = _wanted(request.args)
    no = _verdict(wanted) if wanted.slot and "from" in request.args else None
    return _page(wanted, _form(wanted), no, chosen="from" in request.args)


@blueprint.post("")
@require(Capability.BOOKINGS)
def make() -> AnyResponse:
    if not _rooms():
        return redirect(url_for("office_new_booking.form"))
    wanted = _wanted(request.form)
    customer = _form(wanted)
    if wanted.slot is None:
        return _page(wanted, customer, refused("not-a-slot"))
    if not customer.validate():
        return _page(wanted, customer, chosen=True)
    extras = _extras(wanted)
    if not extras.is_valid or not _is_seen(wanted, wanted.slot, _basis(customer, extras)):
        return _page(wanted, customer, chosen=True)
    done = _book(wanted, wanted.slot, customer, extras)
    if isinstance(done, Refused):
        fresh = _wanted(request.form)  # of the house as the write left it
        return _page(fresh, customer, None if "price-changed" in done.codes else done, chosen=True)
    _say(done)
    return redirect(url_for("office_bookings.show", booking_id=done.made.public_id), 303)


def _book(wanted: Wanted, slot: Slot, customer: RequestForm, extras: ExtrasForm) -> Booked | Refused:
    file, seen = _file(customer), request.form.get("price_cents", type=int)
    ask = Ask(
        room_id=wanted.room.room_id,
        slot=slot,
        people=customer.number_of_people(),
        purpose=customer.purpose.data,
        contact=customer.contact(),
        language=_language(),
        source=Source.OFFICE,
        wishes=extras.wishes,
        group_id=file.group_id if file else None,
        customer_id=file.id if file else None,
    )
    override, confirm = request.form.get("override") == "yes", request.form.get("confirm") == "yes"

    def work(session: Session, here: House) -> Booked | Refused:
        no = request_changed(here, ask, seen)
        return no or book_by_office(session, now(), tools(), here, ask, actor(), override=override, confirm=confirm)

    try:
        return act(work)
    except Overlap:
        return refused("taken")


def _file(customer: RequestForm) -> Customer | None:
    """The file of whom the form names: the office knows whom it speaks to, so the prices of their group apply."""
    if not customer.email.data:
        return None
    here, contact = house(), customer.contact()
    return file_of(read(), here, contact, contact_ids(read(), here.organisation_id, contact.email))


def _basis(customer: RequestForm, extras: ExtrasForm) -> PriceBasis:
    file = _file(customer)
    return PriceBasis(file.group_id if file else None, extras.booked, customer.people_so_far())


def _extras(wanted: Wanted) -> ExtrasForm:
    return extras_form(request.form if request.method == "POST" else {}, house(), wanted.room)


def _is_seen(wanted: Wanted, slot: Slot, basis: PriceBasis) -> bool:
    """Whether the page showed this price: that of the customer's group and of extras is known once they are typed."""
    cost, plain = (price_of(house(), wanted.room, slot, one) for one in (basis, PriceBasis()))
    if isinstance(cost, Refused) or isinstance(plain, Refused):
        return True
    return request.form.get("price_cents", str(plain.gross)) == str(cost.gross)


def _say(done: Booked) -> None:
    flash(gettext("Booked. The customer gets a mail with the booking code."), "ok")
    if isinstance(done.decided, Refused):
        reasons = " ".join(words.refusal(done.decided))
        flash(gettext("It is not confirmed yet: %(reasons)s", reasons=reasons), "info")


def _verdict(wanted: Wanted) -> Refused | None:
    """Whether the time would do now, as a look that writes nothing."""
    if wanted.slot is None:
        return refused("not-a-slot")
    verdict = look(read(), now(), house(), wanted.room, wanted.slot)
    return verdict if isinstance(verdict, Refused) else None


def _page(wanted: Wanted, customer: RequestForm, no: Refused | None = None, *, chosen: bool = False) -> AnyResponse:
    here, room = house(), wanted.room
    warned = no is not None and may_override(no)
    rooms = lanes.rooms_sharing(here, room.room_id)
    around = placed(read(), here.organisation_id, lanes.window_of(wanted.day, room.zone))
    drawn = lanes.columns(here, rooms, around, wanted.day)
    extras, cost = _extras(wanted), None
    basis = _basis(customer, extras)
    if wanted.slot and chosen:
        offer = price_of(here, room, wanted.slot, basis)
        cost = None if isinstance(offer, Refused) else offer
    page = render_template(
        "office/booking_new.html",
        form=customer,
        room=room,
        rooms=[(str(one.public_id), one.name) for one in here.rooms.values() if not one.archived],
        values=wanted.values,
        slot=wanted.slot,
        day=wanted.day,
        ask=chosen and wanted.slot is not None and (no is None or warned or request.method == "POST"),
        price=price_words(cost, here) if cost else None,
        customer_named=request.args.get("customer", ""),
        price_cents=cost.gross if cost else "",
        price_note=_price_note(cost.gross if cost else None, basis),
        extras=extras,
        warnings=words.refusal(no) if no and warned else [],
        errors=words.refusal(no) if no and not warned else [],
        lanes=lanes.as_lanes(drawn),
        scale=lanes.scale(rooms, wanted.day, drawn),
        languages_known=[("de", "Deutsch"), ("en", "English")],
        language_chosen=_language(),
        confirm=request.form.get("confirm") == "yes" or request.method == "GET",
    )
    return make_response(page, 422 if request.method == "POST" else 200)


def _form(wanted: Wanted) -> RequestForm:
    """The customer's data as on the portal; nobody ticks terms on the telephone."""
    given = request.form if request.method == "POST" else None
    customer = RequestForm(given, data=_known()).fit(wanted.room, translator().language, house().country, ())
    customer.name.label.text = gettext("Name")
    return customer


def _known() -> dict[str, str]:
    """The contact of the customer whom the address names, where one's page led here."""
    try:
        line = customer_by(read(), organisation_id(), UUID(request.args.get("customer", "")))
    except (ValueError, NotFound):
        return {}
    return asdict(line.contact)


def _price_note(cents: int | None, basis: PriceBasis) -> str:
    """Whose price it is, and whether it is another one than the page showed."""
    notes = []
    if request.method == "POST" and cents is not None and request.form.get("price_cents") != str(cents):
        notes.append(gettext("The price is another one now. Please look at it before you book."))
    group = house().group_name(basis.group_id)
    if group:
        notes.append(gettext("With the prices of the group %(group)s.", group=group))
    return " ".join(notes)


def _language() -> str:
    named = request.form.get("language", "")
    return named if named in LOCALES else house().language


def _rooms() -> list[RoomFacts]:
    return [room for room in house().rooms.values() if not room.archived]


def _wanted(given: Any) -> Wanted:
    """The room and time in an address or form; what is missing or unreadable is the first room, today, the evening."""
    rooms = _rooms()
    room = next((one for one in rooms if str(one.public_id) == given.get("room")), rooms[0])
    begin, end = given.get("from", BEGIN), given.get("to", END)
    try:
        day = within_reach(date.fromisoformat(given.get("day", "")))
    except ValueError:
        day = local_day(now(), room.zone)
    return Wanted(room, day, begin, end, _slot(room, day, begin, end))


def _slot(room: RoomFacts, day: date, begin: str, end: str) -> Slot | None:
    """An end of 00:00 is midnight at the end of the day."""
    try:
        opens, closes = time.fromisoformat(begin), time.fromisoformat(end)
    except ValueError:
        return None
    last = day + DAY if closes == time(0) else day
    start, stop = instant_of(day, opens, room.zone), instant_of(last, closes, room.zone)
    return Slot(start, stop) if timedelta(0) < stop - start else None
