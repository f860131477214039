"""Who brings a secret of their own, an API token or a hook's, passes by what guards browsers (docs/decisions/0008).

Flask runs every hook of the application around every request. Those of forms, sessions and limits by address find
nothing to do where a program calls, and take longer over it than Flask itself. So only hooks that say so run there:

    @serves_programs
    def guard() -> ...

A test knows which hooks do not. What the session's cookie says is still read; nothing is written to it.

Everybody's answers are handed to granian as lists (`Answer`).
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask.wrappers import Request

from web.access import Way, access_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

Hook = TypeVar("Hook", bound=Callable[..., Any])
ATTRIBUTE = "platzwart_serves_programs"
# What a foreign page makes a browser send carries cookies, but neither of these secrets.
PROVEN_BY_SECRET = frozenset({Way.TOKEN, Way.HOOK})
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def serves_programs(hook: Hook) -> Hook:
    """Mark a hook of the application that runs for programs too, in the same order."""
    setattr(hook, ATTRIBUTE, True)
    return hook


def is_program(app: Flask) -> bool:
    """Whether this request is for a view that only a secret opens."""
    endpoint = request.endpoint
    access = access_of(app, endpoint) if endpoint else None
    return access is not None and access.way in PROVEN_BY_SECRET


def before(app: Flask) -> ResponseReturnValue | None:
    for hook in app.before_request_funcs.get(None, ()):
        answer = hook() if hasattr(hook, ATTRIBUTE) else None
        if answer is not None:
            return cast("ResponseReturnValue", answer)  # none of our hooks is a coroutine
    return None


def after(app: Flask, response: Response) -> Response:
    for hook in reversed(app.after_request_funcs.get(None, ())):
        if hasattr(hook, ATTRIBUTE):
            response = cast("Response", hook(response))
    return response


class CookieSessions(SecureCookieSessionInterface):
    """Flask's own, which prepares a signature also where no cookie came."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if "HTTP_COOKIE" in request.environ:
            return super().open_session(app, request)
        return self.session_class()


class Answer(Response):
    """Flask's own, whose body is a list where all of it is there.

    granian sends a list at once. Anything else it asks piece by piece, over a channel between two of its threads.
    """

    def get_app_iter(self, environ: "WSGIEnvironment") -> Iterable[bytes]:
        if self.direct_passthrough or not self.is_sequence:
            return super().get_app_iter(environ)
        is_empty = environ["REQUEST_METHOD"] == "HEAD" or self.status_code in _WITHOUT_BODY
        body = [] if is_empty else [b"".join(self.iter_encoded())]
        self.close()
        return body
