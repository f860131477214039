"""Mails and cases by program: what went out or failed, and what a person has to decide (SPEC S10, X3, X4, X12, Y6)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from flask import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from booking.actions.deciding_cases import decide_case, ways_of
from booking.actions.office import note_mail_codes_shown, resend_mail
from booking.reads.cases import CaseLine, case_by, cases_page, told_facts
from booking.reads.house import House
from booking.reads.mails import MailCode, MailLine, codes_in_reach, frozen_mail, mail_by, mails_page
from booking.rules.permissions import Capability
from booking.values.refusals import Refused
from web.access import token
from web.api import office_models as models
from web.api.frame import answer, effect, responses
from web.api.part import ApiPart
from web.api.parts import key_of, public_of, unkept
from web.case_words import case_question, case_title
from web.mail_body import Body, codes_in, masked, read_mail
from web.request import actor, house, now, organisation_id, read, tools, write

CASE = "case"

mails = ApiPart("api_mails", __name__)


@mails.get("/mails", summary="List mails, newest first", responses=responses(models.Mails))
@token(Capability.MAILS_READ)
def page(query: models.MailsQuery) -> Response:
    found = mails_page(
        read(),
        organisation_id(),
        state=query.state,
        kind=query.kind.value if query.kind else "",
        typed=query.to,
        before=query.cursor,
        limit=query.limit + 1,
    )
    shown = found[: query.limit]
    follows = shown[-1].public_id if len(found) > query.limit else None
    return answer(models.Mails(mails=[models.Mail(**_facts(one)) for one in shown], next=follows))


@mails.get(
    "/mails/<uuid:mail_id>",
    summary="One mail with its text, codes masked",
    responses=responses(models.WholeMail, 200, 404),
)
@token(Capability.MAILS_READ)
def show(path: models.MailPath) -> Response:
    mail = _mail(read(), path.mail_id)
    body = _body(read(), mail)
    text = masked(body.text, (code.text for code in _codes(read(), mail))) if body else None
    return answer(models.WholeMail(**_facts(mail), text=text, files=list(body.files) if body else []))


@mails.post(
    "/mails/<uuid:mail_id>/codes",
    summary="The door codes that a mail shows; each look is in the audit log",
    responses=responses(models.MailCodes, 200, 404),
)
@token(Capability.MAILS_SHOW_CODE)
def show_codes(path: models.MailPath) -> Response:
    """Never stored under an Idempotency-Key."""
    here = house()
    write(lambda db: note_mail_codes_shown(db, now(), here, path.mail_id, actor()), nudge=False)
    mail = _mail(read(), path.mail_id)
    body, codes = _body(read(), mail), _codes(read(), mail)
    held = codes_in(body, [code.text for code in codes]) if body else frozenset()
    return unkept(models.MailCodes(codes=_told(code for code in codes if code.text in held)))


@mails.post(
    "/mails/<uuid:mail_id>/again",
    summary="Send a dead mail again: the same mail",
    responses=responses(models.Mail, 200, 404, 409),
)
@token(Capability.MAILS_RESEND)
def again(path: models.MailPath) -> Response:
    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = resend_mail(session, now(), inside, path.mail_id, actor())
        return no or models.Mail(**_facts(_mail(session, path.mail_id)))

    return effect(work)


@mails.get("/cases", summary="List open or closed cases, newest first", responses=responses(models.Cases, 200, 404))
@token(Capability.CASES)
def list_cases(query: models.CasesQuery) -> Response:
    before = key_of(CASE, query.cursor) if query.cursor else None
    found = cases_page(read(), organisation_id(), closed=query.closed, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    follows = public_of(CASE, shown[-1].case_id) if len(found) > query.limit else None
    return answer(models.Cases(cases=[_case(one) for one in shown], next=follows))


@mails.get("/cases/<uuid:case_id>", summary="One case", responses=responses(models.Case, 200, 404))
@token(Capability.CASES)
def show_case(path: models.CasePath) -> Response:
    return answer(_case(case_by(read(), organisation_id(), key_of(CASE, path.case_id))))


@mails.post(
    "/cases/<uuid:case_id>/decide",
    summary="Decide a case by one of its ways",
    responses=responses(models.Case, 200, 404, 409),
)
@token(Capability.CASES)
def decide(path: models.CasePath, body: models.DecideBody) -> Response:
    case_id = key_of(CASE, path.case_id)

    def work(session: Session, inside: House) -> BaseModel | Refused:
        no = decide_case(session, now(), tools(), inside, case_id, body.way, actor())
        return no or _case(case_by(session, inside.organisation_id, case_id))

    return effect(work)


def _mail(session: Session, mail_id: UUID) -> MailLine:
    return mail_by(session, organisation_id(), mail_id)


def _codes(session: Session, mail: MailLine) -> tuple[MailCode, ...]:
    return codes_in_reach(session, organisation_id(), tools().vault, mail)


def _body(session: Session, mail: MailLine) -> Body | None:
    data = frozen_mail(session, organisation_id(), tools().vault, mail.public_id)
    return read_mail(data) if data is not None else None


def _told(codes: Iterable[MailCode]) -> list[models.MailCode]:
    return [models.MailCode(door=one.door, code=one.text, start=one.window.start, end=one.window.end) for one in codes]


def _facts(mail: MailLine) -> dict[str, Any]:
    return {
        "id": mail.public_id,
        "kind": mail.kind,
        "state": mail.state,
        "to": mail.recipient,
        "to_name": mail.recipient_name,
        "language": mail.language,
        "subject": mail.subject,
        "made_at": mail.made_at,
        "sent_at": mail.sent_at,
        "due_at": mail.due_at,
        "attempts": mail.attempts,
        "last_error": mail.last_error,
        "booking": mail.booking_id,
        "booking_code": mail.booking_code,
    }


def _case(case: CaseLine) -> models.Case:
    return models.Case(
        id=public_of(CASE, case.case_id),
        kind=case.kind,
        title=case_title(case.kind),
        question=case_question(case.kind),
        facts=told_facts(case),
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        resolution=case.resolution,
        booking=case.public_id,
        booking_code=case.code,
        booking_state=case.state,
        party=case.party,
        ways=list(ways_of(case.kind)) if case.closed_at is None else [],
    )
