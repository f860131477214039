"""Courses: listed, made, changed, taken out of use; each with its series (SPEC Words, V5)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import courses as actions
from booking.reads.house_parts import branch_lines
from booking.reads.timetable import CourseLine, SeriesLine, course_line, course_lines, series_lines
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web import course_words as told
from web import field_readers as read_as
from web.access import require
from web.i18n import gettext, translator
from web.office import series_form
from web.office.frame import act
from web.office.settings_forms import Field, filled, shown
from web.office.settings_frame import form_page, page, save
from web.reasons import message
from web.request import actor, house, now, organisation_id, read, write
from web.series_wish import make_series

blueprint = Blueprint("office_courses", __name__, url_prefix="/office/courses")


@blueprint.get("")
@require(Capability.COURSES)
def index() -> str:
    lines = course_lines(read(), now(), organisation_id())
    has_branch = bool(branch_lines(read(), organisation_id()))
    return render_template("office/courses.html", courses=lines, has_branch=has_branch)


@blueprint.get("/new")
@require(Capability.COURSES)
def new() -> AnyResponse:
    branches = branch_lines(read(), organisation_id())
    values = {"branch_id": branches[0].branch_id} if len(branches) == 1 else {}
    return form_page(gettext("New course"), _fields(), values, lead=_lead(), back=_list())


@blueprint.post("/new")
@require(Capability.COURSES)
def make() -> AnyResponse:
    form = filled(_fields(), request.form)
    if not form.errors:
        made = write(lambda db: actions.add_course(db, now(), organisation_id(), actor(), form.values), nudge=False)
        if not isinstance(made, Refused):
            flash(gettext("The course is made. Now say when it takes place."), "ok")
            return redirect(url_for("office_courses.show", course=made))
        form = form.refused(made)
    return page("form", form, 422, title=gettext("New course"), lead=_lead(), back=_list())


@blueprint.get("/<uuid:course>")
@require(Capability.COURSES)
def show(course: UUID) -> str:
    line = course_line(read(), now(), organisation_id(), course)
    series = series_lines(read(), now(), organisation_id(), line.course_id)
    return render_template(
        "office/course.html", course=line, facts=_facts(line), series=[_told(one) for one in series], words=told
    )


@blueprint.get("/<uuid:course>/edit")
@require(Capability.COURSES)
def edit(course: UUID) -> AnyResponse:
    line = course_line(read(), now(), organisation_id(), course)
    values = {name: getattr(line, name) for name in actions.FIELDS}
    return form_page(line.name, _fields(line), values, back=_of(course))


@blueprint.post("/<uuid:course>/edit")
@require(Capability.COURSES)
def change(course: UUID) -> AnyResponse:
    line = course_line(read(), now(), organisation_id(), course)

    def action(session: Session, values: Mapping[str, Any]) -> Refused | None:
        return actions.change_course(session, now(), organisation_id(), actor(), line.course_id, values)

    return save(line.name, _fields(line), action, back=_of(course))


@blueprint.post("/<uuid:course>/archive")
@require(Capability.COURSES)
def archive(course: UUID) -> AnyResponse:
    """Out of use, or back: as the form says."""
    line, archived = course_line(read(), now(), organisation_id(), course), request.form.get("archived") == "yes"
    no = write(
        lambda db: actions.archive_course(db, now(), organisation_id(), actor(), line.course_id, archived=archived),
        nudge=False,
    )
    if no:
        flash(" ".join(message(reason) for reason in no.reasons), "stop")
    else:
        text = gettext("The course is out of use.") if archived else gettext("The course is back in use.")
        flash(text, "ok")
    return redirect(_of(course))


@blueprint.get("/<uuid:course>/series/new")
@require(Capability.COURSES)
def new_series(course: UUID) -> AnyResponse:
    line = course_line(read(), now(), organisation_id(), course)
    return _series_page(line, shown(series_form.fields(line), series_form.fresh(line)))


@blueprint.post("/<uuid:course>/series/new")
@require(Capability.COURSES)
def add_series(course: UUID) -> AnyResponse:
    line = course_line(read(), now(), organisation_id(), course)
    form = filled(series_form.fields(line), request.form)
    if form.errors:
        return _series_page(line, series_form.checked(form), 422)
    asked = series_form.asked(form.values)
    made = act(lambda db, here: make_series(db, now(), here, actor(), line.course_id, asked))
    if isinstance(made, Refused):
        return _series_page(line, form.refused(series_form.at_fields(made)), 422)
    count = made.extended.made
    flash(gettext("The series is made, with %(count)s dates.", count=count), "ok")
    return redirect(f"{_of(course)}#series-{made.public_id}")


def _series_page(line: CourseLine, form: Any, status: int = 200) -> AnyResponse:
    text = render_template(
        "office/series_form.html",
        course=line,
        form=form,
        rooms=series_form.rooms_of(line),
        sections=series_form.sections(),
        back=_of(line.public_id),
    )
    return make_response(text, status)


def _facts(line: CourseLine) -> list[tuple[str, str]]:
    next_at = translator().moment(line.next_at, house().zone.key) if line.next_at else gettext("not planned yet")
    pairs = [
        (gettext("Branch"), line.branch),
        (gettext("Level"), line.level),
        (gettext("Trainer"), line.trainer),
        (gettext("Next date"), next_at),
        (gettext("Dates to come"), str(line.coming)),
    ]
    return [(name, value) for name, value in pairs if value]


def _told(line: SeriesLine) -> dict[str, Any]:
    """A series in words."""
    terms = line.terms
    booked = gettext("online or by the office") if terms.online else gettext("by the office only")
    holidays = gettext("left out") if line.plan.skips_holidays else gettext("takes place, too")
    pairs = [
        (gettext("When"), told.span_words(line.plan.first, line.plan.rule)),
        (gettext("Room"), line.room),
        (gettext("Trainer"), line.trainer),
        (gettext("Places"), told.places_words(terms)),
        (gettext("Takes place"), told.minimum_words(terms)),
        (gettext("Costs"), told.cost_words(terms, house())),
        (gettext("Booked"), booked),
        (gettext("Cancelling is free"), told.free_words(terms)),
        (gettext("When a place frees"), told.waiting_names()[terms.waiting]),
        (gettext("Holidays and closing days"), holidays),
        (gettext("Dates to come"), str(line.coming)),
        (gettext("Planned until"), translator().day(line.planned_until)),
    ]
    return {
        "id": line.public_id,
        "title": told.rule_words(line.plan),
        "ended": line.ended_at is not None,
        "facts": [(name, value) for name, value in pairs if value],
        "skipped": [(translator().day(day), told.skipped_name(reason)) for day, reason in line.skipped],
    }


def _fields(line: CourseLine | None = None) -> tuple[Field, ...]:
    branches = tuple((str(one.branch_id), one.name) for one in branch_lines(read(), organisation_id()))
    trainers = series_form.trainers(line.trainer_id if line else None)
    empty = {"data-empty": ""}
    return (
        Field("name", gettext("Name"), read_as.text(80)),
        Field("level", gettext("Level"), read_as.text(60), required=False, more=empty,
              help=gettext("As customers read it, for example: beginners.")),
        Field("branch_id", gettext("Branch"), read_as.chosen(branches, int), "select", options=branches),
        Field("trainer_id", gettext("Trainer"), read_as.chosen(trainers, int), "select", required=False,
              options=(("", gettext("nobody")), *trainers)),
        Field("description", gettext("Description"), read_as.text(2000), "textarea", required=False, width="",
              more=empty),
        Field("slug", gettext("Short name in links"), read_as.text(60), required=line is not None, width="",
              help=gettext("Part of its address.") if line
              else gettext("Part of its address; made from the name where it is left empty."), more=empty),
    )  # fmt: skip


def _lead() -> str:
    return gettext("What is taught, where and by whom. When it takes place, you say afterwards.")


def _list() -> str:
    return url_for("office_courses.index")


def _of(course: UUID) -> str:
    return url_for("office_courses.show", course=course)
