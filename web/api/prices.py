"""Price lists by program (SPEC S25, X3, X12). A change never reprices what was requested."""

from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import extras
from booking.actions import settings as actions
from booking.reads.house import House
from booking.reads.settings import PriceLists, price_lists
from booking.rules.permissions import Capability
from booking.values.money import BasisPoints
from booking.values.refusals import NotFound, Refused
from web.access import token
from web.api import settings_models as models
from web.api.frame import answer, effect, responses
from web.api.models import Model
from web.api.part import ApiPart
from web.api.parts import key_of, members, public_of
from web.api.price_parts import EXTRA, GROUP, group_of
from web.request import actor, now, organisation_id, read, write

LIST, PRICE, SEASON = "price list", "price", "season"

prices = ApiPart("api_prices", __name__)
_refuse = members(
    {"vat_rate": "vat_basis_points", "minimum": "minimum_cents", "season_id": "season", "group_id": "group"}
)


@prices.get("/price-lists", summary="The price lists with their prices", responses=responses(models.PriceLists))
@token(Capability.PRICES)
def page() -> Response:
    found = price_lists(read(), organisation_id())
    return answer(models.PriceLists(price_lists=[_list(one) for one in found]))


@prices.post("/price-lists", summary="Make a price list", responses=responses(models.PriceList, 201))
@token(Capability.PRICES)
def make(body: models.PriceListBody) -> Response:
    return _put_list(None, body, 201)


@prices.put(
    "/price-lists/<uuid:list_id>",
    summary="Change a price list; its prices stay",
    responses=responses(models.PriceList, 200, 404),
)
@token(Capability.PRICES)
def change(path: models.ListPath, body: models.PriceListBody) -> Response:
    return _put_list(key_of(LIST, path.list_id), body)


@prices.post(
    "/price-lists/<uuid:list_id>/prices", summary="Add a price", responses=responses(models.PriceList, 201, 404)
)
@token(Capability.PRICES)
def add_price(path: models.ListPath, body: models.PriceBody) -> Response:
    return _put_price(path.list_id, None, body, 201)


@prices.put(
    "/price-lists/<uuid:list_id>/prices/<uuid:price_id>",
    summary="Change a price",
    responses=responses(models.PriceList, 200, 404),
)
@token(Capability.PRICES)
def change_price(path: models.PricePath, body: models.PriceBody) -> Response:
    return _put_price(path.list_id, key_of(PRICE, path.price_id), body)


@prices.delete(
    "/price-lists/<uuid:list_id>/prices/<uuid:price_id>",
    summary="Remove a price; what is requested already keeps it",
    responses=responses(Model, 204, 404),
)
@token(Capability.PRICES)
def remove_price(path: models.PricePath) -> Response:
    mine, price_id = organisation_id(), key_of(PRICE, path.price_id)
    known = _known(read(), mine, key_of(LIST, path.list_id))
    if not any(rule["id"] == price_id for rule in known.rules):
        raise NotFound(PRICE, path.price_id)
    write(lambda db: actions.remove_price_rule(db, now(), mine, actor(), price_id), nudge=False)
    return Response(status=204)


@prices.post(
    "/price-lists/<uuid:list_id>/extras", summary="Add an extra", responses=responses(models.PriceList, 201, 404)
)
@token(Capability.PRICES)
def add_extra(path: models.ListPath, body: models.ExtraBody) -> Response:
    return _put_extra(path.list_id, None, body, 201)


@prices.put(
    "/price-lists/<uuid:list_id>/extras/<uuid:extra_id>",
    summary="Change an extra; what is requested already keeps it as it was",
    responses=responses(models.PriceList, 200, 404),
)
@token(Capability.PRICES)
def change_extra(path: models.ExtraPath, body: models.ExtraBody) -> Response:
    return _put_extra(path.list_id, key_of(EXTRA, path.extra_id), body)


@prices.delete(
    "/price-lists/<uuid:list_id>/extras/<uuid:extra_id>",
    summary="Remove an extra; what is requested already keeps it",
    responses=responses(Model, 204, 404),
)
@token(Capability.PRICES)
def remove_extra(path: models.ExtraPath) -> Response:
    mine, extra_id = organisation_id(), key_of(EXTRA, path.extra_id)
    known = _known(read(), mine, key_of(LIST, path.list_id))
    if not any(extra["id"] == extra_id for extra in known.extras):
        raise NotFound(EXTRA, path.extra_id)
    write(lambda db: extras.remove_extra(db, now(), mine, actor(), extra_id), nudge=False)
    return Response(status=204)


def _put_extra(list_id: UUID, extra_id: int | None, body: models.ExtraBody, status: int = 200) -> Response:
    key = key_of(LIST, list_id)
    wanted = body.model_dump(exclude={"vat_basis_points"}) | {"vat_rate": body.vat_basis_points}

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        made = extras.put_extra(session, now(), mine, actor(), key, extra_id, wanted)
        return made if isinstance(made, Refused) else _list(_known(session, mine, key))

    return effect(work, status, refuse=_refuse)


def _put_list(list_id: int | None, body: models.PriceListBody, status: int = 200) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        wanted = {
            "name": body.name,
            "vat_rate": BasisPoints(body.vat_basis_points),
            "exemption": body.exemption or None,
            "minimum": body.minimum_cents,
        }
        made = actions.put_price_list(session, now(), mine, actor(), list_id, wanted)
        return made if isinstance(made, Refused) else _list(_known(session, mine, made))

    return effect(work, status, refuse=_refuse)


def _put_price(list_id: UUID, price_id: int | None, body: models.PriceBody, status: int = 200) -> Response:
    key = key_of(LIST, list_id)
    wanted: dict[str, Any] = body.model_dump(exclude={"season", "group", "weekdays"}) | {
        "weekdays": sorted(set(body.weekdays)),
        "season_id": key_of(SEASON, body.season) if body.season else None,
        "group_id": key_of(GROUP, body.group) if body.group else None,
    }

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        made = actions.put_price_rule(session, now(), mine, actor(), key, price_id, wanted)
        return made if isinstance(made, Refused) else _list(_known(session, mine, key))

    return effect(work, status, refuse=_refuse)


def _known(session: Session, organisation_id: int, list_id: int) -> PriceLists:
    session.flush()
    found = next((one for one in price_lists(session, organisation_id) if one.list_id == list_id), None)
    if found is None:
        raise NotFound(LIST, list_id)
    return found


def _list(found: PriceLists) -> models.PriceList:
    return models.PriceList(
        id=public_of(LIST, found.list_id),
        name=found.values["name"],
        vat_basis_points=found.values["vat_rate"],
        exemption=found.values["exemption"],
        minimum_cents=found.values["minimum"],
        rooms=list(found.rooms),
        prices=[_price(rule) for rule in found.rules],
        extras=[_extra(extra) for extra in found.extras],
    )


def _price(rule: dict[str, Any]) -> models.Price:
    return models.Price(
        id=public_of(PRICE, rule["id"]),
        name=rule["name"],
        cents=rule["cents"],
        per_hour=rule["per_hour"],
        weekdays=rule["weekdays"],
        from_time=rule["from_time"],
        to_time=rule["to_time"],
        season=public_of(SEASON, rule["season_id"]) if rule["season_id"] is not None else None,
        group=group_of(rule["group_id"]),
        rank=rule["rank"],
    )


def _extra(extra: dict[str, Any]) -> models.Extra:
    return models.Extra(
        id=public_of(EXTRA, extra["id"]),
        name=extra["name"],
        cents=extra["cents"],
        per=extra["per"],
        vat_basis_points=extra["vat_rate"],
        most=extra["most"],
        active=extra["active"],
        rank=extra["rank"],
    )
