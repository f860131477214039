"""Bookings: cancel and move, as the office (SPEC S22, S27, X3)."""

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions.endings import cancel_rental
from booking.actions.shifting import Moved, move_rental
from booking.reads.house import House
from booking.reads.requests import request_by
from booking.rules.moving import Actor as Who
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web.access import token
from web.api import models
from web.api.frame import effect, refusal, responses, slot_of
from web.api.part import ApiPart
from web.api.price_parts import due_of
from web.free_times import nearest
from web.request import actor, house, now, organisation_id, read, tools

bookings = ApiPart("api_bookings", __name__)


@bookings.post(
    "/bookings/<uuid:booking_id>/cancel",
    summary="Cancel by the room's steps",
    responses=responses(models.Cancelled, 200, 404, 409),
)
@token(Capability.BOOKINGS)
def cancel(path: models.BookingPath, body: models.CancelBody) -> Response:
    found = request_by(read(), organisation_id(), path.booking_id)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        cost = cancel_rental(
            session,
            now(),
            inside,
            found.booking_id,
            Who.OFFICE,
            actor(),
            reason=body.reason,
            waive_fee=body.waive_fee,
            seen_fee=body.fee_cents,
        )
        if isinstance(cost, Refused):
            return cost
        return models.Cancelled(id=found.public_id, fee_cents=cost.fee_cents, free_until=cost.until)

    return effect(work, refuse=lambda no: refusal(no, **due_of(no)))


@bookings.post(
    "/bookings/<uuid:booking_id>/move",
    summary="Move to another time, or to another room",
    responses=responses(models.Moved, 200, 404, 409),
)
@token(Capability.BOOKINGS)
def move(path: models.BookingPath, body: models.MoveBody) -> Response:
    found = request_by(read(), organisation_id(), path.booking_id)
    to = slot_of(body.start, body.end)
    if isinstance(to, Refused):
        return refusal(to)
    room = house().room_by(public_id=body.room) if body.room else house().room(found.room_id)
    other = room.room_id if room.room_id != found.room_id else None

    def work(session: Session, inside: House) -> BaseModel | Refused:
        moved = move_rental(session, now(), tools(), inside, found.booking_id, to, Who.OFFICE, actor(), room_id=other)
        if isinstance(moved, Refused):
            return moved
        # Moved in place, it keeps its id; a request that will move it has its own.
        public_id = found.public_id if isinstance(moved, Moved) else moved.public_id
        return models.Moved(id=public_id, start=moved.slot.start, end=moved.slot.end, price_cents=moved.price.gross)

    def refuse(no: Refused) -> Response:
        if "taken" not in no.codes:
            return refusal(no)
        here = house()
        near = nearest(read(), now(), here, room, to)
        times = [models.Times(start=one.start, end=one.end).model_dump(mode="json") for one in near]
        return refusal(no, nearest=times)

    return effect(work, refuse=refuse)
