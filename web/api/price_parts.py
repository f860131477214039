"""Prices, extras and groups as calls of the API say them (SPEC S25)."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from booking.reads.house import RoomFacts
from booking.values import house as values
from booking.values.refusals import NotFound, Reason, Refused
from web.api import models
from web.api.parts import key_of, public_of

EXTRA, GROUP = "extra", "customer group"


def offers(room: RoomFacts) -> list[models.ExtraOffer]:
    return [
        models.ExtraOffer(
            id=public_of(EXTRA, one.extra_id),
            name=one.name,
            cents=one.cents,
            per=one.per,
            vat_basis_points=one.rate,
            most=one.most,
        )
        for one in room.prices.offered
    ]


def wishes_of(given: Iterable[models.ExtraWish]) -> tuple[values.ExtraWish, ...] | Refused:
    """Refused(extra-gone) at `extras` for an id that never was one."""
    try:
        return tuple(values.ExtraWish(key_of(EXTRA, one.extra), one.count) for one in given)
    except NotFound:
        return Refused((Reason("extra-gone", "extras"),))


def at_extras(no: Refused) -> Refused:
    """Reasons at a form's field of one extra stand at the member `extras`."""
    return Refused(
        tuple(replace(one, at="extras") if (one.at or "").startswith("extra-") else one for one in no.reasons)
    )


def due_of(no: Refused) -> dict[str, object]:
    """`due_cents`: the price or the fee that is due now, where another one was agreed to."""
    due = [one.values["cents"] for one in no.reasons if one.code in {"price-changed", "fee-changed"}]
    return {"due_cents": due[0]} if due else {}


def lines(price: values.Price) -> list[models.PriceLine]:
    return [
        models.PriceLine(
            text=line.text,
            minutes=line.quantity_minutes,
            pieces=line.pieces,
            unit_cents=line.unit_cents,
            cents=line.gross,
            vat_basis_points=line.rate,
        )
        for line in price.lines
    ]


def booked(extras: Iterable[values.BookedExtra]) -> list[models.BookedExtra]:
    return [
        models.BookedExtra(name=one.name, count=one.count, cents=one.cents, per=one.per, vat_basis_points=one.rate)
        for one in extras
    ]


def group_of(group_id: int | None) -> UUID | None:
    return None if group_id is None else public_of(GROUP, group_id)
