"""The house's settings by program: letterhead, review, limits, findings, legal texts, terms of rooms (SPEC S8, S22)."""

from typing import Any

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import settings as actions
from booking.actions.settings import ROOM_RANGES
from booking.reads.house import House
from booking.reads.settings import TermsLine, house_values, newest_terms, room_values
from booking.rules.findings_table import KINDS
from booking.rules.permissions import Capability
from booking.values.findings import Threshold
from booking.values.house import CancelStep
from booking.values.refusals import NotFound, Refused
from web.access import token
from web.api import settings_house_models as models
from web.api.frame import answer, effect, responses
from web.api.models import RoomPath
from web.api.part import ApiPart
from web.api.parts import key_of, members, public_of
from web.api.prices import LIST
from web.finding_words import finding_names
from web.request import actor, house, now, organisation_id, read

settings = ApiPart("api_settings", __name__)
_refuse = members({"price_list_id": "price_list"})


@settings.get("/house", summary="The house's settings", responses=responses(models.HouseSettings))
@token(Capability.SETTINGS)
def show() -> Response:
    return answer(_house(read(), organisation_id()))


@settings.patch("/house", summary="Change settings of the house", responses=responses(models.HouseSettings))
@token(Capability.SETTINGS)
def change(body: models.HouseChange) -> Response:
    """All that is named or nothing."""
    wanted = body.model_dump(exclude_unset=True)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        no = actions.change_house(session, now(), mine, actor(), wanted)
        return no or _house(session, mine)

    return effect(work)


@settings.get(
    "/rooms/<uuid:room_id>/terms", summary="How a room is booked", responses=responses(models.RoomTerms, 200, 404)
)
@token(Capability.SETTINGS)
def show_terms(path: RoomPath) -> Response:
    return answer(_terms(room_values(read(), organisation_id(), path.room_id)))


@settings.patch(
    "/rooms/<uuid:room_id>/terms",
    summary="Change how a room is booked",
    responses=responses(models.RoomTerms, 200, 404),
)
@token(Capability.SETTINGS)
def change_terms(path: RoomPath, body: models.TermsChange) -> Response:
    wanted = body.model_dump(exclude_unset=True)
    if "price_list" in wanted:
        wanted["price_list_id"] = key_of(LIST, wanted.pop("price_list"))
    if "cancel_steps" in wanted:
        wanted["cancel_steps"] = tuple(CancelStep(one.days_before, one.fee_percent) for one in body.cancel_steps)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine, room_id = inside.organisation_id, inside.room_by(public_id=path.room_id).room_id
        no = actions.change_room(session, now(), mine, actor(), room_id, wanted)
        return no or _terms(room_values(session, mine, path.room_id))

    return effect(work, refuse=_refuse)


@settings.get(
    "/findings",
    summary="What is looked for in a request, and how it weighs",
    responses=responses(models.FindingSettings),
)
@token(Capability.SETTINGS)
def list_findings() -> Response:
    return answer(_findings(_thresholds(house())))


@settings.put(
    "/findings/<string:code>", summary="Weigh a finding anew", responses=responses(models.FindingSettings, 200, 404)
)
@token(Capability.SETTINGS)
def weigh(path: models.FindingPath, body: models.FindingBody) -> Response:
    if path.code not in KINDS:
        raise NotFound("finding", path.code)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        wanted = _thresholds(inside)
        number = wanted[path.code].number if body.number is None else body.number
        measured = KINDS[path.code].measure is not None
        wanted[path.code] = Threshold(body.weight, number if measured else None)
        no = actions.set_thresholds(session, now(), inside.organisation_id, actor(), wanted)
        return no or _findings(wanted)

    return effect(work)


@settings.get("/legal-texts", summary="The newest version of each legal text", responses=responses(models.LegalTexts))
@token(Capability.SETTINGS)
def list_texts() -> Response:
    found = newest_terms(read(), organisation_id())
    return answer(models.LegalTexts(texts=[_text(found[which]) for which in sorted(found)]))


@settings.post("/legal-texts", summary="Publish a new version from now on", responses=responses(models.LegalText, 201))
@token(Capability.SETTINGS)
def publish(body: models.LegalBody) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        made = actions.publish_terms(session, now(), mine, actor(), body.kind, body.language, body.text)
        return made if isinstance(made, Refused) else _text(newest_terms(session, mine)[body.kind, body.language])

    return effect(work, 201)


def _house(session: Session, organisation: int) -> models.HouseSettings:
    session.flush()
    values = house_values(session, organisation)
    return models.HouseSettings(**{name: values[name] for name in models.HouseSettings.model_fields})


def _terms(values: dict[str, Any]) -> models.RoomTerms:
    named = {name: values[name] for name in ROOM_RANGES if name in models.RoomTerms.model_fields}
    steps = [
        models.CancelStep(days_before=one.days_before, fee_percent=one.fee_percent) for one in values["cancel_steps"]
    ]
    return models.RoomTerms(**named, cancel_steps=steps, price_list=public_of(LIST, values["price_list_id"]))


def _thresholds(here: House) -> dict[str, Threshold]:
    return {code: here.thresholds.get(code, kind.threshold) for code, kind in KINDS.items()}


def _findings(thresholds: dict[str, Threshold]) -> models.FindingSettings:
    names = finding_names()
    found = [
        models.FindingSetting(
            code=code,
            name=names[code],
            weight=one.weight,
            number=one.number,
            measured=KINDS[code].measure is not None,
        )
        for code, one in thresholds.items()
    ]
    return models.FindingSettings(findings=found)


def _text(line: TermsLine) -> models.LegalText:
    return models.LegalText(
        kind=line.kind, language=line.language, version=line.version, text=line.text, published_at=line.published_at
    )
