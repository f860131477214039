"""Staff, the table of roles, and API tokens by program (SPEC R1, R2, X3). A token reaches no further than its role."""

from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import staff as actions
from booking.actions.accounts import make_api_token, make_staff, revoke_api_token
from booking.reads.api_tokens import TokenLine, token_lines
from booking.reads.house import House
from booking.reads.settings import StaffLine, staff_lines
from booking.rules.permissions import TABLE, Capability
from booking.values.refusals import NotFound, Refused, refused
from web.access import token
from web.api import settings_models as models
from web.api.frame import answer, effect, refusal, replayed, responses
from web.api.models import Model
from web.api.part import ApiPart
from web.api.parts import caller_role, key_of, not_to_keep, public_of
from web.passwords import hash_password
from web.request import actor, now, organisation_id, read, write

TOKEN = "api token"  # noqa: S105 - a kind of record, no secret

staff = ApiPart("api_staff", __name__)


@staff.get("/staff", summary="Everybody who works or worked here", responses=responses(models.Members))
@token(Capability.STAFF)
def page() -> Response:
    return answer(models.Members(staff=[_member(one) for one in staff_lines(read(), organisation_id())]))


@staff.post("/staff", summary="Make a member of staff", responses=responses(models.Member, 201, 409))
@token(Capability.STAFF)
def make(body: models.StaffBody) -> Response:
    """The password is hashed before the write begins (DESIGN rule 1)."""
    known = replayed()
    if known is not None:
        return known
    if not actions.may_touch(caller_role(), body.role):
        return refusal(refused("only-owners"))
    hashed = hash_password(body.password)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = make_staff(
            session,
            now(),
            inside.organisation_id,
            actor(),
            email=body.email,
            name=body.name,
            role=body.role,
            password_hash=hashed,
            language=body.language,
        )
        return made if isinstance(made, Refused) else _member(_person(session, made.public_id))

    return effect(work, 201)


@staff.post(
    "/staff/<uuid:staff_id>/role", summary="Give another role", responses=responses(models.Member, 200, 404, 409)
)
@token(Capability.STAFF)
def change_role(path: models.StaffPath, body: models.RoleBody) -> Response:
    by = caller_role()

    def work(session: Session, inside: House) -> BaseModel | Refused:
        known = _person(session, path.staff_id)
        no = actions.change_role(session, now(), inside.organisation_id, actor(), by, known.staff_id, body.role)
        return no or _told(session, path.staff_id)

    return effect(work)


@staff.post(
    "/staff/<uuid:staff_id>/password",
    summary="Set another password; all log-ins of the person end",
    responses=responses(models.Member, 200, 404, 409),
)
@token(Capability.STAFF)
def set_password(path: models.StaffPath, body: models.PasswordBody) -> Response:
    by, known = caller_role(), _person(read(), path.staff_id)
    stored = replayed()
    if stored is not None:
        return stored
    hashed = hash_password(body.password)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = actions.set_password(session, now(), inside.organisation_id, actor(), by, known.staff_id, hashed)
        return no or _told(session, path.staff_id)

    return effect(work)


@staff.post(
    "/staff/<uuid:staff_id>/disable",
    summary="End somebody's log-ins for good",
    responses=responses(models.Member, 200, 404, 409),
)
@token(Capability.STAFF)
def disable(path: models.StaffPath) -> Response:
    return _disabled(path.staff_id, disabled=True)


@staff.post(
    "/staff/<uuid:staff_id>/enable", summary="Let somebody in again", responses=responses(models.Member, 200, 404, 409)
)
@token(Capability.STAFF)
def enable(path: models.StaffPath) -> Response:
    return _disabled(path.staff_id, disabled=False)


@staff.get("/roles", summary="What each role may do, and how far", responses=responses(models.Roles))
@token(Capability.ROLES_READ)
def roles() -> Response:
    return answer(models.Roles(roles=[models.RoleLine(role=role, may=may) for role, may in TABLE.items()]))


@staff.get("/api-tokens", summary="The tokens; never what they say", responses=responses(models.Tokens))
@token(Capability.API_TOKENS)
def list_tokens() -> Response:
    return answer(models.Tokens(tokens=[_token(one) for one in token_lines(read(), organisation_id())]))


@staff.post("/api-tokens", summary="Make a token; it is told once", responses=responses(models.TokenMade, 201))
@token(Capability.API_TOKENS)
def make_token(body: models.TokenBody) -> Response:
    if not actions.may_touch(caller_role(), body.role):
        return refusal(refused("only-owners"))
    told: list[str] = []

    def work(session: Session, inside: House) -> BaseModel | Refused:
        row, text = make_api_token(session, now(), inside.organisation_id, actor(), body.name, body.role)
        told[:] = [text]
        return models.TokenMade(id=public_of(TOKEN, row.id), name=row.name, role=row.role, token=None)

    def dress(stored: dict[str, Any]) -> dict[str, Any]:
        return {**stored, "token": told[0] if told else None}

    return not_to_keep(effect(work, 201, dress=dress))


@staff.delete("/api-tokens/<uuid:token_id>", summary="Revoke a token at once", responses=responses(Model, 204, 404))
@token(Capability.API_TOKENS)
def revoke_token(path: models.TokenPath) -> Response:
    """A second time changes nothing, so it needs no key."""
    token_id, mine = key_of(TOKEN, path.token_id), organisation_id()
    known = next((one for one in token_lines(read(), mine) if one.token_id == token_id), None)
    if known is None:
        raise NotFound(TOKEN, path.token_id)
    if not actions.may_touch(caller_role(), known.role):
        return refusal(refused("only-owners"))
    write(lambda db: revoke_api_token(db, now(), mine, actor(), token_id), nudge=False)
    return Response(status=204)


def _disabled(staff_id: UUID, *, disabled: bool) -> Response:
    by = caller_role()

    def work(session: Session, inside: House) -> BaseModel | Refused:
        known = _person(session, staff_id)
        mine = inside.organisation_id
        no = actions.set_disabled(session, now(), mine, actor(), by, known.staff_id, disabled=disabled)
        return no or _told(session, staff_id)

    return effect(work)


def _person(session: Session, staff_id: UUID) -> StaffLine:
    found = next((one for one in staff_lines(session, organisation_id()) if one.public_id == staff_id), None)
    if found is None:
        raise NotFound("staff", staff_id)
    return found


def _told(session: Session, staff_id: UUID) -> models.Member:
    session.flush()
    return _member(_person(session, staff_id))


def _member(one: StaffLine) -> models.Member:
    return models.Member(id=one.public_id, name=one.name, email=one.email, role=one.role, disabled_at=one.disabled_at)


def _token(one: TokenLine) -> models.TokenLine:
    return models.TokenLine(
        id=public_of(TOKEN, one.token_id),
        name=one.name,
        role=one.role,
        made_by=one.made_by,
        created_at=one.created_at,
        last_used_at=one.last_used_at,
        revoked_at=one.revoked_at,
    )
