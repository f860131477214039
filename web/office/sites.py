"""Set-up of YouCanBook.me: access, pages, webhooks, who writes, how times are blocked, and the proof (Y2, Y8, Y9)."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import connections
from booking.actions.connections import Access, WithSecret
from booking.reads.connections import ConnectionFacts, connection_of, connections_of, deliveries_of
from booking.reads.links import links_of
from booking.rules.permissions import Capability
from booking.tables.connections import BlockWay, Writer
from booking.values.refusals import Reason, Refused
from outside.errors import OutsideError
from outside.ycbm_templates import SECRET_HEADER, webhook_templates
from outside.ycbm_values import BASE_URL, RemoteProfile
from web.access import require
from web.i18n import gettext, ngettext
from web.proof_words import phase_words, proof_words
from web.reasons import message
from web.request import actor, end_read, house, now, organisation_id, read, tools, write
from web.security import private
from web.site_access import address_refused, hook_url
from web.site_calls import client_of, error_text, prove_way
from web.site_words import heard, site_answer

blueprint = Blueprint("office_sites", __name__, url_prefix="/office/sites")
MOST_PAGES = 100


@blueprint.get("")
@require(Capability.YCBM)
def index() -> str:
    return render_template("office/sites.html", connections=connections_of(read(), organisation_id()), now=now())


@blueprint.get("/new")
@require(Capability.YCBM)
def new() -> str:
    return render_template("office/sites_new.html", typed={"base_url": BASE_URL}, errors={})


@blueprint.post("/new")
@require(Capability.YCBM)
def make() -> Response:
    """Make it and show the secret of its webhooks, which is never shown again."""
    access = _access()
    no = address_refused(access.base_url)
    made = no or write(
        lambda db: connections.make_connection(db, now(), tools(), organisation_id(), actor(), access), nudge=False
    )
    if isinstance(made, Refused):
        page = render_template("office/sites_new.html", typed=_typed(), errors=_errors(made))
        return make_response(page, 422)
    return _secret_page(made)


@blueprint.get("/<uuid:site>")
@require(Capability.YCBM)
def show(site: UUID) -> str:
    return _page(site)


@blueprint.post("/<uuid:site>/access")
@require(Capability.YCBM)
def change_access(site: UUID) -> AnyResponse:
    facts, access = _facts(site), _access()
    no = address_refused(access.base_url) or write(
        lambda db: connections.change_access(
            db, now(), tools(), organisation_id(), actor(), facts.connection_id, access
        ),
        nudge=False,
    )
    if no:
        return make_response(_page(site, typed=_typed(), errors=_errors(no)), 422)
    return _back(site, gettext("Saved."))


@blueprint.post("/<uuid:site>/ways")
@require(Capability.YCBM)
def choose_ways(site: UUID) -> AnyResponse:
    facts = _facts(site)
    writer, way = request.form.get("writer", ""), request.form.get("block_way", "")
    calendars = _calendars() if way == BlockWay.CALENDAR else None
    if writer not in set(Writer) or way not in set(BlockWay):
        no: Refused | None = Refused((Reason("missing", "writer" if writer not in set(Writer) else "block_way"),))
    else:
        no = write(
            lambda db: connections.choose_ways(
                db,
                now(),
                organisation_id(),
                actor(),
                facts.connection_id,
                writer=Writer(writer),
                block_way=BlockWay(way),
                calendars=calendars,
            ),
        )
    if no:
        return make_response(_page(site, errors=_errors(no), chosen=way, picked=calendars or {}), 422)
    if facts.block_way is BlockWay.CALENDAR and way == BlockWay.BOOKING:
        text = gettext(
            "Saved. Please end the calendar link with all that it wrote, else the site may refuse our bookings: the "
            "same times stand in the calendar already."
        )
        return _back(site, text)
    return _back(site, gettext("Saved."))


@blueprint.post("/<uuid:site>/profiles")
@require(Capability.YCBM)
def read_profiles(site: UUID) -> Response:
    """Ask the site for its booking pages: the connection test, which changes nothing there."""
    facts = _facts(site)
    client = client_of(read(), facts.public_id)
    end_read()
    try:
        found = client.profiles()
    except OutsideError as error:
        return make_response(_page(site, call_error=error_text(error)), 502)
    return make_response(_page(site, profiles=found))


@blueprint.post("/<uuid:site>/pages")
@require(Capability.YCBM)
def map_pages(site: UUID) -> AnyResponse:
    """The pages and their rooms; a page without a room is left out."""
    facts = _facts(site)
    named = zip(request.form.getlist("page"), request.form.getlist("room"), strict=False)
    wanted = {page.strip(): room for page, room in list(named)[:MOST_PAGES] if page.strip() and room}
    rooms = {str(room.public_id): room.room_id for room in house().rooms.values()}
    if any(room not in rooms for room in wanted.values()):
        return make_response(_page(site, errors={"page": [gettext("Please choose one of your rooms.")]}), 422)
    pages = {page: rooms[room] for page, room in wanted.items()}
    write(lambda db: connections.map_pages(db, now(), organisation_id(), actor(), facts.connection_id, pages))
    return _back(site, ngettext("%(num)d page stands for a room.", "%(num)d pages stand for rooms.", len(pages)))


@blueprint.post("/<uuid:site>/secret")
@require(Capability.YCBM)
def rotate(site: UUID) -> Response:
    facts = _facts(site)
    made = write(
        lambda db: connections.rotate_secret(db, now(), organisation_id(), actor(), facts.connection_id), nudge=False
    )
    return _secret_page(made)


@blueprint.post("/<uuid:site>/prove")
@require(Capability.YCBM)
def prove(site: UUID) -> AnyResponse:
    """Hold a test time there, read it again, remove it; only then the way counts as proven (SPEC Y8).

    With calendars workers do it, since the link's own run has to write it, and the page shows how far they are.
    """
    facts = _facts(site)
    if facts.block_way is BlockWay.CALENDAR:
        no = write(lambda db: connections.ask_proof(db, now(), organisation_id(), actor(), facts.connection_id))
        if no:
            return make_response(_page(site, errors=_errors(no)), 422)
        return redirect(url_for("office_sites.show", site=site, _anchor="proof"))
    problem = prove_way(facts)
    if problem:
        return make_response(_page(site, proof_error=problem), 422)
    return _back(site, gettext("Proven: the test time was held, read again and removed."))


@blueprint.post("/<uuid:site>/pause")
@require(Capability.YCBM)
def pause(site: UUID) -> AnyResponse:
    facts, paused = _facts(site), request.form.get("paused") == "yes"
    write(
        lambda db: connections.pause(db, now(), organisation_id(), actor(), facts.connection_id, paused=paused),
        nudge=False,
    )
    return _back(site, gettext("The connection rests.") if paused else gettext("The connection works again."))


@blueprint.post("/<uuid:site>/poll")
@require(Capability.YCBM)
def poll(site: UUID) -> AnyResponse:
    facts = _facts(site)
    write(lambda db: connections.poll_now(db, now(), organisation_id(), facts.connection_id), nudge=False)
    return _back(site, gettext("It is read within the next seconds."))


def _page(site: UUID, **more: Any) -> str:
    facts = _facts(site)
    values = {"name": facts.name, "account_id": facts.account_id, "base_url": facts.base_url}
    picked = {page: str(link) for page, link in more.pop("picked", {}).items()}
    profiles: tuple[RemoteProfile, ...] = more.pop("profiles", ())
    return render_template(
        "office/sites_one.html",
        **{
            "site": facts,
            "typed": values,
            "errors": {},
            "rooms": _rooms(),
            "lines": _lines(facts, profiles),
            "calendars": _calendar_lines(facts, picked),
            "waits": _waits(facts),
            "phase_words": phase_words,
            "proof_words": proof_words,
            "asked": bool(profiles),
            "templates": webhook_templates(hook_url(facts.public_id)),
            "header": SECRET_HEADER,
            "deliveries": deliveries_of(read(), facts.connection_id),
            "heard": heard,
            "site_answer": site_answer,
            **more,
        },
    )


def _secret_page(made: WithSecret) -> Response:
    page = render_template(
        "office/sites_secret.html",
        site=connection_of(read(), organisation_id(), made.public_id),
        secret=made.secret,
        header=SECRET_HEADER,
        templates=webhook_templates(hook_url(made.public_id)),
    )
    return private(make_response(page))


def _facts(site: UUID) -> ConnectionFacts:
    return connection_of(read(), organisation_id(), site)


def _rooms() -> list[tuple[str, str]]:
    return [(str(room.public_id), room.name) for room in house().rooms.values() if not room.archived]


def _lines(facts: ConnectionFacts, profiles: tuple[RemoteProfile, ...]) -> list[dict[str, str]]:
    """One line for each page that is known or was just read, and a free one."""
    rooms = {room.room_id: str(room.public_id) for room in house().rooms.values()}
    titles = {profile.id: profile.title or profile.subdomain for profile in profiles}
    known = dict.fromkeys([*facts.pages, *titles])
    lines = [
        {"page": page, "title": titles.get(page, ""), "room": rooms.get(facts.pages.get(page, 0), "")} for page in known
    ]
    return [*lines, {"page": "", "title": "", "room": ""}]


def _calendar_lines(facts: ConnectionFacts, picked: dict[str, str]) -> list[dict[str, Any]]:
    """One line for each page that stands for a room: which links write the calendar of that room, and the proof."""
    links = [one for one in links_of(read(), organisation_id()) if one.policy.writes]
    lines = []
    for page, room_id in sorted(facts.pages.items()):
        chosen, room = facts.calendars.get(page), house().room(room_id)
        lines.append(
            {
                "page": page,
                "room": room.name,
                "links": [(str(one.public_id), one.name) for one in links if one.room_id == room_id],
                "link": picked.get(page) or (str(chosen.link_id) if chosen else ""),
                "chosen": chosen,
                "has_buffers": bool(room.terms.buffer_before or room.terms.buffer_after),
            }
        )
    return lines


def _waits(facts: ConnectionFacts) -> str:
    """How far the workers are, as a mark that changes with each step; empty where no proof runs."""
    if not facts.is_being_proven:
        return ""
    return "-".join(one.phase for _, one in sorted(facts.calendars.items()))


def _calendars() -> dict[str, UUID]:
    """What was chosen; what is no id of a link counts as not chosen."""
    named = zip(request.form.getlist("calendar_page"), request.form.getlist("calendar"), strict=False)
    found = {}
    for page, link in list(named)[:MOST_PAGES]:
        with suppress(ValueError):
            found[page] = UUID(link)
    return found


def _access() -> Access:
    return Access(
        name=request.form.get("name", ""),
        account_id=request.form.get("account_id", ""),
        api_key=request.form.get("api_key", ""),
        base_url=request.form.get("base_url", ""),
    )


def _typed() -> dict[str, str]:
    """What goes back into the form: all but the key."""
    return {name: request.form.get(name, "") for name in ("name", "account_id", "base_url")}


def _errors(no: Refused) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reason in no.reasons:
        found.setdefault(reason.at or "", []).append(message(reason))
    return found


def _back(site: UUID, text: str) -> AnyResponse:
    flash(text, "ok")
    return redirect(url_for("office_sites.show", site=site))
