"""Which of an account's calendars a link is for, chosen where its address is that of an account (SPEC C6)."""

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response

from booking.actions import link_wishes
from booking.actions.link_access import renew_access
from booking.reads.links import LinkPage, link_by
from booking.rules.permissions import Capability
from booking.values.links import LinkStatus
from booking.values.refusals import Refused
from web.access import require
from web.context import Wake, current
from web.i18n import gettext
from web.office import words
from web.request import actor, now, organisation_id, read, tools, write

blueprint = Blueprint("office_link_calendars", __name__, url_prefix="/office/links")


@blueprint.post("/<uuid:link>/calendar")
@require(Capability.LINKS)
def choose(link: UUID) -> Response:
    """Take one of the calendars that were found; where the link rests, it is planned anew. User and password stay."""
    page, url = link_by(read(), organisation_id(), link), request.form.get("calendar", "")
    back = redirect(url_for("office_links.show", link=link))
    if url not in {one["url"] for one in page.quirks.get("calendars", ())}:
        flash(gettext("Please choose one of these."), "stop")
        return back
    no = write(lambda db: _taken(db, page, url), nudge=False)
    if isinstance(no, Refused):
        flash(" ".join(words.refusal(no)), "stop")
        return redirect(url_for("office_links.settings", link=link))
    current().nudger(Wake.LINKS)
    flash(gettext("Saved. A worker tries it within the next seconds."), "ok")
    return back


def _taken(db: Session, page: LinkPage, url: str) -> Refused | None:
    mine, key = organisation_id(), page.line.link_id
    no = renew_access(db, now(), tools(), mine, actor(), key, url=url)
    if no is None and page.line.state is LinkStatus.PAUSED:
        link_wishes.ask_plan(db, now(), mine, key)
    return no
