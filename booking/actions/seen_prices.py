"""Nobody is bound to another price than the one that was shown: checked within the action that makes it so (S25)."""

from booking.actions.requests import Ask, basis_of, price_of
from booking.reads.house import House, RoomFacts
from booking.values.house import PriceBasis
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot


def price_changed(house: House, room: RoomFacts, slot: Slot, basis: PriceBasis, seen: int | None) -> Refused | None:
    """Whether the time costs another sum than the `seen` cents, None where nothing was shown.

    Refused: price-changed, with the price that is due now. What has no price at all is refused elsewhere.
    """
    if seen is None:
        return None
    cost = price_of(house, room, slot, basis)
    if isinstance(cost, Refused) or seen == cost.gross:
        return None
    return Refused((Reason("price-changed", None, {"cents": cost.gross}),))


def request_changed(house: House, ask: Ask, seen: int | None) -> Refused | None:
    """As `price_changed` for a wish with its extras. Refused, besides: what `book_extras` refuses."""
    room = house.room(ask.room_id)
    basis = basis_of(ask, room)
    return basis if isinstance(basis, Refused) else price_changed(house, room, ask.slot, basis, seen)
