"""Staff and the table of roles (SPEC R1, R2)."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import staff as actions
from booking.actions.accounts import make_staff
from booking.reads.settings import StaffLine, staff_lines
from booking.rules.permissions import TABLE, Capability, Scope, scope_of
from booking.values.refusals import Refused, refused
from booking.values.states import Role
from web import field_readers as read_as
from web.access import require
from web.filters import role_name
from web.i18n import gettext
from web.office.settings_forms import Field
from web.office.settings_frame import blueprint, form_page, page, save
from web.passwords import hash_password
from web.reasons import message
from web.request import actor, now, organisation_id, read, write
from web.security import logged_in_staff

SHORTEST_PASSWORD = 12


@blueprint.get("/staff")
@require(Capability.STAFF)
def staff() -> AnyResponse:
    return page("staff", people=staff_lines(read(), organisation_id()), here=logged_in_staff().staff_id)


@blueprint.get("/staff/new")
@require(Capability.STAFF)
def new_staff() -> AnyResponse:
    return form_page(gettext("New member of staff"), _new_fields(), {"role": Role.OFFICE.value}, back=_back())


@blueprint.post("/staff/new")
@require(Capability.STAFF)
def add_staff() -> AnyResponse:
    """The password is hashed before the write begins (DESIGN rule 1)."""
    password = request.form.get("password", "")
    hashed = hash_password(password) if len(password.strip()) >= SHORTEST_PASSWORD else ""

    def action(session: Session, values: Mapping[str, Any]) -> object:
        if not actions.may_touch(logged_in_staff().role, values["role"]):
            return refused("only-owners")
        wanted = {name: values[name] for name in ("email", "name", "role")}
        return make_staff(session, now(), organisation_id(), actor(), **wanted, password_hash=hashed)

    return save(gettext("New member of staff"), _new_fields(), action, back=_back())


@blueprint.get("/staff/<uuid:person>")
@require(Capability.STAFF)
def person_form(person: UUID) -> AnyResponse:
    return page("person", person=_person(person), roles=_roles(), shortest=SHORTEST_PASSWORD, errors={})


@blueprint.post("/staff/<uuid:person>/role")
@require(Capability.STAFF)
def change_role(person: UUID) -> AnyResponse:
    known, typed, by = _person(person), request.form.get("role", ""), logged_in_staff().role
    if typed not in set(Role):
        return _again(known, "role", gettext("Please choose one of the list."))
    return _done(
        known,
        "role",
        lambda db: actions.change_role(db, now(), organisation_id(), actor(), by, known.staff_id, Role(typed)),
    )


@blueprint.post("/staff/<uuid:person>/password")
@require(Capability.STAFF)
def reset_password(person: UUID) -> AnyResponse:
    known, typed, by = _person(person), request.form.get("password", ""), logged_in_staff().role
    if len(typed.strip()) < SHORTEST_PASSWORD:
        return _again(known, "password", _too_short())
    hashed = hash_password(typed)
    return _done(
        known,
        "password",
        lambda db: actions.set_password(db, now(), organisation_id(), actor(), by, known.staff_id, hashed),
    )


@blueprint.post("/staff/<uuid:person>/disabled")
@require(Capability.STAFF)
def disable(person: UUID) -> AnyResponse:
    known, disabled, by = _person(person), request.form.get("disabled") == "yes", logged_in_staff().role
    return _done(
        known,
        "disabled",
        lambda db: actions.set_disabled(db, now(), organisation_id(), actor(), by, known.staff_id, disabled=disabled),
    )


@blueprint.get("/roles")
@require(Capability.ROLES_READ)
def roles() -> AnyResponse:
    """The table in code, as the owner sees it (SPEC R1)."""
    labels = capability_names()
    scopes = {Scope.OWN: gettext("own"), Scope.DOORS: gettext("own doors and days"), Scope.ORGANISATION: gettext("yes")}
    rows = [
        (labels[capability], [scopes[scope] if (scope := scope_of(role, capability)) else "" for role in TABLE])
        for capability in Capability
    ]
    return page("roles", roles=[role_name(role) for role in TABLE], rows=rows)


def capability_names() -> dict[Capability, str]:
    """Each capability as a thing to do."""
    return {
        Capability.REVIEW: gettext("Review requests"),
        Capability.BOOKINGS: gettext("Make, move and cancel bookings"),
        Capability.CASES: gettext("Decide cases"),
        Capability.CLOSURES: gettext("Close rooms for a time"),
        Capability.DOORS_READ: gettext("See door codes"),
        Capability.DOORS_MANAGE: gettext("Make, import and replace door codes"),
        Capability.DESK_FIND: gettext("Find bookings at the desk"),
        Capability.DESK_ISSUE: gettext("Give out codes by phone"),
        Capability.CUSTOMERS: gettext("See and change customers"),
        Capability.DISCOUNTS: gettext("Keep discounts"),
        Capability.INVOICES: gettext("See and correct invoices"),
        Capability.PAYMENTS: gettext("Note payments"),
        Capability.FEEDS_OWN: gettext("Own calendars"),
        Capability.FEEDS_OFFICE: gettext("Calendars of rooms, office and desk"),
        Capability.MAILS_READ: gettext("See mails"),
        Capability.MAILS_RESEND: gettext("Send mails again"),
        Capability.MAILS_SHOW_CODE: gettext("See the code in a mail"),
        Capability.LINKS: gettext("Set up calendar links"),
        Capability.YCBM: gettext("Set up booking sites"),
        Capability.SETTINGS: gettext("Change settings"),
        Capability.PRICES: gettext("Change prices"),
        Capability.COURSES: gettext("Plan courses and their series"),
        Capability.STAFF: gettext("Keep staff"),
        Capability.AUDIT_RECORD: gettext("See the history of a record"),
        Capability.AUDIT_ALL: gettext("See the whole audit log"),
        Capability.ROLES_READ: gettext("See this table"),
        Capability.API_TOKENS: gettext("Make API tokens"),
        Capability.KEYS: gettext("Change keys"),
        Capability.OWNERSHIP: gettext("Pass on ownership"),
        Capability.ORGANISATION_DELETE: gettext("Delete the organisation"),
    }


def _new_fields() -> tuple[Field, ...]:
    options = _roles()
    return (
        Field("name", gettext("Name"), read_as.text(80)),
        Field("email", gettext("Mail address, to log in with"), read_as.email, "email"),
        Field("role", gettext("Role"), read_as.chosen(options, Role), "select", options=options),
        Field(
            "password",
            gettext("First password"),
            _password,
            "password",
            help=gettext("At least %(least)s characters. Hand it over in person.", least=SHORTEST_PASSWORD),
            more={"autocomplete": "new-password"},
        ),
    )


def _password(typed: str) -> str:
    if len(typed) < SHORTEST_PASSWORD:
        raise read_as.BadInput(_too_short())
    return ""


def _too_short() -> str:
    return gettext("Please choose at least %(least)s characters.", least=SHORTEST_PASSWORD)


def _roles() -> tuple[tuple[str, str], ...]:
    """What this person may give."""
    by = logged_in_staff().role
    return tuple((role.value, role_name(role)) for role in Role if actions.may_touch(by, role))


def _person(person: UUID) -> StaffLine:
    found = next((one for one in staff_lines(read(), organisation_id()) if one.public_id == person), None)
    if found is None:
        abort(404)
    return found


def _done(known: StaffLine, at: str, action: Callable[[Session], Refused | None]) -> AnyResponse:
    no = write(action, nudge=False)
    if no:
        return _again(known, at, " ".join(message(reason) for reason in no.reasons))
    flash(gettext("Saved."), "ok")
    return redirect(url_for("office_settings.person_form", person=known.public_id))


def _again(known: StaffLine, at: str, text: str) -> AnyResponse:
    return page(
        "person",
        status=422,
        person=known,
        roles=_roles(),
        shortest=SHORTEST_PASSWORD,
        errors={at: [text]},
        typed_role=request.form.get("role", ""),
    )


def _back() -> str:
    return url_for("office_settings.staff")
