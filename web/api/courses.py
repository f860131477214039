"""Courses, their series and events by program (SPEC V5, X3, X12)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions import courses as actions
from booking.reads.house import House
from booking.reads.house_parts import branch_line
from booking.reads.settings import staff_lines
from booking.reads.timetable import (
    CourseLine,
    EventLine,
    SeriesLine,
    course_line,
    course_lines,
    event_lines,
    series_lines,
)
from booking.rules.course_settings import PlanDraft
from booking.rules.permissions import Capability
from booking.values.money import Cents
from booking.values.refusals import NotFound, Reason, Refused
from booking.values.timetable import EventTerms
from web.access import token
from web.api import course_models as models
from web.api.frame import answer, effect, refusal, responses, slot_of
from web.api.part import ApiPart
from web.api.parts import members
from web.request import actor, now, organisation_id, read
from web.series_wish import Asked, make_series

MINUTE, MOST = timedelta(minutes=1), timedelta(days=models.MOST_DAYS)
OF_COURSES = members({"branch_id": "branch", "trainer_id": "trainer"})
# What a draft and terms call it, where calls name it otherwise.
OF_SERIES = members(
    {
        "first": "first_day",
        "wall": "time",
        "length": "minutes",
        "interval": "every",
        "until": "last_day",
        "count": "times",
        "capacity": "places",
        "price": "price_cents",
        "decide_before": "decide_minutes",
        "free_until": "free_minutes",
    }
)

courses = ApiPart("api_courses", __name__)


@courses.get("/courses", summary="List the courses, archived ones last", responses=responses(models.Courses))
@token(Capability.COURSES)
def page() -> Response:
    lines = course_lines(read(), now(), organisation_id())
    return answer(models.Courses(courses=[_course(one) for one in lines]))


@courses.post("/courses", summary="Make a course", responses=responses(models.Course, 201, 404, 409))
@token(Capability.COURSES)
def make(body: models.CourseBody) -> Response:
    """It takes place once it has a series."""

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        made = actions.add_course(session, now(), mine, actor(), _wanted(session, mine, body.model_dump()))
        return made if isinstance(made, Refused) else _course(course_line(session, now(), mine, made))

    return effect(work, 201, refuse=OF_COURSES)


@courses.patch(
    "/courses/<uuid:course_id>", summary="Change a course", responses=responses(models.Course, 200, 404, 409)
)
@token(Capability.COURSES)
def change(path: models.CoursePath, body: models.CourseChange) -> Response:
    """Its branch stays once it has a series."""

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        known = course_line(session, now(), mine, path.course_id)
        wanted = _wanted(session, mine, body.model_dump(exclude_unset=True))
        no = actions.change_course(session, now(), mine, actor(), known.course_id, wanted)
        return no or _course(course_line(session, now(), mine, path.course_id))

    return effect(work, refuse=OF_COURSES)


@courses.post(
    "/courses/<uuid:course_id>/archive",
    summary="Take a course out of use; refused while a series of it goes on",
    responses=responses(models.Course, 200, 404, 409),
)
@token(Capability.COURSES)
def archive(path: models.CoursePath) -> Response:
    return _archived(path.course_id, archived=True)


@courses.post(
    "/courses/<uuid:course_id>/restore", summary="Bring a course back", responses=responses(models.Course, 200, 404)
)
@token(Capability.COURSES)
def restore(path: models.CoursePath) -> Response:
    return _archived(path.course_id, archived=False)


@courses.get("/courses/<uuid:course_id>/series", summary="Its series", responses=responses(models.SeriesList, 200, 404))
@token(Capability.COURSES)
def show_series(path: models.CoursePath) -> Response:
    known = course_line(read(), now(), organisation_id(), path.course_id)
    lines = series_lines(read(), now(), organisation_id(), known.course_id)
    return answer(models.SeriesList(series=[_series(one) for one in lines]))


@courses.post(
    "/courses/<uuid:course_id>/series",
    summary="Make a series with its events, 18 months ahead",
    responses=responses(models.Series, 201, 404, 409),
)
@token(Capability.COURSES)
def add_series(path: models.CoursePath, body: models.SeriesBody) -> Response:
    """A day on which the room is taken is left out and tried again every night; `skipped` tells which."""

    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        known = course_line(session, now(), mine, path.course_id)
        made = make_series(session, now(), inside, actor(), known.course_id, _asked(session, inside, body))
        if isinstance(made, Refused):
            return made
        lines = series_lines(session, now(), mine, known.course_id)
        return next(_series(one) for one in lines if one.public_id == made.public_id)

    return effect(work, 201, refuse=OF_SERIES)


@courses.get(
    "/events", summary="The events of courses that begin in a stretch", responses=responses(models.Events, 200, 404)
)
@token(Capability.COURSES)
def events(query: models.EventsQuery) -> Response:
    """Cancelled ones too; of archived courses none."""
    window = slot_of(query.start, query.end)
    if isinstance(window, Refused):
        return refusal(window)
    if window.duration > MOST:
        return refusal(Refused((Reason("window-too-long", "to", {"days": models.MOST_DAYS}),)))
    mine = organisation_id()
    course = course_line(read(), now(), mine, query.course).course_id if query.course else None
    return answer(models.Events(events=[_event(one) for one in event_lines(read(), mine, window, course)]))


def _archived(public_id: UUID, *, archived: bool) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        mine = inside.organisation_id
        known = course_line(session, now(), mine, public_id)
        no = actions.archive_course(session, now(), mine, actor(), known.course_id, archived=archived)
        return no or _course(course_line(session, now(), mine, public_id))

    return effect(work)


def _wanted(session: Session, mine: int, given: dict[str, Any]) -> dict[str, Any]:
    """Columns with inner ids for public ones."""
    branch = given.pop("branch", None)
    if branch is not None:
        given["branch_id"] = branch_line(session, mine, branch).branch_id
    if "trainer" in given:
        given["trainer_id"] = _staff_id(session, mine, given.pop("trainer"))
    return given


def _staff_id(session: Session, mine: int, public_id: UUID | None) -> int | None:
    """Raises NotFound."""
    if public_id is None:
        return None
    for one in staff_lines(session, mine):
        if one.public_id == public_id:
            return one.staff_id
    raise NotFound("staff", public_id)


def _asked(session: Session, inside: House, body: models.SeriesBody) -> Asked:
    draft = PlanDraft(
        first=body.first_day,
        wall=body.time,
        length=body.minutes * MINUTE,
        frequency=body.frequency,
        interval=body.every,
        weekdays=frozenset(body.weekdays),
        until=body.last_day,
        count=body.times,
        skips_holidays=body.skips_holidays,
    )
    terms = EventTerms(
        capacity=body.places,
        minimum=body.minimum,
        decide_before=body.decide_minutes * MINUTE,
        online=body.online,
        units=body.units,
        price=Cents(body.price_cents),
        free_until=body.free_minutes * MINUTE,
        waiting=body.waiting,
    )
    trainer_id = _staff_id(session, inside.organisation_id, body.trainer)
    return Asked(inside.room_by(public_id=body.room), draft, terms, trainer_id)


def _course(line: CourseLine) -> models.Course:
    return models.Course(
        id=line.public_id,
        name=line.name,
        branch=line.branch_public_id,
        slug=line.slug,
        description=line.description,
        level=line.level,
        trainer=line.trainer_public_id,
        archived=line.archived,
        coming=line.coming,
        next_at=line.next_at,
    )


def _series(line: SeriesLine) -> models.Series:
    plan, rule = line.plan, line.plan.rule
    return models.Series(
        **_terms(line.terms),
        id=line.public_id,
        room=line.room_public_id,
        trainer=line.trainer_public_id,
        zone=plan.zone.key,
        first_day=plan.first,
        time=plan.wall,
        minutes=plan.length // MINUTE,
        frequency=rule.frequency,
        every=rule.interval,
        weekdays=sorted(rule.weekdays),
        last_day=rule.until,
        times=rule.count,
        skips_holidays=plan.skips_holidays,
        planned_until=line.planned_until,
        ended_at=line.ended_at,
        coming=line.coming,
        skipped=[models.LeftOut(day=day, reason=reason) for day, reason in line.skipped],
    )


def _terms(terms: EventTerms) -> dict[str, Any]:
    return {
        "places": terms.capacity,
        "minimum": terms.minimum,
        "decide_minutes": terms.decide_before // MINUTE,
        "online": terms.online,
        "units": terms.units,
        "price_cents": terms.price,
        "free_minutes": terms.free_until // MINUTE,
        "waiting": terms.waiting,
    }


def _event(line: EventLine) -> models.Event:
    return models.Event(
        id=line.public_id,
        course=line.course_public_id,
        series=line.series_public_id,
        title=line.title or line.course,
        level=line.level,
        start=line.slot.start,
        end=line.slot.end,
        zone=line.zone.key,
        branch=line.branch_public_id,
        room=line.room_public_id,
        room_name=line.room,
        trainer=line.trainer_public_id,
        trainer_name=line.trainer,
        places=line.terms.capacity,
        online=line.terms.online,
        units=line.terms.units,
        price_cents=line.terms.price,
        cancelled_at=line.cancelled_at,
        cancel_reason=line.cancel_reason,
    )
