"""The guard before every view: hosts, origins, CSRF, who may call what; and the headers behind every answer."""

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask_wtf import CSRFProtect
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions.accounts import Login
from booking.actions.audit import Actor
from booking.reads.accounts import StaffFacts, staff_of_session, token_of_api
from booking.rules.permissions import may
from booking.values.tokens import hash_token, looks_like_token
from config.settings import Settings
from web.access import Access, Way, access_of
from web.context import current
from web.lean import PROVEN_BY_SECRET, serves_programs
from web.request import belong_to, now, read

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
LARGEST_BODY = 1024 * 1024
PART = 64 * 1024
LARGEST_FORM_FIELD = 256 * 1024
MOST_FORM_PARTS = 500

csrf = CSRFProtect()


def session_cookie(settings: Settings) -> str:
    """The name of the log-in's cookie. `__Host-` binds it to this very host, and needs https."""
    return _prefixed(settings, "platzwart_login")


def trusted_hosts(settings: Settings) -> list[str]:
    """Names under which we answer: the base address's own, its subdomains (one for each organisation)."""
    host = urlsplit(settings.base_url).hostname or ""
    if host in LOOPBACK:
        return sorted({"localhost", "127.0.0.1", "[::1]"})
    return [host, f".{host}"]


def configure(app: Flask, settings: Settings) -> None:
    secure = urlsplit(settings.base_url).scheme == "https"
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME=_prefixed(settings, "platzwart"),
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM_FIELD,
        MAX_FORM_PARTS=MOST_FORM_PARTS,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # pages with a token send no referrer; `_same_site` asks the browser instead
    )
    csrf.init_app(app)
    app.before_request(_guard)
    app.after_request(_seal)
    app.after_request(_read_to_the_end)


def staff() -> StaffFacts | None:
    """Who is logged in, by the cookie of this request."""
    if "staff" not in g:
        token = request.cookies.get(session_cookie(current().settings), "")
        g.staff = staff_of_session(read(), now(), hash_token(token)) if looks_like_token(token) else None
        if g.staff is not None:
            g.staff_language = g.staff.language
    found: StaffFacts | None = g.staff
    return found


def logged_in_staff() -> StaffFacts:
    """The same in a view that only staff reach."""
    found = staff()
    if found is None:
        abort(401)
    return found


def private(response: Response) -> Response:
    """Mark an answer whose address is a secret: it must not travel on as a referrer."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def set_session_cookie(answer: AnyResponse, login: Login) -> None:
    """Hand the token of a new log-in to the browser: to this host alone, to no script, on no request from elsewhere."""
    answer.set_cookie(
        session_cookie(current().settings),
        login.token,
        expires=login.expires_at,
        secure=current().is_https,
        httponly=True,
        samesite="Lax",
        path="/",
    )


@serves_programs
def _guard() -> AnyResponse | None:
    if request.endpoint is None:
        return None
    access = access_of(current_app, request.endpoint)
    if access is None:
        abort(403)
    if request.method not in SAFE_METHODS and access.way not in PROVEN_BY_SECRET and not _same_site():
        abort(400)
    match access.way:
        case Way.PUBLIC | Way.HOOK:
            return None
        case Way.STAFF:
            return _admit_staff(access)
        case Way.TOKEN:
            return _admit_token(access)


def _admit_staff(access: Access) -> AnyResponse | None:
    person = staff()
    if person is None:
        if request.method in SAFE_METHODS:
            return redirect(url_for("login.form", next=request.full_path.rstrip("?")))
        abort(401)
    if access.capability is not None and not may(person.role, access.capability):
        abort(403)
    belong_to(person.organisation_id)
    current().seen.note(person.session_id, person.last_seen_at, now())
    g.actor = Actor(person.name, person.staff_id, request.remote_addr or "")
    return None


def _admit_token(access: Access) -> AnyResponse | None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    known = token_of_api(read(), hash_token(given.strip())) if scheme.lower() == "bearer" else None
    if known is None:
        abort(401)
    if access.capability is None or not may(known.role, access.capability):
        abort(403)
    belong_to(known.organisation_id, known.settings_revision)
    current().seen.note_token(known.token_id, known.last_used_at, now())
    g.api_token = known
    g.actor = Actor(f"api:{known.name}", None, request.remote_addr or "")
    return None


def _same_site() -> bool:
    """Whether an unsafe request was made by a page of ours, as far as the browser says; others say nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN_SITES
    origin = request.headers.get("Origin", "null")  # null: a page that sends no referrer; its form has a token
    return origin == "null" or urlsplit(origin).netloc == request.host


@serves_programs
def _seal(response: Response) -> Response:
    there = {name.lower() for name, _ in response.headers}
    response.headers.extend([(name, value) for name, value in HEADERS.items() if name.lower() not in there])
    if current().is_https:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


@serves_programs
def _read_to_the_end(response: Response) -> Response:
    """The server ends a connection on which a body was left unread, though it promised to keep it.

    So what the answer did not need is read as well, or else the end is announced (RFC 9112 section 9.6): where there
    is more than we take.
    """
    if not (request.content_length or "Transfer-Encoding" in request.headers):
        return response
    try:
        if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            raise RequestEntityTooLarge
        left = LARGEST_BODY
        while left > 0 and (part := request.stream.read(PART)):
            left -= len(part)
        if left <= 0:
            raise RequestEntityTooLarge
    except (HTTPException, OSError):
        response.headers["Connection"] = "close"
    return response


def _prefixed(settings: Settings, name: str) -> str:
    return f"__Host-{name}" if settings.base_url.startswith("https://") else name
