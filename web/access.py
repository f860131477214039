"""Who may call what: every view says it by one decorator, and what says nothing answers nobody (SPEC R1).

    @blueprint.get("/requests")
    @require(Capability.REVIEW)
    def requests() -> str: ...

    @blueprint.get("/rooms/<slug>")
    @public
    def room(slug: str) -> str: ...

A test walks the application's url_map against `access_of`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from flask import Flask

from booking.rules.permissions import Capability

View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE = "platzwart_access"


class Way(Enum):
    """How a caller is known."""

    PUBLIC = "public"  # nobody is asked
    HOOK = "hook"  # the view asks for the secret of a foreign service, which calls from wherever it likes
    STAFF = "staff"  # logged in; the capability decides
    TOKEN = "token"  # a bearer token of the API; the capability decides  # noqa: S105 - a word, no secret


@dataclass(frozen=True, slots=True)
class Access:
    """`capability` None with STAFF: whoever is logged in, for their own things."""

    way: Way
    capability: Capability | None = None


def public(view: View) -> View:
    """Everybody may call it. What it shows is found by an unguessable token, or is meant for all."""
    return _mark(view, Access(Way.PUBLIC))


def hook(view: View) -> View:
    """Called by foreign services: the view itself asks for a secret that no browser has."""
    return _mark(view, Access(Way.HOOK))


def require(capability: Capability) -> Callable[[View], View]:
    """Only staff whose role has the capability; others are sent to log in, or refused by 403."""
    return lambda view: _mark(view, Access(Way.STAFF, capability))


def logged_in(view: View) -> View:
    """Any staff, for their own things: log out, sessions, language."""
    return _mark(view, Access(Way.STAFF))


def token(capability: Capability) -> Callable[[View], View]:
    """Only API tokens whose role has the capability."""
    return lambda view: _mark(view, Access(Way.TOKEN, capability))


def access_of(app: Flask, endpoint: str) -> Access | None:
    """What the endpoint's view says; None: nothing, so that it answers nobody."""
    if endpoint == "static" or endpoint.endswith(".static"):
        return Access(Way.PUBLIC)
    view = app.view_functions.get(endpoint)
    found = getattr(view, ATTRIBUTE, None)
    return found if isinstance(found, Access) else None


def _mark(view: View, access: Access) -> View:
    setattr(view, ATTRIBUTE, access)
    return view
