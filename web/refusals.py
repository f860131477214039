"""Errors as people and programs read them: what happened, what is safe, what to do. Never a secret, never a trace.

MoveLost, Overlap  409  somebody was faster; the page leads back to how it stands now
DatabaseBusy       503  with Retry-After
NotFound           404
anything else      500  logged with its trace, shown without
"""

import logging
from http import HTTPStatus

from flask import Flask, Response, g, json, make_response, render_template, request
from markupsafe import escape
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers.response import Response as AnyResponse

from booking.values.refusals import DatabaseBusy, MoveLost, NotFound, Overlap, Reason
from web.i18n import gettext
from web.request import end_read

API = "/api/"
PROBLEM_JSON = "application/problem+json"

log = logging.getLogger(__name__)


def problem(status: int, code: str, detail: str, reasons: tuple[Reason, ...] = (), **more: object) -> Response:
    """An answer as RFC 9457 says: `type` names the kind for good, `reasons` are all of {code, at, message}."""
    from web.reasons import message

    body = {
        "type": f"urn:platzwart:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "reasons": [{"code": reason.code, "at": reason.at, "message": message(reason)} for reason in reasons],
        **more,
    }
    return Response(json.dumps(body), status, mimetype=PROBLEM_JSON)


def set_up(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(MoveLost, _lost)
    app.register_error_handler(Overlap, _lost)
    app.register_error_handler(DatabaseBusy, _busy)
    app.register_error_handler(NotFound, _missing)
    app.register_error_handler(Exception, _fault)


def answer(status: int, headers: dict[str, str] | None = None, code: str | None = None) -> Response:
    """The page, or the problem for the API, of a status."""
    title, text = _words(status) if code != "not-set-up" else _not_set_up()
    if request.path.startswith(API):
        found = problem(status, code or HTTPStatus(status).name.lower().replace("_", "-"), f"{title} {text}")
        if status == HTTPStatus.UNAUTHORIZED:
            found.headers["WWW-Authenticate"] = "Bearer"
    else:
        found = make_response(_page(status, title, text), status)
    found.headers.update(headers or {})
    return found


def _http(error: HTTPException) -> AnyResponse:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response()  # a redirect, or an answer that was made already
    kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    return answer(error.code, kept)


def _lost(_error: Exception) -> Response:
    return answer(409, code="somebody-was-faster")


def _missing(error: NotFound) -> Response:
    return answer(404, code="not-set-up" if error.what == "organisation" else None)


def _busy(error: DatabaseBusy) -> Response:
    return answer(503, {"Retry-After": str(error.retry_after or 1)}, code="busy")


def _fault(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url_rule or "an unknown address", exc_info=error)
    return answer(500)


def _page(status: int, title: str, text: str) -> str:
    """The page, with the house around it where the house can be read, else bare, else in plain words."""
    for bare in (False, True):
        g.bare = bare
        try:
            return _rendered(status, title, text)
        except Exception as error:  # noqa: BLE001 - the database may be what failed, or the host's name
            log.warning("error page not rendered: %s", type(error).__name__)
            end_read()
    return f"<!doctype html><title>{escape(title)}</title><p>{escape(title)} {escape(text)}</p>"


def _rendered(status: int, title: str, text: str) -> str:
    back = request.path if status == HTTPStatus.CONFLICT and request.method == "GET" else None
    # its own address may be a secret, so the page does not repeat it where the language is chosen
    return render_template("errors/error.html", status=status, title=title, text=text, back=back, own_address="/")


def _not_set_up() -> tuple[str, str]:
    return (
        gettext("There is no house here yet."),
        gettext("Open the link that Platzwart printed when it started, or print it again: platzwart setup-link"),
    )


def _words(status: int) -> tuple[str, str]:
    """What happened; and what is safe, what to do."""
    unchanged = gettext("Nothing was changed.")
    known = {
        400: (
            gettext("This request did not come from a page of ours."),
            gettext("Nothing was changed. Please open the page again and send it once more."),
        ),
        401: (gettext("Please log in."), gettext("Your log-in has ended or is missing. Nothing was changed.")),
        403: (
            gettext("This page is not for your role."),
            gettext("Nothing was changed. Whoever keeps your staff list can widen your role."),
        ),
        404: (
            gettext("There is nothing at this address."),
            gettext("It may have been removed, or the link is incomplete."),
        ),
        405: (gettext("This cannot be done here."), unchanged),
        409: (
            gettext("Somebody was faster."),
            gettext("Nothing of yours was changed. Please look at how it stands now, and decide again."),
        ),
        410: (gettext("This is gone for good."), gettext("The address was withdrawn by its owner.")),
        413: (gettext("That was too much."), gettext("Nothing was changed. Please send less at once.")),
        415: (gettext("This form of data is not read here."), unchanged),
        422: (gettext("Some of this cannot be right."), gettext("Nothing was changed. The reasons are listed.")),
        429: (
            gettext("That was too often."),
            gettext("Nothing was changed. Please wait a few minutes and try again."),
        ),
        503: (gettext("Too many at once."), gettext("Nothing was changed. Please try again in a moment.")),
    }
    fallback = (
        gettext("Something went wrong on our side."),
        gettext("What you sent may not have been kept. Please look before you send it again."),
    )
    return known.get(status, fallback)
