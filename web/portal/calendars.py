"""The customer's own calendar under a secret address: made, named, shown, rotated, revoked by its owner (C1 to C4).

Who came by the link of a mail has proven to get the customer's mails, and gets the calendar of all of the customer's
bookings. Whoever else holds a link gets the calendar of that one booking, which shows nothing that the page does not.
"""

import io
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response as AnyResponse

from booking.actions import audit, feeds
from booking.reads.agenda import Whose
from booking.reads.feeds import FeedInfo, feeds_of
from booking.values.feeds import FeedChoices
from booking.values.refusals import Refused
from booking.values.states import SubjectKind, Variant
from booking.values.tokens import token_of
from web.access import public
from web.context import current
from web.i18n import gettext, language, translator
from web.limits import limited
from web.portal.frame import secret
from web.portal.links import Opened, open_link
from web.reasons import message
from web.request import house, now, read, tools, write

blueprint = Blueprint("portal_calendars", __name__)
SCALE, MARGIN = 6, 4


@blueprint.get("/b/<token>/calendar")
@public
def page(token: str) -> Response:
    opened = open_link(token)
    feed = _living(read(), opened)
    address = _address(feed) if feed else None
    zone = house().zone.key
    return secret(
        render_template(
            "portal/calendar.html",
            opened=opened,
            facts=opened.facts,
            feed=feed,
            address=address,
            webcal=_webcal(address) if address else None,
            code_hours=house().feed_code_hours if opened.by_mail else None,
            longest=feeds.LONGEST_NAME,
            fetches=[(fetch.client, translator().moment(fetch.at, zone)) for fetch in feed.fetches] if feed else [],
        )
    )


@blueprint.get("/b/<token>/calendar/qr.svg")
@public
def picture(token: str) -> Response:
    """The webcal address as a QR code, to subscribe with another device."""
    feed = _living(read(), open_link(token))
    if feed is None:
        abort(404)
    drawn = io.BytesIO()
    import segno

    segno.make(_webcal(_address(feed)), error="m").save(drawn, kind="svg", scale=SCALE, border=MARGIN, light="#fff")
    return secret(Response(drawn.getvalue(), mimetype="image/svg+xml"))


@blueprint.post("/b/<token>/calendar")
@public
@limited("30 per minute")
def make(token: str) -> AnyResponse:
    """One calendar is enough: a second press shows the first. Without a name it has the house's."""
    opened = open_link(token)
    name, spoken = request.form.get("name", "").strip() or house().name, language()

    def work(session: Session) -> object:
        return _living(session, opened) or feeds.make_feed(
            session,
            now(),
            tools().link_key,
            organisation_id=opened.facts.organisation_id,
            kind=_whose(opened).kind,
            target_id=_whose(opened).target_id,
            name=name,
            choices=FeedChoices(Variant.FULL, spoken),
            actor=audit.CUSTOMER,
        )

    return _back(token, write(work, nudge=False), gettext("Your calendar is ready."))


@blueprint.post("/b/<token>/calendar/rotate")
@public
@limited("30 per minute")
def rotate(token: str) -> AnyResponse:
    opened = open_link(token)
    mine = opened.facts.organisation_id

    def work(session: Session) -> object:
        feed = _living(session, opened)
        key = tools().link_key
        return feed and feeds.rotate(
            session, now(), key, organisation_id=mine, feed_id=feed.feed_id, actor=audit.CUSTOMER
        )

    done = gettext("The calendar has a new address. The old one no longer answers.")
    return _back(token, write(work, nudge=False), done)


@blueprint.post("/b/<token>/calendar/name")
@public
@limited("30 per minute")
def name_anew(token: str) -> AnyResponse:
    opened, name = open_link(token), request.form.get("name", "")
    mine = opened.facts.organisation_id

    def work(session: Session) -> object:
        feed = _living(session, opened)
        return feed and feeds.rename(
            session, now(), organisation_id=mine, feed_id=feed.feed_id, name=name, actor=audit.CUSTOMER
        )

    return _back(token, write(work, nudge=False), gettext("Your calendar has its new name."))


@blueprint.post("/b/<token>/calendar/revoke")
@public
@limited("30 per minute")
def revoke(token: str) -> AnyResponse:
    opened = open_link(token)
    mine = opened.facts.organisation_id

    def work(session: Session) -> object:
        feed = _living(session, opened)
        return feed and feeds.revoke(session, now(), organisation_id=mine, feed_id=feed.feed_id, actor=audit.CUSTOMER)

    return _back(token, write(work, nudge=False), gettext("The calendar is ended. Its address no longer answers."))


def _whose(opened: Opened) -> Whose:
    facts = opened.facts
    if opened.by_mail:
        return Whose(facts.organisation_id, SubjectKind.CUSTOMER, facts.customer_id)
    return Whose(facts.organisation_id, SubjectKind.BOOKING, facts.booking_id)


def _living(session: Session, opened: Opened) -> FeedInfo | None:
    """The newest that was not ended."""
    return next((feed for feed in feeds_of(session, _whose(opened)) if feed.revoked_at is None), None)


def _address(feed: FeedInfo) -> str:
    secret_part = token_of(tools().link_key, feed.public_id, feed.generation)
    return f"{current().settings.base_url}/feeds/{secret_part}.ics"


def _webcal(address: str) -> str:
    return f"webcal:{urlsplit(address)._replace(scheme='').geturl()}"


def _back(token: str, result: object, done: str) -> AnyResponse:
    if isinstance(result, Refused):
        flash(message(result.reasons[0]), "stop")
    elif result is not None:
        flash(done, "ok")
    return redirect(url_for("portal_calendars.page", token=token), 303)
