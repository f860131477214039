"""Seasons, closing days and hours by program (SPEC S1, S8, S14, X3, X12)."""

from collections.abc import Iterable

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import settings as actions
from booking.reads.house import House
from booking.reads.settings import ClosingLine, closing_lines, opening_lines, work_lines
from booking.rules.permissions import Capability
from booking.tables.houses import HoursKind
from booking.values.house import Hours
from booking.values.house import Season as SeasonFacts
from booking.values.refusals import Refused
from web.access import token
from web.api import settings_models as models
from web.api.frame import answer, effect, refusal, responses
from web.api.models import Model, RoomPath
from web.api.part import ApiPart
from web.api.parts import key_of, members, public_of
from web.request import actor, house, now, organisation_id, read, write

SEASON, CLOSING = "season", "closing days"

days = ApiPart("api_days", __name__)
_refuse = members({"room_id": "room"})


@days.get("/seasons", summary="List the seasons", responses=responses(models.Seasons))
@token(Capability.SETTINGS)
def list_seasons() -> Response:
    return answer(models.Seasons(seasons=[_season(one) for one in house().seasons]))


@days.post("/seasons", summary="Make a season", responses=responses(models.Season, 201))
@token(Capability.SETTINGS)
def make_season(body: models.SeasonBody) -> Response:
    return _put_season(None, body, 201)


@days.put("/seasons/<uuid:season_id>", summary="Change a season", responses=responses(models.Season, 200, 404))
@token(Capability.SETTINGS)
def change_season(path: models.SeasonPath, body: models.SeasonBody) -> Response:
    return _put_season(key_of(SEASON, path.season_id), body)


@days.delete(
    "/seasons/<uuid:season_id>",
    summary="Remove a season that nothing is kept for",
    responses=responses(Model, 204, 404, 409),
)
@token(Capability.SETTINGS)
def remove_season(path: models.SeasonPath) -> Response:
    mine, key = organisation_id(), key_of(SEASON, path.season_id)
    no = write(lambda db: actions.remove_season(db, now(), mine, actor(), key), nudge=False)
    return refusal(no) if no else Response(status=204)


@days.get("/closings", summary="List the closing days, the latest first", responses=responses(models.Closings))
@token(Capability.SETTINGS)
def list_closings() -> Response:
    found = closing_lines(read(), organisation_id())
    return answer(models.Closings(closings=[_closing(one, house()) for one in found]))


@days.post("/closings", summary="Make closing days", responses=responses(models.Closing, 201, 404))
@token(Capability.SETTINGS)
def make_closing(body: models.ClosingBody) -> Response:
    return _put_closing(None, body, 201)


@days.put("/closings/<uuid:closing_id>", summary="Change closing days", responses=responses(models.Closing, 200, 404))
@token(Capability.SETTINGS)
def change_closing(path: models.ClosingPath, body: models.ClosingBody) -> Response:
    return _put_closing(key_of(CLOSING, path.closing_id), body)


@days.delete("/closings/<uuid:closing_id>", summary="Remove closing days", responses=responses(Model, 204, 404))
@token(Capability.SETTINGS)
def remove_closing(path: models.ClosingPath) -> Response:
    mine, key = organisation_id(), key_of(CLOSING, path.closing_id)
    write(lambda db: actions.remove_closing(db, now(), mine, actor(), key), nudge=False)
    return Response(status=204)


@days.get("/rooms/<uuid:room_id>/hours", summary="When a room is open", responses=responses(models.RoomHours, 200, 404))
@token(Capability.SETTINGS)
def room_hours(path: RoomPath) -> Response:
    return answer(_opening(read(), organisation_id(), house().room_by(public_id=path.room_id).room_id))


@days.put(
    "/rooms/<uuid:room_id>/hours",
    summary="Replace a room's hours of one season, or of all year; what is booked stays",
    responses=responses(models.RoomHours, 200, 404),
)
@token(Capability.SETTINGS)
def set_room_hours(path: RoomPath, body: models.SeasonHours) -> Response:
    season_id = key_of(SEASON, body.season) if body.season else None

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine, room_id = inside.organisation_id, inside.room_by(public_id=path.room_id).room_id
        no = actions.set_opening_hours(session, now(), mine, actor(), room_id, season_id, _hours(body.hours))
        return no or _opening(session, mine, room_id)

    return effect(work)


@days.get(
    "/work-hours",
    summary="When the office works and the desk's phone is answered",
    responses=responses(models.WorkHours),
)
@token(Capability.SETTINGS)
def work_hours() -> Response:
    return answer(_work(read(), organisation_id()))


@days.patch("/work-hours", summary="Replace these hours", responses=responses(models.WorkHours))
@token(Capability.SETTINGS)
def set_work_hours(body: models.WorkHoursBody) -> Response:
    """Both or none."""
    wanted = ((HoursKind.OFFICE, body.office), (HoursKind.DESK, body.desk))

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        with session.begin_nested() as both:
            for kind, week in wanted:
                hours = None if week is None else _hours(week)
                no = None if hours is None else actions.set_work_hours(session, now(), mine, actor(), kind, hours)
                if no:
                    both.rollback()
                    return no
        return _work(session, mine)

    return effect(work)


def _put_season(season_id: int | None, body: models.SeasonBody, status: int = 200) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = actions.put_season(session, now(), inside.organisation_id, actor(), season_id, body.model_dump())
        if isinstance(made, Refused):
            return made
        return models.Season(id=public_of(SEASON, made), **body.model_dump())

    return effect(work, status)


def _put_closing(closing_id: int | None, body: models.ClosingBody, status: int = 200) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        room = inside.room_by(public_id=body.room) if body.room else None
        wanted = body.model_dump(exclude={"room"}) | {"room_id": room.room_id if room else None}
        made = actions.put_closing(session, now(), inside.organisation_id, actor(), closing_id, wanted)
        if isinstance(made, Refused):
            return made
        return models.Closing(id=public_of(CLOSING, made), **body.model_dump())

    return effect(work, status, refuse=_refuse)


def _opening(session: Session, organisation_id: int, room_id: int) -> models.RoomHours:
    session.flush()
    lines = opening_lines(session, organisation_id, room_id)
    found = [
        models.SeasonHours(
            season=public_of(SEASON, season_id) if season_id is not None else None,
            hours=_week(one for one in lines if one.season_id == season_id),
        )
        for season_id in dict.fromkeys(one.season_id for one in lines)
    ]
    return models.RoomHours(opening=found)


def _work(session: Session, organisation_id: int) -> models.WorkHours:
    session.flush()
    lines = work_lines(session, organisation_id)
    return models.WorkHours(office=_week(lines[HoursKind.OFFICE]), desk=_week(lines[HoursKind.DESK]))


def _week(hours: Iterable[Hours]) -> list[models.HoursLine]:
    return [models.HoursLine(weekday=one.weekday, opens=one.opens, closes=one.closes) for one in hours]


def _hours(week: Iterable[models.HoursLine]) -> list[Hours]:
    return [Hours(one.weekday, one.opens, one.closes) for one in week]


def _season(one: SeasonFacts) -> models.Season:
    return models.Season(
        id=public_of(SEASON, one.season_id), name=one.name, first_day=one.first_day, last_day=one.last_day
    )


def _closing(one: ClosingLine, here: House) -> models.Closing:
    return models.Closing(
        id=public_of(CLOSING, one.closing_id),
        first_day=one.first_day,
        last_day=one.last_day,
        reason=one.reason,
        room=here.room(one.room_id).public_id if one.room_id is not None else None,
        closes_rooms=one.closes_rooms,
        closes_office=one.closes_office,
    )
