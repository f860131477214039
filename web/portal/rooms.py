"""The rooms with their next free times, and the week of one room (SPEC S4, S5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, render_template, request, url_for

from booking.reads.free import DayPlan, next_free, week_of
from booking.reads.house import RoomFacts
from booking.rules.admission import Offer
from booking.values.clock import DAY, local_day
from booking.values.slot import Slot
from booking.values.states import OccupancyKind
from web.access import public
from web.cancel_words import cancel_words
from web.extras_form import extra_price
from web.i18n import gettext, ngettext, translator
from web.portal import frame
from web.portal.choosing import time_value
from web.portal.week import WEEK, Frame, clamped, long_day, week_words
from web.price_words import MINUTE, length_words, rule_words
from web.request import house, now, read

blueprint = Blueprint("portal_rooms", __name__)
DAYS_AHEAD, MOST_SHOWN = 14, 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a choice did not do: what to say, the cells to keep chosen, and what is free instead."""

    messages: tuple[str, ...]
    starts: tuple[datetime, ...] = ()
    near: tuple[Slot, ...] = ()


@blueprint.get("/")
@public
def home() -> str:
    here = house()
    rooms = [room for room in here.rooms.values() if not room.archived]
    free = next_free(read(), now(), here, rooms, DAYS_AHEAD, MOST_SHOWN)
    by_day = {room.room_id: _by_day(room, free[room.room_id]) for room in rooms}
    return render_template("portal/rooms.html", rooms=rooms, free=by_day, time_value=time_value)


@blueprint.get("/rooms/<slug>")
@public
def room(slug: str) -> str:
    return room_page(frame.bookable_room(house(), slug))


def room_page(chosen: RoomFacts, trouble: Trouble | None = None) -> str:
    """The seven days that the address names, else from today on, or the next; with what was wrong, if anything was."""
    starts = trouble.starts if trouble else ()

    def href(day: date) -> str:
        return url_for("portal_rooms.room", slug=chosen.slug, week=day.isoformat())

    return render_template(
        "portal/room.html",
        room=chosen,
        week=shown_week(chosen, href, starts),
        trouble=trouble,
        ask_href=lambda slot: url_for("portal_asking.form", slug=chosen.slug, time=time_value(slot)),
        facts=_room_facts(chosen),
        currency=house().currency,
        note=gettext("We review your request by %(when)s.", when=translator().moment(deadline(), house().zone.key)),
        rules=[rule_words(rule, house(), chosen) for rule in chosen.prices.rules if rule.group_id is None],
        extras=[(extra.name, extra_price(extra, house())) for extra in chosen.prices.offered],
    )


def shown_week(
    chosen: RoomFacts,
    href: Callable[[date], str],
    starts: tuple[datetime, ...] = (),
    but_booking_id: int | None = None,
) -> dict[str, object]:
    """What `week_grid` shows. Where no week is named and this one has nothing free, the next may be shown instead."""
    named_day = _date(request.args.get("day")) or (local_day(starts[0], chosen.zone) if starts else None)
    named = named_day or _date(request.args.get("week"))
    drawn = Frame(now(), house(), chosen, deadline(), named_day, frozenset(starts))
    first = clamped(named or local_day(now(), chosen.zone), drawn)
    plans = _plans(chosen, first, but_booking_id)
    after = clamped(first + WEEK, drawn)
    if named is None and not any(plan.free for plan in plans) and after != first:
        later = _plans(chosen, after, but_booking_id)
        plans = later if any(plan.free for plan in later) else plans
    return week_words(drawn, plans, href)


def deadline() -> datetime:
    return frame.deadline_of(now())


def _plans(chosen: RoomFacts, first_day: date, but_booking_id: int | None) -> tuple[DayPlan, ...]:
    but = (OccupancyKind.BOOKING, but_booking_id) if but_booking_id else None
    return week_of(read(), now(), house(), chosen, first_day, but)


def _by_day(chosen: RoomFacts, offers: tuple[Offer, ...]) -> list[tuple[str, list[Offer]]]:
    """The offers under their days, today and tomorrow by their names."""
    today = local_day(now(), chosen.zone)
    names = {today: gettext("Today"), today + DAY: gettext("Tomorrow")}
    found: dict[date, list[Offer]] = {}
    for offer in offers:
        found.setdefault(local_day(offer.slot.start, chosen.zone), []).append(offer)
    return [
        (", ".join(part for part in (names.get(day, ""), long_day(day)) if part), kept) for day, kept in found.items()
    ]


def _room_facts(chosen: RoomFacts) -> list[tuple[str, str]]:
    terms = chosen.terms
    people = ngettext("up to %(num)d person", "up to %(num)d people", terms.most_people)
    shortest, longest = (length_words(length // MINUTE) for length in (terms.shortest, terms.longest))
    lengths = shortest if shortest == longest else gettext("%(least)s to %(most)s", least=shortest, most=longest)
    facts = [(gettext("People"), people), (gettext("Length"), lengths), (gettext("Where"), chosen.location)]
    return [*facts, (gettext("Cancelling"), cancel_words(chosen.terms.cancel_steps))]


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
