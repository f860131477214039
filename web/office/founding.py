"""The first page of a new installation: the organisation and its owner, by the link that Platzwart printed.

The link holds a key of this server, so that nobody who merely finds the address can take the house. It is closed for
good once there is an organisation.
"""

import hmac
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.founding import FIELDS, Owner, found
from booking.reads.house import only_organisation
from booking.values.refusals import Refused
from booking.values.tokens import setup_key
from web import field_readers as read_as
from web.access import public
from web.context import current
from web.i18n import gettext, language
from web.limits import address, limited
from web.office.settings_forms import Field, Form, filled, shown
from web.office.settings_house import house_fields
from web.passwords import LONGEST, SHORTEST, hash_password
from web.request import end_read, now, read, write
from web.security import private, set_session_cookie

blueprint = Blueprint("office_founding", __name__)
OWNER_FIELDS = ("owner_name", "owner_email", "password", "again")


@blueprint.get("/setup")
@public
@limited("60 per minute")
def form() -> Response:
    """404 without the key, 410 once there is an organisation."""
    _admit()
    values = {"country": "DE", "zone": "Europe/Berlin", "language": language()}
    return _page(shown(_fields(), values))


@blueprint.post("/setup")
@public
@limited("20 per minute")
def make() -> AnyResponse:
    _admit()
    end_read()  # argon2 outside of any transaction
    given = _checked(filled(_fields(), request.form))
    if given.errors:
        return _page(given, 422)
    wanted = {name: value for name, value in given.values.items() if name in FIELDS}
    owner = Owner(
        given.values["owner_name"],
        given.values["owner_email"],
        hash_password(given.values["password"]),
        address(),
        request.headers.get("User-Agent", ""),
    )
    login = write(lambda db: found(db, now(), wanted, owner), nudge=False)
    if isinstance(login, Refused):
        abort(410)
    session.clear()
    flash(gettext("Your house is there. What comes next: prices, rooms, opening hours."), "ok")
    answer = redirect(url_for("office_settings.index"))
    set_session_cookie(answer, login)
    return answer


def _admit() -> None:
    given = request.args.get("key", "").encode(errors="replace")
    if not hmac.compare_digest(given, setup_key(current().settings.secret_key.encode()).encode()):
        abort(404)
    if only_organisation(read()) is not None:
        abort(410)


def _page(form: Form, status: int = 200) -> Response:
    g.bare = True  # there is no house yet to be shown around it
    house = [one for one in form.fields if one.name not in OWNER_FIELDS]
    page = render_template("office/setup.html", form=form, count=len(house))
    return private(make_response(page, status))


def _fields() -> tuple[Field, ...]:
    text, plain = read_as.text(), read_as.text(LONGEST)
    return (
        *(one for one in house_fields() if one.name in FIELDS),
        Field("owner_name", gettext("Your name"), text),
        Field("owner_email", gettext("Your mail address, to log in with"), read_as.email, "email"),
        Field(
            "password",
            gettext("Password"),
            plain,
            "password",
            help=gettext("At least %(least)s characters.", least=SHORTEST),
            more={"autocomplete": "new-password"},
        ),
        Field("again", gettext("Password once more"), plain, "password", more={"autocomplete": "new-password"}),
    )


def _checked(form: Form) -> Form:
    """What one field alone does not tell."""
    values, errors = form.values, dict(form.errors)
    if not (values.get("tax_number") or values.get("vat_id")):
        errors.setdefault("tax_number", [gettext("An invoice needs a tax number or a VAT id.")])
    password: Any = values.get("password")
    if password is not None and len(password) < SHORTEST:
        errors["password"] = [gettext("Please choose at least %(least)s characters.", least=SHORTEST)]
    elif password != values.get("again"):
        errors.setdefault("again", [gettext("Both passwords have to be the same.")])
    return Form(form.fields, form.typed, values, errors)
