"""What customers see: rooms and their free times, the request, its status, their calendar, the legal texts."""

from flask import Flask

from web.portal.asking import blueprint as asking
from web.portal.calendars import blueprint as calendars
from web.portal.changing import blueprint as changing
from web.portal.courses import blueprint as courses
from web.portal.frame import set_up
from web.portal.legal import blueprint as legal
from web.portal.rooms import blueprint as rooms
from web.portal.status import blueprint as status


def register(app: Flask) -> None:
    for pages in (rooms, courses, asking, status, changing, calendars, legal):
        app.register_blueprint(pages)
    set_up(app)
