"""Linked booking sites by program: set up, mapped, proven, paused (SPEC Y2, Y8, Y9, X3). Keys and secrets stay in."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import connections as actions
from booking.actions.connections import Access, WithSecret
from booking.reads.connections import CalendarFacts, ConnectionFacts, connection_of, connections_of, deliveries_of
from booking.reads.house import House
from booking.rules.permissions import Capability
from booking.tables.connections import BlockWay
from booking.values.refusals import Refused
from outside.errors import OutsideError
from outside.ycbm_templates import SECRET_HEADER
from web.access import token
from web.api import site_models as models
from web.api.frame import answer, effect, refusal, responses
from web.api.part import ApiPart
from web.api.parts import not_to_keep
from web.refusals import problem
from web.request import actor, end_read, house, now, organisation_id, read, tools
from web.site_access import address_refused, hook_url
from web.site_calls import client_of, error_text, prove_way

sites = ApiPart("api_sites", __name__)


@sites.get("/sites", summary="List the linked booking sites", responses=responses(models.Sites))
@token(Capability.YCBM)
def page() -> Response:
    found = connections_of(read(), organisation_id())
    return answer(models.Sites(sites=[models.Site(**_facts(one, house())) for one in found]))


@sites.get(
    "/sites/<uuid:site_id>",
    summary="One site with the webhooks that came lately",
    responses=responses(models.WholeSite, 200, 404),
)
@token(Capability.YCBM)
def show(path: models.SitePath) -> Response:
    facts = _site(read(), path.site_id)
    came = [
        models.Delivery(
            received_at=one.received_at, event=one.event, size=one.size, read_at=one.read_at, outcome=one.outcome
        )
        for one in deliveries_of(read(), facts.connection_id)
    ]
    return answer(models.WholeSite(**_facts(facts, house()), deliveries=came))


@sites.post(
    "/sites",
    summary="Link a booking site; its webhook secret is told once",
    responses=responses(models.SiteSecret, 201),
)
@token(Capability.YCBM)
def make(body: models.SiteBody) -> Response:
    access = Access(body.name, body.account_id, body.api_key, body.base_url)
    no = address_refused(access.base_url)
    if no:
        return refusal(no)
    return _with_secret(lambda db, mine: actions.make_connection(db, now(), tools(), mine, actor(), access), status=201)


@sites.patch("/sites/<uuid:site_id>", summary="Change a site", responses=responses(models.Site, 200, 404))
@token(Capability.YCBM)
def change(path: models.SitePath, body: models.SiteChange) -> Response:
    """All that is named or nothing."""
    known = _site(read(), path.site_id)
    access = Access(
        body.name or known.name, body.account_id or known.account_id, body.api_key, body.base_url or known.base_url
    )
    no = address_refused(access.base_url)
    if no:
        return refusal(no)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine, key = inside.organisation_id, known.connection_id
        writer, way = body.writer or known.writer, body.block_way or known.block_way
        against = actions.choose_ways(
            session, now(), mine, actor(), key, writer=writer, block_way=way, calendars=body.calendars
        )
        against = against or actions.change_access(session, now(), tools(), mine, actor(), key, access)
        return against or _told(session, inside, path.site_id)

    return effect(work)


@sites.put(
    "/sites/<uuid:site_id>/pages",
    summary="Which booking page there stands for which room",
    responses=responses(models.Site, 200, 404),
)
@token(Capability.YCBM)
def map_pages(path: models.SitePath, body: models.PagesBody) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        known = _site(session, path.site_id)
        pages = {page: inside.room_by(public_id=room).room_id for page, room in body.pages.items()}
        actions.map_pages(session, now(), inside.organisation_id, actor(), known.connection_id, pages)
        return _told(session, inside, path.site_id)

    return effect(work)


@sites.post(
    "/sites/<uuid:site_id>/secret",
    summary="Replace the secret of its webhooks; the new one is told once",
    responses=responses(models.SiteSecret, 200, 404),
)
@token(Capability.YCBM)
def rotate(path: models.SitePath) -> Response:
    known = _site(read(), path.site_id)
    return _with_secret(lambda db, mine: actions.rotate_secret(db, now(), mine, actor(), known.connection_id))


@sites.post(
    "/sites/<uuid:site_id>/pause",
    summary="Read and write nothing there until it is resumed",
    responses=responses(models.Site, 200, 404),
)
@token(Capability.YCBM)
def pause(path: models.SitePath) -> Response:
    return _paused(path.site_id, paused=True)


@sites.post("/sites/<uuid:site_id>/resume", summary="Go on at once", responses=responses(models.Site, 200, 404))
@token(Capability.YCBM)
def resume(path: models.SitePath) -> Response:
    return _paused(path.site_id, paused=False)


@sites.post(
    "/sites/<uuid:site_id>/poll", summary="Read it within the next seconds", responses=responses(models.Site, 200, 404)
)
@token(Capability.YCBM)
def poll(path: models.SitePath) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        known = _site(session, path.site_id)
        actions.poll_now(session, now(), inside.organisation_id, known.connection_id)
        return _told(session, inside, path.site_id)

    return effect(work)


@sites.get(
    "/sites/<uuid:site_id>/remote-pages",
    summary="Ask the site for its booking pages; changes nothing there",
    responses=responses(models.RemotePages, 200, 404, 502),
)
@token(Capability.YCBM)
def remote_pages(path: models.SitePath) -> Response:
    client = client_of(read(), _site(read(), path.site_id).public_id)
    end_read()
    try:
        found = client.profiles()
    except OutsideError as error:
        return problem(502, "site-failed", error_text(error))
    pages = [models.RemotePage(id=one.id, title=one.title, subdomain=one.subdomain) for one in found]
    return answer(models.RemotePages(pages=pages))


@sites.post(
    "/sites/<uuid:site_id>/prove",
    summary="Hold a test time there, read it again, remove it",
    responses=responses(models.Site, 200, 404) | {202: models.Site},
)
@token(Capability.YCBM)
def prove(path: models.SitePath) -> Response:
    """Each call tries it out anew, so a key is not looked at. With calendars it is 202: workers do it, and the site
    tells how far they are.
    """
    known = _site(read(), path.site_id)
    if known.block_way is BlockWay.CALENDAR:

        def ask(session: Session, inside: House) -> BaseModel | Refused:
            no = actions.ask_proof(session, now(), inside.organisation_id, actor(), known.connection_id)
            return no or _told(session, inside, path.site_id)

        return effect(ask, 202)
    trouble = prove_way(known)
    if trouble:
        return problem(422, "not-proven", trouble)
    return answer(_told(read(), house(), path.site_id))


def _paused(site_id: UUID, *, paused: bool) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        known = _site(session, site_id)
        actions.pause(session, now(), inside.organisation_id, actor(), known.connection_id, paused=paused)
        return _told(session, inside, site_id)

    return effect(work)


def _with_secret(action: Callable[[Session, int], WithSecret | Refused], status: int = 200) -> Response:
    """The secret is put into this one answer; what is stored under a key never holds it."""
    told: list[str] = []

    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = action(session, inside.organisation_id)
        if isinstance(made, Refused):
            return made
        told[:] = [made.secret]
        return models.SiteSecret(
            id=made.public_id, hook_url=hook_url(made.public_id), header=SECRET_HEADER, secret=None
        )

    def dress(body: dict[str, Any]) -> dict[str, Any]:
        return {**body, "secret": told[0] if told else None}

    return not_to_keep(effect(work, status, dress=dress))


def _site(session: Session, site_id: UUID) -> ConnectionFacts:
    return connection_of(session, organisation_id(), site_id)


def _told(session: Session, inside: House, site_id: UUID) -> models.Site:
    session.flush()
    return models.Site(**_facts(_site(session, site_id), inside))


def _facts(facts: ConnectionFacts, here: House) -> dict[str, Any]:
    return {
        "id": facts.public_id,
        "name": facts.name,
        "account_id": facts.account_id,
        "base_url": facts.base_url,
        "hook_url": hook_url(facts.public_id),
        "writer": facts.writer,
        "block_way": facts.block_way,
        "proven_at": facts.proven_at,
        "polled_at": facts.polled_at,
        "next_poll_at": facts.next_poll_at,
        "paused_at": facts.paused_at,
        "failures": facts.failures,
        "last_error": facts.last_error,
        "stuck": facts.stuck,
        "pages": {page: here.room(room_id).public_id for page, room_id in facts.pages.items()},
        "calendars": {page: _calendar(one) for page, one in facts.calendars.items()},
    }


def _calendar(one: CalendarFacts) -> models.SiteCalendar:
    return models.SiteCalendar(
        link=one.link_id,
        phase=one.phase,
        until=one.until,
        test_starts_at=one.slot.start if one.slot else None,
        problem=one.problem,
        detail=one.detail,
        proven_at=one.proven_at,
    )
