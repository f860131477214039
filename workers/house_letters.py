"""Letters to the people of the house: notices of requests, the desk's digest, codes running out, stuck cancels."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from booking.actions.messages import MailKind
from booking.actions.rentals import load_rental
from booking.reads.doors import digest_lines
from booking.tables.outgoing import Message
from booking.values.money import Cents
from papers import letters as p
from workers.letters import Desk, appointment, sender, time_before


def house_letter(desk: Desk, message: Message) -> p.Letter:
    """The letter of a message to the house, as things stand now."""
    return _LETTERS[MailKind(message.kind)](desk, message)


def _notice(desk: Desk, message: Message) -> p.Letter:
    rental = load_rental(desk.session, desk.house.organisation_id, message.booking_id or 0)
    at_desk = MailKind(message.kind) is MailKind.NOTICE_DESK
    booking, customer = rental.booking, rental.customer
    page = "desk" if at_desk else f"office/requests/{booking.public_id}"
    return p.RequestNotice(
        house=sender(desk),
        language=message.language,
        audience=p.Audience.DESK if at_desk else p.Audience.OFFICE,
        appointment=appointment(desk, rental),
        customer=f"{customer.name}, {customer.company}" if customer.company else customer.name,
        phone=customer.phone,
        email=customer.email,
        people=booking.people,
        purpose=booking.purpose,
        price=Cents(booking.price_cents),
        currency=desk.house.currency,
        review_by=booking.review_at,
        short_notice=booking.short_notice,
        inbox_url=f"{desk.base_url}/{page}",
        before=time_before(message),
    )


def _digest(desk: Desk, message: Message) -> p.Letter:
    first = date.fromisoformat(message.facts["day"])
    return p.DeskDigest(
        house=sender(desk),
        language=message.language,
        first_day=first,
        last_day=first + timedelta(days=desk.house.desk_days - 1),
        zone=desk.house.zone.key,
        entries=tuple(
            p.DigestEntry(line.door, line.text, line.window, line.party, line.booking_code)
            for line in digest_lines(desk.session, desk.tools.vault, desk.house, first)
        ),
        desk_url=f"{desk.base_url}/desk/",
    )


def _running_out(desk: Desk, message: Message) -> p.Letter:
    return p.CodesRunningOut(
        house=sender(desk),
        language=message.language,
        season=str(message.facts["season"]),
        door=str(message.facts["door"]),
        left=int(message.facts["left"]),
        last_day=date.fromisoformat(message.facts["last_day"]),
        doors_url=f"{desk.base_url}/office/doors",
    )


def _stuck(desk: Desk, message: Message) -> p.Letter:
    rental = load_rental(desk.session, desk.house.organisation_id, message.booking_id or 0)
    return p.CancelStuck(
        house=sender(desk),
        language=message.language,
        site=str(message.facts["site"]),
        appointment=appointment(desk, rental),
        customer=rental.customer.name,
        attempts=int(message.facts["attempts"]),
        case_url=f"{desk.base_url}/office/",
    )


def _silent(desk: Desk, message: Message) -> p.Letter:
    return p.SiteSilent(
        house=sender(desk),
        language=message.language,
        site=str(message.facts["site"]),
        since=datetime.fromisoformat(message.facts["since"]),
        zone=desk.house.zone.key,
        sites_url=f"{desk.base_url}/office/sites",
    )


_LETTERS: dict[MailKind, Callable[[Desk, Message], p.Letter]] = {
    MailKind.NOTICE_OFFICE: _notice,
    MailKind.NOTICE_DESK: _notice,
    MailKind.DESK_DIGEST: _digest,
    MailKind.CODES_LOW: _running_out,
    MailKind.CANCEL_STUCK: _stuck,
    MailKind.SITE_SILENT: _silent,
}
HOUSE_KINDS = frozenset(_LETTERS)
