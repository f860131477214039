"""The status of one rental behind its secret link: what happens next, what its customer can do (SPEC S6, S15, S26)."""

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.verifying import verify_address
from booking.reads.agenda import Whose, items_of
from booking.reads.house import House
from booking.reads.status import Other, StatusFacts
from booking.rules.moving import Actor, may_cancel
from booking.values.clock import DAY, local_day
from booking.values.codes import spoken
from booking.values.states import OCCUPYING, BookingState, SubjectKind
from ical.mail_part import publish
from web.access import public
from web.i18n import gettext, language, translator
from web.limits import limited
from web.portal.calling import call_for
from web.portal.frame import secret
from web.portal.links import Opened, link_to, open_link
from web.portal.timeline import Scene, steps_of
from web.price_words import money, price_words
from web.reasons import message
from web.request import house, now, read, write

blueprint = Blueprint("portal_status", __name__)
CALENDAR = "text/calendar; charset=utf-8; method=PUBLISH; component=VEVENT"


@blueprint.get("/b/<token>")
@public
def page(token: str) -> Response:
    """Looking changes nothing: mail programs open links by themselves."""
    opened = open_link(token)
    facts, here = opened.facts, house()
    scene = Scene(now(), here, here.room(facts.room_id), facts.slot)
    waits = facts.state is BookingState.REQUESTED
    shown = render_template(
        "portal/status.html",
        opened=opened,
        facts=facts,
        room=scene.room,
        steps=steps_of(scene, facts),
        today=translator().day(local_day(now(), scene.room.zone)),
        price=price_words(facts.price, here),
        pairs=_pairs(facts),
        stands=facts.state in OCCUPYING,
        call=call_for(now(), here, facts.slot, facts.review_at) if waits else None,
        is_new="new" in request.args,
        may_change=may_cancel(Actor.CUSTOMER, facts.state, now(), facts.slot) is None,
        other=lambda one: url_for("portal_status.page", token=_beside(opened, one)),
        payment=_payment(here, facts),
    )
    return secret(shown)


@blueprint.post("/b/<token>/verify")
@public
@limited("30 per minute")
def verify(token: str) -> AnyResponse:
    """Only from the link of the mail, which is what proves the address."""
    opened = open_link(token)
    if not opened.by_mail:
        abort(404)
    here = house()
    no = write(lambda session: verify_address(session, now(), here, opened.facts.booking_id))
    if no:
        flash(message(no.reasons[0]), "stop")
    else:
        flash(gettext("Thank you, your address is confirmed. Now we review your request."), "ok")
    return redirect(url_for("portal_status.page", token=token), 303)


@blueprint.get("/b/<token>/termin.ics")
@public
def calendar_file(token: str) -> Response:
    """The rental as it stands, to put into one's own calendar by hand."""
    facts = open_link(token).facts
    whose = Whose(facts.organisation_id, SubjectKind.BOOKING, facts.booking_id)
    found = items_of(read(), whose, facts.slot.start - DAY)
    if not found:
        abort(404)
    answer = secret(Response(publish(found[0], language(), house().host_id), content_type=CALENDAR))
    answer.headers["Content-Disposition"] = 'attachment; filename="termin.ics"'
    return answer


def _pairs(facts: StatusFacts) -> list[tuple[str, str]]:
    pairs = [
        (gettext("Booked by"), facts.name),
        (gettext("For"), facts.purpose),
        (gettext("People"), str(facts.people)),
    ]
    return [(name, value) for name, value in pairs if value]


def _payment(here: House, facts: StatusFacts) -> list[tuple[str, str]]:
    """How to pay what is open; nothing where nothing is."""
    bill, letterhead = facts.bill, here.letterhead
    if bill is None or bill.paid or bill.total_cents <= 0 or facts.state is not BookingState.CONFIRMED:
        return []
    return [
        (gettext("To pay"), money(bill.total_cents, here)),
        (gettext("Pay by"), translator().day(bill.due_on)),
        (gettext("Payee"), letterhead.payee),
        ("IBAN", " ".join(letterhead.iban[place : place + 4] for place in range(0, len(letterhead.iban), 4))),
        (gettext("Reference"), spoken(bill.reference)),
    ]


def _beside(opened: Opened, other: Other) -> str:
    return link_to(other.public_id, other.link_generation, by_mail=opened.by_mail)
