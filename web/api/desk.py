"""The partner desk by program: find, issue a code, the codes of the next days (SPEC S3, S14 to S18, X3, X12).

Nobody's token reaches beyond the desk's doors and days here. Calls that tell a code, or what a caller said, are POSTs:
counted, logged each time, answered `no-store`, and never stored under an Idempotency-Key; repeating one tells the same.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Response

from booking.actions import desk as actions
from booking.actions.desk import Hit, Named
from booking.actions.doors import reveal_codes
from booking.reads.desk import id_within
from booking.reads.doors import CodeLine, Reach, code_lines, desk_reach
from booking.rules.permissions import Capability
from booking.rules.working_days import mail_moment
from booking.values.clock import local_day
from booking.values.refusals import Reason, Refused
from web.access import token
from web.api import desk_models as models
from web.api.frame import refusal, responses
from web.api.models import BookingPath
from web.api.part import ApiPart
from web.api.parts import not_to_keep, unkept
from web.desk_words import judgement, refusal_texts
from web.finding_words import finding_line
from web.i18n import gettext
from web.refusals import problem
from web.request import actor, house, now, read, tools, write

Line = TypeVar("Line", bound=models.DeskCode)
UNKNOWN = 0  # no booking has this id: the try is counted and logged all the same
TOO_OFTEN = "too-many-tries"

desk = ApiPart("api_desk", __name__)


@desk.post(
    "/desk/search",
    summary="Find bookings of the desk's doors and days, each with its findings",
    responses=responses(models.DeskBookings, 200, 429),
)
@token(Capability.DESK_FIND)
def search(body: models.DeskSearch) -> Response:
    """At most 20. What was typed is not logged, only how it was meant and what was found."""
    here, near = house(), reach()
    found = write(lambda db: actions.search(db, now(), here, near, body.q, actor()), nudge=False)
    if isinstance(found, Refused):
        return _refuse(found)
    return unkept(models.DeskBookings(bookings=[_booking(hit) for hit in found]))


@desk.post(
    "/desk/bookings/<uuid:booking_id>/issue",
    summary="Confirm by the desk and tell the code; a second time tells the same code",
    responses=responses(models.DeskIssued, 200, 404, 409, 429),
)
@token(Capability.DESK_ISSUE)
def issue(path: BookingPath, body: models.NamedBody) -> Response:
    here, near = house(), reach()
    booking_id = id_within(read(), here, near, path.booking_id) or UNKNOWN
    named = Named(body.booking_code, body.name, body.phone)
    issued = write(lambda db: actions.issue_code(db, now(), tools(), here, near, booking_id, named, actor()))
    if isinstance(issued, Refused):
        return _refuse(issued)
    told = models.DeskIssued(
        id=issued.entry.public_id,
        state=issued.entry.state,
        again=issued.again,
        mail_at=mail_moment(now(), here.office, here.closings, here.public_holidays),
        codes=[
            models.TextOfCode(door=one.door, code=one.text, start=one.window.start, end=one.window.end)
            for one in issued.codes
        ],
    )
    return unkept(told)


@desk.get(
    "/desk/codes",
    summary="The codes of the next days, without what they say",
    responses=responses(models.DeskCodes),
)
@token(Capability.DOORS_READ)
def list_codes() -> Response:
    lines = code_lines(read(), house(), reach())
    return unkept(models.DeskCodes(codes=[_line(line, models.DeskCode) for line in lines]))


@desk.post(
    "/desk/codes/show",
    summary="The codes of the next days in plain text; each look is in the audit log",
    responses=responses(models.ShownDeskCodes),
)
@token(Capability.DOORS_READ)
def show_codes() -> Response:
    here, near = house(), reach()
    shown = write(lambda db: reveal_codes(db, now(), tools(), here, near, None, actor()), nudge=False)
    return unkept(models.ShownDeskCodes(codes=[_line(one.line, models.ShownDeskCode, code=one.text) for one in shown]))


def reach() -> Reach:
    """The desk's doors and days, for whichever token calls."""
    return desk_reach(house(), local_day(now(), house().zone))


def _refuse(no: Refused) -> Response:
    if TOO_OFTEN in no.codes:
        return problem(429, TOO_OFTEN, gettext("Nothing was changed. The reasons are listed."), no.reasons)
    if "not-found" in no.codes:
        return problem(404, "not-found", gettext("Nothing was changed. The reasons are listed."), no.reasons)
    if "too-short" in no.codes:
        no = Refused((Reason("invalid", "q", {"what": refusal_texts(no)[0]}),))
    return not_to_keep(refusal(no))


def _booking(hit: Hit) -> models.DeskBooking:
    entry = hit.entry
    found = [(one, finding_line(one)) for one in hit.findings]
    return models.DeskBooking.model_construct(
        id=entry.public_id,
        code=entry.code,
        refs=list(entry.refs),
        state=entry.state,
        name=entry.name,
        company=entry.company,
        phone=entry.phone,
        purpose=entry.purpose,
        people=entry.people,
        room=house().room(entry.room_id).public_id,
        room_name=entry.room,
        start=entry.slot.start,
        end=entry.slot.end,
        review_at=entry.review_at,
        short_notice=entry.short_notice,
        code_given=entry.code_given,
        judgement=judgement(hit).kind,
        findings=[models.DeskFinding(code=one.code, weight=line.weight, text=line.text) for one, line in found],
    )


def _line(line: CodeLine, kind: Callable[..., Line], **more: str) -> Line:
    return kind(
        door=line.door,
        start=line.window.start,
        end=line.window.end,
        state=line.state,
        party=line.party,
        booking_code=line.booking_code,
        told_by_phone=line.told_by_phone,
        **more,
    )
