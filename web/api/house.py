"""The house by program: branches, rooms and doors are made, changed, taken out of use (SPEC R2, X3, X12)."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import branches as branch_actions
from booking.actions import house_doors as door_actions
from booking.actions import rooms as room_actions
from booking.actions.settings import change_room
from booking.reads.house import House
from booking.reads.house_parts import (
    BranchLine,
    DoorLine,
    branch_line,
    branch_lines,
    door_line,
    door_lines,
    room_ids,
    room_units,
)
from booking.reads.settings import price_lists, room_values
from booking.rules.parts import inside
from booking.rules.permissions import Capability
from booking.values.refusals import Reason, Refused
from web.access import token
from web.api import house_models as models
from web.api.frame import answer, effect, refusal, responses
from web.api.models import Model, RoomPath
from web.api.part import ApiPart
from web.api.rooms import rooms
from web.request import actor, house, now, organisation_id, read, write

MEMBERS = {"branch_id": "branch", "door_id": "door", "price_list_id": "price_list"}
OF_TERMS = frozenset({"description", "most_people", "door_id"})

plan = ApiPart("api_house", __name__)


@plan.get("/branches", summary="List the branches", responses=responses(models.Branches))
@token(Capability.SETTINGS)
def list_branches() -> Response:
    return answer(models.Branches(branches=[_branch(one) for one in branch_lines(read(), organisation_id())]))


@plan.post("/branches", summary="Make a branch", responses=responses(models.Branch, 201, 409))
@token(Capability.SETTINGS)
def make_branch(body: models.BranchBody) -> Response:
    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine = inside_of.organisation_id
        made = branch_actions.add_branch(session, now(), mine, actor(), body.model_dump())
        return made if isinstance(made, Refused) else _branch(branch_line(session, mine, made))

    return effect(work, 201, refuse=_refuse)


@plan.patch("/branches/<uuid:branch_id>", summary="Change a branch", responses=responses(models.Branch, 200, 404, 409))
@token(Capability.SETTINGS)
def change_branch(path: models.BranchPath, body: models.BranchChange) -> Response:
    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine = inside_of.organisation_id
        known = branch_line(session, mine, path.branch_id)
        wanted = body.model_dump(exclude_unset=True)
        no = branch_actions.change_branch(session, now(), mine, actor(), known.branch_id, wanted)
        return no or _branch(branch_line(session, mine, path.branch_id))

    return effect(work, refuse=_refuse)


@plan.delete("/branches/<uuid:branch_id>", summary="Remove an empty branch", responses=responses(Model, 204, 404, 409))
@token(Capability.SETTINGS)
def remove_branch(path: models.BranchPath) -> Response:
    known = branch_line(read(), organisation_id(), path.branch_id)
    return _removed(lambda db, mine: branch_actions.remove_branch(db, now(), mine, actor(), known.branch_id))


@plan.get("/rooms/<uuid:room_id>", summary="One room as it is set up", responses=responses(models.RoomPlan, 200, 404))
@token(Capability.SETTINGS)
def show_room(path: RoomPath) -> Response:
    return answer(_room(read(), organisation_id(), path.room_id))


# On the blueprint of `GET /rooms`: of two blueprints with one path the description would hold the last alone.
@rooms.post("/rooms", summary="Make a room", responses=responses(models.RoomPlan, 201, 404, 409))
@token(Capability.SETTINGS)
def make_room(body: models.RoomBody) -> Response:
    """It can be requested once it has opening hours."""

    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine = inside_of.organisation_id
        lists = {one.values["name"]: one.list_id for one in price_lists(session, mine)}
        if body.price_list not in lists:
            return Refused((Reason("no-such-price-list", "price_list"),))
        given = body.model_dump(exclude={"branch", "door", "inside", "price_list"})
        wanted = given | {
            "price_list_id": lists[body.price_list],
            "branch_id": branch_line(session, mine, body.branch).branch_id,
            "door_id": door_line(session, mine, body.door).door_id if body.door else None,
            "inside": _room_ids(inside_of, body.inside),
        }
        made = room_actions.add_room(session, now(), mine, actor(), wanted)
        return made if isinstance(made, Refused) else _room(session, mine, made)

    return effect(work, 201, refuse=_refuse)


@plan.patch("/rooms/<uuid:room_id>", summary="Change a room", responses=responses(models.RoomPlan, 200, 404, 409))
@token(Capability.SETTINGS)
def change(path: RoomPath, body: models.RoomChange) -> Response:
    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine, room_id = inside_of.organisation_id, inside_of.room_by(public_id=path.room_id).room_id
        wanted = _wanted(session, inside_of, body)
        terms = {name: value for name, value in wanted.items() if name in OF_TERMS}
        place = {name: value for name, value in wanted.items() if name not in OF_TERMS}
        with session.begin_nested() as both:
            placed = room_actions.place_room(session, now(), mine, actor(), room_id, place)
            changed = change_room(session, now(), mine, actor(), room_id, terms)
            reasons = [reason for no in (placed, changed) if no for reason in no.reasons]
            if reasons:
                both.rollback()
                return Refused(tuple(reasons))
        return _room(session, mine, path.room_id)

    return effect(work, refuse=_refuse)


@plan.post(
    "/rooms/<uuid:room_id>/archive",
    summary="Take a room out of use; refused while something is booked in it",
    responses=responses(models.RoomPlan, 200, 404, 409),
)
@token(Capability.SETTINGS)
def archive(path: RoomPath) -> Response:
    return _archived(path.room_id, archived=True)


@plan.post("/rooms/<uuid:room_id>/restore", summary="Bring a room back", responses=responses(models.RoomPlan, 200, 404))
@token(Capability.SETTINGS)
def restore(path: RoomPath) -> Response:
    return _archived(path.room_id, archived=False)


@plan.get("/doors", summary="List the doors; never their codes", responses=responses(models.Doors))
@token(Capability.SETTINGS)
def list_doors() -> Response:
    mine = organisation_id()
    return answer(models.Doors(doors=[_door(read(), mine, house(), one) for one in door_lines(read(), mine)]))


@plan.post("/doors", summary="Make a door", responses=responses(models.Door, 201, 404, 409))
@token(Capability.SETTINGS)
def make_door(body: models.DoorBody) -> Response:
    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine = inside_of.organisation_id
        wanted = body.model_dump(exclude={"branch", "rooms"}) | {
            "branch_id": branch_line(session, mine, body.branch).branch_id,
            "rooms": _room_ids(inside_of, body.rooms),
        }
        made = door_actions.add_door(session, now(), mine, actor(), wanted)
        return made if isinstance(made, Refused) else _door(session, mine, inside_of, door_line(session, mine, made))

    return effect(work, 201, refuse=_refuse)


@plan.patch("/doors/<uuid:door_id>", summary="Change a door", responses=responses(models.Door, 200, 404, 409))
@token(Capability.SETTINGS)
def change_door(path: models.DoorPath, body: models.DoorChange) -> Response:
    """Codes that it has already stay as they are."""

    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine = inside_of.organisation_id
        known = door_line(session, mine, path.door_id)
        wanted = _wanted(session, inside_of, body)
        no = door_actions.change_door(session, now(), mine, actor(), known.door_id, wanted)
        return no or _door(session, mine, inside_of, door_line(session, mine, path.door_id))

    return effect(work, refuse=_refuse)


@plan.delete(
    "/doors/<uuid:door_id>",
    summary="Remove a door of which no code was given out",
    responses=responses(Model, 204, 404, 409),
)
@token(Capability.SETTINGS)
def remove_door(path: models.DoorPath) -> Response:
    known = door_line(read(), organisation_id(), path.door_id)
    return _removed(lambda db, mine: door_actions.remove_door(db, now(), mine, actor(), known.door_id))


def _archived(public_id: UUID, *, archived: bool) -> Response:
    def work(session: Session, inside_of: House) -> BaseModel | Refused:
        mine, room_id = inside_of.organisation_id, inside_of.room_by(public_id=public_id).room_id
        no = room_actions.archive_room(session, now(), mine, actor(), room_id, archived=archived)
        return no or _room(session, mine, public_id)

    return effect(work, refuse=_refuse)


def _removed(action: Callable[[Session, int], Refused | None]) -> Response:
    mine = organisation_id()
    no = write(lambda db: action(db, mine), nudge=False)
    return _refuse(no) if no else Response(status=204)


def _refuse(no: Refused) -> Response:
    """The reasons at the members of the call, where the action knows columns."""
    return refusal(Refused(tuple(replace(one, at=MEMBERS.get(one.at or "", one.at)) for one in no.reasons)))


def _wanted(session: Session, inside_of: House, body: models.RoomChange | models.DoorChange) -> dict[str, Any]:
    """What a change names, with inner ids for public ones."""
    mine = inside_of.organisation_id
    wanted = body.model_dump(exclude_unset=True)
    branch = wanted.pop("branch", None)
    if branch is not None:
        wanted["branch_id"] = branch_line(session, mine, branch).branch_id
    if "door" in wanted:
        door = wanted.pop("door")
        wanted["door_id"] = door_line(session, mine, door).door_id if door else None
    for name in ("inside", "rooms"):
        if name in wanted:
            wanted[name] = _room_ids(inside_of, wanted[name])
    return wanted


def _room_ids(inside_of: House, public_ids: Iterable[UUID]) -> tuple[int, ...]:
    return tuple(inside_of.room_by(public_id=one).room_id for one in dict.fromkeys(public_ids))


def _branch(line: BranchLine) -> models.Branch:
    return models.Branch(
        id=line.public_id, name=line.name, street=line.street, postcode=line.postcode, city=line.city, zone=line.zone
    )


def _room(session: Session, mine: int, public_id: UUID) -> models.RoomPlan:
    """Read in the session at hand, so that an answer tells what was just written."""
    values = room_values(session, mine, public_id)
    branches = {one.branch_id: one.public_id for one in branch_lines(session, mine)}
    doors = {one.door_id: one.public_id for one in door_lines(session, mine)}
    held = inside(values["id"], room_units(session, mine))
    public_ids = room_ids(session, mine)
    return models.RoomPlan(
        id=public_id,
        name=values["name"],
        slug=values["slug"],
        description=values["description"],
        branch=branches[values["branch_id"]],
        door=doors.get(values["door_id"]),
        most_people=values["most_people"],
        inside=[public_ids[one] for one in sorted(held)],
        archived=values["archived_at"] is not None,
    )


def _door(session: Session, mine: int, here: House, line: DoorLine) -> models.Door:
    branches = {one.branch_id: one.public_id for one in branch_lines(session, mine)}
    return models.Door.model_construct(
        id=line.public_id,
        name=line.name,
        branch=branches[line.branch_id],
        rooms=tuple(here.room(room_id).public_id for room_id, _ in line.rooms),
        length=line.lock.length,
        alphabet=line.lock.alphabet,
        no_leading_zero=line.lock.no_leading_zero,
        forbidden_prefixes=line.lock.forbidden_prefixes,
        longest_run=line.lock.longest_run,
        codes=line.codes,
        given=line.given,
    )
