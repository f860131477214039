"""Customer groups by program (SPEC S25, K26, X3, X12). A change never reprices what was requested."""

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import groups as actions
from booking.reads.house import House, read_house
from booking.rules.permissions import Capability
from booking.values.house import CustomerGroup
from booking.values.refusals import Refused
from web.access import token
from web.api import settings_models as models
from web.api.frame import answer, effect, refusal, responses
from web.api.models import Model
from web.api.part import ApiPart
from web.api.parts import key_of, public_of
from web.api.price_parts import GROUP
from web.request import actor, house, now, organisation_id, write

groups = ApiPart("api_groups", __name__)


@groups.get("/customer-groups", summary="The customer groups", responses=responses(models.Groups))
@token(Capability.CUSTOMERS)
def page() -> Response:
    return answer(models.Groups(groups=[_group(one) for one in house().groups]))


@groups.post("/customer-groups", summary="Make a customer group", responses=responses(models.Group, 201, 409))
@token(Capability.PRICES)
def make(body: models.GroupBody) -> Response:
    return _put(None, body, 201)


@groups.put(
    "/customer-groups/<uuid:group_id>",
    summary="Rename a customer group",
    responses=responses(models.Group, 200, 404, 409),
)
@token(Capability.PRICES)
def change(path: models.GroupPath, body: models.GroupBody) -> Response:
    return _put(key_of(GROUP, path.group_id), body)


@groups.delete(
    "/customer-groups/<uuid:group_id>",
    summary="Remove a customer group that nobody is in and no price is for",
    responses=responses(Model, 204, 404, 409),
)
@token(Capability.PRICES)
def remove(path: models.GroupPath) -> Response:
    key = key_of(GROUP, path.group_id)
    no = write(lambda db: actions.remove_group(db, now(), organisation_id(), actor(), key), nudge=False)
    return refusal(no) if no else Response(status=204)


def _put(group_id: int | None, body: models.GroupBody, status: int = 200) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        made = actions.put_group(session, now(), mine, actor(), group_id, {"name": body.name})
        return made if isinstance(made, Refused) else _made(read_house(session, mine), made)

    return effect(work, status)


def _made(here: House, group_id: int) -> models.Group:
    return _group(CustomerGroup(group_id, here.group_name(group_id)))


def _group(one: CustomerGroup) -> models.Group:
    return models.Group(id=public_of(GROUP, one.group_id), name=one.name)
