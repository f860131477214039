"""The office: what waits, and the pages to deal with it (SPEC S8 to S11, S18, S19, S22; FACE, Office).

Each page is a module with a `blueprint`; the rail and the counts of every office page come from `web.office.frame`.
"""

from importlib import import_module
from importlib.util import find_spec

from flask import Flask

from web.office import frame

PAGES = (
    "founding",
    "today",
    "inbox",
    "several",
    "bookings",
    "new_booking",
    "calendar",
    "courses",
    "customers",
    "cases",
    "mails",
    "doors",
    "sites",
    "links",
    "link_calendars",
    "feeds",
    "settings",
)


def register(app: Flask) -> None:
    for page in PAGES:
        name = f"{__name__}.{page}"
        if find_spec(name) is not None:
            app.register_blueprint(import_module(name).blueprint)
    frame.set_up(app)
