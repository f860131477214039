"""Webhooks of booking sites: with the right secret any body up to 64 KB is stored and answered at once (SPEC Y3).

Nothing in it is read or believed here; a worker reads the booking again by the site's API.
"""

import hmac
import logging
import re
from uuid import UUID

from flask import Blueprint, Flask, Response, abort, request
from sqlalchemy import bindparam, select

from booking.actions.hooks import store_hook
from booking.tables.connections import Connection
from booking.tables.prepared import Prepared
from booking.values.tokens import hash_token
from outside.ycbm_templates import MOST_BYTES, SECRET_HEADER
from web.access import hook
from web.context import Wake, current
from web.request import now, read, write
from web.security import csrf

NOBODY = bytes(32)
_CONNECTION = Prepared(
    select(Connection.id, Connection.organisation_id, Connection.hook_secret_hash).where(
        Connection.public_id == bindparam("public_id")
    )
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")

blueprint = Blueprint("hooks", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/hooks/ycbm/<uuid:connection_id>")
@hook
def ycbm(connection_id: UUID) -> Response:
    """202 once the row stands; 401 without the secret, for an unknown connection too; 413 before more is read."""
    known = _connection(connection_id)
    given = hash_token(request.headers.get(SECRET_HEADER, ""))
    if not hmac.compare_digest(given, known[2] if known else NOBODY) or known is None:
        log.info("webhook refused: wrong or missing secret for %s", connection_id)
        abort(401)
    if (request.content_length or 0) > MOST_BYTES:
        abort(413)
    body = _body()
    row_id, organisation_id, _ = known
    event = _UNPRINTABLE.sub("", request.args.get("event", ""))
    kind = _UNPRINTABLE.sub("", request.content_type or "")
    write(
        lambda db: store_hook(db, now(), organisation_id, row_id, event=event, content_type=kind, body=body),
        nudge=False,
    )
    current().nudger(Wake.HOOKS)
    log.info("webhook stored: connection %s, event %r, %d bytes", connection_id, event, len(body))
    return Response(status=202)


def _body() -> bytes:
    """What was sent, read up to one byte more than is taken; a body in chunks says no length before."""
    body = b""
    while part := request.stream.read(MOST_BYTES + 1 - len(body)):
        body += part
        if len(body) > MOST_BYTES:
            abort(413)
    return body


def register(app: Flask) -> None:
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)


def _connection(public_id: UUID) -> tuple[int, int, bytes] | None:
    row = _CONNECTION.first(read(), {"public_id": public_id})
    return None if row is None else (row[0], row[1], row[2])
