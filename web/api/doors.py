"""Door codes by program: what is left, made, imported, shown, replaced (SPEC S1, S2, S22, X3, X7, X12).

With `?preview=true` a call tells what it would do and does nothing. What a code says is told by `show` alone, logged.
"""

from datetime import datetime, timedelta
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import replacing
from booking.actions.doors import (
    ImportPreview,
    apply_import,
    draw_replacement,
    draw_season,
    generate_season,
    preview_import,
    reveal_codes,
)
from booking.actions.replacing import replace_code
from booking.actions.replacing_lists import replace_season
from booking.reads.door_days import door_days
from booking.reads.door_stock import (
    Holder,
    StockLine,
    code_id_of,
    counts_ahead,
    door_id_of,
    doors_by_name,
    holders_of,
    stock_page,
)
from booking.reads.doors import HELD, Reach, read_door, rooms_of, side_by_side
from booking.reads.house import House
from booking.rules.permissions import Capability
from booking.tables.doors import DoorCode
from booking.values.clock import local_day
from booking.values.house import Season
from booking.values.refusals import NotFound, Reason, Refused
from booking.values.slot import Slot
from booking.values.states import CodeState
from web.access import token
from web.api import door_models as models
from web.api.frame import answer, effect, refusal, replayed, responses, slot_of
from web.api.house_models import DoorPath
from web.api.part import ApiPart
from web.api.parts import key_of, public_of, unkept
from web.request import actor, house, now, organisation_id, read, tools, write

LONGEST_STRETCH = timedelta(days=62)
MOST_PROBLEMS = 100
SEASON = "season"

doors = ApiPart("api_doors", __name__)


@doors.get(
    "/door-stock", summary="The doors, and how many codes each season has left", responses=responses(models.DoorStocks)
)
@token(Capability.DOORS_MANAGE)
def stock() -> Response:
    here, counts = house(), counts_ahead(read(), now(), organisation_id())
    known = doors_by_name(read(), organisation_id())
    found = [_stock(here, counts, door_id, public_id, name) for door_id, public_id, name in known]
    return answer(models.DoorStocks(doors=found))


@doors.get(
    "/doors/<uuid:door_id>/days",
    summary="Day by day what is free, given out, used, and runs short",
    responses=responses(models.DoorDays, 200, 404),
)
@token(Capability.DOORS_MANAGE)
def days(path: DoorPath, query: models.StretchQuery) -> Response:
    door_id = _door(path.door_id)
    stretch = _stretch(query.start, query.end)
    if isinstance(stretch, Refused):
        return refusal(stretch)
    zone = read_door(read(), house(), door_id).zone
    first, last = local_day(stretch.start, zone), local_day(stretch.end - timedelta.resolution, zone)
    grid = door_days(read(), now(), house(), door_id, first, last)
    return answer(
        models.DoorDays(
            days=[
                models.DoorDay(
                    day=one.day, free=one.free, given=one.given, used=one.used, retired=one.retired, short=one.short
                )
                for one in grid
            ]
        )
    )


@doors.get(
    "/doors/<uuid:door_id>/codes",
    summary="The codes by the begin of their windows, without what they say",
    responses=responses(models.DoorCodes, 200, 404),
)
@token(Capability.DOORS_MANAGE)
def list_codes(path: DoorPath, query: models.CodesQuery) -> Response:
    door_id = _door(path.door_id)
    span = slot_of(query.start, query.end) if query.start and query.end else None
    if (query.start is None) != (query.end is None):
        return refusal(Refused((Reason("missing", "to" if query.end is None else "from"),)))
    if isinstance(span, Refused):
        return refusal(span)
    found = stock_page(
        read(),
        organisation_id(),
        door_id,
        state=query.state,
        span=span,
        after=query.cursor,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    follows = shown[-1].public_id if len(found) > query.limit else None
    return answer(models.DoorCodes(codes=[_code(one) for one in shown], next=follows))


@doors.post(
    "/doors/<uuid:door_id>/codes/show",
    summary="The codes of a stretch in plain text; each look is in the audit log",
    responses=responses(models.ShownCodes, 200, 404),
)
@token(Capability.DOORS_MANAGE)
def show(path: DoorPath, body: models.StretchBody) -> Response:
    """Never stored under an Idempotency-Key."""
    door_id = _door(path.door_id)
    span = _stretch(body.start, body.end)
    if isinstance(span, Refused):
        return refusal(span)
    here, reach = house(), Reach(organisation_id(), frozenset({door_id}))
    shown = write(lambda db: reveal_codes(db, now(), tools(), here, reach, span, actor()), nudge=False)
    return unkept(
        models.ShownCodes(
            codes=[
                models.ShownCode(
                    start=one.line.window.start,
                    end=one.line.window.end,
                    state=one.line.state,
                    booking_code=one.line.booking_code,
                    party=one.line.party,
                    code=one.text,
                )
                for one in shown
            ]
        )
    )


@doors.post(
    "/doors/<uuid:door_id>/codes/generate",
    summary="Make the codes that a season lacks",
    responses=responses(models.Generated, 200, 404, 409),
)
@token(Capability.DOORS_MANAGE)
def generate(path: DoorPath, query: models.PreviewQuery, body: models.GenerateBody) -> Response:
    """What a preview drew is thrown away; applying draws anew."""
    door_id, season_id = _door(path.door_id), _season(body.season).season_id
    known = None if query.preview else replayed()
    if known is not None:
        return known
    drawn = draw_season(read(), now(), tools(), house(), door_id, season_id, body.pattern, body.pool)
    if isinstance(drawn, Refused):
        return refusal(drawn)
    if query.preview:
        return answer(models.Generated(applied=False, count=len(drawn.codes)))

    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = generate_season(session, now(), inside, drawn, actor())
        return made if isinstance(made, Refused) else models.Generated(applied=True, count=made.count)

    return effect(work)


@doors.post(
    "/doors/<uuid:door_id>/codes/import",
    summary="Take over the lock's list: all of it or nothing",
    responses=responses(models.Imported, 200, 404, 409),
)
@token(Capability.DOORS_MANAGE)
def import_list(path: DoorPath, query: models.PreviewQuery, body: models.ImportBody) -> Response:
    """The fingerprint of a preview names list and door: with another one nothing is taken over."""
    door_id = _door(path.door_id)
    known = None if query.preview else replayed()
    if known is not None:
        return known
    preview = preview_import(read(), now(), tools(), house(), door_id, body.csv.encode())
    if query.preview:
        return answer(_imported(preview, applied=False))

    def work(session: Session, inside: House) -> BaseModel | Refused:
        made = apply_import(session, now(), inside, preview, body.fingerprint, actor())
        return made if isinstance(made, Refused) else _imported(preview, applied=True)

    return effect(work)


@doors.post(
    "/doors/<uuid:door_id>/codes/<uuid:code_id>/replace",
    summary="Replace one code; whoever has it gets another by mail",
    responses=responses(models.Replaced, 200, 404, 409),
)
@token(Capability.DOORS_MANAGE)
def replace(path: models.CodePath, query: models.PreviewQuery, body: models.ReplaceBody) -> Response:
    door_id = _door(path.door_id)
    code_id = code_id_of(read(), organisation_id(), door_id, path.code_id)
    holders = holders_of(read(), now(), organisation_id(), door_id, DoorCode.id == code_id)
    if query.preview:
        return answer(_replaced(holders))

    def work(session: Session, inside: House) -> BaseModel | Refused:
        done = replace_code(session, now(), inside, code_id, body.reason, actor())
        return done if isinstance(done, Refused) else _replaced(holders, done)

    return effect(work)


@doors.post(
    "/doors/<uuid:door_id>/codes/replace",
    summary="Replace all codes of a season, and give every holder another",
    responses=responses(models.Replaced, 200, 404, 409),
)
@token(Capability.DOORS_MANAGE)
def replace_list(path: DoorPath, query: models.PreviewQuery, body: models.ReplaceSeasonBody) -> Response:
    door_id, season_id = _door(path.door_id), _season(body.season).season_id
    known = None if query.preview else replayed()
    if known is not None:
        return known
    holders = holders_of(read(), now(), organisation_id(), door_id, DoorCode.season_id == season_id)
    if query.preview:
        return answer(_replaced(holders))
    fresh = draw_replacement(read(), now(), tools(), house(), door_id, season_id)
    if isinstance(fresh, Refused):
        return refusal(fresh)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        done = replace_season(session, now(), inside, door_id, season_id, fresh, body.reason, actor())
        return done if isinstance(done, Refused) else _replaced(holders, done)

    return effect(work)


def _door(public_id: UUID) -> int:
    return door_id_of(read(), organisation_id(), public_id)


def _season(public_id: UUID) -> Season:
    wanted = key_of(SEASON, public_id)
    found = next((one for one in house().seasons if one.season_id == wanted), None)
    if found is None:
        raise NotFound(SEASON, public_id)
    return found


def _stretch(start: datetime, end: datetime) -> Slot | Refused:
    found = slot_of(start, end)
    if isinstance(found, Slot) and found.duration > LONGEST_STRETCH:
        return Refused((Reason("window-too-long", "to", {"days": LONGEST_STRETCH.days}),))
    return found


def _stock(
    here: House, counts: dict[tuple[int, int | None, CodeState], int], door_id: int, public_id: UUID, name: str
) -> models.DoorStock:
    rooms = rooms_of(here, door_id)
    seasons = {one.season_id: one for one in here.seasons}
    of_none = any(key[:2] == (door_id, None) for key in counts)

    def line(season_id: int | None) -> models.SeasonStock:
        season = seasons[season_id] if season_id is not None else None
        count = {state: counts.get((door_id, season_id, state), 0) for state in CodeState}
        return models.SeasonStock(
            season=public_of(SEASON, season.season_id) if season else None,
            name=season.name if season else "",
            first_day=season.first_day if season else None,
            last_day=season.last_day if season else None,
            free=count[CodeState.FREE],
            given=sum(count[state] for state in HELD),
            retired=count[CodeState.RETIRED],
        )

    return models.DoorStock(
        id=public_id,
        name=name,
        rooms=[room.public_id for room in rooms],
        side_by_side=side_by_side(rooms),
        seasons=[line(one) for one in (*seasons, *([None] if of_none else []))],
    )


def _code(one: StockLine) -> models.DoorCode:
    return models.DoorCode(
        id=one.public_id,
        season=public_of(SEASON, one.season_id) if one.season_id is not None else None,
        start=one.window.start,
        end=one.window.end,
        state=one.state,
        booking=one.booking_id,
        booking_code=one.booking_code,
        party=one.party,
        told_by_phone=one.told_by_phone,
    )


def _imported(preview: ImportPreview, *, applied: bool) -> models.Imported:
    return models.Imported(
        applied=applied,
        fingerprint=preview.fingerprint,
        count=preview.count,
        known=preview.known,
        over=preview.over,
        first_day=preview.first_day,
        last_day=preview.last_day,
        problems=[
            models.ListProblem(line=one.line, code=one.code, at=one.column) for one in preview.problems[:MOST_PROBLEMS]
        ],
    )


def _replaced(holders: tuple[Holder, ...], done: replacing.Replaced | None = None) -> models.Replaced:
    return models.Replaced(
        applied=done is not None,
        retired=done.retired if done else 0,
        mails=done.mails if done else 0,
        holders=[
            models.Holder.model_construct(
                start=one.window.start,
                end=one.window.end,
                party=one.party,
                email=one.email,
                booking_code=one.booking_code,
                gets_mail=one.gets_mail,
            )
            for one in holders
        ],
    )
