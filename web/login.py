"""Staff log in and out, see and end their log-ins, choose a language (DESIGN rule 7, SPEC X1).

The log-in's cookie is a token of its own, new at each log-in; the database holds its SHA-256. Tries are counted in the
database before the password is looked at, by account and address: where they cannot be counted, nobody logs in.
"""

from flask import Blueprint, Flask, Response, flash, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import accounts
from booking.reads.accounts import Credentials, credentials_of, sessions_of
from booking.rules.permissions import Capability, may
from booking.values.states import Role
from web import i18n, own_password
from web.access import logged_in, public
from web.context import current
from web.i18n import gettext
from web.limits import address, keyed, limited
from web.passwords import is_password
from web.request import end_read, now, organisation_id, read, write
from web.security import logged_in_staff, session_cookie, set_session_cookie, staff

blueprint = Blueprint("login", __name__)
LONGEST_EMAIL = 254
RETRY_SECONDS = int(accounts.LOGIN_WINDOW.total_seconds())


@blueprint.get("/login")
@public
def form() -> AnyResponse:
    if staff() is not None:
        return redirect(_safe(request.args.get("next", "")) or home(logged_in_staff().role))
    return _form(200)


@blueprint.post("/login")
@public
@limited("100 per 15 minutes")
def log_in() -> AnyResponse:
    email = request.form.get("email", "")[:LONGEST_EMAIL].strip().lower()
    password = request.form.get("password", "")
    key = keyed(accounts.LOGIN, email, address())
    tries = write(lambda db: accounts.count_attempt(db, now(), accounts.LOGIN, key, accounts.LOGIN_WINDOW), nudge=False)
    if tries > accounts.LOGIN_TRIES:
        return _form(429, gettext("Too many tries. Please wait 15 minutes and try again."), email)
    known, is_right = _check(email, password)
    login = _open(known, key) if known and is_right else None
    if known is None or login is None:
        _note_refusal(known, email)
        return _form(422, gettext("E-mail address or password is not right."), email)
    chosen = session.get(i18n.CHOSEN)
    session.clear()  # a form token that somebody planted is worth nothing from here on
    if chosen:
        i18n.remember(chosen)
    answer = redirect(_safe(request.form.get("next", "")) or home(known.role))
    set_session_cookie(answer, login)
    return answer


@blueprint.post("/logout")
@public
def log_out() -> AnyResponse:
    name = session_cookie(current().settings)
    token = request.cookies.get(name, "")
    if staff() is not None:
        write(lambda db: accounts.close_session(db, now(), token), nudge=False)
    session.clear()
    answer = redirect(url_for("login.form"))
    answer.delete_cookie(name, secure=current().is_https, httponly=True, samesite="Lax")
    return answer


@blueprint.get("/sessions")
@logged_in
def sessions() -> str:
    person = logged_in_staff()
    found = sessions_of(read(), now(), person.organisation_id, person.staff_id)
    return render_template("login/sessions.html", sessions=found, here=person.session_id, back=home(person.role))


@blueprint.post("/sessions/<int:session_id>/end")
@logged_in
def end_session(session_id: int) -> AnyResponse:
    person = logged_in_staff()
    write(
        lambda db: accounts.close_session_by_id(db, now(), person.organisation_id, person.staff_id, session_id),
        nudge=False,
    )
    flash(gettext("That device is logged out."), "ok")
    return redirect(url_for("login.sessions"))


@blueprint.post("/sessions/end-others")
@logged_in
def end_other_sessions() -> AnyResponse:
    person = logged_in_staff()
    write(
        lambda db: accounts.close_other_sessions(
            db, now(), person.organisation_id, person.staff_id, but_session_id=person.session_id
        ),
        nudge=False,
    )
    flash(gettext("All other devices are logged out."), "ok")
    return redirect(url_for("login.sessions"))


@blueprint.post("/language")
@public
def language() -> AnyResponse:
    """Keep the choice in this browser, and for staff with their account."""
    chosen = request.form.get("language", "")
    person = staff()
    if person is not None:
        spoken = i18n.supported(chosen)
        write(lambda db: accounts.set_language(db, person.organisation_id, person.staff_id, spoken), nudge=False)
    i18n.remember(chosen)
    return redirect(_safe(request.form.get("next", "")) or "/")


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.register_blueprint(own_password.blueprint)


def home(role: Role) -> str:
    """Where a person's work begins."""
    return "/office/" if may(role, Capability.REVIEW) else "/desk/"


def _check(email: str, password: str) -> tuple[Credentials | None, bool]:
    """Whose address that is, and whether the password is theirs.

    An unknown address costs the same argon2 as a known one, outside of any transaction.
    """
    known = credentials_of(read(), organisation_id(), email)
    end_read()
    return known, is_password(password, known.password_hash if known else None)


def _note_refusal(known: Credentials | None, email: str) -> None:
    house, staff_id = organisation_id(), known.staff_id if known else None
    key = keyed(accounts.REFUSED_LOGIN, email)
    write(lambda db: accounts.note_refusal(db, now(), house, staff_id, address(), key), nudge=False)


def _open(known: Credentials, key: bytes) -> accounts.Login | None:
    house, client = organisation_id(), request.headers.get("User-Agent", "")
    return write(
        lambda db: accounts.log_in(
            db, now(), house, known.staff_id, known.password_hash, address(), client, tries_key=key
        ),
        nudge=False,
    )


def _form(status: int, error: str | None = None, email: str = "") -> Response:
    wanted = _safe(request.values.get("next", ""))
    page = render_template("login/form.html", error=error, email=email, next=wanted)
    answer = make_response(page, status)
    if status == 429:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _safe(target: str) -> str | None:
    """A path of ours, or None: never an address elsewhere, whatever way it is written."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or not target.isprintable() or "\\" in target:
        return None
    return target
