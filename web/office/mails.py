"""Every mail with its state; the mail itself, its codes masked; look at them by a logged step; send again (X4)."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.office import note_mail_codes_shown, resend_mail
from booking.reads.mails import MailCode, MailLine, codes_in_reach, frozen_mail, mail_by, mails_page
from booking.rules.permissions import Capability, may
from booking.values.states import MessageState
from web.access import require
from web.i18n import gettext
from web.mail_body import Body, codes_in, framed, masked, read_mail, with_frames
from web.office import words
from web.office.frame import act, address
from web.request import actor, now, organisation_id, read, tools
from web.security import logged_in_staff

blueprint = Blueprint("office_mails", __name__, url_prefix="/office/mails")
PAGE = 50


@blueprint.get("")
@require(Capability.MAILS_READ)
def index() -> str:
    """Newest first; filters by state, kind and whoever it goes to."""
    state = _state(request.args.get("state", ""))
    kind, typed = request.args.get("kind", ""), request.args.get("to", "").strip()
    before = _uuid(request.args.get("before", ""))
    lines = mails_page(read(), organisation_id(), state=state, kind=kind, typed=typed, before=before, limit=PAGE + 1)
    shown = lines[:PAGE]
    given = {key: value for key, value in request.args.items() if key != "before" and value}
    return render_template(
        "office/mails.html",
        lines=shown,
        mail_name=words.mail_name,
        kinds=sorted(words.mail_names().items(), key=lambda pair: pair[1]),
        state=state.value if state else "",
        kind=kind,
        typed=typed,
        filtered=bool(given),
        older=address(".index", **given, before=shown[-1].public_id) if len(lines) > PAGE else None,
        newest=address(".index", **given) if before else None,
        due=words.when_due,
    )


@blueprint.get("/<uuid:mail_id>")
@require(Capability.MAILS_READ)
def show(mail_id: UUID) -> AnyResponse:
    return _page(_mail(mail_id))


@blueprint.get("/<uuid:mail_id>/body")
@require(Capability.MAILS_READ)
def body(mail_id: UUID) -> Response:
    """The mail as it went out or will, for the frame; 404 before its first attempt."""
    mail = _mail(mail_id)
    found = _body(mail)
    if found is None:
        return Response(status=404)
    codes = [code.text for code in _codes(mail)]
    return framed(masked(found.html, codes))


@blueprint.post("/<uuid:mail_id>/code")
@require(Capability.MAILS_SHOW_CODE)
def show_code(mail_id: UUID) -> AnyResponse:
    """The codes in plain text, after the look was logged (SPEC X5)."""
    mail = _mail(mail_id)
    act(lambda db, here: note_mail_codes_shown(db, now(), here, mail_id, actor()))
    found, codes = _body(mail), _codes(mail)
    held = codes_in(found, [code.text for code in codes]) if found else frozenset()
    return _page(mail, [code for code in codes if code.text in held])


@blueprint.post("/<uuid:mail_id>/again")
@require(Capability.MAILS_RESEND)
def again(mail_id: UUID) -> AnyResponse:
    no = act(lambda db, here: resend_mail(db, now(), here, mail_id, actor()))
    flash(words.refusal(no)[0] if no else gettext("The same mail is sent again now."), "stop" if no else "ok")
    return redirect(url_for(".show", mail_id=mail_id))


def _mail(mail_id: UUID) -> MailLine:
    return mail_by(read(), organisation_id(), mail_id)


def _codes(mail: MailLine) -> tuple[MailCode, ...]:
    return codes_in_reach(read(), organisation_id(), tools().vault, mail)


def _body(mail: MailLine) -> Body | None:
    data = frozen_mail(read(), organisation_id(), tools().vault, mail.public_id)
    return read_mail(data) if data is not None else None


def _page(mail: MailLine, shown: list[MailCode] | None = None) -> AnyResponse:
    found = _body(mail)
    has_codes = found is not None and bool(codes_in(found, [code.text for code in _codes(mail)]))
    page = render_template(
        "office/mail.html",
        mail=mail,
        name=words.mail_name(mail.kind),
        files=found.files if found else (),
        has_codes=has_codes,
        shown=shown,
        may_show=may(logged_in_staff().role, Capability.MAILS_SHOW_CODE),
        told=_told(mail),
    )
    return with_frames(make_response(page))


def _told(mail: MailLine) -> list[tuple[str, Any]]:
    """What a mail that is not written yet will carry."""
    reason = mail.facts.get("reason")
    return [(gettext("Reason"), reason)] if reason else []


def _state(text: str) -> MessageState | None:
    return MessageState(text) if text in set(MessageState) else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
