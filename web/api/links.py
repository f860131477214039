"""Calendar links by program: set up, planned, applied by hash, paused, ended (SPEC C6, C8, C9, X3)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import link_wishes
from booking.actions import links as actions
from booking.actions.link_access import renew_access
from booking.reads.house import House
from booking.reads.link_wishes import WishLine, wish_by
from booking.reads.links import LinkLine, LinkPage, RunLine, StepLine, held_of, link_by, links_of, runs_of, steps_of
from booking.rules.permissions import Capability
from booking.values.links import LinkAccess, LinkSettings
from booking.values.refusals import Refused
from web.access import token
from web.api import link_models as models
from web.api.frame import answer, effect, refusal, responses
from web.api.models import Model
from web.api.part import ApiPart
from web.api.parts import members
from web.context import Wake, current
from web.link_access import url_refused
from web.link_texts import problem_words
from web.request import actor, house, now, organisation_id, read, tools, write

links = ApiPart("api_links", __name__)
NAMES = {"room_id": "room"}
SETTINGS = (
    "name",
    "policy",
    "variant",
    "requested",
    "owners",
    "limits",
    "months_back",
    "months_ahead",
    "every_minutes",
)
RUNS_TOLD = 30
Decide = Callable[[Session, Any, int, Any, int, str], Refused | None]


@links.get("/calendar-links", summary="List the calendar links", responses=responses(models.Links))
@token(Capability.LINKS)
def page() -> Response:
    found = links_of(read(), organisation_id())
    return answer(models.Links(links=[models.Link(**_facts(one, house())) for one in found]))


@links.post("/calendar-links", summary="Link a calendar with a room", responses=responses(models.Link, 201, 404))
@token(Capability.LINKS)
def make(body: models.LinkBody) -> Response:
    no = url_refused(body.url)
    if no:
        return refusal(no)
    access = LinkAccess(body.url, body.user, body.password)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        chosen = {name: getattr(body, name) for name in SETTINGS}
        wanted = LinkSettings(kind=body.kind, room_id=inside.room_by(public_id=body.room).room_id, **chosen)
        mine = inside.organisation_id
        made = actions.make_link(session, now(), tools(), mine, actor(), wanted, access)
        if isinstance(made, Refused):
            return made
        if body.paused:
            actions.pause_link(session, now(), mine, actor(), link_by(session, mine, made).line.link_id)
        return _told(session, inside, made)

    return effect(work, 201, refuse=members(NAMES))


@links.get(
    "/calendar-links/<uuid:link_id>",
    summary="One link with its settings, its last runs and the deletions that wait",
    responses=responses(models.WholeLink, 200, 404),
)
@token(Capability.LINKS)
def show(path: models.LinkPath) -> Response:
    session = read()
    whole = _link(session, path.link_id)
    held = held_of(session, whole.line.link_id)
    return answer(
        models.WholeLink(
            **_facts(whole.line, house()),
            **{name: getattr(whole, name) for name in SETTINGS if name not in {"name", "policy"}},
            made_at=whole.made_at,
            last_full_at=whole.last_full_at,
            held_deletions=models.Held(
                hash=held[0].plan_hash if held else None,
                why=held[0].hold if held else "",
                steps=_steps(held[1] if held else ()),
            ),
            calendars=[models.FoundCalendar(**one) for one in whole.quirks.get("calendars", ())],
            runs=[_run(one) for one in runs_of(session, whole.line.link_id, RUNS_TOLD)],
        )
    )


@links.patch(
    "/calendar-links/<uuid:link_id>",
    summary="Change a link: its settings, its address, its credentials",
    responses=responses(models.Link, 200, 404),
)
@token(Capability.LINKS)
def change(path: models.LinkPath, body: models.LinkChange) -> Response:
    """All that is named or nothing."""
    no = url_refused(body.url or "")
    if no:
        return refusal(no)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        known, mine = _link(session, path.link_id), inside.organisation_id
        key = known.line.link_id
        against = actions.change_link(session, now(), mine, actor(), key, _changed(known, body))
        if against is None and (body.url or body.password or body.user is not None):
            given = {"url": body.url or "", "user": body.user, "password": body.password}
            against = renew_access(session, now(), tools(), mine, actor(), key, **given)  # type: ignore[arg-type]  # by name
        return against or _told(session, inside, path.link_id)

    return effect(work, refuse=members(NAMES))


@links.delete(
    "/calendar-links/<uuid:link_id>",
    summary="End a link, and with it the times that it brought",
    responses={**responses(Model, 204, 404), 202: models.Link},
)
@token(Capability.LINKS)
def remove(path: models.LinkPath, query: models.LinkEnd) -> Response:
    whole, removes = _link(read(), path.link_id), query.remove_written
    write(
        lambda db: actions.unlink(db, now(), organisation_id(), actor(), whole.line.link_id, removes=removes),
        nudge=False,
    )
    if removes and whole.line.policy.writes:
        return answer(_told(read(), house(), path.link_id), 202)
    return Response(status=204)


@links.post(
    "/calendar-links/<uuid:link_id>/pause",
    summary="Read and write nothing there until it is resumed; its times stay taken",
    responses=responses(models.Link, 200, 404),
)
@token(Capability.LINKS)
def pause(path: models.LinkPath) -> Response:
    return _done(path.link_id, actions.pause_link)


@links.post(
    "/calendar-links/<uuid:link_id>/resume", summary="Go on at once", responses=responses(models.Link, 200, 404)
)
@token(Capability.LINKS)
def resume(path: models.LinkPath) -> Response:
    return _done(path.link_id, actions.resume_link)


@links.post(
    "/calendar-links/<uuid:link_id>/look",
    summary="Run it within the next seconds",
    responses=responses(models.Link, 200, 404),
)
@token(Capability.LINKS)
def look(path: models.LinkPath) -> Response:
    return _done(path.link_id, lambda db, at, mine, _, key: actions.run_soon(db, at, mine, key))


@links.post(
    "/calendar-links/<uuid:link_id>/plans",
    summary="Have a worker plan it: what a run would do now, with both versions; nothing is written",
    responses=responses(models.Plan, 202, 404, 409),
)
@token(Capability.LINKS)
def make_plan(path: models.LinkPath) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        key = _link(session, path.link_id).line.link_id
        made = link_wishes.ask_plan(session, now(), inside.organisation_id, key)
        return made if isinstance(made, Refused) else _plan(session, path.link_id, made)

    return _nudged(effect(work, 202))


@links.get(
    "/calendar-links/<uuid:link_id>/plans/<uuid:plan_id>",
    summary="A plan, once a worker has made or applied it",
    responses=responses(models.Plan, 200, 404),
)
@token(Capability.LINKS)
def show_plan(path: models.PlanPath) -> Response:
    return answer(_plan(read(), path.link_id, path.plan_id))


@links.post(
    "/calendar-links/<uuid:link_id>/plans/<uuid:plan_id>/apply",
    summary="Have a worker do what the plan with this hash says, if it is still the same",
    responses=responses(models.Plan, 202, 404, 409),
)
@token(Capability.LINKS)
def apply_plan(path: models.PlanPath, body: models.HeldBody) -> Response:
    """The answer is another plan, which tells what became of it. Held deletions of the plan go with it."""

    def work(session: Session, inside: House) -> BaseModel | Refused:
        key, mine = _link(session, path.link_id).line.link_id, inside.organisation_id
        made = link_wishes.ask_apply(session, now(), mine, actor(), key, path.plan_id, body.hash)
        return made if isinstance(made, Refused) else _plan(session, path.link_id, made)

    return _nudged(effect(work, 202))


@links.post(
    "/calendar-links/<uuid:link_id>/held/apply",
    summary="Let the held deletions of the plan with this hash go",
    responses=responses(models.Link, 200, 404, 409),
)
@token(Capability.LINKS)
def apply_held(path: models.LinkPath, body: models.HeldBody) -> Response:
    return _held(path.link_id, body.hash, actions.approve_held)


@links.post(
    "/calendar-links/<uuid:link_id>/held/restore",
    summary="Keep what the held deletions of the plan with this hash would end",
    responses=responses(models.Link, 200, 404, 409),
)
@token(Capability.LINKS)
def restore_held(path: models.LinkPath, body: models.HeldBody) -> Response:
    return _held(path.link_id, body.hash, actions.restore_held)


def _done(link_id: UUID, action: Callable[[Session, Any, int, Any, int], None]) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        action(session, now(), inside.organisation_id, actor(), _link(session, link_id).line.link_id)
        return _told(session, inside, link_id)

    return effect(work)


def _held(link_id: UUID, shown: str, decide: Decide) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        key = _link(session, link_id).line.link_id
        return decide(session, now(), inside.organisation_id, actor(), key, shown) or _told(session, inside, link_id)

    return effect(work)


def _nudged(response: Response) -> Response:
    if response.status_code < 300:
        current().nudger(Wake.LINKS)
    return response


def _changed(known: LinkPage, body: models.LinkChange) -> LinkSettings:
    line = known.line
    stands = LinkSettings(
        line.name,
        line.kind,
        line.room_id,
        line.policy,
        **{name: getattr(known, name) for name in SETTINGS if name not in {"name", "policy"}},
    )
    return replace(stands, **{name: value for name in SETTINGS if (value := getattr(body, name)) is not None})


def _link(session: Session, link_id: UUID) -> LinkPage:
    return link_by(session, organisation_id(), link_id)


def _told(session: Session, inside: House, link_id: UUID) -> models.Link:
    session.flush()
    session.expire_all()
    return models.Link(**_facts(_link(session, link_id).line, inside))


def _facts(line: LinkLine, here: House) -> dict[str, Any]:
    same = ("name", "kind", "policy", "address", "state", "problem", "failures", "last_run_at", "last_success_at")
    counted = ("next_run_at", "items", "asked", "held", "resting", "unwritten", "imported")
    return {name: getattr(line, name) for name in (*same, *counted)} | {
        "id": line.public_id,
        "room": here.room(line.room_id).public_id,
        "problem_text": problem_words(line.problem)[0] if line.problem else "",
    }


def _plan(session: Session, link_id: UUID, plan_id: UUID) -> models.Plan:
    wish: WishLine = wish_by(session, organisation_id(), link_id, plan_id)
    return models.Plan(
        id=wish.public_id,
        kind=wish.kind,
        ready=wish.done_at is not None,
        asked_at=wish.asked_at,
        hash=wish.run.plan_hash if wish.run else "",
        run=_run(wish.run) if wish.run else None,
        steps=_steps(steps_of(session, wish.run.run_id)) if wish.run else [],
    )


def _run(run: RunLine) -> models.Run:
    return models.Run(**{name: getattr(run, name) for name in models.Run.model_fields})


def _steps(steps: Iterable[StepLine]) -> list[models.Step]:
    return [models.Step(**{name: getattr(step, name) for name in models.Step.model_fields}) for step in steps]
