"""A request that nobody confirmed yet has another time: it is reviewed as it then stands, and all are told (SPEC S27).

What a new request gets is renewed: price, findings, deadline, short notice (SPEC S8, S15, S25). The mail check keeps
its end, so that moving holds no time for longer (S26).
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions import messages
from booking.actions.messages import Mail, MailKind
from booking.actions.rentals import Rental, contact_of, writes_to_customer
from booking.actions.requests import judge
from booking.reads.house import House
from booking.reads.records import Reviewed, contact_ids
from booking.rules.working_days import review_deadline, short_notice
from booking.tables.outgoing import Message
from booking.values.findings import Finding, Record, Wish
from booking.values.house import Price
from booking.values.price_json import price_to_json
from booking.values.slot import Slot
from booking.values.states import MessageState

ARRIVAL = (MailKind.ACKNOWLEDGEMENT, MailKind.MAIL_CHECK, MailKind.NOTICE_OFFICE, MailKind.NOTICE_DESK)


def renew_request(
    session: Session,
    now: datetime,
    house: House,
    rental: Rental,
    before: Slot,
    cost: Price,
    *,
    tell_office: bool = True,
) -> None:
    """Judge the request at its new time and post the mails. The caller has written the time and holds its units.

    `tell_office` False: the office did it itself, and hears of it only where it never heard of the request.
    """
    booking = rental.booking
    booking.price, booking.price_cents = price_to_json(cost), cost.gross
    renew_findings(session, now, house, rental)
    booking.review_at = review_deadline(now, house.office, house.closings, house.public_holidays)
    booking.short_notice = short_notice(rental.slot, booking.review_at)
    _tell(session, now, house, rental, before, tell_office=tell_office)


def renew_findings(session: Session, now: datetime, house: House, rental: Rental) -> None:
    """Keep the findings as they are now."""
    found, _ = judge_again(session, now, house, rental)
    rental.booking.findings = [asdict(finding) for finding in found]


def judge_again(session: Session, now: datetime, house: House, rental: Rental) -> tuple[tuple[Finding, ...], Record]:
    """The findings of a request that stands, as they are now."""
    booking, room = rental.booking, house.room(rental.event.room_id)
    wish = Wish(contact_of(rental.customer), rental.slot, booking.purpose, booking.people, booking.made_at)
    contact = contact_ids(session, house.organisation_id, rental.customer.email)
    is_proven = booking.verified_at is not None
    reviewed = Reviewed(booking.id, booking.replaces_id, is_proven=is_proven, customer_id=rental.customer.id)
    return judge(session, now, house, room, wish, contact, reviewed)


def _tell(session: Session, now: datetime, house: House, rental: Rental, before: Slot, *, tell_office: bool) -> None:
    """A mail that had not gone out gives way to one with the new time; who knows just that time gets none."""
    booking, customer = rental.booking, rental.customer
    unsent = _unsent(session, booking.id)
    messages.supersede(session, now, booking.id, ARRIVAL)
    moved = {"before": _told(before)}

    def mail(kind: MailKind, name: str, to: str, language: str) -> Mail:
        return Mail(kind, to, name, language, booking.id, unsent.get(kind, moved))

    mails = []
    if writes_to_customer(session, booking):
        waits = booking.verify_by is not None and booking.verified_at is None
        kind = MailKind.MAIL_CHECK if waits else MailKind.ACKNOWLEDGEMENT
        mails.append(mail(kind, customer.name, customer.email, booking.language))
    if house.letterhead.email and (tell_office or MailKind.NOTICE_OFFICE in unsent):
        mails.append(mail(MailKind.NOTICE_OFFICE, house.name, house.letterhead.email, house.language))
    if house.desk_email:
        mails.append(mail(MailKind.NOTICE_DESK, house.name, house.desk_email, house.language))
    known = {"before": _told(rental.slot)}
    messages.post_all(session, now, house, [one for one in mails if one.facts != known])


def _told(slot: Slot) -> dict[str, str]:
    return {"starts_at": slot.start.isoformat(), "ends_at": slot.end.isoformat()}


def _unsent(session: Session, booking_id: int) -> dict[MailKind, dict[str, Any]]:
    """What mails of the arrival that did not go out had to say; the latest of each kind."""
    query = select(Message.kind, Message.facts).where(
        Message.booking_id == booking_id,
        Message.kind.in_([kind.value for kind in ARRIVAL]),
        Message.state.in_((MessageState.QUEUED, MessageState.DEAD)),
    )
    return {MailKind(kind): dict(facts) for kind, facts in session.execute(query.order_by(Message.id))}
