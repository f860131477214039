"""Whoever is logged in changes their own password: the present one is asked, other devices are logged out."""

from collections.abc import Mapping

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import accounts
from booking.reads.accounts import credentials_of
from web.access import logged_in
from web.i18n import gettext
from web.limits import keyed
from web.passwords import LONGEST, SHORTEST, hash_password, is_password
from web.request import actor, end_read, now, read, write
from web.security import logged_in_staff

blueprint = Blueprint("own_password", __name__)


@blueprint.get("/password")
@logged_in
def form() -> Response:
    return _page({})


@blueprint.post("/password")
@logged_in
def change() -> AnyResponse:
    """Tries are counted before the present password is looked at: a stolen session cannot guess it."""
    person = logged_in_staff()
    wrong = _wrong_with(request.form)
    if wrong:
        return _page(wrong, 422)
    key = keyed(accounts.OWN_PASSWORD, str(person.staff_id))
    tries = write(
        lambda db: accounts.count_attempt(db, now(), accounts.OWN_PASSWORD, key, accounts.LOGIN_WINDOW), nudge=False
    )
    if tries > accounts.LOGIN_TRIES:
        return _page({"present": gettext("Too many tries. Please wait 15 minutes and try again.")}, 429)
    known = credentials_of(read(), person.organisation_id, person.email)
    end_read()  # argon2 outside of any transaction
    if known is None or not is_password(request.form["present"], known.password_hash):
        return _page({"present": gettext("This is not your present password.")}, 422)
    fresh = hash_password(request.form["new"])
    no = write(
        lambda db: accounts.change_own_password(
            db,
            now(),
            person.organisation_id,
            actor(),
            person.staff_id,
            person.session_id,
            known.password_hash,
            fresh,
            key,
        ),
        nudge=False,
    )
    if no:
        from web.reasons import message  # late: the log-in page does without the texts of all refusals

        return _page({"present": message(no.reasons[0])}, 422)
    flash(gettext("Your new password holds from now on. All other devices are logged out."), "ok")
    return redirect(url_for("login.sessions"))


def _wrong_with(given: Mapping[str, str]) -> dict[str, str]:
    """What can be said without looking at the present password, by field."""
    present, new, again = (given.get(name, "") for name in ("present", "new", "again"))
    wrong = {}
    if not present:
        wrong["present"] = gettext("This is needed here.")
    if len(new.strip()) < SHORTEST:
        wrong["new"] = gettext("Please choose at least %(least)s characters.", least=SHORTEST)
    elif len(new) > LONGEST:
        wrong["new"] = gettext("Please write at most %(most)s characters.", most=LONGEST)
    elif new == present:
        wrong["new"] = gettext("This is your present password. Please choose another one.")
    if "new" not in wrong and new != again:
        wrong["again"] = gettext("Both new passwords have to be the same.")
    return wrong


def _page(errors: Mapping[str, str], status: int = 200) -> Response:
    """Passwords are never sent back, so the fields are empty again."""
    answer = make_response(
        render_template("login/password.html", errors=errors, shortest=SHORTEST, email=logged_in_staff().email), status
    )
    if status == 429:
        answer.headers["Retry-After"] = str(int(accounts.LOGIN_WINDOW.total_seconds()))
    return answer
