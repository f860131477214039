"""The request: the form of one time, and the one binding button (SPEC S4, S15, S25, X8, X9)."""

import json
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.idempotency import Call, Stored, answered, call_of, claim, keep, let_go
from booking.actions.requests import Ask, look, make_request, price_of
from booking.actions.reviews import approve_if_trusted
from booking.reads.house import House, RoomFacts
from booking.reads.status import LegalText, legal_texts
from booking.tables.houses import TermsKind
from booking.values.house import Price, PriceBasis
from booking.values.identity import new_token
from booking.values.refusals import DatabaseBusy, Overlap, Refused, refused
from booking.values.slot import Slot
from booking.values.tokens import looks_like_token
from web.access import public
from web.cancel_words import cancel_words
from web.extras_form import ExtrasForm, extras_form
from web.free_times import nearest
from web.i18n import gettext, language
from web.limits import limited, made_from
from web.portal import frame, rooms
from web.portal.calling import call_for
from web.portal.choosing import Unclear, read_cells, read_time, time_value
from web.portal.links import link_to
from web.portal.timeline import Scene, steps_before
from web.price_words import money, price_words
from web.reasons import messages
from web.request import house, now, read, tools, write
from web.request_form import RequestForm

blueprint = Blueprint("portal_asking", __name__)
CALLER = "portal"
OF_TIME = frozenset({"start", "end"})
ACCEPTED = (TermsKind.TERMS, TermsKind.HOUSE_RULES)


@dataclass(frozen=True, slots=True)
class Sent:
    """The booking that a form made, now or when it was sent before; with `is_other` it then said something else."""

    public_id: UUID
    is_other: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """What one call is about. `texts` are the legal texts in force."""

    house: House
    room: RoomFacts
    slot: Slot
    form: RequestForm
    texts: dict[TermsKind, LegalText]
    extras: ExtrasForm

    @property
    def basis(self) -> PriceBasis:
        """Everybody's prices: who types a customer's data is not known to be that customer (docs/decisions/0007)."""
        return PriceBasis(None, self.extras.booked, self.form.people_so_far())

    def price(self, slot: Slot | None = None) -> Price | Refused:
        return price_of(self.house, self.room, slot or self.slot, self.basis)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps a request from being made besides the fields: sentences, and free times to choose instead."""

    messages: tuple[str, ...] = ()
    near: tuple[Slot, ...] = ()
    note: str = ""


@blueprint.get("/rooms/<slug>/request")
@public
def form(slug: str) -> AnyResponse:
    here = house()
    room = frame.bookable_room(here, slug)
    picked = read_time(request.args.get("time", "")) or read_cells(request.args.getlist("slot"), room)
    if isinstance(picked, Unclear):
        return _unclear(room, picked)
    verdict = look(read(), now(), here, room, picked)
    if isinstance(verdict, Refused):
        found = rooms.Trouble(_all_messages(verdict), (picked.start,), _near(here, room, picked, verdict))
        return make_response(rooms.room_page(room, found), _status(verdict))
    return _page(_asking(here, room, picked))


@blueprint.post("/rooms/<slug>/request")
@public
@limited("30 per minute")
def send(slug: str) -> AnyResponse:
    """A double click, a reload, a second tab: one form makes one booking."""
    here = house()
    room = frame.bookable_room(here, slug)
    other = read_time(request.form.get("other", ""))
    slot = other or read_time(request.form.get("time", ""))
    if slot is None:
        return _unclear(room, Unclear("unreadable"))
    asking = _asking(here, room, slot)
    if other:
        return _page(asking, Trouble(note=gettext("Another time is chosen. Nothing has been sent yet.")))
    if not asking.form.validate() or not asking.extras.is_valid:
        return _page(asking, status=422)
    changed = _changed(asking)
    if changed:
        return _page(asking, Trouble(changed), 409)
    sent = _send(asking)
    return _sent(sent) if isinstance(sent, Sent) else sent


@blueprint.post("/rooms/<slug>/request/price")
@public
@limited("120 per minute")
def reprice(slug: str) -> AnyResponse:
    """The form again as it was typed, with the price that counts its extras. Nothing is sent."""
    room = frame.bookable_room(house(), slug)
    slot = read_time(request.form.get("time", ""))
    return _unclear(room, Unclear("unreadable")) if slot is None else _page(_asking(house(), room, slot))


def _send(asking: Asking) -> Sent | AnyResponse:
    """What was made, or the page that says why not, with all that was typed."""
    call = _call(asking)
    people = asking.form.number_of_people()
    verdict = look(read(), now(), asking.house, asking.room, asking.slot, people, basis=asking.basis)
    if isinstance(verdict, Refused):
        known = answered(read(), call)
        return _known(known) if known else _refused(asking, verdict)
    try:
        made = write(lambda session: _make(session, asking, call))
    except Overlap:
        made = refused("taken")
    except DatabaseBusy as busy:
        return _busy(asking, busy)
    return _refused(asking, made) if isinstance(made, Refused) else made


def _make(session: Session, asking: Asking, call: Call) -> Sent | Refused:
    known = claim(session, now(), call)
    if known:
        return _known(known)
    made = make_request(session, now(), tools(), asking.house, _ask(asking))
    if isinstance(made, Refused):
        let_go(session, call)
        return made
    approve_if_trusted(session, now(), asking.house, made)
    keep(session, call, 303, {"booking": str(made.public_id)})
    return Sent(made.public_id)


def _known(stored: Stored) -> Sent:
    return Sent(UUID(stored.body["booking"]), stored.is_other)


def _sent(sent: Sent) -> AnyResponse:
    page = url_for("portal_status.page", token=link_to(sent.public_id, 0))
    if not sent.is_other:
        return redirect(f"{page}?new", 303)
    flash(gettext("This form was sent before, and this is the request it made. For another one, please start anew."))
    return redirect(page, 303)


def _call(asking: Asking) -> Call:
    said = sorted((name, values) for name, values in request.form.lists() if name != "csrf_token")
    return call_of(asking.house.organisation_id, CALLER, asking.form.form_id.data, json.dumps(said).encode())


def _ask(asking: Asking) -> Ask:
    terms, rules = (asking.texts.get(kind) for kind in ACCEPTED)
    return Ask(
        room_id=asking.room.room_id,
        slot=asking.slot,
        people=asking.form.number_of_people(),
        purpose=asking.form.purpose.data,
        contact=asking.form.contact(),
        language=language(),
        terms_id=terms.terms_id if terms else None,
        rules_id=rules.terms_id if rules else None,
        advertising=asking.form.advertising.data,
        made_from=made_from(),
        wishes=asking.extras.wishes,
    )


def _asking(here: House, room: RoomFacts, slot: Slot) -> Asking:
    texts = legal_texts(read(), here.organisation_id, now(), language(), here.language)
    accepted = {kind: texts[kind] for kind in ACCEPTED if kind in texts}
    given = request.form if request.method == "POST" else None
    form = RequestForm(given).fit(room, language(), here.country, accepted)
    return Asking(here, room, slot, form, accepted, extras_form(given or {}, here, room))


def _changed(asking: Asking) -> tuple[str, ...]:
    """What is otherwise now than on the page that was sent: nobody is bound to what was not shown (SPEC S25, X9)."""
    form, found = asking.form, []
    if not looks_like_token(form.form_id.data or ""):
        found.append(gettext("This form was not whole. Please look through it and send it once more."))
    if form.price_cents.data != _shown(asking)["price_cents"]:
        found.append(_price_changed(asking))
    if (form.terms_id.data, form.rules_id.data) != (_shown(asking)["terms_id"], _shown(asking)["rules_id"]):
        found.append(gettext("Our terms have changed meanwhile. Please read and accept the new version."))
        form.accepted.data = False
    return tuple(found)


def _price_changed(asking: Asking) -> str:
    if asking.extras.booked:
        return gettext("The price counts your extras now. Please look at it before you send the request.")
    return gettext("The price has changed meanwhile. Please look at the new one before you send the request.")


def _shown(asking: Asking) -> dict[str, str]:
    """What the page binds the customer to, as it travels with the form."""
    terms, rules = (asking.texts.get(kind) for kind in ACCEPTED)
    cost = asking.price()
    return {
        "time": time_value(asking.slot),
        "price_cents": "" if isinstance(cost, Refused) else str(cost.gross),
        "terms_id": str(terms.terms_id) if terms else "",
        "rules_id": str(rules.terms_id) if rules else "",
    }


def _page(asking: Asking, trouble: Trouble | None = None, status: int = 200) -> AnyResponse:
    here, form = asking.house, asking.form
    for name, value in _shown(asking).items():
        form[name].data = value
    if not looks_like_token(form.form_id.data or ""):
        form.form_id.data = new_token()
    deadline = frame.deadline_of(now())
    cost = asking.price()
    page = render_template(
        "portal/request.html",
        room=asking.room,
        slot=asking.slot,
        form=form,
        extras=asking.extras,
        texts=asking.texts,
        trouble=trouble or Trouble(),
        price=None if isinstance(cost, Refused) else price_words(cost, here),
        deadline=deadline,
        call=call_for(now(), here, asking.slot, deadline),
        cancelling=cancel_words(asking.room.terms.cancel_steps),
        version_link=frame.version_link,
        kind_name=frame.kind_name,
        steps=steps_before(Scene(now(), here, asking.room, asking.slot), deadline),
        time_value=time_value,
        price_of=lambda slot: _price_of(asking, slot),
    )
    return make_response(page, status)


def _refused(asking: Asking, no: Refused) -> AnyResponse:
    """Each reason at its field, the others on top, and what is free nearby where the time was the trouble."""
    by_field = messages(no)
    for name, texts in by_field.items():
        if name in asking.form and name != "time":
            asking.form[name].errors = [*asking.form[name].errors, *texts]
    others = tuple(text for name, texts in by_field.items() if name not in asking.form for text in texts)
    return _page(asking, Trouble(others, _near(asking.house, asking.room, asking.slot, no)), _status(no))


def _busy(asking: Asking, busy: DatabaseBusy) -> AnyResponse:
    text = gettext("So many people are booking right now that this did not go through. Nothing is lost: send it again.")
    answer = _page(asking, Trouble((text,)), 503)
    answer.headers["Retry-After"] = str(busy.retry_after or 1)
    return answer


def _unclear(room: RoomFacts, picked: Unclear) -> AnyResponse:
    words = {
        "none": gettext("Please choose a time first."),
        "broken": gettext(
            "The times have to follow each other. We have chosen those in between as far as they are free."
        ),
        "unreadable": gettext("This time cannot be read. Please choose it again."),
    }
    return make_response(rooms.room_page(room, rooms.Trouble((words[picked.why],), picked.starts)), 422)


def _near(here: House, room: RoomFacts, slot: Slot, no: Refused) -> tuple[Slot, ...]:
    return nearest(read(), now(), here, room, slot) if any(reason.at in OF_TIME for reason in no.reasons) else ()


def _price_of(asking: Asking, slot: Slot) -> str:
    cost = asking.price(slot)
    return "" if isinstance(cost, Refused) else money(cost.gross, asking.house)


def _all_messages(no: Refused) -> tuple[str, ...]:
    return tuple(text for texts in messages(no).values() for text in texts)


def _status(no: Refused) -> int:
    return 409 if "taken" in no.codes else 422
