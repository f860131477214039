"""Extras: which of them a customer gets, what they cost, and what a move keeps of them (SPEC S25). Gross cents.

The price of an extra is counted as often as it is wanted, for an hour by the length of the booking, for a person by the
number of its people.
"""

from collections.abc import Iterable
from datetime import timedelta

from booking.values.house import BookedExtra, Extra, ExtraWish, Per, PriceLine, PriceList
from booking.values.money import Cents, round_half_up
from booking.values.refusals import Reason, Refused
from booking.values.slot import Slot

MOST = 999  # of an extra without a maximum of its own
MINUTES_OF_HOUR = 60
MINUTE = timedelta(minutes=1)


def field_of(extra_id: int) -> str:
    """The name under which a wish is sent and refused."""
    return f"extra-{extra_id}"


def book_extras(wishes: Iterable[ExtraWish], price_list: PriceList) -> tuple[BookedExtra, ...] | Refused:
    """The extras as they are frozen, in the order of the list. A wish for none of one is no wish.

    Refused at `field_of` it: extra-gone (the list does not offer it now), too-many-extras, out-of-range (below zero).
    """
    wanted: dict[int, int] = {}
    for wish in wishes:
        wanted[wish.extra_id] = wanted.get(wish.extra_id, 0) + wish.count
    wanted = {extra_id: count for extra_id, count in wanted.items() if count}
    offered = {extra.extra_id: extra for extra in price_list.offered}
    reasons = tuple(
        reason for extra_id, count in wanted.items() for reason in _against(extra_id, count, offered.get(extra_id))
    )
    if reasons:
        return Refused(reasons)
    return tuple(_booked(extra, price_list, wanted[one]) for one, extra in offered.items() if one in wanted)


def keep_extras(booked: Iterable[BookedExtra], price_list: PriceList) -> tuple[BookedExtra, ...]:
    """What a booking keeps when it is priced anew: as the list has the extra now, whether it still offers it or not.

    One that the list does not know (it was removed, or the other room has another list) stays as it was frozen.
    """
    known = {extra.extra_id: extra for extra in price_list.extras}
    return tuple(
        _booked(known[one.extra_id], price_list, one.count) if one.extra_id in known else one for one in booked
    )


def extra_lines(booked: Iterable[BookedExtra], slot: Slot, people: int) -> tuple[PriceLine, ...]:
    """One line of a price for each extra."""
    return tuple(_line(one, slot, people) for one in booked)


def _against(extra_id: int, count: int, extra: Extra | None) -> Iterable[Reason]:
    if extra is None:
        yield Reason("extra-gone", field_of(extra_id))
    elif count < 0:
        yield Reason("out-of-range", field_of(extra_id), {"least": 0, "most": extra.most or MOST})
    elif count > (extra.most or MOST):
        yield Reason("too-many-extras", field_of(extra_id), {"most": extra.most or MOST})


def _booked(extra: Extra, price_list: PriceList, count: int) -> BookedExtra:
    exemption = None if extra.rate else price_list.exemption
    return BookedExtra(extra.extra_id, extra.name, extra.cents, extra.per, extra.rate, count, exemption)


def _line(one: BookedExtra, slot: Slot, people: int) -> PriceLine:
    if one.per is Per.HOUR:
        minutes = one.count * (slot.duration // MINUTE)
        gross = Cents(round_half_up(one.cents * minutes, MINUTES_OF_HOUR))
        return PriceLine(one.name, minutes, one.cents, gross, one.rate)
    pieces = one.count * (people if one.per is Per.PERSON else 1)
    return PriceLine(one.name, 0, one.cents, Cents(one.cents * pieces), one.rate, pieces)
