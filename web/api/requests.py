"""Requests: make, list, decide, undo (SPEC S4 to S11, X3)."""

from dataclasses import dataclass

from flask import Response, url_for
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import requests as actions
from booking.actions.group_prices import give_group_price
from booking.actions.occupy import slots_of
from booking.actions.requests import Ask, basis_of, look, make_request
from booking.actions.reviews import approve_if_trusted, decide_request, undo_decision
from booking.actions.seen_prices import request_changed
from booking.reads.customers import customer_by
from booking.reads.house import House, RoomFacts
from booking.reads.requests import RequestFacts, request_by, requests_page
from booking.reads.status import legal_texts
from booking.rules.permissions import Capability
from booking.tables.houses import TermsKind
from booking.values.findings import Contact
from booking.values.house import PriceBasis
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot
from booking.values.states import BookingState, Source, Verdict
from web.access import token
from web.api import models
from web.api.frame import answer, effect, refusal, replayed, responses, slot_of
from web.api.part import ApiPart
from web.api.price_parts import at_extras, booked, due_of, group_of, lines, wishes_of
from web.api.taken_times import Question, Refusals
from web.free_times import nearest, starts_near, taken_near
from web.i18n import language
from web.request import actor, end_read, house, now, organisation_id, read, tools
from web.turns import Turns

ACCEPTED = frozenset({TermsKind.TERMS, TermsKind.HOUSE_RULES})
REFUSALS, TURNS = Refusals(), Turns()

requests = ApiPart("api_requests", __name__)


@dataclass(frozen=True, slots=True)
class Asks:
    """Who asks, and what is known of them."""

    contact: Contact
    customer_id: int | None = None
    group_id: int | None = None


@requests.post(
    "/requests", summary="Request a time: it is blocked at once", responses=responses(models.Made, 201, 404, 409)
)
@token(Capability.BOOKINGS)
def make(body: models.AskBody) -> Response:
    """A time that is taken is refused by 409 with the nearest free ones, without waiting for anybody's write."""
    here = house()
    room = here.room_by(public_id=body.room)
    slot = slot_of(body.start, body.end)
    if isinstance(slot, Refused):
        return refusal(slot)
    ask = _ask(here, room, slot, body)
    if isinstance(ask, Refused):
        return replayed() or refusal(ask)
    basis = basis_of(ask, room)
    if isinstance(basis, Refused):
        return replayed() or refusal(at_extras(basis))
    no = _not_free(here, room, slot, basis)
    if no is not None:
        return replayed() or no

    def work(session: Session, inside: House) -> BaseModel | Refused:
        other = request_changed(inside, ask, body.price_cents)
        made = other or make_request(session, now(), tools(), inside, ask, actor())
        return made if isinstance(made, Refused) else _made(session, inside, room, made)

    def refuse(no: Refused) -> Response:
        """Who was too late by the time of the lock is told as all others."""
        told = _not_free_by_now(room, slot, basis) if "taken" in no.codes else None
        return told or _refuse(no, house(), room, slot)

    with TURNS.held((here.public_id, room.room_id, slot)) as waited:
        no = _not_free_by_now(room, slot, basis) if waited else None
        found = (replayed() or no) if no else effect(work, 201, refuse=refuse)
    if found.status_code == 201 and found.json:
        found.headers["Location"] = url_for("api_requests.show", request_id=found.json["id"])
    return found


@requests.get("/requests", summary="List requests, newest first", responses=responses(models.Requests, 200, 404))
@token(Capability.BOOKINGS)
def page(query: models.RequestsQuery) -> Response:
    """One more than asked for is read, to know whether a page follows."""
    here = house()
    room_id = here.room_by(public_id=query.room).room_id if query.room else None
    found = requests_page(
        read(),
        here.organisation_id,
        state=query.state,
        room_id=room_id,
        before=query.cursor,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    follows = shown[-1].public_id if len(found) > query.limit else None
    return answer(models.Requests(requests=[_request(here, one) for one in shown], next=follows))


@requests.get(
    "/requests/<uuid:request_id>",
    summary="One request and what became of it",
    responses=responses(models.Request, 200, 404),
)
@token(Capability.BOOKINGS)
def show(path: models.RequestPath) -> Response:
    return answer(_request(house(), request_by(read(), organisation_id(), path.request_id)))


@requests.post(
    "/requests/<uuid:request_id>/approve",
    summary="Approve; rests for the grace time",
    responses=responses(models.Decided, 200, 404, 409),
)
@token(Capability.REVIEW)
def approve(path: models.RequestPath) -> Response:
    return _decide(path, Verdict.APPROVE, "")


@requests.post(
    "/requests/<uuid:request_id>/reject",
    summary="Reject with a reason; rests for the grace time",
    responses=responses(models.Decided, 200, 404, 409),
)
@token(Capability.REVIEW)
def reject(path: models.RequestPath, body: models.RejectBody) -> Response:
    return _decide(path, Verdict.REJECT, body.reason)


@requests.post(
    "/requests/<uuid:request_id>/group-price",
    summary="Give the lower price of the customer's group",
    responses=responses(models.GroupPriceGiven, 200, 404, 409),
)
@token(Capability.REVIEW)
def group_price(path: models.RequestPath) -> Response:
    found = request_by(read(), organisation_id(), path.request_id)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        given = give_group_price(session, now(), inside, found.booking_id, actor())
        if isinstance(given, Refused):
            return given
        return models.GroupPriceGiven(id=found.public_id, price_cents=given.gross, price_lines=lines(given))

    return effect(work)


@requests.post(
    "/requests/<uuid:request_id>/undo",
    summary="Take a resting decision back",
    responses=responses(models.Undone, 200, 404, 409),
)
@token(Capability.REVIEW)
def undo(path: models.RequestPath) -> Response:
    found = request_by(read(), organisation_id(), path.request_id)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = undo_decision(session, now(), inside, found.booking_id, actor())
        return no or models.Undone(id=found.public_id, state=BookingState.REQUESTED)

    return effect(work)


def _decide(path: models.RequestPath, verdict: Verdict, reason: str) -> Response:
    found = request_by(read(), organisation_id(), path.request_id)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = decide_request(session, now(), inside, found.booking_id, verdict, actor(), reason=reason)
        if isinstance(made, Refused):
            return made
        return models.Decided(id=found.public_id, verdict=made.verdict, final_at=made.final_at, is_final=made.is_final)

    return effect(work)


def _not_free(here: House, room: RoomFacts, slot: Slot, basis: PriceBasis) -> Response | None:
    """Why this time is refused before anybody waits for a write, or None."""
    found = taken_near(read(), room, slot)
    question = Question(room.room_id, slot, basis, found, language())
    known = REFUSALS.find(here, now(), question)
    if known is not None:
        return known
    others = slots_of(found)
    verdict = look(read(), now(), here, room, slot, basis.people, others=others, basis=basis)
    if not isinstance(verdict, Refused):
        return None
    answer = _refuse(verdict, here, room, slot, others)
    if "taken" not in verdict.codes:
        return answer
    return REFUSALS.keep(here, now(), question, answer, starts_near(here, room, slot).in_order)


def _not_free_by_now(room: RoomFacts, slot: Slot, basis: PriceBasis) -> Response | None:
    """The same after a while, as everything stands then."""
    end_read()
    here = house()
    return _not_free(here, here.room(room.room_id), slot, basis)


def _refuse(no: Refused, here: House, room: RoomFacts, slot: Slot, others: tuple[Slot, ...] | None = None) -> Response:
    if "taken" not in no.codes:
        return refusal(at_extras(no), **due_of(no))
    near = [
        models.Times(start=one.start, end=one.end).model_dump(mode="json")
        for one in nearest(read(), now(), here, room, slot, others=others)
    ]
    return refusal(no, nearest=near)


def _ask(here: House, room: RoomFacts, slot: Slot, body: models.AskBody) -> Ask | Refused:
    """The integrator's own address says nothing about the customer's, so the limit by address does not apply.

    Refused: no-terms, where accepted terms cannot be named since none are published (SPEC S4); missing and one-of-them
    at `contact`; extra-gone.
    """
    asks = _who(here, body)
    if isinstance(asks, Refused):
        return asks
    wishes = wishes_of(body.extras)
    if isinstance(wishes, Refused):
        return wishes
    accepted = _terms(here, body.language) if body.terms_accepted else {}
    if body.terms_accepted and not accepted:
        return Refused((Reason("no-terms", "terms_accepted"),))
    return Ask(
        room_id=room.room_id,
        slot=slot,
        people=body.people,
        purpose=body.purpose,
        contact=asks.contact,
        language=body.language,
        source=Source.API,
        terms_id=accepted.get(TermsKind.TERMS),
        rules_id=accepted.get(TermsKind.HOUSE_RULES),
        advertising=body.advertising,
        wishes=wishes,
        group_id=asks.group_id,
        customer_id=asks.customer_id,
    )


def _who(here: House, body: models.AskBody) -> Asks | Refused:
    """A known customer with the prices of their group, or a contact. Refused: missing, one-of-them."""
    if body.customer is not None and body.contact is None:
        known = customer_by(read(), here.organisation_id, body.customer)
        return Asks(known.contact, known.customer_id, known.group_id)
    if body.contact is None or body.customer is not None:
        return Refused((Reason("missing" if body.contact is None else "one-of-them", "contact"),))
    return Asks(Contact(**body.contact.model_dump()))


def _terms(here: House, language: str) -> dict[TermsKind, int]:
    """The ids of the versions that the portal would show: in the customer's language, else in the house's."""
    texts = legal_texts(read(), here.organisation_id, now(), language, here.language)
    return {kind: text.terms_id for kind, text in texts.items() if kind in ACCEPTED}


def _made(session: Session, here: House, room: RoomFacts, made: actions.Made) -> models.Made:
    decided = approve_if_trusted(session, now(), here, made)
    is_confirmed = decided is not None and not isinstance(decided, Refused) and decided.is_final
    return models.Made(
        id=made.public_id,
        code=made.code,
        state=BookingState.CONFIRMED if is_confirmed else BookingState.REQUESTED,
        room=room.public_id,
        start=made.slot.start,
        end=made.slot.end,
        review_at=made.review_at,
        short_notice=made.short_notice,
        price_cents=made.price.gross,
        currency=here.currency,
        price_lines=lines(made.price),
        extras=booked(made.extras),
        findings=[models.Finding(code=one.code, weight=one.weight, values=one.values) for one in made.findings],
    )


def _request(here: House, found: RequestFacts) -> models.Request:
    resting = found.decision
    contact = found.contact
    return models.Request(
        id=found.public_id,
        code=found.code,
        state=found.state,
        room=here.room(found.room_id).public_id,
        start=found.slot.start,
        end=found.slot.end,
        review_at=found.review_at,
        short_notice=found.short_notice,
        price_cents=found.price_cents,
        currency=here.currency,
        price_lines=lines(found.price),
        extras=booked(found.extras),
        findings=[models.Finding(**one) for one in found.findings],
        source=found.source,
        people=found.people,
        purpose=found.purpose,
        language=found.language,
        contact=models.Contact.model_construct(
            name=contact.name,
            company=contact.company,
            email=contact.email,
            phone=contact.phone,
            street=contact.street,
            postcode=contact.postcode,
            city=contact.city,
            country=contact.country,
        ),
        customer=found.customer_id,
        group=group_of(found.group_id),
        made_at=found.made_at,
        overdue=found.state is BookingState.REQUESTED and found.review_at < now(),
        end_reason=found.end_reason,
        decision=models.Decision(
            verdict=resting.verdict, reason=resting.reason, decided_at=resting.decided_at, final_at=resting.final_at
        )
        if resting
        else None,
    )
