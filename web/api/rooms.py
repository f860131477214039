"""Rooms and their free times (SPEC S5, X3)."""

from datetime import timedelta

from flask import Response

from booking.actions.requests import price_of
from booking.reads.customers import customer_by
from booking.reads.house import RoomFacts
from booking.rules.extras import book_extras
from booking.rules.permissions import Capability
from booking.values.house import PriceBasis
from booking.values.refusals import NotFound, Reason, Refused
from web.access import token
from web.api.frame import answer, refusal, responses, slot_of
from web.api.models import FreeQuery, FreeTime, FreeTimes, PriceAnswer, PriceAsk, Room, RoomPath, Rooms
from web.api.part import ApiPart
from web.api.price_parts import at_extras, group_of, lines, offers, wishes_of
from web.free_times import free_times
from web.request import house, now, read

LONGEST_WINDOW = timedelta(days=31)
MINUTE = timedelta(minutes=1)

rooms = ApiPart("api_rooms", __name__)


@rooms.get("/rooms", summary="List the rooms", responses=responses(Rooms))
@token(Capability.BOOKINGS)
def list_rooms() -> Response:
    found = [_room(room) for room in house().rooms.values() if not room.archived]
    return answer(Rooms(rooms=found))


@rooms.get("/rooms/<uuid:room_id>/free", summary="Free times of a room", responses=responses(FreeTimes, 200, 404))
@token(Capability.BOOKINGS)
def list_free(path: RoomPath, query: FreeQuery) -> Response:
    """Every time that can be requested now. What somebody just requested is gone with the same transaction."""
    here = house()
    room = here.room_by(public_id=path.room_id)
    if room.archived:
        raise NotFound("room", path.room_id)
    window = slot_of(query.start, query.end)
    if isinstance(window, Refused):
        return refusal(window)
    if window.duration > LONGEST_WINDOW:
        return refusal(Refused((Reason("window-too-long", "to", {"days": LONGEST_WINDOW.days}),)))
    length = query.minutes * MINUTE if query.minutes else None
    offers = free_times(read(), now(), here, room, window, length)
    free = [
        FreeTime(start=one.slot.start, end=one.slot.end, price_cents=one.price.gross if one.price else None)
        for one in offers
    ]
    return answer(FreeTimes(room=room.public_id, currency=here.currency, free=free))


@rooms.post(
    "/rooms/<uuid:room_id>/price",
    summary="What a time would cost, with extras; changes nothing",
    responses=responses(PriceAnswer, 200, 404),
)
@token(Capability.BOOKINGS)
def show_price(path: RoomPath, body: PriceAsk) -> Response:
    """Whether the time is free plays no part here."""
    here = house()
    room = here.room_by(public_id=path.room_id)
    group_id = customer_by(read(), here.organisation_id, body.customer).group_id if body.customer else None
    slot, wishes = slot_of(body.start, body.end), wishes_of(body.extras)
    if isinstance(slot, Refused):
        return refusal(slot)
    if slot.duration > room.terms.longest:
        return refusal(Refused((Reason("too-long", "end", {"minutes": room.terms.longest // MINUTE}),)))
    extras = wishes if isinstance(wishes, Refused) else book_extras(wishes, room.prices)
    basis = extras if isinstance(extras, Refused) else PriceBasis(group_id, extras, body.people)
    cost = basis if isinstance(basis, Refused) else price_of(here, room, slot, basis)
    if isinstance(cost, Refused):
        return refusal(at_extras(cost))
    return answer(
        PriceAnswer(
            price_cents=cost.gross,
            currency=here.currency,
            price_lines=lines(cost),
            exemption=cost.exemption,
            group=group_of(group_id),
        )
    )


def _room(room: RoomFacts) -> Room:
    terms = room.terms
    return Room(
        id=room.public_id,
        name=room.name,
        description=room.description,
        branch=room.branch,
        location=room.location,
        zone=room.zone.key,
        slot_minutes=terms.slot // MINUTE,
        grid_minutes=terms.grid // MINUTE,
        shortest_minutes=terms.shortest // MINUTE,
        longest_minutes=terms.longest // MINUTE,
        most_people=terms.most_people,
        bookable_until=now() + terms.horizon,
        extras=offers(room),
    )
