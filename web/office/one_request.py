"""One request as it stands when it is opened: its day, its contact, its findings, the mail to come (SPEC S8)."""

import hashlib
from dataclasses import dataclass
from typing import Any

from flask import url_for

from booking.actions.group_prices import group_price
from booking.actions.renewing import judge_again
from booking.actions.rentals import Rental, load_rental
from booking.reads import inbox as reads
from booking.reads.booking_file import marks_of
from booking.reads.house import House
from booking.reads.inbox import Line, urgency
from booking.reads.records import contact_ids
from booking.reads.requests import RequestFacts, request_by
from booking.reads.today import placed
from booking.rules.review import grace_time
from booking.rules.working_days import review_deadline
from booking.values.clock import local_day
from booking.values.findings import Finding, Record
from web.finding_words import finding_line
from web.office import lanes, letters, words
from web.price_words import Sum, price_words
from web.request import house, now, read


@dataclass(frozen=True, slots=True)
class Judged:
    """A request as it stands at this moment."""

    findings: tuple[Finding, ...]
    record: Record


def fingerprint(found: RequestFacts | Line) -> str:
    """What the reviewer looked at. A request that was changed since is not decided unseen."""
    seen = f"{found.slot.start.isoformat()}|{found.slot.end.isoformat()}|{found.room_id}|{found.price_cents}"
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


def look(line: Line) -> dict[str, Any]:
    """All that the right side shows."""
    here, session = house(), read()
    found = request_by(session, here.organisation_id, line.public_id)
    room = here.room(found.room_id)
    day = local_day(found.slot.start, room.zone)
    rooms = lanes.rooms_sharing(here, room.room_id)
    around = placed(session, here.organisation_id, lanes.window_of(day, room.zone))
    drawn = lanes.columns(here, rooms, around, day, here=found.public_id)
    rental = load_rental(session, here.organisation_id, found.booking_id)
    contact = contact_ids(session, here.organisation_id, found.contact.email)
    judged = Judged(*judge_again(session, now(), here, rental))
    before = reads.of_contact(session, here.organisation_id, contact)
    history = [one for one in before if one.booking_id != found.booking_id]
    marks = marks_of(session, here.organisation_id, found.booking_id)
    return {
        "line": line,
        "found": found,
        "room": room,
        "urgency": urgency(line, now()),
        "is_now": line.short_notice and line.decision is None,
        "lanes": lanes.as_lanes(drawn),
        "scale": lanes.scale(rooms, day, drawn),
        "day": day,
        "findings": [finding_line(one) for one in judged.findings],
        "record": judged.record,
        "history": history,
        "marks": marks,
        "source": words.source_name(found.source),
        "price": price_words(marks.price, here),
        "group": here.group_name(rental.customer.group_id),
        "group_given": here.group_name(rental.booking.group_id),
        "group_price": _group_price(here, rental),
        "to_pay": letters.amount_due(session, now(), here, rental),
        "grace": _grace(here, found),
        "seen": fingerprint(found),
        "customer_url": url_for("office_customers.show", customer_id=marks.customer_id),
    }


def _group_price(here: House, rental: Rental) -> Sum | None:
    """The lower price that the customer's group has, for the office to give (docs/decisions/0007)."""
    lower = group_price(here, rental)
    return price_words(lower, here) if lower else None


def _grace(here: House, found: RequestFacts) -> int:
    """For how many seconds a decision made now could be undone."""
    deadline = review_deadline(now(), here.office, here.closings, here.public_holidays)
    return int(grace_time(found.slot, deadline, now(), here.grace).total_seconds())
