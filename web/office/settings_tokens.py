"""API tokens: made, shown once, revoked (DESIGN rule 7, SPEC X3)."""

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.accounts import make_api_token, revoke_api_token
from booking.actions.staff import may_touch
from booking.reads.api_tokens import token_lines
from booking.rules.permissions import Capability
from booking.values.states import Role
from web import field_readers as read_as
from web.access import require
from web.filters import role_name
from web.i18n import gettext
from web.office.settings_forms import Field, filled
from web.office.settings_frame import blueprint, form_page, page
from web.request import actor, now, organisation_id, read, write
from web.security import logged_in_staff


@blueprint.get("/tokens")
@require(Capability.API_TOKENS)
def tokens() -> AnyResponse:
    by = logged_in_staff().role
    return page("tokens", tokens=token_lines(read(), organisation_id()), mine=lambda role: may_touch(by, role))


@blueprint.get("/tokens/new")
@require(Capability.API_TOKENS)
def new_token() -> AnyResponse:
    return form_page(gettext("New API token"), _fields(), {"role": Role.OFFICE.value}, lead=_lead(), back=_back())


@blueprint.post("/tokens/new")
@require(Capability.API_TOKENS)
def make_token() -> AnyResponse:
    """The token is on this one answer and nowhere else; a token reaches no further than whoever makes it."""
    form = filled(_fields(), request.form)
    if form.errors:
        return page("form", form, 422, title=gettext("New API token"), lead=_lead(), back=_back())
    name, role = form.values["name"], form.values["role"]
    _, token = write(lambda db: make_api_token(db, now(), organisation_id(), actor(), name, role), nudge=False)
    return _shown_once(name, token)


@blueprint.post("/tokens/<int:token_id>/revoke")
@require(Capability.API_TOKENS)
def revoke_token(token_id: int) -> AnyResponse:
    known = next((one for one in token_lines(read(), organisation_id()) if one.token_id == token_id), None)
    if known is not None and not may_touch(logged_in_staff().role, known.role):
        flash(gettext("Only an owner may do this with an owner."), "stop")
        return redirect(_back())
    write(lambda db: revoke_api_token(db, now(), organisation_id(), actor(), token_id), nudge=False)
    flash(gettext("The token is no longer accepted."), "ok")
    return redirect(_back())


def _shown_once(name: str, token: str) -> Response:
    answer = make_response(render_template("office/settings_token_made.html", name=name, token=token))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _fields() -> tuple[Field, ...]:
    by = logged_in_staff().role
    roles = tuple((role.value, role_name(role)) for role in Role if may_touch(by, role))
    return (
        Field("name", gettext("Which program uses it"), read_as.text(80),
              help=gettext("It stands in the audit log, for example: website.")),
        Field("role", gettext("Role"), read_as.chosen(roles, Role), "select", options=roles,
              help=gettext("The program may do what this role may.")),
    )  # fmt: skip


def _lead() -> str:
    return gettext("Whoever has the token can do all that its role may, until it is revoked.")


def _back() -> str:
    return url_for("office_settings.tokens")
