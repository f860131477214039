"""Calendar links: set up, seen before anything is applied, watched, decided, ended (SPEC C6, C8, C9, C15).

No page calls the other side: it writes what is wanted, a worker does it, and the page shows what became of it.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import link_wishes, links
from booking.actions.link_access import renew_access
from booking.reads.cases import cases_of_link
from booking.reads.link_history import LAST_RUNS, last_runs
from booking.reads.link_wishes import WishLine, last_wish
from booking.reads.links import (
    LinkPage,
    RunLine,
    StepLine,
    held_of,
    link_by,
    links_of,
    run_by,
    runs_of,
    steps_of,
    troubled_items,
)
from booking.rules.permissions import Capability
from booking.values.links import LinkAccess, LinkKind, LinkPolicy, LinkSettings, LinkStatus, RunOutcome, StepState
from booking.values.refusals import NotFound, Refused
from web import link_item_words, link_texts
from web.access import require
from web.case_words import case_title
from web.context import Wake, current
from web.i18n import gettext
from web.link_access import url_refused
from web.link_plan_words import field_name, told_steps
from web.office import links_forms as forms
from web.office import words
from web.office.links_history import history
from web.request import actor, house, now, organisation_id, read, tools, write

blueprint = Blueprint("office_links", __name__, url_prefix="/office/links")
UNSERVED = timedelta(seconds=30)
LONGEST_RUN = timedelta(minutes=2)


@blueprint.get("")
@require(Capability.LINKS)
def index() -> str:
    session, mine = read(), organisation_id()
    runs = last_runs(session, mine)
    found = [(link, history(runs.get(link.link_id, ()))) for link in links_of(session, mine)]
    return render_template("office/links.html", links=found, **_words())


@blueprint.get("/new")
@require(Capability.LINKS)
def new() -> str:
    return _form(forms.DEFAULTS, {})


@blueprint.post("/new")
@require(Capability.LINKS)
def make() -> AnyResponse:
    """Make it, and have a worker tell what it would do; it rests until a person has seen that, where they want to."""
    wanted, access = forms.wanted_new(house()), forms.access()
    reasons = [one for no in (wanted, url_refused(access.url)) if isinstance(no, Refused) for one in no.reasons]
    if reasons or isinstance(wanted, Refused):
        return _refused_form(Refused(tuple(reasons)))
    is_first_seen, mine = request.form.get("preview") == "yes", organisation_id()
    made = write(lambda db: _made(db, mine, wanted, access, rests=is_first_seen), nudge=False)
    if isinstance(made, Refused):
        return _refused_form(made)
    current().nudger(Wake.LINKS)
    return redirect(url_for("office_links.show", link=made))


@blueprint.get("/<uuid:link>")
@require(Capability.LINKS)
def show(link: UUID) -> str:
    return _page(link)


@blueprint.post("/<uuid:link>/plan")
@require(Capability.LINKS)
def plan(link: UUID) -> AnyResponse:
    page = _link(link)
    no = write(lambda db: link_wishes.ask_plan(db, now(), organisation_id(), page.line.link_id), nudge=False)
    return _asked(link, no)


@blueprint.post("/<uuid:link>/plans/<uuid:made>/apply")
@require(Capability.LINKS)
def apply(link: UUID, made: UUID) -> AnyResponse:
    """Only what was shown: the plan is made anew, and done where it is still the same."""
    page, shown = _link(link), request.form.get("hash", "")
    no = write(
        lambda db: link_wishes.ask_apply(db, now(), organisation_id(), actor(), page.line.link_id, made, shown),
        nudge=False,
    )
    return _asked(link, no)


@blueprint.post("/<uuid:link>/held")
@require(Capability.LINKS)
def decide_held(link: UUID) -> AnyResponse:
    page, shown = _link(link), request.form.get("hash", "")
    decide = {"apply": links.approve_held, "restore": links.restore_held}.get(request.form.get("what", ""))
    if decide is None:
        return make_response(_page(link, problems=[gettext("Please choose one of these.")]), 422)
    no = write(lambda db: decide(db, now(), organisation_id(), actor(), page.line.link_id, shown), nudge=False)
    if isinstance(no, Refused):
        text = gettext("What is missing there has changed since. Nothing was done; please look at how it is now.")
        return make_response(_page(link, problems=[text]), 409)
    return _back(link, gettext("Decided. A worker does it within the next seconds."))


@blueprint.post("/<uuid:link>/look")
@require(Capability.LINKS)
def look(link: UUID) -> AnyResponse:
    page = _link(link)
    write(lambda db: links.run_soon(db, now(), organisation_id(), page.line.link_id), nudge=False)
    return _back(link, gettext("A worker looks within the next seconds."))


@blueprint.post("/<uuid:link>/pause")
@require(Capability.LINKS)
def pause(link: UUID) -> AnyResponse:
    page, rests = _link(link), request.form.get("paused") == "yes"
    action = links.pause_link if rests else links.resume_link
    write(lambda db: action(db, now(), organisation_id(), actor(), page.line.link_id), nudge=False)
    return _back(link, gettext("The link rests.") if rests else gettext("The link works again."))


@blueprint.get("/<uuid:link>/runs/<int:run>")
@require(Capability.LINKS)
def show_run(link: UUID, run: int) -> str:
    page = _link(link)
    found = run_by(read(), page.line.link_id, run)
    steps = steps_of(read(), run)
    return render_template(
        "office/links_run.html", link=page.line, run=found, steps=told_steps(steps, _zone(page)), **_words()
    )


@blueprint.get("/<uuid:link>/settings")
@require(Capability.LINKS)
def settings(link: UUID) -> str:
    return _settings(link)


@blueprint.post("/<uuid:link>/settings")
@require(Capability.LINKS)
def change(link: UUID) -> AnyResponse:
    page = _link(link)
    wanted = forms.wanted_change(page)
    no = (
        wanted
        if isinstance(wanted, Refused)
        else write(
            lambda db: links.change_link(db, now(), organisation_id(), actor(), page.line.link_id, wanted), nudge=False
        )
    )
    if no is not None:
        return make_response(_settings(link, typed=forms.typed(), errors=forms.errors(no)), 422)
    return _back(link, gettext("Saved."))


@blueprint.post("/<uuid:link>/access")
@require(Capability.LINKS)
def change_access(link: UUID) -> AnyResponse:
    """What is left empty stays as it is stored; it is shown nowhere."""
    page, given = _link(link), forms.access()
    no = url_refused(given.url) or write(
        lambda db: renew_access(
            db,
            now(),
            tools(),
            organisation_id(),
            actor(),
            page.line.link_id,
            url=given.url,
            user=given.user or None,
            password=given.password,
        ),
        nudge=False,
    )
    if no is not None:
        page_again = _settings(link, typed=forms.stored(page) | forms.typed(), errors=forms.errors(no))
        return make_response(page_again, 422)
    return _back(link, gettext("Saved. A worker tries it within the next seconds."))


@blueprint.post("/<uuid:link>/unlink")
@require(Capability.LINKS)
def unlink(link: UUID) -> AnyResponse:
    page, removes = _link(link), request.form.get("removes") == "yes"
    write(
        lambda db: links.unlink(db, now(), organisation_id(), actor(), page.line.link_id, removes=removes), nudge=False
    )
    if removes and page.line.policy.writes:
        return _back(link, gettext("The link ends as soon as everything that it wrote there is removed."))
    flash(gettext("The link has ended. What it brought no longer takes any time here."), "ok")
    return redirect(url_for("office_links.index"))


def _made(db: Session, mine: int, wanted: LinkSettings, access: LinkAccess, *, rests: bool) -> UUID | Refused:
    made = links.make_link(db, now(), tools(), mine, actor(), wanted, access)
    if isinstance(made, UUID) and rests:
        link_id = link_by(db, mine, made).line.link_id
        links.pause_link(db, now(), mine, actor(), link_id)
        link_wishes.ask_plan(db, now(), mine, link_id)
    return made


def _asked(link: UUID, made: UUID | Refused) -> AnyResponse:
    if isinstance(made, Refused):
        return make_response(_page(link, problems=words.refusal(made)), 409)
    current().nudger(Wake.LINKS)
    return redirect(url_for("office_links.show", link=link))


def _page(link: UUID, problems: list[str] | None = None) -> str:
    page, session = _link(link), read()
    line, zone = page.line, _zone(page)
    wish = last_wish(session, line.link_id)
    held = held_of(session, line.link_id)
    runs = runs_of(session, line.link_id, LAST_RUNS)
    return render_template(
        "office/links_one.html",
        page=page,
        link=line,
        zone=zone,
        items_words=link_item_words,
        problems=problems or [],
        wish=wish,
        waits=_waits(page, wish, runs),
        is_late=wish is not None and wish.done_at is None and now() - wish.asked_at > UNSERVED,
        planned=_planned(session, wish, zone),
        held=held and (held[0], told_steps(held[1], zone)),
        runs=runs,
        history=history(runs[::-1]),
        cases=[
            (one, case_title(one.kind))
            for one in cases_of_link(session, organisation_id(), line.link_id)
            if one.kind != "link-held"
        ],
        items=[one for one in troubled_items(session, line.link_id) if not one.held and one.state != "CONFLICT"],
        **_words(),
    )


def _waits(page: LinkPage, wish: WishLine | None, runs: tuple[RunLine, ...]) -> str:
    """What a worker is at, as a mark that changes when it is done; empty where nothing is under way."""
    line = page.line
    is_awake = line.state is not LinkStatus.PAUSED
    is_soon = is_awake and line.is_due and line.next_run_at <= now() + UNSERVED
    asked = wish is not None and wish.done_at is None
    runs_now = bool(runs) and runs[0].outcome is RunOutcome.RUNNING and now() - runs[0].started_at < LONGEST_RUN
    if not (asked or is_soon or runs_now):
        return ""
    return f"{len(runs) and runs[0].run_id}-{line.state.value}"


def _planned(session: Session, wish: WishLine | None, zone: str) -> dict[str, Any] | None:
    """The plan to look at: what it holds back first, then what it asks, then the rest."""
    if wish is None or wish.run is None:
        return None
    steps = steps_of(session, wish.run.run_id)
    held = [one for one in steps if one.state is StepState.HELD]
    asks = [one for one in steps if one.state is not StepState.HELD and one.kind == "PROPOSE"]
    rest = [one for one in steps if one not in held and one not in asks]
    return {
        "run": wish.run,
        "held": told_steps(held, zone),
        "asks": told_steps(asks, zone),
        "rest": told_steps(rest, zone),
        "count": len(steps),
        "is_changed": bool(wish.shown) and wish.run.plan_hash != wish.shown and _is_untouched(steps),
    }


def _is_untouched(steps: tuple[StepLine, ...]) -> bool:
    return all(one.state in {StepState.PLANNED, StepState.HELD} for one in steps)


def _form(typed: dict[str, str], errors: dict[str, list[str]]) -> str:
    return render_template(
        "office/links_new.html",
        typed=typed,
        errors=errors,
        labels=forms.labels(),
        rooms=[(str(room.public_id), room.name) for room in house().rooms.values() if not room.archived],
        **_words(),
    )


def _refused_form(no: Refused) -> Response:
    return make_response(_form(forms.typed(), forms.errors(no)), 422)


def _settings(link: UUID, typed: dict[str, str] | None = None, errors: dict[str, list[str]] | None = None) -> str:
    page = _link(link)
    return render_template(
        "office/links_settings.html",
        page=page,
        link=page.line,
        typed=typed or forms.stored(page),
        errors=errors or {},
        labels=forms.labels(),
        owned=[(name, field_name(name)) for name in forms.OWNED],
        **_words(),
    )


def _link(link: UUID) -> LinkPage:
    return link_by(read(), organisation_id(), link)


def _zone(page: LinkPage) -> str:
    try:
        return house().room(page.line.room_id).zone.key
    except NotFound:
        return house().zone.key


def _words() -> dict[str, Any]:
    return {
        "texts": link_texts,
        "kinds": [(kind, link_texts.kind_name(kind)) for kind in LinkKind],
        "policies": [
            (policy, link_texts.policy_name(policy), link_texts.policy_words(policy)) for policy in LinkPolicy
        ],
    }


def _back(link: UUID, text: str) -> AnyResponse:
    flash(text, "ok")
    return redirect(url_for("office_links.show", link=link))
