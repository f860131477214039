"""The frame of a request: one moment, one read session, one way to write (DESIGN rules 1, 5, 10).

    house = request.house()                                   # settings of the organisation that the request is for
    rows = some_read(request.read(), house.organisation_id)   # read: plain BEGIN, never writes
    made = request.write(lambda session: make_request(session, now(), tools(), house, ask))   # one action, committed

`write` ends the read session first, so that what is read afterwards is what was just written.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Flask, g
from flask import request as flask_request
from sqlalchemy import select
from sqlalchemy.orm import Session

from booking.actions.audit import CUSTOMER, Actor
from booking.actions.tools import Tools
from booking.reads.house import House, only_organisation, read_house
from booking.tables.houses import Organisation
from booking.values.refusals import NotFound, Refused
from web.context import Wake, current

T = TypeVar("T")


def now() -> datetime:
    """The moment of this request, the same for all that it does."""
    moment: datetime | None = g.get("moment")
    if moment is None:
        moment = g.moment = current().clock()
    return moment


def tools() -> Tools:
    return current().tools


def read() -> Session:
    """The request's session for reading; it cannot write, and ends with the request or at `write`."""
    session: Session | None = g.get("session")
    if session is None:
        session = g.session = current().database.read()
    return session


def write(action: Callable[[Session], T], *, nudge: bool = True) -> T:
    """Run one action in one transaction, commit, then wake a worker unless the answer is a refusal.

    Raises what the action raises, and Overlap or DatabaseBusy (booking.tables.database).
    """
    end_read()
    result = current().database.write(action)
    if nudge and not isinstance(result, Refused):
        current().nudger(Wake.OUTBOX)
    return result


def end_read(_error: BaseException | None = None) -> None:
    """Close the read session, if there is one; the next `read` begins anew."""
    g.pop("house", None)
    g.pop("settings_revision", None)
    session: Session | None = g.pop("session", None)
    if session is not None:
        session.close()


def organisation_id() -> int:
    """Whose request it is: of who is logged in, else by the host's name, else the only organisation.

    Raises NotFound before an organisation was made.
    """
    found: int | None = g.get("organisation_id")
    if found is None:
        found = g.organisation_id = _by_host() or only_organisation(read())
    if found is None:
        raise NotFound("organisation", flask_request.host)
    return found


def belong_to(organisation_id: int, settings_revision: int | None = None) -> None:
    """From here on the request is this organisation's: whoever asks has proven to belong there.

    `settings_revision` is what `read()` said of it, where it was asked along with that.
    """
    g.organisation_id = organisation_id
    g.settings_revision = settings_revision


def house() -> House:
    """The organisation's settings as they stand now; read once for a request and again after `write`."""
    found: House | None = g.get("house")
    if found is None:
        found = g.house = read_house(read(), organisation_id(), g.pop("settings_revision", None))
    return found


def actor() -> Actor:
    """Who acts, for the audit log: the staff member or token of this request, else a customer."""
    found: Actor = g.get("actor", CUSTOMER)
    return found


def set_up(app: Flask) -> None:
    app.teardown_appcontext(end_read)


def _by_host() -> int | None:
    """`<slug>.<host of BASE_URL>` names an organisation."""
    slug, _, rest = flask_request.host.partition(".")
    if rest.partition(":")[0] != current().base_host:
        return None
    return read().scalar(select(Organisation.id).where(Organisation.slug == slug))
