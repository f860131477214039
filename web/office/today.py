"""Today: what waits, the day's rooms, the last weeks (FACE, Office)."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.office import try_again
from booking.reads import today as reads
from booking.reads.cases import open_cases
from booking.reads.house import House
from booking.reads.inbox import Line, Urgency, urgency, waiting
from booking.reads.mails import mails_page
from booking.rules.permissions import Capability, may
from booking.rules.working_days import review_deadline
from booking.values.clock import days_between, instant_of, local_day
from booking.values.slot import Slot
from booking.values.states import MessageState
from web.access import require
from web.case_words import case_title
from web.filters import moment
from web.i18n import gettext
from web.office import lanes, words
from web.office.frame import act
from web.office_reasons import lacking_words
from web.request import actor, house, now, read
from web.security import logged_in_staff

blueprint = Blueprint("office_today", __name__, url_prefix="/office")
SHOWN = 8
WEEKS_BACK = timedelta(days=27)


@blueprint.get("/")
@require(Capability.REVIEW)
def show() -> str:
    here, session = house(), read()
    day = local_day(now(), here.zone)
    rooms = lanes.rooms_shown(here)
    drawn = lanes.columns(
        here, rooms, reads.placed(session, here.organisation_id, lanes.window_of(day, here.zone)), day
    )
    lines = [line for line in waiting(session, now(), here.organisation_id) if line.decision is None]
    return render_template(
        "office/today.html",
        day=day,
        lacking=lacking_words(here.lacks),
        may_set=may(logged_in_staff().role, Capability.SETTINGS),
        deadline=review_deadline(now(), here.office, here.closings, here.public_holidays),
        items=[_item(here, line) for line in lines[:SHOWN]],
        counts=reads.counts(session, now(), here.organisation_id),
        cases=[(case, case_title(case.kind)) for case in open_cases(session, here.organisation_id)[:SHOWN]],
        mails=mails_page(session, here.organisation_id, state=MessageState.DEAD, limit=SHOWN),
        mail_name=words.mail_name,
        sites=[_site(one) for one in reads.connections(session, now(), here.organisation_id) if one.needs_a_look],
        duties=reads.dead_duties(session, here.organisation_id),
        duty_name=_duty_name,
        lanes=lanes.as_lanes(drawn),
        scale=lanes.scale(rooms, day, drawn),
        requests=_requests(here, day),
        hours=_hours(here, day),
        due=words.when_due,
        party_line=_case_line,
    )


@blueprint.post("/duties/<int:outbox_id>/again")
@require(Capability.CASES)
def again(outbox_id: int) -> AnyResponse:
    no = act(lambda db, inside: try_again(db, now(), inside, outbox_id, actor()))
    flash(words.refusal(no)[0] if no else gettext("It is tried again now."), "stop" if no else "ok")
    return redirect(url_for("office_today.show"))


def _item(here: House, line: Line) -> dict[str, Any]:
    room = here.room(line.room_id)
    state = urgency(line, now())
    due = words.when_due(line.review_at)
    return {
        "href": url_for("office_inbox.show", request_id=line.public_id),
        "name": line.party,
        "when": words.joined((words.when_short(line.slot, room.zone.key), room.name)),
        "note": gettext("was due %(when)s", when=due)
        if state is Urgency.OVERDUE
        else gettext("due %(when)s", when=due),
        "state": state,
        "overdue": state is Urgency.OVERDUE,
    }


def _case_line(case: Any) -> str:
    if case.slot is None:
        facts = case.facts
        return words.joined(str(facts[key]) for key in ("door", "season") if key in facts)
    room = house().room(case.room_id)
    return words.joined((case.party, words.when_short(case.slot, room.zone.key), room.name))


def _site(one: reads.ConnectionState) -> tuple[str, str]:
    """Name, and what is wrong with it."""
    if one.paused_at is not None:
        return one.name, gettext("paused since %(when)s", when=moment(one.paused_at))
    last = gettext("last read %(when)s", when=moment(one.polled_at)) if one.polled_at else gettext("never read yet")
    return one.name, words.joined((last, one.last_error))


def _duty_name(topic: str) -> str:
    names = {
        "decision.settle": gettext("Make a decision final"),
        "booking.bill": gettext("Invoice and mail after a code by telephone"),
        "sites": gettext("Bring booking sites in line"),
        "invoice.pdf": gettext("Write an invoice as PDF"),
    }
    return names.get(topic, topic)


def _requests(here: House, day: date) -> dict[str, Any]:
    """Requests on each of the last 28 days."""
    first = day - WEEKS_BACK
    since = instant_of(first, lanes.MIDNIGHT, here.zone)
    found = Counter(local_day(at, here.zone) for at in reads.made_since(read(), here.organisation_id, since))
    return _chart([(one, found[one]) for one in days_between(first, day)], day)


def _hours(here: House, day: date) -> dict[str, Any]:
    """Booked hours on each of the last 28 days, all rooms together."""
    first = day - WEEKS_BACK
    window = Slot(
        instant_of(first, lanes.MIDNIGHT, here.zone), instant_of(day + timedelta(days=1), lanes.MIDNIGHT, here.zone)
    )
    found: Counter[date] = Counter()
    for slot in reads.held_slots(read(), here.organisation_id, window):
        found[local_day(slot.start, here.zone)] += int(slot.duration.total_seconds() // 60)
    return _chart([(one, round(found[one] / 60)) for one in days_between(first, day)], day)


def _chart(days: list[tuple[date, int]], today: date) -> dict[str, Any]:
    return {
        "total": sum(count for _, count in days),
        "bars": [
            {"value": count, "title": f"{words.short_day(one)}: {count}", "tone": "brand" if count else "quiet"}
            for one, count in days
        ],
        "is_empty": not any(count for _, count in days),
        "today": today,
    }
