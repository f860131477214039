"""From a message row to the letter that it stands for: gathered at the first attempt, the door code above all.

`customer_letter` answers None where the mail must not go out: its booking is no longer what the mail says (S22).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from booking.actions.messages import MailKind
from booking.actions.payments import is_paid
from booking.actions.rentals import Rental, load_rental
from booking.actions.requests import STATUS_LINK
from booking.actions.tools import Tools
from booking.reads.code_texts import codes_for_mail
from booking.reads.house import House
from booking.rules.doorcodes import Sending, sending, sent_from
from booking.rules.working_days import Who, who_answers
from booking.tables.outgoing import Invoice, Message
from booking.values.house import Price
from booking.values.money import Cents
from booking.values.price_json import price_from_json
from booking.values.slot import Slot
from booking.values.states import BookingState, CodeState
from booking.values.tokens import link_token
from papers import letters as p


@dataclass(frozen=True, slots=True)
class Desk:
    """What writing a letter needs besides the message."""

    session: Session
    now: datetime
    tools: Tools
    house: House
    base_url: str


def customer_letter(desk: Desk, message: Message) -> p.Letter | None:
    """The letter of a message to a customer as things stand now, or None where it must not go out."""
    kind = MailKind(message.kind)
    rental = load_rental(desk.session, desk.house.organisation_id, message.booking_id or 0)
    if rental.booking.state not in STILL_TRUE[kind]:
        return None
    return CUSTOMER_LETTERS[kind](desk, message, rental)


def status_url(desk: Desk, public_id: UUID, generation: int) -> str:
    return f"{desk.base_url}/b/{link_token(desk.tools.link_key, STATUS_LINK, public_id, generation)}"


def sender(desk: Desk) -> p.House:
    house, letterhead = desk.house, desk.house.letterhead
    office, at_desk = house.office.office_phone, house.office.desk_phone
    return p.House(
        name=house.name,
        address=(letterhead.legal_name, letterhead.street, f"{letterhead.postcode} {letterhead.city}"),
        office=p.Phone(office, house.office.hours) if office else None,
        desk=p.Phone(at_desk, house.office.desk_hours) if at_desk else None,
        website=desk.base_url,
        colour=house.brand,
    )


def appointment(desk: Desk, rental: Rental) -> p.Appointment:
    room = desk.house.room(rental.event.room_id)
    return p.Appointment(
        code=rental.booking.code,
        room=room.name,
        location=room.location,
        slot=rental.slot,
        zone=room.zone.key,
        status_url=status_url(desk, rental.booking.public_id, rental.booking.link_generation),
    )


def access(desk: Desk, rental: Rental) -> p.Access:
    """The door codes as this mail may carry them at this moment (SPEC S11, S18, S22). Read here and nowhere before."""
    held = codes_for_mail(desk.session, desk.tools.vault, rental.booking.id)
    if not held:
        return p.NoCodes.NOT_NEEDED
    verdicts = {code: _sending(desk, rental, code.state, code.window) for code in held}
    sendable = tuple(code for code in held if verdicts[code] is Sending.NOW)
    if sendable:
        return p.Codes(tuple(p.DoorCode(code.door, code.text, code.window) for code in sendable))
    if Sending.LATER not in verdicts.values():
        return p.NoCodes.PAST
    if desk.house.code_hours_before is not None and is_paid_or_free(desk, rental):
        return p.CodesBefore(desk.house.code_hours_before)
    return p.NoCodes.AFTER_PAYMENT


def is_paid_or_free(desk: Desk, rental: Rental) -> bool:
    """Whether payment does not stand between the customer and the code (SPEC S22)."""
    return not desk.house.code_after_payment or is_paid(desk.session, rental.booking)


def _sending(desk: Desk, rental: Rental, state: CodeState, window: Slot) -> Sending:
    return sending(
        rental.booking.state,
        state,
        desk.now,
        window,
        needs_payment=desk.house.code_after_payment,
        is_paid=is_paid_or_free(desk, rental),
        not_before=sent_from(rental.slot, desk.house.code_hours_before),
    )


def _customer(desk: Desk, message: Message, rental: Rental) -> dict[str, Any]:
    return {
        "house": sender(desk),
        "language": message.language,
        "customer": rental.customer.name,
        "appointment": appointment(desk, rental),
    }


def _price(rental: Rental) -> Price:
    return price_from_json(rental.booking.price)


def _acknowledgement(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    return p.Acknowledgement(
        **_customer(desk, message, rental),
        review_by=rental.booking.review_at,
        price=_price(rental),
        currency=desk.house.currency,
        short_notice=rental.booking.short_notice,
        call=_call(desk),
        before=time_before(message),
        move_fee=rental.booking.move_fee_cents,
    )


def time_before(message: Message) -> Slot | None:
    """The time that the booking had before the move that this mail tells."""
    before = message.facts.get("before")
    if before is None:
        return None
    return Slot(datetime.fromisoformat(before["starts_at"]), datetime.fromisoformat(before["ends_at"]))


def _call(desk: Desk) -> p.Phone | None:
    """Who can be reached now, or next (SPEC S14, S15)."""
    house = sender(desk)
    answers = who_answers(desk.now, desk.house.office, desk.house.closings, desk.house.public_holidays)
    return house.office if answers.who is Who.OFFICE else house.desk or house.office


def _mail_check(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    shared = _customer(desk, message, rental)
    held_until = rental.booking.verify_by or rental.booking.review_at
    return p.AddressCheck(**shared, confirm_url=shared["appointment"].status_url, held_until=held_until)


def _confirmation(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    invoice = desk.session.get(Invoice, message.facts.get("invoice_id", 0))
    letterhead = desk.house.letterhead
    payment = None
    if invoice is not None and invoice.total_cents > 0 and not is_paid(desk.session, rental.booking):
        payment = p.Payment(
            amount=invoice.total_cents,
            currency=desk.house.currency,
            payee=letterhead.payee,
            iban=letterhead.iban,
            due=invoice.due_on,
            reference=str(invoice.data["reference"]),
            bic=letterhead.bic or "",
        )
    return p.Confirmation(
        **_customer(desk, message, rental),
        access=access(desk, rental),
        price=_price(rental),
        currency=desk.house.currency,
        payment=payment,
        invoice_number=invoice.number if invoice else None,
        by_phone=any(code.told_by_phone for code in codes_for_mail(desk.session, desk.tools.vault, rental.booking.id)),
        replaced=bool(message.facts.get("replaced")),
        invoice_differs=bool(message.facts.get("invoice_differs")),
        invoice_follows=bool(message.facts.get("invoice_follows")),
        move_fee=rental.booking.move_fee_cents,
    )


def _codes_arrive(desk: Desk, message: Message, rental: Rental) -> p.Letter | None:
    open_now = access(desk, rental)
    return p.CodesArrive(**_customer(desk, message, rental), access=open_now) if isinstance(open_now, p.Codes) else None


def _codes_replaced(desk: Desk, message: Message, rental: Rental) -> p.Letter | None:
    """Also where the new code has to wait: who was told the old one by telephone would stand before a locked door."""
    open_now = access(desk, rental)
    if open_now in {p.NoCodes.PAST, p.NoCodes.NOT_NEEDED}:
        return None
    return p.CodesReplaced(**_customer(desk, message, rental), access=open_now, call=_call(desk))


def _rejection(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    room = desk.house.room(rental.event.room_id)
    reason = str(message.facts.get("reason", ""))
    return p.Rejection(**_customer(desk, message, rental), reason=reason, room_url=f"{desk.base_url}/rooms/{room.slug}")


def _cancellation(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    """What a customer typed is repeated only once the booking was confirmed: before, anybody may have typed it (S4)."""
    by_customer = bool(message.facts.get("by_customer"))
    is_known = not by_customer or rental.booking.confirmed_at is not None
    return p.Cancellation(
        **_customer(desk, message, rental),
        by_customer=by_customer,
        currency=desk.house.currency,
        reason=str(message.facts.get("reason", "")) if is_known else "",
        fee=Cents(int(message.facts.get("fee_cents", 0))),
    )


def _moved(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    before = time_before(message)
    if before is None:
        raise KeyError("before")
    return p.Moved(
        **_customer(desk, message, rental),
        before=before,
        access=access(desk, rental),
        price=_price(rental),
        currency=desk.house.currency,
    )


def _expired(desk: Desk, message: Message, rental: Rental) -> p.Letter:
    room = desk.house.room(rental.event.room_id)
    replaces_id = rental.booking.replaces_id
    stays = load_rental(desk.session, desk.house.organisation_id, replaces_id).slot if replaces_id else None
    return p.Expired(**_customer(desk, message, rental), room_url=f"{desk.base_url}/rooms/{room.slug}", stays=stays)


CUSTOMER_LETTERS: dict[MailKind, Callable[[Desk, Message, Rental], p.Letter | None]] = {
    MailKind.ACKNOWLEDGEMENT: _acknowledgement,
    MailKind.MAIL_CHECK: _mail_check,
    MailKind.CONFIRMATION: _confirmation,
    MailKind.CODE_LATER: _codes_arrive,
    MailKind.CODE_REPLACED: _codes_replaced,
    MailKind.REJECTION: _rejection,
    MailKind.CANCELLATION: _cancellation,
    MailKind.MOVED: _moved,
    MailKind.EXPIRED: _expired,
}

STILL_TRUE: dict[MailKind, frozenset[BookingState]] = {
    MailKind.ACKNOWLEDGEMENT: frozenset(BookingState),  # a receipt: true whatever came of the request
    MailKind.MAIL_CHECK: frozenset({BookingState.REQUESTED}),
    MailKind.CONFIRMATION: frozenset({BookingState.CONFIRMED}),
    MailKind.CODE_LATER: frozenset({BookingState.CONFIRMED}),
    MailKind.CODE_REPLACED: frozenset({BookingState.CONFIRMED}),
    MailKind.REJECTION: frozenset({BookingState.REJECTED}),
    MailKind.CANCELLATION: frozenset({BookingState.CANCELLED}),
    MailKind.MOVED: frozenset({BookingState.CONFIRMED}),
    MailKind.EXPIRED: frozenset({BookingState.EXPIRED}),
}
